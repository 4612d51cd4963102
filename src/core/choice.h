/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the choice of a victim may differ from the kernel's. oom_badness() rates a process by its
 * size and by what oom_score_adj adds, so a helper of 5 MB that was given 500 points dies before
 * the leak of gigabytes beside it, and after it the next one. With Select=relief a process that
 * cannot relieve the shortage is passed over while there is one that can. Whom the kernel would
 * have taken is kept beside it, so that a report can say so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "process.h"

enum select {
	SELECT_RELIEF, /* who relieves the shortage, of those the worst by badness */
	SELECT_KERNEL, /* the worst by badness, whatever it gives back */
};

/* Why the victim is not the one that the kernel would have taken. */
enum difference {
	DIFFERENCE_NONE,
	DIFFERENCE_RULES,  /* Prefer=, Avoid=, Ignore= and the like */
	DIFFERENCE_SORT,   /* SortBy=rss */
	DIFFERENCE_YIELD,  /* it holds too little */
	DIFFERENCE_FAMILY, /* a family holds more, and it is what grows */
	DIFFERENCE_WRITER, /* what grows is a tmpfs, and this is who fills it */
};

const char *difference_name(enum difference d);

struct choice {
	bool has_kernels, has_relief;
	struct process kernels; /* whom the kernel would take */
	struct process relief;	/* the best of those who relieve the shortage */
};

/* What the death of @p gives back ends the shortage. @shortage_bytes 0: nothing is known of one. */
bool choice_relieves(const struct process *p, uint64_t shortage_bytes);

/* Takes @p into account, which was read in full. */
void choice_note(struct choice *c, const struct process *p, uint64_t shortage_bytes,
		 enum sort_by by);

/*
 * Whom to take for @victim, the best of all; NULL: @victim itself. Somebody who is protected, by
 * a negative oom_score_adj or by Avoid=, never dies in the place of somebody who is not.
 */
const struct process *choice_instead(const struct choice *c, const struct process *victim,
				     uint64_t shortage_bytes);

enum difference choice_difference(const struct choice *c, const struct process *victim,
				  uint64_t shortage_bytes, enum sort_by by);
