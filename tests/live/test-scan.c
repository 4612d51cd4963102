/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scan on the real /proc, with children of the test that are hard to read: hostile names, a
 * leader that has exited, vfork, threads, kernel threads beside them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "sys/fs.h"

static int proc_fd;

static int setup(void **state)
{
	(void)state;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	return proc_fd < 0;
}

static struct scan_request request_children(void)
{
	return (struct scan_request){.total_pages = machine_total_pages(), .scope = SCOPE_CHILDREN};
}

static void run(const struct scan_request *request, struct scan_result *result)
{
	struct scanner *s = scanner_new(proc_fd, 1000);

	assert_non_null(s);
	assert_int_equal(scanner_run(s, request, result), 0);
	scanner_free(s);
}

static const char *const hostile_names[] = {
	"a) Z 1 (b\nc",	    "(((((((((((((((", ")))))))))))))))", ") S 1 1 1 1 1", "\n\n\n", " ",
	"\t) \\ (\x1b[31m", "\xff\xfe\x80",    "Name:\tx\nTgid",
};

static void test_hostile_names(void **state)
{
	struct scan_request request = request_children();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		pid_t pid = child_start(
			&(struct child_spec){.bytes = 5 * MIB, .comm = hostile_names[i]});
		struct scan_result result;
		struct victim v;

		run(&request, &result);
		CHECK(hostile_names[i], result.found);
		CHECK_INT(hostile_names[i], result.victim.id.pid, pid);
		CHECK_STR(hostile_names[i], result.victim.comm, hostile_names[i]);
		/* on its way into pause(), or there */
		CHECK(hostile_names[i], result.victim.state == 'S' || result.victim.state == 'R');
		CHECK_INT(hostile_names[i], result.victim.uid, getuid());
		CHECK_INT(hostile_names[i], result.victim.pgrp, getpgrp());
		CHECK_INT(hostile_names[i], victim_open(proc_fd, result.victim.id, &v), 0);
		CHECK_INT(hostile_names[i], victim_signal(&v, SIGKILL), 0);
		child_wait(pid);
		victim_close(&v);
	}
}

/* The leader ends and a thread lives on: exit(2) by number ends one thread alone. */
static void leave_a_thread(void *userdata)
{
	static char stack[65536] __attribute__((aligned(16)));
	int *fd = userdata;

	if (clone(child_pause_for_ever, stack + sizeof(stack),
		  CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, NULL) < 0 ||
	    write(*fd, "r", 1) != 1)
		_exit(104);
	syscall(SYS_exit, 0);
}

static pid_t start_zombie_leader(void)
{
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	/* it never reports itself ready: its leader ends before that */
	pid = fork();
	if (pid == 0) {
		char *memory = malloc(64 * MIB);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(memory, 1, 64 * MIB);
		/* nobody reads it: clang would leave it out */
		__asm__ volatile("" : : "r"(memory) : "memory");
		leave_a_thread(&fds[1]);
		_exit(memory[3]);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	close(fds[1]);
	WAIT_FOR(child_state(pid) == 'Z');
	return pid;
}

static void test_zombie_leader(void **state)
{
	pid_t pid = start_zombie_leader();
	struct scan_request request = request_children();
	struct reaper reaper;
	struct reap_result reaped;
	struct scan_result result;
	struct victim v;
	long long score = read_number("/proc/%d/oom_score", pid);

	(void)state;
	run(&request, &result);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, pid);
	assert_int_equal(result.victim.verdict, VERDICT_ELIGIBLE);
	assert_int_not_equal(result.victim.mm_tid, pid);
	assert_int_equal(read_number("/proc/%d/task/%d/oom_score_adj", pid, result.victim.mm_tid),
			 0);
	assert_true(process_expected_bytes(&result.victim) >= 64 * MIB);
	assert_in_range(badness_to_oom_score(result.victim.badness.points, request.total_pages),
			score - 1, score + 1);

	/* the pidfd of a dead leader still reaches its threads */
	assert_int_equal(reaper_start(&reaper), 0);
	assert_int_equal(victim_open(proc_fd, result.victim.id, &v), 0);
	assert_false(victim_is_dead(&v));
	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &reaped);
	assert_true(reaped.error == 0 || reaped.error == ESRCH);
	WAIT_FOR(victim_is_dead(&v));
	child_wait(pid);
	victim_close(&v);
}

