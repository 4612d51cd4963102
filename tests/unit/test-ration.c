/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of the time a ration gives away, whatever a step takes.
 */
#include "core/ration.h"
#include "unit.h"

#define SLOT_USEC   20000
#define RATION_USEC 500

/* The share of a second, in percent, of who always wants more and needs so long for each step. */
static unsigned share(uint64_t step_usec)
{
	struct ration r = {.slot_usec = SLOT_USEC, .usec = RATION_USEC};
	uint64_t now = 7777777, end = now + 100 * (SLOT_USEC + step_usec), spent = 0, begun = now;

	while (now < end) {
		if (!ration_is_left(&r, now)) {
			assert_true(ration_next_usec(&r) > now);
			now = ration_next_usec(&r);
			assert_true(ration_is_left(&r, now));
		}
		ration_spend(&r, now, now + step_usec);
		now += step_usec;
		spent += step_usec;
	}
	return (unsigned)(spent * 100 / (now - begun));
}

static const struct {
	const char *row;
	uint64_t step_usec;
	unsigned at_most;
} share_rows[] = {
	{"too short to be seen", 0, 0},
	{"a microsecond", 1, 3},
	{"a few", 60, 3},
	{"all of it", RATION_USEC, 3},
	{"a millisecond", 1000, 5},
	{"nearly a slot", SLOT_USEC - 1, 50},
	{"a slot", SLOT_USEC, 50},
	{"more than that", 50000, 72},
};

static void test_share(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(share_rows); i++)
		CHECK(share_rows[i].row, share(share_rows[i].step_usec) <= share_rows[i].at_most);
}

/* However long a step was: a slot's time for everything else comes after it. */
static void test_slot_between(void **state)
{
	static const uint64_t steps[] = {RATION_USEC, SLOT_USEC, 400000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct ration r = {.slot_usec = SLOT_USEC, .usec = RATION_USEC};
		uint64_t now = 100;

		assert_true(ration_is_left(&r, now));
		ration_spend(&r, now, now + steps[i]);
		now += steps[i];
		assert_false(ration_is_left(&r, now));
		assert_false(ration_is_left(&r, now + SLOT_USEC - 1));
		assert_int_equal(ration_next_usec(&r), now + SLOT_USEC);
		assert_true(ration_is_left(&r, now + SLOT_USEC));
	}
}

/* What is not used does not add up. */
static void test_idle(void **state)
{
	struct ration r = {.slot_usec = SLOT_USEC, .usec = RATION_USEC};
	uint64_t now = 1000000000;

	(void)state;
	assert_true(ration_is_left(&r, now));
	ration_spend(&r, now, now + RATION_USEC - 1);
	assert_true(ration_is_left(&r, now + RATION_USEC));
	ration_spend(&r, now + RATION_USEC, now + RATION_USEC);
	assert_false(ration_is_left(&r, now + RATION_USEC));
	/* a clock that goes back is none of ours, and ends nothing for ever */
	assert_false(ration_is_left(&r, 0));
	assert_true(ration_is_left(&r, now + 2 * SLOT_USEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_slot_between),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
