/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon on machines that lack something: files of /proc that are not there or say something
 * else, hidepid, system calls that are missing or forbidden, capabilities that it does not have.
 * Each is one clear line, and what can still be done is done.
 */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"
#include "tree.h"

#define EX_UNAVAILABLE 69

static struct program program;
static bool namespaces;

static int setup(void **state)
{
	(void)state;
	namespaces = can_have_namespaces();
	return 0;
}

#define NEED_NAMESPACES()        \
	do {                     \
		if (!namespaces) \
			skip();  \
	} while (0)

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Fake files in the tree, mounted over those of /proc that have the same name. */
static void overlay(void *userdata)
{
	const struct tree *t = userdata;
	static const char *const names[] = {"meminfo", "vmstat", "pressure"};
	char source[128], target[64];

	enter_mounts();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(source, sizeof(source), "%s/%s", t->path, names[i]);
		snprintf(target, sizeof(target), "/proc/%s", names[i]);
		if (access(source, F_OK) == 0 && access(target, F_OK) == 0)
			mount_over(source, target);
	}
}

#define MEMINFO(available, swap_total, swap_free)                         \
	"MemTotal: 4000000 kB\nMemFree: 100 kB\nMemAvailable: " available \
	" kB\nSwapTotal: " swap_total " kB\nSwapFree: " swap_free " kB\n"

static const struct {
	const char *name;
	const char *meminfo;
	const char *says;
} refused[] = {
	{"no MemAvailable", "MemTotal: 4000000 kB\nMemFree: 100 kB\n", "MemAvailable"},
	{"empty", "", "/proc/meminfo: "},
	{"cut", "MemTotal: 4000000 kB\nMemAvailable: 10", "/proc/meminfo: "},
	{"no memory at all", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", "/proc/meminfo: "},
	{"garbage", "MemTotal: many kB\nMemAvailable: 1 kB\n", "/proc/meminfo: "},
};

static void test_meminfo_refused(void **state)
{
	(void)state;
	NEED_NAMESPACES();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct tree t;
		struct surroundings s = {overlay, &t};

		tree_init(&t);
		tree_text(&t, "meminfo", refused[i].meminfo);
		program_start(&program, ARGV(program_reapd(), "--dry-run"), &s);
		CHECK_INT(refused[i].name, program_end(&program), 1);
		CHECK_INT(refused[i].name, count_lines(program.output), 1);
		CHECK(refused[i].name, strncmp(program.output, "reapd: ", 7) == 0);
		CHECK(refused[i].name, strstr(program.output, refused[i].says));
		tree_done(&t);
	}
}

/* No PSI: runs on meminfo alone, and says so once. */
static void test_no_psi(void **state)
{
	struct tree t;
	struct surroundings s = {overlay, &t};

	(void)state;
	NEED_NAMESPACES();
	tree_init(&t);
	tree_directory(&t, "pressure");
	program_start(&program, ARGV(program_reapd(), "--dry-run", "-M", "1M"), &s);
	program_wait_for(&program, "pressure is not available: stalls are not seen");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	tree_done(&t);
}

/* PSI that is there and cannot be read, as with psi=0. */
static void test_psi_unreadable(void **state)
{
	struct tree t;
	struct surroundings s = {overlay, &t};

	(void)state;
	NEED_NAMESPACES();
	tree_init(&t);
	tree_text(&t, "pressure/memory", "");
	program_start(&program, ARGV(program_reapd(), "--dry-run", "-M", "1M"), &s);
	program_wait_for(&program, " watches ");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	tree_done(&t);
}

