/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scan on fake roots: who can be chosen and who cannot, with each file good, missing, cut or
 * unreadable; the order of the table; what is put aside; more processes than there is room for.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/scan.h"
#include "tree.h"

#define TOTAL 1000000 /* pages: 4 GB; adj 1 is 1000 of them */
#define MB(n) ((n)*1024)

static const struct scan_request everybody = {.total_pages = TOTAL};

static const struct {
	const char *name;
	struct fake_process p;
	enum verdict verdict;
	bool chosen;
} verdicts[] = {
	/* files that do not say what they should, as when the process goes away meanwhile */
	{"stat missing", {.pid = 20, .anon_kb = MB(9), .stat_file = FAKE_MISSING}, VERDICT_GONE},
	{"status missing",
	 {.pid = 20, .anon_kb = MB(9), .status_file = FAKE_MISSING},
	 VERDICT_GONE},
	{"adj missing", {.pid = 20, .anon_kb = MB(9), .adj_file = FAKE_MISSING}, VERDICT_GONE},
	{"stat unreadable",
	 {.pid = 20, .anon_kb = MB(9), .stat_file = FAKE_UNREADABLE},
	 VERDICT_GONE},
	{"status unreadable",
	 {.pid = 20, .anon_kb = MB(9), .status_file = FAKE_UNREADABLE},
	 VERDICT_GONE},
	{"adj unreadable",
	 {.pid = 20, .anon_kb = MB(9), .adj_file = FAKE_UNREADABLE},
	 VERDICT_GONE},
	{"stat empty", {.pid = 20, .anon_kb = MB(9), .stat_file = FAKE_EMPTY}, VERDICT_GONE},
	{"status empty", {.pid = 20, .anon_kb = MB(9), .status_file = FAKE_EMPTY}, VERDICT_GONE},
	{"adj empty", {.pid = 20, .anon_kb = MB(9), .adj_file = FAKE_EMPTY}, VERDICT_GONE},
	{"stat garbage", {.pid = 20, .anon_kb = MB(9), .stat_file = FAKE_GARBAGE}, VERDICT_GONE},
	{"status garbage",
	 {.pid = 20, .anon_kb = MB(9), .status_file = FAKE_GARBAGE},
	 VERDICT_GONE},
	{"adj garbage", {.pid = 20, .anon_kb = MB(9), .adj_file = FAKE_GARBAGE}, VERDICT_GONE},
	{"adj beyond the range", {.pid = 20, .anon_kb = MB(9), .adj = 1001}, VERDICT_GONE},
	{"stat cut", {.pid = 20, .anon_kb = MB(9), .stat_file = FAKE_CUT}, VERDICT_GONE},
	{"status cut in a thread's half",
	 {.pid = 20, .no_mm = true, .status_file = FAKE_CUT},
	 VERDICT_NO_MM},

	{"init", {.pid = 1, .anon_kb = MB(9)}, VERDICT_INIT},
	{"init though its score says otherwise",
	 {.pid = 1, .anon_kb = MB(9), .oom_score = 900},
	 VERDICT_INIT},
	{"kernel thread", {.pid = 2, .no_mm = true, .flags = 0x208040}, VERDICT_KTHREAD},
	{"kernel thread that uses an mm",
	 {.pid = 2, .flags = 0x208040, .oom_score = 700},
	 VERDICT_KTHREAD},
	{"zombie", {.pid = 20, .no_mm = true, .state = 'Z', .flags = 0x4}, VERDICT_NO_MM},
	{"adj -1000", {.pid = 20, .anon_kb = MB(900), .adj = -1000}, VERDICT_ADJ_MIN},
	{"adj -1000 with a score from before",
	 {.pid = 20, .adj = -1000, .oom_score = 900},
	 VERDICT_ADJ_MIN},
	{"adj -999", {.pid = 20, .anon_kb = MB(900), .adj = -999}, VERDICT_ELIGIBLE, true},
	{"SIGKILL for the process",
	 {.pid = 20, .anon_kb = MB(9), .shared_pending = 0x100},
	 VERDICT_DYING,
	 true},
	{"SIGKILL for the thread",
	 {.pid = 20, .anon_kb = MB(9), .thread_pending = 0x100},
	 VERDICT_DYING,
	 true},
	{"SIGKILL for the other threads of one that dumps its core",
	 {.pid = 20, .anon_kb = MB(9), .thread_pending = 0x100, .core_dumping = true},
	 VERDICT_ELIGIBLE,
	 true},
	{"SIGTERM is not dying",
	 {.pid = 20, .anon_kb = MB(9), .shared_pending = 0x4000},
	 VERDICT_ELIGIBLE,
	 true},
	{"exiting", {.pid = 20, .anon_kb = MB(9), .flags = 0x4}, VERDICT_DYING, true},
	{"stopped", {.pid = 20, .anon_kb = MB(9), .state = 'T'}, VERDICT_ELIGIBLE, true},
	{"waiting for ever", {.pid = 20, .anon_kb = MB(9), .state = 'D'}, VERDICT_ELIGIBLE, true},
	{"parentheses in its name",
	 {.pid = 20, .anon_kb = MB(9), .comm = "a) Z 1 (b"},
	 VERDICT_ELIGIBLE,
	 true},
	{"an empty name", {.pid = 20, .anon_kb = MB(9), .comm = ""}, VERDICT_ELIGIBLE, true},
	{"plain", {.pid = 20, .anon_kb = MB(9)}, VERDICT_ELIGIBLE, true},
	/* alive for us, but the kernel says 0: in vfork, or on its skip list */
	{"score 0",
	 {.pid = 20, .anon_kb = MB(9), .score_file = FAKE_EMPTY},
	 VERDICT_ELIGIBLE,
	 false},
	{"score missing",
	 {.pid = 20, .anon_kb = MB(9), .score_file = FAKE_MISSING},
	 VERDICT_ELIGIBLE,
	 false},
};

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct fake_process row = verdicts[i].p;
		struct scan_result result;
		struct scanner *s;
		struct process p;
		struct tree t;

		if (row.oom_score == 0)
			row.oom_score = -1;
		row.ppid = 1;
		tree_init(&t);
		fake_process_write(&t, &row, TOTAL);
		scan_process(t.fd, row.pid, &everybody, &p);
		CHECK_INT(verdicts[i].name, p.verdict, verdicts[i].verdict);
		CHECK_INT(verdicts[i].name, p.id.pid, row.pid);

		s = scanner_new(t.fd, 1);
		assert_non_null(s);
		CHECK_INT(verdicts[i].name, scanner_run(s, &everybody, &result), 0);
		CHECK_INT(verdicts[i].name, result.seen, 1);
		CHECK_INT(verdicts[i].name, result.found, verdicts[i].chosen);
		if (result.found) {
			CHECK_INT(verdicts[i].name, result.victim.verdict, verdicts[i].verdict);
			CHECK_STR(verdicts[i].name, result.victim.comm,
				  row.comm ? row.comm : "fake");
			CHECK_INT(verdicts[i].name, result.victim.badness.points,
				  fake_badness(&row, TOTAL));
		}
		scanner_free(s);
		tree_done(&t);
	}
}

