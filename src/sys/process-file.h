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

struct process_thread {
	pid_t tid;
	struct process_status status;
	struct process_stat stat;
};

/*
 * find_lock_task_mm(): the leader has exited, so its status shows no memory, but another thread
 * still holds all of it. The kernel takes the first thread that has an address space. @dir_fd: the
 * process's. False: there is none among the first 64.
 */
bool process_find_thread(int dir_fd, struct process_thread *ret);
