/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child, and the kill of it; see drill.h.
 */
#include "daemon/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/text.h"
#include "sys/clock.h"
#include "sys/fs.h"

#define DRILL_PART  (UINT64_C(2) << 20)
#define DRILL_BYTES (8 * DRILL_PART)

/*
 * A drill on a busy machine measures too little; believing it would be to look too late. One whose
 * 2 MiB stay in the cache measures too much: all CPUs together fault and clear no more than about
 * this in the memory of today's machines.
 */
#define FILL_RATE_MIN	    (UINT64_C(1) << 29)
#define FILL_RATE_MAX(cpus) u64_max(UINT64_C(8) << 30, u64_mul(cpus, UINT64_C(1) << 30))

/* For each step; generous, because a start may be at a bad time. */
#define DRILL_TIMEOUT_MSEC 10000

#define DRILL_COMM "reapd-drill"

__attribute__((format(printf, 3, 4))) static int fail(struct drill *d, int error,
						      const char *format, ...)
{
	va_list args;
	size_t used;

	va_start(args, format);
	vsnprintf(d->failure, sizeof(d->failure), format, args);
	va_end(args);
	used = strlen(d->failure);
	if (error < 0)
		snprintf(d->failure + used, sizeof(d->failure) - used, ": %s", strerror(-error));
	return error < 0 ? error : -EPROTO;
}

/*
 * Fills @bytes at @memory and returns the time that the fastest part of DRILL_PART took. One byte a
 * page, in huge pages where there are any: nothing uses memory up faster. The fastest of several,
 * because a start is a busy time and the machine's limit is what is wanted. @memory begins with a
 * huge page, or one fault would serve two parts and the last would take no time at all.
 */
static uint64_t fill(volatile char *memory, size_t bytes)
{
	uint64_t fastest = UINT64_MAX, start;

	for (size_t part = 0; part < bytes; part += DRILL_PART) {
		start = clock_now_usec();
		for (size_t at = part; at < part + DRILL_PART; at += 4096)
			memory[at] = 1;
		fastest = u64_min(fastest, clock_now_usec() - start);
	}
	return u64_max(fastest, 1);
}

/*
 * Twice, with what the first time has given back: the host of a virtual machine provides memory
 * when it is first touched, and slowly.
 */
static uint64_t fill_twice(char *memory, size_t bytes)
{
	uint64_t fastest;

	(void)madvise(memory, bytes, MADV_HUGEPAGE);
	fastest = fill(memory, bytes);
	(void)madvise(memory, bytes, MADV_DONTNEED);
	return u64_min(fastest, fill(memory, bytes));
}

/*
 * The child: killable (it inherits -1000), full of memory, then waiting. After fork() in a process
 * with threads only async-signal-safe calls are allowed.
 */
__attribute__((noreturn)) static void drill_child(int fd, size_t bytes)
{
	uint64_t fastest;
	char *memory;
	int adj_fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, DRILL_COMM);
	adj_fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (adj_fd < 0 || write(adj_fd, "0", 1) != 1)
		_exit(1);
	memory = mmap(NULL, bytes + DRILL_PART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED)
		_exit(2);
	memory += -(uintptr_t)memory % DRILL_PART;
	fastest = fill_twice(memory, bytes);
	if (write(fd, &fastest, sizeof(fastest)) != sizeof(fastest))
		_exit(3);
	for (;;)
		pause();
}

/* Waits for @fd to be readable: 0, or -ETIMEDOUT. */
static int wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, DRILL_TIMEOUT_MSEC);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : -ETIMEDOUT;
}

static int wait_until_filled(struct drill *d, int fd, size_t bytes)
{
	uint64_t fastest, cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);

	if (wait_readable(fd) < 0)
		return fail(d, -ETIMEDOUT, "the drill's child did not get ready");
	if (read(fd, &fastest, sizeof(fastest)) != sizeof(fastest))
		return fail(d, 0,
			    "the drill's child failed: it needs %zu bytes and to raise its "
			    "oom_score_adj",
			    bytes);
	d->fill_rate_bytes = u64_mul(u64_muldiv(DRILL_PART, 1000000, fastest), cpus);
	d->fill_rate_bytes = u64_min(u64_max(d->fill_rate_bytes, FILL_RATE_MIN),
				     FILL_RATE_MAX(cpus));
	return 0;
}

