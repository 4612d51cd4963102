/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The level, from what is there: the limits of a configuration, each level from its first look, and
 * when what zram says is believed. What is done at a level is test-policy.c's.
 */
#include "unit.h"

#include "policy-seen.h"

/* ---- limits ---- */

static const struct {
	const char *row, *config;
	uint64_t memory_total, swap_total;
	uint64_t memory[3], swap[3]; /* warning, soft, hard */
	uint64_t hugetlb;
} limit_rows[] = {
	{"no memory at all", "", 0, 0, {0, 0, 0}, {0, 0, 0}},
	{"a page", "", 4096, 0, {613, 409, 204}, {0, 0, 0}},
	{"defaults: hard is half of soft, warning half as much again",
	 "",
	 1000 * MIB,
	 1000 * MIB,
	 {150 * MIB, 100 * MIB, 50 * MIB},
	 {150 * MIB, 100 * MIB, 50 * MIB}},
	{"no swap", "", 1000 * MIB, 0, {150 * MIB, 100 * MIB, 50 * MIB}, {0, 0, 0}},
	{"just below the cap",
	 "",
	 10 * GIB - 10,
	 GIB,
	 {GIB + GIB / 2 - 2, GIB - 1, GIB / 2 - 1},
	 {GIB / 10 + GIB / 20, GIB / 10, GIB / 20}},
	{"the cap",
	 "",
	 64 * GIB,
	 64 * GIB,
	 {GIB + GIB / 2, GIB, GIB / 2},
	 {GIB + GIB / 2, GIB, GIB / 2}},
	{"64 TiB",
	 "",
	 64 * TIB,
	 64 * TIB,
	 {GIB + GIB / 2, GIB, GIB / 2},
	 {GIB + GIB / 2, GIB, GIB / 2}},
	{"64 TiB without cap",
	 "[Limits]\nSoftMemory=10%\n",
	 64 * TIB,
	 0,
	 {UINT64_C(10555311626649), UINT64_C(7036874417766), UINT64_C(3518437208883)},
	 {0, 0, 0}},
	{"end of 64 bits",
	 "[Limits]\nSoftMemory=100%\nSoftSwap=100%\n",
	 UINT64_MAX - 1,
	 UINT64_MAX - 1,
	 {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2},
	 {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2}},
	{"all set",
	 "[Limits]\nWarningMemory=30%\nSoftMemory=20%\nHardMemory=3%\nWarningSwap=9%\n"
	 "SoftSwap=8%\nHardSwap=7%\n",
	 1000 * MIB,
	 100 * MIB,
	 {300 * MIB, 200 * MIB, 30 * MIB},
	 {9 * MIB, 8 * MIB, 7 * MIB}},
	{"both parts, the size is lower",
	 "[Limits]\nHardMemory=4% 10M\n",
	 1000 * MIB,
	 0,
	 {150 * MIB, 100 * MIB, 10 * MIB},
	 {0, 0, 0}},
	{"both parts, the share is lower",
	 "[Limits]\nHardMemory=4% 100M\n",
	 1000 * MIB,
	 0,
	 {150 * MIB, 100 * MIB, 40 * MIB},
	 {0, 0, 0}},
	{"shares of what is not set aside for huge pages",
	 "",
	 1000 * MIB,
	 0,
	 {15 * MIB, 10 * MIB, 5 * MIB},
	 {0, 0, 0},
	 .hugetlb = 900 * MIB},
	{"all of it is", "", GIB, 0, {0, 0, 0}, {0, 0, 0}, .hugetlb = GIB},
	{"0",
	 "[Limits]\nSoftMemory=0\nSoftSwap=0%\n",
	 1000 * MIB,
	 1000 * MIB,
	 {0, 0, 0},
	 {0, 0, 0}},
	{"out of order: soft counts",
	 "[Limits]\nHardMemory=300M\nWarningMemory=5M\n",
	 1000 * MIB,
	 0,
	 {100 * MIB, 100 * MIB, 100 * MIB},
	 {0, 0, 0}},
	{"sizes of swap stay when the swap goes",
	 "[Limits]\nSoftSwap=2G\n",
	 1000 * MIB,
	 0,
	 {150 * MIB, 100 * MIB, 50 * MIB},
	 {3 * GIB, 2 * GIB, GIB}},
};

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++) {
		struct config config = config_of(limit_rows[i].config);
		struct meminfo mem = {.total_bytes = limit_rows[i].memory_total,
				      .hugetlb_bytes = limit_rows[i].hugetlb,
				      .swap_total_bytes = limit_rows[i].swap_total};
		struct limits limits;

		limits_resolve(&config, &mem, &limits);
		for (enum level l = LEVEL_WARNING; l <= LEVEL_HARD; l++) {
			CHECK_UINT(limit_rows[i].row, limits.memory_bytes[l],
				   limit_rows[i].memory[l - 1]);
			CHECK_UINT(limit_rows[i].row, limits.swap_bytes[l],
				   limit_rows[i].swap[l - 1]);
		}
	}
}

