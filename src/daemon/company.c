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
}

int company_gather(struct daemon *d, const struct process *victim)
{
	struct company *c = &d->company;
	pid_t candidates[SHARERS_CANDIDATES], pids[SHARERS_MAX];
	unsigned count = scanner_alike(d->scanner, victim, candidates, SHARERS_CANDIDATES);
	int r = 0;

	company_dismiss(c);
	count = sharers_find(&d->sharers, victim->mm_tid, candidates, count, pids);
	for (unsigned i = 0; i < count; i++) {
		if (pids[i] == 1)
			r = -EBUSY;
		else if (pids[i] != getpid() &&
			 victim_hold(d->proc_fd, pids[i], &c->members[c->count]) >= 0)
			c->count++;
	}
	return r;
}

unsigned company_signal(struct daemon *d, int signal)
{
	const struct company *c = &d->company;
	unsigned signalled = 0;

	for (unsigned i = 0; i < c->count; i++)
		signalled += victim_signal(&c->members[i], signal) >= 0;
	/* not after SIGTERM: those with a handler would keep the reapers from the victim */
	for (unsigned i = 0; i < c->count && signal == SIGKILL; i++)
		(void)reaper_submit(&d->reaper, &c->members[i]);
	return signalled;
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
	for (unsigned i = 0; i < d->company.count; i++)
		scanner_put_aside(d->scanner, d->company.members[i].id);
}
