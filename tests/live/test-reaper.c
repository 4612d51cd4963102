/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper's threads and pipes: one victim that cannot be released does not hold up the next, a
 * full queue is said at once, and no descriptor is lost on the way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "sys/fs.h"

static int proc_fd;
static struct reaper reaper;

static int setup(void **state)
{
	(void)state;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	return proc_fd < 0 || reaper_start(&reaper) < 0;
}

static void hold(pid_t pid, struct victim *ret)
{
	struct scan_request request = {.total_pages = machine_total_pages()};
	struct process p;

	scan_process(proc_fd, pid, &request, &p);
	assert_int_equal(p.verdict, VERDICT_ELIGIBLE);
	assert_int_equal(victim_open(proc_fd, p.id, ret), 0);
}

static unsigned count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void test_nothing(void **state)
{
	struct reap_result result = {.tries = 77};

	(void)state;
	assert_int_equal(reaper_result(&reaper, &result), 0); /* and does not wait */
	assert_int_equal(result.tries, 77);
}

/* One is not dying and is tried for a second; the one behind it is released meanwhile. */
static void test_stuck_one_holds_up_nobody(void **state)
{
	pid_t stuck = child_start(&(struct child_spec){.bytes = MIB});
	pid_t dying = child_start(&(struct child_spec){.bytes = 20 * MIB});
	struct victim stuck_victim, dying_victim;
	struct reap_result first, second;

	(void)state;
	hold(stuck, &stuck_victim);
	hold(dying, &dying_victim);
	assert_int_equal(reaper_submit(&reaper, &stuck_victim), 0);
	assert_int_equal(victim_signal(&dying_victim, SIGKILL), 0);
	assert_int_equal(reaper_submit(&reaper, &dying_victim), 0);
	wait_result(&reaper, &first);
	wait_result(&reaper, &second);
	assert_int_equal(first.id.pid, dying);
	assert_true(first.error == 0 || first.error == ESRCH);
	assert_int_equal(second.id.pid, stuck);
	assert_int_equal(second.error, EINVAL);
	assert_int_equal(second.tries, REAP_DYING_TRIES);
	victim_close(&stuck_victim);
	victim_close(&dying_victim);
	child_end(stuck);
	child_wait(dying);
}

/* The request first, the signal then, as a kill does it. */
static void test_before_signal(void **state)
{
	struct reap_result result;
	struct victim v;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		pid_t pid = child_start(&(struct child_spec){.bytes = 20 * MIB});

		hold(pid, &v);
		assert_int_equal(reaper_submit(&reaper, &v), 0);
		assert_int_equal(victim_signal(&v, SIGKILL), 0);
		wait_result(&reaper, &result);
		assert_int_equal(result.id.pid, pid);
		assert_true(result.error == 0 || result.error == ESRCH);
		victim_close(&v);
		child_wait(pid);
	}
}

/* Until the queue is full; then all come free at once, and every request has its one result. */
static void test_full_queue(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = MIB});
	unsigned before, accepted = 0;
	struct reap_result result;
	struct victim v;
	int r;

	(void)state;
	before = count_descriptors();
	hold(pid, &v);
	while ((r = reaper_submit(&reaper, &v)) == 0)
		assert_true(++accepted < 100000);
	assert_int_equal(r, -EAGAIN);
	assert_true(accepted >= REAPER_THREADS);

	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	victim_close(&v); /* the requests have descriptors of their own */
	for (unsigned i = 0; i < accepted; i++) {
		wait_result(&reaper, &result);
		assert_int_equal(result.id.pid, pid);
		assert_true(result.error == 0 || result.error == ESRCH || result.error == EINVAL);
	}
	assert_int_equal(reaper_result(&reaper, &result), 0);
	WAIT_FOR(count_descriptors() == before);
	child_wait(pid);
}

/* A victim that has gone altogether before its turn comes. */
static void test_gone(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = MIB});
	struct reap_result result;
	struct victim v;

	(void)state;
	hold(pid, &v);
	child_end(pid);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &result);
	assert_int_equal(result.error, ESRCH);
	assert_int_equal(result.tries, 1);
	assert_false(result.has_memory);
	assert_string_equal(result.wchan, "");
	victim_close(&v);
}

/* process_mrelease() fails like this from here on, for this process and its threads. */
static bool refuse_mrelease(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_mrelease, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) >= 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) >= 0;
}

/* In a process of its own, which the filter stays with: what the reaper says. */
static int reap_refused(int error, unsigned tries)
{
	struct reap_result result;
	struct reaper r;
	struct victim v;

	if (!refuse_mrelease(error) || reaper_start(&r) < 0 ||
	    victim_hold(proc_fd, getpid(), &v) < 0 || reaper_submit(&r, &v) < 0)
		return 1;
	for (uint64_t end = now_usec() + DEADLINE_USEC; reaper_result(&r, &result) == 0; nap()) {
		if (now_usec() > end)
			return 2;
	}
	if (result.error != error)
		return 3;
	return result.tries == tries ? 0 : 4;
}

/* Each errno of the manual: some are worth another try, and all are reported. */
static void test_errors(void **state)
{
	static const struct {
		const char *name;
		int error;
		unsigned tries;
	} rows[] = {
		{"reaped in part: an mmu notifier refused", EAGAIN, REAP_TRIES},
		{"not dying, or somebody who shares its memory is not", EINVAL, REAP_DYING_TRIES},
		{"nobody has the memory any more", ESRCH, 1},
		{"a kernel before 5.15", ENOSYS, 1},
		{"a filter of system calls", EPERM, 1},
		{"we are being killed", EINTR, 1},
		{"a descriptor that is none", EBADF, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(reap_refused(rows[i].error, rows[i].tries));
		status = child_wait(pid);
		CHECK(rows[i].name, WIFEXITED(status));
		CHECK_INT(rows[i].name, WEXITSTATUS(status), 0);
	}
}

static void test_no_victim(void **state)
{
	struct victim closed = VICTIM_CLOSED;

	(void)state;
	assert_int_equal(reaper_submit(&reaper, &closed), -EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_stuck_one_holds_up_nobody),
		cmocka_unit_test(test_before_signal),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_victim),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
