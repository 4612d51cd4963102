/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of samples, and the one on the wall, in microseconds.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_usec(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline uint64_t clock_now_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}
