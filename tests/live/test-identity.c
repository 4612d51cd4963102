/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pid is not a process: what has gone between scan and kill, and what has its pid now, is never
 * signalled. The pid is really given away here, where the kernel lets us choose the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
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

static struct process_id scan_child(pid_t pid)
{
	struct scan_request request = {.total_pages = machine_total_pages(),
				       .scope = SCOPE_CHILDREN};
	struct scanner *s = scanner_new(proc_fd, 1000);
	struct scan_result result;

	assert_int_equal(scanner_run(s, &request, &result), 0);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, pid);
	scanner_free(s);
	return result.victim.id;
}

static void test_vanished(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 5 * MIB});
	struct process_id id = scan_child(pid);
	struct victim v = {.pidfd = -77};

	(void)state;
	child_end(pid);
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	assert_int_equal(v.pidfd, -77); /* not written */
}

/* It exits after it was taken hold of: the signal goes nowhere. */
static void test_vanished_when_held(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 5 * MIB});
	struct victim v;

	(void)state;
	assert_int_equal(victim_open(proc_fd, scan_child(pid), &v), 0);
	child_end(pid);
	assert_true(victim_is_dead(&v));
	assert_int_equal(victim_signal(&v, SIGKILL), -ESRCH);
	assert_int_equal(victim_mrelease(v.pidfd), -ESRCH);
	victim_close(&v);
}

/* An exited child that nobody has waited for can be held and signalled to no effect. */
static void test_zombie(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 5 * MIB});
	struct process_id id = scan_child(pid);
	struct scan_request request = {.total_pages = machine_total_pages()};
	struct victim before, v;
	struct process p;

	(void)state;
	assert_int_equal(victim_open(proc_fd, id, &before), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* the state alone would not do: it is Z while other threads are still exiting */
	WAIT_FOR(victim_is_dead(&before));
	assert_int_equal(child_state(pid), 'Z');
	scan_process(proc_fd, pid, &request, &p);
	assert_int_equal(p.verdict, VERDICT_NO_MM);
	assert_int_equal(victim_open(proc_fd, id, &v), 0);
	assert_true(victim_is_dead(&v));
	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	victim_close(&before);
	victim_close(&v);
	child_wait(pid);
}

static void test_wrong_start_time(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 5 * MIB});
	struct process_id id = scan_child(pid);
	struct victim v;

	(void)state;
	id.start_time++;
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	id.start_time -= 2;
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	id.start_time = 0;
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	assert_true(child_is_running(pid));
	child_end(pid);
}

static void start_thread(void *userdata)
{
	static char stack[65536] __attribute__((aligned(16)));
	int *fd = userdata;
	pid_t tid = clone(child_pause_for_ever, stack + sizeof(stack),
			  CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, NULL);

	if (tid < 0 || write(*fd, &tid, sizeof(tid)) != sizeof(tid))
		_exit(104);
}

/* The number is a thread's now: no pidfd for it, and no signal. */
static void test_thread(void **state)
{
	struct process_id id = {};
	struct victim v;
	int fds[2];
	pid_t pid;

	(void)state;
	if (UNDER_TSAN)
		skip(); /* it cannot stand a bare clone() */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = child_start(&(struct child_spec){.prepare = start_thread, .userdata = &fds[1]});
	assert_int_equal(read(fds[0], &id.pid, sizeof(id.pid)), sizeof(id.pid));
	id.start_time = scan_child(pid).start_time;
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	id.start_time++; /* as a thread may have one of its own */
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	assert_true(child_is_running(pid));
	close(fds[0]);
	close(fds[1]);
	child_end(pid);
}

/* A child with exactly this pid, or 0 when somebody else was faster. */
static pid_t start_with_pid(pid_t wanted)
{
	char text[16];
	pid_t pid;

	snprintf(text, sizeof(text), "%d", wanted - 1);
	if (write_file("/proc/sys/kernel/ns_last_pid", text) < 0)
		return -1;
	pid = child_start(&(struct child_spec){.bytes = 5 * MIB});
	if (pid == wanted)
		return pid;
	child_end(pid);
	return 0;
}

static void test_reused_pid(void **state)
{
	pid_t old = child_start(&(struct child_spec){.bytes = 5 * MIB}), fresh = 0;
	struct process_id id = scan_child(old);
	struct victim held, v;

	(void)state;
	assert_int_equal(victim_open(proc_fd, id, &held), 0);
	child_end(old);
	for (unsigned i = 0; i < 200 && fresh == 0; i++)
		fresh = start_with_pid(old);
	if (fresh <= 0) {
		victim_close(&held);
		skip(); /* not permitted here, or the machine forks without pause */
	}
	/* start times are counted in hundredths of a second: ours were that far apart */
	if (scan_child(fresh).start_time == id.start_time) {
		nap();
		child_end(fresh);
		victim_close(&held);
		skip();
	}
	assert_int_equal(victim_open(proc_fd, id, &v), -ESRCH);
	/* what was held before is still the old one */
	assert_true(victim_is_dead(&held));
	assert_int_equal(victim_signal(&held, SIGKILL), -ESRCH);
	assert_true(child_is_running(fresh));
	victim_close(&held);

	/* and the new one can be taken by its own identity */
	assert_int_equal(victim_open(proc_fd, scan_child(fresh), &v), 0);
	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	WAIT_FOR(victim_is_dead(&v));
	victim_close(&v);
	child_wait(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vanished), cmocka_unit_test(test_vanished_when_held),
		cmocka_unit_test(test_zombie),	 cmocka_unit_test(test_wrong_start_time),
		cmocka_unit_test(test_thread),	 cmocka_unit_test(test_reused_pid),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
