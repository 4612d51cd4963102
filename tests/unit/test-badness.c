/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's formulas, against figures worked out from mm/oom_kill.c and fs/proc/base.c, the
 * bound that lets a scan skip files, and the order of victims.
 */
#include "unit.h"

#include <inttypes.h>

#include "core/process.h"

#define KIB	UINT64_C(1024)
#define MIB	(UINT64_C(1) << 20)
#define TIB	(UINT64_C(1) << 40)
#define PAGE_4K UINT64_C(4096)

/* T of the machine on which the flip from 666 to 667 was watched: it needs 6172 pages. */
#define SEEN_TOTAL UINT64_C(6171021)

static const struct {
	const char *row;
	struct process_status status;
	int adj;
	uint64_t total_pages, page_size;
	struct badness value;
} badness_rows[] = {
	{"nothing", {}, 0, 1000000, PAGE_4K, {0, 0, 0, 0, 0}},
	{"no memory at all", {}, 500, 0, PAGE_4K, {0, 0, 0, 0, 0}},
	{"total below 1000 pages: adj counts nothing", {}, 1000, 999, PAGE_4K, {0, 0, 0, 0, 0}},
	{"adj -1000 is below everything",
	 {},
	 -1000,
	 1000000,
	 PAGE_4K,
	 {0, 0, 0, -1000000, -1000000}},
	{"three kinds of rss",
	 {.rss_anon_bytes = 4 * KIB, .rss_file_bytes = 8 * KIB, .rss_shmem_bytes = 16 * KIB},
	 0,
	 1000000,
	 PAGE_4K,
	 {7, 0, 0, 0, 7}},
	{"each term once",
	 {.rss_anon_bytes = 4 * KIB, .swap_bytes = 8 * KIB, .pgtables_bytes = 16 * KIB},
	 1,
	 1000000,
	 PAGE_4K,
	 {1, 2, 4, 1000, 1007}},
	{"what does not count",
	 {.total_vm_bytes = TIB, .threads = 100, .pending = SIGNAL_MASK(SIGKILL)},
	 0,
	 1000000,
	 PAGE_4K,
	 {0, 0, 0, 0, 0}},
	{"a page table of half a page",
	 {.rss_anon_bytes = 4 * KIB, .pgtables_bytes = 6 * KIB},
	 0,
	 1000000,
	 PAGE_4K,
	 {1, 0, 1, 0, 2}},
	{"pages of 64 KiB",
	 {.rss_anon_bytes = MIB, .swap_bytes = 64 * KIB, .pgtables_bytes = 192 * KIB},
	 -1,
	 1000000,
	 65536,
	 {16, 1, 3, -1000, -980}},
	{"total is divided first, as in the kernel", {}, 999, 1999, PAGE_4K, {0, 0, 0, 999, 999}},
	{"negative total is truncated towards zero by both",
	 {.rss_anon_bytes = 4 * KIB},
	 -300,
	 SEEN_TOTAL,
	 PAGE_4K,
	 {1, 0, 0, -300 * 6171, 1 - 300 * 6171}},
	{"64 TiB",
	 {.rss_anon_bytes = 60 * TIB, .swap_bytes = 4 * TIB, .pgtables_bytes = TIB / 8},
	 1000,
	 64 * TIB / PAGE_4K,
	 PAGE_4K,
	 {INT64_C(16106127360), INT64_C(1073741824), INT64_C(33554432), INT64_C(17179869000),
	  INT64_C(34393292616)}},
	{"sizes at the end of 64 bits",
	 {.rss_anon_bytes = UINT64_MAX, .rss_file_bytes = UINT64_MAX, .swap_bytes = UINT64_MAX},
	 1000,
	 UINT64_MAX / PAGE_4K,
	 PAGE_4K,
	 {INT64_C(4503599627370495), INT64_C(4503599627370495), 0, INT64_C(4503599627370000),
	  INT64_C(13510798882110990)}},
};

