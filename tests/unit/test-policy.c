/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy on a machine of 1000 MiB, where a percent is 10 MiB: soft at 100, hard at 50, warning
 * at 150. Scenarios are tables of what is seen when and what is to be done; each constant of
 * policy.c is held from both sides.
 */
#include "unit.h"

#include "core/config.h"
#include "core/policy.h"
#include "core/text.h"

#define MSEC UINT64_C(1000)
#define SEC  UINT64_C(1000000)
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)
#define TIB  (UINT64_C(1) << 40)

/* Nothing may depend on the clock beginning at 0. */
#define START (UINT64_C(5000) * SEC)

static void no_mistakes(void *userdata, const char *message)
{
	(void)userdata;
	fail_msg("%s", message);
}

/* The defaults and these lines. */
static struct config config_of(const char *lines)
{
	struct config_loader l;

	config_loader_init(&l, no_mistakes, NULL);
	config_loader_parse(&l, "test", lines, strlen(lines));
	return l.config;
}

static struct observation seen(uint64_t time_usec, uint64_t available, uint64_t swap_total,
			       uint64_t swap_free)
{
	return (struct observation){
		.sample = {.time_usec = time_usec,
			   .mem = {.total_bytes = 1000 * MIB,
				   .available_bytes = available,
				   .swap_total_bytes = swap_total,
				   .swap_free_bytes = swap_free}},
		.candidate = {4711, 99},
		.candidate_bytes = 400 * MIB,
	};
}

/* ---- limits ---- */

static const struct {
	const char *row, *config;
	uint64_t memory_total, swap_total;
	uint64_t memory[3], swap[3]; /* warning, soft, hard */
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
};

