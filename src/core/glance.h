/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What spares an idle machine its samples. While all is calm and so much memory is entirely free
 * that no limit can be near, one system call that reads two numbers (sysinfo(2)) takes the place of
 * a sample. Free memory is less than what is available, but for what the kernel keeps back for
 * itself (its watermarks): whoever has enough of it beside that has enough.
 */
#pragma once

#include "policy.h"

/* What the kernel says in passing. */
struct glance {
	uint64_t time_usec; /* as in struct sample */
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t swap_total_bytes;
};

/* All zero before the first sample. */
struct calm {
	uint64_t sample_usec; /* of the last whole sample */
	uint64_t total_bytes; /* that it saw */
	uint64_t swap_total_bytes;
	uint64_t soft_bytes; /* the limit, in free memory */
	bool has_before;
	struct glance before;
};

/* After each sample. */
void calm_note_sample(struct calm *c, const struct config *config, const struct sample *s);

/*
 * Whether a glance is enough for now; then @ret_next_usec is when to look again. The policy learns
 * from it how fast memory is used up.
 */
bool calm_glance(struct calm *c, struct policy *p, const struct glance *now,
		 uint64_t *ret_next_usec);
