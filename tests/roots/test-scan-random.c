/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded search against a full evaluation: random populations, of which the scan must choose
 * the same victim as a plain loop over the table does. The oom_scores are those of a kernel whose
 * counters are approximate, off by as much as its per-CPU batches allow.
 */
#include <unistd.h>

#include "core/process.h"
#include "sys/scan.h"
#include "tree.h"

#define POPULATIONS   4000
#define PROCESSES_MAX 24

/* mm/oom_kill.c sums four per-CPU counters, each off by less than this: lib/percpu_counter.c. */
static int64_t counter_error(void)
{
	int64_t cpus = sysconf(_SC_NPROCESSORS_CONF);

	return 4 * (2 * cpus > 32 ? 2 * cpus : 32) * cpus - 4;
}

enum kind { PLAIN, PREFERRED, AVOIDED, IGNORED, SUNK, NAMED, KINDS };
static const char *const names[] = {"plain", "preferred", "avoided", "ignored", "sunk", "named"};

/* Each set has the ones before it too. */
enum rules { RULES_NONE, RULES_SHORT, RULES_SECTIONS, RULES_USER, RULES_SETS };

/*
 * In their order; the first three need a look ahead, of which the test makes up the result, and so
 * does the last, which lifts by the user alone.
 */
enum { LIFTED, BOTH, SPARED, SINKS, PREFERS, ROOTED };
static const char sections[] = "[Rule lifted]\nUnit=lifted.service\nBadness=+600\n"
			       "[Rule both]\nName=^(plain|avoided)$\nCgroup=/x\nBadness=+250\n"
			       "[Rule spared]\nExecutable=/x\nIgnore=yes\n"
			       "[Rule sinks]\nName=^sunk$\nBadness=-300\n"
			       "[Rule prefers]\nName=^named$\nUser=1000\nPrefer=yes\n";
static const char user_section[] = "[Rule rooted]\nUser=0\nBadness=+50\n";

struct member {
	struct fake_process p;
	enum kind kind;
	uint64_t matched;
	enum mark mark;
	bool put_aside;
};

struct population {
	uint64_t total_pages;
	unsigned count;
	struct member members[PROCESSES_MAX];
	enum rules rules;
	bool ignore_root_user;
	enum sort_by sort_by;
};

static const uint64_t totals[] = {250000, 262144, 6171021, 999999, 33000000};
static const int adjs[] = {0, 0, 0, 0, 200, -200, 900, 1000, -500, -900, -998, -999, -1000};

static void make_member(struct random *r, const struct population *pop, struct member *m, pid_t pid)
{
	/* shapes: all tiny, all alike, or anything up to the whole machine */
	uint64_t scale = random_one_in(r, 3) ? 64 : random_one_in(r, 2) ? 4000 : pop->total_pages;

	*m = (struct member){
		.p = {
			.pid = pid,
			.ppid = 1,
			.uid = random_one_in(r, 3) ? 0 : 1000,
			.start_time = random_below(r, 3),
			.anon_kb = 4 * random_below(r, scale),
			.file_kb = 4 * random_below(r, 64),
			.shmem_kb = random_one_in(r, 4) ? 4 * random_below(r, 64) : 0,
			.pte_kb = 4 * random_below(r, 50),
			.swap_kb = random_one_in(r, 4) ? 4 * random_below(r, scale) : 0,
			.adj = adjs[random_below(r, ARRAY_SIZE(adjs))],
			.no_mm = random_one_in(r, 12),
			.shared_pending = random_one_in(r, 20) ? 0x100 : 0,
		}};
	if (random_one_in(r, 15))
		m->p.flags = 0x200000;
	if (random_one_in(r, 15))
		m->p.status_file = FAKE_MISSING;
	m->kind = (enum kind)random_below(r, KINDS);
	m->p.comm = names[m->kind];
	for (unsigned i = LIFTED; i <= SPARED; i++)
		m->matched |= (uint64_t)random_one_in(r, 5) << i;
	m->matched |= (uint64_t)(m->p.uid == 0 && !random_one_in(r, 5)) << ROOTED;
	if (random_one_in(r, 8))
		m->mark = random_one_in(r, 2) ? MARK_AVOID : MARK_OMIT;
	m->put_aside = random_one_in(r, 10);
	m->p.vm_kb = m->p.anon_kb + m->p.file_kb;
}

static void make_population(struct random *r, struct population *pop)
{
	*pop = (struct population){
		.total_pages = totals[random_below(r, ARRAY_SIZE(totals))],
		.count = (unsigned)random_below(r, PROCESSES_MAX + 1),
		.rules = (enum rules)random_below(r, RULES_SETS),
		.ignore_root_user = random_one_in(r, 5),
		.sort_by = random_one_in(r, 4) ? SORT_BY_RSS : SORT_BY_BADNESS,
	};
	for (unsigned i = 0; i < pop->count; i++) {
		struct member *m = &pop->members[i];

		make_member(r, pop, m, 20 + (pid_t)i);
		if (i > 0 && random_one_in(r, 3)) { /* twins, for ties */
			*m = pop->members[i - 1];
			m->p.pid++;
			m->p.start_time = random_below(r, 3);
		}
	}
}

