/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the policy looks again, what a suspended machine is to it, and what it announces.
 */
#include "unit.h"

#include "policy-seen.h"

/* ---- when to look again ---- */

static const struct {
	const char *row;
	uint64_t fill_rate, available, swap_total, swap_free;
	uint64_t period;
} period_rows[] = {
	/* headroom is what is above 100 MiB, or 1 GiB from 10 GiB on */
	{"half a second at 1 GiB a second", GIB, 612 * MIB, 0, 0, 500 * MSEC},
	{"half of that at twice the rate", 2 * GIB, 612 * MIB, 0, 0, 250 * MSEC},
	{"swap above its limit counts too", GIB, 356 * MIB, 1000 * MIB, 356 * MIB, 500 * MSEC},
	{"swap below its limit does not", GIB, 612 * MIB, 1000 * MIB, 90 * MIB, 500 * MSEC},
	{"swap alone", GIB, 0, 1000 * MIB, 612 * MIB, 500 * MSEC},
	{"ample", MIB, 1000 * MIB, 0, 0, 5 * SEC},
	{"exactly five seconds", 100 * MIB, 600 * MIB, 0, 0, 5 * SEC},
	{"swap for a second at most", 100 * MIB, 120 * MIB, 900 * MIB, 900 * MIB, SEC},
	{"more memory than that", 100 * MIB, 300 * MIB, 900 * MIB, 900 * MIB, 2 * SEC},
	{"exactly a second", 512 * MIB, 612 * MIB, 0, 0, SEC},
	{"a little less", 512 * MIB, 611 * MIB, 0, 0, 998046},
	{"next to the limit", GIB, 100 * MIB + 1, 0, 0, 5 * MSEC},
	{"exactly 5 ms", 1000 * MIB, 105 * MIB, 0, 0, 5 * MSEC},
	{"a little more", 1000 * MIB, 106 * MIB, 0, 0, 6 * MSEC},
	{"rate unknown: 4 GiB a second", 0, 612 * MIB, 0, 0, 125 * MSEC},
	{"a rate of a byte", 1, 200 * MIB, 0, 0, 5 * SEC},
	{"a rate beyond measure", UINT64_MAX, 1000 * MIB, 0, 0, 5 * MSEC},
};

static void test_period(void **state)
{
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(period_rows); i++) {
		struct observation o = seen(START, period_rows[i].available,
					    period_rows[i].swap_total, period_rows[i].swap_free);
		struct policy p;
		struct action a;

		policy_init(&p, &config, period_rows[i].fill_rate);
		a = policy_step(&p, &o);
		CHECK_INT(period_rows[i].row, a.kind, ACTION_NONE);
		CHECK_UINT(period_rows[i].row, a.next_usec - START, period_rows[i].period);
	}
}

static void test_period_awaiting(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 100 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, 1);
	o.scan = SCAN_VICTIM;
	assert_true(policy_step(&p, &o).next_usec == START + 20 * MSEC);
	o.victim = VICTIM_ALIVE;
	o.sample.mem.available_bytes = 1000 * MIB;
	assert_true(policy_step(&p, &o).next_usec == START + 20 * MSEC);
	/* dead: its memory shows up within a tick or two */
	o.victim = VICTIM_DEAD;
	o.sample.mem.available_bytes = 100 * MIB;
	assert_true(policy_step(&p, &o).next_usec == START + 5 * MSEC);

	/* asked and not killed: the hard limit, at 50 MiB, may be near */
	policy_init(&p, &config, 1000 * MIB);
	o = seen(START, 60 * MIB, 0, 0);
	o.scan = SCAN_VICTIM;
	assert_true(policy_step(&p, &o).next_usec == START + 10 * MSEC);
	/* killed: no limit is left */
	policy_init(&p, &config, 1000 * MIB);
	o = seen(START, 40 * MIB, 0, 0);
	o.scan = SCAN_VICTIM;
	assert_true(policy_step(&p, &o).next_usec == START + 20 * MSEC);
}

static void test_period_uncalm(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 110 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, 1);
	assert_int_equal(policy_step(&p, &o).level, LEVEL_WARNING);
	o = seen(START + SEC, 1000 * MIB, 0, 0);
	assert_true(policy_step(&p, &o).next_usec == START + 2 * SEC);
}

