/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of text that wrap around; see trace-ring.h. Positions only grow, so that who is older
 * than whom is a comparison.
 */
#include "trace-ring.h"

#include <string.h>

#include "text.h"

void trace_ring_init(struct trace_ring *r, char *bytes, size_t size)
{
	*r = (struct trace_ring){.bytes = bytes, .size = size};
}

static unsigned segment_at(const struct trace_ring *r, unsigned nth)
{
	return (r->first + nth) % TRACE_RING_SEGMENTS;
}

static void drop_oldest(struct trace_ring *r)
{
	r->first = segment_at(r, 1);
	r->count--;
}

void trace_ring_begin_head(struct trace_ring *r)
{
	unsigned at;

	if (r->count == TRACE_RING_SEGMENTS)
		drop_oldest(r);
	at = segment_at(r, r->count++);
	r->segments[at].begin = r->segments[at].body = r->end;
}

void trace_ring_begin_body(struct trace_ring *r)
{
	if (r->count > 0)
		r->segments[segment_at(r, r->count - 1)].body = r->end;
}

void trace_ring_add(struct trace_ring *r, const char *text, size_t len)
{
	size_t at = r->end % r->size, before_wrap = u64_min(len, r->size - at);

	while (r->count > 0 && r->end + len - r->segments[r->first].begin > r->size)
		drop_oldest(r);
	if (r->count == 0)
		return;
	memcpy(r->bytes + at, text, before_wrap);
	memcpy(r->bytes, text + before_wrap, len - before_wrap);
	r->end += len;
}

static int read_range(const struct trace_ring *r, uint64_t from, uint64_t until,
		      int (*put)(void *userdata, const char *data, size_t len), void *userdata)
{
	while (from < until) {
		size_t at = from % r->size, len = u64_min(until - from, r->size - at);
		int q = put(userdata, r->bytes + at, len);

		if (q < 0)
			return q;
		from += len;
	}
	return 0;
}

int trace_ring_read(const struct trace_ring *r,
		    int (*put)(void *userdata, const char *data, size_t len), void *userdata)
{
	for (unsigned i = 0; i < r->count; i++) {
		unsigned at = segment_at(r, i);
		uint64_t from = i == 0 ? r->segments[at].begin : r->segments[at].body;
		uint64_t until = i + 1 < r->count ? r->segments[segment_at(r, i + 1)].begin
						  : r->end;
		int q = read_range(r, from, until, put, userdata);

		if (q < 0)
			return q;
	}
	return 0;
}
