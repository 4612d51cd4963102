// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The workloads that only the arena has, beside those of the vm suite's load.c: a leak of many
 * threads, a program whose mapped files have to stay in memory, and a build whose compilers come
 * and go. Each takes the name --name, and writes --ready when it has what it begins with.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB   (UINT64_C(1) << 20)
#define PAGE  4096
#define BLOCK (MIB / 4)

static void die(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void wait_nsec(uint64_t nsec)
{
	const struct timespec t = {(time_t)(nsec / 1000000000), (long)(nsec % 1000000000)};

	(void)nanosleep(&t, NULL);
}

static void *take(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* Not compressible, and fast enough for one word a cache line to be enough. */
static void fill(void *memory, uint64_t bytes)
{
	static _Thread_local uint64_t state;
	uint64_t *word = memory;

	if (state == 0)
		state = (uintptr_t)memory | 1;
	for (uint64_t i = 0; i < bytes / sizeof(*word); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		word[i] = state;
	}
}

static uint64_t thread_rate; /* bytes a second */

static _Noreturn void *leak(void *unused)
{
	(void)unused;
	for (;;) {
		fill(take(BLOCK), BLOCK);
		wait_nsec(BLOCK * 1000000000 / thread_rate);
	}
}

static _Noreturn void run_threads(unsigned count, uint64_t rate)
{
	pthread_t thread;

	thread_rate = rate / count;
	for (unsigned i = 1; i < count; i++) {
		errno = pthread_create(&thread, NULL, leak, NULL);
		if (errno)
			die("pthread_create");
	}
	leak(NULL);
}

/* Reads a word of a page of the file at random, for ever: what is dropped has to be read again. */
static _Noreturn void run_mapped(const char *path, const char *ready)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	volatile const char *memory;
	uint64_t seed = 88172645463325252, sum = 0;

	if (bytes < PAGE)
		die(path);
	memory = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	for (off_t at = 0; at < bytes; at += PAGE)
		sum += (unsigned char)memory[at];
	if (ready)
		close(open(ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	for (;; sum += (unsigned char)memory[seed % (uint64_t)(bytes / PAGE) * PAGE]) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
	}
}

/* So many at a time; each takes up to so much within a second, keeps it for another, and ends. */
static _Noreturn void run_jobs(unsigned count, uint64_t bytes)
{
	for (unsigned running = 0, started = 0;; running++, started++) {
		pid_t pid;

		if (running == count) {
			(void)wait(NULL);
			running--;
		}
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0) {
			uint64_t mine = bytes / 2 + bytes / 2 * (started % 4) / 3;

			for (uint64_t taken = 0; taken < mine; taken += BLOCK) {
				fill(take(BLOCK), BLOCK);
				wait_nsec(1000000000 / (mine / BLOCK));
			}
			wait_nsec(1000000000);
			_exit(0);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"name", required_argument, NULL, 'n'},
		{"ready", required_argument, NULL, 'r'},
		{},
	};
	const char *ready = NULL, *command;
	int flag;

	while ((flag = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (flag == 'n')
			prctl(PR_SET_NAME, optarg);
		else if (flag == 'r')
			ready = optarg;
		else
			return 2;
	}
	argc -= optind;
	argv += optind;
	command = argc > 0 ? argv[0] : "";
	if (argc == 3 && !strcmp(command, "threads"))
		run_threads((unsigned)atoi(argv[1]), (uint64_t)atoi(argv[2]) * MIB);
	if (argc == 2 && !strcmp(command, "mapped"))
		run_mapped(argv[1], ready);
	if (argc == 3 && !strcmp(command, "jobs"))
		run_jobs((unsigned)atoi(argv[1]), (uint64_t)atoi(argv[2]) * MIB);
	fputs("usage: work threads COUNT MIB/S | mapped FILE | jobs COUNT MIB   [--name COMM] "
	      "[--ready FILE]\n",
	      stderr);
	return 2;
}
