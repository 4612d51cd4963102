/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where processes come from, found out ahead of a kill: which rules match the program, the control
 * group and the unit of each, and the mark of its control group. /proc/PID/cgroup takes
 * cgroup_mutex before Linux 6.7 (proc_cgroup_show()), so the loop never reads it: a thread of its
 * own looks at everybody when the loop asks for it, and what it has found becomes a book that the
 * loop owns and a scan looks things up in, without a lock and without a system call.
 *
 * /proc/PID/exe takes task_lock alone (get_task_exe_file(); mmap_lock before Linux 4.1).
 *
 * In a book stand those alone about whom there is something to say, which on most machines are few,
 * each as pid, start time and name. One that has another name than when it was looked at has
 * called exec() perhaps, so what its program was does not count until the next look; its control
 * group it has kept. A process that was not there at the last look is in no book: names and users
 * are all that rules know of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/process.h"
#include "core/rule.h"
#include "sys/mark.h"
#include "sys/pattern.h"

#define IDENTITY_COMM_SIZE 16 /* TASK_COMM_LEN */

struct identity {
	uint64_t start_time;
	uint64_t matched; /* those of patterns_need_look() that match as far as it goes */
	pid_t pid;
	enum mark mark;
	char comm[IDENTITY_COMM_SIZE];
};

/* What the first look after a configuration was read counts besides. */
struct identity_census {
	bool wanted;
	unsigned processes; /* with a memory */
	unsigned ignored;
	unsigned matched[RULES_MAX]; /* by each rule, whether it decided or not */
	unsigned ignored_by[RULES_MAX];
};

struct identity_book {
	const struct patterns *patterns; /* whose rules were matched */
	bool stale;			 /* they have been replaced: only marks count */
	struct identity_census census;
	unsigned seen; /* processes that were looked at */
	unsigned count, capacity;
	struct identity *entries; /* by pid */
};

/* A book for so many processes, or for more if it has become too small. 0, -ENOMEM. */
int identity_book_reserve(struct identity_book *b, unsigned processes);
void identity_book_done(struct identity_book *b);

/* @known: NULL is an empty book. What counts for this process as it is now. */
struct identity identity_find(const struct identity_book *known, struct process_id id,
			      const char *comm);

/* The rules that match whoever has had this pid: for a guess, which identity_find() then checks. */
uint64_t identity_guess(const struct identity_book *known, pid_t pid);

/*
 * Looks at everybody below @proc_fd. What the thread does; may wait. @cgroup_fd: /sys/fs/cgroup,
 * negative when there is none; @owner as in mark_read().
 */
void identity_look(struct identity_book *b, int proc_fd, int cgroup_fd, uid_t owner);

/* The thread, and the two books that go to and fro. */
struct identities {
	int request_fd;
	int result_fd; /* readable when a look is done */
	struct identity_book books[2];
	unsigned current; /* the book to look things up in; the other is the thread's or spare */
	bool looking;
	struct patterns *retired; /* which the thread still looks with */
};

/* @i and @proc_fd are borrowed for good. 0 or negative errno. */
int identities_start(struct identities *i, int proc_fd);

/*
 * Has everybody looked at, by the rules of @patterns. Never waits; may allocate. -EBUSY while the
 * look before is not done, -EAGAIN, -ENOMEM.
 */
int identities_submit(struct identities *i, const struct patterns *patterns, unsigned processes,
		      bool census);

/* True when a look is done: its book is the current one from now on. Never waits. */
bool identities_result(struct identities *i);

/* Others take the place of @patterns, which is consumed: what was matched with it counts no more.
 */
void identities_retire(struct identities *i, struct patterns *patterns);

static inline const struct identity_book *identities_book(const struct identities *i)
{
	return &i->books[i->current];
}
