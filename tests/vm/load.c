// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The workloads of the vm suite in one program: what leaks, what must survive next to it, what
 * only sits there. One program so that every case speaks of memory in the same terms, with no
 * interpreter whose own memory would blur the picture. Neighbours judge the daemon from the
 * victim's side: they record the longest time in which they could not touch their own memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		    (1024UL * 1024)
#define PAGE		    4096UL
#define BLOCK_BYTES	    (256UL * 1024)
#define NSEC_PER_SEC	    1000000000L
#define NEIGHBOUR_STEP_NSEC 5000000L

struct options {
	const char *name;
	const char *output;
	const char *ready;
	const char *file;
	unsigned long rate_bytes;
	unsigned long start_bytes;
	unsigned long limit_bytes;
	unsigned long swap_bytes;
	unsigned long leave_bytes;
	unsigned long threads;
	unsigned long cycle_msec;
	unsigned long forks;
	long adj;
	bool adj_set;
	bool random_fill;
	bool ignore_term;
	bool catch_term;
	bool exact;
	bool locked;
};

static volatile sig_atomic_t asked_to_stop;

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void sleep_until(long deadline_nsec)
{
	struct timespec deadline = {
		.tv_sec = deadline_nsec / NSEC_PER_SEC,
		.tv_nsec = deadline_nsec % NSEC_PER_SEC,
	};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	if (write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* Random bytes defeat zram; a constant compresses to almost nothing there. */
static void fill(void *memory, size_t bytes, bool random_fill)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	uint64_t *word = memory;

	if (!random_fill) {
		memset(memory, 0x5a, bytes);
		return;
	}
	state ^= (uint64_t)getpid() << 32;
	for (size_t i = 0; i < bytes / sizeof(*word); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		word[i] = state;
	}
}

static void *take(size_t bytes, bool random_fill)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);

	if (memory == MAP_FAILED)
		die("mmap");
	fill(memory, bytes, random_fill);
	return memory;
}

/* What a load starts with, in huge pages where there are any: a guest faults slowly. */
static void take_start(const struct options *options)
{
	size_t bytes = options->start_bytes;
	void *memory;

	if (!bytes)
		return;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	(void)madvise(memory, bytes, MADV_HUGEPAGE);
	fill(memory, bytes, options->random_fill);
}

static void go_on(int number)
{
	(void)number;
}

static void become(const struct options *options)
{
	char text[32];

	if (options->name && prctl(PR_SET_NAME, options->name) < 0)
		die("prctl");
	if (options->adj_set) {
		snprintf(text, sizeof(text), "%ld", options->adj);
		write_text("/proc/self/oom_score_adj", text);
	}
	if (options->locked && mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		die("mlockall");
	if (options->ignore_term)
		signal(SIGTERM, SIG_IGN);
	else if (options->catch_term)
		signal(SIGTERM, go_on);
}

static void say_ready(const struct options *options)
{
	if (options->ready)
		write_text(options->ready, "ready\n");
}

/* The number behind @key, from where @section begins in a file of /proc; -1 when it is not there.
 */
static long number_in(const char *path, const char *section, const char *key)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	char *at;
	ssize_t n;

	if (fd < 0)
		die(path);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	at = strstr(text, section);
	at = at ? strstr(at, key) : NULL;
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* What can still be taken: a load that is to leave some of it cannot know beforehand how much that
 * will be, whatever else comes and goes. */
static unsigned long left_bytes(void)
{
	return (unsigned long)(number_in("/proc/meminfo", "", "MemAvailable:") +
			       number_in("/proc/meminfo", "", "SwapFree:")) *
	       1024;
}

/*
 * Grows for ever, or up to the limit, or until only so much is left, and then stays. The pace is
 * absolute so that the rate is kept over many blocks; time lost to a stall is not made up for in a
 * burst, which would be a different workload.
 */
static _Noreturn void leak(const struct options *options)
{
	long next = now_nsec();
	unsigned long taken = options->start_bytes;
	unsigned long block = BLOCK_BYTES;
	long step_nsec;

	if (block > options->rate_bytes / 4)
		block = (options->rate_bytes / 4 + PAGE - 1) / PAGE * PAGE;
	step_nsec = options->rate_bytes ? (long)(NSEC_PER_SEC * block / options->rate_bytes) : 0;
	while (options->rate_bytes && (!options->limit_bytes || taken < options->limit_bytes) &&
	       (!options->leave_bytes || left_bytes() > options->leave_bytes)) {
		(void)take(block, options->random_fill);
		taken += block;
		next += step_nsec;
		if (now_nsec() > next + NSEC_PER_SEC / 10)
			next = now_nsec();
		sleep_until(next);
	}
	for (;;)
		pause();
}

static _Noreturn void run_leak(const struct options *options)
{
	become(options);
	if (options->start_bytes)
		(void)take(options->start_bytes, options->random_fill);
	say_ready(options);
	leak(options);
}

/*
 * The parent holds nothing and outlives its children, as a job's shell does. Only they carry the
 * name: a signal to one of them can be told from one to it.
 */
static int run_children(const struct options *options, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			become(options);
			if (options->start_bytes)
				(void)take(options->start_bytes, options->random_fill);
			leak(options);
		}
	}
	say_ready(options);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

