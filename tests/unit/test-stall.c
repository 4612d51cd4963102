/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thrash: what of lost time counts, held from both sides of each constant of stall.c.
 */
#include "unit.h"

#include "policy-seen.h"

static void test_thrash(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	/* Half of 10 s: reached after 5 s that are lost altogether, not before. */
	stalls_init(&s, "", 150 * MIB);
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_WARNING);
	assert_int_equal(a.stall_permyriad, 4900);
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_SOFT);
	assert_int_equal(a.reason, REASON_THRASH);
	assert_int_equal(a.kind, ACTION_SCAN);
	assert_int_equal(a.stall_permyriad, 5000);
	s.o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&s.policy, &s.o).kind, ACTION_TERM);

	/* Those stalls were this victim's: after it a new count begins. */
	s.o.scan = SCAN_NOT_DONE;
	s.o.victim = VICTIM_DEAD;
	s.o.sample.mem.available_bytes = 600 * MIB;
	assert_int_equal(policy_step(&s.policy, &s.o).kind, ACTION_SETTLED);
	s.o.victim = VICTIM_NONE;
	s.o.sample.mem.available_bytes = 150 * MIB;
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_WARNING);

	/* Just under the limit is not it, for however long; at the limit it is. */
	stalls_init(&s, "", 150 * MIB);
	a = stalls_go(&s, 60 * SEC, 4990);
	assert_int_equal(a.stall_permyriad, 4990);
	assert_int_equal(a.level, LEVEL_WARNING);
	assert_int_equal(a.reason, REASON_EXHAUSTION);
	stalls_init(&s, "", 150 * MIB);
	a = stalls_go(&s, 60 * SEC, 5000);
	assert_int_equal(a.level, LEVEL_SOFT);

	/* At the hard limit exhaustion is the reason, thrashing or not. */
	s.o.sample.mem.available_bytes = 50 * MIB;
	a = stalls_go(&s, 100 * MSEC, 5000);
	assert_int_equal(a.level, LEVEL_HARD);
	assert_int_equal(a.reason, REASON_EXHAUSTION);
	s.o.sample.mem.available_bytes = 100 * MIB;
	a = stalls_go(&s, 100 * MSEC, 5000);
	assert_int_equal(a.level, LEVEL_SOFT);
	assert_int_equal(a.reason, REASON_EXHAUSTION);
}

static void test_thrash_with_swap(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	/* Thrashing to swap, which is where it happens: free swap does not help. */
	stalls_init(&s, "", 150 * MIB);
	s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
	a = stalls_go(&s, 5 * SEC, 10000);
	assert_int_equal(a.level, LEVEL_SOFT);
	assert_int_equal(a.reason, REASON_THRASH);
	/* By level, SIGTERM is as far as it goes; by time, not. */
	s.o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&s.policy, &s.o).kind, ACTION_TERM);
	s.o.victim = VICTIM_ALIVE;
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(a.kind, ACTION_NONE);
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_int_equal(a.kind, ACTION_ESCALATE);
}

/* As stalls_go(), with all of the time lost for some, and reclaim that is read ten times a second.
 */
static struct action reclaim_go(struct stalls *s, uint64_t usec, uint64_t full_permyriad,
				uint64_t refaults, uint64_t reclaimed)
{
	struct action a = {};

	s->o.sample.has_vmstat = true;
	for (uint64_t t = 0; t < usec; t += 100 * MSEC) {
		s->o.sample.psi.some_total_usec += 100 * MSEC;
		s->o.sample.vmstat.refault_anon += refaults / 2;
		s->o.sample.vmstat.refault_file += refaults - refaults / 2;
		s->o.sample.vmstat.activate_file += refaults / 16;
		s->o.sample.vmstat.steal_kswapd += reclaimed / 2;
		s->o.sample.vmstat.steal_direct += reclaimed - reclaimed / 2;
		a = stalls_go(s, 100 * MSEC, full_permyriad);
	}
	return a;
}

static void reclaim_init(struct stalls *s, const char *config_lines, uint64_t available)
{
	stalls_init(s, config_lines, available);
	/* before our time */
	s->o.sample.psi.some_total_usec = 999 * SEC;
	s->o.sample.vmstat.steal_kswapd = 1 << 30;
	s->o.sample.has_vmstat = true;
	policy_init(&s->policy, &s->config, 0);
	policy_step(&s->policy, &s->o);
}