/* ---- levels, each from its first look ---- */

static const struct {
	const char *row;
	uint64_t available, swap_total, swap_free;
	enum level level;
	enum reason reason;
	uint64_t anon; /* 0: nobody knows */
	uint64_t barred;
	const char *config;
} level_rows[] = {
	{"all there", 1000 * MIB, 0, 0, LEVEL_CALM, REASON_PLENTY},
	{"above warning", 150 * MIB + 1, 0, 0, LEVEL_CALM, REASON_PLENTY},
	{"at warning", 150 * MIB, 0, 0, LEVEL_WARNING, REASON_EXHAUSTION},
	{"above soft", 100 * MIB + 1, 0, 0, LEVEL_WARNING, REASON_EXHAUSTION},
	{"at soft", 100 * MIB, 0, 0, LEVEL_SOFT, REASON_EXHAUSTION},
	{"above hard", 50 * MIB + 1, 0, 0, LEVEL_SOFT, REASON_EXHAUSTION},
	{"at hard", 50 * MIB, 0, 0, LEVEL_HARD, REASON_EXHAUSTION},
	{"nothing", 0, 0, 0, LEVEL_HARD, REASON_EXHAUSTION},
	{"swap full, memory there", 1000 * MIB, 1000 * MIB, 0, LEVEL_CALM, REASON_PLENTY},
	{"nothing but swap", 0, 1000 * MIB, 1000 * MIB, LEVEL_WARNING, REASON_SWAP_LEFT},
	{"at soft with swap", 100 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_WARNING, REASON_SWAP_LEFT},
	{"above soft with swap", 100 * MIB + 1, 1000 * MIB, 1000 * MIB, LEVEL_CALM, REASON_PLENTY},
	{"swap above warning", 0, 1000 * MIB, 150 * MIB + 1, LEVEL_WARNING, REASON_SWAP_LEFT},
	{"swap at warning", 0, 1000 * MIB, 150 * MIB, LEVEL_WARNING, REASON_EXHAUSTION},
	{"swap above soft", 0, 1000 * MIB, 100 * MIB + 1, LEVEL_WARNING, REASON_EXHAUSTION},
	{"swap at soft", 0, 1000 * MIB, 100 * MIB, LEVEL_SOFT, REASON_EXHAUSTION},
	{"swap above hard", 0, 1000 * MIB, 50 * MIB + 1, LEVEL_SOFT, REASON_EXHAUSTION},
	{"swap at hard", 0, 1000 * MIB, 50 * MIB, LEVEL_HARD, REASON_EXHAUSTION},
	{"memory at soft, swap at hard", 100 * MIB, 1000 * MIB, 50 * MIB, LEVEL_SOFT,
	 REASON_EXHAUSTION},
	{"memory at hard, swap at soft", 50 * MIB, 1000 * MIB, 100 * MIB, LEVEL_SOFT,
	 REASON_EXHAUSTION},
	{"memory at warning, swap at hard", 150 * MIB, 1000 * MIB, 50 * MIB, LEVEL_WARNING,
	 REASON_EXHAUSTION},
	/* what is locked never goes to swap, however much of that is free */
	{"above warning with what swap could take", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_WARNING,
	 REASON_SWAP_LEFT, 100 * MIB + 1},
	{"at warning with it", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_WARNING, REASON_EXHAUSTION,
	 100 * MIB},
	{"above soft with it", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_WARNING, REASON_EXHAUSTION,
	 50 * MIB + 1},
	{"at soft with it", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_SOFT, REASON_EXHAUSTION,
	 50 * MIB},
	{"at hard with it", 20 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_HARD, REASON_EXHAUSTION,
	 30 * MIB},
	{"at soft with what groups may have in swap", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_SOFT,
	 REASON_EXHAUSTION, 850 * MIB, 800 * MIB},
	{"above soft with it", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_WARNING, REASON_EXHAUSTION,
	 850 * MIB, 800 * MIB - 1},
	{"more that groups may not have there than there is", 50 * MIB, 1000 * MIB, 1000 * MIB,
	 LEVEL_HARD, REASON_EXHAUSTION, 850 * MIB, 900 * MIB},
	{"a large limit of memory: swap alone decides", 400 * MIB, 1000 * MIB, 1000 * MIB,
	 LEVEL_WARNING, REASON_SWAP_LEFT, 100 * MIB, .config = "[Limits]\nSoftMemory=100%\n"},
	{"but not with so little", 50 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_SOFT, REASON_EXHAUSTION,
	 50 * MIB, .config = "[Limits]\nSoftMemory=100%\n"},
	{"a small limit of memory", 20 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_WARNING,
	 REASON_EXHAUSTION, 10 * MIB, .config = "[Limits]\nSoftMemory=2%\n"},
	{"is the limit here too", 10 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_SOFT, REASON_EXHAUSTION,
	 10 * MIB, .config = "[Limits]\nSoftMemory=2%\n"},
	{"enough available, and nothing to take", 151 * MIB, 1000 * MIB, 1000 * MIB, LEVEL_CALM,
	 REASON_PLENTY, 1},
	{"much to take, and no swap free", 50 * MIB, 1000 * MIB, 0, LEVEL_HARD, REASON_EXHAUSTION,
	 900 * MIB},
};