/*
 * Processes that only exist, for whoever reads /proc to wade through. Every fourth has a name that
 * a rule of the case speaks of.
 */
static int run_crowd(const struct options *options, unsigned long count)
{
	static const char *const names[] = {"crowd", "crowd-prefer", "crowd-avoid", "crowd-ignore"};

	become(options);
	for (unsigned long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			if (prctl(PR_SET_NAME, names[i % 4]) < 0)
				die("prctl");
			for (;;)
				pause();
		}
	}
	say_ready(options);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

static _Noreturn void *pause_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static void start_thread(void *(*run)(void *), void *userdata)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, userdata);
	if (errno)
		die("pthread_create");
}

/* The least that a daemon could do which looks at memory once a second: what others cost is
 * compared with it. */
static _Noreturn void run_tick(const struct options *options)
{
	const struct timespec second = {.tv_sec = 1};
	char text[8192];
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("/proc/meminfo");
	become(options);
	say_ready(options);
	for (;;) {
		nanosleep(&second, NULL);
		if (pread(fd, text, sizeof(text), 0) <= 0)
			die("/proc/meminfo");
	}
}

/*
 * So many pages, exactly if that was asked for and else huge ones, and more until only so much is
 * left; with some of them in swap, and with threads and children that have a part in them.
 */
static _Noreturn void run_hold(const struct options *options, unsigned long bytes)
{
	char *memory;

	become(options);
	memory = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		die("mmap");
	(void)madvise(memory, bytes + PAGE, options->exact ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	fill(memory, bytes, options->random_fill);
	while (options->leave_bytes && left_bytes() > options->leave_bytes)
		(void)take(MIB, options->random_fill);
	for (unsigned long i = 0; i < options->threads; i++)
		start_thread(pause_for_ever, NULL);
	for (unsigned long i = 0; i < options->forks; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			memset(memory, 1, bytes / 4);
			pause_for_ever(NULL);
		}
	}
	if (options->swap_bytes && madvise(memory, options->swap_bytes, MADV_PAGEOUT) < 0)
		die("MADV_PAGEOUT");
	say_ready(options);
	for (;;)
		pause();
}

/* Pages that the kernel can put together to no block larger than 2^SCATTER_ORDER. */
#define SCATTER_ORDER 4
#define DMA_PFNS      4096 /* the first 16 MiB: ZONE_DMA of x86 */

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static bool scatter_keeps(uint64_t pagemap_entry)
{
	uint64_t pfn = pagemap_entry & ((UINT64_C(1) << 55) - 1);

	return pfn < DMA_PFNS || pfn % (1 << SCATTER_ORDER) == 0;
}

/* Gives back what of these pages is not to be kept, in as few calls as it takes. */
static void scatter(char *memory, size_t pages, const uint64_t *pagemap_entries)
{
	for (size_t begin = 0, end; begin < pages; begin = end + 1) {
		for (end = begin; end < pages && !scatter_keeps(pagemap_entries[end]);)
			end++;
		if (end > begin &&
		    madvise(memory + begin * PAGE, (end - begin) * PAGE, MADV_DONTNEED_LOCKED) < 0)
			die("MADV_DONTNEED_LOCKED");
	}
}

