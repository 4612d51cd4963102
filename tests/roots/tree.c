/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fake trees; see tree.h. The texts follow fs/proc/array.c of Linux 6.1.
 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/process.h"

void tree_init(struct tree *t)
{
	/* memory, where there is some: thousands of small files are written */
	const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(t->path, sizeof(t->path), "%s/reapd-tree-XXXXXX", parent);
	assert_non_null(mkdtemp(t->path));
	assert_int_equal(chmod(t->path, 0755), 0);
	t->fd = open(t->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->fd >= 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void tree_remove(const struct tree *t, const char *path)
{
	char full[512];

	if (unlinkat(t->fd, path, 0) == 0 || errno == ENOENT)
		return;
	snprintf(full, sizeof(full), "%s/%s", t->path, path);
	assert_int_equal(nftw(full, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_done(struct tree *t)
{
	close(t->fd);
	assert_int_equal(nftw(t->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void make_parents(const struct tree *t, const char *path)
{
	char part[512];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdirat(t->fd, part, 0755) < 0)
			assert_int_equal(errno, EEXIST);
	}
}

void tree_directory(const struct tree *t, const char *path)
{
	make_parents(t, path);
	if (mkdirat(t->fd, path, 0755) < 0)
		assert_int_equal(errno, EEXIST);
}

void tree_write(const struct tree *t, const char *path, const char *data, size_t len)
{
	int fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0) {
		if (errno == EISDIR)
			tree_remove(t, path);
		make_parents(t, path);
		fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

void tree_text(const struct tree *t, const char *path, const char *text)
{
	tree_write(t, path, text, strlen(text));
}

static void write_fake(const struct tree *t, const char *path, enum fake_file kind,
		       const char *text)
{
	switch (kind) {
	case FAKE_GOOD:
		tree_text(t, path, text);
		return;
	case FAKE_MISSING:
		tree_remove(t, path);
		return;
	case FAKE_UNREADABLE:
		tree_remove(t, path);
		tree_directory(t, path);
		return;
	case FAKE_EMPTY:
		tree_text(t, path, "");
		return;
	case FAKE_GARBAGE:
		tree_write(t, path, BYTES("\0\377\n((((-1 kB\0"));
		return;
	case FAKE_CUT:
		tree_write(t, path, text, strlen(text) / 3);
		return;
	}
}

static void format_stat(const struct fake_process *p, char *buf, size_t size)
{
	snprintf(buf, size,
		 "%d (%s) %c %d %d %d 0 -1 %" PRIu64 " 100 0 0 0 3 2 0 0 20 0 %u 0 %" PRIu64
		 " %" PRIu64 " %" PRIu64
		 " 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		 p->pid, p->comm ? p->comm : "fake", p->state ? p->state : 'S', p->ppid,
		 p->pgrp ? p->pgrp : p->pid, p->pgrp ? p->pgrp : p->pid, p->flags,
		 p->threads ? p->threads : 1, p->start_time, p->vm_kb * 1024,
		 (p->anon_kb + p->file_kb + p->shmem_kb) / 4);
}

static void format_status(const struct fake_process *p, pid_t tgid, char *buf, size_t size)
{
	char memory[512] = "";

	if (!p->no_mm)
		snprintf(memory, sizeof(memory),
			 "VmPeak:\t%8" PRIu64 " kB\nVmSize:\t%8" PRIu64 " kB\nVmLck:\t       0 kB\n"
			 "VmHWM:\t%8" PRIu64 " kB\nVmRSS:\t%8" PRIu64 " kB\nRssAnon:\t%8" PRIu64
			 " kB\nRssFile:\t%8" PRIu64 " kB\nRssShmem:\t%8" PRIu64
			 " kB\nVmData:\t       8 kB\nVmPTE:\t%8" PRIu64 " kB\nVmSwap:\t%8" PRIu64
			 " kB\nHugetlbPages:\t       0 kB\nCoreDumping:\t%d\n",
			 p->vm_kb, p->vm_kb, p->vm_kb, p->anon_kb + p->file_kb + p->shmem_kb,
			 p->anon_kb, p->file_kb, p->shmem_kb, p->pte_kb, p->swap_kb,
			 p->core_dumping);
	snprintf(buf, size,
		 "Name:\t%s\nUmask:\t0022\nState:\t%c (made up)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
		 "PPid:\t%d\nTracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t0\t0\t0\t0\nFDSize:\t64\n"
		 "%sThreads:\t%u\nSigQ:\t0/100\nSigPnd:\t%016" PRIx64 "\nShdPnd:\t%016" PRIx64
		 "\nSigBlk:\t0000000000000000\nSeccomp:\t0\n",
		 p->comm ? p->comm : "fake", p->state ? p->state : 'S', tgid, p->pid, p->ppid,
		 p->uid, p->uid, p->uid, p->uid, memory, p->threads ? p->threads : 1,
		 p->thread_pending, p->shared_pending);
}

int64_t fake_badness(const struct fake_process *p, uint64_t total_pages)
{
	int64_t kb = (int64_t)(p->anon_kb + p->file_kb + p->shmem_kb);

	/* pages of 4 KiB; the tables of the tests have multiples */
	return kb / 4 + (int64_t)p->swap_kb / 4 + (int64_t)p->pte_kb / 4 +
	       p->adj * (int64_t)(total_pages / 1000);
}

int64_t fake_oom_score(const struct fake_process *p, int64_t badness, uint64_t total_pages)
{
	if (p->no_mm || p->adj == OOM_SCORE_ADJ_MIN || p->flags & PF_KTHREAD || p->pid == 1)
		return 0;
	return (1000 + badness * 1000 / (int64_t)total_pages) * 2 / 3;
}

void fake_process_write(const struct tree *t, const struct fake_process *p, uint64_t total_pages)
{
	int64_t score = p->oom_score;
	char path[64], text[4096];

	if (score < 0)
		score = fake_oom_score(p, fake_badness(p, total_pages), total_pages);
	snprintf(path, sizeof(path), "%d/stat", p->pid);
	format_stat(p, text, sizeof(text));
	write_fake(t, path, p->stat_file, text);
	snprintf(path, sizeof(path), "%d/status", p->pid);
	format_status(p, p->pid, text, sizeof(text));
	write_fake(t, path, p->status_file, text);
	snprintf(path, sizeof(path), "%d/comm", p->pid);
	snprintf(text, sizeof(text), "%s\n", p->comm ? p->comm : "fake");
	tree_text(t, path, text);
	snprintf(path, sizeof(path), "%d/oom_score_adj", p->pid);
	snprintf(text, sizeof(text), "%d\n", p->adj);
	write_fake(t, path, p->adj_file, text);
	snprintf(path, sizeof(path), "%d/oom_score", p->pid);
	snprintf(text, sizeof(text), "%" PRId64 "\n", score);
	write_fake(t, path, p->score_file, text);
}

void fake_thread_write(const struct tree *t, pid_t tgid, const struct fake_process *p)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "%d/task/%d/stat", tgid, p->pid);
	format_stat(p, text, sizeof(text));
	write_fake(t, path, p->stat_file, text);
	snprintf(path, sizeof(path), "%d/task/%d/status", tgid, p->pid);
	format_status(p, tgid, text, sizeof(text));
	write_fake(t, path, p->status_file, text);
}
