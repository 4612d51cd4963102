/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who dies with a victim: those who share its memory, found by comparing real processes, and the
 * members of its control group, listed in a fake hierarchy with children of the test in it. And a
 * frozen one, which is thawed first.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "sys/cgroup.h"
#include "sys/fs.h"
#include "sys/sharers.h"
#include "tree.h"

static int proc_fd;
static struct sharers sharers;
static struct reaper reaper;

static int setup(void **state)
{
	(void)state;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	return proc_fd < 0 || sharers_start(&sharers) < 0 || reaper_start(&reaper) < 0;
}

static struct scan_request request_children(void)
{
	return (struct scan_request){.total_pages = machine_total_pages(), .scope = SCOPE_CHILDREN};
}

/* Scan, and then those who share the memory of the victim that was found, as a kill does it. */
static unsigned find(pid_t victim, pid_t ret[static SHARERS_MAX])
{
	struct scan_request request = request_children();
	struct scanner *s = scanner_new(proc_fd, 1000);
	pid_t candidates[SHARERS_CANDIDATES];
	struct scan_result result;
	unsigned count;

	assert_int_equal(scanner_run(s, &request, &result), 0);
	assert_true(result.found);
	assert_int_equal(result.victim.id.pid, victim);
	count = scanner_alike(s, &result.victim, candidates, SHARERS_CANDIDATES);
	count = sharers_find(&sharers, result.victim.mm_tid, candidates, count, ret);
	scanner_free(s);
	return count;
}

static char stacks[SHARERS_MAX + 4][16384] __attribute__((aligned(16)));

struct clones {
	int fd;
	unsigned count;
	int flags;
};

static int clone_main(void *parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* a thread has its process's parent; anybody else's may have died before the line above */
	if (getppid() != *(const pid_t *)parent && getpid() != *(const pid_t *)parent)
		_exit(0);
	return child_pause_for_ever(NULL);
}

static void start_clones(void *userdata)
{
	const struct clones *c = userdata;
	static pid_t self;

	self = getpid();
	for (unsigned i = 0; i < c->count; i++) {
		pid_t pid = clone(clone_main, stacks[i] + sizeof(stacks[i]), c->flags, &self);

		if (pid < 0 || write(c->fd, &pid, sizeof(pid)) != sizeof(pid))
			_exit(104);
	}
}

