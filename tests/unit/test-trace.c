/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a trace: what is refused and with which words, what is read, and that a step of any
 * values comes back as it was written.
 */
#include <errno.h>

#include "core/trace.h"
#include "unit.h"

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	const char *expected; /* part of what is said when it is refused */
} refused_rows[] = {
	{"binary", BYTES("\001\377\376"), -EINVAL, "a line of a trace"},
	{"NUL", BYTES("\0step 5"), -EINVAL, "a line of a trace"},
	{"unknown word", BYTES("steps 5"), -EINVAL, "a line of a trace"},
	{"no time", BYTES("step"), -EINVAL, "a time in"},
	{"field in place of the time", BYTES("step total=5"), -EINVAL, "a time in"},
	{"negative time", BYTES("step -1"), -EINVAL, "a time in"},
	{"2^64", BYTES("step 18446744073709551616"), -ERANGE, "a time in"},
	{"time going backwards", BYTES("step 99"), -ERANGE, "not before"},
	{"unknown field", BYTES("step 200 colour=1"), -EINVAL, "known fields"},
	{"field of another case", BYTES("step 200 Total=1"), -EINVAL, "known fields"},
	{"field without a value", BYTES("step 200 total"), -EINVAL, "known fields"},
	{"empty value", BYTES("step 200 total="), -EINVAL, "known fields"},
	{"no number", BYTES("step 200 total=x"), -EINVAL, "known fields"},
	{"number with a tail", BYTES("step 200 total=5k"), -EINVAL, "known fields"},
	{"good field, then a bad one", BYTES("step 200 total=5 free=-5"), -EINVAL, "known fields"},
	{"value beyond 2^64", BYTES("step 200 total=18446744073709551616"), -ERANGE, "known"},
	{"neither 0 nor 1", BYTES("step 200 psi=2"), -ERANGE, "known fields"},
	{"pid beyond 2^31", BYTES("step 200 candidate=2147483648"), -ERANGE, "known fields"},
	{"unknown name", BYTES("step 200 victim=ill"), -EINVAL, "known fields"},
	{"number in place of a name", BYTES("step 200 victim=1"), -EINVAL, "known fields"},
	{"no version", BYTES("reapd-trace"), -EINVAL, "version 1"},
	{"version 0", BYTES("reapd-trace 0"), -ERANGE, "version 1"},
	{"another version", BYTES("reapd-trace 2"), -ERANGE, "version 1"},
	{"version with a tail", BYTES("reapd-trace 1.1"), -EINVAL, "version 1"},
	{"no rate", BYTES("fill-rate"), -EINVAL, "bytes a second"},
	{"no loss", BYTES("lost many"), -EINVAL, "number of steps"},
	{"nothing set", BYTES("set"), -EINVAL, "Key=value"},
	{"unknown key", BYTES("set Nonsense=5"), -EINVAL, "Key=value"},
	{"key of 70 bytes",
	 BYTES("set SoftMemoryxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=5"),
	 -EINVAL, "Key=value"},
	{"nothing expected", BYTES("expect"), -EINVAL, "nobody"},
	{"nobody and more", BYTES("expect nobody soon"), -EINVAL, "nobody"},
	{"no signal", BYTES("expect settled thrash 1 2"), -EINVAL, "nobody"},
	{"no such reason", BYTES("expect term boredom 1 2"), -EINVAL, "nobody"},
	{"one time", BYTES("expect term thrash 1"), -EINVAL, "nobody"},
	{"three times", BYTES("expect term thrash 1 2 3"), -EINVAL, "nobody"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused_rows); i++) {
		char *copy = heap_copy(refused_rows[i].data, refused_rows[i].len);
		struct trace_step before, step;
		struct trace_line line;
		const char *expected = NULL;

		memset(&line, 0xa5, sizeof(line));
		memset(&before, 0, sizeof(before));
		before.observation.sample.time_usec = 100;
		memcpy(&step, &before, sizeof(step));
		CHECK_INT(
			refused_rows[i].row,
			trace_parse_line(TEXT(copy, refused_rows[i].len), &step, &line, &expected),
			refused_rows[i].result);
		CHECK(refused_rows[i].row, expected && strstr(expected, refused_rows[i].expected));
		CHECK(refused_rows[i].row, memcmp(&step, &before, sizeof(step)) == 0);
		CHECK_INT(refused_rows[i].row, (unsigned char)((const char *)&line)[0], 0xa5);
		free(copy);
	}
}