static void test_gone(void **state)
{
	struct process p;
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "21", "not a directory\n");
	scan_process(t.fd, 20, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_GONE);
	scan_process(t.fd, 21, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_GONE);
	tree_done(&t);
}

static void test_self(void **state)
{
	struct fake_process row = {.pid = getpid(), .ppid = 1, .anon_kb = MB(100), .oom_score = -1};
	struct fake_process child = {
		.pid = 20, .ppid = getpid(), .anon_kb = MB(1), .oom_score = -1};
	struct scan_request children = {.total_pages = TOTAL, .scope = SCOPE_CHILDREN};
	struct scan_result result;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	fake_process_write(&t, &row, TOTAL);
	fake_process_write(&t, &child, TOTAL);
	child.pid = 30;
	child.ppid = 20;
	child.anon_kb = MB(50);
	fake_process_write(&t, &child, TOTAL);
	s = scanner_new(t.fd, 1);

	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, 30);
	/* itself is in the table, as what it is */
	assert_int_equal(result.top[0].id.pid, getpid());
	assert_int_equal(result.top[0].verdict, VERDICT_SELF);

	assert_int_equal(scanner_run(s, &children, &result), 0);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, 20); /* and not the grandchild */
	scanner_free(s);
	tree_done(&t);
}

/* The leader has exited: its status has no memory, but a thread holds all of it. */
static void test_zombie_leader(void **state)
{
	struct fake_process leader = {.pid = 20,
				      .ppid = 1,
				      .state = 'Z',
				      .threads = 3,
				      .flags = 4,
				      .no_mm = true,
				      .start_time = 7,
				      .comm = "leader",
				      .oom_score = 700};
	struct fake_process thread = {.pid = 22,
				      .threads = 3,
				      .anon_kb = MB(64),
				      .start_time = 9,
				      .comm = "thread",
				      .pte_kb = 400,
				      .adj = 0};
	struct fake_process gone = thread, dead = leader;
	struct process p;
	struct tree t;

	(void)state;
	tree_init(&t);
	fake_process_write(&t, &leader, TOTAL);
	fake_thread_write(&t, 20, &leader); /* task/20 shows no memory either */
	scan_process(t.fd, 20, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_NO_MM);

	/* threads that go away while they are looked at, and one that is exiting */
	gone.pid = 21;
	gone.stat_file = FAKE_MISSING;
	fake_thread_write(&t, 20, &gone);
	dead.pid = 19;
	fake_thread_write(&t, 20, &dead);
	scan_process(t.fd, 20, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_NO_MM);

	fake_thread_write(&t, 20, &thread);
	scan_process(t.fd, 20, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_ELIGIBLE);
	assert_int_equal(p.mm_tid, 22);
	assert_int_equal(p.id.pid, 20);
	assert_int_equal(p.id.start_time, 7);  /* the process's, not the thread's */
	assert_string_equal(p.comm, "thread"); /* the kernel names the thread it found */
	assert_int_equal(p.badness.points, fake_badness(&thread, TOTAL));

	/* a zombie of one thread is not searched */
	leader.threads = 1;
	fake_process_write(&t, &leader, TOTAL);
	scan_process(t.fd, 20, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_NO_MM);

	/* SIGKILL pending for that thread, or PF_EXITING of the thread and not of the leader alone
	 */
	leader.threads = 3;
	thread.shared_pending = 0x100;
	fake_process_write(&t, &leader, TOTAL);
	fake_thread_write(&t, 20, &thread);
	scan_process(t.fd, 20, &everybody, &p);
	assert_int_equal(p.verdict, VERDICT_DYING);
	tree_done(&t);
}

