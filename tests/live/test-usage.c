/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line answers to mistakes: status 2 for wrong usage and 78 for a wrong
 * configuration, with one line for each mistake that says where it is and what was expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "tree.h"

static struct program program;

/* --check-config comes first, so that a row that is accepted after all does nothing. */
static int run(const char *const words[], const struct surroundings *s)
{
	const char *argv[48] = {program_reapd(), "--check-config"};
	unsigned used = 2;

	while (*words)
		argv[used++] = *words++;
	program_start(&program, argv, s);
	return program_end(&program);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct {
	const char *name;
	const char *words[6];
	const char *says; /* part of the one line */
} usage_rows[] = {
	{"unknown long", {"--nonsense"}, "--nonsense: expected a known option"},
	{"unknown letter", {"-x"}, "-x: expected a known option"},
	{"unknown letter before others", {"-xd"}, "-x: expected a known option"},
	{"unknown letter after others", {"-dx"}, "x: expected a known option"},
	{"line break in a word", {"--a\nb"}, "--a?b: expected a known option"},
	{"escape in a word", {"--a\x1b[31m\xff"}, "--a?[31m?: expected a known option"},
	{"ambiguous", {"--Soft=1%"}, "--Soft=1%: expected a known option"},
	{"value where none belongs", {"--drill=yes"}, "--drill=yes: expected no value"},
	{"value of an unknown option", {"--nonsense=3"}, "--nonsense=3: expected a known option"},
	{"key of two lines", {"--Prefer=a\nDryRun=yes"}, "Prefer=a?DryRun=yes: expected one line"},
	{"stray word", {"now"}, "now: expected options only"},
	{"stray word after --", {"--", "-m"}, "-m: expected options only"},
	{"no value", {"-m"}, "-m: expected a value"},
	{"no value in a cluster", {"-dm"}, "expected a value"},
	{"no value for a long one", {"--config"}, "--config: expected a value"},
	{"no file to record to", {"--record"}, "--record: expected a value"},
	{"no value for a key", {"--SoftMemory"}, "--SoftMemory: expected a value"},
	{"not a number", {"-m", "much"}, "-m: SoftMemory=much"},
	{"negative", {"-m", "-5"}, "-m: SoftMemory=-5"},
	{"more than all", {"-m", "101"}, "expected a percentage"},
	{"three of two", {"-m", "10,5,3"}, "-m: HardMemory=5,3"},
	{"first of two missing", {"-m", ",5"}, "-m: expected"},
	{"second of two missing", {"-m", "10,"}, "-m: expected"},
	{"nothing", {"-m", ""}, "-m: expected"},
	{"no unit like that", {"-M", "5Q"}, "-M: SoftMemory=5Q"},
	{"too large", {"-M", "99999999999999999999"}, "-M: SoftMemory="},
	{"swap", {"-s", "x"}, "-s: SoftSwap=x"},
	{"swap size", {"-S", "1k"}, "-S: SoftSwap=1k"},
	{"negative interval", {"-r", "-1"}, "-r: ReportInterval=-1"},
	{"no log like that", {"--log=file"}, "--log: Log=file: expected auto, journal or stderr"},
	{"key with a bad value", {"--TermTimeout=soon"}, "TermTimeout=soon: expected a duration"},
	{"key out of range", {"--StallWindow=1ms"}, "from 1s to 300s"},
	{"bad pattern", {"--prefer=a(b"}, "--prefer: Prefer=: expected a regular expression"},
	{"two mistakes, one line", {"-m", "x", "--log=y"}, "expected"},
};

static void check_one_line(const char *name)
{
	CHECK_INT(name, count_lines(program.output), 1);
	CHECK(name, strncmp(program.output, "reapd: ", 7) == 0);
	for (size_t i = 0; i + 1 < program.len; i++)
		CHECK(name, program.output[i] >= ' ' && program.output[i] <= '~');
}

static void test_usage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(usage_rows); i++) {
		CHECK_INT(usage_rows[i].name, run(usage_rows[i].words, NULL), 2);
		check_one_line(usage_rows[i].name);
		if (!strstr(program.output, usage_rows[i].says))
			fail_msg("%s: '%s' is not in: %s", usage_rows[i].name, usage_rows[i].says,
				 program.output);
	}
}

static void test_many_settings(void **state)
{
	char *word = heap_fill('d', 131);
	const char *words[41];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		words[i] = "-d";
	words[40] = NULL;
	assert_int_equal(run(words, NULL), 0);

	word[0] = '-';
	word[129] = '\0';
	assert_int_equal(run(WORDS(word), NULL), 0);
	word[129] = 'd';
	word[130] = '\0';
	assert_int_equal(run(WORDS(word), NULL), 2);
	check_one_line("too many");
	free(word);
}

static void print_to_stderr(void *userdata)
{
	(void)userdata;
	dup2(STDERR_FILENO, STDOUT_FILENO);
}

