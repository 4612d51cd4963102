/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An independent opinion: libproc2's reading of /proc against that of our parsers, for every live
 * process and for children with names that are made to mislead.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libproc2/pids.h>

#include "child.h"
#include "sys/fs.h"

static int proc_fd;

static int setup(void **state)
{
	(void)state;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	return proc_fd < 0;
}

/*
 * A live process changes between two readings. What another reader says is judged only if our own
 * readings before and after it are the same, and a difference counts when it is there every time.
 */
#define TRIES	    200
#define DIFFERENCES 20

static unsigned for_each_process(bool (*check)(pid_t pid))
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	unsigned checked = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		pid_t pid = fs_parse_pid(entry->d_name);

		if (pid > 0 && check(pid))
			checked++;
	}
	closedir(d);
	return checked;
}

enum item {
	ITEM_PID,
	ITEM_PPID,
	ITEM_PGRP,
	ITEM_STATE,
	ITEM_UID,
	ITEM_RSS,
	ITEM_THREADS,
	ITEM_VSIZE,
	ITEM_START,
	ITEM_FLAGS,
	ITEM_SWAP,
	ITEM_ADJ,
	ITEM_IGNORED,
	ITEM_CAUGHT,
	ITEMS
};

static enum pids_item items[ITEMS] = {
	[ITEM_PID] = PIDS_ID_PID,	 [ITEM_PPID] = PIDS_ID_PPID,
	[ITEM_PGRP] = PIDS_ID_PGRP,	 [ITEM_STATE] = PIDS_STATE,
	[ITEM_UID] = PIDS_ID_RUID,	 [ITEM_RSS] = PIDS_VM_RSS,
	[ITEM_THREADS] = PIDS_NLWP,	 [ITEM_VSIZE] = PIDS_VM_SIZE,
	[ITEM_START] = PIDS_TICS_BEGAN,	 [ITEM_FLAGS] = PIDS_FLAGS,
	[ITEM_SWAP] = PIDS_VM_SWAP,	 [ITEM_ADJ] = PIDS_OOM_ADJ,
	[ITEM_IGNORED] = PIDS_SIGIGNORE, [ITEM_CAUGHT] = PIDS_SIGCATCH,
};

/* PIDS_VAL() has lost an argument between 4.0.2 and 4.0.5. */
#define VALUE(item, type) (stack->head[item].result.type)

static bool read_ours(pid_t pid, struct process *ret, struct process_stat *ret_stat)
{
	struct scan_request request = {.total_pages = machine_total_pages()};
	char path[32], text[2048];
	size_t len;

	snprintf(path, sizeof(path), "%d/stat", pid);
	scan_process(proc_fd, pid, &request, ret);
	return ret->verdict != VERDICT_GONE &&
	       fs_read_at(proc_fd, path, text, sizeof(text), &len) >= 0 &&
	       process_stat_parse(text, len, ret_stat) >= 0;
}

/* The name of what differs, or NULL. */
static const char *compare(const struct pids_stack *stack, const struct process *p,
			   const struct process_stat *s)
{
	const struct process_status *m = &p->memory;
	uint64_t rss = m->rss_anon_bytes + m->rss_file_bytes + m->rss_shmem_bytes;

	if (VALUE(ITEM_PID, s_int) != p->id.pid || m->tgid != p->id.pid)
		return "pid";
	if (VALUE(ITEM_PPID, s_int) != s->ppid)
		return "ppid";
	if (VALUE(ITEM_PGRP, s_int) != s->pgrp || s->pgrp != p->pgrp)
		return "pgrp";
	if ((char)VALUE(ITEM_STATE, s_ch) != s->state)
		return "state";
	if (VALUE(ITEM_UID, u_int) != p->uid)
		return "uid";
	if (VALUE(ITEM_THREADS, s_int) != (int)m->threads)
		return "threads";
	if (VALUE(ITEM_START, ull_int) != p->id.start_time)
		return "start time";
	if (VALUE(ITEM_FLAGS, ul_int) != s->flags)
		return "flags";
	if (VALUE(ITEM_ADJ, s_int) != p->oom_score_adj)
		return "oom_score_adj";
	if (strtoull(VALUE(ITEM_IGNORED, str), NULL, 16) != m->ignored)
		return "ignored signals";
	if (strtoull(VALUE(ITEM_CAUGHT, str), NULL, 16) != m->caught)
		return "caught signals";
	/* libproc2 tells KiB; a leader that has exited has none there */
	if (p->mm_tid != p->id.pid)
		return NULL;
	if ((uint64_t)VALUE(ITEM_RSS, ul_int) * 1024 != rss)
		return "rss";
	if ((uint64_t)VALUE(ITEM_VSIZE, ul_int) * 1024 != m->total_vm_bytes)
		return "vsize";
	if ((uint64_t)VALUE(ITEM_SWAP, ul_int) * 1024 != m->swap_bytes)
		return "swap";
	return NULL;
}

static bool check_against_libproc2(pid_t pid)
{
	struct pids_info *info = NULL;
	const char *differs = "all";
	unsigned differences = 0;
	bool compared = false;

	assert_int_equal(procps_pids_new(&info, items, ITEMS), 0);
	for (unsigned i = 0; i < TRIES && differs && differences < DIFFERENCES; i++) {
		unsigned wanted = (unsigned)pid;
		struct pids_fetch *fetch;
		struct process_stat s, s_before;
		struct process p, before;

		differs = NULL;
		if (!read_ours(pid, &before, &s_before))
			break;
		fetch = procps_pids_select(info, &wanted, 1, PIDS_SELECT_PID);
		if (!fetch || fetch->counts->total != 1 || !read_ours(pid, &p, &s))
			break;
		differs = compare(fetch->stacks[0], &p, &s);
		compared = true;
		differences += before.badness.points == p.badness.points &&
			       before.memory.total_vm_bytes == p.memory.total_vm_bytes &&
			       before.memory.threads == p.memory.threads &&
			       s_before.state == s.state && s_before.flags == s.flags &&
			       s_before.ppid == s.ppid && s_before.pgrp == s.pgrp;
	}
	procps_pids_unref(&info);
	if (differs && differences == DIFFERENCES)
		fail_msg("process %d: libproc2 has another %s", pid, differs);
	return compared;
}

static void test_libproc2_on_all(void **state)
{
	(void)state;
	assert_true(for_each_process(check_against_libproc2) > 1);
}

static void test_libproc2_on_children(void **state)
{
	static const char *const names[] = {"plain", "a) Z 1 (b\nc", ") (", "\\\n\t"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		pid_t pid = child_start(&(struct child_spec){
			.bytes = 20 * MIB, .comm = names[i], .adj = 7, .own_group = true});
		struct process_stat s;
		struct process p;

		assert_true(check_against_libproc2(pid));
		assert_true(read_ours(pid, &p, &s));
		assert_int_equal(s.ppid, getpid());
		assert_int_equal(s.pgrp, pid);
		assert_int_equal(p.oom_score_adj, 7);
		assert_true(p.memory.rss_anon_bytes >= 20 * MIB);
		child_end(pid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libproc2_on_all),
		cmocka_unit_test(test_libproc2_on_children),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
