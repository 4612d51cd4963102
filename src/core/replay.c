/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace's lines, one after the other, into one policy; see replay.h.
 */
#include "replay.h"

#include <errno.h>
#include <string.h>

#include "trace-state.h"

/* Of a line the loader counts it, and replay_run() names the line. */
static void keep_first_mistake(void *userdata, const char *message)
{
	struct replay *r = userdata;

	if (r->mistake[0] == '\0')
		text_copy(TEXT(message, strlen(message)), r->mistake, sizeof(r->mistake));
}

static bool is_overridden(const struct replay *r, const struct config_key *key)
{
	for (unsigned i = 0; i < r->settings_count; i++) {
		if (r->settings[i].key == key)
			return true;
	}
	return false;
}

static void begin(struct replay *r)
{
	config_loader_init(&r->loader, keep_first_mistake, r);
	for (unsigned i = 0; i < r->settings_count; i++)
		config_loader_set(&r->loader, r->settings[i].key, r->settings[i].value,
				  strlen(r->settings[i].value), "command line", 0);
	r->fill_rate_bytes = 0;
	r->begun = false;
	r->parted = false;
	r->has_state = false;
}

static int set(struct replay *r, const struct trace_line *line)
{
	unsigned before = r->loader.mistakes;

	if (is_overridden(r, line->key))
		return 0;
	config_loader_set(&r->loader, line->key, line->value.at, text_len(line->value), "trace",
			  r->line);
	if (r->loader.mistakes > before) {
		r->expected = config_type_expected(line->key->type);
		return -EINVAL;
	}
	r->changed = true;
	return 0;
}

/* What was set before it, the policy had taken already. */
static int take_state(struct replay *r, const struct trace_line *line)
{
	if (line->kind == TRACE_STALLS && r->has_state)
		return trace_parse_stalls(line->value, &r->state, &r->expected);
	if (line->kind == TRACE_STALLS) {
		r->expected = "\"state\" before \"stalls\"";
		return -EINVAL;
	}
	r->has_state = true;
	r->changed = false;
	return trace_parse_state(line->value, &r->state, &r->expected);
}

/* With the settings of the moment, and the rate of the beginning. */
static void adopt_state(struct replay *r)
{
	struct policy state = r->state;

	state.config = r->policy.config;
	state.fill_rate_bytes = r->policy.fill_rate_bytes;
	r->has_state = false;
	if (!r->parted)
		r->policy = state;
}

static bool is_first_signal(enum action_kind kind)
{
	return kind == ACTION_TERM || kind == ACTION_KILL || kind == ACTION_ADOPT;
}

/* As far as the trace can know: what was recorded, or a victim as good as any. */
static struct action ask(struct replay *r, struct replay_step *s)
{
	struct observation o = s->recorded.observation;
	struct action a;

	if (r->parted) {
		o.scan = SCAN_NOT_DONE;
		o.victim = VICTIM_NONE;
	}
	a = policy_step(&r->policy, &o);
	if (a.kind != s->recorded.action.kind)
		r->parted = true;
	if (a.kind != ACTION_SCAN || !r->parted)
		return a;

	s->assumed = true;
	o.scan = SCAN_VICTIM;
	o.candidate = (struct process_id){.pid = 2, .start_time = 1};
	o.candidate_dying = o.candidate_ignores_term = o.candidate_writes = false;
	return policy_step(&r->policy, &o);
}

/* Nobody could have run with these. What the trace itself has set, somebody has. */
static bool are_refused(struct replay *r)
{
	const struct meminfo *mem = &r->step.observation.sample.mem;
	unsigned before = r->loader.mistakes;

	if (r->settings_count == 0 || (r->begun && !r->changed))
		return false;
	config_loader_check(&r->loader, meminfo_ordinary_bytes(mem), mem->swap_total_bytes);
	return r->loader.mistakes > before;
}

static int take_step(struct replay *r)
{
	struct replay_step s = {.line = r->line, .recorded = r->step};
	uint64_t now = r->step.observation.sample.time_usec;

	if (are_refused(r))
		return -EBADMSG;

	if (!r->begun) {
		r->begin_usec = now;
		policy_init(&r->policy, &r->loader.config, r->fill_rate_bytes);
		r->changed &= r->has_state;
	}
	if (r->has_state)
		adopt_state(r);
	if (r->changed)
		policy_configure(&r->policy, &r->loader.config);
	r->begun = true;
	r->changed = false;
	r->steps++;

	s.time_usec = u64_sub(now, r->begin_usec);
	s.now = ask(r, &s);
	s.astray = r->parted;
	r->ended = r->parted && is_first_signal(s.now.kind);
	if (is_first_signal(s.now.kind) && r->first.kind == ACTION_NONE)
		r->first = (struct trace_expectation){s.now.kind, s.now.reason, s.time_usec,
						      s.time_usec};
	if (r->visit)
		r->visit(r->userdata, &s);
	return 0;
}

static int take_line(struct replay *r, struct text text)
{
	struct trace_line line;
	int q = trace_parse_line(text, &r->step, &line, &r->expected);

	if (q < 0)
		return q;
	if (line.kind != TRACE_BEGIN && line.kind != TRACE_NOTHING && !r->loader.complain) {
		r->expected = "\"reapd-trace 1\" before anything else";
		return -EINVAL;
	}
	switch (line.kind) {
	case TRACE_NOTHING:
		return 0;
	case TRACE_BEGIN:
		begin(r);
		return 0;
	case TRACE_FILL_RATE:
		r->fill_rate_bytes = line.number;
		return 0;
	case TRACE_SET:
		return set(r, &line);
	case TRACE_EXPECT:
		r->has_expectation = true;
		r->expectation = line.expectation;
		return 0;
	case TRACE_STEP:
		return take_step(r);
	case TRACE_BEFORE:
		return 0; /* and the step that follows goes on from it */
	case TRACE_STATE:
	case TRACE_STALLS:
		return take_state(r, &line);
	case TRACE_LOST:
		r->lost = u64_add(r->lost, line.number);
		return 0;
	}
	return 0;
}

/*
 * A machine that lost its power leaves half a line, and the next start begins below it. It may read
 * like a whole one; below a whole one is an empty line (take_message() of daemon/recorder.c).
 */
static bool is_half(struct text line, struct text rest)
{
	struct text next;

	return text_len(line) > 0 && *line.at != '#' && text_next_line(&rest, &next) &&
	       text_has_prefix(next, "reapd-trace ");
}

int replay_run(struct replay *r, const char *data, size_t len)
{
	struct text rest = TEXT(data, len), line;
	int q;

	while (!r->ended && text_next_line(&rest, &line)) {
		/* whoever wrote it was interrupted: what is there may be half a number */
		if (line.end == data + len) {
			r->cut = true;
			break;
		}
		r->line++;
		if (r->loader.complain && is_half(line, rest)) {
			r->cut = true;
			continue;
		}
		q = take_line(r, line);
		if (q < 0)
			return q;
	}
	if (r->steps > 0)
		return 0;
	r->line = 0;
	r->expected = "a trace with a step in it";
	return -EINVAL;
}

bool replay_is_as_expected(const struct replay *r)
{
	const struct trace_expectation *e = &r->expectation, *f = &r->first;

	if (!r->has_expectation || e->kind != f->kind)
		return false;
	return e->kind == ACTION_NONE || (e->reason == f->reason && f->from_usec >= e->from_usec &&
					  f->from_usec <= e->until_usec);
}
