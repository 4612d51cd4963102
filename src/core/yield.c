/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgements of yield.h.
 */
#include "yield.h"

#include "text.h"

#define STUCK_USEC (30 * UINT64_C(1000000))

/* Tiny is less than this share of either. */
#define TINY_DIVISOR 8
/* And less than this share of the soft limit is no shortage. */
#define SOME_DIVISOR 16

uint64_t yield_gone_elsewhere(const struct policy *p, const struct observation *o)
{
	const struct before *recent = p->calm.time_usec > p->before.time_usec ? &p->calm
									      : &p->before;
	uint64_t now = meminfo_elsewhere_bytes(&o->sample.mem);
	uint64_t gone = u64_sub(recent->reserve_bytes, sample_reserve_bytes(&o->sample));
	uint64_t grown = u64_sub(now, p->before.elsewhere_bytes);
	uint64_t yield = u64_add(o->candidate_bytes, o->candidate_shmem_bytes);
	struct limits limits;

	/* where nothing has gone, as in a thrash, a page more or less must not decide */
	limits_resolve(p->config, &o->sample.mem, &limits);
	gone = u64_max(gone / 2, limits.memory_bytes[LEVEL_SOFT] / SOME_DIVISOR);
	if (u64_sub(now, recent->elsewhere_bytes) < gone || yield >= grown / 2)
		return 0;
	return grown;
}

uint64_t yield_held_by_stuck(const struct policy *p, const struct observation *o,
			     const struct limits *limits)
{
	if (p->config->select == SELECT_KERNEL || p->given_up_usec == 0 ||
	    u64_sub(o->sample.time_usec, p->given_up_usec) >= STUCK_USEC)
		return 0;
	if (o->candidate_bytes >= limits->memory_bytes[LEVEL_SOFT] / TINY_DIVISOR ||
	    o->candidate_bytes >= o->stuck_bytes / TINY_DIVISOR)
		return 0;
	return o->stuck_bytes;
}
