/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nobody tiny dies while a victim that was killed holds the memory and may yet die; but not for
 * ever, and not with Select=kernel. A machine of 1000 MiB: soft at 100, so tiny is below 12.5.
 */
#include "unit.h"

#include "core/config.h"
#include "core/policy.h"
#include "core/text.h"
#include "core/yield.h"

#define SEC UINT64_C(1000000)
#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)

#define START (UINT64_C(5000) * SEC)

static struct config config_of(const char *lines)
{
	struct config_loader l;

	config_loader_init(&l, NULL, NULL);
	config_loader_parse(&l, "test", lines, strlen(lines));
	return l.config;
}

static struct observation seen(uint64_t time_usec)
{
	return (struct observation){
		.sample = {.time_usec = time_usec,
			   .mem = {.total_bytes = 1000 * MIB, .available_bytes = 40 * MIB}},
		.scan = SCAN_VICTIM,
		.candidate = {4711, 99},
		.candidate_bytes = 800 * MIB,
	};
}

/* Kills one and gives it up, three seconds after START. */
static void give_up_one(struct policy *p, const struct config *config)
{
	struct observation o = seen(START);

	policy_init(p, config, 0);
	assert_int_equal(policy_step(p, &o).kind, ACTION_KILL);
	o = seen(START + 3 * SEC);
	o.scan = SCAN_NOT_DONE;
	o.victim = VICTIM_ALIVE;
	assert_int_equal(policy_step(p, &o).kind, ACTION_GIVE_UP);
}

static const struct {
	const char *name, *config;
	uint64_t stuck_kib, candidate_kib;
	uint64_t later_usec; /* since it was given up */
	bool dying;
	enum action_kind kind;
} rows[] = {
	{"a tiny one beside 800 MiB", "", 800 * KIB, 8 * KIB, 0, false, ACTION_BARREN},
	{"nobody is stuck", "", 0, 8 * KIB, 0, false, ACTION_KILL},
	{"it has enough to matter", "", 800 * KIB, 12800, 0, false, ACTION_KILL},
	{"a KiB less", "", 800 * KIB, 12799, 0, false, ACTION_BARREN},
	{"what is stuck is not much more", "", 64 * KIB, 8 * KIB, 0, false, ACTION_KILL},
	{"a KiB more", "", 64 * KIB + 8, 8 * KIB, 0, false, ACTION_BARREN},
	{"half a minute", "", 800 * KIB, 8 * KIB, 30 * SEC, false, ACTION_KILL},
	{"a moment before", "", 800 * KIB, 8 * KIB, 30 * SEC - 1, false, ACTION_BARREN},
	{"who is dying is awaited", "", 800 * KIB, 8 * KIB, 0, true, ACTION_ADOPT},
	{"the kernel goes on", "[Kill]\nSelect=kernel\n", 800 * KIB, 8 * KIB, 0, false,
	 ACTION_KILL},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config config = config_of(rows[i].config);
		struct observation o = seen(START + 3 * SEC + rows[i].later_usec);
		struct policy p;
		struct action a;

		give_up_one(&p, &config);
		o.stuck_bytes = rows[i].stuck_kib * KIB;
		o.candidate_bytes = rows[i].candidate_kib * KIB;
		o.candidate_dying = rows[i].dying;
		a = policy_step(&p, &o);
		CHECK_INT(rows[i].name, a.kind, rows[i].kind);
		CHECK_INT(rows[i].name, a.stuck_bytes, a.kind == ACTION_BARREN ? o.stuck_bytes : 0);
	}
}

/* Who was never given up is nobody's excuse, whatever is said of him. */
static void test_nobody_given_up(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START);
	struct policy p;

	(void)state;
	policy_init(&p, &config, 0);
	o.stuck_bytes = 800 * MIB;
	o.candidate_bytes = MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_KILL);
}

/* Said once; looked again each second, at any level; and after half a minute somebody dies. */
static void test_time(void **state)
{
	struct config config = config_of("");
	unsigned said = 0, scans = 0;
	struct policy p;

	(void)state;
	give_up_one(&p, &config);
	for (uint64_t usec = 0;; usec += SEC / 10) {
		struct observation o = seen(START + 3 * SEC + usec);
		struct action a;

		o.sample.mem.available_bytes = 90 * MIB;
		o.stuck_bytes = 800 * MIB;
		o.candidate_bytes = 8 * MIB;
		o.scan = SCAN_NOT_DONE;
		a = policy_step(&p, &o);
		scans += a.kind == ACTION_SCAN;
		if (a.kind == ACTION_SCAN) {
			o.scan = SCAN_VICTIM;
			a = policy_step(&p, &o);
		}
		said += a.kind == ACTION_BARREN;
		if (a.kind == ACTION_TERM) {
			assert_int_equal(usec, 30 * SEC);
			break;
		}
		assert_true(usec < 30 * SEC);
	}
	assert_int_equal(said, 1);
	assert_int_equal(scans, 31);
}

/*
 * 700 MiB went to a tmpfs minutes ago, and then nothing went anywhere: what has begun since is
 * another shortage, and a page more or less makes no difference. Soft is at 100 MiB.
 */
static const struct {
	const char *name;
	int64_t reserve_kib, shmem_kib; /* more than when it was calm */
	bool gone;
} since_calm_rows[] = {
	{"nothing has moved", 0, 0, false},
	{"a page of the tmpfs", 0, 4, false},
	{"a page less is left", -4, 0, false},
	{"that very page", -4, 4, false},
	{"more is left", 4096, 0, false},
	{"some MiB, and all of what has gone", -6 * 1024, 6 * 1024, false},
	{"some more", -7 * 1024, 7 * 1024, true},
	{"less than half of what has gone", -100 * 1024, 49 * 1024, false},
	{"half of it", -100 * 1024, 50 * 1024, true},
};

static void test_since_calm(void **state)
{
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(since_calm_rows); i++) {
		struct observation o = seen(START);
		struct policy p;

		policy_init(&p, &config, 0);
		p.has_before = true;
		p.before = (struct before){START - 300 * SEC, 900 * MIB, 0};
		p.calm = (struct before){START - SEC, 200 * MIB, 700 * MIB};
		o.sample.mem.available_bytes = 200 * MIB +
					       (uint64_t)since_calm_rows[i].reserve_kib * KIB;
		o.sample.mem.shmem_bytes = 700 * MIB + (uint64_t)since_calm_rows[i].shmem_kib * KIB;
		o.candidate_bytes = 300 * MIB;
		CHECK_INT(since_calm_rows[i].name, yield_gone_elsewhere(&p, &o) > 0,
			  since_calm_rows[i].gone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nobody_given_up),
		cmocka_unit_test(test_since_calm),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests_name("yield", tests, NULL, NULL);
}
