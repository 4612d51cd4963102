/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Victims that were killed, do not die and were put aside: what each of them still holds, and
 * whether it has died after all. As long as that is what the shortage is made of, a kill of
 * somebody tiny gives nothing back. The reaper tries once more every second.
 */
#pragma once

#include <stdint.h>

#include "sys/reaper.h"
#include "sys/victim.h"

#define STUCK_MAX 8

struct daemon;

struct stuck_victim {
	struct victim victim;
	char comm[COMM_SIZE];
	uint64_t bytes;		    /* that it holds, as far as is known */
	unsigned reaps_pending;	    /* so that one that blocks the reaper does so once, ... */
	struct process_id asked[2]; /* ... for whom: it, or who shares its memory */
	uint64_t next_reap_usec;
};

struct stuck {
	unsigned count;
	struct stuck_victim victims[STUCK_MAX]; /* the newest last */
};

/*
 * Those of the kill that is ending who are still there, each memory once: takes hold of them.
 * Forgets the oldest of many.
 */
void stuck_add(struct daemon *d, uint64_t now_usec);

/* Lets go of the dead, and has the others tried again. What they hold together. */
uint64_t stuck_look(struct daemon *d, uint64_t now_usec);

/* A result of the reaper, which may be of one of them. */
void stuck_reaped(struct stuck *s, const struct reap_result *result);

/* Who holds most; NULL: there is nobody. */
const struct stuck_victim *stuck_largest(const struct stuck *s);
