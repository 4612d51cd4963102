/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd of processes of every kind that the kernel's killer treats in a way of its own. Prints
 * "KIND PID" for each and then "ready", and ends them all when its standard input ends. It is
 * static and alone, so that it also runs in a guest. What is not permitted here is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB	   (UINT64_C(1) << 20)
#define STACK_SIZE 65536
#define CROWD_MAX  64

#define EXIT_NOT_HERE 77

static pid_t crowd[CROWD_MAX];
static unsigned crowd_count;

static void die(const char *what)
{
	perror(what);
	for (unsigned i = 0; i < crowd_count; i++)
		kill(crowd[i], SIGKILL);
	_exit(1);
}

static void announce(const char *kind, pid_t pid)
{
	printf("%s %d\n", kind, pid);
	fflush(stdout);
	if (crowd_count < CROWD_MAX)
		crowd[crowd_count++] = pid;
}

static int sleep_for_ever(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
	return 0;
}

static void fill(size_t bytes, int flags)
{
	char *memory;

	if (bytes == 0)
		return;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		_exit(flags & MAP_HUGETLB ? EXIT_NOT_HERE : 3);
	memset(memory, 7, bytes);
}

static bool set_adj(int adj)
{
	char text[16];
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int len = snprintf(text, sizeof(text), "%d", adj);
	bool good = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	return good;
}

static pid_t clone_here(int flags)
{
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	return stack == MAP_FAILED ? -1 : clone(sleep_for_ever, stack + STACK_SIZE, flags, NULL);
}

/* What a child becomes when it has told @fd that it is there. */
struct kind {
	const char *name;
	int adj;
	size_t private_bytes, shared_bytes, huge_bytes;
	void (*become)(int fd);
	bool named_by_adj;
};

static void tell(int fd, pid_t pid)
{
	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(4);
}

static void become_plain(int fd)
{
	tell(fd, 0);
	sleep_for_ever(NULL);
}

static void become_threads(int fd)
{
	for (unsigned i = 0; i < 20; i++) {
		if (clone_here(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND) < 0)
			_exit(5);
	}
	become_plain(fd);
}

/* exit(2) by number ends the first thread alone. */
static void become_zombie_leader(int fd)
{
	if (clone_here(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND) < 0)
		_exit(5);
	tell(fd, 0);
	syscall(SYS_exit, 0);
}

static void become_zombie(int fd)
{
	tell(fd, 0);
	_exit(0);
}

static void become_vm_pair(int fd)
{
	tell(fd, clone_here(CLONE_VM | SIGCHLD));
	sleep_for_ever(NULL);
}

static void become_vfork_parent(int fd)
{
	pid_t pid = vfork();

	if (pid == 0) {
		tell(fd, (pid_t)syscall(SYS_getpid));
		sleep_for_ever(NULL);
	}
	_exit(6);
}

/* The other process of two is announced as this. */
static const char *peer_kind(const struct kind *k)
{
	return k->become == become_vm_pair ? "vm-peer" : "vfork-child";
}

static const struct kind kinds[] = {
	{.name = "adj",
	 .adj = -1000,
	 .named_by_adj = true,
	 .private_bytes = 20 * MIB,
	 .become = become_plain},
	{.name = "adj",
	 .adj = -999,
	 .named_by_adj = true,
	 .private_bytes = 20 * MIB,
	 .become = become_plain},
	{.name = "adj",
	 .adj = -500,
	 .named_by_adj = true,
	 .private_bytes = 20 * MIB,
	 .become = become_plain},
	{.name = "adj",
	 .adj = 0,
	 .named_by_adj = true,
	 .private_bytes = 20 * MIB,
	 .become = become_plain},
	{.name = "adj",
	 .adj = 500,
	 .named_by_adj = true,
	 .private_bytes = 20 * MIB,
	 .become = become_plain},
	{.name = "adj",
	 .adj = 1000,
	 .named_by_adj = true,
	 .private_bytes = 20 * MIB,
	 .become = become_plain},
	{.name = "small", .become = become_plain},
	{.name = "large", .private_bytes = 100 * MIB, .become = become_plain},
	{.name = "threads", .private_bytes = 20 * MIB, .become = become_threads},
	{.name = "zombie-leader", .private_bytes = 20 * MIB, .become = become_zombie_leader},
	{.name = "zombie", .private_bytes = 20 * MIB, .become = become_zombie},
	{.name = "vm-pair", .private_bytes = 20 * MIB, .become = become_vm_pair},
	{.name = "vfork-parent", .private_bytes = 20 * MIB, .become = become_vfork_parent},
	{.name = "shmem", .shared_bytes = 20 * MIB, .become = become_plain},
	{.name = "hugetlb", .huge_bytes = 4 * MIB, .become = become_plain},
};

static void start(const struct kind *k)
{
	pid_t pid, peer = 0;
	char name[32];
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, k->name);
		close(fds[0]);
		/* 0 too: whoever starts the crowd may be protected */
		if (!set_adj(k->adj))
			_exit(errno == EACCES || errno == EPERM ? EXIT_NOT_HERE : 2);
		fill(k->private_bytes, MAP_PRIVATE);
		fill(k->shared_bytes, MAP_SHARED);
		fill(k->huge_bytes, MAP_PRIVATE | MAP_HUGETLB);
		k->become(fds[1]);
	}
	close(fds[1]);
	if (read(fds[0], &peer, sizeof(peer)) != sizeof(peer)) {
		int status;

		waitpid(pid, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_NOT_HERE)
			die(k->name);
		close(fds[0]);
		return;
	}
	close(fds[0]);
	snprintf(name, sizeof(name), "%s", k->name);
	if (k->named_by_adj)
		snprintf(name, sizeof(name), "%s%d", k->name, k->adj);
	announce(name, pid);
	if (peer > 0)
		announce(peer_kind(k), peer);
}

int main(void)
{
	char byte;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		start(&kinds[i]);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (unsigned i = 0; i < crowd_count; i++)
		kill(crowd[i], SIGKILL);
	return 0;
}
