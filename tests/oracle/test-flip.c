/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page at which a score changes: a child grows page by page, and the kernel's oom_score has to
 * be what the formula says at each of them. Which counter the formula sees is the kernel's
 * affair: up to 6.1 and from 7.0 on that of status; between them an approximate one, which stat
 * shows as its 24th field.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "sys/fs.h"

#define FLIPS	  4
#define PAGES_MAX 400000

static int proc_fd;

static int setup(void **state)
{
	(void)state;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	return proc_fd < 0;
}

enum counter { COUNTER_STATUS, COUNTER_STAT };

static enum counter counter_of_this_kernel(void)
{
	unsigned major, minor;
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major == 6 && minor >= 2 ? COUNTER_STAT : COUNTER_STATUS;
}

struct grower {
	pid_t pid;
	int ask_fd, answer_fd;
};

/* One byte asks for a page, and one answers that it is there. */
static void grow(int ask_fd, int answer_fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, PAGES_MAX * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (memory == MAP_FAILED || madvise(memory, PAGES_MAX * page, MADV_NOHUGEPAGE) < 0)
		_exit(1);
	for (size_t i = 0; i < PAGES_MAX && read(ask_fd, &byte, 1) == 1; i++) {
		memory[i * page] = 1;
		if (write(answer_fd, &byte, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static void grower_start(struct grower *g)
{
	int ask[2], answer[2];

	assert_int_equal(pipe2(ask, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	g->pid = fork();
	assert_true(g->pid >= 0);
	if (g->pid == 0)
		grow(ask[0], answer[1]);
	close(ask[0]);
	close(answer[1]);
	g->ask_fd = ask[1];
	g->answer_fd = answer[0];
}

static void grower_add_page(struct grower *g)
{
	char byte = 1;

	assert_int_equal(write(g->ask_fd, &byte, 1), 1);
	assert_int_equal(read(g->answer_fd, &byte, 1), 1);
}

static int64_t rss_of_stat(pid_t pid)
{
	char path[32], text[1024], *at;
	long long rss;
	size_t len;

	snprintf(path, sizeof(path), "%d/stat", pid);
	assert_int_equal(fs_read_at(proc_fd, path, text, sizeof(text) - 1, &len), 0);
	text[len] = '\0';
	at = strrchr(text, ')');
	assert_non_null(at);
	for (unsigned field = 2; field < 24; field++)
		at = strchr(at + 1, ' ');
	rss = strtoll(at, NULL, 10);
	return rss;
}

static int64_t expected_score(pid_t pid, enum counter counter, uint64_t total_pages)
{
	struct scan_request request = {.total_pages = total_pages};
	struct process p;

	scan_process(proc_fd, pid, &request, &p);
	assert_int_equal(p.verdict, VERDICT_ELIGIBLE);
	/* no counter of the kernel's would show the approximate number of these */
	assert_int_equal(p.badness.swap_pages, 0);
	if (counter == COUNTER_STATUS)
		return badness_to_oom_score(p.badness.points, total_pages);
	return badness_to_oom_score(p.badness.points - p.badness.rss_pages + rss_of_stat(pid),
				    total_pages);
}

static void test_flips(void **state)
{
	enum counter counter = counter_of_this_kernel();
	uint64_t total = machine_total_pages();
	int64_t score, last = -1;
	unsigned flips = 0;
	struct grower g;

	(void)state;
	grower_start(&g);
	for (unsigned i = 0; i < PAGES_MAX && flips < FLIPS; i++) {
		grower_add_page(&g);
		score = read_number("/proc/%d/oom_score", g.pid);
		if (score != expected_score(g.pid, counter, total))
			fail_msg("after %u pages of %llu: the score is %lld, expected %lld", i + 1,
				 (unsigned long long)total, (long long)score,
				 (long long)expected_score(g.pid, counter, total));
		flips += last >= 0 && score != last;
		last = score;
	}
	assert_int_equal(flips, FLIPS);
	child_end(g.pid);
	close(g.ask_fd);
	close(g.answer_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flips),
	};

	return cmocka_run_group_tests_name("flip", tests, setup, NULL);
}
