/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules from the file to the verdict: everybody in a made-up /proc is looked at, and then scanned
 * as in a kill. Rules by program, control group, unit, user and name, which of two decides, the
 * marks of control groups, and what becomes of all that when a process or the rules have changed
 * since.
 */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys/identity.h"
#include "sys/ruling.h"
#include "sys/scan.h"
#include "tree.h"

#define TOTAL	      UINT64_C(262144)
#define DEADLINE_MSEC 20000
#define USER_MANAGER  "/user.slice/user-1000.slice/user@1000.service"

struct person {
	struct fake_process p;
	const char *exe;    /* NULL: none */
	const char *cgroup; /* NULL: no such file */
};

static const struct person people[] = {
	{{.pid = 20, .comm = "worker", .uid = 1000, .anon_kb = 400000},
	 "/usr/lib/app/worker",
	 "0::/batch.slice/job-1.service\n"},
	{{.pid = 30, .comm = "postgres", .uid = 26, .anon_kb = 400000},
	 "/usr/lib/postgresql/15/bin/postgres (deleted)",
	 "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n"},
	{{.pid = 40, .comm = "postgres", .uid = 1000, .anon_kb = 400000},
	 "/home/u/postgres",
	 "0::" USER_MANAGER "/app.slice/postgresql@15-main.service\n"},
	{{.pid = 50, .comm = "odd", .uid = 0, .anon_kb = 400000}, NULL, NULL},
	{{.pid = 60, .comm = "kthread", .flags = PF_KTHREAD, .no_mm = true}, NULL, "0::/\n"},
};

static void write_person(const struct tree *t, const struct person *who)
{
	char path[64], full[128];

	fake_process_write(t, &who->p, TOTAL);
	snprintf(path, sizeof(path), "%d/exe", who->p.pid);
	tree_remove(t, path);
	snprintf(full, sizeof(full), "%s/%s", t->path, path);
	if (who->exe)
		assert_int_equal(symlink(who->exe, full), 0);
	snprintf(path, sizeof(path), "%d/cgroup", who->p.pid);
	tree_remove(t, path);
	if (who->cgroup)
		tree_text(t, path, who->cgroup);
}

static void write_people(const struct tree *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(people); i++)
		write_person(t, &people[i]);
}

static void complain(void *userdata, const char *message)
{
	(void)userdata;
	fail_msg("%s", message);
}

static struct patterns *make(const char *text)
{
	struct config_loader l;
	struct patterns *p;

	config_loader_init(&l, complain, NULL);
	config_loader_parse(&l, "test.conf", text, strlen(text));
	config_loader_check(&l, 1, 1);
	p = patterns_new(&l);
	assert_non_null(p);
	return p;
}

static void look(const struct tree *t, struct identity_book *b, const struct patterns *p)
{
	assert_true(identity_book_reserve(b, 100) >= 0);
	b->patterns = p;
	identity_look(b, t->fd, -1, 0);
}

static struct process judge(const struct tree *t, const struct identity_book *b,
			    const struct patterns *p, pid_t pid)
{
	struct scan_request request = {.total_pages = TOTAL, .patterns = p, .known = b};
	struct process result;

	scan_process(t->fd, pid, &request, &result);
	return result;
}

