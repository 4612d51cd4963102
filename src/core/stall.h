/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thrash: how much of the last StallWindow= was lost to stalls, and what for. Pure, as all of the
 * policy, which asks it with each sample.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "memory.h"

#define STALL_SLOTS 32

/* All 0 at the beginning. */
struct stall_history {
	struct stall_slot {
		uint64_t time_usec;
		uint64_t lost_usec; /* since boot, as the two below */
		bool has_reclaim;
		uint64_t refaults, reclaimed, swapped_out; /* pages */
		uint64_t refaults_file, activated_file;
		uint64_t io_usec; /* as lost_usec, to I/O */
		bool has_others;
		struct others others;
	} slots[STALL_SLOTS]; /* ring over the stall window */
	unsigned head, count;
	bool has_reclaim; /* of the last vmstat */
	uint64_t refaults, reclaimed, swapped_out, io_usec, reclaim_usec;
	uint64_t refaults_file, activated_file;
};

enum stalled {
	STALLED_NOT,
	STALLED_IDLY,	/* too much, but next to nothing of what was taken is needed again */
	STALLED_NEEDED, /* too much, for memory that is missing */
};

/* What the stalls within the window say. */
struct stall {
	uint64_t permyriad; /* of the window lost */
	enum stalled stalled;
	bool scarce;	 /* little is available, or all of that is needed */
	bool ask_groups; /* enough of it to look who has lost it */
	bool others;	 /* not of the machine, but of somebody who is not the worst */
};

/* Stalls up to here do not count any more: they were a victim's, or of another window. */
void stalls_forget(struct stall_history *h);

/* @low_bytes: so much available is little. */
struct stall stalls_judge(struct stall_history *h, const struct config *config,
			  const struct sample *s, uint64_t low_bytes);

/*
 * Whether the next sample should have vmstat in it. Reading it is worth its cost once enough time
 * is lost to ask what for; and once a second or so while little is available, for what is lost to
 * I/O alone does not show otherwise. @permyriad: of the last judgement.
 */
bool stalls_look_closer(const struct stall_history *h, const struct config *config,
			const struct sample *s, uint64_t low_bytes, uint64_t permyriad);
