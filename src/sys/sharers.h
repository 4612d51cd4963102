/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who shares a process's memory without being a thread of it: clone(2) with CLONE_VM, and the
 * child of a vfork(2) that waits for it. Nothing of the memory comes back before all of them are
 * dead, so they die together, as in __oom_kill_process().
 *
 * Only kcmp(2) knows, and only before the signal: a victim that has left its memory compares equal
 * with nobody. It takes the exec_update_lock of both, so it waits for one who is in execve(2) and
 * closes files of a server that does not answer. A thread of its own asks, therefore, and the loop
 * waits for the answer a bounded time. Those who are not found survive at first, still hold the
 * memory, and are the next victims.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define SHARERS_MAX	   16
#define SHARERS_CANDIDATES 900 /* of one search: a request is one packet */

struct sharers {
	int request_fd;
	int result_fd;
	uint32_t sequence; /* of the last search: an answer that came too late is another's */
};

/* 0 or negative errno. */
int sharers_start(struct sharers *s);

/*
 * Compares thread @tid, which has to have the memory, with each of @candidates. Writes the pids of
 * those who have the same, and returns how many. 0 too when it takes too long or is not permitted
 * (CAP_SYS_PTRACE).
 */
unsigned sharers_find(struct sharers *s, pid_t tid, const pid_t *candidates, unsigned count,
		      pid_t ret[static SHARERS_MAX]);
