/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Select=relief in the scan: that the search which ends early finds whom a reading of everybody
 * finds, on random populations with adj, rules and shortages; and who is shown to the search for
 * families.
 */
#include "sys/scan.h"
#include "sys/pattern.h"
#include "tree.h"

#define TOTAL 250000 /* pages: 1 GB */
#define MB(n) ((uint64_t)(n)*1024)
#define MIB   (UINT64_C(1) << 20)

#define POPULATIONS 300
#define PROCESSES   40

static struct fake_process random_process(struct random *r, pid_t pid)
{
	static const int adjs[] = {0, 0, 0, 0, 100, 300, 500, 1000, -100, -1000};

	return (struct fake_process){
		.pid = pid,
		.ppid = 1,
		.comm = random_one_in(r, 6)   ? "avoided"
			: random_one_in(r, 6) ? "liked"
					      : "plain",
		.uid = 5,
		.start_time = 100 + (uint64_t)pid,
		.anon_kb = MB(1) + random_below(r, MB(1) << random_below(r, 9)),
		.swap_kb = random_one_in(r, 4) ? random_below(r, MB(100)) : 0,
		.adj = adjs[random_below(r, ARRAY_SIZE(adjs))],
		.oom_score = -1,
	};
}

static struct patterns *make_patterns(void)
{
	struct config_loader l;
	struct patterns *p;

	config_loader_init(&l, NULL, NULL);
	strcpy(l.config.prefer, "^liked$");
	strcpy(l.config.avoid, "^avoided$");
	strcpy(l.config.ignore, "");
	p = patterns_new(&l);
	assert_non_null(p);
	return p;
}

struct everybody {
	struct choice choice;
	bool found;
	struct process best;
	uint64_t shortage_bytes;
};

static void see(void *userdata, const struct process *p)
{
	struct everybody *e = userdata;

	choice_note(&e->choice, p, e->shortage_bytes, SORT_BY_BADNESS);
	if (p->verdict != VERDICT_ELIGIBLE ||
	    (e->found && !process_beats(p, &e->best, SORT_BY_BADNESS)))
		return;
	e->found = true;
	e->best = *p;
}

static void test_random(void **state)
{
	struct random r = {UINT64_C(0x9e3779b97f4a7c15)};
	unsigned instead_count = 0, evaluated = 0, scored = 0;
	struct patterns *patterns = make_patterns();
	struct tree t;

	(void)state;
	tree_init(&t);
	for (unsigned n = 0; n < POPULATIONS; n++) {
		struct scan_request request = {
			.total_pages = TOTAL,
			.shortage_bytes = random_below(&r, 200) * MIB,
			.dying = DYING_IS_SKIPPED,
			.patterns = random_one_in(&r, 2) ? patterns : NULL,
		};
		struct everybody e = {.shortage_bytes = request.shortage_bytes};
		struct scanner *s = scanner_new(t.fd, 1);
		struct scan_result result, all;
		const struct process *instead;

		for (pid_t pid = 10; pid < 10 + PROCESSES; pid++) {
			struct fake_process p = random_process(&r, pid);

			fake_process_write(&t, &p, TOTAL);
		}
		assert_int_equal(scanner_run_on_all(s, &request, see, &e, &all), 0);
		assert_int_equal(scanner_run(s, &request, &result), 0);
		assert_true(result.found && e.found);
		instead = choice_instead(&e.choice, &e.best, request.shortage_bytes);
		instead_count += instead != NULL;
		if (result.victim.id.pid != (instead ? instead : &e.best)->id.pid)
			fail_msg("population %u: process %d was chosen, expected %d", n,
				 result.victim.id.pid, (instead ? instead : &e.best)->id.pid);
		CHECK_INT("whom the kernel would take", result.choice.kernels.id.pid,
			  e.choice.kernels.id.pid);
		evaluated += result.evaluated;
		scored += result.scored;

		/* and to the letter */
		request.select = SELECT_KERNEL;
		assert_int_equal(scanner_run(s, &request, &result), 0);
		assert_int_equal(result.victim.id.pid, e.best.id.pid);
		scanner_free(s);
	}
	/* it was worth it: often somebody else, and most were never read */
	assert_true(instead_count > POPULATIONS / 20);
	assert_true(evaluated < scored / 2);
	patterns_free(patterns);
	tree_done(&t);
}

struct shown {
	unsigned count;
	bool pids[64];
	enum verdict verdicts[64];
};

static void show(void *userdata, const struct process *p)
{
	struct shown *s = userdata;

	s->count++;
	s->pids[p->id.pid] = true;
	s->verdicts[p->id.pid] = p->verdict;
}

/* Everybody who may hold so much, whatever the scan itself has read; the rest of it goes on. */
static void test_largest(void **state)
{
	struct scan_request request = {.total_pages = TOTAL};
	struct scan_result result;
	struct shown shown = {};
	struct process p;
	struct scanner *s;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (pid_t pid = 10; pid < 30; pid++) {
		struct fake_process f = {.pid = pid,
					 .ppid = 1,
					 .start_time = 7,
					 .anon_kb = MB(pid - 9) * 8,
					 .oom_score = -1};

		fake_process_write(&t, &f, TOTAL);
	}
	s = scanner_new(t.fd, 1);
	scanner_put_aside(s, (struct process_id){28, 7});
	assert_int_equal(scanner_run(s, &request, &result), 0);
	assert_int_equal(result.victim.id.pid, 29);
	scanner_visit_largest(s, &request, (int64_t)(MB(100) / 4), 100, show, &shown);
	for (pid_t pid = 22; pid < 30; pid++) /* of 104 MB and more */
		assert_true(shown.pids[pid]);
	assert_int_equal(shown.verdicts[28], VERDICT_ASIDE);
	assert_int_equal(shown.verdicts[27], VERDICT_ELIGIBLE);
	/* a score is a rounded badness, and the counters may lag */
	assert_true(shown.count < 12);

	/* of those, so many as one has time for, the largest first */
	shown = (struct shown){};
	scanner_visit_largest(s, &request, (int64_t)(MB(100) / 4), 3, show, &shown);
	assert_int_equal(shown.count, 3);
	for (pid_t pid = 27; pid < 30; pid++)
		assert_true(shown.pids[pid]);

	/* somebody who is not in the top gets a row in it */
	scanner_fill_top(s, &request, 0, &result);
	assert_int_equal(result.top_count, SCAN_TOP);
	scan_process(t.fd, 12, &request, &p);
	scan_set_victim(&result, &p, SORT_BY_BADNESS);
	assert_int_equal(result.top_count, SCAN_TOP);
	assert_int_equal(result.top[SCAN_TOP - 1].id.pid, 12);
	assert_int_equal(result.top[0].id.pid, 29);
	/* and of somebody who is in it, what was read last */
	p = result.top[3];
	p.badness.points += 5;
	scan_set_victim(&result, &p, SORT_BY_BADNESS);
	assert_int_equal(result.top_count, SCAN_TOP);
	assert_int_equal(result.top[3].badness.points, p.badness.points);
	assert_int_equal(result.victim.badness.points, p.badness.points);
	scanner_free(s);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
