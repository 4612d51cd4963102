/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of samples: CLOCK_MONOTONIC in microseconds.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