static void test_badness(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(badness_rows); i++) {
		const char *row = badness_rows[i].row;
		const struct badness *want = &badness_rows[i].value;
		struct badness b;

		badness_compute(&badness_rows[i].status, badness_rows[i].adj,
				badness_rows[i].total_pages, badness_rows[i].page_size, &b);
		CHECK_INT(row, b.rss_pages, want->rss_pages);
		CHECK_INT(row, b.swap_pages, want->swap_pages);
		CHECK_INT(row, b.pgtables_pages, want->pgtables_pages);
		CHECK_INT(row, b.adj_pages, want->adj_pages);
		CHECK_INT(row, b.points, want->points);
	}
}

/* (1000 + q) * 2 / 3 for q = -6 to 6, in C. */
static const int64_t score_of_step[13] = {662, 663, 664, 664, 665, 666, 666,
					  667, 668, 668, 669, 670, 670};

static const struct {
	const char *row;
	int64_t points;
	uint64_t total;
	int64_t score;
} score_rows[] = {
	{"no memory at all", 0, 0, 666},
	{"lowest adj of a killable process", -999, 1000, 0},
	{"next to it", -998, 1000, 1},
	{"adj -998 of a large machine: -997.996", -998 * INT64_C(6171), SEEN_TOTAL, 2},
	{"nothing", 0, SEEN_TOTAL, 666},
	{"a page", 1, SEEN_TOTAL, 666},
	{"last page before the step", 6171, SEEN_TOTAL, 666},
	{"first page of the step", 6172, SEEN_TOTAL, 667},
	{"truncation towards zero widens step 0", -6171, SEEN_TOTAL, 666},
	{"first page below it", -6172, SEEN_TOTAL, 666},
	{"step -2", -12343, SEEN_TOTAL, 665},
	{"half of the machine", 3085511, SEEN_TOTAL, 1000},
	{"all of it", SEEN_TOTAL, SEEN_TOTAL, 1333},
	{"all of it and adj 1000", 2 * SEEN_TOTAL, SEEN_TOTAL, 2000},
	{"64 TiB, times 1000 beyond 64 bits", INT64_C(17179869184), UINT64_C(17179869184), 1333},
	{"points times 1000 beyond 64 bits", INT64_C(1) << 60, UINT64_C(1) << 60, 1333},
	{"and negative", -(INT64_C(1) << 59), UINT64_C(1) << 60, 333},
};

static void test_oom_score(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(score_rows); i++)
		CHECK_INT(score_rows[i].row,
			  badness_to_oom_score(score_rows[i].points, score_rows[i].total),
			  score_rows[i].score);
	for (int q = -6; q <= 6; q++)
		CHECK_INT("step", badness_to_oom_score(q * 1000, 1000000), score_of_step[q + 6]);
}

