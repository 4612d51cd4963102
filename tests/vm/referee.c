// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures a machine that runs out of memory from outside the daemon under test, so that the
 * daemon's own figures are checked and never believed. It needs nothing it has not got already
 * when memory is gone: real-time priority, locked memory, a buffer faulted in beforehand, held
 * descriptors. It writes its CSV only when it is told to stop.
 *
 * /proc/vmstat has a thread of its own because each read of it allocates (vmstat_start() in
 * mm/vmstat.c of 6.1), which may stall when nothing is left; the other two files keep the buffer
 * of their first read. Pressure is read there too, as seldom: what is measured is how long a guest
 * of two slow CPUs needs for something, and each read takes from them. Gaps of up to a second
 * between samples were seen all the same in a guest left to thrash with nothing available: the
 * longest is reported with each case, and figures finer than it mean nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC	  1000000000L
#define REALTIME_PRIORITY 90
#define SLOW_PERIOD_NSEC  50000000L
#define STACK_BYTES	  65536

struct sample {
	long at_usec;
	long available_kib;
	long free_kib;
	long swap_free_kib;
	long oom_kill;
	long some_usec;
	long full_usec;
};

struct files {
	int meminfo;
	int vmstat;
	int pressure; /* -1 without PSI: psi=0, or a kernel without it */
};

static volatile sig_atomic_t asked_to_stop;
static atomic_long oom_kill = -1, some_usec = -1, full_usec = -1;

static void on_stop(int number)
{
	(void)number;
	asked_to_stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "referee: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static char *read_text(int fd, char *text, size_t size)
{
	ssize_t length = pread(fd, text, size - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* The number after the key, or -1: a kernel without a field must not look like one at zero. */
static long number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void take_sample(const struct files *files, struct sample *ret_sample)
{
	static char text[16384];

	*ret_sample = (struct sample){.at_usec = now_nsec() / 1000};
	read_text(files->meminfo, text, sizeof(text));
	ret_sample->free_kib = number_after(text, "MemFree:");
	ret_sample->available_kib = number_after(text, "MemAvailable:");
	ret_sample->swap_free_kib = number_after(text, "SwapFree:");
	ret_sample->oom_kill = atomic_load(&oom_kill);
	ret_sample->some_usec = atomic_load(&some_usec);
	ret_sample->full_usec = atomic_load(&full_usec);
}

static void *watch_slowly(void *argument)
{
	const struct files *files = argument;
	const struct timespec period = {.tv_nsec = SLOW_PERIOD_NSEC};
	static char text[16384];
	const char *full;

	while (!asked_to_stop) {
		if (files->pressure >= 0) {
			read_text(files->pressure, text, sizeof(text));
			atomic_store(&some_usec, number_after(text, "total="));
			full = strstr(text, "full ");
			atomic_store(&full_usec, full ? number_after(full, "total=") : -1);
		}
		read_text(files->vmstat, text, sizeof(text));
		atomic_store(&oom_kill, number_after(text, "\noom_kill "));
		(void)nanosleep(&period, NULL);
	}
	return NULL;
}

static void write_csv(const char *path, const struct sample *samples, size_t count)
{
	FILE *file = fopen(path, "we");

	if (!file)
		die(path);
	fputs("at_usec,available_kib,free_kib,swap_free_kib,oom_kill,some_usec,full_usec\n", file);
	for (size_t i = 0; i < count; i++) {
		const struct sample *s = &samples[i];

		fprintf(file, "%ld,%ld,%ld,%ld,%ld,%ld,%ld\n", s->at_usec, s->available_kib,
			s->free_kib, s->swap_free_kib, s->oom_kill, s->some_usec, s->full_usec);
	}
	if (fclose(file))
		die(path);
}

static void become_realtime(void)
{
	const struct sched_param param = {.sched_priority = REALTIME_PRIORITY};

	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		die("sched_setscheduler");
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		die("mlockall");
}

static void measure(const struct files *files, long period_nsec, struct sample *samples,
		    size_t size, size_t *ret_count)
{
	long next = now_nsec();
	size_t count = 0;

	while (!asked_to_stop && count < size) {
		struct timespec deadline;

		take_sample(files, &samples[count++]);
		next += period_nsec;
		if (now_nsec() > next)
			next = now_nsec();
		deadline = (struct timespec){next / NSEC_PER_SEC, next % NSEC_PER_SEC};
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
	}
	*ret_count = count;
}

int main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = on_stop};
	struct sample *samples;
	pthread_attr_t attributes;
	pthread_t watcher;
	struct files files;
	long period_msec, seconds;
	size_t size, count;
	FILE *ready;

	if (argc != 5) {
		fputs("usage: referee OUTPUT READY PERIOD_MSEC SECONDS\n"
		      "Samples until SECONDS are over or SIGTERM, then writes OUTPUT.\n"
		      "READY is created once the first sample is about to be taken.\n",
		      stderr);
		return 2;
	}
	period_msec = atol(argv[3]);
	seconds = atol(argv[4]);
	if (period_msec < 1 || seconds < 1) {
		fputs("referee: the period and the duration must be positive\n", stderr);
		return 2;
	}
	files.meminfo = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	files.vmstat = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
	files.pressure = open("/proc/pressure/memory", O_RDONLY | O_CLOEXEC);
	if (files.meminfo < 0 || files.vmstat < 0)
		die("/proc");
	become_realtime();
	size = (size_t)(seconds * 1000 / period_msec) + 1;
	samples = calloc(size, sizeof(*samples));
	if (!samples)
		die("calloc");
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	/* Locked memory includes stacks, 8 MiB of them by default. */
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (pthread_create(&watcher, &attributes, watch_slowly, &files))
		die("pthread_create");
	ready = fopen(argv[2], "we");
	if (!ready || fclose(ready))
		die(argv[2]);
	measure(&files, period_msec * 1000000, samples, size, &count);
	asked_to_stop = 1;
	write_csv(argv[1], samples, count);
	return 0;
}
