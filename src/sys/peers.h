/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other programs on this machine that kill when memory is short. The kernel has oom_lock, so that
 * two who find memory short at once do not both kill; among daemons there is no such lock. Each
 * follows limits of its own, so a person should know that there are two.
 */
#pragma once

#include <sys/types.h>

#define PEERS_MAX 16

struct peer {
	const char *name;
	pid_t pid; /* 0: known by its unit alone, as a script is whose process has another name */
};

/*
 * Looks once through the names of all processes and for the cgroups of known units: for the start.
 * What cannot be read is not there. Returns how many of @ret are filled.
 */
unsigned peers_find(int proc_fd, int sys_fd, struct peer ret[static PEERS_MAX]);