/* Others still run, so that full alone would be blind: the mean of both lines counts. */
static void test_thrash_of_some(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	reclaim_init(&s, "", 50 * MIB);
	s.o.sample.mem.swap_total_bytes = 1000 * MIB;
	s.o.sample.mem.swap_free_bytes = 500 * MIB;
	a = reclaim_go(&s, 8200 * MSEC, 2000, 1000, 1100);
	assert_int_equal(a.stall_permyriad, 4920);
	assert_int_equal(a.level, LEVEL_WARNING);
	assert_int_equal(a.reason, REASON_SWAP_LEFT);
	a = reclaim_go(&s, 200 * MSEC, 2000, 1000, 1100);
	assert_int_equal(a.level, LEVEL_SOFT);
	assert_int_equal(a.reason, REASON_THRASH);
	assert_int_equal(a.kind, ACTION_SCAN);

	/* one waits, many run: not for that */
	reclaim_init(&s, "", 50 * MIB);
	s.o.sample.mem.swap_total_bytes = 1000 * MIB;
	s.o.sample.mem.swap_free_bytes = 500 * MIB;
	a = reclaim_go(&s, 60 * SEC, 0, 1000, 1100);
	assert_int_equal(a.stall_permyriad, 5000);
}

static const struct {
	const char *row;
	uint64_t refaults, reclaimed; /* pages in 100 ms */
	uint64_t full_permyriad;      /* beside all of the time for some: the mean is lost */
	enum reason reason;
} reclaim_rows[] = {
	{"nothing is reclaimed", 0, 0, 9000, REASON_RECLAIM},
	{"idle pages move to swap", 10, 5000, 9000, REASON_RECLAIM},
	{"a file streams by", 0, 20000, 9000, REASON_RECLAIM},
	{"just below an eighth", 124, 1000, 4900, REASON_RECLAIM},
	{"an eighth", 125, 1000, 4900, REASON_THRASH},
	{"all comes back", 1000, 1000, 4900, REASON_THRASH},
	{"more comes back than was taken since", 3000, 1000, 4900, REASON_THRASH},
	{"all of next to nothing", 2, 2, 9000, REASON_RECLAIM},
	{"a slow disk", 20, 30, 4900, REASON_THRASH},
	{"less than three quarters lost, beside a leak into a slow disk", 14, 5000, 4900,
	 REASON_RECLAIM},
	{"three quarters lost", 14, 5000, 5100, REASON_THRASH},
	{"and not 64 pages a second are missed", 12, 5000, 9000, REASON_RECLAIM},
};

/* What comes back once, of cold pages that are moved to a slow disk, is not missed for ever. */
static void test_comes_back_once(void **state)
{
	struct stalls s;

	(void)state;
	reclaim_init(&s, "", 50 * MIB);
	s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
	assert_int_equal(reclaim_go(&s, 7 * SEC, 9000, 400, 50000).reason, REASON_RECLAIM);
	assert_int_equal(reclaim_go(&s, 8 * SEC, 9000, 0, 50000).reason, REASON_RECLAIM);
	/* 70 pages a second: in half of the window there have to be 320 */
	assert_int_equal(reclaim_go(&s, 4 * SEC, 9000, 14, 50000).reason, REASON_RECLAIM);
	assert_int_equal(reclaim_go(&s, 6 * SEC, 9000, 14, 50000).reason, REASON_THRASH);
}

/* Where the disk falls behind, what was written to it was taken, though it is not reclaimed yet. */
static void test_on_its_way(void **state)
{
	static const uint64_t written[] = {0, 1200, 1201};
	static const enum reason reasons[] = {REASON_THRASH, REASON_THRASH, REASON_RECLAIM};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		struct stalls s;
		struct action a = {};

		reclaim_init(&s, "", 50 * MIB);
		s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
		for (unsigned n = 0; n < 120; n++) {
			s.o.sample.vmstat.swap_out += written[i];
			a = reclaim_go(&s, 100 * MSEC, 4900, 150, 400);
		}
		assert_int_equal(a.reason, reasons[i]);
	}
}