/* The period at 512 MiB of headroom, where 1 GiB a second gives half a second. */
static uint64_t period_now(const struct policy *p, uint64_t time_usec)
{
	struct policy copy = *p;
	struct observation o = seen(time_usec, 612 * MIB, 0, 0);

	copy.has_last = false; /* a look that nothing is learned from */
	return policy_step(&copy, &o).next_usec - time_usec;
}

static void fall(struct policy *p, uint64_t time_usec, uint64_t available)
{
	struct observation o = seen(time_usec, available, 0, 0);

	policy_step(p, &o);
}

static void test_fill_rate(void **state)
{
	struct config config = config_of("");
	struct observation o;
	struct policy p;

	(void)state;
	/* Slower than known: nothing new. */
	policy_init(&p, &config, GIB);
	fall(&p, START, 900 * MIB);
	fall(&p, START + SEC, 800 * MIB);
	assert_true(period_now(&p, START + SEC) == 500 * MSEC);

	/* 256 MiB in an eighth of a second are 2 GiB a second. */
	policy_init(&p, &config, GIB);
	fall(&p, START, 900 * MIB);
	fall(&p, START + 125 * MSEC, 644 * MIB);
	assert_true(period_now(&p, START + 125 * MSEC) == 250 * MSEC);
	/* Slower again: the fastest counts, for 60 s from when it was seen. */
	fall(&p, START + SEC, 640 * MIB);
	assert_true(period_now(&p, START + SEC) == 250 * MSEC);
	fall(&p, START + 60 * SEC + 125 * MSEC, 640 * MIB);
	assert_true(period_now(&p, START + 60 * SEC + 125 * MSEC) == 250 * MSEC);
	fall(&p, START + 60 * SEC + 126 * MSEC, 640 * MIB);
	assert_true(period_now(&p, START + 60 * SEC + 126 * MSEC) == 500 * MSEC);

	/* Not at any height: four times what the drill has shown. */
	policy_init(&p, &config, GIB);
	fall(&p, START, 900 * MIB);
	fall(&p, START + 10 * MSEC, 644 * MIB);
	assert_true(period_now(&p, START + 10 * MSEC) == 125 * MSEC);

	/* Less than 5 ms say nothing about a rate: counters lag. */
	policy_init(&p, &config, GIB);
	fall(&p, START, 900 * MIB);
	fall(&p, START + 5 * MSEC - 1, 700 * MIB);
	assert_true(period_now(&p, START + 5 * MSEC) == 500 * MSEC);
	policy_init(&p, &config, GIB);
	fall(&p, START, 900 * MIB);
	fall(&p, START + 5 * MSEC, 700 * MIB);
	assert_true(period_now(&p, START + 5 * MSEC) == 125 * MSEC);

	/* What moves from memory to swap is not used up; what grows is not either. */
	policy_init(&p, &config, GIB);
	o = seen(START, 500 * MIB, 1000 * MIB, 900 * MIB);
	policy_step(&p, &o);
	o = seen(START + 100 * MSEC, 800 * MIB, 1000 * MIB, 600 * MIB);
	policy_step(&p, &o);
	assert_true(period_now(&p, START + 100 * MSEC) == 500 * MSEC);

	/* A clock that goes back teaches nothing. */
	policy_init(&p, &config, GIB);
	fall(&p, START, 900 * MIB);
	fall(&p, START - 100 * MSEC, 200 * MIB);
	assert_true(period_now(&p, START) == 500 * MSEC);
}

/* ---- suspend ---- */

