/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replay: a run of the policy that was recorded comes out as it was, and where other settings make
 * it part from the record, nothing of what only the record knows is used.
 */
#include <errno.h>

#include "core/replay.h"
#include "core/trace-state.h"
#include "unit.h"

#define HEAD "reapd-trace 1\nfill-rate 4294967296\n"
#define CALM "step 1000000 total=1000000000 available=500000000 action=none\n"

static const struct {
	const char *row;
	const char *data;
	int result;
	unsigned line;
	const char *expected;
} refused_rows[] = {
	{"empty", "", -EINVAL, 0, "a trace with a step"},
	{"header alone", HEAD, -EINVAL, 0, "a trace with a step"},
	{"one line without an end", "reapd-trace 1", -EINVAL, 0, "a trace with a step"},
	{"no header", CALM, -EINVAL, 1, "before anything else"},
	{"setting before the header", "set SoftMemory=5%\n" HEAD CALM, -EINVAL, 1, "before any"},
	{"another version", "reapd-trace 2\n" CALM, -ERANGE, 1, "version 1"},
	{"bad value", HEAD "set SoftMemory=some\n" CALM, -EINVAL, 3, "a percentage, a size"},
	{"bad line", HEAD CALM "step x\n" CALM, -EINVAL, 4, "a time in microseconds"},
	{"time going backwards", HEAD CALM "step 999999\n", -ERANGE, 4, "not before"},
	{"begins in the middle, with no step", HEAD "before 5 total=9\nstate\n", -EINVAL, 0,
	 "a step"},
	{"before what came before", HEAD "before 5000000\n" CALM, -ERANGE, 4, "not before"},
	{"bad state", HEAD "state phase=7\n" CALM, -EINVAL, 3, "what the policy knows"},
	{"stalls of no state", HEAD "stalls 5\n" CALM, -EINVAL, 3, "\"state\" before"},
	{"bad stalls", HEAD "state\nstalls 5 lost\n" CALM, -EINVAL, 4, "after \"stalls\""},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused_rows); i++) {
		struct replay r = {};

		CHECK_INT(refused_rows[i].row,
			  replay_run(&r, refused_rows[i].data, strlen(refused_rows[i].data)),
			  refused_rows[i].result);
		CHECK_INT(refused_rows[i].row, r.line, refused_rows[i].line);
		CHECK(refused_rows[i].row, strstr(r.expected, refused_rows[i].expected));
	}
}

/* A whole kill, as the daemon would have recorded it. */
static const char kill_trace[] = HEAD
	"set SoftMemory=10%\n"
	"expect term exhaustion 1000000 1100000\n" CALM
	"step 2000000 available=99000000 action=scan level=soft reason=exhaustion announce=1\n"
	"step 2001000 scan=found candidate=77 candidate-start=5 candidate-bytes=400000000"
	" action=term\n"
	"step 2006000 scan=none victim=alive action=none announce=0 announced-before=soft\n"
	"step 2100000 available=600000000 victim=dead release=done action=settled level=calm"
	" reason=plenty\n"
	"step 2100100 victim=none release=unknown action=none\n";

struct seen {
	unsigned count, astray;
	enum action_kind last;
	bool assumed;
	bool other_settings; /* so that another level is no surprise */
};

static void see(void *userdata, const struct replay_step *s)
{
	struct seen *seen = userdata;

	seen->count++;
	seen->astray += s->astray;
	seen->last = s->now.kind;
	seen->assumed |= s->assumed;
	if (!s->astray && !seen->other_settings)
		assert_int_equal(s->now.level, s->recorded.action.level);
}

static void test_as_it_was(void **state)
{
	struct seen seen = {};
	struct replay r = {.visit = see, .userdata = &seen};

	(void)state;
	assert_int_equal(replay_run(&r, kill_trace, strlen(kill_trace)), 0);
	assert_int_equal(seen.count, 6);
	assert_int_equal(r.steps, 6);
	assert_int_equal(seen.astray, 0);
	assert_false(seen.assumed || r.parted || r.ended || r.cut);
	assert_int_equal(r.first.kind, ACTION_TERM);
	assert_int_equal(r.first.reason, REASON_EXHAUSTION);
	assert_int_equal(r.first.from_usec, 1001000);
	assert_true(replay_is_as_expected(&r));
}

