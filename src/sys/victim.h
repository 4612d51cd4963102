/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that is about to be signalled, held so that nothing else can take its place: a pidfd
 * for the signals and its directory in /proc for what is read afterwards. Both name this process
 * and no later one with the same pid.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/process.h"

struct victim {
	struct process_id id;
	int pidfd;
	int dir_fd;
};

#define VICTIM_CLOSED ((struct victim){.pidfd = -1, .dir_fd = -1})

/*
 * Takes hold of @id. The start time is read after the pidfd is open, so that a pid that has been
 * given away since the scan is -ESRCH. -ENOSYS: a kernel without pidfds (before 5.3).
 */
int victim_open(int proc_fd, struct process_id id, struct victim *ret);
void victim_close(struct victim *v);

/* The same for whoever has @pid now, unless that is a kernel thread: then -EPERM. */
int victim_hold(int proc_fd, pid_t pid, struct victim *ret);

/* Through the pidfd. -ESRCH when it is gone, -EPERM without CAP_KILL for another user's. */
int victim_signal(const struct victim *v, int signal);

/* All its threads have exited. Its memory may be back before that. */
bool victim_is_dead(const struct victim *v);

/* process_mrelease(2): 0 or negative errno; see reaper.h for what each means. Can block. */
int victim_mrelease(int pidfd);

/*
 * Where the process of this directory waits in the kernel, or the first of its threads that does
 * when its leader has exited; else "". Unlike status and stat it takes no reference to the memory,
 * which could make the reader do the process's exit_mmap().
 */
void victim_wchan(int dir_fd, char *buf, size_t size);
