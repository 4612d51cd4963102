/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy's state as lines: what is refused, and that a policy that was written and read back
 * goes on as the one that was not.
 */
#include <errno.h>

#include "core/trace-state.h"
#include "core/trace.h"
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

/*
 * Whether the byte at @at holds something of a member: no padding, and of an enum the lowest alone,
 * as its values are few. Without the builtin only what every compiler has there is known to do.
 */
static bool is_of_a_member(size_t at)
{
	static const size_t enums[] = {
		offsetof(struct policy, phase),
		offsetof(struct policy, barren_level),
		offsetof(struct policy, announced_level),
		offsetof(struct policy, announced_reason),
	};
	struct policy p;

	for (size_t i = 0; i < ARRAY_SIZE(enums); i++)
		if (at > enums[i] && at < enums[i] + sizeof(enum level))
			return false;
	/* padding that gcc 12 overlooks, behind an array */
	if ((at > offsetof(struct policy, stalls.has_reclaim) &&
	     at < offsetof(struct policy, stalls.refaults)) ||
	    at > offsetof(struct policy, other_is_lower))
		return false;
#if __has_builtin(__builtin_clear_padding)
	memset(&p, 0xff, sizeof(p));
	__builtin_clear_padding(&p);
	return *((const unsigned char *)&p + at) != 0;
#else
	(void)p;
	return at % sizeof(uint64_t) == 0;
#endif
}

/*
 * What is in one member comes back, from whichever of its bytes: what the tables lack is 0
 * afterwards. Of the ring one slot stands for all, and that it is the only one is no word of its
 * own.
 */
static void test_whole(void **state)
{
	size_t slot = offsetof(struct policy, stalls.slots), bytes = 0;
	struct policy p, q;

	(void)state;
	for (size_t i = 0; i < sizeof(p); i++) {
		bool of_slot = i >= slot && i < slot + sizeof(struct stall_slot);

		if (!is_of_a_member(i) ||
		    i < offsetof(struct policy, phase) /* the configuration and the rate */ ||
		    (i >= slot && i < offsetof(struct policy, stalls.has_reclaim) && !of_slot))
			continue;
		memset(&p, 0, sizeof(p));
		*((char *)&p + i) = 1;
		p.stalls.head = p.stalls.count = of_slot;
		memset(&q, 0, sizeof(q));
		q = read_back(&p);
		if (*((const char *)&q + i) != 1)
			fail_msg("what lies at byte %zu of struct policy is not in a trace", i);
		bytes++;
	}
	assert_true(bytes > sizeof(p.stalls.slots[0]) / 2);
}

static uint64_t amount(struct random *r)
{
	return random_u64(r) >> random_below(r, 64);
}

/* What only grows, by shares of the time that change now and then. */
struct machine {
	uint64_t clock;
	enum { NOBODY_WAITS, OTHERS_WAIT, ALL_WAIT } waits;
	uint64_t some, full, others_memory, others_io;
};

static void go_on(struct machine *m, struct random *r)
{
	uint64_t usec = random_one_in(r, 100) ? random_below(r, 400 * SEC) : random_below(r, SEC);

	if (random_one_in(r, 200))
		m->waits = (unsigned)random_below(r, 3);
	m->clock += usec;
	m->some += m->waits == ALL_WAIT ? usec : usec / 50;
	m->full += m->waits == ALL_WAIT ? usec / (1 + random_below(r, 3)) : 0;
	m->others_memory += m->waits == OTHERS_WAIT ? usec / 2 : usec / 100;
	m->others_io += m->waits == OTHERS_WAIT ? usec / 4 : usec / 100;
}

static struct observation any(struct random *r, struct machine *m)
{
	struct observation o = {};
	struct sample *s = &o.sample;
	uint64_t *clock = &m->clock;

	go_on(m, r);
	s->time_usec = random_one_in(r, 500) ? amount(r) : *clock;
	s->slept_usec = random_one_in(r, 300) ? amount(r) >> 20 : 0;
	s->mem.total_bytes = UINT64_C(1) << 30;
	s->mem.available_bytes = random_below(r, s->mem.total_bytes >> random_below(r, 8));
	s->mem.swap_total_bytes = random_one_in(r, 3) ? UINT64_C(1) << 30 : 0;
	s->mem.swap_free_bytes = s->mem.swap_total_bytes / 16;
	s->mem.shmem_bytes = random_one_in(r, 4) ? amount(r) >> 34 : 0;
	s->has_psi = !random_one_in(r, 40);
	s->psi.full_total_usec = m->full;
	s->psi.some_total_usec = m->some;
	s->has_vmstat = random_one_in(r, 2);
	s->vmstat.oom_kill = *clock / (300 * SEC);
	s->vmstat.refault_anon = *clock / 200;
	s->vmstat.refault_file = *clock / 20;
	s->vmstat.activate_file = *clock / 300;
	s->page_bytes = 4096;
	s->vmstat.steal_kswapd = *clock / 100;
	s->has_io = s->has_vmstat;
	s->io.some_total_usec = s->io.full_total_usec = *clock / 20;
	o.scan = (enum scan_outcome)random_below(r, 3);
	o.candidate = (struct process_id){(int)random_below(r, 9), random_below(r, 4)};
	s->has_others = !random_one_in(r, 20);
	s->others.memory_usec = m->others_memory;
	s->others.io_usec = m->others_io;
	o.candidate_bytes = amount(r) >> 30;
	o.candidate_shmem_bytes = amount(r) >> 34;
	o.candidate_dying = random_one_in(r, 4);
	o.candidate_ignores_term = random_one_in(r, 4);
	o.candidate_writes = random_one_in(r, 8);
	o.writer_known = random_one_in(r, 8);
	o.stuck_bytes = random_one_in(r, 8) ? amount(r) >> 34 : 0;
	o.victim = !random_one_in(r, 6) ? VICTIM_ALIVE : (enum victim_state)random_below(r, 6);
	o.victim_release = (enum release)random_below(r, 3);
	o.stand_aside = random_one_in(r, 10);
	o.requested = random_one_in(r, 300);
	return o;
}

static void same(const struct action *a, const struct action *b, unsigned i)
{
	if (a->kind != b->kind || a->level != b->level || a->reason != b->reason ||
	    a->stall_permyriad != b->stall_permyriad || a->stall_of_others != b->stall_of_others ||
	    a->ask_groups != b->ask_groups || a->look_closer != b->look_closer ||
	    a->stuck_bytes != b->stuck_bytes || a->not_asked != b->not_asked ||
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
	unsigned kinds[ACTION_BARREN + 1] = {}, of_others = 0;
	struct policy p, q;
	struct config_loader l;
	struct machine m = {};

	(void)state;
	config_loader_init(&l, NULL, NULL);
	policy_init(&p, &l.config, 1000000000);
	for (unsigned i = 0; i < 30000; i++) {
		struct observation o = any(&r, &m);
		struct action a, b;

		q = read_back(&p);
		a = policy_step(&p, &o);
		b = policy_step(&q, &o);
		same(&a, &b, i);
		kinds[a.kind]++;
		of_others += a.stall_of_others;
	}
	assert_true(of_others > 0);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		CHECK(action_kind_name((enum action_kind)i), kinds[i] > 0);
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
