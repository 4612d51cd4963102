/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The books and the rules; see policy-check.h.
 */
#include "policy-check.h"

#include <stddef.h>

#include "core/text.h"

#define SEC UINT64_C(1000000)

void policy_check_init(struct policy_check *c, const struct config *config,
		       uint64_t fill_rate_bytes)
{
	*c = (struct policy_check){};
	policy_init(&c->policy, config, fill_rate_bytes);
}

static bool names_victim(enum action_kind kind)
{
	return kind == ACTION_TERM || kind == ACTION_KILL || kind == ACTION_ADOPT;
}

static const char *check_time(const struct observation *o, const struct action *a)
{
	uint64_t now = o->sample.time_usec;

	if (a->next_usec < now)
		return "next_usec is in the past";
	if (a->next_usec - now > 5 * SEC)
		return "next_usec is more than five seconds away";
	return NULL;
}

/* By memory and swap alone. */
static enum level exhausted_level(const struct limits *limits, const struct sample *s,
				  uint64_t swap_free)
{
	uint64_t available = s->mem.available_bytes;
	uint64_t left = u64_add(available, sample_movable_bytes(s));
	enum level l = LEVEL_HARD;

	while (l > LEVEL_CALM &&
	       (available > limits->memory_bytes[l] ||
		(swap_free > limits->swap_bytes[l] && left > limits->left_bytes[l])))
		l--;
	return l;
}

/* What is measured on zram may be doubted as long as there is hope, and for half a second. */
static const char *check_doubt(struct policy_check *c, const struct observation *o,
			       const struct action *a, enum level measured, enum level hoped)
{
	uint64_t now = o->sample.time_usec;

	if (a->level >= measured) {
		c->doubts = false;
		return NULL;
	}
	if (measured < LEVEL_SOFT || a->level < hoped)
		return "the level is below what memory and swap are below";
	if (!c->doubts || a->slept_usec > 0 || now < c->doubts_since_usec)
		c->doubts_since_usec = now;
	c->doubts = true;
	return now - c->doubts_since_usec < SEC / 2 ? NULL : "there is doubt for half a second";
}

static const char *check_level(struct policy_check *c, const struct observation *o,
			       const struct action *a)
{
	struct limits limits;
	uint64_t available = o->sample.mem.available_bytes;
	uint64_t swap_free = sample_usable_swap_bytes(&o->sample);
	uint64_t swap_hoped = sample_hoped_swap_bytes(&o->sample);
	uint64_t little;
	enum level measured, hoped;
	const char *wrong;

	limits_resolve(c->policy.config, &o->sample.mem, &limits);
	measured = exhausted_level(&limits, &o->sample, swap_free);
	hoped = exhausted_level(&limits, &o->sample, swap_hoped);
	wrong = check_doubt(c, o, a, measured, hoped);
	if (wrong)
		return wrong;
	/* what is available can all be needed */
	little = u64_mul(limits.memory_bytes[LEVEL_WARNING], 2);
	for (enum level l = LEVEL_SOFT; l <= LEVEL_HARD; l++) {
		if (limits.memory_bytes[l] > limits.memory_bytes[l - 1] ||
		    limits.swap_bytes[l] > limits.swap_bytes[l - 1])
			return "a limit is above that of the level before";
	}

	switch (a->reason) {
	case REASON_PLENTY:
		return a->level == LEVEL_CALM ? NULL : "plenty, but not calm";
	case REASON_EXHAUSTION:
		return a->level > LEVEL_CALM && a->level <= measured ? NULL : "nothing exhausted";
	case REASON_SWAP_LEFT:
		return a->level == LEVEL_WARNING && available <= limits.memory_bytes[LEVEL_SOFT] &&
				       swap_hoped > 0
			       ? NULL
			       : "no swap left, or not needed";
	case REASON_THRASH:
		return a->level == LEVEL_SOFT && available <= little && o->sample.has_psi
			       ? NULL
			       : "thrash with plenty, or without stalls";
	case REASON_STALL:
		return a->level == LEVEL_WARNING && o->sample.has_psi &&
				       available > limits.memory_bytes[LEVEL_WARNING]
			       ? NULL
			       : "stall that is more than a warning";
	case REASON_RECLAIM:
		return a->level == LEVEL_WARNING && o->sample.has_psi && available <= little
			       ? NULL
			       : "reclaim with plenty, or more than a warning";
	}
	return "no such reason";
}

static bool begins_something(enum action_kind kind)
{
	return names_victim(kind) || kind == ACTION_SCAN || kind == ACTION_BARREN;
}

/* It is independent of the level, and of who is in flight. */
static const char *check_requested(const struct observation *o, const struct action *a)
{
	enum action_kind expected = o->stand_aside	       ? ACTION_NONE
				    : o->scan == SCAN_NOT_DONE ? ACTION_SCAN
				    : o->scan == SCAN_VICTIM   ? ACTION_KILL
							       : ACTION_NONE;

	return a->kind == expected ? NULL : "a kill was asked for, and something else is done";
}

