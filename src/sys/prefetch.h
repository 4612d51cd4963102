/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the kernel's caches of /proc while there is memory. Who looks at a process for the first
 * time makes the kernel allocate about 2 kB of inodes and dentries for it; in the middle of a
 * shortage that means reclaim, once a process, at the speed of the swap: 14 s among 2,000 processes
 * on a slow disk, from the sample that decided to the signal. So when memory is becoming short a
 * thread looks at everybody once. What it brings in is charged to the daemon's control group, and
 * protected there by MemoryMin=. On the way it notes what everybody holds (growth.h).
 */
#pragma once

struct prefetch {
	int request_fd;
	int notes_fd; /* who holds how much: see growth.h */
};

/* The thread runs until the process ends. @proc_fd is borrowed. 0 or negative errno. */
int prefetch_start(struct prefetch *p, int proc_fd);

/* Has everybody looked at, once more when a look is under way. Never waits. */
void prefetch_submit(const struct prefetch *p);
