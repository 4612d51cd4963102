/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that writes traces (core/trace.h): all of it to the file of --record, and the last
 * minutes into a ring in memory, which goes to a file of its own when that is asked for. A thread
 * and a pipe of its own, not those of the reports: the file may be on the very disk that thrashes,
 * and 200 steps a second would leave no room in the ring for the report of a kill. Steps go out
 * several at a time; what does not fit is lost and counted, in the trace too.
 *
 * Now and then, and after a loss, the state of the policy goes out before the steps: the ring
 * begins a segment there, and whoever replays the trace goes on from it.
 */
#pragma once

#include "core/trace.h"
#include "daemon/trace-store.h"

/* A packet on a pipe is at most PIPE_BUF bytes. */
#define RECORDER_BATCH ((4096 - 32) / sizeof(struct trace_step))
/* Of the two lines that a trace begins with. */
#define RECORDER_HEADER_SIZE 96
/* So many steps, some 20 KiB of text, to a segment of the ring. */
#define RECORDER_SEGMENT 256

enum recorder_message_kind {
	RECORDER_BEGIN,
	RECORDER_CONFIGURE,
	RECORDER_STATE,
	RECORDER_STEPS,
	RECORDER_KEEP,
	RECORDER_MARK
};

struct recorder_message {
	enum recorder_message_kind kind;
	unsigned number; /* of steps, the mark, or the victim's pid */
	uint64_t lost;	 /* steps before this state */
	union {
		char header[RECORDER_HEADER_SIZE];
		char text[TRACE_LINE_SIZE];
		struct policy policy;
		struct trace_step steps[RECORDER_BATCH];
		enum trace_kind trace_kind;
	};
};

_Static_assert(sizeof(struct recorder_message) <= 4096, "a message must fit in one packet");

struct recorder {
	int fd;	       /* where messages are written; -1: nothing is recorded */
	int result_fd; /* what the thread has to say */
	bool has_file, has_store;
	unsigned marks, mark_reached;
	uint64_t lost;		     /* since the last state */
	unsigned steps;		     /* likewise */
	const struct config *config; /* to be sent before any more steps; NULL: was sent */
	bool has_state;		     /* likewise */
	struct recorder_message state;
	struct recorder_message message; /* under construction: steps that wait */
};

/* A regular file, made or added to. Descriptor or negative errno; -EINVAL: it is something else. */
int recorder_open(const char *path);

struct recorder_targets {
	int file_fd;	   /* of --record; -1: none */
	size_t ring_bytes; /* 0: none */
	int store_fd;	   /* the directory for what the ring holds; -1: none */
};

/* Consumes the descriptors. 0 or negative errno; without a file and a ring nothing is done. */
int recorder_start(struct recorder *r, const struct recorder_targets *targets);

/* None of these waits, and none does anything before recorder_start(). */
void recorder_begin(struct recorder *r, const struct config *config, uint64_t fill_rate_bytes);
void recorder_configure(struct recorder *r, const struct config *config);

/* A step, and the policy after it; NULL: it has gone on since. */
void recorder_add(struct recorder *r, const struct observation *o, const struct action *a,
		  const struct policy *after);

/*
 * Has what the ring holds written to a file; recorder_result() tells what comes of it. -ENOTDIR:
 * there is no ring or no directory for it; -EAGAIN: the thread is behind.
 */
int recorder_keep(struct recorder *r, enum trace_kind kind, int pid);

enum recorder_result_kind { RECORDER_FILE_FAILED, RECORDER_KEPT };

struct recorder_result {
	enum recorder_result_kind kind;
	int error; /* -EFBIG: the file is full; of what was kept 0 or negative errno */
	enum trace_kind trace_kind;
	char name[TRACE_NAME_SIZE];
};

/* 1: there was one; 0: there is none. */
int recorder_result(struct recorder *r, struct recorder_result *ret);

/* Waits until everything has been written, but no longer than @timeout_usec: for the end. */
void recorder_stop(struct recorder *r, uint64_t timeout_usec);
