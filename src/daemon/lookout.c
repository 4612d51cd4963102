/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to look at everybody, and what a first look is told of; see lookout.h.
 */
#include "daemon/lookout.h"

#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "daemon/daemon.h"
#include "daemon/message-id.h"

/* How old what is known of processes may become while memory is becoming short. */
#define LOOK_INTERVAL_USEC (10 * UINT64_C(1000000))

/* It is becoming short when all would be gone so soon. */
#define EXHAUSTED_SOON_USEC (30 * UINT64_C(1000000))

/* Of the rules that match nobody so many are named. */
#define NAMES_SHOWN 40

/* For a look that is over sooner as a rule: it takes some 20 µs a process. */
#define START_WAIT_MSEC	 500
#define RELOAD_WAIT_MSEC 100

static void look(struct daemon *d)
{
	struct lookout *l = &d->lookout;
	int r = identities_submit(&l->identities, d->settings.patterns,
				  scan_count_processes(d->proc_fd),
				  l->census_due && patterns_want_census(d->settings.patterns));

	/* else with the next look: when this one is done, or memory is short */
	if (r >= 0)
		l->census_due = false;
}

static void note_idle_rules(struct daemon *d, const struct identity_book *b)
{
	const struct rule_set *rules = patterns_rules(b->patterns);
	char names[NAMES_SHOWN * (RULE_NAME_SIZE + 2) + 1] = "";
	unsigned idle = 0;
	size_t used = 0;

	for (unsigned i = 0; i < rules->count; i++) {
		if (b->census.matched[i] > 0 || idle++ >= NAMES_SHOWN)
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used > 0 ? ", " : "", rules->rules[i].name);
	}
	if (idle == 0)
		return;
	daemon_note(d, LOG_NOTICE, MESSAGE_ID_RULES, "%u of %u rules match%s nobody now: %s%s",
		    idle, rules->count, idle == 1 ? "es" : "", names,
		    idle > NAMES_SHOWN ? " and others" : "");
}

static void note_nobody_left(struct daemon *d, const struct identity_book *b)
{
	const struct identity_census *c = &b->census;
	const struct rule_set *rules = patterns_rules(b->patterns);

	if (c->processes == 0 || c->ignored < c->processes)
		return;
	for (unsigned i = 0; i < rules->count; i++) {
		if (c->ignored_by[i] < c->processes)
			continue;
		daemon_note(d, LOG_WARNING, MESSAGE_ID_RULES,
			    "[Rule %s] ignores everybody: nobody can be killed",
			    rules->rules[i].name);
		return;
	}
	daemon_note(d, LOG_WARNING, MESSAGE_ID_RULES,
		    "the rules together ignore everybody: nobody can be killed");
}

static void take_result(struct daemon *d)
{
	const struct identity_book *b;

	if (!identities_result(&d->lookout.identities))
		return;
	b = identities_book(&d->lookout.identities);
	if (b->census.wanted && !b->stale) {
		note_idle_rules(d, b);
		note_nobody_left(d, b);
	}
	if (d->lookout.census_due)
		look(d);
}

static int on_looked(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	take_result(userdata);
	return 0;
}

/* Rules should count from the first scan on; but nobody is waited for without a bound. */
static void look_and_wait(struct daemon *d, int timeout_msec)
{
	struct pollfd result = {.fd = d->lookout.identities.result_fd, .events = POLLIN};

	d->lookout.census_due = true;
	look(d);
	if (poll(&result, 1, timeout_msec) > 0)
		take_result(d);
}

/* A thrash comes to soft without a warning: so also when time begins to be lost. */
static bool may_be_needed_soon(const struct daemon *d)
{
	return d->policy.announced_level >= LEVEL_WARNING || d->look_closer ||
	       d->exhausted_usec < EXHAUSTED_SOON_USEC;
}

void lookout_keep_fresh(struct daemon *d, uint64_t now_usec)
{
	/* while one is dying it would take the CPU that this one goes away on */
	if (now_usec < d->lookout.next_look_usec || d->kill.active || !may_be_needed_soon(d))
		return;
	d->lookout.next_look_usec = now_usec + LOOK_INTERVAL_USEC;
	prefetch_submit(&d->prefetch);
	look(d);
}

int lookout_start(struct daemon *d)
{
	int r = sd_event_add_io(d->event, NULL, d->lookout.identities.result_fd, EPOLLIN, on_looked,
				d);

	if (r < 0)
		return r;
	look_and_wait(d, START_WAIT_MSEC);
	return 0;
}

void lookout_reload(struct daemon *d, struct patterns *old)
{
	identities_retire(&d->lookout.identities, old);
	look_and_wait(d, RELOAD_WAIT_MSEC);
}
