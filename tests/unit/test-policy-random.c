/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for the policy on any machine: simulated ones that leak, swap, stall and die, and
 * plain nonsense. A failure prints the seed and the step; REAPD_TEST_SEED runs that seed alone.
 */
#include "unit.h"

#include "core/config.h"
#include "core/text.h"
#include "policy-check.h"

#define MSEC UINT64_C(1000)
#define SEC  UINT64_C(1000000)
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)

#define RUNS  100
#define STEPS 10000

static void no_mistakes(void *userdata, const char *message)
{
	(void)userdata;
	fail_msg("%s", message);
}

static uint64_t random_amount(struct random *r)
{
	return random_u64(r) >> random_below(r, 64);
}

static struct limit random_limit(struct random *r)
{
	return (struct limit){
		random_one_in(r, 3) ? LIMIT_UNSET : random_below(r, 10001),
		random_one_in(r, 3) ? LIMIT_UNSET : random_amount(r) >> 2,
	};
}

/* Any configuration that can be loaded; some of its limits contradict each other. */
static struct config random_config(struct random *r)
{
	struct config_loader l;

	config_loader_init(&l, no_mistakes, NULL);
	if (random_one_in(r, 3))
		return l.config;
	l.config.warning_memory = random_limit(r);
	l.config.soft_memory = (struct limit){random_below(r, 10001), random_amount(r) >> 2};
	l.config.hard_memory = random_limit(r);
	l.config.warning_swap = random_limit(r);
	l.config.soft_swap = (struct limit){random_below(r, 10001), random_amount(r) >> 2};
	l.config.hard_swap = random_limit(r);
	l.config.stall_limit_permyriad = 1 + random_below(r, 10000);
	l.config.stall_window_usec = SEC + random_below(r, 299 * SEC);
	l.config.term_timeout_usec = random_below(r, 600 * SEC);
	l.config.kill_timeout_usec = 100 * MSEC + random_below(r, 60 * SEC);
	return l.config;
}

static void shuffle_scan(struct random *r, struct observation *o)
{
	o->scan = (enum scan_outcome)random_below(r, 3);
	o->victim = random_one_in(r, 3) ? VICTIM_ALIVE : (enum victim_state)random_below(r, 6);
	o->candidate = (struct process_id){(int)random_below(r, 4), random_below(r, 4)};
	o->candidate_bytes = random_amount(r);
	o->candidate_shmem_bytes = random_amount(r);
	o->candidate_dying = random_one_in(r, 4);
	o->candidate_ignores_term = random_one_in(r, 4);
	o->writer_known = random_one_in(r, 4);
	o->stuck_bytes = random_one_in(r, 4) ? random_amount(r) : 0;
	o->victim_release = (enum release)random_below(r, 3);
	o->stand_aside = random_one_in(r, 4);
	o->requested = random_one_in(r, 500);
}

/* Nothing that any machine would show, but for what meminfo_parse() sees to. */
static struct observation nonsense(struct random *r, uint64_t *clock)
{
	struct observation o = {};
	struct meminfo *m = &o.sample.mem;

	*clock = random_one_in(r, 50) ? random_amount(r)
				      : *clock + (random_u64(r) >> (40 + random_below(r, 24)));
	o.sample.time_usec = *clock;
	o.sample.slept_usec = random_one_in(r, 200) ? random_amount(r) : 0;
	m->total_bytes = u64_max(random_amount(r), 1);
	m->shmem_bytes = random_one_in(r, 4) ? random_amount(r) : 0;
	m->hugetlb_bytes = random_one_in(r, 4) ? random_amount(r) : 0;
	m->available_bytes = random_amount(r) % m->total_bytes;
	m->swap_total_bytes = random_one_in(r, 3) ? 0 : random_amount(r);
	m->swap_free_bytes = m->swap_total_bytes > 0 ? random_amount(r) % m->swap_total_bytes : 0;
	o.sample.has_psi = !random_one_in(r, 8);
	o.sample.psi.full_total_usec = random_one_in(r, 4) ? random_amount(r) : *clock / 2;
	o.sample.psi.some_total_usec = random_one_in(r, 8) ? random_amount(r) : *clock / 2;
	o.sample.has_vmstat = random_one_in(r, 2);
	o.sample.has_io = random_one_in(r, 2);
	o.sample.has_others = random_one_in(r, 2);
	o.sample.others.memory_usec = random_one_in(r, 4) ? random_amount(r) : *clock / 2;
	o.sample.others.io_usec = random_one_in(r, 4) ? random_amount(r) : *clock / 2;
	o.sample.io.some_total_usec = random_one_in(r, 4) ? random_amount(r) : *clock;
	o.sample.vmstat.refault_anon = random_one_in(r, 4) ? random_amount(r) : *clock / 8;
	o.sample.vmstat.refault_file = random_one_in(r, 4) ? random_amount(r) : *clock / 8;
	o.sample.vmstat.activate_file = random_one_in(r, 4) ? random_amount(r) : *clock / 64;
	o.sample.page_bytes = random_one_in(r, 8) ? random_amount(r) : 4096;
	o.sample.vmstat.steal_kswapd = random_one_in(r, 4) ? random_amount(r) : *clock / 2;
	o.sample.zram.size_bytes = random_one_in(r, 8) ? random_amount(r) : 0;
	o.sample.zram.data_bytes = random_amount(r);
	o.sample.zram.used_bytes = random_amount(r);
	o.sample.zram.room_bytes = random_amount(r);
	m->inactive_anon_bytes = random_amount(r);
	o.sample.has_movable = random_one_in(r, 2);
	o.sample.barred_bytes = random_one_in(r, 4) ? random_amount(r) : 0;
	shuffle_scan(r, &o);
	return o;
}

