/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who dies with a victim. Those who share its memory: found before the signal, held, signalled with
 * it, and put aside with it; without them the memory would stay where it is. And those of its
 * family that are chosen together with it: each is held when its signal is due, because to hold all
 * of them first would keep the first signal waiting.
 */
#pragma once

#include <stdbool.h>

#include "core/family.h"
#include "core/process.h"
#include "sys/reaper.h"
#include "sys/sharers.h"
#include "sys/victim.h"

struct daemon;

struct company {
	unsigned count;
	unsigned sharers; /* the first of the members */
	bool dying;	  /* they were killed */
	/* members that the reaper has been told of, of the sharers one at a time */
	unsigned sharers_reaped, relatives_reaped;
	struct victim members[SHARERS_MAX + FAMILY_MAX];
	bool pending[SHARERS_MAX + FAMILY_MAX];	 /* the reaper's word is still to come, ... */
	bool released[SHARERS_MAX + FAMILY_MAX]; /* ... and was that the memory is back */
};

/*
 * Takes hold of all who share @victim's memory, in place of any company before. -EBUSY when init
 * does: nobody's death would free it. Then they are held all the same, to be put aside.
 */
int company_gather(struct daemon *d, const struct process *victim);

/* The relatives of a victim, itself left out, die with it too. */
void company_join(struct company *c, const struct relative *relatives, unsigned count,
		  struct process_id victim);

bool company_has(const struct company *c, struct process_id id);

/*
 * Signals them, and returns how many who share the memory and how many relatives it was. What is
 * killed is handed to the reaper too: the victim may be gone before its memory can be released
 * through it.
 */
void company_signal(struct daemon *d, int signal, unsigned *ret_sharers, unsigned *ret_relatives);

/*
 * A result of the reaper: it is handed the next. Its queue is short, and those who share the
 * victim's memory share its lock: of them and the victim one is handed at a time.
 */
void company_reaped(struct daemon *d, const struct reap_result *result);

/* Somebody who shares the victim's memory is not dying, so that it would not come back. */
bool company_lives_on(const struct daemon *d);

/* The one of those who share the memory whom the reaper is at; NULL: none. */
const struct victim *company_pending_sharer(const struct company *c);

/* No relative has memory any more; nobody who shared the victim's has that. */
bool company_is_released(const struct company *c);
bool company_sharers_let_go(const struct company *c);

bool company_is_dead(const struct company *c);

/* Whoever of them was signalled, or shares the victim's memory, is not chosen from now on. */
void company_put_aside(struct daemon *d);

void company_dismiss(struct company *c);
