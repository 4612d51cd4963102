/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: traces, line by line, printed and read again, and a replay of the whole. */
#include "fuzz.h"

#include "core/replay.h"

static void check_round_trip(const struct trace_step *before, const struct trace_step *step)
{
	char text[TRACE_LINE_SIZE];
	const char *expected = "";
	struct trace_step again = *before;
	struct trace_line line;
	size_t len = trace_format_step(before, step, text, sizeof(text));

	PROMISE(len < sizeof(text) - 1 && text[len - 1] == '\n' && text[len] == '\0');
	PROMISE(trace_parse_line(TEXT(text, len - 1), &again, &line, &expected) == 0);
	PROMISE(line.kind == TRACE_STEP);
	PROMISE(trace_format_step(step, &again, text, sizeof(text)) ==
		trace_format_step(step, step, text, sizeof(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = TEXT((const char *)data, size), text;
	struct trace_step step = {};
	struct replay r = {};
	int q;

	while (text_next_line(&rest, &text)) {
		struct trace_step before = step;
		struct trace_line line;
		const char *expected = NULL;

		memset(&line, 0xa5, sizeof(line));
		q = trace_parse_line(text, &step, &line, &expected);
		PROMISE(q == 0 || q == -EINVAL || q == -ERANGE);
		PROMISE((q < 0) == (expected != NULL));
		PROMISE(q == 0 || is_untouched(&line, sizeof(line), 0xa5));
		PROMISE(q == 0 || memcmp(&step, &before, sizeof(step)) == 0);
		if (q == 0 && line.kind == TRACE_STEP)
			check_round_trip(&before, &step);
	}

	q = replay_run(&r, (const char *)data, size);
	PROMISE(q == 0 || ((q == -EINVAL || q == -ERANGE) && r.expected));
	PROMISE(q < 0 || r.steps > 0);
	return 0;
}