static struct patterns *make_patterns(const char *prefer, const char *avoid, const char *ignore)
{
	struct config_loader l;
	struct patterns *p;

	config_loader_init(&l, NULL, NULL);
	snprintf(l.config.prefer, sizeof(l.config.prefer), "%s", prefer);
	snprintf(l.config.avoid, sizeof(l.config.avoid), "%s", avoid);
	snprintf(l.config.ignore, sizeof(l.config.ignore), "%s", ignore);
	p = patterns_new(&l);
	assert_non_null(p);
	return p;
}

static const struct {
	const char *name;
	const char *prefer, *avoid, *ignore;
	bool ignore_root_user;
	enum sort_by sort_by;
	pid_t victim; /* 0: nobody */
} rules[] = {
	{"no rule: the largest", "", "", "", .victim = 30},
	{"prefer a small one", "^small$", "", "", .victim = 20},
	{"avoid the largest", "", "^large$", "", .victim = 25},
	{"ignore the largest", "", "", "^large$", .victim = 25},
	{"ignore two", "", "", "^(large|medium)$", .victim = 20},
	{"ignore all", "", "", ".", .victim = 0},
	{"prefer and avoid the same", "^large$", "^large$", "", .victim = 30},
	{"ignore is stronger than prefer", "^small$", "", "^small$", .victim = 30},
	{"root is ignored", "", "", "", .ignore_root_user = true, .victim = 25},
	{"by rss, swap does not count", "", "", "", .sort_by = SORT_BY_RSS, .victim = 25},
	{"by rss, avoided", "", "^medium$", "", .sort_by = SORT_BY_RSS, .victim = 30},
};

