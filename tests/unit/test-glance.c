/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a glance is enough and when a sample is due; and that a machine which uses memory faster
 * than was measured is looked at more often.
 */
#include "unit.h"

#include "core/glance.h"

#define SEC UINT64_C(1000000)
#define GIB (UINT64_C(1) << 30)

/* Nothing may depend on the clock beginning at 0. */
#define START (UINT64_C(5000) * SEC)

struct machine {
	struct config config;
	struct policy policy;
	struct calm calm;
	uint64_t usec; /* since the start */
};

/* 16 GiB, most of it free, that one GiB a second at most is taken from; soft at 1 GiB. */
static struct sample sample_of(const struct machine *m)
{
	return (struct sample){
		.time_usec = START + m->usec,
		.mem = {.total_bytes = 16 * GIB, .available_bytes = 14 * GIB},
	};
}

static void look(struct machine *m)
{
	struct observation o = {.sample = sample_of(m)};

	(void)policy_step(&m->policy, &o);
	calm_note_sample(&m->calm, &m->config, &o.sample);
}

static void begin(struct machine *m)
{
	struct config_loader defaults;

	*m = (struct machine){};
	config_loader_init(&defaults, NULL, NULL);
	m->config = defaults.config;
	policy_init(&m->policy, &m->config, GIB);
	look(m);
}

/* The period until the next look; 0: a sample is due. */
static uint64_t glance(struct machine *m, uint64_t after_usec, uint64_t free_bytes)
{
	uint64_t next = 0;

	m->usec += after_usec;
	const struct glance now = {
		.time_usec = START + m->usec,
		.total_bytes = 16 * GIB,
		.free_bytes = free_bytes,
	};
	return calm_glance(&m->calm, &m->policy, &now, &next) ? next - now.time_usec : 0;
}

static void test_period(void **state)
{
	struct machine m;

	(void)state;
	begin(&m);
	CHECK_UINT("ample: the longest period", glance(&m, SEC, 12 * GIB), 5 * SEC);
	begin(&m);
	CHECK_UINT("by headroom and rate", glance(&m, SEC, 4 * GIB), 3 * SEC);
	begin(&m);
	CHECK_UINT("a second is worth it", glance(&m, SEC, 2 * GIB), SEC);
	CHECK_UINT("less is not", glance(&m, SEC, 2 * GIB - 1), 0);
	begin(&m);
	CHECK_UINT("below the limit", glance(&m, SEC, GIB / 2), 0);
	CHECK_UINT("nothing", glance(&m, SEC, 0), 0);
	CHECK_UINT("no overflow", glance(&m, SEC, UINT64_MAX), 5 * SEC);
}

/* What is free and not available is nobody's. */
static void test_watermarks(void **state)
{
	struct machine m;
	struct sample s;

	(void)state;
	begin(&m);
	s = sample_of(&m);
	s.mem.free_bytes = 12 * GIB;
	s.mem.available_bytes = 11 * GIB;
	s.mem.pcp_bytes = GIB / 2;
	s.mem.arc_bytes = GIB / 2;
	calm_note_sample(&m.calm, &m.config, &s);
	CHECK_UINT("two GiB less", glance(&m, SEC, 6 * GIB), 3 * SEC);
	CHECK_UINT("at the limit", glance(&m, SEC, 3 * GIB), 0);
}

static void test_sample_is_due(void **state)
{
	struct machine m;
	struct glance now = {.total_bytes = 16 * GIB, .free_bytes = 12 * GIB};
	uint64_t next;

	(void)state;
	begin(&m);
	for (unsigned i = 0; i < 29; i++)
		CHECK_UINT("within half a minute", glance(&m, SEC, 12 * GIB), 5 * SEC);
	CHECK_UINT("after half a minute", glance(&m, SEC, 12 * GIB), 0);
	look(&m);
	CHECK_UINT("and not any more", glance(&m, SEC, 12 * GIB), 5 * SEC);

	now.time_usec = START + m.usec;
	now.total_bytes++;
	assert_false(calm_glance(&m.calm, &m.policy, &now, &next));
	now.total_bytes--;
	assert_true(calm_glance(&m.calm, &m.policy, &now, &next));
	now.swap_total_bytes = GIB;
	assert_false(calm_glance(&m.calm, &m.policy, &now, &next));

	m.policy.announced_level = LEVEL_WARNING;
	CHECK_UINT("not calm", glance(&m, SEC, 12 * GIB), 0);
	m.policy.announced_level = LEVEL_CALM;
	m.policy.phase = PHASE_AWAITING;
	CHECK_UINT("a victim is awaited", glance(&m, SEC, 12 * GIB), 0);

	begin(&m);
	m.calm = (struct calm){};
	CHECK_UINT("never seen a sample", glance(&m, SEC, 12 * GIB), 0);
}

static void test_rate(void **state)
{
	struct machine m;

	(void)state;
	begin(&m);
	CHECK_UINT("before", glance(&m, SEC, 13 * GIB), 5 * SEC);
	CHECK_UINT("2 GiB within a second", glance(&m, SEC, 11 * GIB), 5 * SEC);
	CHECK_UINT("count for a while", glance(&m, SEC, 9 * GIB), 4 * SEC);
	begin(&m);
	CHECK_UINT("before", glance(&m, SEC, 13 * GIB), 5 * SEC);
	CHECK_UINT("a sample is due, and the rate is learned", glance(&m, SEC, GIB), 0);
	look(&m);
	CHECK_UINT("at most four times the drill's", glance(&m, SEC, 9 * GIB), 2 * SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_watermarks),
		cmocka_unit_test(test_sample_is_due),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
