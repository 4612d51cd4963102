/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From rules that match to figures; see ruling.h.
 */
#include "sys/ruling.h"

#define PREFER_POINTS 450 /* 300 of oom_score, which earlyoom's --prefer and --avoid add */

static int64_t points_to_pages(int points, uint64_t total_pages)
{
	return (int64_t)points * (int64_t)(total_pages / 1000);
}

/*
 * A name is free to choose, so the bias has a floor: an avoided process still counts as an eighth
 * of what it holds. Otherwise three leaks of 30 % each that call themselves sshd would outlive
 * everybody else on the machine.
 */
static int64_t avoid_pages(const struct process *p, uint64_t total_pages)
{
	int64_t held = p->badness.rss_pages + p->badness.swap_pages + p->badness.pgtables_pages;
	int64_t bias = points_to_pages(PREFER_POINTS, total_pages);

	return bias < held / 8 * 7 ? -bias : -(held / 8 * 7);
}

bool ruling_matches(const struct patterns *p, enum pattern_user user, unsigned rule,
		    const struct ruling_facts *facts)
{
	const struct rule_set *s = patterns_rules(p);
	uint64_t bit = UINT64_C(1) << rule;

	if (patterns_need_look(p) & bit & ~facts->matched)
		return false;
	if (rule_text(s, &s->rules[rule], RULE_USER) && s->rules[rule].uid != facts->uid)
		return false;
	return patterns_match_rule(p, user, rule, facts->comm);
}

static struct ruling ruling_of(const struct rule *r, unsigned rule)
{
	return (struct ruling){
		.ignore = r->ignore,
		.avoid = r->avoid,
		.points = r->prefer ? PREFER_POINTS : r->badness,
		.source = (uint8_t)(rule + 1),
	};
}

static struct ruling ruling_without_rule(const struct patterns *p, enum pattern_user user,
					 const struct ruling_facts *facts)
{
	struct pattern_verdict match = patterns_match(p, user, facts->comm);
	struct ruling ruling = {
		.avoid = match.avoid || facts->mark == MARK_AVOID,
		.points = match.prefer ? PREFER_POINTS : 0,
	};

	if (match.ignore)
		return (struct ruling){.ignore = true, .source = RULE_SOURCE_IGNORE};
	if (facts->mark == MARK_OMIT)
		return (struct ruling){.ignore = true, .source = RULE_SOURCE_MARK_OMIT};
	if (match.avoid)
		ruling.source = match.prefer ? RULE_SOURCE_PREFER_AND_AVOID : RULE_SOURCE_AVOID;
	else if (facts->mark == MARK_AVOID)
		ruling.source = RULE_SOURCE_MARK_AVOID;
	else if (match.prefer)
		ruling.source = RULE_SOURCE_PREFER;
	return ruling;
}

struct ruling ruling_find(const struct patterns *p, enum pattern_user user,
			  const struct ruling_facts *facts)
{
	const struct rule_set *s = patterns_rules(p);

	for (unsigned i = 0; i < s->count; i++) {
		if (ruling_matches(p, user, i, facts))
			return ruling_of(&s->rules[i], i);
	}
	return ruling_without_rule(p, user, facts);
}

enum verdict ruling_apply(const struct patterns *patterns, const struct ruling_facts *facts,
			  uint64_t total_pages, struct process *p)
{
	struct ruling ruling;

	if (!patterns)
		return VERDICT_ELIGIBLE;
	ruling = ruling_find(patterns, PATTERN_USER_LOOP, facts);
	p->rule = ruling.source;
	if (ruling.ignore)
		return VERDICT_IGNORED;
	p->bias_pages += points_to_pages(ruling.points, total_pages);
	if (ruling.avoid)
		p->bias_pages += avoid_pages(p, total_pages);
	return VERDICT_ELIGIBLE;
}

int64_t ruling_lift_pages(const struct patterns *p, uint64_t total_pages)
{
	const struct rule_set *s;
	int points;

	if (!p)
		return 0;
	s = patterns_rules(p);
	points = patterns_can_prefer(p) ? PREFER_POINTS : 0;
	for (unsigned i = 0; i < s->count; i++) {
		struct ruling ruling = ruling_of(&s->rules[i], i);

		if (ruling.points > points)
			points = ruling.points;
	}
	return points_to_pages(points, total_pages);
}

/* Rules that stand before it and decide otherwise are left to who reads the whole process. */
enum ruling_lift ruling_may_lift(const struct patterns *p, uint64_t matched, const char *comm)
{
	const struct rule_set *s = patterns_rules(p);
	enum ruling_lift lift = LIFT_NO;

	if (comm ? patterns_match(p, PATTERN_USER_LOOP, comm).prefer : patterns_can_prefer(p))
		lift = comm ? LIFT_YES : LIFT_PERHAPS;
	for (unsigned i = 0; i < s->count && lift != LIFT_YES; i++) {
		bool unlooked = patterns_need_look(p) >> i & ~matched >> i & 1;

		if (unlooked || ruling_of(&s->rules[i], i).points <= 0)
			continue;
		if (!comm && rule_text(s, &s->rules[i], RULE_NAME))
			lift = LIFT_PERHAPS;
		else if (!comm || patterns_match_rule(p, PATTERN_USER_LOOP, i, comm))
			lift = LIFT_YES;
	}
	return lift;
}