static void vfork_and_wait(void *userdata)
{
	int *fd = userdata;
	pid_t pid = vfork();

	if (pid == 0) {
		pid_t self = (pid_t)syscall(SYS_getpid);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "live-vforked");
		if (write(*fd, &self, sizeof(self)) != sizeof(self))
			_exit(1);
		for (;;)
			pause();
	}
}

/* Between vfork() and exec() the child borrows its parent's memory: the kernel spares it. */
static void test_vfork(void **state)
{
	struct scan_request children = request_children(), everybody = children;
	struct process_id inner_id = {};
	struct config_loader l;
	struct scan_result result;
	struct process p;
	struct victim inner;
	int fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		vfork_and_wait(&fds[1]);
		_exit(0);
	}
	assert_int_equal(read(fds[0], &inner_id.pid, sizeof(inner_id.pid)), sizeof(inner_id.pid));
	close(fds[0]);
	close(fds[1]);
	WAIT_FOR(child_state(pid) == 'D');
	assert_int_equal(read_number("/proc/%d/oom_score", inner_id.pid), 0);

	/* nobody but it is left by the rules, and it is not taken */
	config_loader_init(&l, NULL, NULL);
	l.config.avoid[0] = '\0';
	strcpy(l.config.ignore, "^(?!live-vforked$)");
	everybody.scope = SCOPE_EVERYBODY;
	everybody.patterns = patterns_new(&l);
	run(&everybody, &result);
	assert_false(result.found);
	patterns_free((struct patterns *)everybody.patterns);

	/* its parent is, and dies though it waits in the kernel */
	run(&children, &result);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, pid);
	assert_int_equal(result.victim.state, 'D');
	scan_process(proc_fd, inner_id.pid, &children, &p);
	inner_id.start_time = p.id.start_time;
	assert_int_equal(victim_open(proc_fd, inner_id, &inner), 0);
	child_end(pid);
	WAIT_FOR(victim_is_dead(&inner)); /* by PR_SET_PDEATHSIG */
	victim_close(&inner);
}

static void test_adj(void **state)
{
	static const int adjs[] = {1000, 500, 1};
	struct scan_request request = request_children();
	pid_t large = child_start(&(struct child_spec){.bytes = 100 * MIB});

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(adjs); i++) {
		pid_t pid = child_start(&(struct child_spec){.bytes = MIB, .adj = adjs[i]});
		struct scan_result result;
		bool small_wins = (uint64_t)adjs[i] * (request.total_pages / 1000) >
				  100 * MIB / (uint64_t)sysconf(_SC_PAGESIZE);

		run(&request, &result);
		assert_true(result.found);
		assert_int_equal(result.victim.id.pid, small_wins ? pid : large);
		if (small_wins)
			assert_int_equal(result.victim.badness.adj_pages,
					 adjs[i] * (int64_t)(request.total_pages / 1000));
		child_end(pid);
	}
	child_end(large);
}

/* Only where we may lower it: -999 is the last that can be chosen, -1000 never is. */
static void test_negative_adj(void **state)
{
	struct scan_request request = request_children();
	struct scan_result result;
	struct process p;
	char path[64];
	pid_t pid = child_start(&(struct child_spec){.bytes = 5 * MIB});

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	if (write_file(path, "-999") < 0) {
		child_end(pid);
		skip();
	}
	scan_process(proc_fd, pid, &request, &p);
	assert_int_equal(p.verdict, VERDICT_ELIGIBLE);
	assert_true(p.badness.points < 0);
	run(&request, &result);
	assert_true(result.found);
	assert_int_equal(write_file(path, "-1000"), 0);
	run(&request, &result);
	assert_false(result.found);
	child_end(pid);
}

/* Those that nobody may choose, read as they are on this machine. */
static void test_protected(void **state)
{
	struct scan_request request = {.total_pages = machine_total_pages()};
	struct process p;

	(void)state;
	scan_process(proc_fd, 1, &request, &p);
	assert_int_equal(p.verdict, VERDICT_INIT);
	scan_process(proc_fd, getpid(), &request, &p);
	assert_int_equal(p.verdict, VERDICT_SELF);
	if (read_number("/proc/2/stat") == 2) { /* kthreadd, outside containers */
		scan_process(proc_fd, 2, &request, &p);
		assert_int_equal(p.verdict, VERDICT_KTHREAD);
	}
}

