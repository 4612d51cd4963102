/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon may do and what it must not lose: capabilities, locked memory, its own
 * oom_score_adj and priority. What is used and for what:
 *
 *   CAP_KILL	       signals to other users' processes: required
 *   CAP_SYS_PTRACE    processes hidden by hidepid, kcmp(): improves
 *   CAP_IPC_LOCK      memory that is never swapped out: improves
 *   CAP_SYS_RESOURCE  the PSI trigger, an oom_score_adj of -1000 of its own and allocations without
 *		       I/O (PR_SET_IO_FLUSHER), at start only
 *
 * process_mrelease() needs none.
 */
#pragma once

#include <stdbool.h>

struct privileges {
	bool can_inspect;   /* CAP_SYS_PTRACE */
	bool memory_locked; /* mlockall() worked */
	bool adj_is_min;    /* own oom_score_adj is -1000: the kernel's killer passes us by */
};

/*
 * Before anything else: own oom_score_adj, no memory of it that has yet to come from swap, and no
 * waiting for what has to go there. Threads and children inherit it.
 */
void privileges_protect_self(struct privileges *ret);

/* SCHED_RR at the lowest real-time priority, else nice -20. 0 or negative errno. */
int privileges_raise_priority(void);

/*
 * Gives up every capability but CAP_KILL, CAP_SYS_PTRACE and CAP_IPC_LOCK, for good. Capabilities
 * are a thread's own: to be called before the first thread starts. 0 or negative errno.
 */
int privileges_drop(struct privileges *ret);