static void test_rules(void **state)
{
	static const struct fake_process population[] = {
		{.pid = 20,
		 .ppid = 1,
		 .comm = "small",
		 .uid = 5,
		 .anon_kb = MB(8),
		 .oom_score = -1},
		{.pid = 25,
		 .ppid = 1,
		 .comm = "medium",
		 .uid = 5,
		 .anon_kb = MB(300),
		 .oom_score = -1},
		{.pid = 30,
		 .ppid = 1,
		 .comm = "large",
		 .uid = 0,
		 .anon_kb = MB(200),
		 .swap_kb = MB(400),
		 .oom_score = -1},
	};
	struct tree t;

	(void)state;
	tree_init(&t);
	for (size_t i = 0; i < ARRAY_SIZE(population); i++)
		fake_process_write(&t, &population[i], TOTAL);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct patterns *patterns = make_patterns(rules[i].prefer, rules[i].avoid,
							  rules[i].ignore);
		struct scan_request request = {.total_pages = TOTAL,
					       .patterns = patterns,
					       .ignore_root_user = rules[i].ignore_root_user,
					       .sort_by = rules[i].sort_by};
		struct scanner *s = scanner_new(t.fd, 1);
		struct scan_result result;

		CHECK_INT(rules[i].name, scanner_run(s, &request, &result), 0);
		CHECK_INT(rules[i].name, result.found, rules[i].victim != 0);
		CHECK_INT(rules[i].name, result.found ? result.victim.id.pid : 0, rules[i].victim);
		/* a rule adds points when processes are compared and never to what was measured */
		if (rules[i].victim != 0)
			CHECK_INT(rules[i].name, result.victim.badness.points,
				  fake_badness(&population[(rules[i].victim - 20) / 5], TOTAL));
		scanner_free(s);
		patterns_free(patterns);
	}
	tree_done(&t);
}

/* Of equals the one that was forked last: the later start time, then the larger pid. */
static void test_ties(void **state)
{
	struct fake_process p = {.ppid = 1, .anon_kb = MB(8), .oom_score = -1};
	static const struct {
		pid_t pid;
		uint64_t start_time;
	} order[] = {{900, 4}, {30, 5}, {20, 6}, {40, 6}};
	struct scan_result result;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	s = scanner_new(t.fd, 1);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		p.pid = order[i].pid;
		p.start_time = order[i].start_time;
		fake_process_write(&t, &p, TOTAL);
		assert_int_equal(scanner_run(s, &everybody, &result), 0);
		assert_true(result.found);
		assert_int_equal(result.victim.id.pid, p.pid); /* each beats those before it */
		assert_int_equal(result.top_count, i + 1);
	}
	for (unsigned i = 0; i + 1 < result.top_count; i++)
		assert_true(process_beats(&result.top[i], &result.top[i + 1], SORT_BY_BADNESS));
	scanner_free(s);
	tree_done(&t);
}

/* One that is dying already stands in for a victim when its memory is enough. */
static void test_dying(void **state)
{
	static const struct {
		const char *name;
		struct scan_request request;
		pid_t victim;
	} rows[] = {
		{"smaller than the victim, shortage unknown", {.total_pages = TOTAL}, 21},
		{"more than the shortage",
		 {.total_pages = TOTAL, .shortage_bytes = UINT64_C(90) << 20},
		 20},
		{"less than the shortage",
		 {.total_pages = TOTAL, .shortage_bytes = UINT64_C(110) << 20},
		 21},
		{"more, but it was waited for long enough",
		 {.total_pages = TOTAL,
		  .shortage_bytes = UINT64_C(90) << 20,
		  .dying = DYING_IS_SKIPPED},
		 21},
	};
	struct fake_process dying = {
		.pid = 20, .ppid = 1, .anon_kb = MB(100), .shared_pending = 0x100, .oom_score = -1};
	struct fake_process leak = {.pid = 21, .ppid = 1, .anon_kb = MB(300), .oom_score = -1};
	struct scan_result result;
	struct tree t;

	(void)state;
	tree_init(&t);
	fake_process_write(&t, &dying, TOTAL);
	fake_process_write(&t, &leak, TOTAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scanner *s = scanner_new(t.fd, 1);

		CHECK_INT(rows[i].name, scanner_run(s, &rows[i].request, &result), 0);
		CHECK(rows[i].name, result.found);
		CHECK_INT(rows[i].name, result.victim.id.pid, rows[i].victim);
		scanner_free(s);
	}
	tree_done(&t);
}

