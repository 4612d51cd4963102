/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real kills: children of the test with real memory, through the functions that a kill of the
 * daemon goes through. What is checked is what the kernel says afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "sys/fs.h"
#include "sys/pcp.h"
#include "sys/sampler.h"

static int proc_fd;
static struct reaper reaper;

static int setup(void **state)
{
	(void)state;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	return proc_fd < 0 || reaper_start(&reaper) < 0;
}

static struct scan_request request_children(void)
{
	return (struct scan_request){.total_pages = machine_total_pages(), .scope = SCOPE_CHILDREN};
}

/* From the scan to a held victim, which has to be @pid. */
static void choose(pid_t pid, uint64_t bytes, struct victim *ret)
{
	struct scan_request request = request_children();
	struct scanner *s = scanner_new(proc_fd, 1000);
	struct scan_result result;

	assert_non_null(s);
	assert_int_equal(scanner_run(s, &request, &result), 0);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, pid);
	assert_int_equal(result.victim.verdict, VERDICT_ELIGIBLE);
	assert_true(process_expected_bytes(&result.victim) >= bytes);
	assert_int_equal(victim_open(proc_fd, result.victim.id, ret), 0);
	assert_false(victim_is_dead(ret));
	scanner_free(s);
}

static void check_reaped(pid_t pid, const struct reap_result *result)
{
	assert_int_equal(result->id.pid, pid);
	if (result->error != 0 && result->error != ESRCH)
		fail_msg("process_mrelease: %s after %u tries", strerror(result->error),
			 result->tries);
	assert_true(!result->has_memory || result->rss_anon_bytes <= MIB);
}

/* The whole way: scan, hold, signal, reap, dead. */
static void kill_and_check(pid_t pid, uint64_t bytes, int signal)
{
	struct reap_result result;
	struct victim v;
	int status;

	choose(pid, bytes, &v);
	assert_int_equal(victim_signal(&v, signal), 0);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &result);
	check_reaped(pid, &result);
	WAIT_FOR(victim_is_dead(&v));
	status = child_wait(pid);
	if (signal == SIGKILL) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
	assert_int_equal(victim_signal(&v, signal), -ESRCH);
	victim_close(&v);
	assert_int_equal(v.pidfd, -1);
	assert_int_equal(v.dir_fd, -1);
}

static void test_large_child(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 300 * MIB});

	(void)state;
	kill_and_check(pid, 300 * MIB, SIGKILL);
}

/* What is free, with the lists of the CPUs or without. */
static uint64_t free_bytes(bool with_lists)
{
	struct sampler sampler;
	struct sample sample;
	struct pcp pcp = {};
	char text[4096];
	int fd = open("/proc/zoneinfo", O_RDONLY | O_CLOEXEC);

	assert_int_equal(sampler_open(&sampler, proc_fd, -1), 0);
	assert_int_equal(sampler_take(&sampler, 1, SAMPLE_DECISION, &sample), 0);
	sampler_close(&sampler);
	assert_int_equal(pcp_read(fd, NULL, text, sizeof(text), &pcp), 0);
	close(fd);
	return sample.mem.free_bytes + (with_lists ? pcp.pages * sample.page_bytes : 0);
}

/*
 * Its memory is there as soon as it is dead, if one knows where to look: since 6.7 most of it stays
 * on the list of a CPU for half a minute. Whoever else runs here takes and gives too: once of ten
 * times must do.
 */
static void test_back_at_once(void **state)
{
	uint64_t wanted = 270 * MIB, back = 0, shown = 0;

	(void)state;
	for (unsigned i = 0; i < 10 && back < wanted; i++) {
		pid_t pid = child_start(&(struct child_spec){.bytes = 300 * MIB});
		uint64_t before = free_bytes(true), shown_before = free_bytes(false);

		kill_and_check(pid, 300 * MIB, SIGKILL);
		back = u64_sub(free_bytes(true), before);
		shown = u64_sub(free_bytes(false), shown_before);
	}
	print_message("of 300 MiB %" PRIu64 " are back, %" PRIu64 " of them in MemFree\n",
		      back / MIB, shown / MIB);
	assert_true(back >= wanted);
}

