/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefer=, Avoid= and Ignore= as compiled regular expressions. Matching allocates nothing and is
 * bounded: memory is taken beforehand and the number of steps is small, so that a pattern that
 * backtracks for ever costs a fixed time and counts as no match.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"

struct patterns;

/* Complains through @l about a pattern that does not compile. NULL: out of memory or mistakes. */
struct patterns *patterns_new(struct config_loader *l);
void patterns_free(struct patterns *p);

struct pattern_verdict {
	bool prefer;
	bool avoid;
	bool ignore;
};

struct pattern_verdict patterns_match(const struct patterns *p, const char *comm);

/* Whether any process could be preferred: a scan then has to look further down. */
bool patterns_can_prefer(const struct patterns *p);
