/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy's state as text; see trace-state.h. A member of struct policy or of struct stall_slot
 * that is missing in the tables below makes tests/unit/test-trace-state.c fail.
 */
#include "trace-state.h"

#include <errno.h>

#include "trace-field.h"

static const char *phase_text(unsigned value)
{
	switch ((enum phase)value) {
	case PHASE_WATCHING:
		return "watching";
	case PHASE_AWAITING:
		return "awaiting";
	case PHASE_BARREN:
		return "barren";
	}
	return NULL;
}

#define FIELD(_name, _type, _member)                                                     \
	{                                                                                \
		.name = _name, .type = _type, .offset = offsetof(struct policy, _member) \
	}
#define NUMBER(_name, _member) FIELD(_name, FIELD_U64, _member)
#define TRUTH(_name, _member)  FIELD(_name, FIELD_BOOL, _member)
#define ENUM(_name, _member, _text)                               \
	{                                                         \
		.name = _name, .type = FIELD_NAME, .text = _text, \
		.offset = offsetof(struct policy, _member),       \
	}

/* All but config and fill_rate_bytes, and the ring of stalls, which has lines of its own. */
static const struct trace_field fields[] = {
	ENUM("phase", phase, phase_text),
	FIELD("victim", FIELD_PID, victim.pid),
	NUMBER("victim-start", victim.start_time),
	TRUTH("victim-killed", victim_killed),
	TRUTH("victim-dead", victim_dead),
	NUMBER("victim-bytes", victim_bytes),
	NUMBER("reserve-at-signal", reserve_at_signal),
	NUMBER("signalled", signalled_usec),
	NUMBER("dead", dead_usec),
	NUMBER("given-up", given_up_usec),
	NUMBER("adopting-since", adopting_since_usec),
	NUMBER("kernel-kills", kernel_kills),
	TRUTH("has-kernel-kills", has_kernel_kills),
	NUMBER("kernel-kill", kernel_kill_usec),
	NUMBER("reserve-at-kernel-kill", reserve_at_kernel_kill),
	NUMBER("barren-until", barren_until_usec),
	NUMBER("barren-pause", barren_pause_usec),
	ENUM("barren-level", barren_level, trace_level_text),
	TRUTH("barren-knew-writer", barren_knew_writer),
	NUMBER("fill-rate-seen", fill_rate_seen_bytes),
	NUMBER("fill-rate-seen-at", fill_rate_seen_usec),
	NUMBER("mark", mark.time_usec),
	NUMBER("mark-reserve", mark.reserve_bytes),
	NUMBER("mark-next", mark_next.time_usec),
	NUMBER("mark-next-reserve", mark_next.reserve_bytes),
	TRUTH("has-mark", has_mark),
	TRUTH("has-before", has_before),
	NUMBER("calm", calm.time_usec),
	NUMBER("calm-reserve", calm.reserve_bytes),
	NUMBER("calm-elsewhere", calm.elsewhere_bytes),
	NUMBER("before", before.time_usec),
	NUMBER("before-reserve", before.reserve_bytes),
	NUMBER("before-elsewhere", before.elsewhere_bytes),
	NUMBER("before-next", before_next.time_usec),
	NUMBER("before-next-reserve", before_next.reserve_bytes),
	NUMBER("before-next-elsewhere", before_next.elsewhere_bytes),
	NUMBER("still", still.time_usec),
	NUMBER("still-reserve", still.reserve_bytes),
	NUMBER("still-elsewhere", still.elsewhere_bytes),
	NUMBER("doubt", doubt_since_usec),
	TRUTH("has-last", has_last),
	NUMBER("last", last_usec),
	NUMBER("last-reserve", last_reserve),
	NUMBER("last-slept", last_slept_usec),
	TRUTH("has-reclaim", stalls.has_reclaim),
	NUMBER("refaults", stalls.refaults),
	NUMBER("refaults-file", stalls.refaults_file),
	NUMBER("activated-file", stalls.activated_file),
	NUMBER("reclaimed", stalls.reclaimed),
	NUMBER("swapped-out", stalls.swapped_out),
	NUMBER("io", stalls.io_usec),
	NUMBER("reclaim", stalls.reclaim_usec),
	ENUM("announced-level", announced_level, trace_level_text),
	ENUM("announced-reason", announced_reason, trace_reason_text),
	NUMBER("other-since", other_since_usec),
	TRUTH("other-is-lower", other_is_lower),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

#define STALL(_name, _type, _member)                                                         \
	{                                                                                    \
		.name = _name, .type = _type, .offset = offsetof(struct stall_slot, _member) \
	}

static const struct trace_field stall_fields[] = {
	STALL("lost", FIELD_U64, lost_usec),
	STALL("has-reclaim", FIELD_BOOL, has_reclaim),
	STALL("refaults", FIELD_U64, refaults),
	STALL("refaults-file", FIELD_U64, refaults_file),
	STALL("activated-file", FIELD_U64, activated_file),
	STALL("reclaimed", FIELD_U64, reclaimed),
	STALL("swapped-out", FIELD_U64, swapped_out),
	STALL("io", FIELD_U64, io_usec),
	STALL("others", FIELD_BOOL, has_others),
	STALL("others-memory", FIELD_U64, others.memory_usec),
	STALL("others-io", FIELD_U64, others.io_usec),
};

#define STALL_FIELDS (sizeof(stall_fields) / sizeof(stall_fields[0]))

size_t trace_format_state(const struct policy *p, char *buf, size_t size)
{
	const struct stall_history *h = &p->stalls;
	const struct policy nothing = {};
	struct stall_slot before = {};
	size_t used = 0;

	trace_append(buf, size, &used, "state");
	for (const struct trace_field *f = fields; f < fields + FIELDS; f++)
		trace_field_format(f, &nothing, p, buf, size, &used);
	trace_append(buf, size, &used, "\n");
	for (unsigned i = h->count; i > 0; i--) {
		const struct stall_slot *slot =
			&h->slots[(h->head + STALL_SLOTS - i) % STALL_SLOTS];

		trace_append(buf, size, &used, "stalls %llu", (unsigned long long)slot->time_usec);
		for (const struct trace_field *f = stall_fields; f < stall_fields + STALL_FIELDS;
		     f++)
			trace_field_format(f, &before, slot, buf, size, &used);
		trace_append(buf, size, &used, "\n");
		before = *slot;
	}
	return used;
}

int trace_parse_state(struct text words, struct policy *p, const char **reterr_expected)
{
	struct policy fresh = {.config = p->config, .fill_rate_bytes = p->fill_rate_bytes};
	struct text word;
	int r;

	while (text_next_word(&words, &word)) {
		r = trace_field_parse(fields, FIELDS, word, &fresh);
		if (r < 0) {
			*reterr_expected = "what the policy knows, as name=value, after \"state\"";
			return r;
		}
	}
	*p = fresh;
	return 0;
}

static int parse_stall(struct text words, struct stall_slot *slot)
{
	struct text word;
	int r;

	if (!text_next_word(&words, &word))
		return -EINVAL;
	r = text_to_u64(word, &slot->time_usec);
	while (r >= 0 && text_next_word(&words, &word))
		r = trace_field_parse(stall_fields, STALL_FIELDS, word, slot);
	return r;
}

int trace_parse_stalls(struct text words, struct policy *p, const char **reterr_expected)
{
	struct stall_history *h = &p->stalls;
	struct stall_slot slot = {};
	int r;

	*reterr_expected = "at most 32 lines \"stalls\" after \"state\"";
	if (h->count == STALL_SLOTS)
		return -ERANGE;
	if (h->count > 0)
		slot = h->slots[h->count - 1];
	r = parse_stall(words, &slot);
	if (r < 0) {
		*reterr_expected = "a time and known fields as name=value after \"stalls\"";
		return r;
	}
	*reterr_expected = NULL;
	h->slots[h->count++] = slot;
	h->head = h->count % STALL_SLOTS;
	return 0;
}
