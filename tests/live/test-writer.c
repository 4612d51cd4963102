/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's thread and its ring, with a stderr that nobody reads: sending never waits, what
 * does not fit is counted, and the count is told when there is room again.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "child.h"
#include "daemon/writer.h"

#define REPORTS 2000

/* So many in a row, however slowly the thread gets to where it is stuck. */
#define DROPPED	    100
#define REPORTS_MAX 1000000

static struct report report = {.kind = REPORT_NOTE, .priority = 6};

/* A pipe in place of stderr, until the test has its figures: a failure has to be readable. */
struct blocked_stderr {
	int saved_fd;
	int read_fd;
};

static void unblock_stderr(struct blocked_stderr *b)
{
	dup2(b->saved_fd, STDERR_FILENO);
	close(b->saved_fd);
}

static void block_stderr(struct blocked_stderr *b)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	b->saved_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	b->read_fd = fds[0];
	assert_true(b->saved_fd >= 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
}

static void send_number(struct writer *w, unsigned number)
{
	snprintf(report.text, sizeof(report.text), "report %u", number);
	writer_send(w, &report);
}

struct reading {
	char line[256];
	size_t len;
	long last;	/* number of the last report that came */
	unsigned lines; /* reports that came */
	unsigned lost;	/* reports that were said to be lost */
	bool failed;	/* by this line, or because none came */
};

/* Each line is whole, the numbers only rise, and what is missing between two is what was lost. */
static void take_line(struct reading *r)
{
	unsigned number = 0;
	unsigned long long lost = 0;
	int fields = sscanf(r->line, "report %u (%llu reports", &number, &lost);

	if (fields < 1 || (long)number != r->last + 1 + (long)lost) {
		r->failed = true;
		return;
	}
	r->last = number;
	r->lines++;
	r->lost += (unsigned)lost;
}

/* Until a report with this number or a later one has come. */
static void read_until(int fd, struct reading *r, long number)
{
	uint64_t deadline = now_usec() + DEADLINE_USEC;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (r->last < number && !r->failed) {
		char c;

		if (poll(&p, 1, 1000) == 0) {
			r->failed = now_usec() > deadline;
			continue;
		}
		if (read(fd, &c, 1) != 1 || r->len == sizeof(r->line) - 1) {
			r->failed = true;
		} else if (c != '\n') {
			r->line[r->len++] = c;
			r->line[r->len] = '\0';
		} else {
			r->len = 0;
			take_line(r);
		}
	}
}

static void check_reading(const struct reading *r, unsigned lines, unsigned lost)
{
	if (r->failed)
		fail_msg("after report %ld: '%s'", r->last, r->line);
	assert_int_equal(r->lost, lost);
	assert_int_equal(r->lines, lines);
}

static void test_full(void **state)
{
	struct blocked_stderr b;
	struct reading r = {.last = -1};
	struct writer w = {.fd = -1};
	unsigned sent = 0;
	uint64_t dropped;

	(void)state;
	assert_int_equal(writer_start(&w, LOG_TARGET_STDERR), 0);
	block_stderr(&b);
	/* were one of these to wait, this would never end: nobody reads */
	while (w.dropped < DROPPED && sent < REPORTS_MAX)
		send_number(&w, sent++);
	dropped = w.dropped;
	/* it gives up at its bound, and the process could end now */
	writer_stop(&w, 100000);
	read_until(b.read_fd, &r, (long)(sent - 1 - dropped));
	/* there is room again: the next one says how many were lost */
	send_number(&w, sent);
	read_until(b.read_fd, &r, sent);
	unblock_stderr(&b);

	assert_int_equal(dropped, DROPPED);
	assert_int_equal(w.dropped, 0);
	check_reading(&r, sent + 1 - r.lost, r.lost);
	assert_true(r.lost >= dropped);
	close(b.read_fd);
}

/* With a reader nothing is lost. */
static void test_read(void **state)
{
	struct blocked_stderr b;
	struct reading r = {.last = -1};
	struct writer w = {.fd = -1};

	(void)state;
	assert_int_equal(writer_start(&w, LOG_TARGET_STDERR), 0);
	block_stderr(&b);
	for (unsigned i = 0; i < REPORTS; i++) {
		send_number(&w, i);
		read_until(b.read_fd, &r, i);
	}
	unblock_stderr(&b);
	check_reading(&r, REPORTS, 0);
	assert_int_equal(w.dropped, 0);
	close(b.read_fd);
}

