/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision: what is done when and to whom. Scenarios are tables of what is seen when and what
 * is to be done; each constant of policy.c is held from both sides.
 */
#include "unit.h"

#include "policy-seen.h"

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
	bool ignores_term;
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
		o.candidate_ignores_term = s->ignores_term;
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

/* Who ignores SIGTERM is not asked: it would only be waited for. */
static void test_ignores_term(void **state)
{
	(void)state;
	RUN("SIGKILL at soft, and no second one", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_KILL, .ignores_term = true},
	    {2 * SEC, 100, NO_SCAN, ALIVE, ACTION_NONE},
	    {3 * SEC, 100, NO_SCAN, ALIVE, ACTION_GIVE_UP});
	RUN("not left alone when the shortage ends", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_KILL, .ignores_term = true},
	    {SEC, 900, NO_SCAN, ALIVE, ACTION_NONE}, {2 * SEC, 900, NO_SCAN, DEAD, ACTION_SETTLED});
	RUN("who is dying already is adopted all the same", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_ADOPT, .dying = true, .ignores_term = true});
	RUN("at warning it lives", "", {0, 140, VICTIM, NO_ONE, ACTION_NONE, .ignores_term = true});
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
	RUN("released late after SIGTERM: it has its time to die from then on", "",
	    {0, 100, VICTIM, NO_ONE, ACTION_TERM},
	    {600 * MSEC, 95, NO_SCAN, ALIVE, ACTION_NONE, .release = RELEASE_DONE},
	    {700 * MSEC - 1, 95, NO_SCAN, ALIVE, ACTION_NONE, .release = RELEASE_DONE},
	    {700 * MSEC, 95, NO_SCAN, ALIVE, ACTION_SETTLED, .release = RELEASE_DONE});
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
	/* a thrash above that: whose end would give back next to nothing is no victim either */
	for (uint64_t mib = 100; mib <= 1000; mib += 100) {
		o.sample.mem.available_bytes = mib * MIB;
		assert_true(policy_shortage_bytes(&p, &o.sample) == 12 * MIB + MIB / 2);
	}
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
		/* limits are shares of what is not set aside */
		o.sample.mem.total_bytes += elsewhere_rows[i].hugetlb * MIB;
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

/* A second passes with so many MiB available, and whoever holds 100 is found if somebody is sought.
 */
static enum action_kind second_goes(struct policy *p, struct observation *o, uint64_t available)
{
	struct action a;

	o->sample.time_usec += SEC;
	o->sample.mem.available_bytes = available * MIB;
	o->scan = SCAN_NOT_DONE;
	a = policy_step(p, o);
	if (a.kind != ACTION_SCAN)
		return a.kind;
	o->scan = SCAN_VICTIM;
	return policy_step(p, o).kind;
}

/* A tmpfs that is full and stays so is not to blame for what goes after that. */
static void test_elsewhere_stands(void **state)
{
	static const struct {
		const char *row;
		unsigned stands_sec, available, grows;
		enum action_kind kind;
	} rows[] = {
		{"soon after it was filled", 200, 54, 0, ACTION_NONE},
		{"hard, soon after", 200, 40, 0, ACTION_NONE},
		{"long after, and nothing has gone", 900, 79, 0, ACTION_NONE},
		{"long after, next to nothing has", 900, 56, 0, ACTION_NONE},
		{"long after, a quarter of the limit has", 900, 54, 0, ACTION_TERM},
		{"hard, long after", 900, 40, 0, ACTION_KILL},
		{"and it grows again", 900, 40, 39, ACTION_NONE},
	};
	struct config config = config_of("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct observation o = seen(START, 800 * MIB, 0, 0);
		enum action_kind kind = ACTION_NONE;
		struct policy p;

		policy_init(&p, &config, 0);
		policy_step(&p, &o);
		o.candidate_bytes = 100 * MIB;
		o.sample.mem.shmem_bytes = 720 * MIB;
		CHECK_INT(rows[i].row, second_goes(&p, &o, 80), ACTION_BARREN);
		for (unsigned sec = 0; sec < rows[i].stands_sec; sec++)
			CHECK_INT(rows[i].row, second_goes(&p, &o, 80), ACTION_NONE);
		o.sample.mem.shmem_bytes += rows[i].grows * MIB;
		for (unsigned sec = 0; sec < 61 && kind == ACTION_NONE; sec++)
			kind = second_goes(&p, &o, rows[i].available);
		CHECK_INT(rows[i].row, kind, rows[i].kind);
	}
}

/* Its handler is at work for longer than KillTimeout=, and what it had was released meanwhile. */
static void test_released_while_it_ends(void **state)
{
	struct config config = config_of("[Kill]\nKillTimeout=500ms\n");
	struct observation o = seen(START, 80 * MIB, 0, 0);
	struct policy p;

	(void)state;
	policy_init(&p, &config, 0);
	o.scan = SCAN_VICTIM;
	o.candidate_bytes = 600 * MIB;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_TERM);
	o.victim = VICTIM_ALIVE;
	o.sample.time_usec += 600 * MSEC;
	o.sample.mem.available_bytes = 680 * MIB;
	o.victim_release = RELEASE_DONE;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec += 500 * MSEC - 1;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_NONE);
	o.sample.time_usec += 1;
	assert_int_equal(policy_step(&p, &o).kind, ACTION_GIVE_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_ignores_term),
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
		cmocka_unit_test(test_consumption),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_elsewhere_later),
		cmocka_unit_test(test_elsewhere_stands),
		cmocka_unit_test(test_released_while_it_ends),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
