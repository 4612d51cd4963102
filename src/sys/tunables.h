/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an administrator has told the kernel's own killer in /proc/sys/vm, and what therefore counts
 * here too. The files are held open, as those of a sample are.
 */
#pragma once

#include <stdbool.h>

struct tunables {
	int panic_on_oom_fd;
	int oom_dump_tasks_fd;
};

#define TUNABLES_CLOSED ((struct tunables){.panic_on_oom_fd = -1, .oom_dump_tasks_fd = -1})

/* Files that are missing, as in some containers, are no error: the kernel's defaults hold. */
void tunables_open(struct tunables *t, int proc_fd);
void tunables_close(struct tunables *t);

/*
 * 0: no panic. 1: unless a cpuset, a mempolicy or a cgroup has run out and not the machine. 2: in
 * any case. check_panic_on_oom() of mm/oom_kill.c.
 */
int tunables_panic_on_oom(const struct tunables *t);

/* Whether the table of candidates is wanted in the log; true by default. */
bool tunables_dump_tasks(const struct tunables *t);