/* A child of 60 MiB with so many clones; their pids in @ret. */
static pid_t start_with_clones(unsigned count, int flags, pid_t *ret)
{
	struct clones clones = {.count = count, .flags = flags};
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	clones.fd = fds[1];
	pid = child_start(&(struct child_spec){
		.bytes = 60 * MIB, .prepare = start_clones, .userdata = &clones});
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(read(fds[0], &ret[i], sizeof(*ret)), sizeof(*ret));
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static bool contains(const pid_t *pids, unsigned count, pid_t pid)
{
	for (unsigned i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

static void test_shared_memory(void **state)
{
	pid_t clones[SHARERS_MAX + 4], found[SHARERS_MAX];
	pid_t pid;

	(void)state;
	pid = start_with_clones(2, CLONE_VM | SIGCHLD, clones);
	WAIT_FOR(find(pid, found) == 2); /* the time that it waits may be too short here */
	for (unsigned i = 0; i < 2; i++)
		assert_true(contains(found, 2, clones[i]));
	child_end(pid);

	/* threads are the victim, and children of fork() have memory of their own */
	pid = start_with_clones(2, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, clones);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(find(pid, found), 0);
	child_end(pid);
	pid = start_with_clones(2, SIGCHLD, clones);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(find(pid, found), 0);
	child_end(pid);

	/* of too many some */
	pid = start_with_clones(SHARERS_MAX + 4, CLONE_VM | SIGCHLD, clones);
	WAIT_FOR(find(pid, found) == SHARERS_MAX);
	child_end(pid);
}

static void vfork_for_ever(void *userdata)
{
	int *fd = userdata;
	pid_t pid = vfork();

	if (pid == 0) {
		pid_t self = (pid_t)syscall(SYS_getpid);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* its own, and not its parent's: the only case of a sharer with another adj */
		(void)write_file("/proc/self/oom_score_adj", "700");
		if (write(*fd, &self, sizeof(self)) != sizeof(self))
			_exit(1);
		for (;;)
			pause();
	}
}

/* Its child has an oom_score of 0, for it is in vfork(), and an oom_score_adj of its own. */
static void test_vfork(void **state)
{
	pid_t pid, inner, found[SHARERS_MAX];
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		vfork_for_ever(&fds[1]);
		_exit(0);
	}
	assert_int_equal(read(fds[0], &inner, sizeof(inner)), sizeof(inner));
	close(fds[0]);
	close(fds[1]);
	WAIT_FOR(child_state(pid) == 'D');
	assert_int_equal(read_number("/proc/%d/oom_score", inner), 0);
	assert_int_equal(read_number("/proc/%d/oom_score_adj", inner), 700);
	WAIT_FOR(find(pid, found) == 1);
	assert_int_equal(found[0], inner);
	child_end(pid);
}

/* Nobody to ask about, somebody who has gone, and an answer for a search that was given up. */
static void test_answers(void **state)
{
	pid_t clones[2], found[SHARERS_MAX], gone = child_start(&(struct child_spec){});
	pid_t pid = start_with_clones(2, CLONE_VM | SIGCHLD, clones);
	pid_t candidates[] = {gone, clones[0], getpid(), clones[1], 1};

	(void)state;
	child_end(gone);
	assert_int_equal(sharers_find(&sharers, pid, candidates, 0, found), 0);
	assert_int_equal(sharers_find(&sharers, gone, candidates, 1, found), 0);
	WAIT_FOR(sharers_find(&sharers, pid, candidates, ARRAY_SIZE(candidates), found) == 2);
	assert_int_equal(found[0], clones[0]);
	assert_int_equal(found[1], clones[1]);
	sharers.sequence += 7;
	WAIT_FOR(sharers_find(&sharers, pid, candidates, ARRAY_SIZE(candidates), found) == 2);
	child_end(pid);
}

/* ---- control groups */

static void write_procs(const struct tree *t, const char *file, const pid_t *pids, unsigned count)
{
	char text[256];
	int len = 0;

	for (unsigned i = 0; i < count; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%d\n", pids[i]);
	tree_text(t, file, text);
}

static void test_group(void **state)
{
	struct child_spec plain = {.bytes = MIB}, asks = {.bytes = MIB, .on_term = TERM_IGNORED};
	struct process_id victim = {.pid = child_start(&plain)};
	pid_t member = child_start(&plain), below = child_start(&plain);
	pid_t outside = child_start(&plain), deaf = child_start(&asks);
	pid_t top[] = {0, victim.pid, member, getpid(), 1}, deep[] = {below, deaf};
	struct tree t;

	(void)state;
	tree_init(&t);
	write_procs(&t, "a/cgroup.procs", &outside, 1);
	write_procs(&t, "a/b/cgroup.procs", top, ARRAY_SIZE(top));
	write_procs(&t, "a/b/c/d/cgroup.procs", deep, ARRAY_SIZE(deep));

	assert_int_equal(cgroup_signal_group(t.fd, proc_fd, "/a/b", victim, SIGTERM, &reaper), 3);
	assert_true(WIFSIGNALED(child_wait(member)));
	assert_true(WIFSIGNALED(child_wait(below)));
	assert_true(child_is_running(deaf));
	assert_int_equal(cgroup_signal_group(t.fd, proc_fd, "/a/b", victim, SIGKILL, &reaper), 1);
	assert_int_equal(WTERMSIG(child_wait(deaf)), SIGKILL);
	assert_int_equal(cgroup_signal_group(t.fd, proc_fd, "/nowhere", victim, SIGKILL, &reaper),
			 0);
	assert_true(child_is_running(victim.pid));
	assert_true(child_is_running(outside));
	child_end(victim.pid);
	child_end(outside);
	tree_done(&t);
}

/* Whoever cannot be chosen does not die with others either. */
static void test_group_spares(void **state)
{
	pid_t pids[2] = {child_start(&(struct child_spec){}), child_start(&(struct child_spec){})};
	char path[64];
	struct tree t;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pids[0]);
	if (write_file(path, "-1000") < 0) {
		child_end(pids[0]);
		child_end(pids[1]);
		skip();
	}
	tree_init(&t);
	write_procs(&t, "a/cgroup.procs", pids, 2);
	assert_int_equal(
		cgroup_signal_group(t.fd, proc_fd, "/a", (struct process_id){}, SIGKILL, &reaper),
		1);
	child_wait(pids[1]);
	assert_true(child_is_running(pids[0]));
	child_end(pids[0]);
	tree_done(&t);
}

/* More of them than one read of the list holds, and each exactly once. */
static void test_group_large(void **state)
{
	enum { MEMBERS = 300 };
	struct process_id nobody = {};
	char text[MEMBERS * 8];
	pid_t pids[MEMBERS];
	struct tree t;
	int len = 0;

	(void)state;
	tree_init(&t);
	for (unsigned i = 0; i < MEMBERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			child_pause_for_ever(NULL);
		}
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%d\n", pids[i]);
	}
	tree_text(&t, "a/cgroup.procs", text);
	assert_int_equal(cgroup_signal_group(t.fd, proc_fd, "/a", nobody, SIGKILL, &reaper),
			 MEMBERS);
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_int_equal(WTERMSIG(child_wait(pids[i])), SIGKILL);
	tree_done(&t);
}

static void *signal_group(void *userdata)
{
	const struct tree *t = userdata;
	struct process_id nobody = {};

	return (void *)(uintptr_t)cgroup_signal_group(t->fd, proc_fd, "/a", nobody, SIGKILL,
						      &reaper);
}

/*
 * A number that was given to somebody else after the list of the group was made: the list is a
 * FIFO, in which stands who did not exist when it was opened. The next look finds nobody.
 */
static void test_group_reused(void **state)
{
	char path[128];
	pthread_t thread;
	void *signalled;
	struct tree t;
	pid_t young;
	int fd;

	(void)state;
	tree_init(&t);
	tree_directory(&t, "a");
	snprintf(path, sizeof(path), "%s/a/cgroup.procs", t.path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, signal_group, &t), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	usleep(50000); /* start times are in ticks */
	young = fork();
	if (young == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fd);
		child_pause_for_ever(NULL);
	}
	assert_int_equal(unlink(path), 0);
	tree_text(&t, "a/cgroup.procs", "");
	dprintf(fd, "%d\n", young);
	close(fd);
	pthread_join(thread, &signalled);
	assert_null(signalled);
	assert_true(child_is_running(young));
	child_end(young);
	tree_done(&t);
}

