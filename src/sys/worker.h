/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the threads beside the event loop have in common: they are started with a small stack and
 * no signals, run until the process ends, take one request after the other, and share nothing with
 * the loop but messages on packet pipes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* The loop's ends. */
struct worker {
	int request_fd;
	int result_fd; /* readable when there is a result */
};

#define WORKER_NONE    \
	{              \
		-1, -1 \
	} /* not started: for an initializer */

struct worker_kind {
	const char *name; /* what top and a trace show, 15 characters */
	size_t stack_size;
	unsigned threads;    /* that take requests from the same pipe */
	size_t request_size; /* of the largest, at most PIPE_BUF */
	/*
	 * Serves a request of @size bytes; what becomes of it is written to @result_fd, which may
	 * wait for the loop.
	 */
	void (*serve)(void *userdata, const void *request, size_t size, int result_fd);
};

/*
 * Starts threads, of which each gives @userdata to each call, so that with several of them it is
 * to be constant. It is borrowed for good, and so is @kind. 0 or negative errno.
 */
int worker_start(struct worker *w, const struct worker_kind *kind, void *userdata);

/* Never waits; false: the pipe is full. */
bool worker_send(const struct worker *w, const void *request, size_t size);

/* The next result, which is to be of @size bytes: 1, or 0 when there is none. Never waits. */
int worker_receive(const struct worker *w, void *ret, size_t size);

/* Which end of a pipe is the loop's, and never waits. */
enum worker_pipe { WORKER_REQUESTS, WORKER_RESULTS };

/*
 * A pipe of packets (O_DIRECT): each write of up to PIPE_BUF bytes is one message, so that several
 * threads can read from one. @ret[0] is read, @ret[1] is written. 0 or negative errno.
 */
int worker_pipe(enum worker_pipe kind, int ret[static 2]);

/*
 * For a thread that walks over everybody, which lasts, with the real-time priority that it has from
 * the loop: after each step it sleeps as long as it has run, so that half of its CPU is for others.
 * @since: how long it had run then; all 0 at first.
 */
void worker_rest(struct timespec *since);