static void test_levels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(level_rows); i++) {
		const char *row = level_rows[i].row;
		struct config config = config_of(level_rows[i].config ? level_rows[i].config : "");
		struct observation o = seen(START, level_rows[i].available,
					    level_rows[i].swap_total, level_rows[i].swap_free);
		struct policy p;
		struct action a;

		o.sample.has_movable = level_rows[i].anon > 0;
		o.sample.barred_bytes = level_rows[i].barred;
		o.sample.mem.inactive_anon_bytes = level_rows[i].anon / 2;
		o.sample.mem.active_anon_bytes = level_rows[i].anon - level_rows[i].anon / 2;
		policy_init(&p, &config, 0);
		a = policy_step(&p, &o);
		CHECK_STR(row, level_name(a.level), level_name(level_rows[i].level));
		CHECK_STR(row, reason_name(a.reason), reason_name(level_rows[i].reason));
		CHECK_INT(row, a.kind, a.level >= LEVEL_SOFT ? ACTION_SCAN : ACTION_NONE);
		CHECK_INT(row, a.announce, a.level > LEVEL_CALM);
		if (!level_rows[i].config)
			CHECK_INT(row, a.ask_barred,
				  level_rows[i].available <= 50 * MIB &&
					  level_rows[i].swap_free > 50 * MIB);
		CHECK_INT(row, a.announced_before, LEVEL_CALM);
		CHECK_UINT(row, a.stall_permyriad, 0);
	}
}

static void test_huge_machine(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 64 * TIB, 64 * TIB, 64 * TIB);
	struct policy p;

	(void)state;
	o.sample.mem.total_bytes = 64 * TIB;
	policy_init(&p, &config, 0);
	assert_int_equal(policy_step(&p, &o).level, LEVEL_CALM);
	assert_true(policy_step(&p, &o).next_usec == START + 5 * SEC);

	o.sample.time_usec += SEC;
	o.sample.mem.available_bytes = GIB + 1;
	o.sample.mem.swap_free_bytes = 0;
	assert_int_equal(policy_step(&p, &o).level, LEVEL_WARNING);
	o.sample.mem.available_bytes = GIB;
	assert_int_equal(policy_step(&p, &o).level, LEVEL_SOFT);

	/* Sums and products at the end of 64 bits saturate. */
	o.sample.mem = (struct meminfo){.total_bytes = UINT64_MAX,
					.available_bytes = UINT64_MAX,
					.swap_total_bytes = UINT64_MAX,
					.swap_free_bytes = UINT64_MAX};
	o.sample.time_usec += SEC;
	assert_int_equal(policy_step(&p, &o).level, LEVEL_CALM);
	o.sample.time_usec = UINT64_MAX;
	assert_true(policy_step(&p, &o).next_usec == UINT64_MAX);
}

/* ---- what zram says ---- */

/* Nothing is available, and of 512 MiB on zram @data are stored, which take @used. */
static struct observation seen_zram(uint64_t time_usec, uint64_t data, uint64_t used)
{
	struct observation o = seen(time_usec, 0, 512 * MIB, (512 - data) * MIB);