/* Everything that changes about the machine while the daemon runs is said once. */
static void test_changes(void **state)
{
	struct tree t;
	struct surroundings s = {overlay, &t};

	(void)state;
	NEED_NAMESPACES();
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO("450000", "0", "0"));
	tree_text(&t, "pressure/memory",
		  "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
		  "full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
	/* near a limit, so that it looks often */
	program_start(&program,
		      ARGV(program_reapd(), "--dry-run", "-m", "10,5", "-s", "10,5", "--ignore=."),
		      &s);
	program_wait_for(&program, " watches 3.8G of memory and none of swap: SIGTERM at 390M");
	program_wait_for(&program, "memory level warning (was calm)");

	tree_text(&t, "meminfo", MEMINFO("450000", "1000000", "1000000"));
	program_wait_for(&program, "total swap was 0B and is 976M now");
	tree_text(&t, "meminfo", MEMINFO("450000", "0", "0"));
	program_wait_for(&program, "total swap was 976M and is 0B now");

	tree_text(&t, "pressure/memory", "");
	program_wait_for(&program, "pressure can no longer be read");
	tree_text(&t, "pressure/memory", "some total=1\nfull total=1\n");
	program_wait_for(&program, "pressure can be read again");

	tree_text(&t, "meminfo", "");
	program_wait_for(&program, "/proc/meminfo cannot be read");
	tree_text(&t, "meminfo", MEMINFO("100000", "0", "0"));
	program_wait_for(&program, "/proc/meminfo can be read again");

	/* far below hard, and everybody is ignored: said once, with what holds the memory */
	program_wait_for(&program, "memory level hard, but no process can be killed");
	program_wait_for(&program, "memory level hard (was");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_matches(program.output, "total swap was"), 2);
	assert_int_equal(count_matches(program.output, "pressure can"), 2);
	assert_int_equal(count_matches(program.output, "/proc/meminfo can"), 2);
	assert_int_equal(count_matches(program.output, "no process can be killed"), 1);
	tree_done(&t);
}

/* Bytes that wait in the fullest pipe that the program holds: the writer's ring. */
static int fullest_pipe(pid_t pid)
{
	int most = 0;

	for (int number = 3; number < 64; number++) {
		char path[64];
		int fd, pending = 0;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (ioctl(fd, FIONREAD, &pending) == 0 && pending > most)
			most = pending;
		close(fd);
	}
	return most;
}

/* Nobody reads its log and its ring is full: it drops reports, counts them and still ends. */
static void test_full_ring(void **state)
{
	struct tree t;
	struct surroundings s = {overlay, &t};
	int last = 0, same = 0;

	(void)state;
	NEED_NAMESPACES();
	tree_init(&t);
	/* near a limit and with every look reported */
	tree_text(&t, "meminfo", MEMINFO("401000", "0", "0"));
	program_start(&program, ARGV(program_reapd(), "--dry-run", "-m", "10,5", "--debug"), &s);
	assert_true(fcntl(program.output_fd, F_SETPIPE_SZ, 4096) >= 4096);
	for (uint64_t end = now_usec() + DEADLINE_USEC; same < 200; nap()) {
		int now = fullest_pipe(program.pid);

		same = now == last && now > 100 * 1024 ? same + 1 : 0;
		last = now;
		assert_true(now_usec() < end);
	}
	/* what waits is read, and then there is room to say how much was lost */
	program_wait_for(&program, "reports before this one were lost)");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	tree_done(&t);
}

static void unmount_proc(void *userdata)
{
	(void)userdata;
	enter_mounts();
	if (umount2("/proc", MNT_DETACH) < 0)
		_exit(124);
}

static void test_no_proc(void **state)
{
	const struct surroundings s = {unmount_proc, NULL};

	(void)state;
	NEED_NAMESPACES();
	if (UNDER_SANITIZER)
		skip(); /* the sanitizers read /proc/self/maps */
	program_start(&program, ARGV(program_reapd(), "--dry-run"), &s);
	assert_int_equal(program_end(&program), 1);
	assert_int_equal(count_lines(program.output), 1);
	assert_non_null(strstr(program.output, "expected /proc to be mounted"));
}

struct hidden {
	bool keep_ptrace;
};

/* A pid namespace of its own with a /proc that hides; the daemon is its second process. */
static void enter_hidepid(void *userdata)
{
	const struct hidden *h = userdata;
	int status;
	pid_t pid;

	enter_mounts();
	if (unshare(CLONE_NEWPID) < 0)
		_exit(125);
	pid = fork();
	if (pid > 0) {
		while (waitpid(pid, &status, 0) != pid)
			;
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 122);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", 0, "hidepid=invisible") < 0)
		_exit(124);
	pid = fork();
	if (pid > 0) {
		while (waitpid(pid, &status, 0) != pid)
			;
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 121);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* still root, with CAP_KILL, but neither of the group nor with what sees through it */
	if (!h->keep_ptrace && (prctl(PR_CAPBSET_DROP, 19 /* CAP_SYS_PTRACE */) < 0 ||
				setgroups(0, NULL) < 0 || setgid(65534) < 0))
		_exit(123);
}

