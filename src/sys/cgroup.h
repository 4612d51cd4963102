/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a victim's control groups have to say about its death: memory.oom.group of the v2
 * hierarchy, that all members die together (mem_cgroup_get_oom_group()), and the freezer of the v1
 * one, that a frozen process has to be thawed before it can die (__thaw_task()).
 *
 * A thread of its own: /proc/PID/cgroup waits for cgroup_mutex, as in namer.h,
 * and a thawed process has to be awaited before its group is frozen again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/domain.h"
#include "sys/reaper.h"
#include "sys/victim.h"

enum thaw {
	THAW_NOT_FROZEN,
	THAW_DONE,   /* its group ran until it was dead and is frozen again */
	THAW_FAILED, /* it stays frozen: see the error */
};

struct cgroup_result {
	struct process_id id;
	bool unknown;	    /* what groups it was in, so that nothing was done */
	char group[512];    /* the path of the group that was signalled as a whole, or "" */
	unsigned signalled; /* its other members that were */
	enum thaw thaw;
	int thaw_error; /* EACCES, EROFS: the privilege for it is opt-in */
};

/*
 * Shows @visit every process of the group @path below @dir_fd and of those below it, the upper ones
 * first, as the kernel goes through them. One that moves meanwhile is shown twice, or not at all.
 * cgroup.procs takes css_set_lock and not, as /proc/PID/cgroup does, cgroup_mutex. 0 or negative
 * errno when there is no such group.
 */
int cgroup_for_each_member(int dir_fd, const char *path, void (*visit)(void *userdata, pid_t pid),
			   void *userdata);

/*
 * The highest of @path's control groups, itself included, with memory.oom.group set. -ENODATA: none
 * has, or the kernel has no such file; -ENAMETOOLONG. @root_fd: /sys/fs/cgroup; @size: of @ret.
 * @top: the group that is short of memory, above which nothing counts; "": the host is.
 */
int cgroup_find_oom_group(int root_fd, const char *top, struct text path, char *ret, size_t size);

/*
 * Sends @signal to all members of @group and of those below, except @victim, who has it already,
 * this process, init, and everybody with an oom_score_adj of -1000; again until nobody new has
 * come. What is killed by that is handed to the @reaper; who was dying before is somebody else's
 * business. Returns how many were signalled.
 */
unsigned cgroup_signal_group(int root_fd, int proc_fd, const char *group, struct process_id victim,
			     int signal, const struct reaper *reaper);

struct cgroups {
	int request_fd;
	int result_fd; /* readable when there is a result */
};

/* Descriptors are borrowed for good. 0 or negative errno. */
int cgroups_start(struct cgroups *c, int proc_fd, const struct reaper *reaper);

/*
 * @v is going to be signalled: what groups it is in is read now, because nobody can tell any more
 * once its parent has waited for it. Never waits; without it cgroups_submit() has to be soon
 * enough.
 */
void cgroups_prepare(const struct cgroups *c, const struct victim *v);

/*
 * @v was sent @signal: so will be its group, and if it is dying of it, it will be thawed. @v stays
 * the caller's; @top as above. Never waits; -EAGAIN when the queue is full, -EMFILE.
 */
int cgroups_submit(const struct cgroups *c, const struct victim *v, int signal, const char *top);

/* The next result, one for each cgroups_submit(): 1, or 0 when there is none. Never waits. */
int cgroups_result(const struct cgroups *c, struct cgroup_result *ret);
