/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of written traces, below /var/lib as a rule: a trace is there as a whole or not at
 * all, and of each kind the newest 16 stay. On the recorder's thread only: the disk may be slow.
 */
#pragma once

#include "core/trace-ring.h"

enum trace_kind { TRACE_OF_KILL, TRACE_OF_REQUEST };

#define TRACE_NAME_SIZE 64
#define TRACE_FILES_MAX 16

/*
 * Writes what is in @ring into a file named after its kind, the time of day in @time_sec and, for a
 * kill, the victim @pid; and removes the oldest, by their names. 0 or negative errno; then no file
 * is left of it.
 */
int trace_store_write(int dir_fd, const struct trace_ring *ring, enum trace_kind kind,
		      int64_t time_sec, int pid, char ret_name[static TRACE_NAME_SIZE]);
