/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces: what the policy was shown and what it answered, as lines of text, so that a mistake of
 * the policy can be kept, read, shortened by hand and played again. Parser and printer; whoever
 * records writes the lines, replay.h runs the policy over them.
 *
 *     reapd-trace 1                      begins a trace; further down, another start
 *     fill-rate 4294967296               what the drill measured, in bytes a second
 *     set SoftMemory=10% 1G              a key of reapd.conf(5); after steps: a reload
 *     expect term thrash 2000000 9000000 for tests: what should come first, and when
 *     step 5000000 total=1020055552 ...  one call of the policy at this time, and its answer
 *     lost 3                             steps that were not written
 *     before 5000000 total=1020055552    what a trace that begins in the middle begins with: the
 *     state phase=awaiting ...           step before its first, which is none of its own, and what
 *     stalls 5000000 lost=0 ...          the policy knew then; after steps that were lost, too
 *     # anything                         nothing
 *
 * Times are microseconds. A field that a step does not name has the value that it had in the step
 * before, and is 0 before the first: an idle machine takes some 60 bytes a second.
 */
#pragma once

#include "config.h"
#include "policy.h"
#include "text.h"

#define TRACE_VERSION 1

/* One call of the policy. next_usec is not kept: it is not evidence, and follows from the rest. */
struct trace_step {
	struct observation observation;
	struct action action;
};

enum trace_line_kind {
	TRACE_NOTHING, /* empty, or a comment */
	TRACE_BEGIN,
	TRACE_FILL_RATE, /* number */
	TRACE_SET,	 /* key, value */
	TRACE_EXPECT,	 /* expectation */
	TRACE_STEP,	 /* the step that was handed in */
	TRACE_LOST,	 /* number */
	TRACE_BEFORE,	 /* the step that was handed in, and no call of the policy */
	TRACE_STATE,	 /* value: for trace-state.h, with the next */
	TRACE_STALLS,
};

/* The first action that ends somebody, ACTION_NONE: nobody. Times count from the first step. */
struct trace_expectation {
	enum action_kind kind;
	enum reason reason;
	uint64_t from_usec, until_usec;
};

struct trace_line {
	enum trace_line_kind kind;
	uint64_t number;
	const struct config_key *key;
	struct text value; /* within the line */
	struct trace_expectation expectation;
};

const char *action_kind_name(enum action_kind kind);

/*
 * One line without its newline. @step holds the step before and, after a TRACE_STEP or
 * TRACE_BEFORE, this one; TRACE_BEGIN clears it. 0, or -EINVAL, -ERANGE with what was expected
 * instead, then nothing else is written.
 */
int trace_parse_line(struct text line, struct trace_step *step, struct trace_line *ret,
		     const char **reterr_expected);

/* Longer than any line that the two below write. */
#define TRACE_LINE_SIZE 3072

/*
 * The line with its newline and NUL; @before: all 0 for the first step, and then for
 * trace_follow(). Counters of a vmstat that was not read are left out. Returns the length.
 */
size_t trace_format_step(const struct trace_step *before, const struct trace_step *step, char *buf,
			 size_t size);

/* The same as the line "before", with all that is known, also of what was not read. */
size_t trace_format_before(const struct trace_step *before, char *buf, size_t size);

/* Makes @step the one before the next, as a reader of the lines will have it. */
void trace_follow(struct trace_step *before, const struct trace_step *step);

/*
 * A line "set" for each key that can make a difference to the policy: not for patterns, which never
 * reach it. Returns the length, less than TRACE_LINE_SIZE.
 */
size_t trace_format_config(const struct config *config, char *buf, size_t size);
