/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcre2 behind pattern.h. No JIT: it wants pages that are writable and executable, which
 * MemoryDenyWriteExecute= forbids, and names have 15 characters.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sys/pattern.h"

#include <errno.h>
#include <pcre2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS_MAX 10000
#define WHY_SIZE	256

/*
 * pcre2 keeps its backtracking frames in the match data since 10.41: 20 KiB at the first match,
 * doubled when that is not enough. A limit of the same 20 KiB rules the second step out.
 */
#define MATCH_HEAP_KIB 20

struct patterns {
	pcre2_code *prefer;
	pcre2_code *avoid;
	pcre2_code *ignore;
	pcre2_code *names[RULES_MAX];
	struct rule_set rules;
	uint64_t need_look, need_user;
	pcre2_match_data *match_data[PATTERN_USERS];
	pcre2_match_context *context;
};

/* NULL: no pattern, or a mistake, of which @why (256 bytes) says what it is. */
static pcre2_code *compile(const char *pattern, char *reterr_why)
{
	PCRE2_SIZE offset;
	PCRE2_UCHAR why[128];
	pcre2_code *code;
	int error;

	if (!pattern || pattern[0] == '\0')
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_DOLLAR_ENDONLY,
			     &error, &offset, NULL);
	if (code)
		return code;
	pcre2_get_error_message(error, why, sizeof(why));
	snprintf(reterr_why, WHY_SIZE, "expected a regular expression: %s at character %zu",
		 (const char *)why, (size_t)offset + 1);
	return NULL;
}

static pcre2_code *compile_key(struct config_loader *l, const char *name, const char *pattern)
{
	char why[WHY_SIZE] = "";
	pcre2_code *code = compile(pattern, why);

	if (why[0] != '\0')
		config_loader_complain(l, name, why);
	return code;
}

/*
 * The file alone and not getpwnam(), which may ask a server or another process: a reload happens in
 * the loop.
 */
static int find_user(const char *name, uid_t *ret)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;

	if (!file)
		return -ENOENT;
	while ((entry = fgetpwent(file))) {
		if (strcmp(entry->pw_name, name) == 0)
			break;
	}
	if (entry)
		*ret = entry->pw_uid;
	fclose(file);
	return entry ? 0 : -ENOENT;
}

static void resolve_user(struct config_loader *l, struct rule *r)
{
	const char *user = rule_text(&l->rules, r, RULE_USER);
	uint64_t number;

	if (!user)
		return;
	/* -1 is nobody: chown() and setuid() take it for "none" */
	if (text_to_u64(TEXT(user, strlen(user)), &number) >= 0 && number < UINT32_MAX)
		r->uid = (uid_t)number;
	else if (find_user(user, &r->uid) < 0)
		rule_complain(l, r, RULE_USER,
			      "expected the number of a user, or a name in /etc/passwd");
}

static int keep_rules(struct patterns *p, const struct rule_set *rules)
{
	p->rules.text = malloc(rules->text_used + 1);
	p->rules.rules = calloc(rules->count + 1, sizeof(*p->rules.rules));
	if (!p->rules.text || !p->rules.rules)
		return -ENOMEM;
	rules_copy(rules, &p->rules);
	return 0;
}

/* Of what is kept: the rules that need to be found out ahead, in whole or in part. */
static void note_needs(struct patterns *p)
{
	for (unsigned i = 0; i < p->rules.count; i++) {
		const struct rule *r = &p->rules.rules[i];
		bool lifts = r->prefer || r->badness > 0;

		p->need_user |= (uint64_t)(lifts && !p->names[i]) << i;
	}
	p->need_user &= rules_with(&p->rules, RULE_USER, RULE_USER);
	p->need_look = p->need_user | rules_with(&p->rules, RULE_EXECUTABLE, RULE_USER_UNIT);
}

static int compile_rules(struct patterns *p, struct config_loader *l)
{
	int r;

	for (unsigned i = 0; i < l->rules.count; i++) {
		struct rule *rule = &l->rules.rules[i];
		char why[WHY_SIZE] = "";

		p->names[i] = compile(rule_text(&l->rules, rule, RULE_NAME), why);
		if (why[0] != '\0')
			rule_complain(l, rule, RULE_NAME, why);
		resolve_user(l, rule);
	}
	r = keep_rules(p, &l->rules);
	if (r >= 0)
		note_needs(p);
	return r;
}

/* The first match allocates: now, not in a kill. For the thread, which is in none, when it does. */
static void match_once(const struct patterns *p)
{
	(void)patterns_match(p, PATTERN_USER_LOOP, "reapd");
	for (unsigned i = 0; i < p->rules.count; i++)
		(void)patterns_match_rule(p, PATTERN_USER_LOOP, i, "reapd");
}

struct patterns *patterns_new(struct config_loader *l)
{
	unsigned mistakes = l->mistakes;
	struct patterns *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return NULL;
	p->prefer = compile_key(l, "Prefer", l->config.prefer);
	p->avoid = compile_key(l, "Avoid", l->config.avoid);
	p->ignore = compile_key(l, "Ignore", l->config.ignore);
	r = compile_rules(p, l);
	p->context = pcre2_match_context_create(NULL);
	for (unsigned i = 0; i < PATTERN_USERS; i++)
		p->match_data[i] = pcre2_match_data_create(1, NULL);
	if (r < 0 || l->mistakes > mistakes || !p->context || !p->match_data[PATTERN_USER_LOOP] ||
	    !p->match_data[PATTERN_USER_THREAD]) {
		patterns_free(p);
		return NULL;
	}
	pcre2_set_match_limit(p->context, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(p->context, MATCH_HEAP_KIB);
	match_once(p);
	return p;
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	pcre2_code_free(p->prefer);
	pcre2_code_free(p->avoid);
	pcre2_code_free(p->ignore);
	for (unsigned i = 0; i < RULES_MAX; i++)
		pcre2_code_free(p->names[i]);
	for (unsigned i = 0; i < PATTERN_USERS; i++)
		pcre2_match_data_free(p->match_data[i]);
	pcre2_match_context_free(p->context);
	free(p->rules.text);
	free(p->rules.rules);
	free(p);
}

static bool matches(const struct patterns *p, enum pattern_user user, const pcre2_code *code,
		    const char *comm)
{
	return code && pcre2_match(code, (PCRE2_SPTR)comm, strlen(comm), 0, 0, p->match_data[user],
				   p->context) >= 0;
}

struct pattern_verdict patterns_match(const struct patterns *p, enum pattern_user user,
				      const char *comm)
{
	return (struct pattern_verdict){
		.prefer = matches(p, user, p->prefer, comm),
		.avoid = matches(p, user, p->avoid, comm),
		.ignore = matches(p, user, p->ignore, comm),
	};
}

bool patterns_match_rule(const struct patterns *p, enum pattern_user user, unsigned rule,
			 const char *comm)
{
	return !p->names[rule] || matches(p, user, p->names[rule], comm);
}

uint64_t patterns_need_user(const struct patterns *p)
{
	return p->need_user;
}

bool patterns_want_census(const struct patterns *p)
{
	return p->ignore || p->rules.count > 0;
}

const struct rule_set *patterns_rules(const struct patterns *p)
{
	return &p->rules;
}

uint64_t patterns_need_look(const struct patterns *p)
{
	return p->need_look;
}

bool patterns_can_prefer(const struct patterns *p)
{
	return p->prefer;
}
