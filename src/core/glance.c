/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a machine may be left alone, by its free memory; see glance.h.
 */
#include "glance.h"

#include "text.h"

#define SEC UINT64_C(1000000)

/* What a glance does not show (kills of the kernel's, sleep, PSI that appears) is seen this late.
 */
#define SAMPLE_USEC (30 * SEC)

/* With less time than this a sample may show that there is more. */
#define PERIOD_WORTH_USEC SEC

void calm_note_sample(struct calm *c, const struct config *config, const struct sample *s)
{
	struct limits limits;
	uint64_t available;

	limits_resolve(config, &s->mem, &limits);
	/* with a large vm.min_free_kbytes and small caches less is available than is free */
	available = u64_sub(u64_sub(s->mem.available_bytes, s->mem.arc_bytes), s->mem.pcp_bytes);
	*c = (struct calm){
		.sample_usec = s->time_usec,
		.total_bytes = s->mem.total_bytes,
		.swap_total_bytes = s->mem.swap_total_bytes,
		.soft_bytes = u64_add(limits.memory_bytes[LEVEL_SOFT],
				      u64_sub(s->mem.free_bytes, available)),
	};
}

bool calm_glance(struct calm *c, struct policy *p, const struct glance *now,
		 uint64_t *ret_next_usec)
{
	uint64_t headroom = u64_sub(now->free_bytes, c->soft_bytes), period;

	if (p->announced_level != LEVEL_CALM || p->phase != PHASE_WATCHING)
		return false;
	/* another total: of a container whose meminfo is made up, or memory that was plugged in */
	if (now->total_bytes != c->total_bytes || now->swap_total_bytes != c->swap_total_bytes)
		return false;
	if (c->has_before)
		policy_learn_fill(p, now->time_usec, u64_sub(now->time_usec, c->before.time_usec),
				  u64_sub(c->before.free_bytes, now->free_bytes));
	c->has_before = true;
	c->before = *now;
	period = policy_fill_usec(p, headroom);
	if (period < PERIOD_WORTH_USEC || u64_sub(now->time_usec, c->sample_usec) >= SAMPLE_USEC)
		return false;
	*ret_next_usec = u64_add(now->time_usec, period);
	return true;
}
