/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of stuck.h.
 */
#include "daemon/stuck.h"

#include <errno.h>
#include <string.h>

#include "core/text.h"
#include "daemon/daemon.h"

#define RETRY_USEC UINT64_C(1000000)

static void remove_at(struct stuck *s, unsigned i)
{
	victim_close(&s->victims[i].victim);
	s->count--;
	memmove(&s->victims[i], &s->victims[i + 1], (s->count - i) * sizeof(s->victims[0]));
}

static void note_result(struct stuck_victim *v, const struct reap_result *result)
{
	if (reap_is_over(result))
		v->bytes = result->has_memory ? result->rss_anon_bytes : 0;
}

/* Takes @victim from whoever holds it. */
static struct stuck_victim *add(struct stuck *s, struct victim *victim, uint64_t bytes)
{
	struct stuck_victim *v;

	if (s->count == STUCK_MAX)
		remove_at(s, 0);
	v = &s->victims[s->count++];
	*v = (struct stuck_victim){.victim = *victim, .bytes = bytes};
	*victim = VICTIM_CLOSED;
	return v;
}

static bool hangs(const struct victim *v)
{
	return v->pidfd >= 0 && !victim_is_dead(v);
}

/* Of several with one memory it is noted with one of them. */
static void add_leader(struct daemon *d, uint64_t bytes, uint64_t next_reap_usec)
{
	const struct report_kill *record = &d->kill.record;
	struct company *c = &d->company;
	const struct victim *pending = company_pending_sharer(c);
	struct process_id asked = pending ? pending->id : (struct process_id){};
	struct victim *victim = &d->kill.victim;
	struct stuck_victim *v;
	unsigned sharer = 0;

	if (!hangs(victim)) {
		while (sharer < c->sharers && !hangs(&c->members[sharer]))
			sharer++;
		if (sharer == c->sharers)
			return;
		victim = &c->members[sharer];
	}
	v = add(&d->stuck, victim, bytes);
	v->next_reap_usec = next_reap_usec;
	memcpy(v->comm, record->victim.comm, sizeof(v->comm));
	v->reaps_pending = d->kill.reaps_pending + (pending != NULL);
	v->asked[0] = record->victim.id;
	v->asked[1] = asked;
	if (record->reap_done && process_id_equal(v->victim.id, record->victim.id))
		note_result(v, &record->reap);
}

void stuck_add(struct daemon *d, uint64_t now_usec)
{
	const struct report_kill *record = &d->kill.record;
	uint64_t own = u64_min(process_expected_bytes(&record->victim), record->expected_bytes);
	struct company *c = &d->company;

	for (unsigned i = c->sharers; i < c->count; i++) {
		struct stuck_victim *v;

		if (c->released[i] || !hangs(&c->members[i]))
			continue;
		v = add(&d->stuck, &c->members[i],
			(record->expected_bytes - own) / u64_max(record->family_size, 1));
		memcpy(v->comm, record->victim.comm, sizeof(v->comm)); /* a family has one mostly */
		v->asked[0] = v->victim.id;
		v->reaps_pending = c->pending[i];
		v->next_reap_usec = now_usec + RETRY_USEC;
	}
	add_leader(d, own, now_usec + RETRY_USEC);
}

uint64_t stuck_look(struct daemon *d, uint64_t now_usec)
{
	struct stuck *s = &d->stuck;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < s->count;) {
		struct stuck_victim *v = &s->victims[i];

		if (victim_is_dead(&v->victim)) {
			remove_at(s, i);
			continue;
		}
		if (v->reaps_pending == 0 && v->bytes > 0 && now_usec >= v->next_reap_usec &&
		    reaper_submit(&d->reaper, &v->victim) >= 0) {
			v->asked[0] = v->victim.id;
			v->reaps_pending++;
			v->next_reap_usec = now_usec + RETRY_USEC;
		}
		bytes = u64_add(bytes, v->bytes);
		i++;
	}
	return bytes;
}

void stuck_reaped(struct stuck *s, const struct reap_result *result)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct stuck_victim *v = &s->victims[i];

		if (process_id_equal(v->asked[0], result->id) ||
		    process_id_equal(v->asked[1], result->id))
			v->reaps_pending -= v->reaps_pending > 0;
		if (process_id_equal(v->victim.id, result->id))
			note_result(v, result);
	}
}

const struct stuck_victim *stuck_largest(const struct stuck *s)
{
	const struct stuck_victim *largest = NULL;

	for (unsigned i = 0; i < s->count; i++) {
		if (!largest || s->victims[i].bytes > largest->bytes)
			largest = &s->victims[i];
	}
	return largest;
}
