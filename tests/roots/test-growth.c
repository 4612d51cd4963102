/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes of who holds how much: from fake processes through the pipe into the books, with more
 * processes than a packet holds, and looks that follow each other too soon, in time and too late.
 */
#include <fcntl.h>
#include <unistd.h>

#include "sys/growth.h"
#include "sys/worker.h"
#include "tree.h"

#define SEC UINT64_C(1000000)
#define KIB UINT64_C(1024)

static struct growth_look look;
static int notes_fd;

static int setup(void **state)
{
	int fds[2];

	(void)state;
	if (worker_pipe(WORKER_RESULTS, fds) < 0)
		return -1;
	notes_fd = fds[0];
	look.fd = fds[1];
	return 0;
}

/* One process, @pid, that holds so much. */
static void look_at_one(pid_t pid, uint64_t anon_kb)
{
	struct fake_process p = {.pid = pid, .anon_kb = anon_kb, .pte_kb = 4, .comm = "one"};
	struct tree t;

	tree_init(&t);
	fake_process_write(&t, &p, 1000);
	growth_look_begin(&look);
	growth_look_at(&look, t.fd, pid);
	growth_look_end(&look);
	tree_done(&t);
}

static uint64_t grown_kib(const struct growth *g, uint64_t now_usec, uint64_t kib)
{
	const struct growth_book *base = growth_base(g, now_usec);

	assert_non_null(base);
	return growth_of(base, 20, kib * KIB) / KIB;
}

/* main() has called pthread_exit(): what the other threads hold was there before. */
static void test_leader_exited(void **state)
{
	struct fake_process leader = {
		.pid = 20, .comm = "one", .state = 'Z', .threads = 2, .no_mm = true};
	struct fake_process thread = {
		.pid = 22, .comm = "one", .threads = 2, .anon_kb = 1000, .pte_kb = 4};
	struct growth g = {};
	struct tree t;

	(void)state;
	assert_int_equal(growth_reserve(&g, 10), 0);
	tree_init(&t);
	fake_process_write(&t, &leader, 1000);
	for (int i = 0; i < 2; i++) {
		growth_look_begin(&look);
		growth_look_at(&look, t.fd, 20);
		growth_look_end(&look);
		growth_collect(&g, notes_fd, (unsigned)(i + 1) * 100 * SEC, 7);
		assert_int_equal(growth_base(&g, 200 * SEC)->count, 0);
	}
	fake_thread_write(&t, 20, &thread);
	for (int i = 0; i < 2; i++) {
		growth_look_begin(&look);
		growth_look_at(&look, t.fd, 20);
		growth_look_end(&look);
		growth_collect(&g, notes_fd, (unsigned)(i + 3) * 100 * SEC, 7);
	}
	assert_int_equal(growth_base(&g, 400 * SEC)->count, 1);
	assert_int_equal(grown_kib(&g, 400 * SEC, 1504), 500);
	growth_done(&g);
	tree_done(&t);
}

static void test_looks(void **state)
{
	struct growth g = {};

	(void)state;
	assert_int_equal(growth_reserve(&g, 10), 0);
	assert_null(growth_base(&g, 0));
	growth_collect(&g, notes_fd, 100 * SEC, 7);
	assert_null(growth_base(&g, 100 * SEC));

	look_at_one(20, 1000);
	growth_collect(&g, notes_fd, 100 * SEC, 7);
	assert_int_equal(growth_base(&g, 100 * SEC)->reserve_bytes, 7);
	/* 4 of page tables count too */
	assert_int_equal(grown_kib(&g, 100 * SEC, 1004), 0);
	assert_int_equal(grown_kib(&g, 100 * SEC, 1504), 500);
	assert_int_equal(grown_kib(&g, 100 * SEC, 504), 0);
	/* who was not there has grown by all that he holds */
	assert_int_equal(growth_of(growth_base(&g, 100 * SEC), 19, 55), 55);
	assert_int_equal(growth_of(growth_base(&g, 100 * SEC), 21, 55), 55);

	/* ten seconds later: nothing new is kept */
	look_at_one(20, 1400);
	growth_collect(&g, notes_fd, 110 * SEC, 6);
	assert_int_equal(grown_kib(&g, 110 * SEC, 1504), 500);
	/* a minute later it is kept beside the first, which is still what counts */
	look_at_one(20, 1400);
	growth_collect(&g, notes_fd, 160 * SEC, 5);
	assert_int_equal(grown_kib(&g, 160 * SEC, 1504), 500);
	/* and takes its place with the next one */
	look_at_one(20, 1480);
	growth_collect(&g, notes_fd, 220 * SEC, 4);
	assert_int_equal(grown_kib(&g, 220 * SEC, 1504), 100);
	assert_int_equal(growth_base(&g, 220 * SEC)->time_usec, 160 * SEC);

	/* the older one is too old, then the newer one */
	assert_int_equal(grown_kib(&g, 460 * SEC, 1504), 20);
	assert_null(growth_base(&g, 520 * SEC));
	growth_done(&g);
}

