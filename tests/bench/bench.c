/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of a kill cost on this machine, as a table: scan, sample, decision to signal,
 * signal to memory back. Each figure stands beside what it has to be compared with, measured in
 * the same run, so that the ratios mean something on a machine that is slow or busy. Victims are
 * children of this program; nothing else is signalled.
 *
 *	bench [PROCESSES...]	scans among so many idle children: 200 and 2000 unless given
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/policy.h"
#include "core/text.h"
#include "sys/fs.h"
#include "sys/pcp.h"
#include "sys/reaper.h"
#include "sys/sampler.h"
#include "sys/scan.h"

#define RUNS	     9
#define VICTIM_BYTES (UINT64_C(256) << 20)

struct bench {
	int proc_fd;
	int zoneinfo_fd;
	struct sampler sampler;
	struct reaper reaper;
	uint64_t total_pages;
};

static uint64_t now_nsec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t values[static RUNS])
{
	qsort(values, RUNS, sizeof(*values), compare_u64);
	return values[RUNS / 2];
}

static void print_usec(const char *what, uint64_t nsec, const char *unit)
{
	printf("  %-58s %9" PRIu64 ".%02" PRIu64 " us%s\n", what, nsec / 1000, nsec / 10 % 100,
	       unit);
}

static void print_ratio(const char *what, uint64_t a, uint64_t b)
{
	uint64_t hundredths = b > 0 ? a * 100 / b : 0;

	printf("  %-58s %9" PRIu64 ".%02" PRIu64 "\n", what, hundredths / 100, hundredths % 100);
}

static void print_facts(struct bench *b)
{
	struct utsname u;
	char model[256] = "unknown CPU", line[512];
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "model name : %255[^\n]", model) == 1)
			break;
	}
	if (f)
		fclose(f);
	uname(&u);
	printf("machine: %s %s, %d CPUs, %s, %" PRIu64 " MiB of memory and swap, %s\n", u.sysname,
	       u.release, get_nprocs(), model, b->total_pages * (uint64_t)getpagesize() >> 20,
	       victim_mrelease(-1) == -EBADF ? "process_mrelease" : "no process_mrelease");
	printf("median of %d runs each\n", RUNS);
}

