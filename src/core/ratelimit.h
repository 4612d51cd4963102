/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * So many in so much time and no more, and how many were left out: lib/ratelimit.c of the kernel,
 * which keeps a log readable where the same is said again and again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ratelimit {
	uint64_t interval_usec;
	unsigned burst;

	bool begun;
	uint64_t begin_usec;
	unsigned passed, left_out;
};

/*
 * Whether this one passes. @ret_left_out: how many did not since the last one that did; not written
 * when it does not pass.
 */
bool ratelimit_pass(struct ratelimit *r, uint64_t now_usec, unsigned *ret_left_out);
