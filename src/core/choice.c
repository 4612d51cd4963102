/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparisons beside the kernel's; see choice.h.
 */
#include "choice.h"

const char *difference_name(enum difference d)
{
	switch (d) {
	case DIFFERENCE_NONE:
		return "none";
	case DIFFERENCE_RULES:
		return "rules";
	case DIFFERENCE_SORT:
		return "sort-by";
	case DIFFERENCE_YIELD:
		return "yield";
	case DIFFERENCE_FAMILY:
		return "family";
	case DIFFERENCE_WRITER:
		return "writer";
	}
	return "unknown";
}

bool choice_relieves(const struct process *p, uint64_t shortage_bytes)
{
	return process_expected_bytes(p) >= shortage_bytes;
}

/* select_bad_process(), which knows nothing of rules. */
static bool kernel_prefers(const struct process *a, const struct process *b)
{
	struct process bare_a = *a, bare_b = *b;

	bare_a.bias_pages = bare_b.bias_pages = 0;
	return process_beats(&bare_a, &bare_b, SORT_BY_BADNESS);
}

/* Who was put aside is not asked a second time by the kernel either (MMF_OOM_SKIP). */
static void note_kernels(struct choice *c, const struct process *p)
{
	if (p->verdict != VERDICT_ELIGIBLE && p->verdict != VERDICT_IGNORED)
		return;
	if (c->has_kernels && !kernel_prefers(p, &c->kernels))
		return;
	c->has_kernels = true;
	c->kernels = *p;
}

void choice_note(struct choice *c, const struct process *p, uint64_t shortage_bytes,
		 enum sort_by by)
{
	note_kernels(c, p);
	if (p->verdict != VERDICT_ELIGIBLE || p->oom_score_adj < 0 || p->bias_pages < 0 ||
	    !choice_relieves(p, shortage_bytes))
		return;
	if (c->has_relief && !process_beats(p, &c->relief, by))
		return;
	c->has_relief = true;
	c->relief = *p;
}

const struct process *choice_instead(const struct choice *c, const struct process *victim,
				     uint64_t shortage_bytes)
{
	if (!c->has_relief || victim->task_origin || victim->verdict != VERDICT_ELIGIBLE ||
	    choice_relieves(victim, shortage_bytes))
		return NULL;
	return &c->relief;
}

enum difference choice_difference(const struct choice *c, const struct process *victim,
				  uint64_t shortage_bytes, enum sort_by by)
{
	const struct process *k = &c->kernels;

	if (!c->has_kernels || victim->task_origin || victim->verdict != VERDICT_ELIGIBLE ||
	    process_id_equal(k->id, victim->id))
		return DIFFERENCE_NONE;
	if (k->verdict == VERDICT_IGNORED)
		return DIFFERENCE_RULES;
	if (by != SORT_BY_BADNESS)
		return DIFFERENCE_SORT;
	if (!choice_relieves(k, shortage_bytes) && choice_relieves(victim, shortage_bytes) &&
	    process_beats(k, victim, by))
		return DIFFERENCE_YIELD;
	return DIFFERENCE_RULES;
}