static void test_reclaim(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reclaim_rows); i++) {
		bool thrash = reclaim_rows[i].reason == REASON_THRASH;
		const char *row = reclaim_rows[i].row;
		struct stalls s;
		struct action a;

		reclaim_init(&s, "", 50 * MIB);
		s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
		a = reclaim_go(&s, 30 * SEC, reclaim_rows[i].full_permyriad,
			       reclaim_rows[i].refaults, reclaim_rows[i].reclaimed);
		CHECK_INT(row, a.reason, reclaim_rows[i].reason);
		CHECK_INT(row, a.level, thrash ? LEVEL_SOFT : LEVEL_WARNING);
		CHECK_INT(row, a.kind, thrash ? ACTION_SCAN : ACTION_NONE);
		/* with memory available it is neither */
		s.o.sample.mem.available_bytes = 151 * MIB;
		a = reclaim_go(&s, SEC, 9000, reclaim_rows[i].refaults, reclaim_rows[i].reclaimed);
		CHECK_INT(row, a.reason, REASON_STALL);
		/* where memory and swap are both at their end, time lost adds nothing */
		s.o.sample.mem.available_bytes = 50 * MIB;
		s.o.sample.mem.swap_free_bytes = 0;
		a = reclaim_go(&s, SEC, 9000, reclaim_rows[i].refaults, reclaim_rows[i].reclaimed);
		CHECK_INT(row, a.reason, REASON_EXHAUSTION);
		CHECK_INT(row, a.level, LEVEL_HARD);
	}
}

static const struct {
	const char *row;
	uint64_t available, refaults, reclaimed; /* MiB; pages in 100 ms */
	uint64_t some_permyriad, full_permyriad;
	enum reason reason;
	uint64_t files, activated; /* pages in 100 ms */
} io_rows[] = {
	{"all comes back", 50, 100, 100, 9000, 3000, REASON_THRASH},
	{"half comes back", 50, 50, 100, 9000, 3000, REASON_THRASH},
	{"less than half", 50, 49, 100, 9000, 3000, REASON_SWAP_LEFT},
	{"64 pages a second", 50, 7, 7, 9000, 3000, REASON_THRASH},
	{"a disk that is busy for others", 50, 6, 6, 10000, 10000, REASON_SWAP_LEFT},
	{"files", 50, 0, 100, 9000, 3000, REASON_THRASH, 96, 6},
	{"files in a circle", 50, 0, 100, 9000, 3000, REASON_SWAP_LEFT, 96, 5},
	{"beside what comes back from swap", 50, 50, 100, 9000, 3000, REASON_THRASH, 96, 5},
	{"below the limit", 50, 100, 100, 6000, 3000, REASON_SWAP_LEFT},
	{"with memory available", 151, 100, 100, 10000, 10000, REASON_PLENTY},
};

/* The kernel takes nothing of it for a stall of memory: a tenth of the time at most. */
static void test_io(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(io_rows); i++) {
		struct stalls s;
		struct action a = {};

		stalls_init(&s, "", io_rows[i].available * MIB);
		s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
		s.o.sample.has_vmstat = s.o.sample.has_io = true;
		for (unsigned t = 0; t < 150; t++) {
			s.o.sample.vmstat.refault_anon += io_rows[i].refaults;
			s.o.sample.vmstat.refault_file += io_rows[i].files;
			s.o.sample.vmstat.activate_file += io_rows[i].activated;
			s.o.sample.vmstat.steal_kswapd += io_rows[i].reclaimed;
			s.o.sample.io.some_total_usec += 10 * io_rows[i].some_permyriad;
			s.o.sample.io.full_total_usec += 10 * io_rows[i].full_permyriad;
			a = stalls_go(&s, 100 * MSEC, 1000);
		}
		CHECK_INT(io_rows[i].row, a.reason, io_rows[i].reason);
		CHECK_UINT(io_rows[i].row, a.stall_permyriad,
			   a.reason == REASON_THRASH ? 6000 : 1000);
	}
}

