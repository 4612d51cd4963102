/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules in the whole daemon, in a dry run, on children of the test: their program is the test's
 * own, their names are theirs. Rules count from the first scan on, after a start and after a
 * reload, and what they match is said once.
 */
#include <signal.h>
#include <unistd.h>

#include "program.h"
#include "tree.h"

static struct program program;

/* Below its limits from the start, and nobody but the children can be chosen. */
#define SHORT_OF_MEMORY                                                     \
	"[Limits]\nSoftMemory=99.9%\nHardMemory=99%\nWarningMemory=99.9%\n" \
	"[Kill]\nAvoid=\nIgnore=^(?!(large|small)-@$)\n"
#define WITH_PLENTY "[Limits]\nSoftMemory=1M\n[Kill]\nAvoid=\nIgnore=^(?!(large|small)-@$)\n"

/* @text with the pid in place of each '@'. */
static const char *named(const char *text)
{
	static char made[4][2048];
	static unsigned next;
	char *buf = made[next++ % ARRAY_SIZE(made)], *to = buf;

	for (; *text; text++) {
		assert_true(to + 16 < buf + sizeof(made[0]));
		if (*text == '@')
			to += sprintf(to, "%d", getpid());
		else
			*to++ = *text;
	}
	*to = '\0';
	return buf;
}

struct setting {
	struct tree tree;
	char option[128];
	pid_t large, small;
};

static void configure(const struct setting *s, const char *head, const char *rules)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", head, rules);
	tree_text(&s->tree, "reapd.conf", named(text));
}

static void begin(struct setting *s, const char *head, const char *rules)
{
	tree_init(&s->tree);
	snprintf(s->option, sizeof(s->option), "--config=%s/reapd.conf", s->tree.path);
	s->large = child_start(
		&(struct child_spec){.bytes = 60 * MIB, .comm = named("large-@"), .adj = 1000});
	s->small = child_start(
		&(struct child_spec){.bytes = 20 * MIB, .comm = named("small-@"), .adj = 1000});
	configure(s, head, rules);
	program_start(&program,
		      (const char *const[]){program_reapd(), "--dry-run", "--log=stderr", s->option,
					    NULL},
		      NULL);
}

static void end(struct setting *s)
{
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	child_end(s->large);
	child_end(s->small);
	tree_done(&s->tree);
}

/* Whom the daemon would have killed; whom the kernel would have, is said too. */
static bool is_victim(pid_t pid)
{
	char text[64];

	snprintf(text, sizeof(text), "would send SIGKILL to process %d (", pid);
	return strstr(program.output, text) != NULL;
}

#define SPARE_LARGE "[Rule spared]\nExecutable=*/test-rules\nName=^large-@$\nIgnore=yes\n"

static void test_no_rule(void **state)
{
	struct setting s;

	(void)state;
	begin(&s, SHORT_OF_MEMORY, "");
	program_wait_for(&program, named("(large-@) "));
	end(&s);
	assert_true(is_victim(s.large));
	assert_null(strstr(program.output, "nobody now"));
}

static void test_executable(void **state)
{
	struct setting s;

	(void)state;
	begin(&s, SHORT_OF_MEMORY,
	      SPARE_LARGE "[Rule lifted]\nCgroup=*\nName=^small-@$\nBadness=+1\n");
	program_wait_for(&program, "would send SIGKILL to process");
	program_wait_for(&program, named("(small-@) "));
	program_wait_for(&program, ", [Rule lifted] counts ");
	program_wait_for(&program, named(" ignored  large-@\n"));
	end(&s);
	assert_false(is_victim(s.large));
	assert_null(strstr(program.output, "nobody"));
}

/* Another choice by other rules, which a reload brings, from the first scan after it on. */
static void test_reload(void **state)
{
	struct setting s;

	(void)state;
	begin(&s, WITH_PLENTY, "[Rule gone]\nExecutable=/no/such/program\nAvoid=yes\n");
	program_wait_for(&program, "1 of 1 rules matches nobody now: gone");
	program_wait_for(&program, " watches ");
	configure(&s, SHORT_OF_MEMORY,
		  SPARE_LARGE "[Rule gone]\nUnit=no-such.service\nAvoid=yes\n"
			      "[Rule too]\nUser=4294967294\nAvoid=yes\n");
	program_signal(&program, SIGHUP);
	program_wait_for(&program, "2 of 3 rules match nobody now: gone, too");
	program_wait_for(&program, named("(small-@) "));
	end(&s);
	assert_false(is_victim(s.large));
	assert_int_equal(count_matches(program.output, "nobody now"), 2);
}

