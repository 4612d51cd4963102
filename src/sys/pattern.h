/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefer=, Avoid= and Ignore= and the rules of the configuration, ready to be compared: regular
 * expressions compiled, names of users looked up. Matching allocates nothing and is bounded: memory
 * is taken beforehand and the number of steps is small, so that a pattern that backtracks for ever
 * costs a fixed time and counts as no match.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"

struct patterns;

/* Who matches: each has memory of its own for it, so that both can at the same time. */
enum pattern_user { PATTERN_USER_LOOP, PATTERN_USER_THREAD, PATTERN_USERS };

/*
 * Complains through @l about a pattern that does not compile and a user who does not exist. NULL:
 * out of memory or mistakes.
 */
struct patterns *patterns_new(struct config_loader *l);
void patterns_free(struct patterns *p);

struct pattern_verdict {
	bool prefer;
	bool avoid;
	bool ignore;
};

struct pattern_verdict patterns_match(const struct patterns *p, enum pattern_user user,
				      const char *comm);

/* Whether any process could be preferred by its name: a scan then has to look further down. */
bool patterns_can_prefer(const struct patterns *p);

/* Whether anybody could be ignored, or there is a rule that might match nobody. */
bool patterns_want_census(const struct patterns *p);

const struct rule_set *patterns_rules(const struct patterns *p);

/*
 * Of the rules, as bits, those of which something has to be found out ahead (sys/identity.h), and
 * among them those for which that is the user too: who is lifted by his user alone would otherwise
 * be found only by reading everybody in full.
 */
uint64_t patterns_need_look(const struct patterns *p);
uint64_t patterns_need_user(const struct patterns *p);

/* True also when the rule has no Name=. */
bool patterns_match_rule(const struct patterns *p, enum pattern_user user, unsigned rule,
			 const char *comm);
