/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process as the kernel describes it: /proc/PID/status, stat and cgroup, the kernel's badness
 * of it, and the order in which the kernel prefers victims. Shapes, parsers and formulas.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "text.h"

/*
 * A pid alone names whoever has it now; together with the start time (clock ticks after boot,
 * field 22 of stat) it names one process for as long as the machine is up.
 */
struct process_id {
	pid_t pid;
	uint64_t start_time;
};

static inline bool process_id_equal(struct process_id a, struct process_id b)
{
	return a.pid == b.pid && a.start_time == b.start_time;
}

/* TASK_COMM_LEN is 16; stat prints up to 63 bytes for a kernel worker. */
#define COMM_SIZE 64

/* From /proc/PID/stat (or task/TID/stat). */
struct process_stat {
	char comm[COMM_SIZE]; /* raw: may hold any byte but NUL, newline and ')' included */
	char state;
	pid_t ppid;
	pid_t pgrp;
	uint64_t flags; /* PF_* of include/linux/sched.h */
	uint64_t start_time;
	uint64_t user_ticks, system_ticks; /* of all threads, in sysconf(_SC_CLK_TCK) */
};

#define PF_EXITING 0x00000004u
#define PF_KTHREAD 0x00200000u

/* -EINVAL, -ERANGE. comm ends at the *last* ')': it may hold some itself. */
int process_stat_parse(const char *data, size_t len, struct process_stat *ret);

/* From /proc/PID/status (or task/TID/status). Sizes in bytes. */
struct process_status {
	char state;
	pid_t tgid;
	uid_t uid; /* the real one, as dump_tasks() prints it */
	uint64_t threads;
	bool has_mm; /* VmRSS is there: a kernel thread or a zombie leader has none */
	bool core_dumping;
	uint64_t pending; /* SigPnd | ShdPnd: SIGNAL_MASK() of each signal */
	uint64_t total_vm_bytes;
	uint64_t rss_anon_bytes;
	uint64_t rss_file_bytes;
	uint64_t rss_shmem_bytes;
	uint64_t pgtables_bytes; /* VmPTE: page tables of all levels since 4.15 */
	uint64_t swap_bytes;
	uint64_t blocked; /* SigBlk */
	uint64_t ignored; /* SigIgn */
	uint64_t caught;  /* SigCgt */
	pid_t own_pid; /* NSpid: in the innermost of its pid namespaces; 0: the kernel has none */
};

#define SIGNAL_MASK(number) (UINT64_C(1) << ((number)-1))

/* Room for the file without its line of groups, which has no bound. */
#define PROCESS_STATUS_ROOM 4096

int process_status_parse(const char *data, size_t len, struct process_status *ret);

/*
 * True when SIGTERM does nothing to it: it ignores it, or it is the init of a pid namespace, as the
 * first process of a container is, and has no handler for it. But a signal that is blocked is kept
 * for whoever waits for it with sigwait() or signalfd() (sig_ignored() of kernel/signal.c).
 */
bool process_ignores_term(const struct process_status *status);

/*
 * The process's place in the v2 hierarchy ("0::/a/b"), else in systemd's v1 one
 * ("1:name=systemd:/a/b"). -ENODATA when there is neither.
 */
int cgroup_parse(const char *data, size_t len, struct text *ret_path);

/* Its place in the v1 hierarchy of @controller ("4:cpu,cpuacct:/a"); -ENODATA: there is none. */
int cgroup_parse_v1(const char *data, size_t len, const char *controller, struct text *ret_path);

/*
 * The unit that a cgroup path belongs to, by systemd's naming: the first component that is not a
 * slice, and below user@UID.service the first of the user's own. -ENODATA: in no unit.
 */
int cgroup_path_unit(struct text path, struct text *ret_unit);

/*
 * The two apart: user@UID.service itself and the one below it, whose name its user chooses; empty
 * where there is none.
 */
int cgroup_path_units(struct text path, struct text *ret_unit, struct text *ret_user_unit);

/*
 * oom_badness() of mm/oom_kill.c, term by term, in pages:
 * points = rss + swap + pgtables/PAGE_SIZE + adj * (total/1000), signed.
 */
struct badness {
	int64_t rss_pages;
	int64_t swap_pages;
	int64_t pgtables_pages;
	int64_t adj_pages;
	int64_t points;
};

#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000

/* @total_pages: totalram_pages() + total_swap_pages, of the moment. */
void badness_compute(const struct process_status *status, int oom_score_adj, uint64_t total_pages,
		     uint64_t page_size, struct badness *ret);

/* proc_oom_score() of fs/proc/base.c: (1000 + points * 1000 / total) * 2 / 3, C truncation. */
int64_t badness_to_oom_score(int64_t points, uint64_t total_pages);

/*
 * The largest badness that the kernel shows as this oom_score or less: the inverse of the above,
 * rounded up. It lets a scan read one small file a process and leave the rest unread.
 */
int64_t badness_upper_bound(int64_t oom_score, uint64_t total_pages);

/* Why a process can or cannot be the victim. */
enum verdict {
	VERDICT_ELIGIBLE,
	VERDICT_INIT,	 /* pid 1 of our pid namespace */
	VERDICT_SELF,	 /* this daemon */
	VERDICT_KTHREAD, /* PF_KTHREAD */
	VERDICT_NO_MM,	 /* no thread of it has an address space */
	VERDICT_ADJ_MIN, /* oom_score_adj -1000 */
	VERDICT_VFORK,	 /* in_vfork(): its memory is its parent's until it calls exec() */
	VERDICT_DYING,	 /* SIGKILL is pending or it is exiting: its memory is on its way */
	VERDICT_ASIDE,	 /* was chosen before, by us or the kernel, and did not die of it */
	VERDICT_IGNORED, /* by Ignore=, IgnoreRootUser=, a rule or the mark of its control group */
	VERDICT_GONE,	 /* vanished while it was looked at */
};

const char *verdict_name(enum verdict v);

struct process {
	struct process_id id;
	pid_t mm_tid; /* the thread that the memory was read from; pid unless the leader has exited
		       */
	pid_t ppid;
	pid_t pgrp;
	uid_t uid;
	int oom_score_adj;
	char state;
	bool task_origin; /* in swapoff(2): the kernel takes it first, whatever its size */
	uint8_t rule;	  /* enum rule_source of rule.h: what has set bias_pages or the verdict */
	enum verdict verdict;
	char comm[COMM_SIZE];
	struct process_status memory;
	struct badness badness; /* true pages: rules never change them */
	int64_t bias_pages;	/* what rules add when processes are compared */
};

/*
 * proc_oom_score() of the whole process: 0 for those that oom_badness() refuses to rate, by their
 * verdict.
 */
int64_t process_oom_score(const struct process *p, uint64_t total_pages);

/* What killing it gives back: memory and swap of its own. Shared memory and files may stay. */
uint64_t process_expected_bytes(const struct process *p);

enum sort_by { SORT_BY_BADNESS, SORT_BY_RSS };

/*
 * True when @a is a better victim than @b. As in select_bad_process(): a task origin before all
 * others, more points win, and of equals the one that was forked last, which is the later start
 * time, then the larger pid.
 */
bool process_beats(const struct process *a, const struct process *b, enum sort_by by);
