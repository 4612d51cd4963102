/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children of the test; see child.h.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void read_path(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
}

long long read_number(const char *format, ...)
{
	char path[128], text[64], *end;
	long long value;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	read_path(path, text, sizeof(text));
	value = strtoll(text, &end, 10);
	return end == text ? -1 : value;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		r = -errno;
	close(fd);
	return r;
}

char child_state(pid_t pid)
{
	char path[64], text[1024], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_path(path, text, sizeof(text));
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : '\0';
}

bool child_is_running(pid_t pid)
{
	char state = child_state(pid);

	return state != '\0' && state != 'Z' && state != 'X';
}

uint64_t machine_total_pages(void)
{
	struct sysinfo info;

	assert_int_equal(sysinfo(&info), 0);
	return (info.totalram + info.totalswap) * info.mem_unit / (uint64_t)sysconf(_SC_PAGESIZE);
}

static int told_fd = -1;

static void exit_at_once(int signal)
{
	(void)signal;
	_exit(0);
}

static void exit_when_told(int signal)
{
	struct pollfd p = {.fd = told_fd, .events = POLLIN};

	(void)signal;
	(void)poll(&p, 1, 30000);
	_exit(0);
}

/* As who reads signals from a signalfd(2). */
void block_term(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int child_pause_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static void child_main(const struct child_spec *spec, int ready_fd)
{
	char adj[16];
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (spec->comm)
		prctl(PR_SET_NAME, spec->comm);
	if (spec->own_group || spec->group > 0)
		(void)setpgid(0, spec->own_group ? 0 : spec->group);
	snprintf(adj, sizeof(adj), "%d", spec->adj);
	if (spec->adj != 0 && write_file("/proc/self/oom_score_adj", adj) < 0)
		_exit(101);
	told_fd = spec->told_fd;
	if (spec->on_term == TERM_IGNORED)
		signal(SIGTERM, SIG_IGN);
	else if (spec->on_term == TERM_WAITED_FOR)
		block_term();
	else if (spec->on_term == TERM_EXITS)
		signal(SIGTERM, exit_at_once);
	else if (spec->on_term == TERM_EXITS_WHEN_TOLD)
		signal(SIGTERM, exit_when_told);
	if (spec->bytes > 0) {
		memory = mmap(NULL, spec->bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			_exit(102);
		memset(memory, 7, spec->bytes);
	}
	if (spec->prepare)
		spec->prepare(spec->userdata);
	if (write(ready_fd, "r", 1) != 1)
		_exit(103);
	for (;;)
		pause();
}

pid_t child_start(const struct child_spec *spec)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child_main(spec, ready[1]);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		fail_msg("a child ended before it was ready: status 0x%x", child_wait(pid));
	close(ready[0]);
	return pid;
}

void child_end(pid_t pid)
{
	kill(pid, SIGKILL); /* a child that nobody has waited for: the pid is still its own */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int child_wait(pid_t pid)
{
	int status = -1;

	WAIT_FOR(waitpid(pid, &status, WNOHANG) == pid);
	return status;
}

void wait_result(const struct reaper *r, struct reap_result *ret)
{
	WAIT_FOR(reaper_result(r, ret) > 0);
}

#define FREEZER "/sys/fs/cgroup/freezer"

static bool freezer_write(const struct freezer *f, const char *file, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", f->path, file);
	return write_file(path, text) >= 0;
}

static bool freezer_is(const struct freezer *f, const char *wanted)
{
	char path[160], text[32];

	snprintf(path, sizeof(path), "%s/freezer.state", f->path);
	read_path(path, text, sizeof(text));
	return strncmp(text, wanted, strlen(wanted)) == 0;
}

/* The one in use; a test that fails leaves it frozen, with a child in it that cannot die. */
static struct freezer in_use;
static pid_t in_use_by;

static void thaw_at_exit(void)
{
	if (getpid() != in_use_by || in_use.path[0] == '\0')
		return;
	(void)freezer_write(&in_use, "freezer.state", "THAWED");
}

bool freezer_freeze(struct freezer *f, pid_t pid)
{
	char text[16];

	snprintf(f->path, sizeof(f->path), FREEZER "/reapd-test-%d", pid);
	if (access(FREEZER "/tasks", W_OK) < 0 || mkdir(f->path, 0755) < 0)
		return false;
	snprintf(text, sizeof(text), "%d", pid);
	if (!freezer_write(f, "cgroup.procs", text) ||
	    !freezer_write(f, "freezer.state", "FROZEN")) {
		(void)rmdir(f->path);
		return false;
	}
	if (in_use_by == 0)
		atexit(thaw_at_exit);
	in_use_by = getpid();
	in_use = *f;
	WAIT_FOR(freezer_is(f, "FROZEN"));
	return true;
}

void freezer_thaw(struct freezer *f)
{
	assert_true(freezer_write(f, "freezer.state", "THAWED"));
}

void freezer_remove(struct freezer *f)
{
	WAIT_FOR(rmdir(f->path) == 0);
	in_use.path[0] = '\0';
}
