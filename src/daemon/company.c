/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The company of a victim; see company.h.
 */
#include "daemon/company.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "daemon/daemon.h"

void company_dismiss(struct company *c)
{
	while (c->count > 0)
		victim_close(&c->members[--c->count]);
	c->sharers = c->sharers_reaped = c->relatives_reaped = 0;
	c->dying = false;
}

static void add(struct company *c, struct victim member)
{
	c->pending[c->count] = c->released[c->count] = false;
	c->members[c->count++] = member;
}

int company_gather(struct daemon *d, const struct process *victim)
{
	struct company *c = &d->company;
	pid_t candidates[SHARERS_CANDIDATES], pids[SHARERS_MAX];
	unsigned count = scanner_alike(d->scanner, victim, candidates, SHARERS_CANDIDATES);
	struct victim held;
	int r = 0;

	company_dismiss(c);
	count = sharers_find(&d->sharers, victim->mm_tid, candidates, count, pids);
	for (unsigned i = 0; i < count; i++) {
		if (pids[i] == 1)
			r = -EBUSY;
		else if (pids[i] != getpid() && victim_hold(d->proc_fd, pids[i], &held) >= 0)
			add(c, held);
	}
	c->sharers = c->count;
	return r;
}

bool company_has(const struct company *c, struct process_id id)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (process_id_equal(c->members[i].id, id))
			return true;
	}
	return false;
}

bool company_lives_on(const struct daemon *d)
{
	const struct company *c = &d->company;
	const struct scan_request request = {.total_pages = d->kill.record.total_pages};
	struct process p;

	for (unsigned i = 0; i < c->sharers; i++) {
		scan_process(d->proc_fd, c->members[i].id.pid, &request, &p);
		if (p.verdict != VERDICT_DYING && p.verdict != VERDICT_NO_MM &&
		    p.verdict != VERDICT_GONE)
			return true;
	}
	return false;
}

void company_join(struct company *c, const struct relative *relatives, unsigned count,
		  struct process_id victim)
{
	struct victim relative = VICTIM_CLOSED;

	for (unsigned i = 0; i < count && i < FAMILY_MAX; i++) {
		if (process_id_equal(relatives[i].id, victim) || company_has(c, relatives[i].id))
			continue;
		relative.id = relatives[i].id;
		add(c, relative);
	}
}

/* False: it has gone, or cannot be held, and is no member any more. */
static bool hold(struct daemon *d, unsigned i)
{
	struct company *c = &d->company;

	if (c->members[i].pidfd >= 0 ||
	    victim_open(d->proc_fd, c->members[i].id, &c->members[i]) >= 0)
		return true;
	c->members[i] = c->members[--c->count];
	return false;
}

const struct victim *company_pending_sharer(const struct company *c)
{
	for (unsigned i = 0; i < c->sharers; i++) {
		if (c->pending[i])
			return &c->members[i];
	}
	return NULL;
}

/* False: the reaper takes no more now. */
static bool submit(struct daemon *d, unsigned i)
{
	struct company *c = &d->company;

	c->pending[i] = reaper_submit(&d->reaper, &c->members[i]) >= 0;
	return c->pending[i];
}

static void feed_reaper(struct daemon *d)
{
	struct company *c = &d->company;

	/* not after SIGTERM: those with a handler would keep the reapers from the victim */
	if (!c->dying)
		return;
	if (c->sharers_reaped < c->sharers && d->kill.reaps_pending == 0 &&
	    !company_pending_sharer(c) && submit(d, c->sharers_reaped))
		c->sharers_reaped++;
	while (c->relatives_reaped < c->count - c->sharers &&
	       submit(d, c->sharers + c->relatives_reaped))
		c->relatives_reaped++;
}

void company_signal(struct daemon *d, int signal, unsigned *ret_sharers, unsigned *ret_relatives)
{
	struct company *c = &d->company;

	*ret_sharers = 0;
	*ret_relatives = 0;
	for (unsigned i = 0; i < c->count;) {
		if (!hold(d, i))
			continue;
		if (victim_signal(&c->members[i], signal) >= 0)
			++*(i < c->sharers ? ret_sharers : ret_relatives);
		i++;
	}
	c->dying = signal == SIGKILL;
	c->sharers_reaped = c->relatives_reaped = 0;
	feed_reaper(d);
}

void company_reaped(struct daemon *d, const struct reap_result *result)
{
	struct company *c = &d->company;

	for (unsigned i = 0; i < c->count; i++) {
		if (!process_id_equal(c->members[i].id, result->id))
			continue;
		c->released[i] = reap_is_over(result);
		c->pending[i] = false;
	}
	feed_reaper(d);
}

static bool have_let_go(const struct company *c, unsigned begin, unsigned end)
{
	for (unsigned i = begin; i < end; i++) {
		if (!c->released[i] && !victim_is_dead(&c->members[i]))
			return false;
	}
	return true;
}

bool company_is_released(const struct company *c)
{
	return have_let_go(c, c->sharers, c->count);
}

bool company_sharers_let_go(const struct company *c)
{
	return have_let_go(c, 0, c->sharers);
}

bool company_is_dead(const struct company *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (!victim_is_dead(&c->members[i]))
			return false;
	}
	return true;
}

void company_put_aside(struct daemon *d)
{
	for (unsigned i = 0; i < d->company.count; i++) {
		const struct victim *member = &d->company.members[i];

		/* nobody has tried to end who is not held: the leader was refused */
		if (member->pidfd >= 0 && !victim_is_dead(member))
			scanner_put_aside(d->scanner, member->id);
	}
}
