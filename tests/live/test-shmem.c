/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who fills a tmpfs: on trees of control groups whose members are children of this test, one of
 * which keeps the CPU busy.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/group-shmem.h"
#include "tree.h"

#define SEC UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

static struct {
	int proc_fd;
	pid_t busy, idle;
} machine;

static pid_t start(bool busy)
{
	static char zeros[65536];
	pid_t parent = getpid(), pid = fork();
	int fd;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (busy)
		(void)setpriority(PRIO_PROCESS, 0, -20); /* whatever else runs here */
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	for (;;) {
		/* in the kernel, as who writes; and not in a sanitizer, which looks after read() */
		if (busy)
			(void)syscall(SYS_read, fd, zeros, sizeof(zeros));
		else
			pause();
	}
}

static int set_up(void **state)
{
	(void)state;
	machine.proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	machine.busy = start(true);
	machine.idle = start(false);
	return machine.proc_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	kill(machine.busy, SIGKILL);
	kill(machine.idle, SIGKILL);
	while (wait(NULL) > 0)
		;
	close(machine.proc_fd);
	return 0;
}

static void put(const struct tree *t, const char *group, uint64_t shmem_bytes)
{
	char path[128], text[128];

	snprintf(path, sizeof(path), "%s/memory.stat", group);
	snprintf(text, sizeof(text), "anon 4096\nfile 9999999999\nshmem %llu\nfile_mapped 0\n",
		 (unsigned long long)shmem_bytes);
	tree_text(t, path, text);
}

static void put_members(const struct tree *t, const char *group, pid_t a, pid_t b)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(text, sizeof(text), "%d\n%d\n", a, b);
	tree_text(t, path, text);
}

static void check(struct shmem_watch *w, uint64_t now_usec, pid_t pid, uint64_t grown_bytes,
		  const char *group)
{
	struct shmem_writer writer;

	shmem_watch_look(w, now_usec, &writer);
	CHECK_INT(group, writer.id.pid, pid);
	CHECK_UINT(group, writer.grown_bytes, grown_bytes);
	assert_string_equal(writer.group, group);
	CHECK(group, (writer.id.start_time != 0) == (pid != 0));
}

static void test_writer(void **state)
{
	struct shmem_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put(&t, "database.service", 500 * MIB);
	put_members(&t, "database.service", machine.idle, machine.idle);
	put(&t, "user.slice/app.scope", 10 * MIB);
	put_members(&t, "user.slice/app.scope", machine.idle, machine.busy);
	put(&t, "user.slice", 999 * MIB); /* the sum of those below: does not count */
	w = shmem_watch_new(t.fd, machine.proc_fd);
	assert_non_null(w);

	/* who has much has it since when? */
	check(w, SEC, 0, 0, "");
	/* nobody takes more */
	check(w, 2 * SEC, 0, 0, "");

	put(&t, "user.slice/app.scope", 60 * MIB);
	check(w, 3 * SEC, machine.busy, 50 * MIB, "app.scope");

	/* half of it is enough, less is not */
	put(&t, "user.slice/app.scope", 71 * MIB);
	put(&t, "database.service", 510 * MIB);
	check(w, 4 * SEC, machine.busy, 11 * MIB, "app.scope");
	put(&t, "user.slice/app.scope", 81 * MIB);
	put(&t, "database.service", 520 * MIB);
	put(&t, "third.service", MIB);
	check(w, 5 * SEC, 0, 0, "");

	/* of a group that is new nobody knows since when; and nobody in it may be at work */
	put(&t, "new.service", 90 * MIB);
	check(w, 6 * SEC, 0, 0, "");
	put(&t, "new.service", 190 * MIB);
	put_members(&t, "new.service", machine.idle, 0);
	check(w, 7 * SEC, 0, 100 * MIB, "new.service");
	put(&t, "new.service", 290 * MIB);
	put_members(&t, "new.service", 99999999, machine.busy);
	check(w, 8 * SEC, machine.busy, 100 * MIB, "new.service");

	/* what was taken since a look long ago says nothing of now */
	put(&t, "new.service", 390 * MIB);
	check(w, 80 * SEC, 0, 0, "");
	put(&t, "new.service", 490 * MIB);
	check(w, 81 * SEC, machine.busy, 100 * MIB, "new.service");

	/* what goes is nobody's growth */
	put(&t, "new.service", MIB);
	tree_remove(&t, "user.slice");
	check(w, 82 * SEC, 0, 0, "");
	shmem_watch_free(w);
	tree_done(&t);
}

static void test_damage(void **state)
{
	static const char *const texts[] = {"",		 "shmem\n",
					    "shmem x\n", "shmem -1\n",
					    "anon 5\n",	 "shmem 18446744073709551616\n"};
	struct shmem_watch *w;
	struct tree t;

	(void)state;
	tree_init(&t);
	put(&t, "a.service", MIB);
	put_members(&t, "a.service", machine.busy, 0);
	w = shmem_watch_new(t.fd, machine.proc_fd);
	assert_non_null(w);
	check(w, SEC, 0, 0, "");
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		tree_text(&t, "a.service/memory.stat", texts[i]);
		check(w, (i + 2) * SEC, 0, 0, "");
	}
	tree_remove(&t, "a.service/memory.stat");
	check(w, 20 * SEC, 0, 0, "");
	shmem_watch_free(w);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