/* Nobody shares its memory; but the search for those who do runs in a kill. */
static int find_sharers(struct drill *d, struct sharers *sharers, pid_t child)
{
	pid_t self = getpid(), found[SHARERS_MAX];

	return sharers_find(sharers, child, &self, 1, found) == 0
		       ? 0
		       : fail(d, 0, "the drill's child shares memory: kcmp does not tell who does");
}

static int kill_child(struct drill *d, int proc_fd, struct scanner *scanner,
		      const struct reaper *reaper, struct sharers *sharers, uint64_t total_pages,
		      pid_t child)
{
	struct scan_request request = {.total_pages = total_pages, .scope = SCOPE_CHILDREN};
	struct scan_result *scan = &(struct scan_result){};
	struct reap_result reaped;
	struct victim v = VICTIM_CLOSED;
	uint64_t start = clock_now_usec(), signalled;
	int r;

	r = scanner_run(scanner, &request, scan);
	if (r < 0)
		return fail(d, r, "the drill cannot read /proc");
	if (!scan->found || scan->victim.id.pid != child)
		return fail(d, 0,
			    "the drill's scan did not find its child among %u processes: is "
			    "/proc mounted with hidepid, and CAP_SYS_PTRACE missing?",
			    scan->seen);
	r = find_sharers(d, sharers, child);
	if (r < 0)
		return r;
	r = victim_open(proc_fd, scan->victim.id, &v);
	if (r < 0)
		return fail(d, r, "the drill cannot take hold of its child");
	r = victim_signal(&v, SIGKILL);
	signalled = clock_now_usec();
	d->kill_usec = signalled - start;
	if (r < 0)
		r = fail(d, r, "the drill cannot signal its child");
	if (r >= 0 && reaper_submit(reaper, &v) < 0)
		r = fail(d, 0, "the drill cannot hand its child to the reaper");
	if (r >= 0 && wait_readable(v.pidfd) < 0)
		r = fail(d, -ETIMEDOUT, "the drill's child does not die");
	d->death_usec = clock_now_usec() - signalled;
	if (r >= 0 && (wait_readable(reaper->result_fd) < 0 || !reaper_result(reaper, &reaped)))
		r = fail(d, -ETIMEDOUT, "the drill's child is not reaped");
	victim_close(&v);
	if (r < 0)
		return r;
	d->mrelease_works = reaped.error == 0 || reaped.error == ESRCH;
	if (!d->mrelease_works && reaped.error != ENOSYS)
		return fail(d, -reaped.error, "the drill's process_mrelease() failed");
	return 0;
}

/*
 * What CAP_KILL and CAP_SYS_PTRACE are for, on a process of another user: signal 0, kcmp(), and
 * the one file that hidepid hides first.
 */
static int try_others(struct drill *d, int proc_fd)
{
	CLEANUP_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
	pid_t self = getpid();
	char score[32];
	size_t len;

	d->kcmp_works = syscall(SYS_kcmp, self, 1, KCMP_VM, 0, 0) >= 0;
	if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
		return fail(d, -EPERM,
			    "the drill cannot signal other users' processes: CAP_KILL "
			    "is required");
	if (fs_read_at(proc_fd, "1/oom_score", score, sizeof(score), &len) < 0)
		return fail(d, -EPERM,
			    "the drill cannot see other users' processes: /proc is "
			    "mounted with hidepid, where CAP_SYS_PTRACE is required");
	return 0;
}

int drill_run(int proc_fd, struct scanner *scanner, const struct reaper *reaper,
	      struct sharers *sharers, uint64_t total_pages, uint64_t available_bytes,
	      struct drill *ret)
{
	/* less on a machine that has little left, but one part at least */
	size_t bytes = (size_t)u64_max(u64_min(DRILL_BYTES, available_bytes / 8) / DRILL_PART, 1) *
		       DRILL_PART;
	int fds[2], r;
	pid_t child;

	*ret = (struct drill){};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(ret, -errno, "the drill has no pipe");
	child = fork();
	if (child == 0)
		drill_child(fds[1], bytes);
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		return fail(ret, -errno, "the drill cannot fork");
	}

	r = wait_until_filled(ret, fds[0], bytes);
	if (r >= 0)
		r = kill_child(ret, proc_fd, scanner, reaper, sharers, total_pages, child);
	if (r < 0)
		(void)kill(child, SIGKILL); /* a child of ours that has not been waited for */
	(void)waitpid(child, NULL, 0);
	close(fds[0]);
	return r < 0 ? r : try_others(ret, proc_fd);
}