/* Kernel counters are never below 0 when they are read, and the score is not below 0 either. */
static void set_scores(struct random *r, struct population *pop)
{
	for (unsigned i = 0; i < pop->count; i++) {
		struct fake_process *p = &pop->members[i].p;
		int64_t memory = fake_badness(p, 0), noise = 0;

		if (random_one_in(r, 2))
			noise = (random_one_in(r, 2) ? 1 : -1) *
				(int64_t)random_below(r, (uint64_t)counter_error() + 1);
		if (memory + noise < 0)
			noise = -memory;
		p->oom_score = fake_oom_score(p, fake_badness(p, pop->total_pages) + noise,
					      pop->total_pages);
	}
}

static int64_t held_kb(const struct member *m)
{
	return (int64_t)(m->p.anon_kb + m->p.file_kb + m->p.shmem_kb + m->p.swap_kb + m->p.pte_kb);
}

static int64_t freed_kb(const struct member *m)
{
	return (int64_t)(m->p.anon_kb + m->p.swap_kb + m->p.pte_kb);
}

struct effect {
	bool ignore, avoid;
	int points;
};

static struct effect effect_of_short(const struct member *m)
{
	return (struct effect){
		.ignore = m->kind == IGNORED || m->mark == MARK_OMIT,
		.avoid = m->kind == AVOIDED || m->mark == MARK_AVOID,
		.points = m->kind == PREFERRED ? 450 : 0,
	};
}

static struct effect effect_of(const struct population *pop, const struct member *m)
{
	bool sections_count = pop->rules >= RULES_SECTIONS;

	if (pop->rules == RULES_NONE)
		return (struct effect){};
	if (sections_count && m->matched & 1 << LIFTED)
		return (struct effect){.points = 600};
	if (sections_count && m->matched & 1 << BOTH && (m->kind == PLAIN || m->kind == AVOIDED))
		return (struct effect){.points = 250};
	if (sections_count && m->matched & 1 << SPARED)
		return (struct effect){.ignore = true};
	if (sections_count && m->kind == SUNK)
		return (struct effect){.points = -300};
	if (sections_count && m->kind == NAMED && m->p.uid == 1000)
		return (struct effect){.points = 450};
	if (pop->rules >= RULES_USER && m->matched & 1 << ROOTED)
		return (struct effect){.points = 50};
	return effect_of_short(m);
}

/* Whoever is ignored is shown as large as he is. */
static bool can_be_weighed(const struct population *pop, const struct member *m)
{
	return !effect_of(pop, m).ignore && !(pop->ignore_root_user && m->p.uid == 0);
}

/* Who is dying is awaited, whatever the rules say. */
static bool can_be_victim(const struct population *pop, const struct member *m)
{
	return m->p.oom_score > 0 && m->p.status_file == FAKE_GOOD && !m->put_aside &&
	       (m->p.shared_pending != 0 || can_be_weighed(pop, m));
}

static int64_t points(const struct population *pop, const struct member *m)
{
	int64_t bias = 450 * (int64_t)(pop->total_pages / 1000);
	int64_t value = pop->sort_by == SORT_BY_RSS
				? (int64_t)(m->p.anon_kb + m->p.file_kb + m->p.shmem_kb) / 4
				: fake_badness(&m->p, pop->total_pages);

	int64_t floor = held_kb(m) / 4 / 8 * 7; /* an avoided process counts as an eighth */
	struct effect effect = effect_of(pop, m);

	if (can_be_weighed(pop, m))
		value += effect.points * (int64_t)(pop->total_pages / 1000);
	if (can_be_weighed(pop, m) && effect.avoid)
		value -= bias < floor ? bias : floor;
	return value;
}

static bool beats(const struct population *pop, const struct member *a, const struct member *b)
{
	int64_t difference = points(pop, a) - points(pop, b);

	/* the table is in the order of pids: of equals the later one has the larger */
	if (difference == 0)
		return a->p.start_time != b->p.start_time ? a->p.start_time > b->p.start_time
							  : a > b;
	return difference > 0;
}

/* Whom the kernel does not rate is not looked at. */
static bool is_read(const struct member *m)
{
	return m->p.oom_score > 0 && m->p.status_file == FAKE_GOOD;
}

/* How many are better than @m, whatever keeps them from being chosen. */
static unsigned rank(const struct population *pop, const struct member *m)
{
	unsigned better = 0;

	for (unsigned i = 0; i < pop->count; i++)
		better += is_read(&pop->members[i]) && beats(pop, &pop->members[i], m);
	return better;
}

static const struct member *best_of(const struct population *pop, bool dying)
{
	const struct member *best = NULL;

	for (unsigned i = 0; i < pop->count; i++) {
		const struct member *m = &pop->members[i];

		if (can_be_victim(pop, m) && (m->p.shared_pending != 0) == dying &&
		    (!best || beats(pop, m, best)))
			best = m;
	}
	return best;
}