static struct replay replay_with(const char *trace, const char *key, const char *value,
				 struct seen *seen)
{
	const struct replay_setting setting = {config_key_find(key), value};
	struct replay r = {
		.settings = &setting, .settings_count = 1, .visit = see, .userdata = seen};

	assert_int_equal(replay_run(&r, trace, strlen(trace)), 0);
	return r;
}

static void test_other_settings(void **state)
{
	struct seen seen = {.other_settings = true};
	struct replay r = replay_with(kill_trace, "SoftMemory", "9%", &seen);

	(void)state;
	/* nobody is asked for, so nobody is found, and nobody dies */
	assert_true(r.parted && !r.ended);
	assert_int_equal(r.first.kind, ACTION_NONE);
	assert_int_equal(seen.count, 6);
	assert_false(replay_is_as_expected(&r));

	/* earlier than it was: a victim is assumed, and there it ends */
	seen = (struct seen){.other_settings = true};
	r = replay_with(kill_trace, "SoftMemory", "60%", &seen);
	assert_true(r.parted && r.ended);
	assert_int_equal(seen.count, 1);
	assert_true(seen.assumed);
	assert_int_equal(seen.last, ACTION_TERM);
	assert_int_equal(r.first.from_usec, 0);
	assert_false(replay_is_as_expected(&r));

	/* another signal at the same time: the recorded victim is still the right one */
	seen = (struct seen){.other_settings = true};
	r = replay_with(kill_trace, "HardMemory", "10%", &seen);
	assert_true(r.parted && r.ended && !seen.assumed);
	assert_int_equal(r.first.kind, ACTION_KILL);
}

/* What is set in the trace does not count over what was asked for, then or later. */
static void test_overridden(void **state)
{
	static const char trace[] = HEAD "set SoftMemory=10%\n" CALM
					 "set SoftMemory=60%\nstep 2000000\n";
	struct seen seen = {.other_settings = true};
	struct replay r = {};

	(void)state;
	assert_int_equal(replay_run(&r, trace, strlen(trace)), 0);
	assert_int_equal(r.first.kind, ACTION_TERM); /* by the reload in it */
	assert_int_equal(r.first.from_usec, 1000000);
	r = replay_with(trace, "SoftMemory", "5%", &seen);
	assert_int_equal(r.first.kind, ACTION_NONE);
	assert_int_equal(seen.count, 2);
}

static void test_cut(void **state)
{
	size_t steps[2] = {0, 0};

	(void)state;
	for (size_t len = 0; len <= strlen(kill_trace); len++) {
		char *copy = heap_copy(kill_trace, len);
		struct replay r = {};
		int q = replay_run(&r, copy, len);

		/* whole lines before the cut count, and no other */
		assert_true(q == 0 || (q == -EINVAL && r.steps == 0 && r.line == 0));
		assert_false(r.parted);
		assert_int_equal(r.cut, len > 0 && kill_trace[len - 1] != '\n');
		assert_true(r.steps >= steps[0]);
		steps[0] = r.steps;
		free(copy);
	}
	assert_int_equal(steps[0], 6);
}

/* Two starts in one file: the machine went down in the middle of a line, and its clock began anew.
 */
static void test_two_starts(void **state)
{
	char text[2 * sizeof(kill_trace)];
	struct replay r = {};

	(void)state;
	snprintf(text, sizeof(text), "%sstep 90000000 avail\n%s", HEAD CALM, kill_trace);
	assert_int_equal(replay_run(&r, text, strlen(text)), 0);
	assert_true(r.cut && !r.parted);
	assert_int_equal(r.steps, 7);
	assert_true(replay_is_as_expected(&r));
}