/* Stopped by job control it runs no code of its own any more, but SIGKILL still wakes it. */
static void test_stopped_child(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 300 * MIB});

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	WAIT_FOR(child_state(pid) == 'T');
	kill_and_check(pid, 300 * MIB, SIGKILL);
}

/* It cannot run and so cannot exit: only process_mrelease() gives its memory back. */
static void test_frozen_child(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 300 * MIB});
	struct freezer freezer;
	struct reap_result result;
	struct victim v;

	(void)state;
	if (!freezer_freeze(&freezer, pid)) {
		child_end(pid);
		skip();
	}
	choose(pid, 300 * MIB, &v);
	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &result);
	assert_int_equal(result.error, 0);
	assert_false(victim_is_dead(&v));
	assert_true(result.has_memory);
	assert_true(result.rss_anon_bytes <= MIB);
	freezer_thaw(&freezer);
	WAIT_FOR(victim_is_dead(&v));
	child_wait(pid);
	freezer_remove(&freezer);
	victim_close(&v);
}

static void test_term_ignored(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 20 * MIB, .on_term = TERM_IGNORED});
	struct reap_result result;
	struct victim v;

	(void)state;
	choose(pid, 20 * MIB, &v);
	assert_int_equal(victim_signal(&v, SIGTERM), 0);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &result);
	/* not dying: tried as long as the kernel's reaper tries, and reported with what it has */
	assert_int_equal(result.error, EINVAL);
	assert_int_equal(result.tries, REAP_DYING_TRIES);
	assert_true(result.has_memory);
	assert_true(result.rss_anon_bytes >= 20 * MIB);
	assert_true(result.state == 'S' || result.state == 'R');
	assert_false(victim_is_dead(&v));
	assert_true(child_is_running(pid));
	victim_close(&v);
	kill_and_check(pid, 20 * MIB, SIGKILL);
}

static void test_term_dies(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 100 * MIB});

	(void)state;
	kill_and_check(pid, 100 * MIB, SIGTERM);
}

static void test_term_exits(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 100 * MIB, .on_term = TERM_EXITS});

	(void)state;
	kill_and_check(pid, 100 * MIB, SIGTERM);
}

/* EINVAL while its handler runs, and released by one of the later tries. */
static void test_term_exits_later(void **state)
{
	struct reap_result result;
	struct victim v;
	int told[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid = child_start(&(struct child_spec){
		.bytes = 100 * MIB, .on_term = TERM_EXITS_WHEN_TOLD, .told_fd = told[0]});
	choose(pid, 100 * MIB, &v);
	assert_int_equal(victim_signal(&v, SIGTERM), 0);
	assert_int_equal(victim_mrelease(v.pidfd), -EINVAL); /* it is in its handler */
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	assert_int_equal(write(told[1], "t", 1), 1);
	wait_result(&reaper, &result);
	check_reaped(pid, &result);
	WAIT_FOR(victim_is_dead(&v));
	assert_int_equal(child_wait(pid), 0);
	victim_close(&v);
	close(told[0]);
	close(told[1]);
}

static int peer_main(void *userdata)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child_pause_for_ever(userdata);
}