/* The end waits until the last report is written: all of them are there when it returns. */
static void test_stop(void **state)
{
	enum { SOME = 50 };
	struct blocked_stderr b;
	struct reading r = {.last = -1};
	struct writer w = {.fd = -1};
	int pending = 0;

	(void)state;
	for (unsigned n = 0; n < 50; n++) {
		block_stderr(&b);
		(void)writer_start(&w, LOG_TARGET_STDERR);
		for (unsigned i = 0; i < SOME; i++)
			send_number(&w, i);
		writer_stop(&w, 10000000);
		(void)ioctl(b.read_fd, FIONREAD, &pending);
		unblock_stderr(&b);
		/* "report 0\n" to "report 49\n" */
		assert_int_equal(pending, 10 * 9 + 40 * 10);
		r = (struct reading){.last = -1};
		read_until(b.read_fd, &r, SOME - 1);
		check_reading(&r, SOME, 0);
		close(b.read_fd);
	}
}

/* What is held comes when the hold ends, and however long that is, no later than the bound. */
static void test_hold(void **state)
{
	struct blocked_stderr b;
	struct reading r = {.last = -1};
	struct writer w = {.fd = -1};
	uint64_t until, bounded, first, second;

	(void)state;
	assert_int_equal(writer_start(&w, LOG_TARGET_STDERR), 0);
	block_stderr(&b);
	until = now_usec() + 200000;
	writer_hold(&w, until);
	send_number(&w, 0);
	read_until(b.read_fd, &r, 0);
	first = now_usec();

	bounded = now_usec() + WRITER_HELD_MAX_USEC;
	writer_hold(&w, UINT64_MAX);
	send_number(&w, 1);
	read_until(b.read_fd, &r, 1);
	second = now_usec();
	unblock_stderr(&b);

	check_reading(&r, 2, 0);
	assert_true(first >= until);
	assert_true(second >= bounded);
	close(b.read_fd);
}

/* Before the thread runs the caller writes, so that nothing said at start is lost. */
static void test_before_start(void **state)
{
	struct blocked_stderr b;
	struct reading r = {.last = -1};
	struct writer w = {.fd = -1, .target = LOG_TARGET_STDERR};

	(void)state;
	block_stderr(&b);
	send_number(&w, 0);
	writer_stop(&w, 1000000);
	read_until(b.read_fd, &r, 0);
	unblock_stderr(&b);
	check_reading(&r, 1, 0);
	close(b.read_fd);
}

/* What a level rests on while it is not certain what swap on zram adds. */
static void test_swap_left(void **state)
{
	struct report r = {.kind = REPORT_LEVEL,
			   .moment = {
				   .sample = {.mem = {.total_bytes = 1000 << 20,
						      .swap_total_bytes = 512 << 20,
						      .swap_free_bytes = 452 << 20,
						      .inactive_anon_bytes = 800 << 20},
					      .zram = {512 << 20, 60 << 20, 60 << 20, 452 << 20}},
				   .limits = {.memory_bytes[LEVEL_SOFT] = 100 << 20,
					      .swap_bytes[LEVEL_SOFT] = 51 << 20},
				   .level = LEVEL_WARNING,
				   .reason = REASON_SWAP_LEFT,
			   }};
	char text[1024];

	(void)state;
	report_format_text(&r, text, sizeof(text));
	assert_non_null(strstr(text, "which adds 47.5M; at or below the soft limit of 100M, and of "
				     "51M for swap, if the little that is on zram is a measure "
				     "of the rest: nobody is killed before it was so for half a "
				     "second"));
	r.moment.sample.zram.used_bytes = 20 << 20;
	report_format_text(&r, text, sizeof(text));
	assert_non_null(strstr(text,
			       "at or below the soft limit of 100M, but swap is above its own "
			       "of 51M: nobody is killed"));
	assert_null(strstr(text, "zram"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),	     cmocka_unit_test(test_read),
		cmocka_unit_test(test_stop),	     cmocka_unit_test(test_hold),
		cmocka_unit_test(test_before_start), cmocka_unit_test(test_swap_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
