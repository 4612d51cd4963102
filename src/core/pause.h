/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oom_killer_disable() of mm/oom_kill.c for an administrator: from the moment it is asked for there
 * is no new victim; those in flight are waited for, and if they have not gone by a deadline it is
 * refused, and everything is as before. Pure, as the policy is, which is told to stand aside.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum pause_state { PAUSE_OFF, PAUSE_WAITING, PAUSE_ON };

#define PAUSE_FOR_EVER UINT64_MAX

/* A pause may be waited for this long. */
#define PAUSE_TIMEOUT_MAX_USEC (60 * UINT64_C(1000000))

/* All 0: off. */
struct pause {
	enum pause_state state;
	uint64_t until_usec;	/* PAUSE_FOR_EVER: until pause_end() */
	uint64_t deadline_usec; /* while waiting */
};

enum pause_event {
	PAUSE_UNCHANGED,
	PAUSE_BEGUN,   /* nobody is in flight any more */
	PAUSE_REFUSED, /* somebody still is */
	PAUSE_EXPIRED, /* its time is over */
};

/*
 * Asks for it from @now_usec on, for @time_usec or PAUSE_FOR_EVER. A pause that holds already holds
 * for this time instead.
 */
void pause_begin(struct pause *p, uint64_t now_usec, uint64_t time_usec, uint64_t timeout_usec);

/* Whether there was one to end. */
bool pause_end(struct pause *p);

/* To be called with each sample. */
enum pause_event pause_step(struct pause *p, uint64_t now_usec, bool in_flight);

/* When pause_step() has something to say at the latest, if nothing else happens. */
uint64_t pause_next_usec(const struct pause *p);

static inline bool pause_stands_aside(const struct pause *p)
{
	return p->state != PAUSE_OFF;
}