/* PSI counts who was frozen in a stall for as long as the clock of the scheduler has gone on. */
static void test_sleep_is_no_stall(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	stalls_init(&s, "", 150 * MIB);
	stalls_go(&s, 4000 * MSEC, 10000);
	s.o.sample.slept_usec += 3600 * SEC;
	s.o.sample.time_usec += 200 * MSEC;
	s.o.sample.psi.full_total_usec += 3600 * SEC;
	a = policy_step(&s.policy, &s.o);
	assert_true(a.slept_usec == 3600 * SEC);
	assert_int_equal(a.stall_permyriad, 0);
	assert_int_equal(a.level, LEVEL_WARNING);
	assert_int_equal(a.kind, ACTION_NONE);

	/* Said once, and what was lost before it does not count any more. */
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_true(a.slept_usec == 0);
	assert_int_equal(a.level, LEVEL_WARNING);
	assert_int_equal(stalls_go(&s, 100 * MSEC, 10000).level, LEVEL_SOFT);

	/* Clocks that were read a moment apart are no sleep: the stall is one. */
	stalls_init(&s, "", 150 * MIB);
	s.o.sample.slept_usec += 100 * MSEC - 1;
	s.o.sample.time_usec += 5 * SEC;
	s.o.sample.psi.full_total_usec += 5 * SEC;
	a = policy_step(&s.policy, &s.o);
	assert_true(a.slept_usec == 0);
	assert_int_equal(a.level, LEVEL_SOFT);

	/* Read later once, and soon again: no sleep either. */
	s.o.sample.slept_usec = 0;
	assert_true(policy_step(&s.policy, &s.o).slept_usec == 0);
	s.o.sample.slept_usec = 100 * MSEC - 1;
	assert_true(policy_step(&s.policy, &s.o).slept_usec == 0);
	s.o.sample.slept_usec += 100 * MSEC;
	assert_true(policy_step(&s.policy, &s.o).slept_usec == 100 * MSEC);
}

/* What the machine had slept before the first sample is not news. */
static void test_sleep_before_the_start(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 900 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, GIB);
	o.sample.slept_usec = 999 * SEC;
	assert_true(policy_step(&p, &o).slept_usec == 0);
	o.sample.time_usec += SEC;
	assert_true(policy_step(&p, &o).slept_usec == 0);
}

/* Signalled before a sleep, a victim has all its time after it, however long the freezing took. */
static void test_sleep_and_victim(void **state)
{
	struct config config = config_of("");
	struct observation o;
	struct policy p;

	(void)state;
	policy_init(&p, &config, GIB);
	o = seen(START, 20 * MIB, 0, 0);
	o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_KILL);
	o.scan = SCAN_NOT_DONE;
	o.victim = VICTIM_ALIVE;
	o.sample.time_usec = START + 20 * SEC;
	o.sample.slept_usec = 3600 * SEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec = START + 23 * SEC - 1;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec = START + 23 * SEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_GIVE_UP);

	/* SIGTERM likewise. */
	policy_init(&p, &config, GIB);
	o = seen(START, 90 * MIB, 0, 0);
	o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_TERM);
	o.victim = VICTIM_ALIVE;
	o.sample.time_usec = START + 20 * SEC;
	o.sample.slept_usec = 3600 * SEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec = START + 25 * SEC - 1;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec = START + 25 * SEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_ESCALATE);

	/* And the memory of one that died in time may come after it. */
	o.victim = VICTIM_DEAD;
	o.sample.time_usec += MSEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec += 20 * SEC;
	o.sample.slept_usec += 3600 * SEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec += 500 * MSEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SETTLED);
}

/* What an image for the disk takes is no program's rate; and the level is not held by a sleep. */
static void test_sleep_and_rates(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 900 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, GIB);
	policy_step(&p, &o);
	o.sample.time_usec += 100 * MSEC;
	o.sample.slept_usec += 60 * SEC;
	o.sample.mem.available_bytes = 300 * MIB;
	policy_step(&p, &o);
	assert_true(period_now(&p, START + SEC) == 500 * MSEC);

	o.sample.mem.available_bytes = 140 * MIB;
	o.sample.time_usec += SEC;
	assert_true(policy_step(&p, &o).announce);
	o.sample.mem.available_bytes = 900 * MIB;
	o.sample.time_usec += SEC;
	assert_false(policy_step(&p, &o).announce);
	o.sample.time_usec += 10 * SEC; /* of which nobody has seen anything */
	o.sample.slept_usec += 60 * SEC;
	assert_false(policy_step(&p, &o).announce);
	o.sample.time_usec += 5 * SEC;
	assert_true(policy_step(&p, &o).announce);
}

/* ---- what is announced ---- */

static struct action look(struct policy *p, uint64_t usec, uint64_t available)
{
	struct observation o = seen(START + usec, available, 0, 0);

	o.scan = SCAN_NOBODY;
	return policy_step(p, &o);
}

