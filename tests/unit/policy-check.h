/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for every step of the policy, whatever it is shown. It keeps books of its own and
 * looks at the actions alone, so that a wrong state inside the policy cannot excuse a wrong action.
 * The property tests and the fuzzer drive it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/policy.h"

struct policy_check {
	struct policy policy;
	bool in_flight; /* a victim was named and has not been done with */
	bool killed;	/* with SIGKILL */
	bool barren;	/* said in this shortage */
	enum level told;
	enum reason told_reason;
	bool has_last;
	uint64_t last_usec;
	uint64_t not_below_usec; /* when the level was last what was told, or above */
	bool doubts;		 /* the level was below what was measured, ... */
	uint64_t doubts_since_usec;
};

void policy_check_init(struct policy_check *c, const struct config *config,
		       uint64_t fill_rate_bytes);

/* One step. What does not hold is the result; NULL when all is well. */
const char *policy_check_step(struct policy_check *c, const struct observation *o,
			      struct action *ret);
