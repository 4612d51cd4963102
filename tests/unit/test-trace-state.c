/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy's state as lines: what is refused, and that a policy that was written and read back
 * goes on as the one that was not.
 */
#include <errno.h>

#include "core/trace-state.h"
#include "unit.h"

#define SEC UINT64_C(1000000)

static const struct {
	const char *row;
	int (*parse)(struct text words, struct policy *p, const char **reterr_expected);
	const char *data;
	size_t len;
	int result;
} refused_rows[] = {
	{"binary", trace_parse_state, BYTES("\001\377"), -EINVAL},
	{"unknown field", trace_parse_state, BYTES("colour=1"), -EINVAL},
	{"settings are elsewhere", trace_parse_state, BYTES("fill-rate=1"), -EINVAL},
	{"no value", trace_parse_state, BYTES("victim"), -EINVAL},
	{"number in place of a name", trace_parse_state, BYTES("phase=1"), -EINVAL},
	{"unknown name", trace_parse_state, BYTES("phase=asleep"), -EINVAL},
	{"neither 0 nor 1", trace_parse_state, BYTES("victim-dead=2"), -ERANGE},
	{"pid beyond 2^31", trace_parse_state, BYTES("victim=2147483648"), -ERANGE},
	{"good field, then 2^64", trace_parse_state, BYTES("dead=5 last=18446744073709551616"),
	 -ERANGE},
	{"no time", trace_parse_stalls, BYTES(""), -EINVAL},
	{"field in place of a time", trace_parse_stalls, BYTES("lost=5"), -EINVAL},
	{"field of the other line", trace_parse_stalls, BYTES("5 victim=5"), -EINVAL},
	{"negative", trace_parse_stalls, BYTES("5 lost=-5"), -EINVAL},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused_rows); i++) {
		char *copy = heap_copy(refused_rows[i].data, refused_rows[i].len);
		struct policy p, before;
		const char *expected = NULL;

		memset(&p, 0, sizeof(p));
		p.stalls.head = p.stalls.count = 1;
		memcpy(&before, &p, sizeof(p));
		CHECK_INT(refused_rows[i].row,
			  refused_rows[i].parse(TEXT(copy, refused_rows[i].len), &p, &expected),
			  refused_rows[i].result);
		CHECK(refused_rows[i].row, expected);
		CHECK(refused_rows[i].row, memcmp(&p, &before, sizeof(p)) == 0);
		free(copy);
	}
}

static void test_too_many(void **state)
{
	const char *expected = NULL;
	struct policy p = {};

	(void)state;
	for (unsigned i = 0; i < STALL_SLOTS; i++)
		assert_int_equal(trace_parse_stalls(TEXT("5", 1), &p, &expected), 0);
	assert_int_equal(trace_parse_stalls(TEXT("5", 1), &p, &expected), -ERANGE);
	assert_non_null(expected);
}

/* As a reader has it who knows nothing but the lines, the configuration and the rate. */
static struct policy read_back(const struct policy *p)
{
	char text[TRACE_STATE_SIZE];
	struct policy q = {.config = p->config, .fill_rate_bytes = p->fill_rate_bytes};
	struct text rest = TEXT(text, trace_format_state(p, text, sizeof(text))), line, word;
	const char *expected = "";
	int r;

	assert_true(text_len(rest) < sizeof(text) - 1);
	while (text_next_line(&rest, &line)) {
		assert_true(text_next_word(&line, &word));
		r = text_equal(word, "state") ? trace_parse_state(line, &q, &expected)
					      : trace_parse_stalls(line, &q, &expected);
		if (r < 0)
			fail_msg("%s: expected %s", text, expected);
	}
	return q;
}

/* Any number in any member comes back: one that the table lacks is 0 afterwards. */
static void test_whole(void **state)
{
	struct policy p, q;

	(void)state;
	for (size_t i = 0; i < sizeof(p); i += sizeof(uint64_t)) {
		if (i == offsetof(struct policy, config) ||
		    i == offsetof(struct policy, fill_rate_bytes) ||
		    (i >= offsetof(struct policy, stalls.slots) &&
		     i < offsetof(struct policy, stalls.has_reclaim)))
			continue;
		memset(&p, 0, sizeof(p));
		*((char *)&p + i) = 1;
		memset(&q, 0, sizeof(q));
		q = read_back(&p);
		if (*((const char *)&q + i) != 1)
			fail_msg("what lies at byte %zu of struct policy is not in a trace", i);
	}
}