	o.sample.mem.inactive_anon_bytes = 800 * MIB;
	zram_add(&o.sample.zram, 512 * MIB,
		 &(struct zram_stat){.data_bytes = data * MIB, .used_bytes = used * MIB});
	return o;
}

/* Soft at 51.2 MiB of what swap adds, hard at 25.6: measured and hoped for, worked out by hand. */
static const struct {
	const char *row;
	uint64_t data, used;
	enum level at_once, later;
} zram_rows[] = {
	{"nothing stored", 0, 0, LEVEL_WARNING, LEVEL_WARNING},	      /* 256 */
	{"40 do not compress", 40, 40, LEVEL_WARNING, LEVEL_WARNING}, /* 67, 180 */
	{"60 do not", 60, 60, LEVEL_WARNING, LEVEL_SOFT},	      /* 47, 154 */
	{"120 do not", 120, 120, LEVEL_WARNING, LEVEL_HARD},	      /* 23, 101 */
	{"260 do not", 260, 260, LEVEL_SOFT, LEVEL_HARD},	      /* 7, 42 */
	{"380 do not", 380, 380, LEVEL_HARD, LEVEL_HARD},	      /* 3, 17 */
	{"120 do", 120, 40, LEVEL_WARNING, LEVEL_WARNING},	      /* 253 */
	{"all of it is used", 512, 200, LEVEL_HARD, LEVEL_HARD},
};

static void test_zram_doubt(void **state)
{
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zram_rows); i++) {
		uint64_t data = zram_rows[i].data, used = zram_rows[i].used;
		struct observation o;
		struct policy p;
		struct action a;

		policy_init(&p, &config, GIB);
		for (uint64_t after = 0; after < SEC / 2; after += 99 * MSEC) {
			o = seen_zram(START + after, data, used);
			a = policy_step(&p, &o);
			CHECK_INT(zram_rows[i].row, a.level, zram_rows[i].at_once);
			CHECK_INT(zram_rows[i].row, a.kind,
				  a.level >= LEVEL_SOFT ? ACTION_SCAN : ACTION_NONE);
		}
		o = seen_zram(START + SEC / 2, data, used);
		CHECK_INT(zram_rows[i].row, policy_step(&p, &o).level, zram_rows[i].later);
	}
}

static enum level zram_level(struct policy *p, uint64_t time_usec, uint64_t data, uint64_t used)
{
	struct observation o = seen_zram(time_usec, data, used);

	return policy_step(p, &o).level;
}

static void test_zram_doubt_anew(void **state)
{
	struct config config = config_of("");
	struct observation o;
	struct policy p;

	(void)state;
	/* what comes next compresses, and what comes after that does not */
	policy_init(&p, &config, GIB);
	assert_int_equal(zram_level(&p, START, 60, 60), LEVEL_WARNING);
	assert_int_equal(zram_level(&p, START + 400 * MSEC, 120, 62), LEVEL_WARNING);
	assert_int_equal(zram_level(&p, START + SEC / 2, 60, 60), LEVEL_WARNING);
	assert_int_equal(zram_level(&p, START + SEC - 1, 60, 60), LEVEL_WARNING);
	assert_int_equal(zram_level(&p, START + SEC, 60, 60), LEVEL_SOFT);
	assert_int_equal(zram_level(&p, START + 3 * SEC, 60, 60), LEVEL_SOFT);

	/* nobody has looked while the machine was suspended */
	policy_init(&p, &config, GIB);
	assert_int_equal(zram_level(&p, START, 60, 60), LEVEL_WARNING);
	o = seen_zram(START + 2 * SEC, 60, 60);
	o.sample.slept_usec = 100 * SEC;
	assert_int_equal(policy_step(&p, &o).level, LEVEL_WARNING);

	/* who was asked when there was hope for less than a limit is not asked for long */
	policy_init(&p, &config, GIB);
	o = seen_zram(START, 260, 260);
	o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_TERM);
	o = seen_zram(START + SEC / 2 - 1, 260, 260);
	o.victim = VICTIM_ALIVE;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec = START + SEC / 2;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_ESCALATE);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_huge_machine),	cmocka_unit_test(test_zram_doubt),
		cmocka_unit_test(test_zram_doubt_anew),
	};

	return cmocka_run_group_tests_name("level", tests, NULL, NULL);
}
