/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gathers relatives and has them weighed; see kin.h.
 */
#include "daemon/kin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "daemon/daemon.h"

/* To read one in full costs ten times what its score does, and all that is before the signal. */
#define RELATIVES_READ (4 * FAMILY_MAX)

/*
 * A kill is to last so long at the rate at which memory is used up. If it did not last a minute,
 * the next is to last twice as long: what is left of a family goes on, and all the faster where
 * slow swap has held it up.
 */
#define RELIEF_SEC     5
#define RELIEF_MAX_SEC 320
#define LASTED_USEC    (UINT64_C(60) * 1000000)

/* Who holds this share of memory and swap gives back enough at any rate. */
#define LARGE_DIVISOR 4

void kin_reserve(struct kin *k, unsigned processes)
{
	unsigned capacity = processes < UINT32_MAX / 2 ? processes + processes / 4 : processes;
	struct relative *relatives;

	/* when it fails the old size does, until it does not; more come while memory is short */
	(void)growth_reserve(&k->growth, capacity);
	if (processes <= k->capacity)
		return;
	relatives = malloc(capacity * sizeof(*relatives));
	if (!relatives)
		return;
	/* memory that is there already, and not when it is first needed */
	memset(relatives, 0, capacity * sizeof(*relatives));
	free(k->relatives);
	k->relatives = relatives;
	k->capacity = capacity;
	k->count = 0;
	k->found = false;
}

bool kin_is_of(const struct kin *k, struct process_id victim)
{
	return k->found && process_id_equal(k->relatives[0].id, victim);
}

void kin_taken(struct kin *k, uint64_t now_usec)
{
	k->taken_sec = k->relief_sec;
	k->taken_usec = now_usec;
}

void kin_collect(struct daemon *d, const struct sample *now)
{
	growth_collect(&d->kin.growth, d->prefetch.notes_fd, now->time_usec,
		       sample_reserve_bytes(now));
}

/*
 * Whose oom_score_adj is negative is protected: his growth counts, but he is of no family. What
 * grew less than a page of a note did not grow.
 */
static void add_relative(void *userdata, const struct process *p)
{
	struct kin *k = userdata;
	const struct badness *b = &p->badness;
	uint64_t bytes = process_expected_bytes(p), grown;

	if (p->verdict == VERDICT_GONE || p->verdict == VERDICT_NO_MM)
		return;
	grown = growth_of(k->base, p->id.pid, bytes);
	k->grown_bytes = u64_add(k->grown_bytes, grown);
	if (p->verdict != VERDICT_ELIGIBLE || p->oom_score_adj < 0 || grown == 0 ||
	    k->count == k->capacity)
		return;
	k->relatives[k->count++] = (struct relative){
		.id = p->id,
		.ppid = p->ppid,
		.pgrp = p->pgrp,
		.uid = p->uid,
		.name = family_name(p->comm),
		.bytes = bytes,
		.grown_bytes = grown,
		.held_pages = b->rss_pages + b->swap_pages + b->pgtables_pages,
		.adj_pages = b->adj_pages,
		.bias_pages = p->bias_pages,
	};
}

/* The largest of the family stands for it, if it is still who it was. */
static bool take_victim(struct daemon *d, const struct scan_request *request)
{
	struct process p;

	scan_process(d->proc_fd, d->kin.relatives[0].id.pid, request, &p);
	if (p.verdict != VERDICT_ELIGIBLE || !process_id_equal(p.id, d->kin.relatives[0].id))
		return false;
	scan_set_victim(&d->scan, &p, request->sort_by);
	return true;
}

static unsigned relief_sec(const struct kin *k, uint64_t now_usec)
{
	if (k->taken_usec == 0 || u64_sub(now_usec, k->taken_usec) >= LASTED_USEC)
		return RELIEF_SEC;
	return k->taken_sec < RELIEF_MAX_SEC ? k->taken_sec * 2 : RELIEF_MAX_SEC;
}

static bool may_be_replaced(const struct daemon *d, const struct scan_request *request)
{
	const struct process *victim = &d->scan.victim;

	return request->select == SELECT_RELIEF && request->shortage_bytes > 0 && d->scan.found &&
	       victim->verdict == VERDICT_ELIGIBLE && !victim->task_origin;
}

/* It gives back enough, and half of what has gone has gone to it: no family has to be looked for.
 */
static bool is_the_answer(const struct daemon *d, const struct scan_request *request, uint64_t need,
			  uint64_t gone)
{
	const struct process *victim = &d->scan.victim;
	uint64_t total = u64_mul(request->total_pages, (uint64_t)sysconf(_SC_PAGESIZE));
	uint64_t bytes = process_expected_bytes(victim);

	return bytes >= u64_min(need, total / LARGE_DIVISOR) &&
	       growth_of(d->kin.base, victim->id.pid, bytes) >= gone / 2;
}

void kin_find(struct daemon *d, const struct scan_request *request, const struct sample *now,
	      uint64_t consumed_bytes)
{
	const struct process *victim = &d->scan.victim;
	struct kin *k = &d->kin;
	struct family_need need;
	uint64_t bytes, gone;

	k->found = false;
	k->relief_sec = relief_sec(k, now->time_usec);
	bytes = u64_add(request->shortage_bytes, u64_mul(consumed_bytes, k->relief_sec));
	if (!may_be_replaced(d, request))
		return;
	kin_collect(d, now);
	k->base = growth_base(&k->growth, now->time_usec);
	if (!k->base)
		return;
	gone = u64_sub(k->base->reserve_bytes, sample_reserve_bytes(now));
	if (is_the_answer(d, request, bytes, gone))
		return;
	k->count = 0;
	k->grown_bytes = 0;
	scanner_visit_largest(d->scanner, request,
			      (int64_t)(bytes / FAMILY_MAX / (uint64_t)sysconf(_SC_PAGESIZE)),
			      RELATIVES_READ, add_relative, k);
	need = (struct family_need){
		.bytes = bytes,
		.grown_bytes = u64_max(k->grown_bytes, gone),
		.rival_points = victim->badness.points + victim->bias_pages,
		.rival_bytes = process_expected_bytes(victim),
	};
	k->found = family_find(k->relatives, k->count, &need, &k->family) &&
		   take_victim(d, request);
}
