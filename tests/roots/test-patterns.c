/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled patterns: what matches, that names are taken as they are, and that a pattern which
 * backtracks for ever stops after its steps and counts as no match.
 */
#include <malloc.h>

#include "sys/pattern.h"
#include "unit.h"

static struct patterns *make(const char *prefer, const char *avoid, const char *ignore)
{
	struct config_loader l;

	config_loader_init(&l, NULL, NULL);
	snprintf(l.config.prefer, sizeof(l.config.prefer), "%s", prefer);
	snprintf(l.config.avoid, sizeof(l.config.avoid), "%s", avoid);
	snprintf(l.config.ignore, sizeof(l.config.ignore), "%s", ignore);
	return patterns_new(&l);
}

static const struct {
	const char *pattern;
	const char *comm;
	bool match;
} rows[] = {
	{"", "anything", false}, /* no rule */
	{"", "", false},
	{"^$", "", true},
	{"^a\\) Z 1 \\(b$", "a) Z 1 (b", true},
	{"^a$", "a\n", false}, /* '$' is the end, not a newline before it */
	{"^a$", "b\na\nb", false},
	{"fire", "firefox", true}, /* anywhere in the name unless it is anchored */
	{"^fire$", "firefox", false},
	{"(?i)^FIRE", "firefox", true},
	{"^(?!mine)", "yours", true},
	{"^(?!mine)", "mine", false},
	{"\\xff", "\xff\xfe", true}, /* bytes, not characters */
	{"^.$", "\xc3\xa4", false},
	{"^((((((((((a))))))))))$", "a", true},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct patterns *p = make(rows[i].pattern, "", "");

		CHECK(rows[i].pattern, p);
		CHECK_INT(rows[i].pattern, patterns_can_prefer(p), rows[i].pattern[0] != '\0');
		CHECK_INT(rows[i].pattern,
			  patterns_match(p, PATTERN_USER_LOOP, rows[i].comm).prefer, rows[i].match);
		CHECK(rows[i].pattern, !patterns_match(p, PATTERN_USER_LOOP, rows[i].comm).avoid);
		CHECK(rows[i].pattern, !patterns_match(p, PATTERN_USER_LOOP, rows[i].comm).ignore);
		patterns_free(p);
	}
}

static void test_each(void **state)
{
	struct patterns *p = make("^a", "b", "c$");
	struct pattern_verdict v;

	(void)state;
	v = patterns_match(p, PATTERN_USER_LOOP, "abc");
	assert_true(v.prefer && v.avoid && v.ignore);
	v = patterns_match(p, PATTERN_USER_LOOP, "xbx");
	assert_true(!v.prefer && v.avoid && !v.ignore);
	patterns_free(p);
	patterns_free(NULL);
}

/*
 * It would match after half a million steps. The limit that pcre2 has of its own is ten million,
 * which is a large part of a second for each process.
 */
static void test_backtracking(void **state)
{
	struct patterns *p = make("^(a+)+$|!$", "", "");

	(void)state;
	assert_true(patterns_match(p, PATTERN_USER_LOOP, "aaa!").prefer);
	assert_false(patterns_match(p, PATTERN_USER_LOOP, "aaaaaaaaaaaaaaaaaaa!").prefer);
	/* and the next match is not affected by the one that was cut off */
	assert_true(patterns_match(p, PATTERN_USER_LOOP, "aaa!").prefer);
	patterns_free(p);
}

/* Frames for a long name with much to go back to: no memory beyond what the first match took. */
static void test_allocates_nothing(void **state)
{
	static const char *const patterns[] = {"^(a+)+$|!$", "(?:(a)|(b)|(c)|.)*!", "((.)(.)(.))*x",
					       "(a|aa|aaa)*(.)*(.)*(.)*!"};
	char comm[COMM_SIZE];

	(void)state;
	memset(comm, 'a', sizeof(comm) - 1);
	comm[sizeof(comm) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct patterns *p = make(patterns[i], patterns[i], patterns[i]);
		size_t before = mallinfo2().uordblks;

		for (unsigned n = 0; n < 100; n++)
			(void)patterns_match(p, PATTERN_USER_LOOP, comm);
		CHECK_UINT(patterns[i], mallinfo2().uordblks, before);
		patterns_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_backtracking),
		cmocka_unit_test(test_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
