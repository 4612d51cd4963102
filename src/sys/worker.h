/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the threads beside the event loop have in common: they are started with a small stack and
 * no signals, run until the process ends, and share nothing with the loop but messages of fixed
 * size on packet pipes.
 */
#pragma once

#include <stddef.h>
#include <time.h>

/* Which end of a pipe is the loop's, and never waits. */
enum worker_pipe { WORKER_REQUESTS, WORKER_RESULTS };

/*
 * A pipe of packets (O_DIRECT): each write of up to PIPE_BUF bytes is one message, so that several
 * threads can read from one. @ret[0] is read, @ret[1] is written. 0 or negative errno.
 */
int worker_pipe(enum worker_pipe kind, int ret[static 2]);

/*
 * Starts a detached thread; @userdata is its own from then on. @name: what top and a trace show, 15
 * characters. 0 or negative errno.
 */
int worker_start(const char *name, size_t stack_size, void *(*run)(void *userdata), void *userdata);

/*
 * For a thread that walks over everybody, which lasts, with the real-time priority that it has from
 * the loop: after each step it sleeps as long as it has run, so that half of its CPU is for others.
 * @since: how long it had run then; all 0 at first.
 */
void worker_rest(struct timespec *since);
