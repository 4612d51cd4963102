/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgements of yield.h.
 */
#include "yield.h"

#include "text.h"

#define STUCK_USEC (30 * UINT64_C(1000000))

/* How often the moment that a shortage is measured from moves on while it is not calm. */
#define BEFORE_USEC (300 * UINT64_C(1000000))

/* Tiny is less than this share of either. */
#define TINY_DIVISOR 8
/* And less than this share of the soft limit is no shortage, ... */
#define SOME_DIVISOR 16
/* ... as much as this is another one. */
#define MUCH_DIVISOR 4

/*
 * What a shortage is measured from: the last moment of calm, and some minutes ago. A machine that
 * is in warning for hours is measured from the latter alone: what its tmpfs took yesterday is not
 * what it is short of now. At soft that moment stands, or the largest process would have to die for
 * a tmpfs that has been full for ten minutes.
 */
void yield_note(struct policy *p, const struct sample *s, const struct limits *limits,
		enum level level)
{
	const uint64_t some = limits->memory_bytes[LEVEL_SOFT] / SOME_DIVISOR;
	const struct before now = {
		.time_usec = s->time_usec,
		.reserve_bytes = sample_reserve_bytes(s),
		.elsewhere_bytes = meminfo_elsewhere_bytes(&s->mem),
	};

	if (level == LEVEL_CALM)
		p->calm = now;
	if (!p->has_before)
		p->calm = p->before = p->before_next = p->still = now;
	p->has_before = true;
	if (level < LEVEL_SOFT && u64_sub(s->time_usec, p->before_next.time_usec) >= BEFORE_USEC) {
		p->before = p->before_next;
		p->before_next = now;
	}
	if (u64_sub(now.elsewhere_bytes, p->still.elsewhere_bytes) > some ||
	    u64_sub(p->still.elsewhere_bytes, now.elsewhere_bytes) > some)
		p->still = now;
	p->still.reserve_bytes = u64_max(p->still.reserve_bytes, now.reserve_bytes);
}

/* What grew elsewhere has stood still for long, and much has gone since then. */
static bool gone_to_others(const struct policy *p, const struct sample *s,
			   const struct limits *limits)
{
	return u64_sub(s->time_usec, p->still.time_usec) >= BEFORE_USEC &&
	       u64_sub(p->still.reserve_bytes, sample_reserve_bytes(s)) >=
		       limits->memory_bytes[LEVEL_SOFT] / MUCH_DIVISOR;
}

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
	if (u64_sub(now, recent->elsewhere_bytes) < gone || yield >= grown / 2 ||
	    gone_to_others(p, &o->sample, &limits))
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
