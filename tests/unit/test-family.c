/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Families: who is kin, whose fault it is, who of them dies, on populations in tables.
 */
#include "unit.h"

#include "core/family.h"
#include "core/text.h"

#define MIB   (UINT64_C(1) << 20)
#define PAGES (MIB / 4096)

/* A row is so many alike processes. */
struct row {
	unsigned count;
	const char *comm;
	pid_t ppid, pgrp; /* pgrp 0: each its own */
	uid_t uid;
	uint64_t mib, grown_mib;
	int64_t adj_mib, bias_mib;
};

static unsigned populate(const struct row *rows, size_t rows_count, struct relative *ret)
{
	unsigned count = 0;

	for (size_t i = 0; i < rows_count; i++) {
		for (unsigned n = 0; n < rows[i].count; n++) {
			pid_t pid = (pid_t)(1000 + count);

			ret[count++] = (struct relative){
				.id = {pid, (uint64_t)pid * 7},
				.ppid = rows[i].ppid,
				.pgrp = rows[i].pgrp != 0 ? rows[i].pgrp : pid,
				.uid = rows[i].uid,
				.name = family_name(rows[i].comm),
				.bytes = rows[i].mib * MIB,
				.grown_bytes = rows[i].grown_mib * MIB,
				.held_pages = (int64_t)(rows[i].mib * PAGES),
				.adj_pages = rows[i].adj_mib * (int64_t)PAGES,
				.bias_pages = rows[i].bias_mib * (int64_t)PAGES,
			};
		}
	}
	return count;
}

