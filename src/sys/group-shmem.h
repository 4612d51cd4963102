/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who fills a tmpfs. Its pages are no process's, but they are charged to the control group that
 * wrote them (memory.stat, "shmem"); so between two looks it shows which group has taken most, and
 * of its processes it is the one that the kernel is busy for. What a process has written itself
 * (/proc/PID/io) only its owner may read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/process.h"

struct shmem_writer {
	struct process_id id;  /* pid 0: nobody is known */
	uint64_t grown_bytes;  /* what its group has taken between the two looks */
	uint64_t elapsed_usec; /* between them */
	char group[64];	       /* the name of the group's directory, cut */
};

struct shmem_watch;
struct shmem_watch *shmem_watch_new(int root_fd, int proc_fd); /* descriptors are borrowed */
void shmem_watch_free(struct shmem_watch *w);

/*
 * One look at all groups below @root_fd. It names a writer if one group has taken half at least of
 * what all have taken since the look before, which was not long ago, and if one of its processes
 * has more system time than the others together; for that it lasts SHMEM_PAUSE_USEC longer.
 */
void shmem_watch_look(struct shmem_watch *w, uint64_t now_usec, struct shmem_writer *ret);

#define SHMEM_PAUSE_USEC 100000