static void test_announce_up(void **state)
{
	static const uint64_t available[] = {900 * MIB, 150 * MIB, 100 * MIB, 50 * MIB};
	struct config config = config_of("");
	struct policy p;
	struct action a;

	(void)state;
	policy_init(&p, &config, 0);
	for (enum level l = LEVEL_CALM; l <= LEVEL_HARD; l++) {
		a = look(&p, l, available[l]);
		assert_int_equal(a.announce, l > LEVEL_CALM);
		assert_int_equal(a.level, l);
		assert_int_equal(a.announced_before, l > LEVEL_CALM ? l - 1 : LEVEL_CALM);
		a = look(&p, l, available[l]);
		assert_false(a.announce);
		assert_int_equal(a.announced_before, l);
	}

	policy_init(&p, &config, 0);
	a = look(&p, 0, 0);
	assert_true(a.announce);
	assert_int_equal(a.level, LEVEL_HARD);
	assert_int_equal(a.announced_before, LEVEL_CALM);
}

static void test_announce_down(void **state)
{
	static const struct {
		const char *row;
		uint64_t low, hold, rise;
		enum level before, after;
	} rows[] = {
		{"from warning", 150 * MIB, 150 * MIB + 150 * MIB / 8, 169 * MIB, LEVEL_WARNING,
		 LEVEL_CALM},
		{"from soft", 100 * MIB, 100 * MIB + 100 * MIB / 8, 113 * MIB, LEVEL_SOFT,
		 LEVEL_WARNING},
		{"from hard", 50 * MIB, 50 * MIB + 50 * MIB / 8, 57 * MIB, LEVEL_HARD, LEVEL_SOFT},
		{"from hard to calm", 50 * MIB, 50 * MIB + 50 * MIB / 8, 900 * MIB, LEVEL_HARD,
		 LEVEL_CALM},
	};
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *row = rows[i].row;
		struct policy p;
		struct action a;

		policy_init(&p, &config, 0);
		CHECK(row, look(&p, 0, rows[i].low).announce);
		/* An eighth above the limit is not above it, for however long. */
		for (uint64_t t = 1; t <= 60; t++)
			CHECK(row, !look(&p, t * SEC, rows[i].hold).announce);
		/* Above that, but for less than 5 s; and again from the beginning. */
		CHECK(row, !look(&p, 61 * SEC, rows[i].rise).announce);
		CHECK(row, !look(&p, 66 * SEC - 1, rows[i].rise).announce);
		CHECK(row, !look(&p, 66 * SEC - 1, rows[i].hold).announce);
		CHECK(row, !look(&p, 70 * SEC, rows[i].rise).announce);
		CHECK(row, !look(&p, 75 * SEC - 1, rows[i].rise).announce);
		a = look(&p, 75 * SEC, rows[i].rise);
		CHECK(row, a.announce);
		CHECK_INT(row, a.announced_before, rows[i].before);
		CHECK_INT(row, a.level, rows[i].after);
		CHECK(row, !look(&p, 76 * SEC, rows[i].rise).announce);
		/* Down again: at once. */
		CHECK(row, look(&p, 76 * SEC, rows[i].low).announce);
	}
}

/* Whoever reads along hears of levels that follow upon each other, each as it is at the time. */
static void test_announce_is_the_level(void **state)
{
	struct config config = config_of("");
	struct policy p;
	struct action a;

	(void)state;
	policy_init(&p, &config, 0);
	assert_true(look(&p, 0, 40 * MIB).announce);
	/* Above warning, but not by an eighth: calm, and announced as what it is. */
	assert_false(look(&p, SEC, 151 * MIB).announce);
	a = look(&p, 6 * SEC, 151 * MIB);
	assert_true(a.announce);
	assert_int_equal(a.level, LEVEL_CALM);
	for (uint64_t t = 7; t < 100; t++)
		assert_false(look(&p, t * SEC, 200 * MIB).announce);
}