/* Who is in swapoff is taken first, whatever its size, but nobody who is only called that. */
static void test_task_origin(void **state)
{
	static const struct {
		const char *name;
		struct fake_process p;
		bool swapoff, taken;
	} rows[] = {
		{"root's, in a swapoff", {.comm = "swapoff"}, true, true},
		{"no swapoff is going on", {.comm = "swapoff"}, false, false},
		{"another name", {.comm = "swapoffd"}, true, false},
		{"another user's", {.comm = "swapoff", .uid = 1000}, true, false},
		{"protected", {.comm = "swapoff", .adj = -1000}, true, false},
		{"dying", {.comm = "swapoff", .shared_pending = 0x100}, true, false},
	};
	struct fake_process leak = {.pid = 21, .ppid = 1, .anon_kb = MB(300), .oom_score = -1};
	struct tree t;

	(void)state;
	tree_init(&t);
	fake_process_write(&t, &leak, TOTAL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scan_request request = {.total_pages = TOTAL, .swapoff = rows[i].swapoff};
		struct scanner *s = scanner_new(t.fd, 1);
		struct fake_process p = rows[i].p;
		struct scan_result result;

		p.pid = 20;
		p.ppid = 1;
		p.anon_kb = MB(1);
		p.oom_score = -1;
		fake_process_write(&t, &p, TOTAL);
		CHECK_INT(rows[i].name, scanner_run(s, &request, &result), 0);
		CHECK(rows[i].name, result.found);
		CHECK_INT(rows[i].name, result.victim.id.pid, rows[i].taken ? 20 : 21);
		CHECK(rows[i].name, result.victim.task_origin == rows[i].taken);
		scanner_fill_top(s, &request, -1, &result);
		/* each once, but for one with an oom_score of 0 */
		CHECK_INT(rows[i].name, result.top_count, p.adj == -1000 ? 1 : 2);

		scanner_put_aside(s, (struct process_id){20, 0});
		CHECK_INT(rows[i].name, scanner_run(s, &request, &result), 0);
		CHECK_INT(rows[i].name, result.victim.id.pid, 21);
		scanner_free(s);
	}
	tree_done(&t);
}

/* There is always room for half as many more, for as long as nobody may make more. */
static void test_reserve(void **state)
{
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	s = scanner_new(t.fd, 300);
	assert_int_equal(scanner_reserve(s, 300), 0);
	assert_int_equal(scanner_reserve(s, 400), 0);
	assert_int_equal(scanner_reserve(s, 401), 1);
	assert_int_equal(scanner_reserve(s, 534), 0);
	assert_int_equal(scanner_reserve(s, 536), 1);
	scanner_free(s);
	tree_done(&t);
}

