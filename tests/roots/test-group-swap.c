/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What control groups may not have in swap, on trees of them.
 */
#include "tree.h"

#include <stdio.h>

#include "sys/group-swap.h"

#define MIB (UINT64_C(1) << 20)

static const char *path_of(const char *group, const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return path;
}

/* With @mib of anonymous memory, of which two thirds are active. NULL: there is no such file. */
static void put_group(const struct tree *t, const char *group, unsigned mib, const char *max,
		      const char *current)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "anon 1\ninactive_anon %llu\nactive_anon %llu\ninactive_file 9\nactive_file 9\n",
		 (unsigned long long)(mib / 3 * MIB), (unsigned long long)((mib - mib / 3) * MIB));
	tree_text(t, path_of(group, "memory.stat"), text);
	if (max)
		tree_text(t, path_of(group, "memory.swap.max"), max);
	if (current)
		tree_text(t, path_of(group, "memory.swap.current"), current);
}

static const struct {
	const char *row;
	const char *max, *current;
	uint64_t mib; /* of 300 */
} rows[] = {
	{"no such files", NULL, NULL, 0},
	{"no limit", "max\n", "0\n", 0},
	{"nothing at all", "0\n", "0\n", 300},
	{"nothing, and how much it has cannot be read", "0\n", NULL, 300},
	{"a part of it", "104857600\n", "0\n", 200},
	{"that part is used up", "104857600\n", "104857600\n", 300},
	{"more than that is", "104857600\n", "204857600\n", 300},
	{"a part of that is", "104857600\n", "52428800\n", 250},
	{"all of it and more", "1048576000\n", "0\n", 0},
	{"a limit, and how much it has cannot be read", "104857600\n", NULL, 0},
	{"no number", "x\n", "0\n", 0},
	{"an empty file", "", "", 0},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tree t;

		tree_init(&t);
		put_group(&t, "a.service", 300, rows[i].max, rows[i].current);
		CHECK_UINT(rows[i].row, group_swap_barred_bytes(t.fd), rows[i].mib * MIB);
		/* the same, of the one above it */
		put_group(&t, "a.service", 300, "max\n", "0\n");
		put_group(&t, "b.slice", 300, rows[i].max, rows[i].current);
		put_group(&t, "b.slice/c.service", 300, "max\n", "0\n");
		CHECK_UINT(rows[i].row, group_swap_barred_bytes(t.fd), rows[i].mib * MIB);
		tree_done(&t);
	}
}

static void test_sum(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	assert_int_equal(group_swap_barred_bytes(t.fd), 0);
	/* of a slice counts what is below it, each of them once, and the least that is left */
	put_group(&t, "a.slice", 90, "0\n", "0\n");
	put_group(&t, "a.slice/one.service", 30, "max\n", "0\n");
	put_group(&t, "a.slice/two.service", 60, "1048576000\n", "0\n");
	put_group(&t, "free.service", 300, NULL, NULL);
	put_group(&t, "kept.service", 9, "0\n", "0\n");
	assert_int_equal(group_swap_barred_bytes(t.fd), 99 * MIB);
	/* what cannot be read is not known to be anything */
	tree_text(&t, "kept.service/memory.stat", "inactive_anon x\n");
	assert_int_equal(group_swap_barred_bytes(t.fd), 90 * MIB);
	tree_remove(&t, "a.slice/two.service");
	assert_int_equal(group_swap_barred_bytes(t.fd), 30 * MIB);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests_name("group-swap", tests, NULL, NULL);
}