static bool dma_is_low(void)
{
	const char *zone = "zone      DMA\n";

	return number_in("/proc/zoneinfo", zone, "pages free ") <
	       number_in("/proc/zoneinfo", zone, "high ");
}

/*
 * Uses memory up until ZONE_DMA has to help out and is below its high mark, then gives back all but
 * those pages and one in sixteen of the others, by their place in physical memory. What is left is
 * a machine with plenty of memory in small pieces and without a zone for old devices. The pages are
 * locked: with vm.compact_unevictable_allowed=0 nobody moves them together again.
 */
static _Noreturn void run_scatter(const struct options *options)
{
	size_t bytes = (size_t)number_in("/proc/meminfo", "", "MemTotal:") * 1024, used = 0;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[512];

	become(options);
	if (memory == MAP_FAILED || pagemap < 0)
		die("mmap or pagemap");
	if (madvise(memory, bytes, MADV_NOHUGEPAGE) < 0 || mlockall(MCL_CURRENT | MCL_ONFAULT) < 0)
		die("madvise or mlockall");
	while (used < bytes && !dma_is_low()) {
		bool near = number_in("/proc/meminfo", "", "MemFree:") < 160 * 1024;
		size_t step = near ? MIB / 4 : 16 * MIB;

		memset(memory + used, 0x5a, step < bytes - used ? step : bytes - used);
		used += step;
	}
	for (size_t at = 0; at < used && at < bytes;
	     at += sizeof(entries) / sizeof(*entries) * PAGE) {
		ssize_t n = pread(pagemap, entries, sizeof(entries),
				  (off_t)((uintptr_t)(memory + at) / PAGE * sizeof(*entries)));

		if (n < 0)
			die("pagemap");
		scatter(memory + at, (size_t)n / sizeof(*entries), entries);
	}
	say_ready(options);
	for (;;)
		pause();
}

/* Messages that nobody takes from a socket: memory of the kernel, in no process's figures. */
static _Noreturn void run_slab(const struct options *options, unsigned long megabytes)
{
	static const char message[900];
	long begin = number_in("/proc/meminfo", "", "SUnreclaim:"), room = 1 << 30;
	int fds[2];

	become(options);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(int)) < 0)
		die("socketpair");
	while (number_in("/proc/meminfo", "", "SUnreclaim:") - begin < (long)megabytes * 1024) {
		for (int i = 0; i < 1000; i++) {
			if (send(fds[0], message, sizeof(message), MSG_DONTWAIT) < 0)
				die("send");
		}
	}
	say_ready(options);
	for (;;)
		pause();
}

static int sharer_main(void *unused)
{
	prctl(PR_SET_NAME, "sharer");
	pause_for_ever(unused);
	return 0;
}

/* A leak whose memory belongs to other processes too, which only exist. */
static _Noreturn void run_sharers(const struct options *options, unsigned long count)
{
	become(options);
	take_start(options);
	for (unsigned long i = 0; i < count; i++) {
		char *stack = take(16 * PAGE, false);

		if (clone(sharer_main, stack + 16 * PAGE, CLONE_VM | SIGCHLD, NULL) < 0)
			die("clone");
	}
	say_ready(options);
	leak(options);
}

/*
 * To be the init of a pid namespace: shares its memory with a process that could be chosen, runs
 * COMMAND, and tells by its own status whether that process has outlived it.
 */
static int run_init(const struct options *options, const char *command)
{
	char *stack = take(16 * PAGE, false);
	pid_t sharer, shell;

	become(options);
	take_start(options);
	sharer = clone(sharer_main, stack + 16 * PAGE, CLONE_VM | SIGCHLD, NULL);
	shell = fork();
	if (sharer < 0 || shell < 0)
		die("fork");
	if (!shell) {
		write_text("/proc/self/oom_score_adj", "-1000");
		execl("/bin/sh", "sh", "-c", command, NULL);
		die("/bin/sh");
	}
	if (waitpid(shell, NULL, 0) != shell)
		die("waitpid");
	return waitpid(sharer, NULL, WNOHANG) == 0 ? 0 : 3;
}