struct machine {
	struct sample sample;
	enum victim_state victim;
	uint64_t used, swap_used, leak, stall_permyriad, refault_permyriad, deaf_usec,
		signalled_usec, victim_bytes;
};

static void machine_init(struct machine *m, struct random *r)
{
	uint64_t total = GIB << random_below(r, 8);

	*m = (struct machine){
		.sample = {.time_usec = random_below(r, 1000 * SEC),
			   .mem = {.total_bytes = total,
				   .swap_total_bytes = random_one_in(r, 2) ? 0 : total / 2},
			   .has_psi = !random_one_in(r, 4)},
		.used = total / 5,
	};
}

/* Time goes by: somebody leaks, what does not fit goes to swap, who was signalled dies. */
static void machine_advance(struct machine *m, struct random *r, uint64_t usec)
{
	struct sample *s = &m->sample;
	uint64_t full;

	s->time_usec += usec;
	if (random_one_in(r, 200))
		m->leak = random_below(r, 4 * GIB);
	if (random_one_in(r, m->victim == VICTIM_ALIVE ? 50 : 200)) {
		m->leak = 0;
		m->used = random_below(r, m->used + 1);
	}
	if (random_one_in(r, 200))
		m->stall_permyriad = random_below(r, 10001);
	if (random_one_in(r, 500))
		s->mem.swap_total_bytes = random_one_in(r, 2) ? 0 : s->mem.total_bytes / 4;
	if (random_one_in(r, 500))
		s->slept_usec += random_below(r, 100 * SEC);
	if (random_one_in(r, 200))
		m->refault_permyriad = random_below(r, 10001);
	s->psi.full_total_usec += u64_muldiv(usec, m->stall_permyriad, 10000);
	s->psi.some_total_usec += u64_muldiv(usec, (m->stall_permyriad + 10000) / 2, 10000);
	s->has_vmstat = s->has_io = random_one_in(r, 20);
	s->has_others = true;
	s->others.memory_usec += u64_muldiv(usec, m->stall_permyriad, 20000);
	s->io.some_total_usec += u64_muldiv(usec, (m->refault_permyriad + 10000) / 2, 10000);
	s->vmstat.steal_direct += usec / 100;
	s->vmstat.refault_anon += u64_muldiv(usec / 100, m->refault_permyriad, 10000);
	s->page_bytes = 4096;
	s->vmstat.refault_file += u64_muldiv(usec, m->refault_permyriad, 10000);
	s->vmstat.activate_file += u64_muldiv(usec / 2, m->refault_permyriad, 100000);
	m->used += u64_muldiv(m->leak, usec, SEC);

	if (m->victim == VICTIM_ALIVE && s->time_usec >= m->signalled_usec + m->deaf_usec) {
		m->victim = VICTIM_DEAD;
		m->used = u64_sub(m->used, m->victim_bytes);
		m->leak /= 4;
	}
	full = s->mem.total_bytes + s->mem.swap_total_bytes;
	m->used = u64_min(m->used, full);
	m->swap_used = u64_sub(m->used, s->mem.total_bytes - s->mem.total_bytes / 50);
	m->swap_used = u64_min(m->swap_used, s->mem.swap_total_bytes);
	s->mem.available_bytes = u64_sub(s->mem.total_bytes, m->used - m->swap_used);
	s->mem.swap_free_bytes = s->mem.swap_total_bytes - m->swap_used;
}

