/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what core/process.h parses: /proc/PID/stat and status, of a process or of one of its
 * threads. Neither takes the target's memory lock or a lock of its control group.
 */
#pragma once

#include "core/process.h"

/* @path is below @dir_fd. 0 or negative errno; -ESRCH or -ENOENT: it is gone. */
int process_read_stat(int dir_fd, const char *path, struct process_stat *ret);
int process_read_status(int dir_fd, const char *path, struct process_status *ret);