static _Noreturn void *leak_in_thread(void *options)
{
	leak(options);
}

/* The first thread ends, the second leaks: status, stat and statm of the process are empty then. */
static _Noreturn void run_zombie_leader(struct options *options)
{
	become(options);
	take_start(options);
	start_thread(leak_in_thread, options);
	say_ready(options);
	syscall(SYS_exit, 0); /* of this thread alone */
	abort();
}

/*
 * A child between vfork() and exec() that leaks: the kernel spares it, whatever its oom_score_adj,
 * and takes its parent.
 */
static _Noreturn void run_vfork(const struct options *options)
{
	static struct options child;
	pid_t pid;

	become(options);
	take_start(options);
	child = *options;
	child.name = "vforked";
	child.adj = 1000;
	child.adj_set = true;
	pid = vfork();
	if (pid == 0) {
		become(&child);
		say_ready(&child);
		leak(&child);
	}
	exit(pid < 0);
}

static _Noreturn void *write_for_ever(void *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		die(file);
	for (;;)
		(void)!pwrite(fd, file, 1, 0);
}

/* One thread hangs in a file system that is frozen, where no signal reaches it. */
static _Noreturn void run_stuck(const struct options *options, const char *file)
{
	become(options);
	take_start(options);
	start_thread(write_for_ever, (void *)file);
	sleep_until(now_nsec() + NSEC_PER_SEC / 2);
	say_ready(options);
	leak(options);
}

/* Dies of its own fault, and leaves a core behind as large as itself. */
static _Noreturn void run_dump(const struct options *options)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	become(options);
	take_start(options);
	if (setrlimit(RLIMIT_CORE, &unlimited) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		die("RLIMIT_CORE");
	say_ready(options);
	abort();
}

struct region {
	volatile char *memory;
	size_t bytes;
};

static _Noreturn void *touch(void *userdata)
{
	static atomic_uint threads;
	uint64_t seed = 0x9e3779b97f4a7c15 * (atomic_fetch_add(&threads, 1) + 1);
	const struct region *r = userdata;

	for (;;) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		r->memory[seed % (r->bytes / PAGE) * PAGE]++;
	}
}

/*
 * Needs all of its memory all the time: what does not fit thrashes. A word a page is enough to have
 * it; to fill it takes a minute where nothing is faster than an emulated CPU.
 */
static _Noreturn void run_random(const struct options *options, unsigned long megabytes)
{
	static struct region region;

	become(options);
	region.bytes = megabytes * MIB;
	region.memory = mmap(NULL, region.bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region.memory == MAP_FAILED)
		die("mmap");
	for (size_t at = 0; at < region.bytes; at += PAGE)
		region.memory[at] = 1;
	say_ready(options);
	for (unsigned long i = 1; i < options->threads; i++)
		start_thread(touch, &region);
	touch(&region);
}

static void on_stop(int number)
{
	(void)number;
	asked_to_stop = 1;
}

static volatile unsigned read_sum;

static void use_byte(const struct options *options, volatile char *byte)
{
	if (options->file)
		read_sum += (unsigned char)*byte;
	else
		++*byte;
}

/* As programs are mapped, and what they read: nobody writes to it. */
static char *map_file(const char *path, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *memory = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die(path);
	for (size_t at = 0; at < bytes; at += PAGE)
		read_sum += (unsigned char)memory[at];
	return memory;
}

/* What it has lost, and up to when: a whole step at least each time. More than that are left out.
 */
static struct loss {
	long until_nsec, nsec;
} losses[16384];
static size_t loss_count;

static void note_loss(long until_nsec, long nsec)
{
	if (loss_count < sizeof(losses) / sizeof(losses[0]))
		losses[loss_count++] = (struct loss){until_nsec, nsec};
}

static void write_losses(const char *output)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s.losses", output);
	file = fopen(path, "we");
	if (!file)
		die(path);
	for (size_t i = 0; i < loss_count; i++)
		fprintf(file, "%ld %ld\n", losses[i].until_nsec / 1000, losses[i].nsec / 1000);
	if (fclose(file) != 0)
		die(path);
}