static const struct {
	const char *rules;
	pid_t pid;
	enum verdict verdict;
	int points; /* thousandths of memory and swap */
	const char *label;
} rows[] = {
	{"[Rule a]\nCgroup=/batch.slice/*\nBadness=+200\n", 20, VERDICT_ELIGIBLE, 200, "[Rule a]"},
	{"[Rule a]\nCgroup=/batch.slice/*\nBadness=+200\n", 30, VERDICT_ELIGIBLE, 0, ""},
	{"[Rule a]\nCgroup=/batch.slice/*\nBadness=+200\n", 50, VERDICT_ELIGIBLE, 0, ""},
	{"[Rule a]\nExecutable=/usr/lib/app/*\nBadness=-1000\n", 20, VERDICT_ELIGIBLE, -1000,
	 "[Rule a]"},
	/* a program that was replaced while it runs is still that program */
	{"[Rule a]\nExecutable=*/postgres\nIgnore=yes\n", 30, VERDICT_IGNORED, 0, "[Rule a]"},
	{"[Rule a]\nExecutable=*\nIgnore=yes\n", 50, VERDICT_ELIGIBLE, 0, ""},
	{"[Rule a]\nUnit=postgresql@*.service\nIgnore=yes\n", 30, VERDICT_IGNORED, 0, "[Rule a]"},
	/* nobody gets the name of a service by giving it to one of his own */
	{"[Rule a]\nUnit=postgresql@*.service\nIgnore=yes\n", 40, VERDICT_ELIGIBLE, 0, ""},
	{"[Rule a]\nUserUnit=postgresql@*.service\nPrefer=yes\n", 40, VERDICT_ELIGIBLE, 450,
	 "[Rule a]"},
	{"[Rule a]\nUser=26\nIgnore=yes\n", 30, VERDICT_IGNORED, 0, "[Rule a]"},
	{"[Rule a]\nUser=root\nPrefer=yes\n", 50, VERDICT_ELIGIBLE, 450, "[Rule a]"},
	{"[Rule a]\nUser=root\nPrefer=yes\n", 20, VERDICT_ELIGIBLE, 0, ""},
	{"[Rule a]\nName=^post\nPrefer=yes\n", 40, VERDICT_ELIGIBLE, 450, "[Rule a]"},
	/* all keys have to match */
	{"[Rule a]\nName=^post\nUser=26\nIgnore=yes\n", 40, VERDICT_ELIGIBLE, 0, ""},
	{"[Rule a]\nName=^post\nUser=26\nUnit=*\nExecutable=*\nIgnore=yes\n", 30, VERDICT_IGNORED,
	 0, "[Rule a]"},
	{"[Rule a]\nName=^work\nUnit=*\nExecutable=/bin/*\nIgnore=yes\n", 20, VERDICT_ELIGIBLE, 0,
	 ""},
	/* the first that matches decides alone */
	{"[Rule a]\nUnit=x.service\nIgnore=yes\n[Rule b]\nName=^post\nBadness=+1\n"
	 "[Rule c]\nUser=26\nIgnore=yes\n",
	 30, VERDICT_ELIGIBLE, 1, "[Rule b]"},
	{"[Rule b]\nUnit=postgresql@*\nIgnore=yes\n[Rule a]\nName=.\nBadness=+1\n", 30,
	 VERDICT_IGNORED, 0, "[Rule b]"},
	/* also over the short forms */
	{"[Kill]\nIgnore=^worker$\n[Rule a]\nUser=1000\nBadness=+0\n", 20, VERDICT_ELIGIBLE, 0,
	 "[Rule a]"},
	{"[Kill]\nIgnore=^worker$\n[Rule a]\nUser=5\nBadness=+0\n", 20, VERDICT_IGNORED, 0,
	 "Ignore="},
	{"[Kill]\nPrefer=^worker$\n", 20, VERDICT_ELIGIBLE, 450, "Prefer="},
	{"[Kill]\nAvoid=x\nPrefer=x\n", 20, VERDICT_ELIGIBLE, 0, ""},
};

static void test_rows(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	write_people(&t);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct patterns *p = make(rows[i].rules);
		struct identity_book b = {};
		char label[RULE_LABEL_SIZE];
		struct process found;

		look(&t, &b, p);
		found = judge(&t, &b, p, rows[i].pid);
		rule_format_source(patterns_rules(p), found.rule, label, sizeof(label));
		CHECK_STR(rows[i].rules, verdict_name(found.verdict),
			  verdict_name(rows[i].verdict));
		CHECK_INT(rows[i].rules, found.bias_pages, rows[i].points * (int)(TOTAL / 1000));
		CHECK_STR(rows[i].rules, label, rows[i].label);
		CHECK_INT(rows[i].rules, b.seen, ARRAY_SIZE(people));
		identity_book_done(&b);
		patterns_free(p);
	}
	tree_done(&t);
}

/* An avoided process counts as an eighth at least, by a rule as well; a badness is taken as it is.
 */
