/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policy knows at one moment, as lines of a trace: a trace that begins in the middle, as
 * one of the last minutes does, replays exactly only if it begins with all that the steps before
 * have left in the policy.
 *
 *     state phase=awaiting victim=77 ...   everything but what is 0, and the two settings
 *     stalls 5000000 lost=120000 ...       one of the moments within StallWindow=, the oldest first
 *
 * A moment that does not name a field has what the one before has.
 */
#pragma once

#include "policy.h"
#include "text.h"

/* Longer than all lines of one state. */
#define TRACE_STATE_SIZE 12288

/* Returns the length. The configuration and the fill rate are other lines' business. */
size_t trace_format_state(const struct policy *p, char *buf, size_t size);

/*
 * The words behind "state" and "stalls". The first makes everything 0 that it does not name, but
 * for the configuration and the fill rate. 0, or -EINVAL, -ERANGE with what was expected instead,
 * then nothing is written.
 */
int trace_parse_state(struct text words, struct policy *p, const char **reterr_expected);
int trace_parse_stalls(struct text words, struct policy *p, const char **reterr_expected);