static uint64_t amount(struct random *r)
{
	return random_u64(r) >> random_below(r, 64);
}

static struct observation any(struct random *r, uint64_t *clock)
{
	struct observation o = {};
	struct sample *s = &o.sample;

	*clock += random_one_in(r, 100) ? random_below(r, 400 * SEC) : random_below(r, SEC);
	s->time_usec = random_one_in(r, 500) ? amount(r) : *clock;
	s->slept_usec = random_one_in(r, 300) ? amount(r) >> 20 : 0;
	s->mem.total_bytes = UINT64_C(1) << 30;
	s->mem.available_bytes = random_below(r, s->mem.total_bytes >> random_below(r, 8));
	s->mem.swap_total_bytes = random_one_in(r, 3) ? UINT64_C(1) << 30 : 0;
	s->mem.swap_free_bytes = s->mem.swap_total_bytes / 16;
	s->mem.shmem_bytes = random_one_in(r, 4) ? amount(r) >> 34 : 0;
	s->has_psi = !random_one_in(r, 40);
	s->psi.full_total_usec = *clock / (1 + random_below(r, 3));
	s->psi.some_total_usec = *clock;
	s->has_vmstat = random_one_in(r, 2);
	s->vmstat.oom_kill = *clock / (300 * SEC);
	s->vmstat.refault_anon = *clock / 200;
	s->vmstat.refault_file = *clock / 20;
	s->vmstat.activate_file = *clock / 300;
	s->page_bytes = 4096;
	s->vmstat.steal_kswapd = *clock / 100;
	s->has_io = s->has_vmstat;
	s->io.some_total_usec = s->io.full_total_usec = *clock / 2;
	o.scan = (enum scan_outcome)random_below(r, 3);
	o.candidate = (struct process_id){(int)random_below(r, 9), random_below(r, 4)};
	o.candidate_bytes = amount(r) >> 30;
	o.candidate_dying = random_one_in(r, 4);
	o.candidate_ignores_term = random_one_in(r, 4);
	o.victim = random_one_in(r, 2) ? VICTIM_ALIVE : (enum victim_state)random_below(r, 6);
	o.victim_release = (enum release)random_below(r, 3);
	o.stand_aside = random_one_in(r, 10);
	o.requested = random_one_in(r, 300);
	return o;
}

static void same(const struct action *a, const struct action *b, unsigned i)
{
	if (a->kind != b->kind || a->level != b->level || a->reason != b->reason ||
	    a->stall_permyriad != b->stall_permyriad || a->look_closer != b->look_closer ||
	    a->consumed_bytes != b->consumed_bytes || a->exhausted_usec != b->exhausted_usec ||
	    a->elsewhere_bytes != b->elsewhere_bytes || a->announce != b->announce ||
	    a->announced_before != b->announced_before || a->slept_usec != b->slept_usec ||
	    a->next_usec != b->next_usec)
		fail_msg("step %u: kind %u and %u, level %u and %u", i, a->kind, b->kind, a->level,
			 b->level);
}

/* Written and read back before every step, it answers what it would have. */
static void test_goes_on(void **state)
{
	struct random r = {.state = 815};
	unsigned kinds[ACTION_BARREN + 1] = {};
	struct policy p, q;
	struct config_loader l;
	uint64_t clock = 0;

	(void)state;
	config_loader_init(&l, NULL, NULL);
	policy_init(&p, &l.config, 1000000000);
	for (unsigned i = 0; i < 30000; i++) {
		struct observation o = any(&r, &clock);
		struct action a, b;

		q = read_back(&p);
		a = policy_step(&p, &o);
		b = policy_step(&q, &o);
		same(&a, &b, i);
		kinds[a.kind]++;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_true(kinds[i] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