/* Counters that go back are another history, not a number of 64 bits. */
static void test_reclaim_wraps(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	reclaim_init(&s, "", 50 * MIB);
	s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
	a = reclaim_go(&s, 4 * SEC, 10000, 1000, 1000);
	assert_int_equal(a.stall_permyriad, 4000);
	s.o.sample.vmstat = (struct vmstat){};
	a = reclaim_go(&s, 4900 * MSEC, 10000, 0, 1000);
	assert_in_range(a.stall_permyriad, 4700, 4900);
	a = reclaim_go(&s, 200 * MSEC, 10000, 0, 1000);
	assert_int_equal(a.reason, REASON_RECLAIM);
}

static const struct {
	const char *row;
	uint64_t available, refaults, reclaimed; /* MiB; pages in 100 ms */
	uint64_t memory_permyriad, io_permyriad; /* of others */
	enum reason reason;
	uint64_t whole_permyriad; /* of all together; a tenth unless set */
} others_rows[] = {
	{"a quarter", 50, 125, 1000, 2500, 0, REASON_THRASH},
	{"less", 50, 125, 1000, 2490, 0, REASON_SWAP_LEFT},
	{"all of it, but nothing comes back", 50, 124, 1000, 10000, 0, REASON_SWAP_LEFT},
	{"with memory available", 151, 1000, 1000, 10000, 10000, REASON_PLENTY},
	{"to I/O", 50, 50, 100, 0, 2500, REASON_THRASH},
	{"to I/O, but less", 50, 50, 100, 0, 2490, REASON_SWAP_LEFT},
	{"to I/O, and too little comes back", 50, 49, 100, 0, 10000, REASON_SWAP_LEFT},
	{"to a disk that is busy for others", 50, 6, 6, 0, 10000, REASON_SWAP_LEFT},
	{"beside a leak into a slow disk", 50, 7, 1000, 4000, 0, REASON_THRASH, 5000},
	{"beside one, to I/O", 50, 7, 1000, 0, 4000, REASON_THRASH, 5000},
	{"beside one, but less", 50, 7, 1000, 3990, 3990, REASON_RECLAIM, 5000},
	{"beside one, and nothing comes back", 50, 6, 1000, 10000, 10000, REASON_RECLAIM, 5000},
	{"beside one that takes less of the time", 50, 7, 1000, 10000, 10000, REASON_SWAP_LEFT,
	 4990},
	{"beside one, with memory available", 151, 7, 1000, 10000, 10000, REASON_STALL, 5000},
};

/* All together lose some of the time, and a control group that is not the worst more. */
static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others_rows); i++) {
		uint64_t whole = others_rows[i].whole_permyriad;
		struct stalls s;
		struct action a = {};

		whole = whole > 0 ? whole : 1000;
		stalls_init(&s, "", others_rows[i].available * MIB);
		s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
		s.o.sample.has_vmstat = s.o.sample.has_io = s.o.sample.has_others = true;
		policy_init(&s.policy, &s.config, 0);
		policy_step(&s.policy, &s.o);
		for (uint64_t t = 0; t < 12 * SEC; t += 100 * MSEC) {
			s.o.sample.vmstat.refault_anon += others_rows[i].refaults;
			s.o.sample.vmstat.steal_direct += others_rows[i].reclaimed;
			s.o.sample.others.memory_usec += 10 * others_rows[i].memory_permyriad;
			s.o.sample.others.io_usec += 10 * others_rows[i].io_permyriad;
			a = stalls_go(&s, 100 * MSEC, whole);
		}
		CHECK_INT(others_rows[i].row, a.reason, others_rows[i].reason);
		CHECK_INT(others_rows[i].row, a.stall_of_others,
			  others_rows[i].reason == REASON_THRASH);
		/* nobody has looked */
		s.o.sample.has_others = false;
		a = stalls_go(&s, 100 * MSEC, whole);
		CHECK_INT(others_rows[i].row, a.stall_of_others, false);
	}
}

/* Beside a leak into a slow disk: who waits two seconds for memory and two for I/O has lost four.
 */
