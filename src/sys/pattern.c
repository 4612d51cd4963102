/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcre2 behind pattern.h. No JIT: it wants pages that are writable and executable, which
 * MemoryDenyWriteExecute= forbids, and names have 15 characters.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sys/pattern.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS_MAX 10000

/*
 * pcre2 keeps its backtracking frames in the match data since 10.41: 20 KiB at the first match,
 * doubled when that is not enough. A limit of the same 20 KiB rules the second step out.
 */
#define MATCH_HEAP_KIB 20

struct patterns {
	pcre2_code *prefer;
	pcre2_code *avoid;
	pcre2_code *ignore;
	pcre2_match_data *match_data;
	pcre2_match_context *context;
};

static pcre2_code *compile(struct config_loader *l, const char *name, const char *pattern)
{
	PCRE2_SIZE offset;
	PCRE2_UCHAR why[128];
	char message[256];
	pcre2_code *code;
	int error;

	if (pattern[0] == '\0')
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_DOLLAR_ENDONLY,
			     &error, &offset, NULL);
	if (code)
		return code;
	pcre2_get_error_message(error, why, sizeof(why));
	snprintf(message, sizeof(message), "expected a regular expression: %s at character %zu",
		 (const char *)why, (size_t)offset + 1);
	config_loader_complain(l, name, message);
	return NULL;
}

struct patterns *patterns_new(struct config_loader *l)
{
	unsigned mistakes = l->mistakes;
	struct patterns *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->prefer = compile(l, "Prefer", l->config.prefer);
	p->avoid = compile(l, "Avoid", l->config.avoid);
	p->ignore = compile(l, "Ignore", l->config.ignore);
	p->match_data = pcre2_match_data_create(1, NULL);
	p->context = pcre2_match_context_create(NULL);
	if (l->mistakes > mistakes || !p->match_data || !p->context) {
		patterns_free(p);
		return NULL;
	}
	pcre2_set_match_limit(p->context, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(p->context, MATCH_HEAP_KIB);
	(void)patterns_match(p, "reapd"); /* the first match allocates: now, not in a kill */
	return p;
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	pcre2_code_free(p->prefer);
	pcre2_code_free(p->avoid);
	pcre2_code_free(p->ignore);
	pcre2_match_data_free(p->match_data);
	pcre2_match_context_free(p->context);
	free(p);
}

static bool matches(const struct patterns *p, const pcre2_code *code, const char *comm)
{
	return code && pcre2_match(code, (PCRE2_SPTR)comm, strlen(comm), 0, 0, p->match_data,
				   p->context) >= 0;
}

struct pattern_verdict patterns_match(const struct patterns *p, const char *comm)
{
	return (struct pattern_verdict){
		.prefer = matches(p, p->prefer, comm),
		.avoid = matches(p, p->avoid, comm),
		.ignore = matches(p, p->ignore, comm),
	};
}

bool patterns_can_prefer(const struct patterns *p)
{
	return p->prefer;
}