/* What is cut may read like a whole line, or be one of those that a start begins with. */
static void test_half_lines(void **state)
{
	static const struct {
		const char *row, *before;
		unsigned steps;
	} rows[] = {
		{"half a number", HEAD CALM "step 90000000 available=7\n", 7},
		{"half a setting", HEAD "set SoftMem\n", 6},
		{"half a setting, after a good start", HEAD CALM "\n" HEAD "set SoftMem\n", 7},
		{"half a rate", "reapd-trace 1\nfill-rate 4\n", 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[3 * sizeof(kill_trace)];
		struct replay r = {};

		snprintf(text, sizeof(text), "%s%s", rows[i].before, kill_trace);
		CHECK_INT(rows[i].row, replay_run(&r, text, strlen(text)), 0);
		CHECK(rows[i].row, r.cut && !r.parted && !r.ended);
		CHECK_UINT(rows[i].row, r.steps, rows[i].steps);
		CHECK(rows[i].row, replay_is_as_expected(&r));
	}
}

static void test_lost(void **state)
{
	static const char trace[] = HEAD CALM "lost 3\nlost 18446744073709551615\n" CALM;
	struct replay r = {};

	(void)state;
	assert_int_equal(replay_run(&r, trace, strlen(trace)), 0);
	assert_true(r.lost == UINT64_MAX);
	assert_false(replay_is_as_expected(&r)); /* it expects nothing, which is no answer */
}

/* The trace from its line @at on, begun with what the policy knew, by all lines up to there. */
static void cut_head(unsigned at, char *text, size_t size)
{
	struct config_loader l;
	struct trace_step step = {};
	struct text rest = TEXT(kill_trace, strlen(kill_trace)), line;
	struct policy p;
	size_t used;

	config_loader_init(&l, NULL, NULL);
	policy_init(&p, &l.config, UINT64_C(4294967296));
	for (unsigned i = 0; i < at && text_next_line(&rest, &line); i++) {
		struct trace_line parsed;
		const char *expected;

		assert_int_equal(trace_parse_line(line, &step, &parsed, &expected), 0);
		if (parsed.kind == TRACE_STEP)
			(void)policy_step(&p, &step.observation);
	}
	used = (size_t)snprintf(text, size, "%s", HEAD);
	used += trace_format_before(&step, text + used, size - used);
	used += trace_format_state(&p, text + used, size - used);
	snprintf(text + used, size - used, "%s", rest.at);
}

/* One that begins in the middle decides as the whole did, wherever that is. */
static void test_middle(void **state)
{
	char text[TRACE_STATE_SIZE + 2 * sizeof(kill_trace)];

	(void)state;
	for (unsigned at = 4; at < 10; at++) {
		struct seen seen = {};
		struct replay r = {.visit = see, .userdata = &seen};

		cut_head(at, text, sizeof(text));
		assert_int_equal(replay_run(&r, text, strlen(text)), 0);
		if (r.parted || r.steps != 10 - at)
			fail_msg("%u: %u steps, parted: %d\n%s", at, r.steps, r.parted, text);
		assert_int_equal(r.first.kind, at <= 6 ? ACTION_TERM : ACTION_NONE);
	}
	/* without the state it does not know of a victim */
	cut_head(8, text, sizeof(text));
	memcpy(strstr(text, "state phase"), "#tate", 5);
	{
		struct replay r = {};

		assert_int_equal(replay_run(&r, text, strlen(text)), 0);
		assert_true(r.parted);
	}
}

/* After a gap too, and a setting behind the state is a reload, one before it was one. */
static void test_state_after_a_gap(void **state)
{
	static const char gap[] = HEAD CALM
		"lost 3\n"
		"state phase=awaiting victim=77 victim-start=5 signalled=5000000 has-last=1\n"
		"step 6000000 victim=dead release=done action=settled\n";
	static const char barren[] = HEAD
		"before 9000000 total=1000000000 available=5000000\n"
		"set SoftMemory=10%%\n"
		"state phase=barren barren-until=60000000 barren-level=hard announced-level=hard\n"
		"%sstep 10000000 level=hard reason=exhaustion action=%s\n";
	char text[1024];
	struct replay r = {};

	(void)state;
	assert_int_equal(replay_run(&r, gap, strlen(gap)), 0);
	assert_false(r.parted);
	snprintf(text, sizeof(text), barren, "", "none");
	r = (struct replay){};
	assert_int_equal(replay_run(&r, text, strlen(text)), 0);
	assert_false(r.parted);
	snprintf(text, sizeof(text), barren, "set SoftMemory=11%\n", "scan");
	r = (struct replay){};
	assert_int_equal(replay_run(&r, text, strlen(text)), 0);
	assert_false(r.parted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_as_it_was),
		cmocka_unit_test(test_overridden), cmocka_unit_test(test_other_settings),
		cmocka_unit_test(test_cut),	   cmocka_unit_test(test_half_lines),
		cmocka_unit_test(test_two_starts), cmocka_unit_test(test_lost),
		cmocka_unit_test(test_middle),	   cmocka_unit_test(test_state_after_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