static void test_others_alternate(void **state)
{
	static const struct {
		uint64_t permyriad;
		enum reason reason;
	} rows[] = {{4200, REASON_THRASH}, {3800, REASON_RECLAIM}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct others *others;
		struct stalls s;
		struct action a = {};

		stalls_init(&s, "", 50 * MIB);
		others = &s.o.sample.others;
		s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
		s.o.sample.has_vmstat = s.o.sample.has_io = s.o.sample.has_others = true;
		policy_init(&s.policy, &s.config, 0);
		policy_step(&s.policy, &s.o);
		for (uint64_t t = 0; t < 12 * SEC; t += 100 * MSEC) {
			s.o.sample.vmstat.refault_anon += 7;
			s.o.sample.vmstat.steal_direct += 1000;
			*(t / (2 * SEC) % 2 ? &others->io_usec
					    : &others->memory_usec) += 10 * rows[i].permyriad;
			a = stalls_go(&s, 100 * MSEC, 5000);
		}
		CHECK_INT("alternate", a.reason, rows[i].reason);
	}
}

/* A slow look says late what was lost before our time: more than all of it cannot have been. */
static void test_others_late(void **state)
{
	struct stalls s;

	(void)state;
	stalls_init(&s, "", 50 * MIB);
	s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
	s.o.sample.has_vmstat = s.o.sample.has_io = s.o.sample.has_others = true;
	policy_init(&s.policy, &s.config, 0);
	policy_step(&s.policy, &s.o);
	for (uint64_t t = 0; t < 2400 * MSEC; t += 100 * MSEC) {
		s.o.sample.vmstat.refault_anon += 1000;
		s.o.sample.vmstat.steal_direct += 1000;
		if (t == 1000 * MSEC)
			s.o.sample.others.memory_usec += 10 * SEC;
		CHECK_INT("late", stalls_go(&s, 100 * MSEC, 1000).reason, REASON_SWAP_LEFT);
	}
	/* a quarter of the window, and it may have been lost since */
	s.o.sample.vmstat.refault_anon += 1000;
	CHECK_INT("late", stalls_go(&s, 100 * MSEC, 1000).reason, REASON_THRASH);
}

static const struct {
	const char *row;
	uint64_t available, refaults, activated;    /* MiB; pages in 100 ms */
	uint64_t whole_permyriad, others_permyriad; /* to memory; to I/O */
	enum reason reason;
} needed_rows[] = {
	{"all of it", 200, 528, 0, 1000, 2500, REASON_THRASH},
	{"not all of it", 200, 490, 490, 1000, 10000, REASON_PLENTY},
	{"nobody else loses time", 200, 528, 528, 1000, 2490, REASON_PLENTY},
	{"all together lose it", 200, 528, 33, 5000, 0, REASON_THRASH},
	{"all together, and little is in use", 200, 528, 32, 5000, 0, REASON_RECLAIM},
	{"twice WarningMemory=", 300, 784, 0, 1000, 2500, REASON_THRASH},
	{"more than that", 301, 7840, 7840, 1000, 10000, REASON_PLENTY},
	{"little", 150, 64, 0, 1000, 2500, REASON_THRASH},
	{"little, all together", 150, 64, 4, 5000, 0, REASON_THRASH},
	{"little, all together, but not in use", 150, 64, 3, 5000, 0, REASON_RECLAIM},
};

/* More than WarningMemory= is available, and read again and again. */
static void test_available_is_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(needed_rows); i++) {
		struct stalls s;
		struct action a = {};

		stalls_init(&s, "", needed_rows[i].available * MIB);
		s.o.sample.page_bytes = 4096;
		s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
		s.o.sample.has_vmstat = s.o.sample.has_io = s.o.sample.has_others = true;
		policy_init(&s.policy, &s.config, 0);
		policy_step(&s.policy, &s.o);
		for (uint64_t t = 0; t < 12 * SEC; t += 100 * MSEC) {
			s.o.sample.vmstat.refault_file += needed_rows[i].refaults;
			s.o.sample.vmstat.activate_file += needed_rows[i].activated;
			s.o.sample.vmstat.steal_direct += needed_rows[i].refaults;
			s.o.sample.others.io_usec += 10 * needed_rows[i].others_permyriad;
			a = stalls_go(&s, 100 * MSEC, needed_rows[i].whole_permyriad);
		}
		CHECK_INT(needed_rows[i].row, a.reason, needed_rows[i].reason);
	}
}

