/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table of fields drives both the parser and the printer of steps; see trace.h. What stands in
 * a trace may come from anywhere, so a line is read into a copy and counts as a whole or not at
 * all.
 */
#include "trace.h"

#include <errno.h>
#include <string.h>

#include "trace-field.h"

/* Values of enums by name; NULL behind the last. */
static const char *scan_text(unsigned value)
{
	switch ((enum scan_outcome)value) {
	case SCAN_NOT_DONE:
		return "none";
	case SCAN_NOBODY:
		return "nobody";
	case SCAN_VICTIM:
		return "found";
	}
	return NULL;
}

static const char *victim_text(unsigned value)
{
	switch ((enum victim_state)value) {
	case VICTIM_NONE:
		return "none";
	case VICTIM_ALIVE:
		return "alive";
	case VICTIM_DEAD:
		return "dead";
	case VICTIM_MISSED:
		return "missed";
	case VICTIM_SPARED:
		return "spared";
	case VICTIM_REFUSED:
		return "refused";
	}
	return NULL;
}

static const char *release_text(unsigned value)
{
	switch ((enum release)value) {
	case RELEASE_UNKNOWN:
		return "unknown";
	case RELEASE_GONE:
		return "gone";
	case RELEASE_DONE:
		return "done";
	}
	return NULL;
}

static const char *action_text(unsigned value)
{
	switch ((enum action_kind)value) {
	case ACTION_NONE:
		return "none";
	case ACTION_SCAN:
		return "scan";
	case ACTION_TERM:
		return "term";
	case ACTION_KILL:
		return "kill";
	case ACTION_ADOPT:
		return "adopt";
	case ACTION_ESCALATE:
		return "escalate";
	case ACTION_SETTLED:
		return "settled";
	case ACTION_RELEASED:
		return "released";
	case ACTION_GIVE_UP:
		return "give-up";
	case ACTION_BARREN:
		return "barren";
	}
	return NULL;
}

#define FIELD(_name, _type, _member)                                                          \
	{                                                                                     \
		.name = _name, .type = _type, .offset = offsetof(struct trace_step, _member), \
	}
#define SAMPLE(_name, _member) FIELD(_name, FIELD_U64, observation.sample._member)
#define VMSTAT(_name, _member)                                                           \
	{                                                                                \
		.name = _name, .type = FIELD_U64, .of = OF_VMSTAT,                       \
		.offset = offsetof(struct trace_step, observation.sample.vmstat._member) \
	}
#define IO(_name, _member)                                                           \
	{                                                                            \
		.name = _name, .type = FIELD_U64, .of = OF_IO,                       \
		.offset = offsetof(struct trace_step, observation.sample.io._member) \
	}
#define SAMPLE_BOOL(_name, _member) FIELD(_name, FIELD_BOOL, observation.sample._member)
#define ENUM(_name, _member, _text)                               \
	{                                                         \
		.name = _name, .type = FIELD_NAME, .text = _text, \
		.offset = offsetof(struct trace_step, _member),   \
	}