/*
 * Touches its memory in turn, a slice a step, and keeps the longest time between two steps beyond
 * the step itself. The numbers are written at the end only: writing them while memory is short
 * would measure the disk.
 */
static int run_neighbour(const struct options *options, unsigned long megabytes)
{
	size_t bytes = megabytes * MIB;
	size_t slice = bytes * NEIGHBOUR_STEP_NSEC / (options->cycle_msec * 1000000) / PAGE * PAGE;
	long worst_nsec = 0, worst_at_nsec = 0, lost_nsec = 0, over_100_msec = 0, over_1_sec = 0,
	     steps = 0;
	long previous, next;
	volatile char *memory;
	size_t at = 0;
	char text[256];

	become(options);
	signal(SIGUSR1, on_stop);
	memory = options->file ? map_file(options->file, bytes) : take(bytes, options->random_fill);
	say_ready(options);
	previous = next = now_nsec();
	while (!asked_to_stop) {
		long now, gap;

		for (size_t end = at + slice; at < end && at < bytes; at += PAGE)
			use_byte(options, memory + at);
		if (at + slice > bytes)
			at = 0;
		next += NEIGHBOUR_STEP_NSEC;
		sleep_until(next);
		now = now_nsec();
		gap = now - previous - NEIGHBOUR_STEP_NSEC;
		if (gap > worst_nsec) {
			worst_nsec = gap;
			worst_at_nsec = previous;
		}
		if (gap > NEIGHBOUR_STEP_NSEC) { /* less is the timer */
			lost_nsec += gap;
			note_loss(now, gap);
		}
		over_100_msec += gap > NSEC_PER_SEC / 10;
		over_1_sec += gap > NSEC_PER_SEC;
		steps++;
		previous = now;
		if (now > next)
			next = now;
	}
	snprintf(text, sizeof(text),
		 "steps=%ld\nworst_gap_usec=%ld\nworst_gap_at_usec=%ld\n"
		 "gaps_over_100_msec=%ld\ngaps_over_1_sec=%ld\nlost_usec=%ld\n",
		 steps, worst_nsec / 1000, worst_at_nsec / 1000, over_100_msec, over_1_sec,
		 lost_nsec / 1000);
	if (options->output) {
		write_losses(options->output);
		write_text(options->output, text);
	} else
		fputs(text, stdout);
	return 0;
}

static int usage(void)
{
	fputs("usage: load leak [--rate MIB/S] [--start MIB] [--limit MIB] [--leave MIB] [COMMON]\n"
	      "       load children COUNT [--rate MIB/S] [--start MIB] [--limit MIB] [COMMON]\n"
	      "       load crowd COUNT [COMMON]\n"
	      "       load tick [COMMON]\n"
	      "       load scatter [COMMON]\n"
	      "       load slab MIB [COMMON]\n"
	      "       load hold MIB [--leave MIB] [--exact] [--swap-out MIB] [--threads N] "
	      "[--forks N] [COMMON]\n"
	      "       load sharers COUNT [--rate MIB/S] [--start MIB] [--limit MIB] [COMMON]\n"
	      "       load zombie-leader | vfork   (the same options)\n"
	      "       load stuck FILE   (the same options)\n"
	      "       load init COMMAND [--start MIB] [COMMON]\n"
	      "       load dump [--start MIB] [COMMON]\n"
	      "       load random MIB [--threads N] [COMMON]\n"
	      "       load neighbour MIB [--output FILE] [--cycle MSEC] [--file FILE] [COMMON]   "
	      "(SIGUSR1: write the output and exit)\n"
	      "COMMON: --name COMM --adj N --fill random|const --ignore-term --catch-term "
	      "--lock --ready FILE\n"
	      "MIB may have a fraction: 0.5\n",
	      stderr);
	return 2;
}

static unsigned long parse_mib(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || end == text || value < 0) {
		fprintf(stderr, "load: %s is not a size in MiB\n", text);
		exit(2);
	}
	return (unsigned long)(value * MIB);
}