/* Who might share the victim's memory, by the score; those of 0 where it may be in vfork(). */
static void test_alike(void **state)
{
	struct fake_process p = {.ppid = 1};
	struct scan_request request = {.total_pages = TOTAL};
	struct scan_result result;
	struct scanner *s;
	pid_t found[8];
	struct tree t;

	(void)state;
	tree_init(&t);
	for (p.pid = 20; p.pid < 30; p.pid++) {
		p.anon_kb = MB(200);
		p.oom_score = p.pid < 25 ? 700 + p.pid : 650; /* 720..724 */
		p.score_file = p.pid == 20 ? FAKE_EMPTY : FAKE_GOOD;
		fake_process_write(&t, &p, TOTAL);
	}
	s = scanner_new(t.fd, 1);
	assert_int_equal(scanner_run(s, &request, &result), 0);
	scan_process(t.fd, 22, &request, &result.victim);
	assert_int_equal(scanner_alike(s, &result.victim, found, ARRAY_SIZE(found)), 3);
	assert_int_equal(scanner_alike(s, &result.victim, found, 2), 2);
	for (unsigned i = 0; i < 2; i++)
		assert_in_range(found[i], 21, 24);
	result.victim.state = 'D';
	assert_int_equal(scanner_alike(s, &result.victim, found, ARRAY_SIZE(found)), 4);
	assert_int_equal(found[3], 20);
	/* with room for some only, those of the same score */
	assert_int_equal(scanner_alike(s, &result.victim, found, 3), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(found[i], 21, 24);
	result.victim.state = 'S';
	result.victim.memory.threads = 2;
	assert_int_equal(scanner_alike(s, &result.victim, found, ARRAY_SIZE(found)), 4);
	scanner_free(s);
	tree_done(&t);
}

static void test_aside(void **state)
{
	struct fake_process p = {.ppid = 1, .oom_score = -1};
	struct scan_result result;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (p.pid = 20; p.pid < 23; p.pid++) {
		p.start_time = (uint64_t)p.pid;
		p.anon_kb = (uint64_t)MB(10 * p.pid);
		fake_process_write(&t, &p, TOTAL);
	}
	s = scanner_new(t.fd, 1);
	scanner_put_aside(s, (struct process_id){22, 21}); /* somebody else had that pid */
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_int_equal(result.victim.id.pid, 22);

	scanner_put_aside(s, (struct process_id){22, 22});
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_int_equal(result.victim.id.pid, 21);
	assert_int_equal(result.top[0].id.pid, 22);
	assert_int_equal(result.top[0].verdict, VERDICT_ASIDE);

	scanner_put_aside(s, (struct process_id){21, 21});
	scanner_put_aside(s, (struct process_id){20, 20});
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_false(result.found);

	/* of many the oldest is forgotten */
	for (unsigned i = 0; i < SCAN_ASIDE - 2; i++)
		scanner_put_aside(s, (struct process_id){5000, i});
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, 22);
	scanner_free(s);
	tree_done(&t);
}

/* More processes than there is room for: the rest is counted, and there is room after growing. */
static void test_overflow(void **state)
{
	enum { PROCESSES = 1100, ROOM = 512 };
	struct fake_process p = {.ppid = 1, .oom_score = -1};
	struct scan_result result;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (p.pid = 10; p.pid < 10 + PROCESSES; p.pid++) {
		p.anon_kb = (uint64_t)(p.pid * 40);
		fake_process_write(&t, &p, TOTAL);
	}
	tree_text(&t, "self", "");
	tree_directory(&t, "irq/20");
	tree_directory(&t, "99999999999999999999"); /* no pid: too large a number */
	tree_directory(&t, "20x");
	s = scanner_new(t.fd, 1);
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_int_equal(result.seen, PROCESSES);
	assert_int_equal(result.overflow, PROCESSES - ROOM);
	assert_int_equal(result.scored, ROOM);
	assert_true(result.found);

	assert_int_equal(scanner_reserve(s, PROCESSES), 1);
	assert_int_equal(scanner_reserve(s, PROCESSES), 0);
	/* growing ends the walk of the scan before: there is nothing to read on from */
	scanner_fill_top(s, &everybody, -1, &result);
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_int_equal(result.overflow, 0);
	assert_int_equal(result.scored, PROCESSES);
	assert_int_equal(result.victim.id.pid, 10 + PROCESSES - 1);
	/* and most are never read in full */
	assert_true(result.evaluated < PROCESSES / 2);
	scanner_free(s);
	tree_done(&t);
}

static void test_unreadable(void **state)
{
	struct fake_process p = {.pid = 20, .ppid = 1, .anon_kb = MB(5), .oom_score = -1};
	struct scan_result result;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	fake_process_write(&t, &p, TOTAL);
	p.anon_kb = MB(500);
	p.pid = 21;
	p.score_file = FAKE_UNREADABLE;
	fake_process_write(&t, &p, TOTAL);
	p.pid = 22;
	p.score_file = FAKE_GARBAGE;
	fake_process_write(&t, &p, TOTAL);
	p.pid = 23;
	p.score_file = FAKE_MISSING;
	fake_process_write(&t, &p, TOTAL);
	s = scanner_new(t.fd, 1);
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_int_equal(result.seen, 4);
	assert_int_equal(result.scored, 1);
	assert_int_equal(result.unreadable, 2); /* one that has gone is not unreadable */
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, 20);
	scanner_free(s);
	tree_done(&t);
}

