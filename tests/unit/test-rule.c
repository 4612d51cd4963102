/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules: mistakes first, each with file, line, key and what was expected; what is read, written and
 * read again; what a program, a control group and a unit have to be. And shell patterns, against
 * fnmatch(3) as an oracle.
 */
#include <fnmatch.h>

#include "core/config.h"
#include "core/glob.h"
#include "unit.h"

struct told {
	unsigned count;
	char first[512];
};

static void complain(void *userdata, const char *message)
{
	struct told *told = userdata;

	if (told->count++ == 0)
		snprintf(told->first, sizeof(told->first), "%s", message);
}

static void read_text(struct config_loader *l, struct told *told, const char *data, size_t len)
{
	char *copy = heap_copy(data, len);

	*told = (struct told){};
	config_loader_init(l, complain, told);
	config_loader_parse(l, "rules.conf", copy, len);
	config_loader_check(l, UINT64_C(8) << 30, 0);
	free(copy);
}

#define NAME_31 "1234567890123456789012345678901"

static const struct {
	const char *row;
	const char *data;
	size_t len;
	const char *place;    /* file and line */
	const char *expected; /* somewhere behind it */
} mistakes[] = {
	{"no name", BYTES("[Rule]\nName=x\n"), "rules.conf:1: [Rule]", "expected [Rule NAME]"},
	{"blanks for a name", BYTES("[Rule  ]\nName=x\n"), "rules.conf:1: [Rule]", "[Rule NAME]"},
	{"two words", BYTES("[Rule a b]\n"), "rules.conf:1: [Rule a b]", "expected [Rule NAME]"},
	{"name: too long", BYTES("[Rule " NAME_31 "2]\n"),
	 "rules.conf:1: [Rule " NAME_31 "2]:", "31 letters"},
	{"name: a slash", BYTES("[Rule a/b]\n"), "rules.conf:1: [Rule a/b]", "31 letters"},
	{"name: NUL", BYTES("[Rule a\0b]\n"), "rules.conf:1: [Rule a]", "31 letters"},
	{"name: no ASCII", BYTES("[Rule \xc3\xa4]\n"), "rules.conf:1: [Rule ??]", "31 letters"},
	{"another case", BYTES("[rule a]\nName=x\n"), "rules.conf:1: [rule a]", "[Rule NAME]"},
	{"another word", BYTES("[Rules a]\n"), "rules.conf:1: [Rules a]", "unknown section"},
	{"unknown key", BYTES("[Rule a]\nUser=0\nPrefer=1\nExe=/x\n"),
	 "rules.conf:4: [Rule a] Exe=:", "unknown key"},
	{"key of another section", BYTES("[Rule a]\nUser=0\nPrefer=1\nSoftMemory=1%\n"),
	 "rules.conf:4: [Rule a] SoftMemory=:", "unknown key"},
	{"key twice", BYTES("[Rule a]\nUser=0\nPrefer=1\n[Kill]\n[Rule a]\nUser=1\n"),
	 "rules.conf:6: [Rule a] User=:", "it stands in line 2 too"},
	{"nothing to match", BYTES("[Rule a]\nPrefer=yes\n"),
	 "rules.conf:1: [Rule a]:", "it matches everybody"},
	{"emptied", BYTES("[Rule a]\nName=\nPrefer=yes\n"),
	 "rules.conf:1: [Rule a]:", "it matches everybody"},
	{"no effect", BYTES("[Rule a]\nName=x\n"), "rules.conf:1: [Rule a]:", "expected one of"},
	{"no is no effect", BYTES("[Rule a]\nName=x\nIgnore=no\n"),
	 "rules.conf:1: [Rule a]:", "expected one of"},
	{"two effects", BYTES("[Rule a]\nName=x\nIgnore=yes\nBadness=1\n"),
	 "rules.conf:1: [Rule a]:", "expected one of"},
	{"badness: text", BYTES("[Rule a]\nName=x\nBadness=high\n"),
	 "rules.conf:3: [Rule a] Badness=high:", "a number from -1000 to +1000"},
	{"badness: too much", BYTES("[Rule a]\nName=x\nBadness=+1001\n"),
	 "rules.conf:3: [Rule a] Badness=+1001:", "a number from -1000 to +1000"},
	{"badness: too little", BYTES("[Rule a]\nName=x\nBadness=-1001\n"),
	 "rules.conf:3: [Rule a] Badness=-1001:", "-1000"},
	{"badness: 2^64", BYTES("[Rule a]\nName=x\nBadness=18446744073709551616\n"),
	 "rules.conf:3: [Rule a] Badness=", "-1000"},
	{"badness: two signs", BYTES("[Rule a]\nName=x\nBadness=+-1\n"),
	 "rules.conf:3: [Rule a] Badness=+-1:", "-1000"},
	{"badness: a plus", BYTES("[Rule a]\nName=x\nBadness=+\n"),
	 "rules.conf:3: [Rule a] Badness=+:", "-1000"},
	{"badness: a percentage", BYTES("[Rule a]\nName=x\nBadness=20%\n"),
	 "rules.conf:3: [Rule a] Badness=20%:", "-1000"},
	{"bool", BYTES("[Rule a]\nName=x\nAvoid=often\n"),
	 "rules.conf:3: [Rule a] Avoid=often:", "yes or no"},
	{"executable: a name", BYTES("[Rule a]\nExecutable=bash\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Executable=bash:", "a path as a shell pattern"},
	{"executable: NUL", BYTES("[Rule a]\nExecutable=/a\0b\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Executable=/a", "a path as a shell pattern"},
	{"cgroup: relative", BYTES("[Rule a]\nCgroup=a.slice/*\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Cgroup=a.slice/*:", "a path below"},
	{"cgroup: open set", BYTES("[Rule a]\nCgroup=/a[bc\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Cgroup=/a[bc:", "shell pattern"},
	{"cgroup: last backslash", BYTES("[Rule a]\nCgroup=/a\\\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Cgroup=/a\\:", "shell pattern"},
	{"unit: a slice", BYTES("[Rule a]\nUnit=user.slice\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Unit=user.slice:", "the name of a service or scope"},
	{"unit: no suffix", BYTES("[Rule a]\nUserUnit=db\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] UserUnit=db:", "the name of a service or scope"},
	{"unit: a path", BYTES("[Rule a]\nUnit=a/b.service\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] Unit=a/b.service:", "the name of a service or scope"},
	{"user: two", BYTES("[Rule a]\nUser=root nobody\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] User=root nobody:", "the number of a user, or a name"},
	{"user: a line of passwd", BYTES("[Rule a]\nUser=root:x:0\nAvoid=1\n"),
	 "rules.conf:2: [Rule a] User=root:x:0:", "the number of a user, or a name"},
};

/* Each is one mistake, told once. */
static void test_mistakes(void **state)
{
	struct config_loader l;
	struct told told;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		read_text(&l, &told, mistakes[i].data, mistakes[i].len);
		if (told.count != 1 ||
		    strncmp(told.first, mistakes[i].place, strlen(mistakes[i].place)) != 0 ||
		    !strstr(told.first + strlen(mistakes[i].place), mistakes[i].expected))
			fail_msg("%s: %u complaints, the first: %s", mistakes[i].row, told.count,
				 told.first);
		assert_int_equal(l.mistakes, 1);
	}
}

static void test_too_many(void **state)
{
	struct config_loader l;
	char text[RULES_MAX * 64];
	struct told told;
	size_t used = 0;

	(void)state;
	for (unsigned i = 0; i <= RULES_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[Rule r%u]\nUser=%u\nPrefer=yes\n", i, i);
	read_text(&l, &told, text, used);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.first, "rules.conf:193: [Rule r64]: expected at most 64 rules");
	assert_int_equal(l.rules.count, RULES_MAX);
	assert_string_equal(rule_text(&l.rules, &l.rules.rules[63], RULE_USER), "63");
}

static void test_too_long(void **state)
{
	static char text[PATTERN_SIZE + 64];
	char name[16];
	struct config_loader l;
	struct told told = {};
	size_t used;

	(void)state;
	used = (size_t)sprintf(text, "[Rule a]\nName=%0*d\nAvoid=1\n", PATTERN_SIZE, 0);
	read_text(&l, &told, text, used);
	assert_int_equal(told.count, 1);
	assert_non_null(strstr(told.first, "at most 1023 bytes"));

	config_loader_init(&l, complain, &told);
	told = (struct told){};
	for (unsigned i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "[Rule r%u]", i);
		used = (size_t)sprintf(text, "%s\nName=%0*d\nAvoid=1\n", name, PATTERN_SIZE - 1, 0);
		config_loader_parse(&l, "rules.conf", text, used);
	}
	/* seven of them, and eight bytes for ends and the one that nobody has */
	assert_int_equal(told.count, 2);
	assert_non_null(strstr(told.first, "[Rule r7] Name="));
	assert_non_null(strstr(told.first, "at most 8 KiB"));
}

static const char *formatted(const struct config_loader *l, unsigned rule, enum rule_key key)
{
	static char value[PATTERN_SIZE];

	return rule_format(&l->rules, &l->rules.rules[rule], key, value, sizeof(value)) ? value
											: "-";
}

/* All keys, drop-ins that change and empty them, and the order of first mention. */
static void test_values(void **state)
{
	static const char base[] =
		"[Rule one]\nName = ^a#b$ \nUser=0\nBadness=200\n"
		"[Rule two]\nExecutable=/usr/*/x\nCgroup=*\nUnit=a@[0-9].service\n"
		"UserUnit=*\nIgnore=on\n";
	static const char drop_in[] = "[Rule three]\nName=x\nBadness=-1000\n"
				      "[Rule one]\nUser=\nName=c\nBadness=\nAvoid=yes\n"
				      "[Rule two]\nIgnore=no\nPrefer=yes\nUserUnit=\n"
				      "[Rule zero]\nName=y\nBadness=+0\n";
	struct config_loader l;
	struct told told;

	(void)state;
	read_text(&l, &told, BYTES(base));
	assert_int_equal(told.count, 0);
	assert_int_equal(l.rules.count, 2);
	assert_string_equal(formatted(&l, 0, RULE_NAME), "^a#b$");
	assert_string_equal(formatted(&l, 0, RULE_USER), "0");
	assert_string_equal(formatted(&l, 0, RULE_BADNESS), "+200");
	assert_string_equal(formatted(&l, 0, RULE_IGNORE), "-");
	assert_string_equal(formatted(&l, 1, RULE_EXECUTABLE), "/usr/*/x");
	assert_string_equal(formatted(&l, 1, RULE_UNIT), "a@[0-9].service");
	assert_string_equal(formatted(&l, 1, RULE_IGNORE), "yes");

	config_loader_parse(&l, "drop-in.conf", BYTES(drop_in));
	config_loader_check(&l, 1, 1);
	assert_int_equal(told.count, 0);
	assert_int_equal(l.rules.count, 4);
	assert_string_equal(l.rules.rules[0].name, "one");
	assert_string_equal(l.rules.rules[2].name, "three");
	assert_string_equal(formatted(&l, 0, RULE_NAME), "c");
	assert_string_equal(formatted(&l, 0, RULE_USER), "-");
	assert_string_equal(formatted(&l, 0, RULE_BADNESS), "-");
	assert_string_equal(formatted(&l, 0, RULE_AVOID), "yes");
	assert_string_equal(formatted(&l, 1, RULE_IGNORE), "-");
	assert_string_equal(formatted(&l, 1, RULE_USER_UNIT), "-");
	assert_string_equal(formatted(&l, 2, RULE_BADNESS), "-1000");
	assert_string_equal(formatted(&l, 3, RULE_BADNESS), "+0");
}

static void test_sources(void **state)
{
	char label[RULE_LABEL_SIZE];
	struct config_loader l;
	struct told told;

	(void)state;
	read_text(&l, &told, BYTES("[Rule " NAME_31 "]\nName=x\nBadness=1\n"));
	rule_format_source(&l.rules, 1, label, sizeof(label));
	assert_string_equal(label, "[Rule " NAME_31 "]");
	rule_format_source(&l.rules, 2, label, sizeof(label)); /* of rules that are gone */
	assert_string_equal(label, "");
	rule_format_source(&l.rules, RULE_SOURCE_NONE, label, sizeof(label));
	assert_string_equal(label, "");
	rule_format_source(&l.rules, RULE_SOURCE_IGNORE, label, sizeof(label));
	assert_string_equal(label, "Ignore=");
	rule_format_source(&l.rules, RULE_SOURCE_MARK_AVOID, label, sizeof(label));
	assert_string_equal(label, "user.oomd_avoid");
	rule_format_source(&l.rules, RULE_SOURCE_MARK_AVOID + 1, label, sizeof(label));
	assert_string_equal(label, "");
}

/* A rule with one key, and the control group of a process. */
static const struct {
	const char *key;
	const char *cgroup;
	bool match;
} places[] = {
	{"Cgroup=/", "/", true},
	{"Cgroup=/*", "/", true},
	{"Cgroup=/a.slice", "/a.slice/b.service", false},
	{"Cgroup=/a.slice/*", "/a.slice/b.service/c", true},
	{"Cgroup=/a.slice/*", "/a.slice", false},
	{"Cgroup=*/b.service", "/a.slice/b.service", true},
	{"Unit=b.service", "/system.slice/b.service", true},
	{"Unit=b.service", "/system.slice/b.service/payload/x.scope", true},
	{"Unit=b.service", "/a.slice/a-b.slice/b.service", true},
	{"Unit=b.service", "/system.slice/bb.service", false},
	{"Unit=*", "/system.slice/b.service", true},
	{"Unit=*", "/", false}, /* in no unit */
	{"Unit=*", "/docker/1234", false},
	{"Unit=session-*.scope", "/user.slice/user-1000.slice/session-2.scope", true},
	/* a name that a user gives to a unit of his own is no name of the system's */
	{"Unit=b.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/b.service",
	 false},
	{"Unit=user@*.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/b.service",
	 true},
	{"UserUnit=b.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/b.service",
	 true},
	{"UserUnit=b.service", "/system.slice/b.service", false},
	{"UserUnit=*", "/user.slice/user-1000.slice/user@1000.service/app.slice", false},
};

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct rule_place place = rule_place_of(
			TEXT(places[i].cgroup, strlen(places[i].cgroup)));
		struct config_loader l;
		struct told told;
		char text[256];
		int len = snprintf(text, sizeof(text),
				   "[Rule other]\nUser=0\nAvoid=1\n"
				   "[Rule this]\n%s\nAvoid=1\n",
				   places[i].key);

		read_text(&l, &told, text, (size_t)len);
		CHECK_INT(places[i].key, told.count, 0);
		if (rules_match_place(&l.rules, &place) != (places[i].match ? 3 : 1))
			fail_msg("%s, %s: expected %d", places[i].key, places[i].cgroup,
				 places[i].match);
		CHECK_UINT(places[i].key, rules_with(&l.rules, RULE_EXECUTABLE, RULE_USER_UNIT), 2);
		CHECK_UINT(places[i].key, rules_match_executable(&l.rules, (struct text){}), 3);
	}
}

static const struct {
	const char *pattern;
	int valid;
	const char *text;
	bool match;
} globs[] = {
	{"[", -1, "[", false},
	{"a[", -1, "a[", false},
	{"[!", -1, "!", false},
	{"[]", -1, "]", false},
	{"[!]", -1, "x", false},
	{"[a-", -1, "a", false},
	{"[z-a]", -1, "b", false},
	{"\\", -1, "\\", false},
	{"a\\", -1, "a\\", false},
	{"[a\\", -1, "a", false},
	{"[[:alpha:]]", -1, "a", false},
	{"", 0, "", true},
	{"", 0, "a", false},
	{"a", 0, "", false},
	{"*", 0, "", true},
	{"**", 0, "ab", true},
	{"?", 0, "", false},
	{"?", 0, "\xc3", true},
	{"?", 0, "\xc3\xa4", false},
	{"*b", 0, "abb", true},
	{"a*b*c", 0, "aXbYbZc", true},
	{"a*b*c", 0, "acb", false},
	{"\\*", 0, "*", true},
	{"\\*", 0, "a", false},
	{"[]]", 0, "]", true},
	{"[!]]", 0, "]", false},
	{"[a-c]", 0, "b", true},
	{"[a-c]", 0, "d", false},
	{"[!a-c]", 0, "d", true},
	{"[-a]", 0, "-", true},
	{"[a-]", 0, "-", true},
	{"[\\]]", 0, "]", true},
	{"/a/*", 0, "/a/b/c", true},
	{"*.service", 0, ".service", true},
	{"[[]", 0, "[", true},
	{"[\x80-\xff]", 0, "\xa4", true},
};

static void test_globs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(globs); i++) {
		size_t pattern_len = strlen(globs[i].pattern), len = strlen(globs[i].text);
		char *pattern = heap_copy(globs[i].pattern, pattern_len);
		char *text = heap_copy(globs[i].text, len);

		CHECK_INT(globs[i].pattern, glob_check(TEXT(pattern, pattern_len)) < 0,
			  globs[i].valid < 0);
		CHECK_INT(globs[i].pattern, glob_match(TEXT(pattern, pattern_len), TEXT(text, len)),
			  globs[i].match);
		free(pattern);
		free(text);
	}
}

/* Whatever is no mistake means what the C library says that it means. */
static void test_globs_random(void **state)
{
	static const char alphabet[] = "ab/*?[]!-\\^";
	struct random r = {UINT64_C(0x2545f4914f6cdd1d)};
	unsigned matches = 0, valid = 0;

	(void)state;
	for (unsigned n = 0; n < 400000; n++) {
		char pattern[9] = "", text[7] = "";
		size_t pattern_len = random_below(&r, sizeof(pattern));
		size_t len = random_below(&r, sizeof(text));
		bool expected;

		for (size_t i = 0; i < pattern_len; i++)
			pattern[i] = alphabet[random_below(&r, sizeof(alphabet) - 1)];
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[random_below(&r, 3 + 5 * random_one_in(&r, 4))];
		if (glob_check(TEXT(pattern, pattern_len)) < 0) {
			CHECK(pattern, !glob_match(TEXT(pattern, pattern_len), TEXT(text, len)));
			continue;
		}
		valid++;
		expected = fnmatch(pattern, text, 0) == 0;
		matches += expected;
		if (glob_match(TEXT(pattern, pattern_len), TEXT(text, len)) != expected)
			fail_msg("'%s' and '%s': expected %d", pattern, text, expected);
	}
	assert_true(valid > 100000 && matches > 10000);
}

/* Twenty stars that all have to be tried for a text that does not match in the end. */
static void test_glob_time(void **state)
{
	static char text[4096];
	const char pattern[] = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";

	(void)state;
	memset(text, 'a', sizeof(text));
	for (unsigned n = 0; n < 100; n++)
		assert_false(
			glob_match(TEXT(pattern, sizeof(pattern) - 1), TEXT(text, sizeof(text))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_long),  cmocka_unit_test(test_values),
		cmocka_unit_test(test_sources),	  cmocka_unit_test(test_places),
		cmocka_unit_test(test_globs),	  cmocka_unit_test(test_globs_random),
		cmocka_unit_test(test_glob_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