static struct options parse_options(int argc, char **argv)
{
	static const struct option table[] = {
		{"name", required_argument, NULL, 'n'},
		{"output", required_argument, NULL, 'o'},
		{"file", required_argument, NULL, 'm'},
		{"ready", required_argument, NULL, 'y'},
		{"rate", required_argument, NULL, 'r'},
		{"start", required_argument, NULL, 's'},
		{"limit", required_argument, NULL, 'l'},
		{"adj", required_argument, NULL, 'a'},
		{"fill", required_argument, NULL, 'f'},
		{"ignore-term", no_argument, NULL, 'i'},
		{"catch-term", no_argument, NULL, 'u'},
		{"swap-out", required_argument, NULL, 'w'},
		{"leave", required_argument, NULL, 'v'},
		{"threads", required_argument, NULL, 't'},
		{"cycle", required_argument, NULL, 'c'},
		{"forks", required_argument, NULL, 'k'},
		{"exact", no_argument, NULL, 'x'},
		{"lock", no_argument, NULL, 'L'},
		{},
	};
	struct options options = {.rate_bytes = 100 * MIB, .cycle_msec = 100};
	int flag;

	while ((flag = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (flag) {
		case 'n':
			options.name = optarg;
			break;
		case 'o':
			options.output = optarg;
			break;
		case 'm':
			options.file = optarg;
			break;
		case 'y':
			options.ready = optarg;
			break;
		case 'r':
			options.rate_bytes = parse_mib(optarg);
			break;
		case 's':
			options.start_bytes = parse_mib(optarg) / PAGE * PAGE;
			break;
		case 'l':
			options.limit_bytes = parse_mib(optarg);
			break;
		case 'a':
			options.adj = atol(optarg);
			options.adj_set = true;
			break;
		case 'f':
			options.random_fill = !strcmp(optarg, "random");
			break;
		case 'x':
			options.exact = true;
			break;
		case 'L':
			options.locked = true;
			break;
		case 'w':
			options.swap_bytes = parse_mib(optarg) / PAGE * PAGE;
			break;
		case 'v':
			options.leave_bytes = parse_mib(optarg);
			break;
		case 'c':
			options.cycle_msec = strtoul(optarg, NULL, 10);
			break;
		case 't':
			options.threads = strtoul(optarg, NULL, 10);
			break;
		case 'k':
			options.forks = strtoul(optarg, NULL, 10);
			break;
		case 'i':
			options.ignore_term = true;
			break;
		case 'u':
			options.catch_term = true;
			break;
		default:
			exit(usage());
		}
	}
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	const char *command = optind < argc ? argv[optind] : "";
	const char *number = optind + 1 < argc ? argv[optind + 1] : NULL;

	if (!strcmp(command, "leak") && !number)
		run_leak(&options);
	if (!strcmp(command, "children") && number)
		return run_children(&options, strtoul(number, NULL, 10));
	if (!strcmp(command, "crowd") && number)
		return run_crowd(&options, strtoul(number, NULL, 10));
	if (!strcmp(command, "hold") && number)
		run_hold(&options, parse_mib(number) / PAGE * PAGE);
	if (!strcmp(command, "sharers") && number)
		run_sharers(&options, strtoul(number, NULL, 10));
	if (!strcmp(command, "zombie-leader") && !number)
		run_zombie_leader(&options);
	if (!strcmp(command, "vfork") && !number)
		run_vfork(&options);
	if (!strcmp(command, "stuck") && number)
		run_stuck(&options, number);
	if (!strcmp(command, "init") && number)
		return run_init(&options, number);
	if (!strcmp(command, "dump") && !number)
		run_dump(&options);
	if (!strcmp(command, "tick") && !number)
		run_tick(&options);
	if (!strcmp(command, "scatter") && !number)
		run_scatter(&options);
	if (!strcmp(command, "slab") && number)
		run_slab(&options, strtoul(number, NULL, 10));
	if (!strcmp(command, "random") && number)
		run_random(&options, parse_mib(number) / MIB);
	if (!strcmp(command, "neighbour") && number)
		return run_neighbour(&options, parse_mib(number) / MIB);
	return usage();
}
