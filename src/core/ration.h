/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small share of the time for what is not urgent: some of each slot, and always one step more,
 * because only afterwards it is known what a step has taken. After that there is a whole slot for
 * everything else, however long the step was.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ration {
	uint64_t slot_usec; /* how long a slot is */
	uint64_t usec;	    /* of each */

	uint64_t begin_usec, spent_usec; /* of this slot */
};

/* Whether another step may begin. */
bool ration_is_left(struct ration *r, uint64_t now_usec);

/* A step took so long. */
void ration_spend(struct ration *r, uint64_t begin_usec, uint64_t end_usec);

/* When there is some again, if there is none now. */
uint64_t ration_next_usec(const struct ration *r);