static void test_floor(void **state)
{
	struct patterns *p = make("[Rule a]\nName=^worker$\nAvoid=yes\n");
	struct identity_book b = {};
	struct process found;
	struct tree t;

	(void)state;
	tree_init(&t);
	write_people(&t);
	look(&t, &b, p);
	found = judge(&t, &b, p, 20);
	assert_int_equal(found.bias_pages, -(100000 / 8 * 7));
	assert_int_equal(found.badness.points, 100000);
	identity_book_done(&b);
	patterns_free(p);
	tree_done(&t);
}

static const char of_everything[] = "[Rule exe]\nExecutable=/usr/lib/app/worker\nBadness=+1\n"
				    "[Rule unit]\nUnit=job-1.service\nBadness=+2\n"
				    "[Rule name]\nName=^worker$\nBadness=+3\n";

/* In the order in which rules stand, what is left of them decides. */
static void test_changes(void **state)
{
	struct patterns *p = make(of_everything);
	struct person who = people[0];
	struct identity_book b = {};
	struct tree t;

	(void)state;
	tree_init(&t);
	write_people(&t);
	assert_int_equal(judge(&t, NULL, p, 20).rule, 3); /* not looked at: its name alone */
	look(&t, &b, p);
	assert_int_equal(judge(&t, &b, p, 20).rule, 1);
	assert_int_equal(judge(&t, &b, p, 30).rule, 0);

	who.p.comm = "renamed"; /* by exec(), perhaps: its program is not known, its unit is */
	write_person(&t, &who);
	assert_int_equal(judge(&t, &b, p, 20).rule, 2);
	look(&t, &b, p);
	assert_int_equal(judge(&t, &b, p, 20).rule, 1);

	who.p.start_time = 7; /* somebody else with the same pid */
	write_person(&t, &who);
	assert_int_equal(judge(&t, &b, p, 20).rule, 0);
	who.p.comm = "worker";
	write_person(&t, &who);
	assert_int_equal(judge(&t, &b, p, 20).rule, 3);

	who.cgroup = NULL; /* cannot be read: the program can */
	write_person(&t, &who);
	look(&t, &b, p);
	assert_int_equal(judge(&t, &b, p, 20).rule, 1);
	b.stale = true; /* other rules count now */
	assert_int_equal(judge(&t, &b, p, 20).rule, 3);
	assert_int_equal(identity_guess(&b, 20), 0);
	identity_book_done(&b);
	patterns_free(p);
	tree_done(&t);
}

/* main() has called pthread_exit(): the program is still the one that the rule names. */
static void test_leader_exited(void **state)
{
	struct patterns *p = make("[Rule a]\nExecutable=/usr/lib/app/worker\nIgnore=yes\n");
	struct identity_book b = {.census.wanted = true};
	struct person who = {
		{.pid = 20, .comm = "worker", .state = 'Z', .threads = 2, .no_mm = true},
		NULL,
		"0::/batch.slice/job-1.service\n"};
	struct fake_process thread = {.pid = 22, .comm = "pool", .threads = 2, .anon_kb = 400000};
	char path[128];
	struct tree t;

	(void)state;
	tree_init(&t);
	write_person(&t, &who);
	fake_thread_write(&t, 20, &thread);
	snprintf(path, sizeof(path), "%s/20/task/22/exe", t.path);
	assert_int_equal(symlink("/usr/lib/app/worker", path), 0);
	look(&t, &b, p);
	assert_int_equal(judge(&t, &b, p, 20).verdict, VERDICT_IGNORED);
	assert_int_equal(b.census.processes, 1);
	assert_int_equal(b.census.matched[0], 1);

	/* nothing can be said of its program */
	assert_int_equal(unlink(path), 0);
	look(&t, &b, p);
	assert_int_equal(judge(&t, &b, p, 20).verdict, VERDICT_ELIGIBLE);
	identity_book_done(&b);
	patterns_free(p);
	tree_done(&t);
}