/* The largest points that show as @score or less, by bisection: the score is monotone in them. */
static int64_t largest_points(int64_t score, uint64_t total)
{
	int64_t low = -2 * (int64_t)total - 2, high = 4 * (int64_t)total + 4;

	while (low + 1 < high) {
		int64_t middle = low + (high - low) / 2;

		if (badness_to_oom_score(middle, total) <= score)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void check_bound(int64_t score, uint64_t total)
{
	int64_t largest = largest_points(score, total), bound = badness_upper_bound(score, total);

	if (bound < largest || bound - largest > 2)
		fail_msg("score %" PRId64 " of %" PRIu64 " pages: the bound is %" PRId64
			 ", the largest badness %" PRId64,
			 score, total, bound, largest);
}

static void test_upper_bound(void **state)
{
	static const uint64_t totals[] = {1,	2,	999,	 1000,	     1001,    1999,   2000,
					  6171, 131072, 1000000, SEEN_TOTAL, 1 << 24, 1 << 28};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		for (int64_t score = 0; score <= 2000; score++)
			check_bound(score, totals[i]);
	}
	check_bound(1333, UINT64_C(64) * TIB / PAGE_4K);
}

static void test_upper_bound_random(void **state)
{
	struct random r = {UINT64_C(0x5eed0001)};

	(void)state;
	for (int i = 0; i < 300000; i++) {
		uint64_t total = 1 + random_u64(&r) % (UINT64_C(1) << (1 + random_below(&r, 36)));
		int64_t points = (int64_t)random_below(&r, 3 * total) - (int64_t)total;
		int64_t score = badness_to_oom_score(points, total);

		if (points > badness_upper_bound(score, total))
			fail_msg("%" PRId64 " of %" PRIu64 " pages has score %" PRId64
				 " but bound %" PRId64,
				 points, total, score, badness_upper_bound(score, total));
		check_bound(score, total);
	}
}

static void test_expected_bytes(void **state)
{
	struct process p = {.memory = {.total_vm_bytes = TIB,
				       .rss_anon_bytes = 100,
				       .rss_file_bytes = 1000,
				       .rss_shmem_bytes = 10000,
				       .pgtables_bytes = 7,
				       .swap_bytes = 30}};

	(void)state;
	assert_true(process_expected_bytes(&p) == 137);
	p.memory.swap_bytes = UINT64_MAX;
	assert_true(process_expected_bytes(&p) == UINT64_MAX);
}

#define PROCESS(_points, _rss, _bias, _start, _pid)                \
	{                                                          \
		.id = {_pid, _start}, .bias_pages = _bias,         \
		.badness = {.rss_pages = _rss, .points = _points}, \
	}

static const struct {
	const char *row;
	enum sort_by by;
	struct process better, worse;
} order_rows[] = {
	{"more points", SORT_BY_BADNESS, PROCESS(2, 0, 0, 1, 1), PROCESS(1, 9, 0, 9, 9)},
	{"less negative", SORT_BY_BADNESS, PROCESS(-1, 0, 0, 1, 1), PROCESS(-2, 9, 0, 9, 9)},
	{"zero above negative", SORT_BY_BADNESS, PROCESS(0, 0, 0, 1, 1), PROCESS(-1, 9, 0, 9, 9)},
	{"bias up", SORT_BY_BADNESS, PROCESS(1, 0, 5, 1, 1), PROCESS(5, 9, 0, 9, 9)},
	{"bias down", SORT_BY_BADNESS, PROCESS(2, 0, 0, 1, 1), PROCESS(9, 9, -8, 9, 9)},
	{"biases even out: the later", SORT_BY_BADNESS, PROCESS(1, 0, 5, 2, 1),
	 PROCESS(5, 9, 1, 1, 9)},
	{"equal points: the later, whatever its pid", SORT_BY_BADNESS, PROCESS(7, 0, 0, 2, 1),
	 PROCESS(7, 9, 0, 1, 9)},
	{"equal start: the larger pid", SORT_BY_BADNESS, PROCESS(7, 0, 0, 2, 2),
	 PROCESS(7, 9, 0, 2, 1)},
	{"rss instead of points", SORT_BY_RSS, PROCESS(0, 2, 0, 1, 1), PROCESS(9, 1, 0, 9, 9)},
	{"bias on rss", SORT_BY_RSS, PROCESS(0, 1, 5, 1, 1), PROCESS(9, 5, 0, 9, 9)},
	{"equal rss: the later", SORT_BY_RSS, PROCESS(0, 2, 0, 2, 1), PROCESS(9, 2, 0, 1, 9)},
	{"a task origin, whatever its points",
	 SORT_BY_BADNESS,
	 {.id = {1, 1}, .badness.points = -9, .task_origin = true},
	 PROCESS(9, 9, 9, 9, 9)},
	{"pages beyond 32 bits", SORT_BY_BADNESS, PROCESS(INT64_C(1) << 33, 0, 0, 1, 1),
	 PROCESS(1, 0, 0, 9, 9)},
};

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order_rows); i++) {
		const struct process *better = &order_rows[i].better, *worse = &order_rows[i].worse;

		CHECK(order_rows[i].row, process_beats(better, worse, order_rows[i].by));
		CHECK(order_rows[i].row, !process_beats(worse, better, order_rows[i].by));
		CHECK(order_rows[i].row, !process_beats(better, better, order_rows[i].by));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_badness),	       cmocka_unit_test(test_oom_score),
		cmocka_unit_test(test_upper_bound),    cmocka_unit_test(test_upper_bound_random),
		cmocka_unit_test(test_expected_bytes), cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests_name("badness", tests, NULL, NULL);
}