static bool is_thawed(const struct freezer *f)
{
	char path[160], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/freezer.state", f->path);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	return strncmp(text, "THAWED", 6) == 0;
}

/* Frozen in the v1 hierarchy it cannot die; its group runs until it has. */
static void test_thaw(void **state)
{
	pid_t pid = child_start(&(struct child_spec){.bytes = 10 * MIB});
	struct cgroup_result result;
	struct freezer freezer;
	struct cgroups groups;
	struct victim v;

	(void)state;
	if (!freezer_freeze(&freezer, pid)) {
		child_end(pid);
		skip();
	}
	assert_int_equal(cgroups_start(&groups, proc_fd, &reaper), 0);
	assert_int_equal(victim_hold(proc_fd, pid, &v), 0);

	/* nobody is thawed who is not dying */
	assert_int_equal(cgroups_submit(&groups, &v, SIGTERM, ""), 0);
	WAIT_FOR(cgroups_result(&groups, &result) > 0);
	assert_int_equal(result.thaw, THAW_NOT_FROZEN);
	assert_false(is_thawed(&freezer));

	assert_int_equal(victim_signal(&v, SIGKILL), 0);
	assert_false(victim_is_dead(&v));
	assert_int_equal(cgroups_submit(&groups, &v, SIGKILL, ""), 0);
	WAIT_FOR(cgroups_result(&groups, &result) > 0);
	assert_int_equal(result.id.pid, pid);
	assert_int_equal(result.thaw, THAW_DONE);
	assert_string_equal(result.group, "");
	assert_true(victim_is_dead(&v));
	assert_false(is_thawed(&freezer)); /* what was frozen beside it still is */
	child_wait(pid);
	freezer_thaw(&freezer);
	freezer_remove(&freezer);
	victim_close(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_memory), cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_answers),	      cmocka_unit_test(test_group),
		cmocka_unit_test(test_group_spares),  cmocka_unit_test(test_group_large),
		cmocka_unit_test(test_thaw),	      cmocka_unit_test(test_group_reused),
	};

	/* it runs vfork() as fork() and cannot stand a bare clone() */
	if (UNDER_TSAN)
		return EXIT_SKIP;
	return cmocka_run_group_tests(tests, setup, NULL);
}