/* More than there is room for, in whatever order the directory lists them. */
static void test_many(void **state)
{
	struct patterns *p = make("[Rule a]\nExecutable=*\nPrefer=yes\n");
	struct identity_book b = {.patterns = p};
	struct person who = people[0];
	struct tree t;

	(void)state;
	tree_init(&t);
	for (int i = 0; i < 200; i++) {
		who.p.pid = 1000 - i;
		write_person(&t, &who);
	}
	assert_int_equal(identity_book_reserve(&b, 40), 0);
	assert_int_equal(b.capacity, 80);
	identity_look(&b, t.fd, -1, 0);
	assert_int_equal(b.seen, 200);
	assert_int_equal(b.count, 80);
	assert_int_equal(identity_book_reserve(&b, 200), 0);
	identity_look(&b, t.fd, -1, 0);
	assert_int_equal(b.count, 200);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(b.entries[i].pid, 801 + i);
		assert_int_equal(identity_guess(&b, 801 + i), 1);
	}
	assert_int_equal(identity_guess(&b, 800), 0);
	assert_int_equal(identity_guess(&b, 1001), 0);
	identity_book_done(&b);
	patterns_free(p);
	tree_done(&t);
}

/* The search reads those alone whom a rule can lift, and by a unit that is whoever was looked at.
 */
static void test_lift(void **state)
{
	static const char *const lifts[] = {
		"[Rule a]\nUnit=job-1.service\nBadness=+900\n",
		"[Rule a]\nUnit=job-1.service\nName=^worker$\nBadness=+900\n",
		"[Rule a]\nUser=1000\nBadness=+900\n",
		"[Rule a]\nUser=1000\nCgroup=*\nPrefer=yes\n",
		"[Rule a]\nName=^worker$\nUser=1000\nPrefer=yes\n"};
	static const struct person large = {
		{.pid = 5, .comm = "large", .anon_kb = 440000, .oom_score = -1}, NULL, "0::/\n"};
	struct person small = {
		{.comm = "small", .anon_kb = 40000, .oom_score = -1}, NULL, "0::/\n"};
	struct person lifted = people[0];
	struct tree t;

	(void)state;
	tree_init(&t);
	write_person(&t, &large);
	for (pid_t pid = 100; pid < 150; pid++) {
		small.p.pid = pid;
		write_person(&t, &small);
	}
	lifted.p.anon_kb = 20000;
	lifted.p.oom_score = -1;
	write_person(&t, &lifted);
	for (size_t i = 0; i < ARRAY_SIZE(lifts); i++) {
		struct patterns *p = make(lifts[i]);
		struct identity_book b = {};
		struct scan_request request = {.total_pages = TOTAL, .patterns = p, .known = &b};
		struct scanner *s = scanner_new(t.fd, 1);
		struct scan_result result;
		bool by_name;

		look(&t, &b, p);
		CHECK_INT(lifts[i], scanner_run(s, &request, &result), 0);
		CHECK_INT(lifts[i], result.victim.id.pid, 20);
		CHECK_INT(lifts[i], result.evaluated, 2);
		request.known = NULL;
		CHECK_INT(lifts[i], scanner_run(s, &request, &result), 0);
		by_name = i + 1 == ARRAY_SIZE(lifts);
		CHECK_INT(lifts[i], result.victim.id.pid, by_name ? 20 : 5);
		CHECK_INT(lifts[i], result.evaluated, by_name ? 2 : 1);
		scanner_free(s);
		identity_book_done(&b);
		patterns_free(p);
	}
	tree_done(&t);
}

static void test_census(void **state)
{
	static const struct {
		const char *rules;
		unsigned matched[3], ignored, ignored_by_first;
	} censuses[] = {
		{"", {}, 0, 0},
		{"[Rule a]\nName=^postgres$\nPrefer=1\n[Rule b]\nUser=1000\nIgnore=1\n"
		 "[Rule c]\nUnit=x.service\nAvoid=1\n",
		 {2, 2, 0},
		 1,
		 0},
		{"[Rule a]\nName=.\nIgnore=1\n", {4}, 4, 4},
		{"[Kill]\nIgnore=^odd$\n[Rule a]\nExecutable=*\nIgnore=1\n", {3}, 4, 3},
	};
	struct tree t;

	(void)state;
	tree_init(&t);
	write_people(&t);
	for (size_t i = 0; i < ARRAY_SIZE(censuses); i++) {
		struct patterns *p = make(censuses[i].rules);
		struct identity_book b = {.census.wanted = true};

		look(&t, &b, p);
		CHECK_INT(censuses[i].rules, b.census.processes, 4);
		CHECK_INT(censuses[i].rules, b.census.ignored, censuses[i].ignored);
		CHECK_INT(censuses[i].rules, b.census.ignored_by[0], censuses[i].ignored_by_first);
		for (unsigned rule = 0; rule < 3; rule++)
			CHECK_INT(censuses[i].rules, b.census.matched[rule],
				  censuses[i].matched[rule]);
		identity_book_done(&b);
		patterns_free(p);
	}
	tree_done(&t);
}