/* The last one counts, whatever its kind; earlyoom's -m and -M are one. */
static void test_order(void **state)
{
	static const struct {
		const char *words[4];
		const char *soft, *hard;
	} rows[] = {
		{{"-m", "5", "--SoftMemory=3%"}, "\nSoftMemory=3%\n", "\nHardMemory=2.50%\n"},
		{{"--SoftMemory=3%", "-m", "5"}, "\nSoftMemory=5%\n", "\nHardMemory=2.50%\n"},
		{{"-m4,2", "-M9000", "-m3,1"},
		 "\nSoftMemory=3% 9000K\n",
		 "\nHardMemory=1% 4500K\n"},
		{{"-m4", "--SoftMemory=3%", "-M9000"},
		 "\nSoftMemory=4% 9000K\n",
		 "\nHardMemory=2% 4500K\n"},
		{{"-m4", "-S9000", "-s7,6"}, "\nSoftSwap=7% 9000K\n", "\nHardSwap=6% 4500K\n"},
	};
	const struct surroundings prints = {print_to_stderr, NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(rows[i].soft, run(rows[i].words, &prints), 0);
		if (!strstr(program.output, rows[i].soft) || !strstr(program.output, rows[i].hard))
			fail_msg("row %zu: %s and %s in %s", i, rows[i].soft, rows[i].hard,
				 program.output);
	}
}

static void print_to_full_disk(void *userdata)
{
	(void)userdata;
	dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
}

static void print_to_nothing(void *userdata)
{
	(void)userdata;
	close(STDOUT_FILENO);
}

static void test_full_disk(void **state)
{
	const struct surroundings lost[] = {{print_to_full_disk, NULL}, {print_to_nothing, NULL}};
	static const char *const words[] = {NULL, "--help", "--version"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lost) * ARRAY_SIZE(words); i++) {
		const char *word = words[i % ARRAY_SIZE(words)];

		CHECK_INT(word ? word : "--check-config",
			  run(WORDS(word), &lost[i / ARRAY_SIZE(words)]), 1);
		assert_string_equal(program.output, "reapd: standard output cannot be written\n");
	}
}

static const struct {
	const char *name;
	const char *words[10];
} accepted_rows[] = {
	{"nothing", {NULL}},
	{"earlyoom's", {"-m", "10,5", "-s", "100,50", "-g", "-d", "-p"}},
	{"a half of one", {"-m", "2"}},
	{"sizes and percentages", {"-M", "400000,200000", "-m", "10", "-S", "1G"}},
	{"no report", {"-r", "0"}},
	{"rules", {"--prefer=^(a|b)$", "--avoid=", "--ignore=^c$"}},
	{"without effect", {"-n"}},
	{"a key", {"--SoftMemory=10% 2G", "--TermTimeout=300ms"}},
	{"an abbreviation", {"--TermT=1s"}},
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted_rows); i++) {
		int status = run(accepted_rows[i].words, NULL);

		if (status != 0)
			fail_msg("%s: status %d: %s", accepted_rows[i].name, status,
				 program.output);
	}
}

/* Each is a mistake of the text; %s is where the file stands. */
static const struct {
	const char *name;
	const char *text;
	unsigned mistakes;
	const char *says;
} config_rows[] = {
	{"key before a section", "SoftMemory=5%\n", 1, "reapd.conf:1: "},
	{"unknown section", "[Limits]\n\n[Limit]\nSoftMemory=5%\n", 1, "reapd.conf:3: [Limit]"},
	{"unknown key", "[Limits]\nSoftMemry=5%\n", 1, "reapd.conf:2: SoftMemry="},
	{"key of another section", "[Limits]\nTermTimeout=5s\n", 1, "reapd.conf:2: TermTimeout="},
	{"value out of range", "[Kill]\nKillTimeout=1h\n", 1, "reapd.conf:2: KillTimeout=1h"},
	{"value that is none", "[Limits]\nSoftMemory=lots\n", 1, "reapd.conf:2: SoftMemory=lots"},
	{"soft below hard", "[Limits]\nSoftMemory=5%\nHardMemory=8%\n", 1,
	 "reapd.conf:3: HardMemory="},
	{"warning below soft", "[Limits]\nSoftMemory=5%\nWarningMemory=4%\n", 1, "reapd.conf:"},
	{"twice", "[Kill]\nSortBy=rss\nSortBy=badness\n", 1, "reapd.conf:3: SortBy="},
	{"no assignment", "[Kill]\nSortBy rss\n", 1, "reapd.conf:2: SortBy rss"},
	{"pattern that does not compile", "[Kill]\nPrefer=[a\n", 1, "reapd.conf:2: Prefer="},
	{"three of them", "[Limits]\nSoftMemory=x\nHardMemory=y\n[Kill]\nTermTimeout=z\n", 3,
	 "reapd.conf:5: "},
};