static struct trace_line parse(const char *text, struct trace_step *step)
{
	struct trace_line line;
	const char *expected = NULL;

	CHECK_INT(text, trace_parse_line(TEXT(text, strlen(text)), step, &line, &expected), 0);
	CHECK(text, !expected);
	return line;
}

static void test_lines(void **state)
{
	struct trace_step step = {};
	struct trace_line line;

	(void)state;
	assert_int_equal(parse("", &step).kind, TRACE_NOTHING);
	assert_int_equal(parse(" \t\r", &step).kind, TRACE_NOTHING);
	assert_int_equal(parse("# step x", &step).kind, TRACE_NOTHING);
	assert_int_equal(parse("#step x", &step).kind, TRACE_NOTHING);

	line = parse("fill-rate 7", &step);
	assert_int_equal(line.kind, TRACE_FILL_RATE);
	assert_int_equal(line.number, 7);
	line = parse("lost 3", &step);
	assert_int_equal(line.kind, TRACE_LOST);
	assert_int_equal(line.number, 3);
	line = parse("set SoftMemory=10% 1G", &step);
	assert_int_equal(line.kind, TRACE_SET);
	assert_string_equal(line.key->name, "SoftMemory");
	assert_true(text_equal(line.value, "10% 1G"));
	line = parse("expect nobody", &step);
	assert_int_equal(line.kind, TRACE_EXPECT);
	assert_int_equal(line.expectation.kind, ACTION_NONE);
	line = parse("expect kill exhaustion 5 70", &step);
	assert_int_equal(line.expectation.kind, ACTION_KILL);
	assert_int_equal(line.expectation.reason, REASON_EXHAUSTION);
	assert_int_equal(line.expectation.from_usec, 5);
	assert_int_equal(line.expectation.until_usec, 70);

	line = parse("step 5 total=9 psi=1 scan=found candidate=2147483647\tlevel=hard", &step);
	assert_int_equal(line.kind, TRACE_STEP);
	assert_int_equal(step.observation.sample.mem.total_bytes, 9);
	assert_true(step.observation.sample.has_psi);
	assert_int_equal(step.observation.scan, SCAN_VICTIM);
	assert_int_equal(step.observation.candidate.pid, INT32_MAX);
	assert_int_equal(step.action.level, LEVEL_HARD);
	/* what is not named stays, at the same time too */
	(void)parse("step 5 psi=0", &step);
	assert_int_equal(step.observation.sample.mem.total_bytes, 9);
	assert_false(step.observation.sample.has_psi);
	assert_int_equal(parse("reapd-trace 1", &step).kind, TRACE_BEGIN);
	assert_int_equal(step.observation.sample.time_usec, 0);
	assert_int_equal(step.observation.sample.mem.total_bytes, 0);
}

/* Every byte of a step but the padding is in the line: a field that was forgotten would differ. */
static uint64_t any(struct random *r)
{
	return random_one_in(r, 3) ? 0 : random_one_in(r, 3) ? UINT64_MAX : random_u64(r);
}

static void fill(struct random *r, struct trace_step *s)
{
	struct observation *o = &s->observation;
	uint64_t *mem = (uint64_t *)&o->sample.mem;

	o->sample.time_usec = u64_add(o->sample.time_usec, random_below(r, 1000000));
	o->sample.slept_usec = any(r);
	o->sample.page_bytes = any(r);
	for (size_t i = 0; i < sizeof(o->sample.mem) / sizeof(*mem); i++)
		mem[i] = any(r);
	o->sample.has_psi = random_one_in(r, 2);
	o->sample.psi = (struct psi){any(r), any(r)};
	o->sample.has_vmstat = random_one_in(r, 2);
	o->sample.has_io = random_one_in(r, 2);
	o->sample.has_others = random_one_in(r, 2);
	o->sample.others = (struct others){any(r), any(r)};
	o->sample.io = (struct psi){any(r), any(r)};
	for (size_t i = 0; i < sizeof(o->sample.vmstat) / sizeof(uint64_t); i++)
		((uint64_t *)&o->sample.vmstat)[i] = any(r);
	o->sample.zram = (struct zram){any(r), any(r), any(r), any(r)};
	o->scan = (enum scan_outcome)random_below(r, 3);
	o->candidate = (struct process_id){(pid_t)random_below(r, INT32_MAX), any(r)};
	o->candidate_bytes = any(r);
	o->candidate_shmem_bytes = any(r);
	o->candidate_dying = random_one_in(r, 2);
	o->candidate_ignores_term = random_one_in(r, 2);
	o->candidate_writes = random_one_in(r, 2);
	o->writer_known = random_one_in(r, 2);
	o->stuck_bytes = any(r);
	o->victim = (enum victim_state)random_below(r, 6);
	o->victim_release = (enum release)random_below(r, 3);
	o->stand_aside = random_one_in(r, 2);
	o->requested = random_one_in(r, 2);
	s->action.kind = (enum action_kind)random_below(r, 10);
	s->action.level = (enum level)random_below(r, LEVELS);
	s->action.reason = (enum reason)random_below(r, REASONS);
	s->action.stall_permyriad = any(r);
	s->action.elsewhere_bytes = any(r);
	s->action.stuck_bytes = any(r);
	s->action.slept_usec = any(r);
	s->action.announce = random_one_in(r, 2);
	s->action.announced_before = (enum level)random_below(r, LEVELS);
}