static const struct {
	const char *name;
	struct row rows[4];
	uint64_t need_mib, grown_mib;
	int64_t rival_mib; /* as points and as bytes */
	/* 0: no family */
	unsigned size, count;
	uint64_t bytes_mib;
} cases[] = {
	{"nobody", {{0}}, .need_mib = 100, .rival_mib = 10},
	{"64 children, a neighbour that is larger than each and does not grow",
	 {{64, "leak", 50, 50, 5, 12, 11}},
	 .need_mib = 1000,
	 .grown_mib = 704,
	 .rival_mib = 60,
	 .size = 64,
	 .count = 64,
	 .bytes_mib = 768},
	{"as many as the shortage needs",
	 {{64, "leak", 50, 50, 5, 12, 11}},
	 .need_mib = 100,
	 .grown_mib = 704,
	 .rival_mib = 60,
	 .size = 64,
	 .count = 9,
	 .bytes_mib = 108},
	{"one at least, whatever is needed",
	 {{64, "leak", 50, 50, 5, 12, 11}},
	 .need_mib = 0,
	 .grown_mib = 704,
	 .rival_mib = 60,
	 .size = 64,
	 .count = 1,
	 .bytes_mib = 12},
	{"no more than an action can hold",
	 {{200, "leak", 50, 50, 5, 4, 4}},
	 .need_mib = 10000,
	 .grown_mib = 800,
	 .rival_mib = 60,
	 .size = 200,
	 .count = FAMILY_MAX,
	 .bytes_mib = 4 * FAMILY_MAX},
	{"all together are smaller than the neighbour",
	 {{4, "leak", 50, 50, 5, 12, 12}},
	 .need_mib = 1000,
	 .grown_mib = 48,
	 .rival_mib = 48},
	{"a megabyte larger",
	 {{4, "leak", 50, 50, 5, 12, 12}},
	 .need_mib = 1000,
	 .grown_mib = 48,
	 .rival_mib = 47,
	 .size = 4,
	 .count = 4,
	 .bytes_mib = 48},
	{"two are no family",
	 {{2, "leak", 50, 50, 5, 100, 100}},
	 .need_mib = 1000,
	 .grown_mib = 200,
	 .rival_mib = 110},
	{"three are",
	 {{3, "leak", 50, 50, 5, 100, 100}},
	 .need_mib = 1000,
	 .grown_mib = 300,
	 .rival_mib = 110,
	 .size = 3,
	 .count = 3,
	 .bytes_mib = 300},
	{"somebody else has grown: less than half of what has gone is theirs",
	 {{64, "tab", 50, 50, 5, 100, 1}},
	 .need_mib = 1000,
	 .grown_mib = 129,
	 .rival_mib = 300},
	{"half of it",
	 {{64, "tab", 50, 50, 5, 100, 1}},
	 .need_mib = 1000,
	 .grown_mib = 128,
	 .rival_mib = 300,
	 .size = 64,
	 .count = 10,
	 .bytes_mib = 1000},
	{"who has hardly grown beside the others is left out",
	 {{10, "leak", 50, 50, 5, 20, 20}, {5, "leak", 50, 50, 5, 30, 1}},
	 .need_mib = 1000,
	 .grown_mib = 220,
	 .rival_mib = 60,
	 .size = 10,
	 .count = 10,
	 .bytes_mib = 200},
	{"a sixteenth of what the fastest has is enough",
	 {{10, "leak", 50, 50, 5, 20, 20}, {5, "leak", 50, 50, 5, 30, 2}},
	 .need_mib = 1000,
	 .grown_mib = 220,
	 .rival_mib = 60,
	 .size = 15,
	 .count = 15,
	 .bytes_mib = 350},

	{"parent and name: a shell gives each job a group of its own",
	 {{8, "leak", 50, 0, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 160,
	 .rival_mib = 60,
	 .size = 8,
	 .count = 8,
	 .bytes_mib = 160},
	{"parent and group, names differ",
	 {{3, "cc1", 50, 40, 5, 20, 20}, {3, "as", 50, 40, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 120,
	 .rival_mib = 60,
	 .size = 6,
	 .count = 6,
	 .bytes_mib = 120},
	{"group and name, parents differ: compilers of one make",
	 {{3, "cc1", 50, 40, 5, 20, 20}, {3, "cc1", 51, 40, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 120,
	 .rival_mib = 60,
	 .size = 6,
	 .count = 6,
	 .bytes_mib = 120},
	{"parent alone: what a desktop has started",
	 {{3, "one", 50, 0, 5, 20, 20}, {3, "two", 50, 0, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 120,
	 .rival_mib = 90},
	{"name alone",
	 {{1, "leak", 50, 50, 5, 40, 40},
	  {1, "leak", 51, 51, 5, 40, 40},
	  {1, "leak", 52, 52, 5, 40, 40}},
	 .need_mib = 1000,
	 .grown_mib = 120,
	 .rival_mib = 60},
	{"init is nobody's parent",
	 {{8, "leak", 1, 0, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 160,
	 .rival_mib = 60},
	{"orphans of one group still are kin",
	 {{8, "leak", 1, 44, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 160,
	 .rival_mib = 60,
	 .size = 8,
	 .count = 8,
	 .bytes_mib = 160},
	{"of another pid namespace: no parent, no group",
	 {{8, "leak", 0, -1, 5, 20, 20}},
	 .need_mib = 1000,
	 .grown_mib = 160,
	 .rival_mib = 60},
	{"another user's is no kin",
	 {{2, "leak", 50, 50, 5, 30, 30}, {2, "leak", 50, 50, 6, 30, 30}},
	 .need_mib = 1000,
	 .grown_mib = 120,
	 .rival_mib = 60},

	{"the better of two",
	 {{5, "small", 50, 50, 5, 20, 20}, {5, "large", 51, 51, 5, 30, 20}},
	 .need_mib = 1000,
	 .grown_mib = 200,
	 .rival_mib = 60,
	 .size = 5,
	 .count = 5,
	 .bytes_mib = 150},
	{"oom_score_adj counts once",
	 {{5, "leak", 50, 50, 5, 20, 20, .adj_mib = 30}},
	 .need_mib = 1000,
	 .grown_mib = 100,
	 .rival_mib = 99,
	 .size = 5,
	 .count = 5,
	 .bytes_mib = 100},
	{"what Avoid= takes away is taken from each",
	 {{5, "leak", 50, 50, 5, 20, 20, .bias_mib = -10}},
	 .need_mib = 1000,
	 .grown_mib = 100,
	 .rival_mib = 50},
	{"and no more than that",
	 {{5, "leak", 50, 50, 5, 20, 20, .bias_mib = -10}},
	 .need_mib = 1000,
	 .grown_mib = 100,
	 .rival_mib = 49,
	 .size = 5,
	 .count = 5,
	 .bytes_mib = 100},
	{"64 TiB each",
	 {{4, "leak", 50, 50, 5, 64 << 20, 64 << 20}},
	 .need_mib = 1000,
	 .grown_mib = UINT64_C(1) << 40,
	 .rival_mib = 60},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct relative all[256];
		unsigned count = populate(cases[i].rows, ARRAY_SIZE(cases[i].rows), all);
		struct family_need need = {
			.bytes = cases[i].need_mib * MIB,
			.grown_bytes = cases[i].grown_mib * MIB,
			.rival_points = cases[i].rival_mib * (int64_t)PAGES,
			.rival_bytes = (uint64_t)cases[i].rival_mib * MIB,
		};
		struct family f = {};
		uint64_t bytes = 0;

		CHECK_INT(cases[i].name, family_find(all, count, &need, &f), cases[i].size > 0);
		CHECK_INT(cases[i].name, f.size, cases[i].size);
		CHECK_INT(cases[i].name, f.count, cases[i].count);
		CHECK_INT(cases[i].name, f.bytes, cases[i].bytes_mib * MIB);
		for (unsigned n = 0; n < f.count; n++)
			bytes += all[n].bytes;
		CHECK_INT(cases[i].name, bytes, f.bytes);
	}
}

/* Who dies are the largest of the family, and nobody else, in whatever order all came. */
static void test_members(void **state)
{
	struct random r = {UINT64_C(0x9e3779b97f4a7c15)};

	(void)state;
	for (unsigned run = 0; run < 500; run++) {
		unsigned kin = 3 + (unsigned)random_below(&r, 60);
		unsigned others = (unsigned)random_below(&r, 60), count = 0;
		struct family_need need = {.bytes = random_below(&r, 3000) * MIB};
		uint64_t before = UINT64_MAX;
		struct relative all[128];
		struct family f;

		for (unsigned i = 0; i < kin + others; i++) {
			uint64_t mib = 10 + random_below(&r, 30);
			pid_t pid = (pid_t)(100 + i);
			bool of_kin = i < kin;

			all[count++] = (struct relative){
				.id = {pid, 1},
				.ppid = of_kin ? 50 : pid + 1000,
				.pgrp = of_kin ? 50 : pid,
				.name = family_name(of_kin ? "leak" : "other"),
				.bytes = mib * MIB,
				.grown_bytes = mib * MIB,
				.held_pages = (int64_t)(mib * PAGES),
			};
			need.grown_bytes += of_kin ? mib * MIB : 0;
		}
		for (unsigned i = count; i-- > 1;) {
			unsigned with = (unsigned)random_below(&r, i + 1);
			struct relative a = all[i];

			all[i] = all[with];
			all[with] = a;
		}
		assert_true(family_find(all, count, &need, &f));
		assert_int_equal(f.size, kin);
		for (unsigned i = 0; i < f.count; i++) {
			assert_int_equal(all[i].ppid, 50);
			assert_true(all[i].bytes <= before);
			before = all[i].bytes;
		}
		for (unsigned i = f.count; i < count; i++)
			assert_true(all[i].ppid != 50 || all[i].bytes <= before);
		/* with one fewer it would not be enough */
		assert_true(f.count == kin || f.bytes >= need.bytes);
		assert_true(f.count == 1 || f.bytes - all[f.count - 1].bytes < need.bytes);
	}
}

static const struct {
	const char *a, *b;
	bool same;
} names[] = {
	{"", "", true},
	{"leak", "leak", true},
	{"leak", "leaf", false},
	{"worker-1", "worker-12", true},
	{"worker/3:1", "worker", true},
	{"worker1", "waiter1", false},
	{"python3", "python2", true},
	{"1", "2", false}, /* a number alone says nothing */
	{"a1b", "a2b", false},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_INT(names[i].a, family_name(names[i].a) == family_name(names[i].b),
			  names[i].same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("family", tests, NULL, NULL);
}