static void config_path(const struct tree *t, char *buf, size_t size)
{
	snprintf(buf, size, "--config=%s/reapd.conf", t->path);
}

static void check_lines(const char *name, const struct tree *t, unsigned mistakes)
{
	char prefix[128];
	const char *line = program.output;

	snprintf(prefix, sizeof(prefix), "reapd: %s/reapd.conf", t->path);
	CHECK_INT(name, count_lines(program.output), mistakes);
	for (unsigned i = 0; i < mistakes; i++) {
		CHECK(name, strncmp(line, prefix, strlen(prefix)) == 0);
		line = strchr(line, '\n') + 1;
	}
}

static void test_config(void **state)
{
	char option[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(config_rows); i++) {
		struct tree t;

		tree_init(&t);
		config_path(&t, option, sizeof(option));
		tree_text(&t, "reapd.conf", config_rows[i].text);
		CHECK_INT(config_rows[i].name, run(WORDS(option), NULL), 78);
		check_lines(config_rows[i].name, &t, config_rows[i].mistakes);
		if (!strstr(program.output, config_rows[i].says))
			fail_msg("%s: '%s' is not in: %s", config_rows[i].name, config_rows[i].says,
				 program.output);
		tree_done(&t);
	}
}

static void test_config_files(void **state)
{
	char option[128];
	struct tree t;

	(void)state;
	tree_init(&t);
	config_path(&t, option, sizeof(option));
	assert_int_equal(run(WORDS(option), NULL), 78);
	check_lines("missing", &t, 1);

	tree_directory(&t, "reapd.conf");
	assert_int_equal(run(WORDS(option), NULL), 78);
	check_lines("a directory", &t, 1);
	tree_remove(&t, "reapd.conf");

	tree_text(&t, "reapd.conf", "");
	tree_directory(&t, "reapd.conf.d/10.conf");
	assert_int_equal(run(WORDS(option), NULL), 78);
	check_lines("a drop-in that is a directory", &t, 1);
	tree_remove(&t, "reapd.conf.d");
	assert_int_equal(run(WORDS(option), NULL), 0);

	assert_int_equal(mkfifoat(t.fd, "reapd.conf.fifo", 0644), 0);
	tree_remove(&t, "reapd.conf");
	assert_int_equal(symlinkat("reapd.conf.fifo", t.fd, "reapd.conf"), 0);
	assert_int_equal(run(WORDS(option), NULL), 78);
	check_lines("a FIFO", &t, 1);
	tree_done(&t);
}

static void become_nobody(void *userdata)
{
	(void)userdata;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		_exit(123);
}

static void test_config_unreadable(void **state)
{
	const struct surroundings nobody = {become_nobody, NULL};
	char option[128];
	struct tree t;

	(void)state;
	if (geteuid() != 0)
		skip();
	tree_init(&t);
	config_path(&t, option, sizeof(option));
	tree_text(&t, "reapd.conf", "[Limits]\n");
	assert_int_equal(fchmodat(t.fd, "reapd.conf", 0600, 0), 0);
	assert_int_equal(run(WORDS(option), &nobody), 78);
	check_lines("unreadable", &t, 1);
	assert_non_null(strstr(program.output, "Permission denied"));
	tree_done(&t);
}

/* A line of 100 kB is one mistake and does not swallow the lines behind it. */
static void test_config_long_line(void **state)
{
	enum { LONG = 100000 };
	char *text = heap_fill('x', LONG + 100), option[128];
	struct tree t;

	(void)state;
	memcpy(text, "[Kill]\n", 7);
	memcpy(text + LONG, "\nSortBy=size\n", 13);
	tree_init(&t);
	config_path(&t, option, sizeof(option));
	tree_write(&t, "reapd.conf", text, LONG + 13);
	assert_int_equal(run(WORDS(option), NULL), 78);
	check_lines("a long line", &t, 2);
	assert_non_null(strstr(program.output, "reapd.conf:2: xxx"));
	assert_non_null(strstr(program.output, "reapd.conf:3: SortBy=size"));
	assert_true(program.len < 2000);
	tree_done(&t);
	free(text);
}

/* Garbage is told in part, and whatever is in it, nothing but text reaches the terminal. */
static void test_config_garbage(void **state)
{
	struct random r = {77};
	char text[50000], option[128];
	struct tree t;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)random_u64(&r);
	tree_init(&t);
	config_path(&t, option, sizeof(option));
	tree_write(&t, "reapd.conf", text, sizeof(text));
	assert_int_equal(run(WORDS(option), NULL), 78);
	assert_in_range(count_lines(program.output), 1, 21);
	for (size_t i = 0; i < program.len; i++)
		assert_true(program.output[i] == '\n' ||
			    (program.output[i] >= ' ' && program.output[i] <= '~'));
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_many_settings),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_files),
		cmocka_unit_test(test_config_unreadable),
		cmocka_unit_test(test_config_long_line),
		cmocka_unit_test(test_config_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
