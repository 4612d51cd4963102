/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who dies in the place of whom, and what is said of it: populations in tables.
 */
#include "unit.h"

#include "core/choice.h"

#define MIB   (UINT64_C(1) << 20)
#define PAGES ((int64_t)(MIB / 4096))

/* pid 0: the end. */
struct row {
	pid_t pid;
	uint64_t mib;
	int adj; /* of 1000 MiB */
	int64_t bias_mib;
	enum verdict verdict;
	bool task_origin;
};

static struct process process_of(const struct row *row)
{
	struct process p = {
		.id = {row->pid, 1},
		.oom_score_adj = row->adj,
		.verdict = row->verdict,
		.task_origin = row->task_origin,
		.memory = {.rss_anon_bytes = row->mib * MIB},
		.bias_pages = row->bias_mib * PAGES,
	};

	p.badness.rss_pages = (int64_t)row->mib * PAGES;
	p.badness.adj_pages = row->adj * PAGES;
	p.badness.points = p.badness.rss_pages + p.badness.adj_pages;
	return p;
}

static const struct {
	const char *name;
	struct row rows[5];
	uint64_t shortage_mib;
	enum sort_by by;
	pid_t victim; /* with Select=relief */
	enum difference difference;
	pid_t kernels;
} cases[] = {
	{"the largest", {{10, 20}, {11, 500}}, 12, .victim = 11, .kernels = 11},
	{"a tiny one with a high oom_score_adj is passed over",
	 {{10, 5, 500}, {11, 400}},
	 12,
	 .victim = 11,
	 .difference = DIFFERENCE_YIELD,
	 .kernels = 10},
	{"not if it has enough", {{10, 12, 500}, {11, 400}}, 12, .victim = 10, .kernels = 10},
	{"not when nothing is known of a shortage",
	 {{10, 5, 500}, {11, 400}},
	 0,
	 .victim = 10,
	 .kernels = 10},
	{"not if nobody has enough", {{10, 5, 500}, {11, 400}}, 500, .victim = 10, .kernels = 10},
	{"of those who have enough the worst by badness",
	 {{10, 5, 500}, {11, 400}, {12, 350, 100}, {13, 11, 600}},
	 12,
	 .victim = 12,
	 .difference = DIFFERENCE_YIELD,
	 .kernels = 13},
	{"nobody with a negative oom_score_adj dies in its place",
	 {{10, 5, 500}, {11, 400, -1}},
	 12,
	 .victim = 10,
	 .kernels = 10},
	{"nor anybody who is avoided",
	 {{10, 5, 500}, {11, 400, 0, -10}},
	 12,
	 .victim = 10,
	 .kernels = 10},
	{"who is preferred and tiny is passed over too",
	 {{10, 5, 0, 450}, {11, 400}},
	 12,
	 .victim = 11,
	 .kernels = 11},
	{"who is preferred and has enough is not",
	 {{10, 15, 0, 450}, {11, 400}},
	 12,
	 .victim = 10,
	 .difference = DIFFERENCE_RULES,
	 .kernels = 11},
	{"the largest is avoided",
	 {{10, 300}, {11, 400, 0, -350}},
	 12,
	 .victim = 10,
	 .difference = DIFFERENCE_RULES,
	 .kernels = 11},
	{"the largest is ignored",
	 {{10, 300}, {11, 400, .verdict = VERDICT_IGNORED}},
	 12,
	 .victim = 10,
	 .difference = DIFFERENCE_RULES,
	 .kernels = 11},
	{"the largest was put aside, as the kernel does",
	 {{10, 300}, {11, 400, .verdict = VERDICT_ASIDE}},
	 12,
	 .victim = 10,
	 .kernels = 10},
	{"by rss",
	 {{10, 300, 300}, {11, 400}},
	 12,
	 .by = SORT_BY_RSS,
	 .victim = 11,
	 .difference = DIFFERENCE_SORT,
	 .kernels = 10},
	{"who is in swapoff is taken though he holds nothing",
	 {{10, 1, .task_origin = true}, {11, 400}},
	 12,
	 .victim = 10,
	 .kernels = 10},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t shortage = cases[i].shortage_mib * MIB;
		const struct process *instead;
		struct process victim = {};
		struct choice c = {};

		for (const struct row *row = cases[i].rows; row->pid != 0; row++) {
			struct process p = process_of(row);

			choice_note(&c, &p, shortage, cases[i].by);
			if (p.verdict == VERDICT_ELIGIBLE &&
			    (victim.id.pid == 0 || process_beats(&p, &victim, cases[i].by)))
				victim = p;
		}
		instead = choice_instead(&c, &victim, shortage);
		if (instead)
			victim = *instead;
		CHECK_INT(cases[i].name, victim.id.pid, cases[i].victim);
		CHECK_INT(cases[i].name, c.kernels.id.pid, cases[i].kernels);
		CHECK_INT(cases[i].name, choice_difference(&c, &victim, shortage, cases[i].by),
			  cases[i].difference);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (enum difference d = DIFFERENCE_NONE; d <= DIFFERENCE_FAMILY; d++) {
		assert_string_not_equal(difference_name(d), "unknown");
		for (enum difference e = DIFFERENCE_NONE; e < d; e++)
			assert_string_not_equal(difference_name(d), difference_name(e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