static void test_levels(void **state)
{
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(level_rows); i++) {
		const char *row = level_rows[i].row;
		struct observation o = seen(START, level_rows[i].available,
					    level_rows[i].swap_total, level_rows[i].swap_free);
		struct policy p;
		struct action a;

		policy_init(&p, &config, 0);
		a = policy_step(&p, &o);
		CHECK_STR(row, level_name(a.level), level_name(level_rows[i].level));
		CHECK_STR(row, reason_name(a.reason), reason_name(level_rows[i].reason));
		CHECK_INT(row, a.kind, a.level >= LEVEL_SOFT ? ACTION_SCAN : ACTION_NONE);
		CHECK_INT(row, a.announce, a.level > LEVEL_CALM);
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

/* ---- scenarios ---- */

struct step {
	uint64_t usec;	    /* since the start */
	uint64_t available; /* MiB */
	enum scan_outcome scan;
	enum victim_state victim;
	enum action_kind kind;
	/* 0 when left out: */
	uint64_t swap_total, swap_free; /* MiB */
	bool dying;
	enum release release;
	bool aside;
	bool requested;
	uint64_t kernel_kills; /* of vmstat, which 0 leaves unread */
};

static const char *const kind_names[] = {
	[ACTION_NONE] = "none",	      [ACTION_SCAN] = "scan",
	[ACTION_TERM] = "term",	      [ACTION_KILL] = "kill",
	[ACTION_ADOPT] = "adopt",     [ACTION_ESCALATE] = "escalate",
	[ACTION_SETTLED] = "settled", [ACTION_RELEASED] = "released",
	[ACTION_GIVE_UP] = "give up", [ACTION_BARREN] = "barren",
};

#define NO_SCAN SCAN_NOT_DONE
#define NOBODY	SCAN_NOBODY
#define VICTIM	SCAN_VICTIM
#define NO_ONE	VICTIM_NONE
#define ALIVE	VICTIM_ALIVE
#define DEAD	VICTIM_DEAD

static void run_steps(const char *name, const char *config_lines, const struct step *steps,
		      size_t count)
{
	struct config config = config_of(config_lines);
	struct policy p;

	policy_init(&p, &config, GIB);
	for (size_t i = 0; i < count; i++) {
		const struct step *s = &steps[i];
		struct observation o = seen(START + s->usec, s->available * MIB,
					    s->swap_total * MIB, s->swap_free * MIB);
		struct action a;

		o.scan = s->scan;
		o.victim = s->victim;
		o.candidate_dying = s->dying;
		o.victim_release = s->release;
		o.stand_aside = s->aside;
		o.requested = s->requested;
		o.sample.has_vmstat = s->kernel_kills > 0;
		o.sample.vmstat.oom_kill = s->kernel_kills;
		a = policy_step(&p, &o);
		if (a.kind != s->kind)
			fail_msg("%s, step %zu at %llu us: %s, expected %s", name, i,
				 (unsigned long long)s->usec, kind_names[a.kind],
				 kind_names[s->kind]);
		/* What is due at once is asked for at once. */
		if (a.kind == ACTION_SCAN || a.kind == ACTION_SETTLED ||
		    a.kind == ACTION_RELEASED || a.kind == ACTION_GIVE_UP)
			CHECK_UINT(name, a.next_usec, o.sample.time_usec);
		else
			CHECK(name, a.next_usec >= o.sample.time_usec + 5 * MSEC);
	}
}

#define RUN(name, config, ...)                                       \
	do {                                                         \
		static const struct step steps_[] = {__VA_ARGS__};   \
		run_steps(name, config, steps_, ARRAY_SIZE(steps_)); \
	} while (0)

static void test_soft(void **state)
{
	(void)state;
	RUN("SIGTERM, dead, memory back", "", {0, 900, NO_SCAN, NO_ONE, ACTION_NONE},
	    {SEC, 100, NO_SCAN, NO_ONE, ACTION_SCAN}, {SEC, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {SEC + 5000, 90, NO_SCAN, ALIVE, ACTION_NONE},
	    {SEC + 10000, 500, NO_SCAN, DEAD, ACTION_SETTLED},
	    {SEC + 10000, 500, NO_SCAN, NO_ONE, ACTION_NONE});
	RUN("the second look finds memory", "", {0, 100, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {1000, 101, VICTIM, NO_ONE, ACTION_NONE}, {5000, 99, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("the second look finds less", "", {0, 100, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {1000, 50, VICTIM, NO_ONE, ACTION_KILL});
	RUN("a victim found without being asked for is taken", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM});
	RUN("a scan that was not done is asked for again", "",
	    {0, 100, NO_SCAN, NO_ONE, ACTION_SCAN}, {1000, 100, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("while one is awaited, no other", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5000, 60, VICTIM, ALIVE, ACTION_NONE}, {10000, 60, NOBODY, ALIVE, ACTION_NONE});
}

static void test_escalation(void **state)
{
	(void)state;
	RUN("by time", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5 * SEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {5 * SEC, 100, NO_SCAN, ALIVE, ACTION_ESCALATE},
	    {5 * SEC + 5000, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {8 * SEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {8 * SEC, 100, NO_SCAN, ALIVE, ACTION_GIVE_UP},
	    {8 * SEC, 100, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("by time, as configured", "[Kill]\nTermTimeout=250ms\nKillTimeout=1s\n",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {250 * MSEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {250 * MSEC, 100, NO_SCAN, ALIVE, ACTION_ESCALATE},
	    {1250 * MSEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {1250 * MSEC, 100, NO_SCAN, ALIVE, ACTION_GIVE_UP});
	RUN("at once, when SIGTERM has no time", "[Kill]\nTermTimeout=0\n",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM}, {0, 100, NO_SCAN, ALIVE, ACTION_ESCALATE});
	RUN("by level", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5000, 51, NO_SCAN, ALIVE, ACTION_NONE}, {10000, 50, NO_SCAN, ALIVE, ACTION_ESCALATE},
	    {15000, 40, NO_SCAN, ALIVE, ACTION_NONE},
	    {10000 + 3 * SEC - 1, 40, NO_SCAN, ALIVE, ACTION_NONE},
	    {10000 + 3 * SEC, 40, NO_SCAN, ALIVE, ACTION_GIVE_UP});
	RUN("not while there is enough again", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5 * SEC - 1, 101, NO_SCAN, ALIVE, ACTION_NONE},
	    {5 * SEC, 101, NO_SCAN, ALIVE, ACTION_RELEASED},
	    {5 * SEC, 101, NO_SCAN, NO_ONE, ACTION_NONE});
	RUN("the victim that was escalated dies", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5000, 50, NO_SCAN, ALIVE, ACTION_ESCALATE},
	    {10000, 600, NO_SCAN, DEAD, ACTION_SETTLED});
}

static void test_hard(void **state)
{
	(void)state;
	RUN("SIGKILL at once", "", {0, 50, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {0, 50, VICTIM, NO_ONE, ACTION_KILL}, {5000, 0, NO_SCAN, ALIVE, ACTION_NONE},
	    {10000, 400, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("a killed one that lives is given up, enough or not", "",
	    {0, 50, VICTIM, NO_ONE, ACTION_KILL}, {3 * SEC - 1, 900, NO_SCAN, ALIVE, ACTION_NONE},
	    {3 * SEC, 900, NO_SCAN, ALIVE, ACTION_GIVE_UP},
	    {3 * SEC, 900, NO_SCAN, NO_ONE, ACTION_NONE});
	RUN("the next one after that", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {3 * SEC, 0, NO_SCAN, ALIVE, ACTION_GIVE_UP},
	    {3 * SEC, 0, NO_SCAN, NO_ONE, ACTION_SCAN}, {3 * SEC, 0, VICTIM, NO_ONE, ACTION_KILL});
	RUN("0 bytes", "", {0, 0, VICTIM, NO_ONE, ACTION_KILL});
}

/* The victim gives 400 MiB back: half of that is taken for the memory being back. */
static void test_memory_back(void **state)
{
	(void)state;
	RUN("below soft: half of it", "[Limits]\nSoftSwap=100%\n",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL, 1000, 0},
	    {5000, 30, NO_SCAN, DEAD, ACTION_NONE, 1000, 0},
	    {10000, 40, NO_SCAN, DEAD, ACTION_NONE, 1000, 179},
	    {15000, 40, NO_SCAN, DEAD, ACTION_SETTLED, 1000, 180});
	RUN("below soft: memory alone", "[Limits]\nSoftMemory=90%\nHardMemory=5%\n",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL}, {5000, 219, NO_SCAN, DEAD, ACTION_NONE},
	    {10000, 220, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("above soft: enough, however little came", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5000, 101, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("it does not come: half a second from the death", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL}, {2 * SEC, 20, NO_SCAN, DEAD, ACTION_NONE},
	    {2 * SEC + 500 * MSEC - 1, 20, NO_SCAN, DEAD, ACTION_NONE},
	    {2 * SEC + 500 * MSEC, 20, NO_SCAN, DEAD, ACTION_SETTLED},
	    {2 * SEC + 500 * MSEC, 20, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("dead and reaped: at once, though others took what came", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {5000, 10, NO_SCAN, ALIVE, ACTION_NONE, .release = RELEASE_DONE},
	    {10000, 10, NO_SCAN, DEAD, ACTION_SETTLED, .release = RELEASE_DONE},
	    {10000, 10, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("reaped after the death", "", {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {5000, 10, NO_SCAN, DEAD, ACTION_NONE},
	    {10000, 10, NO_SCAN, DEAD, ACTION_SETTLED, .release = RELEASE_DONE});
	RUN("gone: a short wait, for a reader of /proc may hold it", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {10 * MSEC, 10, NO_SCAN, DEAD, ACTION_NONE, .release = RELEASE_GONE},
	    {60 * MSEC - 1, 10, NO_SCAN, DEAD, ACTION_NONE, .release = RELEASE_GONE},
	    {60 * MSEC, 10, NO_SCAN, DEAD, ACTION_SETTLED, .release = RELEASE_GONE});
	RUN("released, and others took it: not waited for", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {100 * MSEC - 1, 10, NO_SCAN, ALIVE, ACTION_NONE, .release = RELEASE_DONE},
	    {100 * MSEC, 10, NO_SCAN, ALIVE, ACTION_SETTLED, .release = RELEASE_DONE});
	RUN("gone but alive: the deadline holds", "", {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {3 * SEC - 1, 10, NO_SCAN, ALIVE, ACTION_NONE, .release = RELEASE_GONE},
	    {3 * SEC, 10, NO_SCAN, ALIVE, ACTION_GIVE_UP, .release = RELEASE_GONE});
	RUN("released is not dead: with memory back the deadline holds", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {3 * SEC - 1, 900, NO_SCAN, ALIVE, ACTION_NONE, .release = RELEASE_DONE},
	    {3 * SEC, 900, NO_SCAN, ALIVE, ACTION_GIVE_UP, .release = RELEASE_DONE});
	RUN("a death after the deadline of the signal is a death", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL}, {3 * SEC + 1, 20, NO_SCAN, DEAD, ACTION_NONE},
	    {3 * SEC + 500 * MSEC + 1, 20, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("memory back before the death is not enough", "", {0, 20, VICTIM, NO_ONE, ACTION_KILL},
	    {5000, 900, NO_SCAN, ALIVE, ACTION_NONE}, {10000, 900, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("the half second of the second victim is its own", "",
	    {0, 20, VICTIM, NO_ONE, ACTION_KILL}, {SEC, 20, NO_SCAN, DEAD, ACTION_NONE},
	    {2 * SEC, 20, NO_SCAN, DEAD, ACTION_SETTLED},
	    {2 * SEC, 20, VICTIM, NO_ONE, ACTION_KILL}, {3 * SEC, 20, NO_SCAN, DEAD, ACTION_NONE},
	    {3 * SEC + 500 * MSEC, 20, NO_SCAN, DEAD, ACTION_SETTLED});
}

static void test_victim_states(void **state)
{
	(void)state;
	RUN("adopted: awaited like a killed one", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_ADOPT, .dying = true},
	    {5000, 40, NO_SCAN, ALIVE, ACTION_NONE}, {3 * SEC - 1, 40, NO_SCAN, ALIVE, ACTION_NONE},
	    {3 * SEC, 40, NO_SCAN, ALIVE, ACTION_GIVE_UP});
	RUN("adopted: settled", "", {0, 50, VICTIM, NO_ONE, ACTION_ADOPT, .dying = true},
	    {5000, 500, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("missed: the next at once", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {0, 50, NO_SCAN, VICTIM_MISSED, ACTION_SCAN}, {0, 50, VICTIM, NO_ONE, ACTION_KILL});
	RUN("missed at the soft limit", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {0, 100, NO_SCAN, VICTIM_MISSED, ACTION_SCAN}, {0, 100, VICTIM, NO_ONE, ACTION_TERM});
	RUN("missed, and enough", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {0, 200, NO_SCAN, VICTIM_MISSED, ACTION_NONE});
	RUN("forgotten by the caller: as missed", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {0, 50, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("spared: once a shortage, and once more when it gets worse", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM}, {0, 100, NO_SCAN, VICTIM_SPARED, ACTION_NONE},
	    {5 * SEC, 60, NO_SCAN, NO_ONE, ACTION_NONE}, {5 * SEC, 60, VICTIM, NO_ONE, ACTION_NONE},
	    {5 * SEC, 40, NO_SCAN, NO_ONE, ACTION_SCAN}, {5 * SEC, 40, VICTIM, NO_ONE, ACTION_KILL},
	    {5 * SEC, 40, NO_SCAN, VICTIM_SPARED, ACTION_NONE},
	    {UINT64_C(86400) * SEC, 0, NO_SCAN, NO_ONE, ACTION_NONE},
	    {UINT64_C(86401) * SEC, 101, NO_SCAN, NO_ONE, ACTION_NONE},
	    {UINT64_C(86402) * SEC, 100, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("refused: put aside, the next after a tenth of a second", "",
	    {0, 50, VICTIM, NO_ONE, ACTION_KILL}, {0, 50, NO_SCAN, VICTIM_REFUSED, ACTION_GIVE_UP},
	    {100 * MSEC - 1, 50, NO_SCAN, NO_ONE, ACTION_NONE},
	    {100 * MSEC, 50, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {100 * MSEC, 50, VICTIM, NO_ONE, ACTION_KILL});
	RUN("nobody, and then worse: looked at again at once", "",
	    {0, 100, NOBODY, NO_ONE, ACTION_BARREN}, {1, 100, NO_SCAN, NO_ONE, ACTION_NONE},
	    {2, 40, NO_SCAN, NO_ONE, ACTION_SCAN}, {2, 40, VICTIM, NO_ONE, ACTION_KILL});
	RUN("refused, and then nobody: that is said", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {0, 50, NO_SCAN, VICTIM_REFUSED, ACTION_GIVE_UP},
	    {100 * MSEC, 50, NOBODY, NO_ONE, ACTION_BARREN},
	    {100 * MSEC + SEC - 1, 50, NO_SCAN, NO_ONE, ACTION_NONE},
	    {100 * MSEC + SEC, 50, NO_SCAN, NO_ONE, ACTION_SCAN});
}

/* The kernel was faster: its victim's memory is on its way, and nobody else has to die. */
static void test_kernel_kills(void **state)
{
	(void)state;
	RUN("it kills, and that is enough", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {400 * MSEC, 90, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {405 * MSEC, 300, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8});
	RUN("it kills while we look for somebody", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 100, NO_SCAN, NO_ONE, ACTION_SCAN, .kernel_kills = 7},
	    {6000, 100, VICTIM, NO_ONE, ACTION_NONE, .kernel_kills = 8});
	RUN("it kills, and half a second later memory is as short", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {504 * MSEC, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {505 * MSEC, 100, NO_SCAN, NO_ONE, ACTION_SCAN, .kernel_kills = 8},
	    {505 * MSEC, 100, VICTIM, NO_ONE, ACTION_TERM, .kernel_kills = 8});
	RUN("it kills again and again, as in a cgroup at its limit: once is enough", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {200 * MSEC, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 9},
	    {505 * MSEC, 100, NO_SCAN, NO_ONE, ACTION_SCAN, .kernel_kills = 11});
	RUN("it kills, and memory goes on falling", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 80, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {10000, 40, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {15000, 39, NO_SCAN, NO_ONE, ACTION_SCAN, .kernel_kills = 8});
	RUN("it killed in calmer times", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {10000, 100, NO_SCAN, NO_ONE, ACTION_SCAN, .kernel_kills = 8});
	RUN("a kill before the first look", "",
	    {0, 100, NO_SCAN, NO_ONE, ACTION_SCAN, .kernel_kills = 7});
	RUN("the next shortage has a wait of its own", "",
	    {0, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 7},
	    {5000, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {10000, 150, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 8},
	    {SEC, 100, NO_SCAN, NO_ONE, ACTION_NONE, .kernel_kills = 9});
}

/* Somebody who is dying anyway stands in for a victim, but not for ever. */
static void test_waits_for_dying(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 100 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, GIB);
	assert_true(policy_waits_for_dying(&p, START));
	/* one after the other, and each of them dies */
	for (uint64_t usec = 0; usec < 4 * SEC; usec += 500 * MSEC) {
		o.sample.time_usec = START + usec;
		CHECK("in time",
		      policy_waits_for_dying(&p, o.sample.time_usec) == (usec < 3 * SEC));
		o.scan = VICTIM;
		o.candidate_dying = true;
		o.victim = NO_ONE;
		assert_int_equal(policy_step(&p, &o).kind, ACTION_ADOPT);
		o.scan = NO_SCAN;
		o.victim = DEAD;
		o.victim_release = RELEASE_DONE;
		assert_int_equal(policy_step(&p, &o).kind, ACTION_SETTLED);
	}
	/* a kill of our own ends the count, and so does memory enough */
	o.scan = VICTIM;
	o.victim = NO_ONE;
	o.candidate_dying = false;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_TERM);
	assert_true(policy_waits_for_dying(&p, o.sample.time_usec));
	o.victim = DEAD;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SETTLED);
	o.victim = NO_ONE;
	o.candidate_dying = true;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_ADOPT);
	o.sample.time_usec += 3 * SEC;
	o.victim = DEAD;
	assert_false(policy_waits_for_dying(&p, o.sample.time_usec));
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SETTLED);
	o.victim = NO_ONE;
	o.sample.mem.available_bytes = 101 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	assert_true(policy_waits_for_dying(&p, o.sample.time_usec));
}

static void test_shortage(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 60 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, GIB);
	/* 10 % of 1000 MiB and an eighth of that */
	assert_true(policy_shortage_bytes(&p, &o.sample) == 52 * MIB + MIB / 2);
	o.sample.mem.available_bytes = 113 * MIB;
	assert_true(policy_shortage_bytes(&p, &o.sample) == 0);
}

static void check_barren(uint64_t available, const unsigned pauses[static 9])
{
	struct config config = config_of("");
	uint64_t now = START;
	struct policy p;

	policy_init(&p, &config, 0);
	for (size_t i = 0; i < 9; i++) {
		struct observation o = seen(now, available, 0, 0);

		assert_int_equal(policy_step(&p, &o).kind, ACTION_SCAN);
		o.scan = SCAN_NOBODY;
		assert_int_equal(policy_step(&p, &o).kind, i == 0 ? ACTION_BARREN : ACTION_NONE);

		now += pauses[i] * SEC;
		o = seen(now - 1, available, 0, 0);
		assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
		/* Ten times a second is enough for a machine on which nobody can be killed. */
		assert_true(policy_step(&p, &o).next_usec == now - 1 + 100 * MSEC);
		o.scan = SCAN_VICTIM;
		assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	}
}

static void test_barren(void **state)
{
	(void)state;
	check_barren(100 * MIB, (const unsigned[]){1, 2, 4, 8, 16, 32, 60, 60, 60});
	/* nearer to the end it is looked at more often: somebody new may be to blame */
	check_barren(50 * MIB, (const unsigned[]){1, 2, 2, 2, 2, 2, 2, 2, 2});
	RUN("the next shortage is another", "", {0, 50, NOBODY, NO_ONE, ACTION_BARREN},
	    {5000, 101, NO_SCAN, NO_ONE, ACTION_NONE}, {10000, 50, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {10000, 50, NOBODY, NO_ONE, ACTION_BARREN},
	    {10000 + SEC - 1, 50, NO_SCAN, NO_ONE, ACTION_NONE},
	    {10000 + SEC, 50, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("a victim ends it", "", {0, 50, NOBODY, NO_ONE, ACTION_BARREN},
	    {SEC, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {SEC + 5000, 400, NO_SCAN, DEAD, ACTION_SETTLED},
	    {SEC + 10000, 50, NOBODY, NO_ONE, ACTION_BARREN});
}

static void test_stand_aside(void **state)
{
	(void)state;
	RUN("nobody new", "", {0, 50, NO_SCAN, NO_ONE, ACTION_NONE, .aside = true},
	    {1, 50, VICTIM, NO_ONE, ACTION_NONE, .aside = true},
	    {2, 50, VICTIM, NO_ONE, ACTION_NONE, .dying = true, .aside = true},
	    {3, 50, NOBODY, NO_ONE, ACTION_NONE, .aside = true},
	    {4, 50, NO_SCAN, NO_ONE, ACTION_SCAN}, {5, 50, VICTIM, NO_ONE, ACTION_KILL});
	RUN("between the two looks", "", {0, 50, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {1, 50, VICTIM, NO_ONE, ACTION_NONE, .aside = true});
	RUN("who is in flight is awaited", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {5000, 50, NO_SCAN, ALIVE, ACTION_NONE, .aside = true},
	    {10000, 500, NO_SCAN, DEAD, ACTION_SETTLED, .aside = true},
	    {10000, 50, NO_SCAN, NO_ONE, ACTION_NONE, .aside = true});
	RUN("and escalated, and given up", "[Kill]\nTermTimeout=1s\nKillTimeout=2s\n",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {SEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE, .aside = true},
	    {SEC, 100, NO_SCAN, ALIVE, ACTION_ESCALATE, .aside = true},
	    {3 * SEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE, .aside = true},
	    {3 * SEC, 100, NO_SCAN, ALIVE, ACTION_GIVE_UP, .aside = true},
	    {3 * SEC, 100, NO_SCAN, NO_ONE, ACTION_NONE, .aside = true});
	RUN("missed: no other", "", {0, 50, VICTIM, NO_ONE, ACTION_KILL},
	    {0, 50, NO_SCAN, VICTIM_MISSED, ACTION_NONE, .aside = true},
	    {1, 50, NO_SCAN, NO_ONE, ACTION_SCAN});
	RUN("barren before: looked at again in its time", "",
	    {0, 100, NOBODY, NO_ONE, ACTION_BARREN},
	    {SEC - 1, 100, NO_SCAN, NO_ONE, ACTION_NONE, .aside = true},
	    {SEC - 1, 100, NO_SCAN, NO_ONE, ACTION_NONE}, {SEC, 100, NO_SCAN, NO_ONE, ACTION_SCAN});
}

static void test_requested(void **state)
{
	(void)state;
	RUN("with plenty", "", {0, 900, NO_SCAN, NO_ONE, ACTION_SCAN, .requested = true},
	    {1, 900, VICTIM, NO_ONE, ACTION_KILL, .requested = true},
	    {5000, 900, NO_SCAN, ALIVE, ACTION_NONE}, {10000, 900, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("who does not die is given up", "[Kill]\nKillTimeout=2s\n",
	    {0, 900, VICTIM, NO_ONE, ACTION_KILL, .requested = true},
	    {2 * SEC - 1, 900, NO_SCAN, ALIVE, ACTION_NONE},
	    {2 * SEC, 900, NO_SCAN, ALIVE, ACTION_GIVE_UP});
	RUN("nobody", "", {0, 900, NOBODY, NO_ONE, ACTION_NONE, .requested = true},
	    {1, 50, NOBODY, NO_ONE, ACTION_NONE, .requested = true},
	    {2, 50, NOBODY, NO_ONE, ACTION_BARREN});
	RUN("SIGKILL at the soft limit too", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_KILL, .requested = true});
	RUN("whoever is in flight", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {1, 100, NO_SCAN, ALIVE, ACTION_SCAN, .requested = true},
	    {2, 100, VICTIM, ALIVE, ACTION_KILL, .requested = true},
	    {3, 100, NO_SCAN, ALIVE, ACTION_NONE}, {4, 200, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("nobody else: who is in flight is still awaited", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {1, 100, NOBODY, ALIVE, ACTION_NONE, .requested = true},
	    {2, 200, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("not while standing aside", "",
	    {0, 50, NO_SCAN, NO_ONE, ACTION_NONE, .aside = true, .requested = true},
	    {1, 50, VICTIM, NO_ONE, ACTION_NONE, .aside = true, .requested = true});
}

/* Levels are announced as ever, and nobody looks more often than it takes to announce them. */
static void test_stand_aside_watches(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 900 * MIB, 0, 0);
	struct policy p;
	struct action a;

	(void)state;
	policy_init(&p, &config, 0);
	o.stand_aside = true;
	a = policy_step(&p, &o);
	assert_true(a.next_usec > o.sample.time_usec + 100 * MSEC);
	o.sample.time_usec += SEC;
	o.sample.mem.available_bytes = 50 * MIB;
	a = policy_step(&p, &o);
	assert_true(a.announce);
	assert_int_equal(a.level, LEVEL_HARD);
	assert_true(a.next_usec == o.sample.time_usec + 100 * MSEC);
	o.stand_aside = false;
	o.scan = SCAN_NOBODY;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_BARREN);
}

static void test_swap_comes_and_goes(void **state)
{
	(void)state;
	RUN("swap added in need", "", {0, 100, NO_SCAN, NO_ONE, ACTION_SCAN},
	    {1000, 100, VICTIM, NO_ONE, ACTION_NONE, 1000, 1000},
	    {5000, 0, NO_SCAN, NO_ONE, ACTION_NONE, 1000, 101},
	    {10000, 0, NO_SCAN, NO_ONE, ACTION_SCAN, 1000, 100});
	RUN("swap removed", "", {0, 100, NO_SCAN, NO_ONE, ACTION_NONE, 1000, 900},
	    {5000, 100, NO_SCAN, NO_ONE, ACTION_SCAN, 0, 0});
	RUN("swap that shrinks: its limits shrink too", "",
	    {0, 10, NO_SCAN, NO_ONE, ACTION_SCAN, 1000, 60},
	    {5000, 10, NO_SCAN, NO_ONE, ACTION_NONE, 500, 60});
	RUN("swap added while a victim is awaited", "", {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {5000, 100, NO_SCAN, ALIVE, ACTION_NONE, 1000, 1000},
	    {5 * SEC, 100, NO_SCAN, ALIVE, ACTION_RELEASED, 1000, 1000});
}

static void test_clock_goes_back(void **state)
{
	(void)state;
	/* START is subtracted from: the clock is before the signal. */
	RUN("nobody is killed for it", "", {10 * SEC, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {SEC, 100, NO_SCAN, ALIVE, ACTION_NONE}, {0, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {15 * SEC - 1, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {15 * SEC, 100, NO_SCAN, ALIVE, ACTION_ESCALATE},
	    {SEC, 100, NO_SCAN, ALIVE, ACTION_NONE}, {18 * SEC, 100, NO_SCAN, DEAD, ACTION_NONE},
	    {SEC, 100, NO_SCAN, DEAD, ACTION_NONE},
	    {18 * SEC + 500 * MSEC, 100, NO_SCAN, DEAD, ACTION_SETTLED},
	    {0, 900, NO_SCAN, NO_ONE, ACTION_NONE}, {0, 100, VICTIM, NO_ONE, ACTION_TERM});
}

static void test_reconfigure(void **state)
{
	struct config slow = config_of(""), fast = config_of("[Kill]\nTermTimeout=1s\n");
	struct config low = config_of("[Limits]\nSoftMemory=5%\n");
	struct observation o = seen(START, 100 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &slow, 0);
	o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_TERM);

	/* The victim stays the victim, the time that has passed counts. */
	policy_configure(&p, &fast);
	o.victim = VICTIM_ALIVE;
	o.sample.time_usec = START + SEC - 1;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec = START + SEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_ESCALATE);

	/* With the limits lowered this is no shortage, but the kill goes its way. */
	policy_configure(&p, &low);
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.victim = VICTIM_DEAD;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SETTLED);

	/* Who can be killed may have changed too, so nobody waits for the end of a pause. */
	o = seen(START + 10 * SEC, 20 * MIB, 0, 0);
	o.scan = SCAN_NOBODY;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_BARREN);
	o.scan = SCAN_NOT_DONE;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	policy_configure(&p, &slow);
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SCAN);
}

/* ---- stalls ---- */

struct stalls {
	struct config config;
	struct policy policy;
	struct observation o;
	uint64_t announcements;
};

static void stalls_init(struct stalls *s, const char *config_lines, uint64_t available)
{
	*s = (struct stalls){.config = config_of(config_lines), .o = seen(START, available, 0, 0)};
	s->o.sample.has_psi = true;
	s->o.sample.psi.full_total_usec = 777 * SEC; /* before our time */
	policy_init(&s->policy, &s->config, 0);
	policy_step(&s->policy, &s->o);
}

/* Ten samples a second for @usec, of which @permyriad are lost; the last action. */
static struct action stalls_go(struct stalls *s, uint64_t usec, uint64_t permyriad)
{
	struct action a = {};

	for (uint64_t t = 0; t < usec; t += 100 * MSEC) {
		s->o.sample.time_usec += 100 * MSEC;
		s->o.sample.psi.full_total_usec += 10 * permyriad;
		a = policy_step(&s->policy, &s->o);
		s->announcements += a.announce;
	}
	return a;
}

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
	enum reason reason;
} reclaim_rows[] = {
	{"nothing is reclaimed", 0, 0, REASON_RECLAIM},
	{"idle pages move to swap", 10, 5000, REASON_RECLAIM},
	{"a file streams by", 0, 20000, REASON_RECLAIM},
	{"just below an eighth", 124, 1000, REASON_RECLAIM},
	{"an eighth", 125, 1000, REASON_THRASH},
	{"all comes back", 1000, 1000, REASON_THRASH},
	{"more comes back than was taken since", 3000, 1000, REASON_THRASH},
	{"all of next to nothing", 2, 2, REASON_RECLAIM},
	{"a slow disk", 20, 30, REASON_THRASH},
};

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
		a = reclaim_go(&s, 30 * SEC, 9000, reclaim_rows[i].refaults,
			       reclaim_rows[i].reclaimed);
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
} io_rows[] = {
	{"all comes back", 50, 100, 100, 9000, 3000, REASON_THRASH},
	{"half comes back", 50, 50, 100, 9000, 3000, REASON_THRASH},
	{"less than half", 50, 49, 100, 9000, 3000, REASON_SWAP_LEFT},
	{"64 pages a second", 50, 7, 7, 9000, 3000, REASON_THRASH},
	{"a disk that is busy for others", 50, 6, 6, 10000, 10000, REASON_SWAP_LEFT},
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
	{"beside a leak into a slow disk", 50, 7, 1000, 5000, 0, REASON_THRASH, 5000},
	{"beside one, to I/O", 50, 7, 1000, 0, 5000, REASON_THRASH, 5000},
	{"beside one, but less", 50, 7, 1000, 4990, 4990, REASON_RECLAIM, 5000},
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

/* ---- consumption ---- */

static void test_consumption(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 900 * MIB, 0, 0);
	struct policy p;
	struct action a;

	(void)state;
	policy_init(&p, &config, 0);
	a = policy_step(&p, &o);
	assert_int_equal(a.consumed_bytes, 0);
	assert_true(a.exhausted_usec == UINT64_MAX);

	/* 100 MiB a second, whenever it is looked at */
	for (unsigned i = 1; i <= 70; i++) {
		o.sample.time_usec += 100 * MSEC;
		o.sample.mem.available_bytes -= 10 * MIB;
		a = policy_step(&p, &o);
		assert_int_equal(a.consumed_bytes, 100 * MIB);
		assert_int_equal(a.exhausted_usec, o.sample.mem.available_bytes * 10 / MIB * MSEC);
	}

	/* it ends: after two seconds nothing is left of it */
	for (unsigned i = 0; i < 21; i++) {
		o.sample.time_usec += 100 * MSEC;
		a = policy_step(&p, &o);
	}
	assert_int_equal(a.consumed_bytes, 0);

	/* memory that moves to swap is not used up, swap that is filled is */
	o.sample.mem.swap_total_bytes = 1000 * MIB;
	o.sample.mem.swap_free_bytes = 1000 * MIB;
	o.sample.time_usec += SEC;
	policy_step(&p, &o);
	o.sample.time_usec += 2 * SEC;
	policy_step(&p, &o);
	o.sample.time_usec += SEC;
	o.sample.mem.swap_free_bytes -= 50 * MIB;
	o.sample.mem.available_bytes += 50 * MIB;
	assert_int_equal(policy_step(&p, &o).consumed_bytes, 0);
	o.sample.time_usec += SEC;
	o.sample.mem.swap_free_bytes -= 50 * MIB;
	assert_in_range(policy_step(&p, &o).consumed_bytes, 25 * MIB, 50 * MIB);

	/* a clock that goes back, and a machine that slept, begin anew */
	o.sample.time_usec -= 10 * SEC;
	o.sample.mem.available_bytes /= 2;
	assert_int_equal(policy_step(&p, &o).consumed_bytes, 0);
	o.sample.time_usec += SEC;
	o.sample.slept_usec += 100 * SEC;
	o.sample.mem.available_bytes /= 2;
	assert_int_equal(policy_step(&p, &o).consumed_bytes, 0);
}

/* ---- memory that is no process's ---- */

static const struct {
	const char *row;
	uint64_t shmem_before, shmem, hugetlb_before, hugetlb, slab, candidate, candidate_shmem;
	enum action_kind kind; /* with 800 MiB available before, and 80 now */
} elsewhere_rows[] = {
	{"a leak", 10, 10, 0, 0, 10, 500, 5, ACTION_TERM},
	{"a small leak beside huge pages of always", 10, 10, 5000, 5000, 10, 100, 0, ACTION_TERM},
	{"a tmpfs that fills", 10, 700, 0, 0, 10, 100, 0, ACTION_BARREN},
	{"the same, and a process as large as half of that", 10, 700, 0, 0, 10, 345, 0,
	 ACTION_TERM},
	{"the same, a bit smaller", 10, 700, 0, 0, 10, 344, 0, ACTION_BARREN},
	{"a process that maps what grows", 10, 700, 0, 0, 10, 20, 690, ACTION_TERM},
	{"huge pages that are taken", 10, 10, 0, 600, 10, 100, 0, ACTION_BARREN},
	{"slab that leaks", 10, 10, 0, 0, 500, 100, 0, ACTION_BARREN},
	{"half of what has gone", 10, 370, 0, 0, 10, 100, 0, ACTION_BARREN},
	{"less than half", 10, 369, 0, 0, 10, 100, 0, ACTION_TERM},
	{"a tmpfs that was full before", 700, 700, 0, 0, 10, 100, 0, ACTION_TERM},
	{"a tmpfs that was emptied", 700, 10, 0, 0, 10, 100, 0, ACTION_TERM},
};

static void test_elsewhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere_rows); i++) {
		const char *row = elsewhere_rows[i].row;
		struct config config = config_of("");
		struct observation o = seen(START, 800 * MIB, 0, 0);
		bool barren = elsewhere_rows[i].kind == ACTION_BARREN;
		struct policy p;
		struct action a;

		policy_init(&p, &config, 0);
		o.sample.mem.shmem_bytes = elsewhere_rows[i].shmem_before * MIB;
		o.sample.mem.hugetlb_bytes = elsewhere_rows[i].hugetlb_before * MIB;
		o.sample.mem.unreclaimable_bytes = 10 * MIB;
		CHECK_INT(row, policy_step(&p, &o).kind, ACTION_NONE);
		o.sample.time_usec += SEC;
		o.sample.mem.available_bytes = 80 * MIB;
		o.sample.mem.shmem_bytes = elsewhere_rows[i].shmem * MIB;
		o.sample.mem.hugetlb_bytes = elsewhere_rows[i].hugetlb * MIB;
		o.sample.mem.unreclaimable_bytes = elsewhere_rows[i].slab * MIB;
		CHECK_INT(row, policy_step(&p, &o).kind, ACTION_SCAN);
		o.scan = SCAN_VICTIM;
		o.candidate_bytes = elsewhere_rows[i].candidate * MIB;
		o.candidate_shmem_bytes = elsewhere_rows[i].candidate_shmem * MIB;
		a = policy_step(&p, &o);
		CHECK_INT(row, a.kind, elsewhere_rows[i].kind);
		CHECK(row, (a.elsewhere_bytes > 0) == barren);

		/* at the hard limit it would help as little; said once */
		o.sample.time_usec += 100 * MSEC;
		o.sample.mem.available_bytes = 50 * MIB;
		o.sample.mem.shmem_bytes += 30 * MIB;
		if (barren)
			CHECK_INT(row, policy_step(&p, &o).kind, ACTION_NONE);
		/* and what dies already is awaited whatever it holds */
		o.sample.time_usec += 10 * SEC;
		o.candidate_dying = true;
		if (barren)
			CHECK_INT(row, policy_step(&p, &o).kind, ACTION_ADOPT);
	}
}

/* Who fills a tmpfs is nobody's reason to die at soft; at hard it has to be stopped, and only it.
 */
static void test_writer(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 800 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, 0);
	o.sample.mem.shmem_bytes = 10 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec += SEC;
	o.sample.mem.available_bytes = 80 * MIB;
	o.sample.mem.shmem_bytes = 700 * MIB;
	o.scan = SCAN_VICTIM;
	o.candidate_bytes = MIB;
	o.candidate_writes = true;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_BARREN);

	o.sample.time_usec += 100 * MSEC;
	o.sample.mem.available_bytes = 50 * MIB;
	o.scan = SCAN_NOT_DONE;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SCAN);
	o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_KILL);

	/* nothing comes back with it, and nobody dies in its place */
	o.scan = SCAN_NOT_DONE;
	o.sample.time_usec += 100 * MSEC;
	o.victim = VICTIM_DEAD;
	o.victim_release = RELEASE_DONE;
	o.sample.mem.available_bytes = 51 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SETTLED);
	o.victim = VICTIM_NONE;
	o.sample.mem.available_bytes = 50 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SCAN);
	o.scan = SCAN_VICTIM;
	o.candidate_bytes = 30 * MIB;
	o.candidate_writes = false;
	assert_int_not_equal(policy_step(&p, &o).kind, ACTION_KILL);
	assert_int_equal(p.phase, PHASE_BARREN);

	/* another one is found, who is looked for at once, and once */
	o.scan = SCAN_NOT_DONE;
	o.sample.time_usec += 100 * MSEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.writer_known = true;
	o.sample.mem.available_bytes = 60 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.mem.available_bytes = 50 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SCAN);
	o.scan = SCAN_VICTIM;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.scan = SCAN_NOT_DONE;
	o.sample.time_usec += 100 * MSEC;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
}

/* A machine in warning for long is not measured from the calm of yesterday. */
static void test_elsewhere_later(void **state)
{
	struct config config = config_of("");
	struct observation o = seen(START, 800 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, 0);
	policy_step(&p, &o);
	o.sample.mem.available_bytes = 120 * MIB;
	o.sample.mem.shmem_bytes = 600 * MIB;
	for (unsigned i = 0; i < 11 * 60; i++) {
		o.sample.time_usec += SEC;
		assert_int_equal(policy_step(&p, &o).level, LEVEL_WARNING);
	}
	o.sample.mem.available_bytes = 80 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_SCAN);
	o.scan = SCAN_VICTIM;
	o.candidate_bytes = 100 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_TERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_huge_machine),
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_escalation),
		cmocka_unit_test(test_hard),
		cmocka_unit_test(test_memory_back),
		cmocka_unit_test(test_kernel_kills),
		cmocka_unit_test(test_waits_for_dying),
		cmocka_unit_test(test_shortage),
		cmocka_unit_test(test_victim_states),
		cmocka_unit_test(test_barren),
		cmocka_unit_test(test_stand_aside),
		cmocka_unit_test(test_requested),
		cmocka_unit_test(test_stand_aside_watches),
		cmocka_unit_test(test_swap_comes_and_goes),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_reconfigure),
		cmocka_unit_test(test_thrash),
		cmocka_unit_test(test_thrash_with_swap),
		cmocka_unit_test(test_consumption),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_elsewhere_later),
		cmocka_unit_test(test_thrash_of_some),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_reclaim_wraps),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_ask_groups),
		cmocka_unit_test(test_look_closer),
		cmocka_unit_test(test_stall_with_plenty),
		cmocka_unit_test(test_stall_windows),
		cmocka_unit_test(test_psi_comes_and_goes),
		cmocka_unit_test(test_psi_falls_at_once),
		cmocka_unit_test(test_stall_reconfigured),
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

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
