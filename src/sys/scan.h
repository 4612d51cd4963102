/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks through all processes for the one to kill. One small file a process, oom_score, is read
 * for everybody: the kernel computes it under task_lock alone, and 0 means that it would never
 * choose this process. Then, from the highest score down, the exact badness is computed for as
 * many as could still win: an oom_score is a rounded badness, so the first whose badness beats
 * whatever a lower score could hide ends the search.
 *
 * /proc is read here and not through libproc2, which allocates for each process, has no page
 * table size, without which the formula is not exact, and opens /proc by its absolute name.
 *
 * Nothing here reads a file that takes the target's mmap_lock, and nothing allocates but
 * scanner_new() and scanner_reserve().
 */
#pragma once

#include <stdint.h>

#include "core/choice.h"
#include "core/process.h"
#include "sys/identity.h"
#include "sys/pattern.h"

#define SCAN_TOP   10
#define SCAN_ASIDE 256

struct domain;
struct scanner;

enum scan_scope {
	SCOPE_EVERYBODY,
	SCOPE_CHILDREN, /* of this process: for the drill */
};

enum scan_dying {
	DYING_STANDS_IN,  /* for a victim, when its memory covers the shortage */
	DYING_IS_SKIPPED, /* it was waited for long enough */
};

struct scan_request {
	uint64_t total_pages;	 /* memory and swap, from the sample that asked for the scan */
	uint64_t shortage_bytes; /* what has to come back until nobody has to die; 0: unknown */
	enum scan_dying dying;
	bool swapoff; /* some process is in swapoff(2): look for it */
	enum select select;
	enum sort_by sort_by;
	enum scan_scope scope;
	pid_t self; /* who is VERDICT_SELF; 0: the caller, -1: nobody */
	bool ignore_root_user;
	const struct patterns *patterns;   /* NULL: no rules */
	const struct identity_book *known; /* NULL: rules know names and users alone */
	const struct domain *domain;	   /* its members alone, each read in full; NULL: all */
};

struct scan_result {
	unsigned seen;	     /* processes with a directory in /proc */
	unsigned scored;     /* of these, with an oom_score above 0 */
	unsigned evaluated;  /* of these, read in full */
	unsigned unreadable; /* could not be read for another reason than having gone */
	unsigned overflow;   /* did not fit: the machine has grown faster than the buffers */
	bool found;
	struct process victim;	 /* eligible, or dying already */
	struct choice choice;	 /* and who else it might have been */
	uint64_t shortage_bytes; /* of the request */
	unsigned top_count;
	struct process top[SCAN_TOP]; /* the best of the evaluated, best first, whatever verdict */
};

/* How many processes there are, from the link count of /proc: cheap, and not cut to 16 bits. */
unsigned scan_count_processes(int proc_fd);

/* @proc_fd is borrowed. NULL: out of memory. */
struct scanner *scanner_new(int proc_fd, unsigned processes);
void scanner_free(struct scanner *s);

/*
 * Makes room for twice as many processes as there are now; to be called outside a kill.
 * Says whether it had to grow. -ENOMEM leaves the scanner as it was.
 */
int scanner_reserve(struct scanner *s, unsigned processes);

/* 0, or negative errno when /proc itself cannot be read. */
int scanner_run(struct scanner *s, const struct scan_request *request, struct scan_result *ret);

/*
 * The same without the short cut, for somebody who wants to see everybody: reads each process in
 * full and shows it to @visit. Here a verdict also says why a process that looks eligible has an
 * oom_score of 0.
 */
int scanner_run_on_all(struct scanner *s, const struct scan_request *request,
		       void (*visit)(void *userdata, const struct process *p), void *userdata,
		       struct scan_result *ret);

/* Makes @p, read in full, the victim, with a row in the top whoever else stands there. */
void scan_set_victim(struct scan_result *result, const struct process *p, enum sort_by by);

/*
 * Reads on from where scanner_run() stopped until the top is full: for the report, after the
 * signal. It does not read @except again, whose status could make us do its exit_mmap().
 */
void scanner_fill_top(struct scanner *s, const struct scan_request *request, pid_t except,
		      struct scan_result *result);

/*
 * Shows @visit, in full, everybody of the last scan who can hold so many pages without a negative
 * oom_score_adj, but no more than @most, from the highest score down: where memory is large, a
 * crowd of thousands that hold next to nothing can be within a step of that. The walk of
 * scanner_fill_top() goes on where it was.
 */
void scanner_visit_largest(struct scanner *s, const struct scan_request *request, int64_t min_pages,
			   unsigned most, void (*visit)(void *userdata, const struct process *p),
			   void *userdata);

/* A process that was killed and did not die is not chosen again. Forgets the oldest of many. */
void scanner_put_aside(struct scanner *s, struct process_id id);
bool scanner_is_aside(const struct scanner *s, struct process_id id);

/* What the kernel shows, cut at 2,047; 0: it will not choose it. Or negative errno. */
int scan_read_oom_score(int proc_fd, pid_t pid);

/*
 * Everything about one process, from @proc_fd/PID. Its verdict says why it cannot be chosen.
 * VERDICT_GONE when there is no such process (any more).
 */
void scan_process(int proc_fd, pid_t pid, const struct scan_request *request, struct process *ret);

/*
 * Those of the last scan who might share @victim's memory, at most @size of them: who has the same
 * oom_score, near enough for two that grow while they are read, because processes that share
 * memory share their oom_score_adj too (__set_oom_adj()). Between vfork() and exec() they do not,
 * and the child's score is 0; so are all of 0, where a thread of @victim might wait for one.
 */
unsigned scanner_alike(const struct scanner *s, const struct process *victim, pid_t *ret,
		       unsigned size);

/*
 * Shows @visit the others of @victim's process group that are eligible and not avoided, among the
 * processes of the last scan, and returns their number. Reads the stat of every process: only for
 * KillProcessGroup=.
 */
int scanner_for_group(struct scanner *s, const struct scan_request *request,
		      const struct process *victim,
		      void (*visit)(void *userdata, const struct process *p), void *userdata);