static void test_no_proc(void **state)
{
	struct scan_result result;
	struct scanner *s;
	struct tree t;
	int fd;

	(void)state;
	tree_init(&t);
	tree_text(&t, "file", "");
	fd = openat(t.fd, "file", O_PATH | O_CLOEXEC);
	s = scanner_new(fd, 1);
	assert_int_equal(scanner_run(s, &everybody, &result), -ENOTDIR);
	assert_false(result.found);
	scanner_free(s);
	close(fd);

	s = scanner_new(t.fd, 1); /* mounted, and nobody in it */
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_false(result.found);
	assert_int_equal(result.seen, 0);
	scanner_fill_top(s, &everybody, -1, &result);
	assert_int_equal(result.top_count, 0);
	scanner_free(s);
	tree_done(&t);
}

struct visits {
	unsigned count;
	pid_t pids[8];
};

static void visit(void *userdata, const struct process *p)
{
	struct visits *v = userdata;

	assert_true(v->count < ARRAY_SIZE(v->pids));
	v->pids[v->count++] = p->id.pid;
}

static void test_group(void **state)
{
	static const struct fake_process population[] = {
		{.pid = 20, .pgrp = 20, .anon_kb = MB(50), .oom_score = -1},
		{.pid = 21, .pgrp = 20, .anon_kb = MB(1), .oom_score = -1},
		{.pid = 22, .pgrp = 20, .comm = "spared", .anon_kb = MB(1), .oom_score = -1},
		{.pid = 23, .pgrp = 20, .anon_kb = MB(1), .adj = -1000, .oom_score = -1},
		{.pid = 24, .pgrp = 20, .no_mm = true, .state = 'Z', .oom_score = -1},
		{.pid = 25, .pgrp = 20, .anon_kb = MB(1), .shared_pending = 0x100, .oom_score = -1},
		{.pid = 26, .pgrp = 26, .anon_kb = MB(1), .oom_score = -1},
		{.pid = 27,
		 .pgrp = 20,
		 .anon_kb = MB(1),
		 .status_file = FAKE_MISSING,
		 .oom_score = -1},
		{.pid = 1, .pgrp = 20, .anon_kb = MB(1), .oom_score = -1},
	};
	struct patterns *patterns = make_patterns("", "", "^spared$");
	struct scan_request request = {.total_pages = TOTAL, .patterns = patterns};
	struct scan_result result;
	struct visits v = {};
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (size_t i = 0; i < ARRAY_SIZE(population); i++)
		fake_process_write(&t, &population[i], TOTAL);
	s = scanner_new(t.fd, 1);
	assert_int_equal(scanner_run(s, &request, &result), 0);
	assert_int_equal(result.victim.id.pid, 20);
	assert_int_equal(scanner_for_group(s, &request, &result.victim, visit, &v), 1);
	assert_int_equal(v.count, 1);
	assert_int_equal(v.pids[0], 21);
	result.victim.pgrp = 77;
	assert_int_equal(scanner_for_group(s, &request, &result.victim, visit, &v), 0);
	result.victim.pgrp = 0; /* of another pid namespace: not one group */
	assert_int_equal(scanner_for_group(s, &request, &result.victim, visit, &v), 0);
	scanner_free(s);
	patterns_free(patterns);
	tree_done(&t);
}

/* The table goes on where the search stopped, without the victim a second time. */
static void test_top(void **state)
{
	struct fake_process p = {.ppid = 1, .oom_score = -1};
	struct scan_result result;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (p.pid = 20; p.pid < 60; p.pid++) {
		p.anon_kb = (uint64_t)MB(p.pid);
		fake_process_write(&t, &p, TOTAL);
	}
	s = scanner_new(t.fd, 1);
	assert_int_equal(scanner_run(s, &everybody, &result), 0);
	assert_int_equal(result.victim.id.pid, 59);
	tree_remove(&t, "56"); /* vanishes between the two */
	scanner_fill_top(s, &everybody, 59, &result);
	assert_int_equal(result.top_count, SCAN_TOP);
	for (unsigned i = 0; i < result.top_count; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(result.top[i].id.pid, result.top[j].id.pid);
		if (i > 0)
			assert_true(
				process_beats(&result.top[i - 1], &result.top[i], SORT_BY_BADNESS));
	}
	assert_int_equal(result.top[0].id.pid, 59);
	scanner_free(s);
	tree_done(&t);
}