static const char *check_action(const struct policy_check *c, const struct observation *o,
				const struct action *a)
{
	if (o->stand_aside && begins_something(a->kind))
		return "something begins while standing aside";
	if (o->requested)
		return check_requested(o, a);
	switch (a->kind) {
	case ACTION_NONE:
		return NULL;
	case ACTION_SCAN:
		return a->level >= LEVEL_SOFT ? NULL : "a scan without need";
	case ACTION_TERM:
	case ACTION_KILL:
	case ACTION_ADOPT:
		if (c->in_flight)
			return "a second victim in flight";
		if (o->scan != SCAN_VICTIM)
			return "a victim that nobody found";
		if (a->level < LEVEL_SOFT)
			return "a victim below the soft limit";
		if ((a->kind == ACTION_ADOPT) != o->candidate_dying)
			return "a dying process is adopted, no other";
		if (a->kind != ACTION_ADOPT &&
		    (a->kind == ACTION_KILL) !=
			    (a->level == LEVEL_HARD || o->candidate_ignores_term))
			return "SIGKILL is for the hard limit and for who ignores SIGTERM";
		if (a->not_asked != (a->kind == ACTION_KILL && a->level != LEVEL_HARD))
			return "who is not asked at level soft is said so, and nobody else";
		return NULL;
	case ACTION_ESCALATE:
		if (!c->in_flight || c->killed)
			return "escalation of nobody who was asked";
		if (o->victim != VICTIM_ALIVE)
			return "escalation of somebody who is not alive";
		return a->level >= LEVEL_SOFT ? NULL : "escalation below the soft limit";
	case ACTION_SETTLED:
		if (!c->in_flight)
			return "settled, but nobody was in flight";
		if (o->victim == VICTIM_DEAD)
			return NULL;
		return o->victim == VICTIM_ALIVE && c->killed && o->victim_release == RELEASE_DONE
			       ? NULL
			       : "settled, but neither dead nor released";
	case ACTION_RELEASED:
		return c->in_flight && !c->killed && a->level < LEVEL_SOFT ? NULL
									   : "released in need";
	case ACTION_GIVE_UP:
		if (!c->in_flight)
			return "gave nobody up";
		return o->victim == VICTIM_REFUSED || (c->killed && o->victim == VICTIM_ALIVE)
			       ? NULL
			       : "gave up too soon";
	case ACTION_BARREN:
		if ((a->elsewhere_bytes > 0 || a->stuck_bytes > 0) != (o->scan == SCAN_VICTIM))
			return "barren with a victim, but nothing has gone elsewhere";
		if (a->stuck_bytes > 0 && a->stuck_bytes != o->stuck_bytes)
			return "barren for what nobody holds";
		if (c->in_flight || o->scan == SCAN_NOT_DONE || a->level < LEVEL_SOFT)
			return "barren, but not in need or not alone";
		return c->barren ? "barren twice in a shortage" : NULL;
	}
	return "no such action";
}

static const char *check_announcement(struct policy_check *c, const struct observation *o,
				      const struct action *a)
{
	uint64_t now = o->sample.time_usec;

	if (c->has_last && now < c->last_usec)
		c->not_below_usec = 0; /* the clock has gone back: hold times mean nothing now */
	c->has_last = true;
	c->last_usec = now;

	if (a->announced_before != c->told)
		return "announced_before is not what was announced before";
	if (a->level > c->told && !a->announce)
		return "a higher level is not announced at once";
	if (a->announce && a->level == c->told && a->reason == c->told_reason)
		return "nothing new is announced";
	if (a->announce && a->level < c->told && c->not_below_usec > 0 &&
	    now - c->not_below_usec < 5 * SEC)
		return "a lower level is announced in haste";
	if (c->policy.announced_level != (a->announce ? a->level : c->told))
		return "the policy holds another level for announced";

	if (a->announce) {
		c->told = a->level;
		c->told_reason = a->reason;
	}
	if (a->level >= c->told)
		c->not_below_usec = now;
	return NULL;
}

static void keep_books(struct policy_check *c, const struct observation *o, const struct action *a)
{
	if (c->in_flight && !o->requested && o->victim != VICTIM_ALIVE && o->victim != VICTIM_DEAD)
		c->in_flight = false;
	if (a->kind == ACTION_SETTLED || a->kind == ACTION_RELEASED || a->kind == ACTION_GIVE_UP)
		c->in_flight = false;
	if (names_victim(a->kind)) {
		c->in_flight = true;
		c->killed = a->kind != ACTION_TERM;
		c->barren = false;
	}
	if (a->kind == ACTION_ESCALATE)
		c->killed = true;
	if (a->kind == ACTION_BARREN)
		c->barren = true;
	if (a->level < LEVEL_SOFT)
		c->barren = false;
}

const char *policy_check_step(struct policy_check *c, const struct observation *o,
			      struct action *ret)
{
	struct action a = policy_step(&c->policy, o);
	const char *wrong = check_time(o, &a);

	/* what is released is dying, whatever the signal was; a request does not look at it */
	if (c->in_flight && !o->requested && o->victim == VICTIM_ALIVE &&
	    o->victim_release == RELEASE_DONE)
		c->killed = true;

	if (!wrong)
		wrong = check_level(c, o, &a);
	if (!wrong)
		wrong = check_action(c, o, &a);
	if (!wrong)
		wrong = check_announcement(c, o, &a);
	keep_books(c, o, &a);
	*ret = a;
	return wrong;
}
