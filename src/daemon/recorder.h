/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that writes a trace (core/trace.h) to the file of --record. A thread and a pipe of its
 * own, not those of the reports: the file may be on the very disk that thrashes, and 200 steps a
 * second would leave no room in the ring for the report of a kill. Steps go out several at a time;
 * what does not fit is lost and counted, in the trace too.
 */
#pragma once

#include "core/trace.h"

/* A packet on a pipe is at most PIPE_BUF bytes. */
#define RECORDER_BATCH ((4096 - 32) / sizeof(struct trace_step))

enum recorder_message_kind { RECORDER_BEGIN, RECORDER_CONFIGURE, RECORDER_STEPS, RECORDER_MARK };

struct recorder_message {
	enum recorder_message_kind kind;
	unsigned number; /* of steps, or the mark */
	uint64_t lost;	 /* steps before these */
	union {
		char text[TRACE_LINE_SIZE];
		struct trace_step steps[RECORDER_BATCH];
	};
};

_Static_assert(sizeof(struct recorder_message) <= 4096, "a message must fit in one packet");

struct recorder {
	int fd;	     /* where messages are written; -1: nothing is recorded */
	int word_fd; /* what the thread has to say */
	unsigned marks, mark_reached;
	int error;
	uint64_t lost;
	struct recorder_message message; /* under construction: steps that wait */
};

/* A regular file, made or added to. Descriptor or negative errno; -EINVAL: it is something else. */
int recorder_open(const char *path);

/* Consumes @file_fd. 0 or negative errno. */
int recorder_start(struct recorder *r, int file_fd);

/* None of these waits, and none does anything before recorder_start(). */
void recorder_begin(struct recorder *r, const struct config *config, uint64_t fill_rate_bytes);
void recorder_configure(struct recorder *r, const struct config *config);
void recorder_add(struct recorder *r, const struct observation *o, const struct action *a);

static inline bool recorder_active(const struct recorder *r)
{
	return r->fd >= 0;
}

/* Why the file could not be written, once; -EFBIG: it is full. 0: nothing new. */
int recorder_error(struct recorder *r);

/* Waits until everything has been written, but no longer than @timeout_usec: for the end. */
void recorder_stop(struct recorder *r, uint64_t timeout_usec);