static void machine_obey(struct machine *m, struct random *r, const struct action *a)
{
	switch (a->kind) {
	case ACTION_TERM:
	case ACTION_KILL:
	case ACTION_ADOPT:
	case ACTION_ESCALATE:
		m->signalled_usec = m->sample.time_usec;
		m->deaf_usec = random_one_in(r, 3) ? random_below(r, 60 * SEC)
						   : random_below(r, SEC);
		m->victim = random_one_in(r, 20)
				    ? (enum victim_state)(VICTIM_MISSED + random_below(r, 3))
				    : VICTIM_ALIVE;
		m->victim_bytes = m->used / (1 + random_below(r, 8));
		break;
	case ACTION_SETTLED:
	case ACTION_RELEASED:
	case ACTION_GIVE_UP:
		m->victim = VICTIM_NONE;
		break;
	case ACTION_NONE:
	case ACTION_SCAN:
	case ACTION_BARREN:
		if (m->victim > VICTIM_DEAD)
			m->victim = VICTIM_NONE;
		break;
	}
}

static struct observation machine_seen(struct machine *m, struct random *r,
				       const struct action *last)
{
	struct observation o = {.sample = m->sample,
				.victim = m->victim,
				.victim_release = m->victim == VICTIM_DEAD && random_one_in(r, 2)
							  ? RELEASE_DONE
							  : RELEASE_UNKNOWN};

	if (last->kind == ACTION_SCAN) {
		o.scan = random_one_in(r, 10) ? SCAN_NOBODY : SCAN_VICTIM;
		o.candidate = (struct process_id){1 + (int)random_below(r, 30000), 1};
		o.candidate_bytes = m->used / 2;
		o.candidate_dying = random_one_in(r, 20);
		o.candidate_ignores_term = random_one_in(r, 20);
	}
	return o;
}

struct tally {
	unsigned kinds[ACTION_BARREN + 1];
	unsigned levels[LEVELS];
	unsigned reasons[REASONS];
};

static void run_machine(uint64_t seed, struct tally *tally)
{
	struct random r = {seed};
	struct config config = random_config(&r), other = random_config(&r);
	struct policy_check check;
	struct machine m;
	struct action a = {};

	machine_init(&m, &r);
	policy_check_init(&check, &config, random_one_in(&r, 2) ? 0 : random_amount(&r));
	for (unsigned i = 0; i < STEPS; i++) {
		struct observation o;
		const char *wrong;

		/* As often as it wants to be called, now and then later or, by the trigger, sooner.
		 */
		machine_advance(&m, &r,
				random_one_in(&r, 10) ? random_below(&r, 2 * SEC)
						      : u64_sub(a.next_usec, m.sample.time_usec));
		o = machine_seen(&m, &r, &a);
		if (random_one_in(&r, 1000))
			policy_configure(&check.policy, random_one_in(&r, 2) ? &config : &other);
		wrong = policy_check_step(&check, &o, &a);
		if (wrong)
			fail_msg("REAPD_TEST_SEED=0x%llx machine, step %u: %s",
				 (unsigned long long)seed, i, wrong);
		machine_obey(&m, &r, &a);
		tally->kinds[a.kind]++;
		tally->levels[a.level]++;
		tally->reasons[a.reason]++;
	}
}

static void run_nonsense(uint64_t seed, struct tally *tally)
{
	struct random r = {seed};
	struct config config = random_config(&r), other = random_config(&r);
	struct policy_check check;
	uint64_t clock = random_amount(&r) / 2;

	policy_check_init(&check, &config, random_amount(&r));
	for (unsigned i = 0; i < STEPS; i++) {
		struct observation o = nonsense(&r, &clock);
		const char *wrong;
		struct action a;

		if (random_one_in(&r, 100))
			policy_configure(&check.policy, random_one_in(&r, 2) ? &config : &other);
		wrong = policy_check_step(&check, &o, &a);
		if (wrong)
			fail_msg("REAPD_TEST_SEED=0x%llx nonsense, step %u: %s",
				 (unsigned long long)seed, i, wrong);
		tally->kinds[a.kind]++;
		tally->levels[a.level]++;
		tally->reasons[a.reason]++;
	}
}

/* How far an answer to a victim that was found goes. */
static unsigned severity(enum action_kind kind)
{
	switch (kind) {
	case ACTION_KILL:
		return 2;
	case ACTION_TERM:
	case ACTION_ADOPT:
		return 1;
	case ACTION_NONE:
	case ACTION_SCAN:
	case ACTION_ESCALATE:
	case ACTION_SETTLED:
	case ACTION_RELEASED:
	case ACTION_GIVE_UP:
	case ACTION_BARREN:
		break;
	}
	return 0;
}