static void mark(const struct tree *t, const char *group, const char *name, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", t->path, group);
	assert_int_equal(setxattr(path, name, value, strlen(value), 0), 0);
}

static bool has_xattrs(const struct tree *t)
{
	return setxattr(t->path, "user.reapd_test", "1", 1, 0) == 0;
}

static const struct {
	const char *path;
	enum mark mark;
} marks[] = {
	{"/", MARK_NONE},
	{"", MARK_NONE},
	{"/../escape", MARK_NONE},
	{"/none.service", MARK_NONE},
	{"/a.slice/omit.service", MARK_OMIT},
	{"/a.slice/omit.service/payload/x", MARK_OMIT}, /* what is below is marked with it */
	{"/a.slice", MARK_NONE},
	{"/a.slice/avoid.service", MARK_AVOID},
	{"/a.slice/avoid.service/gone", MARK_AVOID},
	{"/a.slice/both.service", MARK_OMIT},
	{"/a.slice/off.service", MARK_NONE},
	{"/a.slice/odd.service", MARK_NONE},
	{"/marked.slice/plain.service", MARK_OMIT},
	{"/marked.slice/avoid.service", MARK_AVOID}, /* the nearest */
	{"/open.service", MARK_NONE},		     /* others may write there */
	{"/open.service/below", MARK_AVOID},	     /* whoever could is not above it */
};

static void make_marks(const struct tree *t)
{
	static const char *const groups[] = {"none.service",
					     "a.slice/omit.service/payload",
					     "a.slice/avoid.service",
					     "a.slice/both.service",
					     "a.slice/off.service",
					     "a.slice/odd.service",
					     "marked.slice/plain.service",
					     "marked.slice/avoid.service",
					     "open.service/below"};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		tree_directory(t, groups[i]);
	mark(t, "a.slice/omit.service", "user.oomd_omit", "1");
	mark(t, "a.slice/avoid.service", "user.oomd_avoid", "1");
	mark(t, "a.slice/both.service", "user.oomd_avoid", "yes");
	mark(t, "a.slice/both.service", "user.oomd_omit", "true");
	mark(t, "a.slice/off.service", "user.oomd_omit", "0");
	mark(t, "a.slice/odd.service", "user.oomd_omit", "");
	mark(t, "a.slice/odd.service", "user.oomd_avoid", "a longer value than there is room for");
	mark(t, "marked.slice", "user.oomd_omit", "1");
	mark(t, "marked.slice/avoid.service", "user.oomd_avoid", "1");
	mark(t, "open.service", "user.oomd_omit", "1");
	assert_int_equal(fchmodat(t->fd, "open.service", 0777, 0), 0);
	mark(t, "open.service/below", "user.oomd_avoid", "1");
}

static void test_marks(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	if (!has_xattrs(&t)) {
		tree_done(&t);
		skip();
	}
	make_marks(&t);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *path = marks[i].path;
		struct text all = TEXT(path, strlen(path));

		CHECK_INT(path, mark_read(t.fd, all, getuid()), marks[i].mark);
		/* a group of somebody else's: he could have set it himself */
		CHECK_INT(path, mark_read(t.fd, all, getuid() + 1), MARK_NONE);
		CHECK_INT(path, mark_read(-1, all, getuid()), MARK_NONE);
	}
	tree_done(&t);
}