/* What was read again before anybody looked is not of the last seconds. */
static void test_available_was_needed(void **state)
{
	struct stalls s;

	(void)state;
	stalls_init(&s, "", 200 * MIB);
	s.o.sample.page_bytes = 4096;
	s.o.sample.vmstat.refault_file = s.o.sample.vmstat.activate_file = 1 << 30;
	s.o.sample.mem.swap_total_bytes = s.o.sample.mem.swap_free_bytes = 4 * GIB;
	stalls_go(&s, 5 * SEC, 5000);
	s.o.sample.has_vmstat = true;
	assert_int_equal(stalls_go(&s, 5100 * MSEC, 5000).reason, REASON_STALL);
	assert_int_equal(stalls_go(&s, 12 * SEC, 5000).reason, REASON_STALL);
}

/* vmstat is asked for when time is lost and what is known is old, not before and not always. */
static void test_look_closer(void **state)
{
	struct stalls s;
	unsigned asked = 0;
	struct action a;

	(void)state;
	stalls_init(&s, "", 151 * MIB);
	a = stalls_go(&s, 10 * SEC, 500);
	assert_false(a.look_closer);
	s.o.sample.mem.available_bytes = 150 * MIB; /* little is enough, but not for so often */
	for (unsigned i = 0; i < 100; i++) {
		s.o.sample.has_vmstat = a.look_closer;
		a = stalls_go(&s, 100 * MSEC, 500);
		asked += a.look_closer;
	}
	assert_in_range(asked, 8, 10);
	asked = 0;
	s.o.sample.has_vmstat = false;
	a = stalls_go(&s, SEC, 10000);
	assert_true(a.look_closer);
	for (unsigned i = 0; i < 100; i++) {
		s.o.sample.has_vmstat = a.look_closer;
		a = stalls_go(&s, 100 * MSEC, 10000);
		asked += a.look_closer;
	}
	assert_in_range(asked, 20, 34);
}

/* Who loses the time is asked once an eighth of the limit is lost, to memory or to I/O. */
static void test_ask_groups(void **state)
{
	struct stalls s;

	(void)state;
	stalls_init(&s, "", 50 * MIB);
	assert_false(stalls_go(&s, 12 * SEC, 620).ask_groups);
	assert_true(stalls_go(&s, 12 * SEC, 630).ask_groups);

	stalls_init(&s, "", 50 * MIB);
	s.o.sample.has_vmstat = s.o.sample.has_io = true;
	policy_init(&s.policy, &s.config, 0);
	assert_false(stalls_go(&s, 200 * MSEC, 0).ask_groups);
	s.o.sample.io.some_total_usec += 3 * SEC;
	assert_true(stalls_go(&s, 100 * MSEC, 0).ask_groups);
	s.o.sample.mem.available_bytes = 151 * MIB; /* the disk's own business */
	assert_false(stalls_go(&s, 100 * MSEC, 0).ask_groups);
}

static void test_stall_with_plenty(void **state)
{
	struct stalls s;
	struct action a = {};

	(void)state;
	stalls_init(&s, "", 150 * MIB + 1);
	s.o.scan = SCAN_VICTIM;
	for (int i = 0; i < 6000; i++) {
		a = stalls_go(&s, 100 * MSEC, 10000);
		assert_int_equal(a.kind, ACTION_NONE);
		assert_true(a.level <= LEVEL_WARNING);
	}
	assert_int_equal(a.reason, REASON_STALL);
	assert_int_equal(a.stall_permyriad, 10000);
	assert_int_equal(s.announcements, 1);

	/* It is over one window after the last stall, give or take a slot of the ring. */
	a = stalls_go(&s, 5 * SEC, 0);
	assert_in_range(a.stall_permyriad, 4900, 5500);
	a = stalls_go(&s, 5500 * MSEC, 0);
	assert_int_equal(a.stall_permyriad, 0);
	assert_int_equal(a.level, LEVEL_CALM);
}

