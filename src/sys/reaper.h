/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counterpart of the kernel's oom_reaper: threads that call process_mrelease(2) on killed
 * processes, so that their memory is back before they have exited. The call can block for good
 * (mmap_lock) and does the unmapping on its caller's CPU, so it never runs on the event loop; of
 * two threads, one stuck victim leaves the other free. Requests and results are messages of fixed
 * size on packet pipes.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys/victim.h"

#define REAPER_THREADS 2

/*
 * As oom_reap_task() does: ten tries, 100 ms apart. The first of ours waits for the signal. Who is
 * not dying yet is looked at more often in the same time: he may be about to exit, or SIGKILL may
 * follow his SIGTERM at any moment.
 */
#define REAP_USEC	 900000
#define REAP_PAUSE_USEC	 100000
#define REAP_DYING_USEC	 10000
#define REAP_TRIES	 (1 + REAP_USEC / REAP_PAUSE_USEC)
#define REAP_DYING_TRIES (1 + REAP_USEC / REAP_DYING_USEC)

struct reap_result {
	struct process_id id;
	/*
	 * What the last process_mrelease() said.
	 *  0	   reaped
	 *  ESRCH  no thread has an address space any more: as good as reaped
	 *  EINVAL not dying, or somebody who shares the memory is not: tried again
	 *  EAGAIN an mmu notifier refused, reaped in part: tried again
	 *  ENOSYS a kernel before 5.15; EPERM a seccomp filter
	 */
	int error;
	unsigned tries;
	bool has_memory; /* what it still has, as the kernel's reaper says it; else it has gone */
	uint64_t rss_anon_bytes;
	uint64_t rss_file_bytes;
	uint64_t rss_shmem_bytes;
	char state;	/* of it, or of the first thread that is left of it */
	char wchan[48]; /* where that waits in the kernel, or "" */
};

/* Nothing is left to be released. */
static inline bool reap_is_over(const struct reap_result *result)
{
	return result->error == 0 || result->error == ESRCH;
}

struct reaper {
	int request_fd; /* where requests are written */
	int result_fd;	/* readable when there is a result */
};

/* The threads run until the process ends. 0 or negative errno. */
int reaper_start(struct reaper *r);

/*
 * Has the memory of @v released. Best called just before the signal, so that a thread is awake when
 * it is due. @v stays the caller's: its descriptors are duplicated. Never waits; -EAGAIN when the
 * queue is full, -EMFILE.
 */
int reaper_submit(const struct reaper *r, const struct victim *v);

/* The next result: 1, or 0 when there is none. Never waits. */
int reaper_result(const struct reaper *r, struct reap_result *ret);