/* From the mark to the verdict, and that a rule is stronger. */
static void test_marked(void **state)
{
	struct patterns *p = make("[Rule a]\nUser=26\nBadness=+5\n");
	struct identity_book b = {};
	struct person who = people[0], other = people[1];
	struct tree t, cgroups;
	struct process found;

	(void)state;
	tree_init(&cgroups);
	if (!has_xattrs(&cgroups)) {
		tree_done(&cgroups);
		skip();
	}
	tree_init(&t);
	make_marks(&cgroups);
	who.cgroup = "0::/a.slice/omit.service\n";
	other.cgroup = "0::/a.slice/omit.service\n";
	write_person(&t, &who);
	write_person(&t, &other);
	look(&t, &b, p);
	assert_int_equal(judge(&t, &b, p, 20).verdict, VERDICT_ELIGIBLE); /* no cgroups there */

	identity_look(&b, t.fd, cgroups.fd, getuid());
	found = judge(&t, &b, p, 20);
	assert_int_equal(found.verdict, VERDICT_IGNORED);
	assert_int_equal(found.rule, RULE_SOURCE_MARK_OMIT);
	assert_int_equal(judge(&t, &b, p, 30).verdict, VERDICT_ELIGIBLE);
	assert_int_equal(judge(&t, &b, p, 30).rule, 1);
	b.stale = true; /* marks do not depend on the rules */
	assert_int_equal(judge(&t, &b, p, 20).verdict, VERDICT_IGNORED);

	who.cgroup = "0::/a.slice/avoid.service\n";
	write_person(&t, &who);
	b.stale = false;
	identity_look(&b, t.fd, cgroups.fd, getuid());
	found = judge(&t, &b, p, 20);
	assert_int_equal(found.rule, RULE_SOURCE_MARK_AVOID);
	assert_int_equal(found.bias_pages, -(100000 / 8 * 7));

	identity_look(&b, t.fd, cgroups.fd, getuid() + 1); /* not root's */
	assert_int_equal(judge(&t, &b, p, 20).rule, 0);
	identity_book_done(&b);
	patterns_free(p);
	tree_done(&t);
	tree_done(&cgroups);
}

static void wait_for_result(struct identities *i)
{
	struct pollfd p = {.fd = i->result_fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, DEADLINE_MSEC), 1);
	assert_true(identities_result(i));
}

/* The thread, one look at a time, and rules that are replaced while it looks. */
static void test_thread(void **state)
{
	struct patterns *p = make(of_everything), *other = make("[Rule a]\nName=x\nAvoid=1\n");
	struct identities i;
	struct tree t;

	(void)state;
	tree_init(&t);
	write_people(&t);
	assert_int_equal(identities_start(&i, t.fd), 0);
	assert_false(identities_result(&i));
	assert_int_equal(judge(&t, identities_book(&i), p, 20).rule, 3);
	assert_int_equal(identities_submit(&i, p, 100, true), 0);
	assert_int_equal(identities_submit(&i, p, 100, false), -EBUSY);
	wait_for_result(&i);
	assert_int_equal(identities_book(&i)->census.matched[0], 1);
	assert_int_equal(judge(&t, identities_book(&i), p, 20).rule, 1);

	assert_int_equal(identities_submit(&i, p, 1000, false), 0);
	identities_retire(&i, p); /* may be in use: freed when the look is done */
	assert_int_equal(identity_guess(identities_book(&i), 20), 0);
	wait_for_result(&i);
	assert_true(identities_book(&i)->stale);
	assert_false(identities_book(&i)->census.wanted);
	assert_int_equal(identity_guess(identities_book(&i), 20), 0);

	assert_int_equal(identities_submit(&i, other, 100, false), 0);
	wait_for_result(&i);
	assert_false(identities_book(&i)->stale);
	identities_retire(&i, other); /* nobody uses it: now */
	identity_book_done(&i.books[0]);
	identity_book_done(&i.books[1]);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	cmocka_unit_test(test_floor),
		cmocka_unit_test(test_changes), cmocka_unit_test(test_leader_exited),
		cmocka_unit_test(test_many),	cmocka_unit_test(test_lift),
		cmocka_unit_test(test_census),	cmocka_unit_test(test_marks),
		cmocka_unit_test(test_marked),	cmocka_unit_test(test_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