/* With limits close to each other the slack of one reaches above the next. */
static void test_announce_close_limits(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	stalls_init(&s, "[Limits]\nWarningMemory=10%\nSoftMemory=10%\nHardMemory=9.9%\n",
		    105 * MIB);
	a = stalls_go(&s, 5 * SEC, 10000);
	assert_int_equal(a.level, LEVEL_WARNING);
	assert_int_equal(a.reason, REASON_STALL);
	assert_int_equal(s.announcements, 1);
	/* The stalls end, and there is enough memory: this is no shortage, and never was. */
	a = stalls_go(&s, 30 * SEC, 0);
	assert_int_equal(a.level, LEVEL_CALM);
	assert_true(s.policy.announced_level <= LEVEL_WARNING);
}

static void test_announce_reason(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	stalls_init(&s, "", 120 * MIB);
	s.o.scan = SCAN_NOBODY;
	s.o.sample.mem.available_bytes = 100 * MIB;
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_true(a.announce);
	assert_int_equal(a.reason, REASON_EXHAUSTION);
	/* Memory comes, but by now it thrashes: the same level for another reason. */
	stalls_go(&s, 6 * SEC, 10000);
	s.announcements = 0;
	s.o.sample.mem.available_bytes = 140 * MIB;
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_SOFT);
	assert_int_equal(a.reason, REASON_THRASH);
	stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(s.announcements, 0);
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_true(a.announce);
	assert_int_equal(a.announced_before, LEVEL_SOFT);
	stalls_go(&s, 20 * SEC, 10000);
	assert_int_equal(s.announcements, 1);
}

/* Ten minutes of a machine that hovers about a limit: what does the journal get? */
static const struct {
	const char *row;
	uint64_t middle, swing; /* MiB */
	uint64_t half_period;	/* of a square wave, in samples; 0: noise */
	unsigned most;
} hover_rows[] = {
	{"noise about warning", 150, 15, 0, 1},
	{"noise about soft", 100, 10, 0, 2},
	{"noise about hard", 50, 5, 0, 3},
	{"every sample, from hard to calm", 100, 90, 1, 1},
	{"every second, about soft", 100, 40, 10, 2},
	{"every 4.9 s, about soft", 100, 40, 49, 2},
	{"every 4.9 s, about warning", 150, 30, 49, 2},
	{"every 30 s: each is real", 150, 30, 300, 20},
};

static void test_hovering(void **state)
{
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hover_rows); i++) {
		struct random r = {UINT64_C(0x5eed0004)};
		unsigned announcements = 0;
		struct policy p;

		policy_init(&p, &config, 0);
		for (uint64_t n = 0; n < 6000; n++) {
			uint64_t swing = hover_rows[i].swing * MIB,
				 half = hover_rows[i].half_period;
			uint64_t low = hover_rows[i].middle * MIB - swing;
			uint64_t available = half > 0 ? low + n / half % 2 * 2 * swing
						      : low + random_below(&r, 2 * swing);

			announcements += look(&p, n * 100 * MSEC, available).announce;
		}
		if (announcements > hover_rows[i].most || announcements == 0)
			fail_msg("%s: %u announcements, expected 1 to %u", hover_rows[i].row,
				 announcements, hover_rows[i].most);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (enum level a = LEVEL_CALM; a <= LEVEL_HARD; a++) {
		CHECK("level", strcmp(level_name(a), "unknown") != 0);
		for (enum level b = LEVEL_CALM; b < a; b++)
			CHECK("level", strcmp(level_name(a), level_name(b)) != 0);
	}
	for (enum reason a = REASON_PLENTY; a <= REASON_STALL; a++) {
		CHECK("reason", strcmp(reason_name(a), "unknown") != 0);
		for (enum reason b = REASON_PLENTY; b < a; b++)
			CHECK("reason", strcmp(reason_name(a), reason_name(b)) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_period_awaiting),
		cmocka_unit_test(test_period_uncalm),
		cmocka_unit_test(test_fill_rate),
		cmocka_unit_test(test_sleep_is_no_stall),
		cmocka_unit_test(test_sleep_before_the_start),
		cmocka_unit_test(test_sleep_and_victim),
		cmocka_unit_test(test_sleep_and_rates),
		cmocka_unit_test(test_announce_up),
		cmocka_unit_test(test_announce_down),
		cmocka_unit_test(test_announce_is_the_level),
		cmocka_unit_test(test_announce_close_limits),
		cmocka_unit_test(test_announce_reason),
		cmocka_unit_test(test_hovering),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("policy-watch", tests, NULL, NULL);
}