static void test_everybody(void **state)
{
	struct setting s;

	(void)state;
	begin(&s, WITH_PLENTY, "[Rule all]\nCgroup=*\nIgnore=yes\n");
	program_wait_for(&program, "[Rule all] ignores everybody: nobody can be killed");
	configure(&s, WITH_PLENTY, "[Rule mine]\nName=^(large|small)-@$\nIgnore=yes\n");
	program_signal(&program, SIGHUP);
	program_wait_for(&program, "the rules together ignore everybody: nobody can be killed");
	configure(&s, WITH_PLENTY, "[Rule mine]\nName=^large-@$\nIgnore=yes\n");
	program_signal(&program, SIGHUP);
	program_wait_for_count(&program, "the configuration was reloaded", 2);
	end(&s);
	assert_int_equal(count_matches(program.output, "ignores everybody"), 1);
	assert_int_equal(count_matches(program.output, "together ignore everybody"), 1);
}

/* Reloads in a row: a look that goes on meanwhile is of rules that are gone by then. */
static void test_many_reloads(void **state)
{
	struct setting s;

	(void)state;
	begin(&s, WITH_PLENTY, SPARE_LARGE);
	program_wait_for(&program, " watches ");
	for (unsigned i = 1; i <= 20; i++) {
		program_signal(&program, SIGHUP);
		program_wait_for_count(&program, "the configuration was reloaded", i);
	}
	configure(&s, SHORT_OF_MEMORY, SPARE_LARGE);
	program_signal(&program, SIGHUP);
	program_wait_for(&program, named("(small-@) "));
	end(&s);
	assert_false(is_victim(s.large));
}

static void say_all_on_stderr(void *userdata)
{
	(void)userdata;
	dup2(STDERR_FILENO, STDOUT_FILENO);
}

static int check(const struct tree *t, const char *text)
{
	const struct surroundings s = {say_all_on_stderr, NULL};
	char option[128];

	tree_text(t, "reapd.conf", text);
	snprintf(option, sizeof(option), "--config=%s/reapd.conf", t->path);
	program_start(&program,
		      (const char *const[]){program_reapd(), "--check-config", option, NULL}, &s);
	return program_end(&program);
}

static const struct {
	const char *text;
	const char *says;
} late_mistakes[] = {
	{"[Rule a]\nName=a(\nAvoid=yes\n", "reapd.conf:2: [Rule a] Name=a(: expected a regular "
					   "expression: missing closing parenthesis"},
	{"[Rule a]\nAvoid=yes\nUser=no-such-user\n",
	 "reapd.conf:3: [Rule a] User=no-such-user: expected the number of a user"},
	{"[Rule a]\nAvoid=yes\nUser=4294967295\n", "reapd.conf:3: [Rule a] User=4294967295: "},
	{"[Rule a]\nAvoid=yes\nUser=-1\n", "reapd.conf:3: [Rule a] User=-1: expected"},
};

/* What core cannot see: it neither compiles patterns nor reads /etc/passwd. One line for each. */
static void test_late_mistakes(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	for (size_t i = 0; i < ARRAY_SIZE(late_mistakes); i++) {
		CHECK_INT(late_mistakes[i].says, check(&t, late_mistakes[i].text), 78);
		CHECK_INT(late_mistakes[i].says, count_lines(program.output), 1);
		CHECK(late_mistakes[i].says, strstr(program.output, late_mistakes[i].says));
	}
	tree_done(&t);
}

/* What --check-config prints is a configuration, and the same. */
static void test_printed(void **state)
{
	static const char rules[] = "\n[Rule all]\nName=^a#b$\nExecutable=/usr/*\nCgroup=*\n"
				    "Unit=a@*.service\nUserUnit=*\nUser=root\nBadness=-5\n"
				    "\n[Rule b]\nUser=65534\nIgnore=yes\n";
	char printed[sizeof(program.output)];
	struct tree t;

	(void)state;
	tree_init(&t);
	assert_int_equal(check(&t, rules), 0);
	assert_string_equal(program.output + strlen(program.output) - strlen(rules), rules);
	strcpy(printed, program.output);
	assert_int_equal(check(&t, printed), 0);
	assert_string_equal(program.output, printed);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rule),	     cmocka_unit_test(test_executable),
		cmocka_unit_test(test_reload),	     cmocka_unit_test(test_everybody),
		cmocka_unit_test(test_many_reloads), cmocka_unit_test(test_late_mistakes),
		cmocka_unit_test(test_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
