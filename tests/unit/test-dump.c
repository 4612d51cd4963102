/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes with the table of a kill: the kernel's caches from the lines of slabinfo, the largest
 * of them, and how often there is a table at all.
 */
#include "corpus.h"

#include "core/ratelimit.h"
#include "core/slab.h"

#define SEC UINT64_C(1000000)

static const struct {
	const char *row;
	const char *data;
	size_t len;
	bool good;
	struct slab value;
} line_rows[] = {
	{"empty", BYTES(""), false},
	{"blanks", BYTES(" \t "), false},
	{"version", BYTES("slabinfo - version: 2.1"), false},
	{"heading", BYTES("# name            <active_objs> <num_objs> <objsize>"), false},
	{"heading without a blank", BYTES("#name 1 2 3"), false},
	{"two numbers", BYTES("dentry 1 2"), false},
	{"letters", BYTES("dentry 1 x 3"), false},
	{"negative", BYTES("dentry 1 -2 3"), false},
	{"2^64", BYTES("dentry 1 18446744073709551616 3"), false},
	{"NUL", BYTES("dentry 1 2 3\0"), false},
	{"no objects", BYTES("ext4_io 0 0 64"), false},
	{"nothing behind", BYTES("a 1 2 3"), true, {"a", 3, 6}},
	{"as kernels print it",
	 BYTES("kmalloc-1k          3424   3456   1024   16    4 : tunables    0    0    0 : "
	       "slabdata    216    216      0"),
	 true,
	 {"kmalloc-1k", 3424 * 1024, 3456 * 1024}},
	{"the end of 64 bits",
	 BYTES("x 18446744073709551615 18446744073709551615 2"),
	 true,
	 {"x", UINT64_MAX, UINT64_MAX}},
	{"a name longer than its place",
	 BYTES("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz 1 1 1"),
	 true,
	 {"abcdefghijklmnopqrstuvwxyzabcde", 1, 1}},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(line_rows); i++) {
		char *copy = heap_copy(line_rows[i].data, line_rows[i].len);
		struct slab s = {.total_bytes = 77};

		CHECK_INT(line_rows[i].row, slabinfo_parse_line(TEXT(copy, line_rows[i].len), &s),
			  line_rows[i].good);
		CHECK_UINT(line_rows[i].row, s.total_bytes,
			   line_rows[i].good ? line_rows[i].value.total_bytes : 77);
		CHECK_UINT(line_rows[i].row, s.used_bytes, line_rows[i].value.used_bytes);
		CHECK_STR(line_rows[i].row, s.name, line_rows[i].value.name);
		free(copy);
	}
}

/* Against sorting by hand: any order of any many comes out largest first, the smallest left out. */
static void test_top(void **state)
{
	struct random r = {4};

	(void)state;
	for (int run = 0; run < 200; run++) {
		unsigned count = (unsigned)random_below(&r, 3 * SLAB_TOP);
		uint64_t sizes[3 * SLAB_TOP];
		struct slab_top top = {};

		for (unsigned i = 0; i < count; i++) {
			struct slab s = {.total_bytes = 1 + random_below(&r, 40)};

			sizes[i] = s.total_bytes;
			slab_top_add(&top, &s);
		}
		for (unsigned i = 0; i < count; i++) {
			for (unsigned j = i + 1; j < count; j++) {
				if (sizes[j] > sizes[i]) {
					uint64_t other = sizes[i];

					sizes[i] = sizes[j];
					sizes[j] = other;
				}
			}
		}
		assert_int_equal(top.count, count < SLAB_TOP ? count : SLAB_TOP);
		for (unsigned i = 0; i < top.count; i++)
			assert_int_equal(top.slabs[i].total_bytes, sizes[i]);
	}
}

static void test_ratelimit(void **state)
{
	struct ratelimit r = {.interval_usec = 5 * SEC, .burst = 10};
	unsigned left_out = 99;

	(void)state;
	/* Ten pass at once, from whatever time on. */
	for (int i = 0; i < 10; i++) {
		assert_true(ratelimit_pass(&r, 7 * SEC, &left_out));
		assert_int_equal(left_out, 0);
	}
	left_out = 99;
	assert_false(ratelimit_pass(&r, 7 * SEC, &left_out));
	assert_false(ratelimit_pass(&r, 12 * SEC, &left_out));
	assert_int_equal(left_out, 99);

	/* After the interval they do again, and the first one tells of those that did not. */
	assert_true(ratelimit_pass(&r, 12 * SEC + 1, &left_out));
	assert_int_equal(left_out, 2);
	assert_true(ratelimit_pass(&r, 12 * SEC + 1, &left_out));
	assert_int_equal(left_out, 0);
	for (int i = 2; i < 10; i++)
		assert_true(ratelimit_pass(&r, 13 * SEC, &left_out));
	assert_false(ratelimit_pass(&r, 13 * SEC, &left_out));

	/* A clock that goes back silences nobody. */
	assert_true(ratelimit_pass(&r, 1, &left_out));
	assert_int_equal(left_out, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_ratelimit),
	};

	return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
