/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process in full, and whether it may be killed: scan_process() of scan.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/process-file.h"
#include "sys/ruling.h"
#include "sys/scan.h"

static int read_adj(int dir_fd, int *ret)
{
	int64_t adj;
	int r = fs_read_number_at(dir_fd, "oom_score_adj", &adj);

	if (r < 0)
		return r;
	if (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX)
		return -ERANGE;
	*ret = (int)adj;
	return 0;
}

static enum verdict apply_rules(const struct scan_request *request,
				const struct process_stat *leader, struct process *p)
{
	struct identity known = identity_find(request->known, p->id, leader->comm);
	struct ruling_facts facts = {
		.comm = p->comm, .uid = p->uid, .matched = known.matched, .mark = known.mark};

	if (request->ignore_root_user && p->uid == 0) {
		p->rule = RULE_SOURCE_ROOT_USER;
		return VERDICT_IGNORED;
	}
	return ruling_apply(request->patterns, &facts, request->total_pages, p);
}

static enum verdict judge(const struct scan_request *request, const struct process_stat *leader,
			  const struct process_stat *mm_stat, struct process *p)
{
	enum verdict rules;

	if (p->id.pid == 1)
		return VERDICT_INIT;
	if (p->id.pid == (request->self != 0 ? request->self : getpid()))
		return VERDICT_SELF;
	if (leader->flags & PF_KTHREAD)
		return VERDICT_KTHREAD;
	if (!p->memory.has_mm)
		return VERDICT_NO_MM;
	if (p->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return VERDICT_ADJ_MIN;
	if (request->scope == SCOPE_CHILDREN && leader->ppid != getpid())
		return VERDICT_IGNORED;
	rules = apply_rules(request, leader, p);
	/*
	 * Whatever the rules say: who never dies by our hand may die by another's. As in
	 * __task_will_free_mem(): one thread in pthread_exit() is no dying process, and one that
	 * dumps its core, whose other threads all have SIGKILL, will keep its memory until it has
	 * written it, unless somebody sends a signal.
	 */
	if (!p->memory.core_dumping && (p->memory.pending & SIGNAL_MASK(SIGKILL) ||
					(mm_stat->flags & PF_EXITING && p->memory.threads <= 1)))
		return VERDICT_DYING;
	return rules;
}

void scan_process(int proc_fd, pid_t pid, const struct scan_request *request, struct process *ret)
{
	struct process p = {.id.pid = pid, .mm_tid = pid, .verdict = VERDICT_GONE};
	struct process_stat leader, *mm_stat = &leader;
	struct process_thread thread;
	char path[12];
	CLEANUP_CLOSE int dir_fd = -1;

	fs_format_pid(path, pid);
	/* one directory for all files: it stays this process's even if the pid is given away */
	dir_fd = fs_open_dir(proc_fd, path);
	if (dir_fd < 0 || process_read_stat(dir_fd, "stat", &leader) < 0 ||
	    process_read_status(dir_fd, "status", &p.memory) < 0 ||
	    read_adj(dir_fd, &p.oom_score_adj) < 0) {
		*ret = p;
		return;
	}

	p.id.start_time = leader.start_time;
	p.ppid = leader.ppid;
	p.pgrp = leader.pgrp;
	memcpy(p.comm, leader.comm, sizeof(p.comm));
	if (!p.memory.has_mm && p.memory.threads > 1 && process_find_thread(dir_fd, &thread)) {
		p.mm_tid = thread.tid;
		p.memory = thread.status;
		mm_stat = &thread.stat;
		memcpy(p.comm, thread.stat.comm, sizeof(p.comm));
	}
	p.uid = p.memory.uid;
	p.state = mm_stat->state;
	badness_compute(&p.memory, p.oom_score_adj, request->total_pages,
			(uint64_t)sysconf(_SC_PAGESIZE), &p.badness);
	p.verdict = judge(request, &leader, mm_stat, &p);
	*ret = p;
}