/* The ring holds a window of any length, however often it is looked at. */
static void test_stall_windows(void **state)
{
	static const char *const configs[] = {"[Stall]\nStallWindow=1s\n", "",
					      "[Stall]\nStallWindow=300s\n"};
	static const uint64_t windows[] = {SEC, 10 * SEC, 300 * SEC};
	static const uint64_t periods[] = {5 * MSEC, 100 * MSEC, SEC};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(configs); c++) {
		for (size_t i = 0; i < ARRAY_SIZE(periods); i++) {
			struct stalls s;
			struct action a = {};
			uint64_t end;

			stalls_init(&s, configs[c], 150 * MIB + 1);
			for (end = START + 2 * windows[c]; s.o.sample.time_usec < end;) {
				s.o.sample.time_usec += periods[i];
				s.o.sample.psi.full_total_usec += periods[i] * 3 / 5;
				a = policy_step(&s.policy, &s.o);
			}
			CHECK_UINT(configs[c], a.stall_permyriad, 6000);
			CHECK_INT(configs[c], a.reason, REASON_STALL);
			/* A single gap as long as everything before is seen as it is. */
			s.o.sample.time_usec += 2 * windows[c];
			a = policy_step(&s.policy, &s.o);
			CHECK(configs[c], a.stall_permyriad < 3000);
		}
	}
}

static void test_psi_comes_and_goes(void **state)
{
	struct stalls s;
	struct action a;

	(void)state;
	stalls_init(&s, "", 120 * MIB);
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_WARNING);

	/* Without PSI nothing is known to be lost, and totals are not looked at. */
	s.o.sample.has_psi = false;
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_int_equal(a.stall_permyriad, 0);
	assert_int_equal(a.level, LEVEL_WARNING);

	/* It is back with a total of any size: only what is lost from here on counts. */
	s.o.sample.has_psi = true;
	s.o.sample.psi.full_total_usec = UINT64_MAX / 2;
	a = policy_step(&s.policy, &s.o);
	assert_int_equal(a.stall_permyriad, 0);
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_WARNING);
	a = stalls_go(&s, 200 * MSEC, 10000);
	assert_int_equal(a.level, LEVEL_SOFT);

	/* A total that falls, or a clock that does, is another history. */
	s.o.sample.psi.full_total_usec = 0;
	a = policy_step(&s.policy, &s.o);
	assert_int_equal(a.stall_permyriad, 0);
	a = stalls_go(&s, 4900 * MSEC, 10000);
	assert_int_equal(a.stall_permyriad, 4900);
	s.o.sample.time_usec = START;
	a = policy_step(&s.policy, &s.o);
	assert_int_equal(a.stall_permyriad, 0);
	assert_int_equal(a.level, LEVEL_WARNING);
}

/* The second look is the first that has something to compare with. */
static void test_psi_falls_at_once(void **state)
{
	struct stalls s;

	(void)state;
	stalls_init(&s, "", 120 * MIB);
	s.o.sample.time_usec += SEC;
	s.o.sample.psi.full_total_usec = 0;
	assert_int_equal(policy_step(&s.policy, &s.o).stall_permyriad, 0);

	stalls_init(&s, "", 120 * MIB);
	s.o.sample.time_usec -= SEC;
	s.o.sample.psi.full_total_usec += 100 * SEC;
	assert_int_equal(policy_step(&s.policy, &s.o).stall_permyriad, 0);
}

static void test_stall_reconfigured(void **state)
{
	struct config other = config_of("[Stall]\nStallWindow=1s\n");
	struct stalls s;
	struct action a;

	(void)state;
	stalls_init(&s, "", 120 * MIB);
	stalls_go(&s, 4900 * MSEC, 10000);
	policy_configure(&s.policy, &other);
	a = stalls_go(&s, 500 * MSEC, 10000);
	assert_int_equal(a.stall_permyriad, 4000); /* the first of five samples begins anew */
	a = stalls_go(&s, 100 * MSEC, 10000);
	assert_int_equal(a.reason, REASON_THRASH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thrash),
		cmocka_unit_test(test_thrash_with_swap),
		cmocka_unit_test(test_thrash_of_some),
		cmocka_unit_test(test_comes_back_once),
		cmocka_unit_test(test_on_its_way),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_reclaim_wraps),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_others_alternate),
		cmocka_unit_test(test_others_late),
		cmocka_unit_test(test_ask_groups),
		cmocka_unit_test(test_available_is_needed),
		cmocka_unit_test(test_available_was_needed),
		cmocka_unit_test(test_look_closer),
		cmocka_unit_test(test_stall_with_plenty),
		cmocka_unit_test(test_stall_windows),
		cmocka_unit_test(test_psi_comes_and_goes),
		cmocka_unit_test(test_psi_falls_at_once),
		cmocka_unit_test(test_stall_reconfigured),
	};

	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
