/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the policy show it: a machine of 1000 MiB, where a percent is 10 MiB: soft at
 * 100, hard at 50, warning at 150.
 */
#pragma once

#include <stdint.h>

#include "core/config.h"
#include "core/policy.h"

#define MSEC UINT64_C(1000)
#define SEC  UINT64_C(1000000)
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)
#define TIB  (UINT64_C(1) << 40)

/* Nothing may depend on the clock beginning at 0. */
#define START (UINT64_C(5000) * SEC)

/* The defaults and these lines. */
struct config config_of(const char *lines);

struct observation seen(uint64_t time_usec, uint64_t available, uint64_t swap_total,
			uint64_t swap_free);

struct stalls {
	struct config config;
	struct policy policy;
	struct observation o;
	uint64_t announcements;
};

void stalls_init(struct stalls *s, const char *config_lines, uint64_t available);

/* Ten samples a second for @usec, of which @permyriad are lost; the last action. */
struct action stalls_go(struct stalls *s, uint64_t usec, uint64_t permyriad);
