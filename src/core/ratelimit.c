/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interval after the other, each with a burst of its own; see ratelimit.h.
 */
#include "ratelimit.h"

bool ratelimit_pass(struct ratelimit *r, uint64_t now_usec, unsigned *ret_left_out)
{
	if (!r->begun || now_usec < r->begin_usec || now_usec - r->begin_usec > r->interval_usec) {
		r->begun = true;
		r->begin_usec = now_usec;
		r->passed = 0;
	}
	if (r->passed >= r->burst) {
		r->left_out++;
		return false;
	}
	r->passed++;
	*ret_left_out = r->left_out;
	r->left_out = 0;
	return true;
}