static const struct trace_field fields[] = {
	SAMPLE("slept", slept_usec),
	SAMPLE("page", page_bytes),
	SAMPLE("total", mem.total_bytes),
	SAMPLE("free", mem.free_bytes),
	SAMPLE("available", mem.available_bytes),
	SAMPLE("arc", mem.arc_bytes),
	SAMPLE("pcp", mem.pcp_bytes),
	SAMPLE("swap-total", mem.swap_total_bytes),
	SAMPLE("swap-free", mem.swap_free_bytes),
	SAMPLE("shmem", mem.shmem_bytes),
	SAMPLE("unreclaimable", mem.unreclaimable_bytes),
	SAMPLE("hugetlb", mem.hugetlb_bytes),
	SAMPLE("active-anon", mem.active_anon_bytes),
	SAMPLE("inactive-anon", mem.inactive_anon_bytes),
	SAMPLE("unevictable", mem.unevictable_bytes),
	SAMPLE("zswap", mem.zswap_bytes),
	SAMPLE_BOOL("psi", has_psi),
	SAMPLE("some", psi.some_total_usec),
	SAMPLE("full", psi.full_total_usec),
	SAMPLE_BOOL("vmstat", has_vmstat),
	SAMPLE_BOOL("io", has_io),
	IO("io-some", some_total_usec),
	IO("io-full", full_total_usec),
	VMSTAT("oom-kill", oom_kill),
	VMSTAT("slab-pages", slab_unreclaimable_pages),
	VMSTAT("lru-pages", lru_pages),
	VMSTAT("refault-anon", refault_anon),
	VMSTAT("refault-file", refault_file),
	VMSTAT("activate-file", activate_file),
	VMSTAT("swap-in", swap_in),
	VMSTAT("swap-out", swap_out),
	VMSTAT("steal-kswapd", steal_kswapd),
	VMSTAT("steal-direct", steal_direct),
	VMSTAT("scan-direct", scan_direct),
	SAMPLE("zram-size", zram.size_bytes),
	SAMPLE("zram-data", zram.data_bytes),
	SAMPLE("zram-used", zram.used_bytes),
	SAMPLE("zram-room", zram.room_bytes),
	SAMPLE("zram-unstored", zram.unstored_bytes),
	SAMPLE_BOOL("movable", has_movable),
	SAMPLE("barred", barred_bytes),
	SAMPLE_BOOL("others", has_others),
	SAMPLE("others-memory", others.memory_usec),
	SAMPLE("others-io", others.io_usec),
	ENUM("scan", observation.scan, scan_text),
	FIELD("candidate", FIELD_PID, observation.candidate.pid),
	FIELD("candidate-start", FIELD_U64, observation.candidate.start_time),
	FIELD("candidate-bytes", FIELD_U64, observation.candidate_bytes),
	FIELD("candidate-shmem", FIELD_U64, observation.candidate_shmem_bytes),
	FIELD("candidate-dying", FIELD_BOOL, observation.candidate_dying),
	FIELD("candidate-ignores-term", FIELD_BOOL, observation.candidate_ignores_term),
	FIELD("candidate-writes", FIELD_BOOL, observation.candidate_writes),
	FIELD("writer", FIELD_BOOL, observation.writer_known),
	FIELD("stuck", FIELD_U64, observation.stuck_bytes),
	ENUM("victim", observation.victim, victim_text),
	ENUM("release", observation.victim_release, release_text),
	FIELD("stand-aside", FIELD_BOOL, observation.stand_aside),
	FIELD("requested", FIELD_BOOL, observation.requested),
	ENUM("action", action.kind, action_text),
	ENUM("level", action.level, trace_level_text),
	ENUM("reason", action.reason, trace_reason_text),
	FIELD("stall", FIELD_U64, action.stall_permyriad),
	FIELD("elsewhere", FIELD_U64, action.elsewhere_bytes),
	FIELD("stuck-holds", FIELD_U64, action.stuck_bytes),
	FIELD("announce", FIELD_BOOL, action.announce),
	FIELD("slept-before", FIELD_U64, action.slept_usec),
	ENUM("announced-before", action.announced_before, trace_level_text),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

const char *action_kind_name(enum action_kind kind)
{
	const char *name = action_text(kind);

	return name ? name : "unknown";
}

static int parse_step(struct text rest, struct trace_step *step, const char **reterr_expected)
{
	struct trace_step next = *step;
	struct text word;
	int r;

	*reterr_expected = "a time in microseconds after \"step\" or \"before\"";
	if (!text_next_word(&rest, &word))
		return -EINVAL;
	r = text_to_u64(word, &next.observation.sample.time_usec);
	if (r < 0)
		return r;
	*reterr_expected = "a time that is not before that of the step before";
	if (next.observation.sample.time_usec < step->observation.sample.time_usec)
		return -ERANGE;
	*reterr_expected = "known fields as name=value";
	while (text_next_word(&rest, &word)) {
		r = trace_field_parse(fields, FIELDS, word, &next);
		if (r < 0)
			return r;
	}
	*step = next;
	return 0;
}

static int parse_expectation(struct text rest, struct trace_expectation *ret)
{
	struct trace_expectation e = {.kind = ACTION_NONE};
	struct text word[4];
	unsigned count = 0, kind, reason;

	while (count < 4 && text_next_word(&rest, &word[count]))
		count++;
	if (text_len(text_trim(rest)) > 0)
		return -EINVAL;
	if (count == 1 && text_equal(word[0], "nobody")) {
		*ret = e;
		return 0;
	}
	if (count != 4 || trace_name_parse(word[0], action_text, &kind) < 0 ||
	    trace_name_parse(word[1], trace_reason_text, &reason) < 0 ||
	    text_to_u64(word[2], &e.from_usec) < 0 || text_to_u64(word[3], &e.until_usec) < 0)
		return -EINVAL;
	e.kind = (enum action_kind)kind;
	e.reason = (enum reason)reason;
	if (e.kind != ACTION_TERM && e.kind != ACTION_KILL && e.kind != ACTION_ADOPT)
		return -EINVAL;
	*ret = e;
	return 0;
}

static int parse_set(struct text rest, struct trace_line *line)
{
	struct text name;
	char buf[64];

	if (!text_split(rest, '=', &name, &line->value))
		return -EINVAL;
	name = text_trim(name);
	text_copy(name, buf, sizeof(buf));
	line->key = config_key_find(buf);
	return line->key && text_equal(name, line->key->name) ? 0 : -EINVAL;
}

int trace_parse_line(struct text line, struct trace_step *step, struct trace_line *ret,
		     const char **reterr_expected)
{
	struct trace_line out = {.kind = TRACE_NOTHING};
	struct text rest = text_trim(line), word;
	const char *expected = "";
	int r = 0;

	if (!text_next_word(&rest, &word) || *word.at == '#') {
		*ret = out;
		return 0;
	}
	if (text_equal(word, "step")) {
		out.kind = TRACE_STEP;
		r = parse_step(rest, step, &expected);
	} else if (text_equal(word, "before")) {
		out.kind = TRACE_BEFORE;
		r = parse_step(rest, step, &expected);
	} else if (text_equal(word, "state") || text_equal(word, "stalls")) {
		/* the words themselves: whose policy it is, the parser does not know */
		out.kind = text_equal(word, "state") ? TRACE_STATE : TRACE_STALLS;
		out.value = rest;
	} else if (text_equal(word, "reapd-trace")) {
		out.kind = TRACE_BEGIN;
		expected = "version 1 of the format";
		r = text_to_u64(rest, &out.number);
		if (r >= 0 && out.number != TRACE_VERSION)
			r = -ERANGE;
		if (r >= 0)
			*step = (struct trace_step){};
	} else if (text_equal(word, "fill-rate")) {
		out.kind = TRACE_FILL_RATE;
		expected = "a number of bytes a second after \"fill-rate\"";
		r = text_to_u64(rest, &out.number);
	} else if (text_equal(word, "lost")) {
		out.kind = TRACE_LOST;
		expected = "a number of steps after \"lost\"";
		r = text_to_u64(rest, &out.number);
	} else if (text_equal(word, "set")) {
		out.kind = TRACE_SET;
		expected = "a known Key=value after \"set\"";
		r = parse_set(rest, &out);
	} else if (text_equal(word, "expect")) {
		out.kind = TRACE_EXPECT;
		expected = "\"nobody\", or action, reason and two times after \"expect\"";
		r = parse_expectation(rest, &out.expectation);
	} else {
		expected = "a line of a trace";
		r = -EINVAL;
	}
	if (r < 0) {
		*reterr_expected = expected;
		return r;
	}
	*ret = out;
	return 0;
}

size_t trace_format_step(const struct trace_step *before, const struct trace_step *step, char *buf,
			 size_t size)
{
	size_t used = 0;

	trace_append(buf, size, &used, "step %llu",
		     (unsigned long long)step->observation.sample.time_usec);
	for (const struct trace_field *f = fields; f < fields + FIELDS; f++) {
		if ((f->of == OF_VMSTAT && !step->observation.sample.has_vmstat) ||
		    (f->of == OF_IO && !step->observation.sample.has_io))
			continue;
		trace_field_format(f, before, step, buf, size, &used);
	}
	trace_append(buf, size, &used, "\n");
	return used;
}

size_t trace_format_before(const struct trace_step *before, char *buf, size_t size)
{
	const struct trace_step nothing = {};
	size_t used = 0;

	trace_append(buf, size, &used, "before %llu",
		     (unsigned long long)before->observation.sample.time_usec);
	for (const struct trace_field *f = fields; f < fields + FIELDS; f++)
		trace_field_format(f, &nothing, before, buf, size, &used);
	trace_append(buf, size, &used, "\n");
	return used;
}

void trace_follow(struct trace_step *before, const struct trace_step *step)
{
	struct vmstat vmstat = before->observation.sample.vmstat;
	struct psi io = before->observation.sample.io;

	*before = *step;
	if (!step->observation.sample.has_vmstat)
		before->observation.sample.vmstat = vmstat;
	if (!step->observation.sample.has_io)
		before->observation.sample.io = io;
}

size_t trace_format_config(const struct config *config, char *buf, size_t size)
{
	char value[64];
	size_t used = 0;

	for (const struct config_key *k = config_keys; k->name; k++) {
		if (k->type == CONFIG_PATTERN || k->type == CONFIG_CGROUPS ||
		    k->type == CONFIG_NODES)
			continue;
		config_format(config, k, value, sizeof(value));
		trace_append(buf, size, &used, "set %s=%s\n", k->name, value);
	}
	return used;
}