/*
 * All else equal, less memory or swap never means a lower level, nor a later look while nothing is
 * under way, nor that a victim lives longer. The policy is a plain struct: the same state is shown
 * two worlds.
 */
static void run_monotone(uint64_t seed, struct tally *tally)
{
	struct random r = {seed};
	struct config config = random_config(&r);
	uint64_t clock = random_below(&r, 1000 * SEC);
	struct policy p;

	policy_init(&p, &config, random_one_in(&r, 2) ? 0 : random_amount(&r));
	for (unsigned i = 0; i < STEPS; i++) {
		struct observation more = nonsense(&r, &clock), less;
		struct policy p_more = p, p_less = p;
		struct action a_more, a_less;

		more.scan = random_one_in(&r, 2) ? SCAN_NOT_DONE : SCAN_VICTIM;
		less = more;
		less.sample.mem.available_bytes -= random_amount(&r) %
						   (more.sample.mem.available_bytes + 1);
		less.sample.mem.swap_free_bytes -= random_amount(&r) %
						   (more.sample.mem.swap_free_bytes + 1);
		less.sample.mem.inactive_anon_bytes -= random_amount(&r) %
						       (more.sample.mem.inactive_anon_bytes + 1);
		less.sample.barred_bytes = u64_add(more.sample.barred_bytes, random_amount(&r));
		a_more = policy_step(&p_more, &more);
		a_less = policy_step(&p_less, &less);
		if (a_less.level < a_more.level)
			fail_msg("REAPD_TEST_SEED=0x%llx monotone, step %u: less memory, lower "
				 "level",
				 (unsigned long long)seed, i);
		if (severity(a_less.kind) < severity(a_more.kind))
			fail_msg("REAPD_TEST_SEED=0x%llx monotone, step %u: less memory, and the "
				 "victim lives",
				 (unsigned long long)seed, i);
		if (more.scan == SCAN_NOT_DONE && p.phase == PHASE_WATCHING &&
		    a_less.next_usec > a_more.next_usec)
			fail_msg(
				"REAPD_TEST_SEED=0x%llx monotone, step %u: less memory, later look",
				(unsigned long long)seed, i);
		tally->levels[a_less.level]++;
		p = random_one_in(&r, 2) ? p_less : p_more;
	}
}

static void run_seeds(void (*run)(uint64_t seed, struct tally *tally), struct tally *ret_tally)
{
	const char *only = getenv("REAPD_TEST_SEED");

	*ret_tally = (struct tally){};
	if (only)
		run(strtoull(only, NULL, 0), ret_tally);
	else
		for (uint64_t i = 1; i <= RUNS; i++)
			run(i * UINT64_C(0x9e3779b97f4a7c15), ret_tally);
}

/* A simulation that never gets anywhere would prove nothing. */
static void check_tally(const struct tally *t, const enum action_kind *kinds, size_t count)
{
	if (getenv("REAPD_TEST_SEED"))
		return;
	for (size_t i = 0; i < count; i++)
		if (t->kinds[kinds[i]] < 10)
			fail_msg("action %d: %u times", kinds[i], t->kinds[kinds[i]]);
	for (enum level l = LEVEL_CALM; l <= LEVEL_HARD; l++)
		assert_true(t->levels[l] >= 1000);
	for (enum reason x = REASON_PLENTY; x < REASONS; x++)
		assert_true(t->reasons[x] >= 1000);
}

static const enum action_kind all_kinds[] = {
	ACTION_NONE,	 ACTION_SCAN,	 ACTION_TERM,	  ACTION_KILL,	  ACTION_ADOPT,
	ACTION_ESCALATE, ACTION_SETTLED, ACTION_RELEASED, ACTION_GIVE_UP, ACTION_BARREN,
};

static void test_machines(void **state)
{
	struct tally t;

	(void)state;
	run_seeds(run_machine, &t);
	check_tally(&t, all_kinds, ARRAY_SIZE(all_kinds));
}

static void test_nonsense(void **state)
{
	struct tally t;

	(void)state;
	run_seeds(run_nonsense, &t);
	check_tally(&t, all_kinds, ARRAY_SIZE(all_kinds));
}

static void test_monotone(void **state)
{
	struct tally t;

	(void)state;
	run_seeds(run_monotone, &t);
	for (enum level l = LEVEL_CALM; !getenv("REAPD_TEST_SEED") && l <= LEVEL_HARD; l++)
		assert_true(t.levels[l] >= 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_monotone),
	};

	return cmocka_run_group_tests_name("policy-random", tests, NULL, NULL);
}