/* The peer tells its pid through memory that the test shares too. */
static void start_peer(void *userdata)
{
	static char stack[65536] __attribute__((aligned(16)));
	int *fd = userdata;
	pid_t peer = clone(peer_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	if (peer < 0 || write(*fd, &peer, sizeof(peer)) != sizeof(peer))
		_exit(104);
}

/* Another process with the same address space: nothing can be taken from under it. */
static void test_shared_address_space(void **state)
{
	struct freezer freezer;
	struct reap_result result;
	struct victim v;
	pid_t pid, peer = 0;
	int fds[2], peer_fd;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = child_start(&(struct child_spec){
		.bytes = 100 * MIB, .prepare = start_peer, .userdata = &fds[1]});
	assert_int_equal(read(fds[0], &peer, sizeof(peer)), sizeof(peer));
	close(fds[0]);
	close(fds[1]);
	/* a child of the child: held by a pidfd, lest its pid become somebody else's */
	struct process_id peer_id = {.pid = peer};
	struct process p;
	struct scan_request request = request_children();
	struct victim peer_victim;

	scan_process(proc_fd, peer, &request, &p);
	peer_id.start_time = p.id.start_time;
	assert_int_equal(victim_open(proc_fd, peer_id, &peer_victim), 0);
	peer_fd = peer_victim.pidfd;

	/* frozen, or it has left the address space before anybody can look */
	if (!freezer_freeze(&freezer, pid)) {
		assert_int_equal(victim_signal(&peer_victim, SIGKILL), 0);
		victim_close(&peer_victim);
		child_end(pid);
		skip();
	}
	choose(pid, 100 * MIB, &v);
	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &result);
	assert_int_equal(result.error, EINVAL);
	assert_int_equal(result.tries, REAP_DYING_TRIES);
	assert_true(result.has_memory);
	assert_true(result.rss_anon_bytes >= 100 * MIB);
	assert_true(result.wchan[0] != '\0' || access("/proc/self/wchan", R_OK) < 0);

	assert_true(peer_fd >= 0);
	assert_int_equal(victim_signal(&peer_victim, SIGKILL), 0);
	assert_int_equal(reaper_submit(&reaper, &v), 0);
	wait_result(&reaper, &result);
	assert_int_equal(result.error, 0);
	assert_true(result.rss_anon_bytes <= MIB);
	freezer_thaw(&freezer);
	WAIT_FOR(victim_is_dead(&v));
	child_wait(pid);
	freezer_remove(&freezer);
	victim_close(&peer_victim);
	victim_close(&v);
}

struct group_kill {
	unsigned count;
	pid_t pids[8];
};

static void kill_member(void *userdata, const struct process *p)
{
	struct group_kill *g = userdata;
	struct victim v;

	assert_int_equal(victim_open(proc_fd, p->id, &v), 0);
	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	victim_close(&v);
	assert_true(g->count < ARRAY_SIZE(g->pids));
	g->pids[g->count++] = p->id.pid;
}

static void test_group(void **state)
{
	struct config_loader l;
	struct patterns *patterns;
	struct scan_request request = request_children();
	struct scanner *s = scanner_new(proc_fd, 1000);
	struct scan_result result;
	struct group_kill g = {};
	pid_t leader, member, spared, other;

	(void)state;
	config_loader_init(&l, NULL, NULL);
	strcpy(l.config.ignore, "^live-spared$");
	patterns = patterns_new(&l);
	request.patterns = patterns;

	leader = child_start(&(struct child_spec){.bytes = 50 * MIB, .own_group = true});
	member = child_start(&(struct child_spec){.bytes = MIB, .group = leader});
	spared = child_start(&(struct child_spec){.group = leader, .comm = "live-spared"});
	other = child_start(&(struct child_spec){.own_group = true});

	assert_int_equal(scanner_run(s, &request, &result), 0);
	assert_int_equal(result.victim.id.pid, leader);
	assert_int_equal(result.victim.pgrp, leader);
	assert_int_equal(scanner_for_group(s, &request, &result.victim, kill_member, &g), 1);
	assert_int_equal(g.count, 1);
	assert_true(child_is_running(leader));
	kill_member(&g, &result.victim);
	assert_true(WIFSIGNALED(child_wait(leader)));
	assert_true(WIFSIGNALED(child_wait(member)));
	assert_true(child_is_running(spared));
	assert_true(child_is_running(other));
	child_end(spared);
	child_end(other);
	scanner_free(s);
	patterns_free(patterns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_child),
		cmocka_unit_test(test_back_at_once),
		cmocka_unit_test(test_stopped_child),
		cmocka_unit_test(test_frozen_child),
		cmocka_unit_test(test_term_ignored),
		cmocka_unit_test(test_term_dies),
		cmocka_unit_test(test_term_exits),
		cmocka_unit_test(test_term_exits_later),
		cmocka_unit_test(test_shared_address_space),
		cmocka_unit_test(test_group),
	};

	/* it holds signals back, runs vfork() as fork() and cannot stand a bare clone() */
	if (UNDER_TSAN)
		return EXIT_SKIP;
	return cmocka_run_group_tests(tests, setup, NULL);
}