static void test_many(void **state)
{
	enum { MANY = 3 * GROWTH_NOTES + 5 };
	struct growth g = {}, small = {};
	struct tree t;

	(void)state;
	tree_init(&t);
	assert_int_equal(growth_reserve(&g, MANY / 2), 0);
	growth_look_begin(&look);
	for (pid_t pid = 100; pid < 100 + MANY; pid++) {
		struct fake_process p = {.pid = pid, .anon_kb = 4 * (uint64_t)pid};

		fake_process_write(&t, &p, 1000);
		growth_look_at(&look, t.fd, pid);
	}
	/* neither one that has gone nor a kernel thread is noted */
	growth_look_at(&look, t.fd, 100 + MANY);
	growth_look_end(&look);
	/* twice as many as were asked for fit, and no more: who came last would seem to have grown
	 */
	growth_collect(&g, notes_fd, SEC, 0);
	assert_null(growth_base(&g, SEC));
	growth_look_begin(&look);
	for (pid_t pid = 100; pid < 100 + MANY / 2 * 2; pid++)
		growth_look_at(&look, t.fd, pid);
	growth_look_end(&look);
	growth_collect(&g, notes_fd, SEC, 0);
	assert_int_equal(growth_base(&g, SEC)->count, MANY / 2 * 2);
	for (pid_t pid = 100; pid < 100 + MANY / 2 * 2; pid++)
		assert_int_equal(growth_of(growth_base(&g, SEC), pid, 4096 * (uint64_t)pid + 9), 9);

	/* room for more: what there was is forgotten, and half a look is not taken for one */
	assert_int_equal(growth_reserve(&g, MANY), 0);
	assert_int_equal(growth_reserve(&g, MANY), 0);
	assert_null(growth_base(&g, SEC));
	assert_int_equal(growth_reserve(&small, GROWTH_NOTES), 0);
	growth_look_begin(&look);
	for (pid_t pid = 100; pid < 100 + GROWTH_NOTES + 1; pid++)
		growth_look_at(&look, t.fd, pid);
	growth_collect(&small, notes_fd, SEC, 0);
	assert_null(growth_base(&small, SEC));
	growth_look_end(&look);
	growth_collect(&small, notes_fd, SEC, 0);
	assert_int_equal(growth_base(&small, SEC)->count, GROWTH_NOTES + 1);
	growth_done(&g);
	growth_done(&small);
	tree_done(&t);
}

/* A look that finds no room is no look at a machine without processes. */
static void test_no_room(void **state)
{
	struct growth g = {};

	(void)state;
	look_at_one(20, 1000);
	growth_collect(&g, notes_fd, SEC, 7);
	assert_null(growth_base(&g, SEC));
	assert_int_equal(growth_reserve(&g, 10), 0);
	look_at_one(20, 1000);
	growth_collect(&g, notes_fd, SEC, 7);
	assert_int_equal(growth_base(&g, SEC)->count, 1);
	growth_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leader_exited),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