static void test_hidepid(void **state)
{
	struct hidden h = {.keep_ptrace = true};
	struct surroundings s = {enter_hidepid, &h};

	(void)state;
	NEED_NAMESPACES();
	program_start(&program, ARGV(program_reapd(), "--drill"), &s);
	assert_int_equal(program_end(&program), 0);
	assert_non_null(strstr(program.output, "drill passed"));

	if (UNDER_SANITIZER)
		skip(); /* they ptrace and read what the user may not */
	h.keep_ptrace = false;
	program_start(&program, ARGV(program_reapd(), "--drill"), &s);
	assert_int_equal(program_end(&program), EX_UNAVAILABLE);
	assert_int_equal(count_lines(program.output), 1);
	assert_non_null(strstr(program.output,
			       "is mounted with hidepid, where CAP_SYS_PTRACE is required"));
}

static void become_nobody(void *userdata)
{
	(void)userdata;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		_exit(123);
}

/* CAP_KILL is what it cannot do without; a dry run needs none. */
static void test_no_capabilities(void **state)
{
	const struct surroundings s = {become_nobody, NULL};

	(void)state;
	if (geteuid() != 0)
		skip();
	program_start(&program, ARGV(program_reapd(), "--drill"), &s);
	assert_int_equal(program_end(&program), EX_UNAVAILABLE);
	assert_int_equal(count_lines(program.output), 1);
	assert_non_null(strstr(program.output, "CAP_KILL is required"));

	program_start(&program, ARGV(program_reapd(), "--dry-run", "-M", "1M"), &s);
	program_wait_for(&program, "it would be an error without dry run");
	program_wait_for(&program, " watches ");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
}

static const struct {
	const char *calls;
	int status;
	const char *says;
} without_rows[] = {
	{"process_mrelease=ENOSYS", 0, "process_mrelease is missing: Linux 5.15 or later has it"},
	{"process_mrelease=EPERM", EX_UNAVAILABLE,
	 "the drill's process_mrelease() failed: Operation not permitted"},
	{"pidfd_open=ENOSYS", EX_UNAVAILABLE, "expected Linux 5.9 or later, with pidfds"},
	{"pidfd_open=EPERM", EX_UNAVAILABLE, "cannot take hold of its child: Operation not"},
	{"pidfd_send_signal=EPERM", EX_UNAVAILABLE, "cannot signal its child: Operation not"},
	{"pidfd_send_signal=ENOSYS", EX_UNAVAILABLE, "cannot signal its child: Function not"},
	{"kcmp=ENOSYS", 0, "kcmp is not"},
	{"kcmp=EPERM", 0, "kcmp is not permitted"},
};

static void test_without(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(without_rows); i++) {
		program_start(
			&program,
			ARGV(program_without(), without_rows[i].calls, program_reapd(), "--drill"),
			NULL);
		CHECK_INT(without_rows[i].calls, program_end(&program), without_rows[i].status);
		CHECK_INT(without_rows[i].calls, count_lines(program.output), 1);
		if (!strstr(program.output, without_rows[i].says))
			fail_msg("%s: '%s' is not in: %s", without_rows[i].calls,
				 without_rows[i].says, program.output);
	}
}

/* Memory that cannot be locked is said in the first line. */
static void test_without_mlockall(void **state)
{
	(void)state;
	if (geteuid() != 0 || UNDER_SANITIZER)
		skip(); /* the sanitizers make mlockall() do nothing, with success */
	program_start(
		&program,
		ARGV(program_without(), "mlockall=EPERM", program_reapd(), "--dry-run", "-M", "1M"),
		NULL);
	program_wait_for(&program, "memory is not locked (CAP_IPC_LOCK)");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meminfo_refused), cmocka_unit_test(test_no_psi),
		cmocka_unit_test(test_psi_unreadable),	cmocka_unit_test(test_changes),
		cmocka_unit_test(test_full_ring),	cmocka_unit_test(test_no_proc),
		cmocka_unit_test(test_hidepid),		cmocka_unit_test(test_no_capabilities),
		cmocka_unit_test(test_without),		cmocka_unit_test(test_without_mlockall),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
