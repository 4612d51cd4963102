/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's thread and its file: what is written is read back by a replay, what cannot be
 * written is counted and leaves no half line, and the loop never waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "core/replay.h"
#include "daemon/recorder.h"

#define STEPS 20000

static char path[64];
static char text[8 << 20];

static int make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/reapd-recorder-%d", (int)getpid());
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void begin(struct recorder *r)
{
	struct config_loader l;
	int fd = recorder_open(path);

	assert_true(fd >= 0);
	assert_int_equal(recorder_start(r, fd), 0);
	config_loader_init(&l, NULL, NULL);
	recorder_begin(r, &l.config, 1);
}

static void add(struct recorder *r, uint64_t time_usec)
{
	struct observation o = {.sample = {.time_usec = time_usec,
					   .mem = {.total_bytes = 1000, .available_bytes = 900}}};
	struct action a = {};

	recorder_add(r, &o, &a);
}

static struct replay replay_file(void)
{
	struct replay r = {};
	size_t len;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_true(len < sizeof(text));
	if (replay_run(&r, text, len) < 0)
		fail_msg("line %u: expected %s", r.line, r.expected);
	return r;
}

static void test_opening(void **state)
{
	static struct recorder off = {.fd = -1};
	struct config_loader l;

	(void)state;
	assert_int_equal(recorder_open("/no/such/directory/file"), -ENOENT);
	assert_int_equal(recorder_open("/tmp"), -EISDIR);
	assert_int_equal(recorder_open("/dev/null"), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(recorder_open(path) < 0); /* and without waiting for a reader */

	/* not asked for: nothing happens */
	config_loader_init(&l, NULL, NULL);
	recorder_begin(&off, &l.config, 1);
	recorder_configure(&off, &l.config);
	add(&off, 1);
	assert_int_equal(recorder_error(&off), 0);
	recorder_stop(&off, 1000000);
}

/* Faster than any disk: whatever is missing in the file is counted in the file. */
static void test_flood(void **state)
{
	static struct recorder r;
	struct replay read;
	uint64_t began = now_usec(), took;

	(void)state;
	begin(&r);
	for (unsigned i = 0; i < STEPS; i++)
		add(&r, 1000 + i);
	took = now_usec() - began;
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(recorder_error(&r), 0);
	read = replay_file();
	assert_int_equal(read.steps + read.lost + r.lost, STEPS);
	assert_true(read.steps > 100);
	assert_false(read.parted || read.cut);
	printf("%u steps, %u of them written, %llu us\n", STEPS, read.steps,
	       (unsigned long long)took);
}

/* A second start adds to the file, also below half a line. */
static void test_again(void **state)
{
	static struct recorder r;
	struct replay read;
	int fd;

	(void)state;
	begin(&r);
	add(&r, 1000);
	recorder_stop(&r, DEADLINE_USEC);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "step 2000 avai", 14), 14);
	close(fd);
	begin(&r);
	add(&r, 500);
	add(&r, 600);
	recorder_stop(&r, DEADLINE_USEC);
	read = replay_file();
	assert_int_equal(read.steps, 3);
	assert_true(read.cut);
}

/* The disk is full in the middle of a line, and has room again later. */
static void test_full(void **state)
{
	static struct recorder r;
	struct rlimit before, small;
	struct replay read;
	struct stat st;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	begin(&r);
	add(&r, 1000);
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(stat(path, &st), 0);

	small = before;
	small.rlim_cur = (rlim_t)st.st_size + 25; /* one line of 10 bytes, and half of another */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (unsigned i = 0; i < 10; i++)
		add(&r, 2000 + i);
	recorder_stop(&r, DEADLINE_USEC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(recorder_error(&r), -ENOSPC);
	assert_int_equal(recorder_error(&r), 0); /* said once */
	read = replay_file();
	assert_false(read.cut);
	assert_int_equal(read.steps, 3);

	add(&r, 3000);
	recorder_stop(&r, DEADLINE_USEC);
	read = replay_file();
	assert_false(read.cut);
	assert_int_equal(read.steps, 4);
	assert_int_equal(read.lost, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_opening, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_flood, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_again, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_full, make_path, remove_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