/* A child that does nothing but be there. */
static pid_t start_idle(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void end_children(pid_t *pids, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	for (unsigned i = 0; i < count; i++)
		waitpid(pids[i], NULL, 0);
}

/*
 * The same reads by hand, as plainly as it can be written: readdir(), a path, open, read, close.
 * Nothing is parsed and nothing compared.
 */
static unsigned read_by_hand(int proc_fd, const char *const files[])
{
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	struct dirent *entry;
	unsigned count = 0;

	if (!d)
		die("/proc");
	while ((entry = readdir(d))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		for (const char *const *file = files; *file; file++) {
			char path[300], text[8192];

			snprintf(path, sizeof(path), "%s/%s", entry->d_name, *file);
			fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (read(fd, text, sizeof(text)) < 0)
				count--;
			close(fd);
		}
		count++;
	}
	closedir(d);
	return count;
}

/* Every process in full: what a scan costs that does not begin with oom_score. */
static unsigned evaluate_all(struct bench *b, const struct scan_request *request)
{
	int fd = openat(b->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	struct dirent *entry;
	unsigned count = 0;

	if (!d)
		die("/proc");
	while ((entry = readdir(d))) {
		pid_t pid = fs_parse_pid(entry->d_name);
		struct process p;

		if (pid <= 0)
			continue;
		scan_process(b->proc_fd, pid, request, &p);
		count++;
	}
	closedir(d);
	return count;
}

static void bench_scan(struct bench *b, unsigned processes)
{
	static const char *const score[] = {"oom_score", NULL};
	static const char *const all[] = {"stat", "status", "oom_score_adj", NULL};
	struct scan_request request = {.total_pages = b->total_pages};
	struct scanner *s = scanner_new(b->proc_fd, processes + 1000);
	struct scan_result result = {};
	uint64_t scan[RUNS], scan_hand[RUNS], full[RUNS], full_hand[RUNS];
	pid_t *pids = calloc(processes, sizeof(*pids));
	unsigned seen = 1;

	if (!pids || !s)
		die("memory");
	for (unsigned i = 0; i < processes; i++)
		pids[i] = start_idle();
	for (unsigned i = 0; i < RUNS; i++) {
		uint64_t t[5];

		t[0] = now_nsec();
		if (scanner_run(s, &request, &result) < 0)
			die("scan");
		t[1] = now_nsec();
		(void)read_by_hand(b->proc_fd, score);
		t[2] = now_nsec();
		seen = evaluate_all(b, &request);
		t[3] = now_nsec();
		(void)read_by_hand(b->proc_fd, all);
		t[4] = now_nsec();
		scan[i] = (t[1] - t[0]) / result.seen;
		scan_hand[i] = (t[2] - t[1]) / seen;
		full[i] = (t[3] - t[2]) / seen;
		full_hand[i] = (t[4] - t[3]) / seen;
	}
	printf("\nscan of %u processes, %u of them read in full\n", result.seen, result.evaluated);
	print_usec("scan: oom_score first", median(scan), " a process");
	print_usec("oom_score by hand", median(scan_hand), " a process");
	print_usec("every process in full", median(full), " a process");
	print_usec("stat, status and oom_score_adj by hand", median(full_hand), " a process");
	print_ratio("scan : by hand", median(scan), median(scan_hand));
	print_ratio("in full : by hand", median(full), median(full_hand));
	print_ratio("in full : scan", median(full), median(scan));
	end_children(pids, processes);
	free(pids);
	scanner_free(s);
}

static void bench_sample(struct bench *b)
{
	uint64_t decision[RUNS], with_vmstat[RUNS], by_hand[RUNS], lists[RUNS];
	struct sample sample;
	struct pcp pcp;
	char text[16384];

	for (unsigned i = 0; i < RUNS; i++) {
		uint64_t t[5];

		t[0] = now_nsec();
		for (unsigned n = 0; n < 100; n++)
			(void)sampler_take(&b->sampler, 1, SAMPLE_DECISION, &sample);
		t[1] = now_nsec();
		for (unsigned n = 0; n < 100; n++)
			(void)sampler_take(&b->sampler, 1, SAMPLE_WITH_VMSTAT, &sample);
		t[2] = now_nsec();
		for (unsigned n = 0; n < 100; n++) {
			if (pread(b->sampler.meminfo_fd, text, sizeof(text), 0) < 0)
				die("meminfo");
			(void)!pread(b->sampler.psi_fd, text, sizeof(text), 0); /* may be closed */
		}
		t[3] = now_nsec();
		for (unsigned n = 0; n < 100; n++) {
			if (pcp_read(b->zoneinfo_fd, NULL, text, sizeof(text), &pcp) < 0)
				die("zoneinfo");
		}
		t[4] = now_nsec();
		lists[i] = (t[4] - t[3]) / 100;
		decision[i] = (t[1] - t[0]) / 100;
		with_vmstat[i] = (t[2] - t[1]) / 100;
		by_hand[i] = (t[3] - t[2]) / 100;
	}
	printf("\nsample%s\n", sample.has_psi ? "" : " without PSI");
	print_usec("meminfo and pressure", median(decision), "");
	print_usec("the same with vmstat", median(with_vmstat), "");
	print_usec("meminfo and pressure by hand", median(by_hand), "");
	print_usec("the lists of the CPUs", median(lists),
		   b->sampler.pcp.fd >= 0 ? "" : " (not needed before 6.7)");
	print_ratio("sample : by hand", median(decision), median(by_hand));
}

/* What the victim does when it is killed. */
enum victim_kind { VICTIM_SLEEPS, VICTIM_RUNS, VICTIM_STOPPED, VICTIM_FROZEN, VICTIM_KINDS };

static const char *const victim_names[] = {"asleep", "runnable", "stopped", "frozen (v1)"};

static volatile unsigned spin;

static pid_t start_victim(enum victim_kind kind)
{
	char *memory;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memory = mmap(NULL, VICTIM_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			_exit(1);
		memset(memory, 1, VICTIM_BYTES);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;) {
			if (kind == VICTIM_RUNS)
				spin++;
			else
				pause();
		}
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("victim");
	close(ready[0]);
	return pid;
}

#define FREEZER "/sys/fs/cgroup/freezer/reapd-bench"

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool freeze(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return (mkdir(FREEZER, 0755) == 0 || errno == EEXIST) &&
	       write_text(FREEZER "/cgroup.procs", text) &&
	       write_text(FREEZER "/freezer.state", "FROZEN");
}

static void thaw(void)
{
	(void)write_text(FREEZER "/freezer.state", "THAWED");
}

/* The sum of the numbers that follow @key in @text. */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0;

	for (; (text = strstr(text, key)); text += strlen(key))
		sum += strtoull(text + strlen(key), NULL, 10);
	return sum;
}

/*
 * Free pages of all zones with those on the CPUs' own lists. MemFree leaves the latter out, and
 * since 6.7 the lists grow to an eighth of the memory when much is freed at once.
 */
static uint64_t free_bytes(struct bench *b)
{
	char text[65536];
	size_t len;

	if (fs_read_fd(b->zoneinfo_fd, text, sizeof(text) - 1, &len) < 0)
		die("zoneinfo");
	text[len] = '\0';
	return (sum_of(text, "nr_free_pages ") + sum_of(text, " count: ")) *
	       (uint64_t)getpagesize();
}

/* What MemFree says, for comparison. */
static uint64_t shown_bytes(struct bench *b)
{
	struct sample s;

	return sampler_take(&b->sampler, 1, SAMPLE_DECISION, &s) < 0 ? 0 : s.mem.free_bytes;
}

struct kill_times {
	uint64_t back_nsec;   /* from the signal until 90 % of the memory is free again */
	uint64_t death_nsec;  /* from the signal until the pidfd is readable */
	uint64_t shown_bytes; /* of them, in MemFree when all this has happened */
};

#define GIVE_UP_NSEC UINT64_C(1000000000)

/* False when the memory did not come back by itself: a frozen one that nobody reaps. */
static bool kill_once(struct bench *b, enum victim_kind kind, bool reap, struct kill_times *ret)
{
	struct scan_request request = {.total_pages = b->total_pages};
	struct reap_result reaped;
	struct process p;
	struct victim v;
	pid_t pid = start_victim(kind);
	uint64_t start, wanted, shown;
	bool back = false, dead = false;

	scan_process(b->proc_fd, pid, &request, &p);
	if (victim_open(b->proc_fd, p.id, &v) < 0)
		die("pidfd");
	if (kind == VICTIM_STOPPED)
		(void)kill(pid, SIGSTOP);
	if (kind == VICTIM_FROZEN && !freeze(pid))
		die("freezer");
	wanted = free_bytes(b) + VICTIM_BYTES / 10 * 9;
	shown = shown_bytes(b);
	start = now_nsec();
	if (victim_signal(&v, SIGKILL) < 0)
		die("signal");
	if (reap && reaper_submit(&b->reaper, &v) < 0)
		die("reaper");
	*ret = (struct kill_times){};
	while ((!back || !dead) && now_nsec() - start < GIVE_UP_NSEC) {
		if (!back && free_bytes(b) >= wanted) {
			back = true;
			ret->back_nsec = now_nsec() - start;
			thaw(); /* so that it can die */
		}
		if (!dead && victim_is_dead(&v)) {
			dead = true;
			ret->death_nsec = now_nsec() - start;
		}
	}
	ret->shown_bytes = u64_sub(shown_bytes(b), shown);
	thaw();
	waitpid(pid, NULL, 0);
	victim_close(&v);
	while (reap && !reaper_result(&b->reaper, &reaped))
		;
	return back;
}

static void print_msec(uint64_t nsec)
{
	printf(" %8" PRIu64 ".%02" PRIu64, nsec / 1000000, nsec / 10000 % 100);
}

static void bench_kill_kind(struct bench *b, enum victim_kind kind)
{
	uint64_t back[2][RUNS], death[2][RUNS], shown[RUNS];
	bool returns[2] = {true, true};

	for (unsigned reap = 0; reap < 2; reap++) {
		for (unsigned i = 0; i < RUNS && returns[reap]; i++) {
			struct kill_times t;

			/* once it does not come back by itself it never will: seen enough */
			returns[reap] = kill_once(b, kind, reap, &t);
			back[reap][i] = t.back_nsec;
			death[reap][i] = t.death_nsec;
			shown[i] = t.shown_bytes;
		}
	}
	printf("  %-12s", victim_names[kind]);
	for (unsigned reap = 0; reap < 2; reap++)
		print_msec(returns[reap] ? median(back[reap]) : 0);
	for (unsigned reap = 0; reap < 2; reap++)
		print_msec(returns[reap] ? median(death[reap]) : 0);
	printf(" %8.2f",
	       returns[0] && returns[1] ? (double)median(back[1]) / (double)median(back[0]) : 0.0);
	printf(" %7" PRIu64 " MiB\n", returns[1] ? median(shown) >> 20 : 0);
}

static void bench_kill(struct bench *b)
{
	printf("\nSIGKILL to %" PRIu64
	       " MiB: milliseconds until 90 %% of it is free, and until death\n",
	       VICTIM_BYTES >> 20);
	printf("(0: never by itself; in MemFree: how much of it /proc/meminfo shows by then)\n");
	printf("  %-12s %11s %11s %11s %11s %8s %11s\n", "victim", "free", "+mrelease", "death",
	       "+mrelease", "ratio", "in MemFree");
	for (enum victim_kind kind = 0; kind < VICTIM_KINDS; kind++) {
		if (kind == VICTIM_FROZEN && access("/sys/fs/cgroup/freezer/tasks", W_OK) < 0)
			continue;
		bench_kill_kind(b, kind);
	}
	(void)rmdir(FREEZER);
}

/* As the loop does it: sample, policy, scan, sample, policy, hold, signal. */
static void bench_decide(struct bench *b)
{
	struct scanner *s = scanner_new(b->proc_fd, 4000);
	uint64_t decide[RUNS];
	struct config config;
	struct config_loader l;

	config_loader_init(&l, NULL, NULL);
	config = l.config;
	/* everything is below its limits: the policy takes the shortest way to a kill */
	config.soft_memory = config.hard_memory = (struct limit){10000, LIMIT_UNSET};
	config.soft_swap = config.hard_swap = (struct limit){10000, LIMIT_UNSET};
	for (unsigned i = 0; i < RUNS; i++) {
		struct scan_request request = {.total_pages = b->total_pages,
					       .scope = SCOPE_CHILDREN};
		struct observation o = {};
		struct scan_result result;
		struct policy policy;
		struct action action;
		struct victim v;
		pid_t pid = start_victim(VICTIM_SLEEPS);
		uint64_t start = now_nsec();

		policy_init(&policy, &config, 0);
		if (sampler_take(&b->sampler, start / 1000, SAMPLE_DECISION, &o.sample) < 0)
			die("sample");
		action = policy_step(&policy, &o);
		if (action.kind != ACTION_SCAN)
			die("policy: no scan");
		if (scanner_run(s, &request, &result) < 0 || !result.found)
			die("scan");
		o.scan = SCAN_VICTIM;
		o.candidate = result.victim.id;
		o.candidate_bytes = process_expected_bytes(&result.victim);
		(void)sampler_take(&b->sampler, now_nsec() / 1000, SAMPLE_DECISION, &o.sample);
		action = policy_step(&policy, &o);
		if (action.kind != ACTION_KILL || o.candidate.pid != pid)
			die("policy: no kill");
		if (victim_open(b->proc_fd, o.candidate, &v) < 0 || victim_signal(&v, SIGKILL) < 0)
			die("signal");
		decide[i] = now_nsec() - start;
		waitpid(pid, NULL, 0);
		victim_close(&v);
	}
	printf("\ndecision\n");
	print_usec("first sample to signal, with few other processes", median(decide), "");
	scanner_free(s);
}

int main(int argc, char **argv)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	struct sysinfo info;
	struct bench b = {.proc_fd = fs_open_dir(AT_FDCWD, "/proc"),
			  .zoneinfo_fd = open("/proc/zoneinfo", O_RDONLY | O_CLOEXEC)};

	setlinebuf(stdout);
	(void)setrlimit(RLIMIT_NPROC, &limit);
	if (b.proc_fd < 0 || sampler_open(&b.sampler, b.proc_fd, -1) < 0 ||
	    reaper_start(&b.reaper) < 0)
		die("start");
	if (sysinfo(&info) < 0)
		die("sysinfo");
	b.total_pages = (info.totalram + info.totalswap) * info.mem_unit / (uint64_t)getpagesize();
	print_facts(&b);
	bench_sample(&b);
	bench_decide(&b);
	bench_kill(&b);
	if (argc == 1) {
		bench_scan(&b, 200);
		bench_scan(&b, 2000);
	}
	for (int i = 1; i < argc; i++)
		bench_scan(&b, (unsigned)strtoul(argv[i], NULL, 10));
	return 0;
}
