/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a trace in bounded memory: when it is full the oldest goes. Lines lean on those
 * before them, so what goes is a whole segment, and each segment has a head, with which a trace can
 * begin there: settings, the step before, and what the policy knew (trace-state.h). The heads of
 * all but the oldest are left out when it is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_RING_SEGMENTS 256

struct trace_ring {
	char *bytes; /* the caller's */
	size_t size;
	uint64_t end; /* so many were ever added; where the next goes, modulo size */
	struct {
		uint64_t begin, body;
	} segments[TRACE_RING_SEGMENTS]; /* a ring too */
	unsigned first, count;
};

void trace_ring_init(struct trace_ring *r, char *bytes, size_t size);

/* What is added after the first belongs to a new segment's head, after the second to its body. */
void trace_ring_begin_head(struct trace_ring *r);
void trace_ring_begin_body(struct trace_ring *r);

/*
 * Whole lines. Before the first segment they are nobody's, and a segment for which there is no room
 * even alone is dropped as well: then they are left out until the next begins.
 */
void trace_ring_add(struct trace_ring *r, const char *text, size_t len);

/* Hands out what is there, in pieces, until @put fails: returns what that has returned, or 0. */
int trace_ring_read(const struct trace_ring *r,
		    int (*put)(void *userdata, const char *data, size_t len), void *userdata);
