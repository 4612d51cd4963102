/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A slot begins with a step; one that is used up ends a slot's time after the last step of it has
 * ended. See ration.h.
 */
#include "ration.h"

#include "text.h"

bool ration_is_left(struct ration *r, uint64_t now_usec)
{
	if (u64_sub(now_usec, r->begin_usec) >= r->slot_usec) {
		r->begin_usec = now_usec;
		r->spent_usec = 0;
	}
	return r->spent_usec < r->usec;
}

void ration_spend(struct ration *r, uint64_t begin_usec, uint64_t end_usec)
{
	/* a step that the clock does not see is one too */
	r->spent_usec = u64_add(r->spent_usec, u64_max(u64_sub(end_usec, begin_usec), 1));
	if (r->spent_usec >= r->usec)
		r->begin_usec = end_usec;
}

uint64_t ration_next_usec(const struct ration *r)
{
	return u64_add(r->begin_usec, r->slot_usec);
}
