/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rules of the configuration make of one process: whether it is ignored, and what is added
 * when it is compared with others. The first [Rule NAME] that matches decides alone; where none
 * does, the marks of its control group and Ignore=, Prefer= and Avoid= do.
 *
 * A rule's name and user are compared here, in a scan; what needs more than that was found out
 * ahead (sys/identity.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/process.h"
#include "sys/mark.h"
#include "sys/pattern.h"

/* What rules look at. */
struct ruling_facts {
	const char *comm;
	uid_t uid;
	uint64_t matched; /* of struct identity */
	enum mark mark;
};

struct ruling {
	bool ignore;
	bool avoid;	/* a part of what it holds is not counted */
	int points;	/* thousandths of memory and swap that are added */
	uint8_t source; /* enum rule_source */
};

/* @user: whose memory is used for it; each thread has its own. */
struct ruling ruling_find(const struct patterns *p, enum pattern_user user,
			  const struct ruling_facts *facts);

/* Whether one rule matches, whatever others stand before it. */
bool ruling_matches(const struct patterns *p, enum pattern_user user, unsigned rule,
		    const struct ruling_facts *facts);

/* Sets bias_pages and rule of @p, and returns its verdict. @patterns NULL: no rules. */
enum verdict ruling_apply(const struct patterns *patterns, const struct ruling_facts *facts,
			  uint64_t total_pages, struct process *p);

/* The most that any rule adds to anybody, in pages. 0: a scan need not look for such processes. */
int64_t ruling_lift_pages(const struct patterns *p, uint64_t total_pages);

enum ruling_lift {
	LIFT_NO,
	LIFT_PERHAPS, /* its name decides */
	LIFT_YES,
};

/*
 * Whether a process could be one of them; @matched from identity_guess(), @comm NULL: not read yet.
 */
enum ruling_lift ruling_may_lift(const struct patterns *p, uint64_t matched, const char *comm);