static void test_round_trip(void **state)
{
	struct random r = {.state = 4711};
	struct trace_step written = {}, before = {}, read = {};
	char text[TRACE_LINE_SIZE];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct trace_line line;
		const char *expected = "";
		size_t len;

		fill(&r, &written);
		len = trace_format_step(&before, &written, text, sizeof(text));
		assert_int_equal(len, strlen(text));
		assert_true(len < sizeof(text) - 1);
		assert_int_equal(text[len - 1], '\n');
		if (trace_parse_line(TEXT(text, len - 1), &read, &line, &expected) < 0)
			fail_msg("%s: expected %s", text, expected);
		trace_follow(&before, &written);
		assert_memory_equal(&read.observation, &before.observation,
				    sizeof(struct observation));
		/* a second line between the two names nothing but the time */
		len = trace_format_step(&written, &read, text, sizeof(text));
		assert_null(strchr(text, '='));
		assert_int_equal(read.action.announced_before, written.action.announced_before);
	}
}

static void test_longest(void **state)
{
	struct trace_step before = {}, step;
	struct random r = {.state = 1};
	char text[TRACE_LINE_SIZE];

	(void)state;
	fill(&r, &before);
	memset(&step, 0, sizeof(step));
	memset(&step.observation.sample, 0xff, sizeof(step.observation.sample));
	step.observation.sample.has_psi = step.observation.sample.has_vmstat = true;
	step.observation.sample.has_others = step.observation.sample.has_movable = true;
	step.observation.sample.has_io = true; /* all bits set is no bool */
	memset(&before.observation.sample, 0, sizeof(before.observation.sample));
	assert_true(trace_format_step(&before, &step, text, sizeof(text)) < sizeof(text) / 2);
	/* and in too small a buffer it is cut, with its end */
	assert_int_equal(trace_format_step(&before, &step, text, 10), 9);
	assert_int_equal(strlen(text), 9);
}

/* What is printed of a configuration is read back as the same, and all but patterns is printed. */
static void test_config(void **state)
{
	char text[TRACE_LINE_SIZE];
	struct config_loader l;
	struct text rest, one;
	unsigned count = 0, keys = 0;

	(void)state;
	config_loader_init(&l, NULL, NULL);
	l.config.stall_window_usec = 12345678;
	l.config.hard_memory = (struct limit){1234, UINT64_C(3) << 30};
	rest = TEXT(text, trace_format_config(&l.config, text, sizeof(text)));
	assert_true(text_len(rest) < sizeof(text) - 64);
	while (text_next_line(&rest, &one)) {
		struct trace_step step = {};
		struct trace_line line;
		const char *expected;
		char value[64];

		assert_int_equal(trace_parse_line(one, &step, &line, &expected), 0);
		assert_int_equal(line.kind, TRACE_SET);
		config_format(&l.config, line.key, value, sizeof(value));
		assert_true(text_equal(line.value, value));
		count++;
	}
	for (const struct config_key *k = config_keys; k->name; k++)
		keys += k->type != CONFIG_PATTERN && k->type != CONFIG_CGROUPS &&
			k->type != CONFIG_NODES;
	assert_int_equal(count, keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_lines),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_longest),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
