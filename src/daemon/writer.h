/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that writes. journald blocks its clients when it thrashes, and so do terminals and
 * files, so nothing that decides may ever write: it drops a report into a pipe, which is the ring,
 * and goes on. A full pipe loses the report and counts it; the count goes out with the next one.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "core/config.h"
#include "daemon/report.h"

struct writer {
	int fd;		/* where reports are written; -1: not started, they go out at once */
	int done_fd;	/* where the thread gives marks back */
	unsigned marks; /* given out so far */
	enum log_target target; /* LOG_TARGET_JOURNAL or LOG_TARGET_STDERR */
	uint64_t dropped;
	/* Shared with the thread: CLOCK_MONOTONIC, until when it writes nothing. */
	_Atomic uint64_t held_until_usec;
};

/*
 * LOG_TARGET_AUTO is the journal when stderr is connected to it or is no terminal, and the journal
 * is there; else stderr.
 */
enum log_target writer_choose_target(enum log_target wanted);

/* Before the thread runs, reports are written by the caller. @w stays where it is. 0 or negative
 * errno. */
int writer_start(struct writer *w, enum log_target target);

/* Never waits. */
void writer_send(struct writer *w, const struct report *r);

/*
 * Nothing is written before @until_usec (CLOCK_MONOTONIC), and nothing is kept back longer than
 * WRITER_HELD_MAX_USEC. While a victim gives its memory back, journald and our own words would take
 * from it the CPU that it does so on.
 */
#define WRITER_HELD_MAX_USEC 500000
void writer_hold(struct writer *w, uint64_t until_usec);

/* Waits until everything has been written, but no longer than @timeout_usec: for the end. */
void writer_stop(struct writer *w, uint64_t timeout_usec);