struct crowd {
	unsigned count;
	struct process seen[16];
};

static void remember(void *userdata, const struct process *p)
{
	struct crowd *v = userdata;

	if (v->count < ARRAY_SIZE(v->seen))
		v->seen[v->count] = *p;
	v->count++;
}

static enum verdict verdict_of(const struct crowd *v, pid_t pid)
{
	for (unsigned i = 0; i < v->count; i++) {
		if (v->seen[i].id.pid == pid)
			return v->seen[i].verdict;
	}
	return VERDICT_GONE;
}

/* Above any pid_max, so that kcmp() finds nobody. */
#define NOBODYS_PID 5000000

/* Everybody is shown, with the reason, and the choice is that of the ordinary scan. */
static void test_run_on_all(void **state)
{
	static const struct fake_process rows[] = {
		{.pid = 1, .anon_kb = MB(900)},
		{.pid = 2, .no_mm = true, .flags = 0x208040},
		{.pid = 20, .anon_kb = MB(50)},
		{.pid = 21, .anon_kb = MB(700), .adj = -1000},
		{.pid = 22, .anon_kb = MB(800), .stat_file = FAKE_MISSING},
		{.pid = 24, .anon_kb = MB(1), .adj = -999, .oom_score = -2},
		{.pid = 25, .anon_kb = MB(60)},
		{.pid = NOBODYS_PID, .anon_kb = MB(600), .oom_score = -2},
	};
	struct scan_request request = {.total_pages = TOTAL, .self = 25};
	struct scan_result result, ordinary;
	struct crowd crowd = {};
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_process row = rows[i];

		row.ppid = 1;
		row.oom_score = row.oom_score == -2 ? 0 : -1;
		fake_process_write(&t, &row, TOTAL);
	}
	s = scanner_new(t.fd, 1);
	assert_int_equal(scanner_run_on_all(s, &request, remember, &crowd, &result), 0);
	assert_int_equal(result.seen, ARRAY_SIZE(rows));
	assert_int_equal(crowd.count, ARRAY_SIZE(rows) - 1);
	assert_int_equal(verdict_of(&crowd, 1), VERDICT_INIT);
	assert_int_equal(verdict_of(&crowd, 2), VERDICT_KTHREAD);
	assert_int_equal(verdict_of(&crowd, 20), VERDICT_ELIGIBLE);
	assert_int_equal(verdict_of(&crowd, 21), VERDICT_ADJ_MIN);
	assert_int_equal(verdict_of(&crowd, 22), VERDICT_GONE);
	/* 0 by rounding */
	assert_int_equal(verdict_of(&crowd, 24), VERDICT_ELIGIBLE);
	assert_int_equal(verdict_of(&crowd, 25), VERDICT_SELF);
	assert_int_equal(verdict_of(&crowd, NOBODYS_PID), VERDICT_VFORK);

	assert_int_equal(scanner_run(s, &request, &ordinary), 0);
	assert_true(result.found && ordinary.found);
	assert_int_equal(result.victim.id.pid, 20);
	assert_int_equal(ordinary.victim.id.pid, 20);
	request.self = -1; /* nobody is: not the caller, and not 25 */
	assert_int_equal(scanner_run(s, &request, &ordinary), 0);
	assert_int_equal(ordinary.victim.id.pid, 25);
	scanner_free(s);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),    cmocka_unit_test(test_gone),
		cmocka_unit_test(test_self),	    cmocka_unit_test(test_zombie_leader),
		cmocka_unit_test(test_rules),	    cmocka_unit_test(test_ties),
		cmocka_unit_test(test_aside),	    cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_unreadable),  cmocka_unit_test(test_no_proc),
		cmocka_unit_test(test_group),	    cmocka_unit_test(test_top),
		cmocka_unit_test(test_run_on_all),  cmocka_unit_test(test_dying),
		cmocka_unit_test(test_task_origin), cmocka_unit_test(test_alike),
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