/* Somebody who is dying anyway, is better than @victim and frees half as much at least. */
static bool can_stand_in(const struct population *pop, const struct member *m,
			 const struct member *victim)
{
	return can_be_victim(pop, m) && m->p.shared_pending != 0 &&
	       (!victim || (beats(pop, m, victim) && freed_kb(m) >= freed_kb(victim) / 2));
}

static const struct member *full_evaluation(const struct population *pop)
{
	const struct member *victim = best_of(pop, false), *best = NULL;

	for (unsigned i = 0; i < pop->count; i++) {
		const struct member *m = &pop->members[i];

		if (can_stand_in(pop, m, victim) && (!best || beats(pop, m, best)))
			best = m;
	}
	/* it is looked for among the first of the table only */
	return best && rank(pop, best) < SCAN_TOP ? best : victim;
}

static void write_population(const struct tree *t, const struct population *pop, unsigned before)
{
	char name[16];

	for (unsigned i = 0; i < pop->count; i++)
		fake_process_write(t, &pop->members[i].p, pop->total_pages);
	for (unsigned i = pop->count; i < before; i++) {
		snprintf(name, sizeof(name), "%u", 20 + i);
		tree_remove(t, name);
	}
}

static struct patterns *make_patterns(enum rules rules)
{
	struct config_loader l;
	struct patterns *p;

	if (rules == RULES_NONE)
		return NULL;
	config_loader_init(&l, NULL, NULL);
	if (rules >= RULES_SECTIONS)
		config_loader_parse(&l, "test.conf", sections, strlen(sections));
	if (rules >= RULES_USER)
		config_loader_parse(&l, "test.conf", user_section, strlen(user_section));
	strcpy(l.config.prefer, "^preferred$");
	strcpy(l.config.avoid, "^avoided$");
	strcpy(l.config.ignore, "^ignored$");
	p = patterns_new(&l);
	assert_non_null(p);
	return p;
}

/* What a look would have found, of those alone of whom there is something to say. */
static void write_book(const struct population *pop, const struct patterns *p,
		       struct identity_book *b)
{
	b->patterns = p;
	b->count = 0;
	for (unsigned i = 0; i < pop->count; i++) {
		const struct member *m = &pop->members[i];

		if (m->matched == 0 && m->mark == MARK_NONE)
			continue;
		b->entries[b->count] = (struct identity){.pid = m->p.pid,
							 .start_time = m->p.start_time,
							 .matched = m->matched,
							 .mark = m->mark};
		strcpy(b->entries[b->count++].comm, m->p.comm);
	}
}

static void test_random(void **state)
{
	struct random r = {UINT64_C(0x9e3779b97f4a7c15)};
	struct patterns *patterns[RULES_SETS];
	struct identity_book book = {};
	unsigned before = 0, found = 0;
	uint64_t scored = 0, evaluated = 0;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (enum rules i = 0; i < RULES_SETS; i++)
		patterns[i] = make_patterns(i);
	assert_int_equal(identity_book_reserve(&book, PROCESSES_MAX), 0);
	for (unsigned n = 0; n < POPULATIONS; n++) {
		struct population pop;
		const struct member *expected;
		struct scan_result result;
		struct scanner *s = scanner_new(t.fd, 1);
		struct scan_request request;

		make_population(&r, &pop);
		set_scores(&r, &pop);
		write_population(&t, &pop, before);
		before = pop.count;
		request = (struct scan_request){
			.total_pages = pop.total_pages,
			.sort_by = pop.sort_by,
			.ignore_root_user = pop.ignore_root_user,
			.patterns = patterns[pop.rules],
			.known = &book,
		};
		write_book(&pop, patterns[pop.rules], &book);
		for (unsigned i = 0; i < pop.count; i++) {
			if (pop.members[i].put_aside)
				scanner_put_aside(s,
						  (struct process_id){pop.members[i].p.pid,
								      pop.members[i].p.start_time});
		}
		assert_int_equal(scanner_run(s, &request, &result), 0);
		expected = full_evaluation(&pop);
		if ((expected ? expected->p.pid : 0) != (result.found ? result.victim.id.pid : 0))
			fail_msg("population %u: process %d was chosen, expected %d", n,
				 result.found ? result.victim.id.pid : 0,
				 expected ? expected->p.pid : 0);
		if (expected) {
			found++;
			assert_int_equal(result.victim.badness.points,
					 fake_badness(&expected->p, pop.total_pages));
			assert_int_equal(result.victim.verdict, expected->p.shared_pending
									? VERDICT_DYING
									: VERDICT_ELIGIBLE);
		}
		if (pop.sort_by == SORT_BY_BADNESS && expected) {
			scored += result.scored;
			evaluated += result.evaluated;
		}
		scanner_free(s);
	}
	tree_done(&t);
	for (enum rules i = 0; i < RULES_SETS; i++)
		patterns_free(patterns[i]);
	identity_book_done(&book);

	/* the test would show little if there were no victims, or the search no gain */
	assert_true(found > POPULATIONS * 3 / 4);
	assert_true(evaluated < scored * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
