/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the policy over a trace, as it was set or as it could have been. As long as the answers are
 * those that were recorded, everything is fed in as it happened, bit for bit. From the first other
 * answer on, what the trace says of victims is about a machine that did not come to be: then it is
 * left out, a victim is assumed to be found where the policy asks for one, and the replay ends with
 * the signal to it, since no record can say what would have come after.
 *
 * Where the trace says what the policy knew, because it begins in the middle or steps were lost,
 * the policy knows that; unless the answers have parted.
 */
#pragma once

#include "trace.h"

struct replay_setting {
	const struct config_key *key;
	const char *value;
};

/* What one step was, and what it is now. */
struct replay_step {
	unsigned line;
	uint64_t time_usec; /* since the first step of this start */
	struct trace_step recorded;
	struct action now;
	bool astray;  /* the answers have parted, here or before */
	bool assumed; /* the victim is */
};

struct replay {
	const struct replay_setting *settings; /* these count, whatever the trace sets */
	unsigned settings_count;
	void (*visit)(void *userdata, const struct replay_step *step); /* NULL: nobody looks */
	void *userdata;

	/* what came of it */
	unsigned line;	      /* the last that was read */
	const char *expected; /* instead of that line, when it could not be */
	char mistake[512];    /* the settings do not go together on that machine: how */
	unsigned steps;
	uint64_t lost;
	bool cut;   /* a line has no end, the last or one before a new beginning: left out */
	bool ended; /* by a signal that was not recorded, before the trace does */
	bool parted;
	bool has_expectation;
	struct trace_expectation expectation;
	/* the first signal and when, since the first step of its start; ACTION_NONE: nobody was
	 * signalled */
	struct trace_expectation first;

	struct config_loader loader;
	struct policy policy;
	struct trace_step step;
	uint64_t fill_rate_bytes, begin_usec;
	bool begun, changed;
	struct policy state; /* that the next step begins with */
	bool has_state;
};

/*
 * @r holds settings and visitor, and 0 otherwise. 0, or -EINVAL or -ERANGE for a line that cannot
 * be read (see line and expected) and for a trace without a step (line 0); -EBADMSG for settings
 * that reapd would refuse (see mistake).
 */
int replay_run(struct replay *r, const char *data, size_t len);

/* True when the first signal is the one that the trace expects, and when it expects one at all. */
bool replay_is_as_expected(const struct replay *r);