/* SIGKILL is pending and it cannot act on it: dying, to be awaited and not killed again. */
static void test_dying(void **state)
{
	struct scan_request request = request_children();
	/* a dying one counts among the first of all only, whoever else runs here */
	pid_t pid = child_start(&(struct child_spec){.bytes = 200 * MIB});
	struct freezer freezer;
	struct scan_result result;

	(void)state;
	if (!freezer_freeze(&freezer, pid)) {
		child_end(pid);
		skip();
	}
	run(&request, &result);
	assert_int_equal(result.victim.verdict, VERDICT_ELIGIBLE);
	assert_int_equal(kill(pid, SIGKILL), 0);
	run(&request, &result);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, pid);
	assert_int_equal(result.victim.verdict, VERDICT_DYING);
	/* and whatever the rules say: it is not us who killed it */
	request.ignore_root_user = true;
	run(&request, &result);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, pid);
	assert_int_equal(result.victim.verdict, VERDICT_DYING);
	freezer_thaw(&freezer);
	child_wait(pid);
	freezer_remove(&freezer);
}

/* The first process of a pid namespace, as a container has one: with no handler it hears nothing.
 */
static pid_t start_box(enum on_term on_term)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (on_term == TERM_EXITS)
			signal(SIGTERM, _exit);
		else if (on_term == TERM_WAITED_FOR)
			block_term();
		if (write(ready[1], "r", 1) == 1)
			child_pause_for_ever(NULL);
		_exit(1);
	}
	close(ready[1]);
	if (pid > 0)
		assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static const struct {
	const char *row;
	bool is_box;
	enum on_term on_term;
	bool ignores;
} term_rows[] = {
	{"nothing said of SIGTERM", false, TERM_DIES, false},
	{"ignored", false, TERM_IGNORED, true},
	{"a handler", false, TERM_EXITS, false},
	{"blocked, to be waited for", false, TERM_WAITED_FOR, false},
	{"init of a namespace", true, TERM_DIES, true},
	{"init of a namespace that waits for it", true, TERM_WAITED_FOR, false},
	{"init of a namespace, with a handler", true, TERM_EXITS, false},
};

/* The kernel is asked who is right: a signal that is ignored is dropped as it is sent. */
static void test_ignores_term(void **state)
{
	struct scan_request request = request_children();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(term_rows); i++) {
		const char *row = term_rows[i].row;
		pid_t pid = term_rows[i].is_box
				    ? start_box(term_rows[i].on_term)
				    : child_start(&(struct child_spec){
					      .bytes = MIB, .on_term = term_rows[i].on_term});
		struct process p;

		if (pid < 0) {
			assert_int_equal(errno, EPERM);
			skip();
		}
		scan_process(proc_fd, pid, &request, &p);
		CHECK_INT(row, p.verdict, VERDICT_ELIGIBLE);
		CHECK_INT(row, process_ignores_term(&p.memory), term_rows[i].ignores);
		CHECK_INT(row, kill(pid, SIGTERM), 0);
		if (!term_rows[i].ignores && term_rows[i].on_term != TERM_WAITED_FOR) {
			child_wait(pid);
			continue;
		}
		scan_process(proc_fd, pid, &request, &p);
		CHECK_INT(row, p.verdict, VERDICT_ELIGIBLE);
		CHECK_UINT(row, p.memory.pending, term_rows[i].ignores ? 0 : SIGNAL_MASK(SIGTERM));
		child_end(pid);
	}
}

/* Processes come and go while the scan reads: no error, and nothing found that is not there. */
static void test_storm(void **state)
{
	struct scan_request request = request_children();
	struct scanner *s = scanner_new(proc_fd, 1000);
	pid_t steady = child_start(&(struct child_spec){.bytes = 30 * MIB});
	pid_t forker = fork();
	struct scan_result result;

	(void)state;
	if (forker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			pid_t pid = fork();

			if (pid == 0)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
	}
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(scanner_run(s, &request, &result), 0);
		assert_true(result.found);
		assert_int_equal(result.victim.id.pid, steady);
		assert_int_equal(result.unreadable, 0);
		assert_int_equal(result.overflow, 0);
	}
	child_end(forker);
	child_end(steady);
	scanner_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_zombie_leader),
		cmocka_unit_test(test_vfork),	      cmocka_unit_test(test_adj),
		cmocka_unit_test(test_negative_adj),  cmocka_unit_test(test_protected),
		cmocka_unit_test(test_dying),	      cmocka_unit_test(test_ignores_term),
		cmocka_unit_test(test_storm),
	};

	/* it holds signals back, runs vfork() as fork() and cannot stand a bare clone() */
	if (UNDER_TSAN)
		return EXIT_SKIP;
	return cmocka_run_group_tests(tests, setup, NULL);
}
