/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees of files that look like /proc and /sys to whoever reads below a directory descriptor. Each
 * test builds its own in a temporary directory from tables, and takes it down again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "unit.h"

struct tree {
	char path[64];
	int fd;
};

void tree_init(struct tree *t);
void tree_done(struct tree *t);

/* Replaces or makes the file, and the directories above it. */
void tree_write(const struct tree *t, const char *path, const char *data, size_t len);
void tree_text(const struct tree *t, const char *path, const char *text);
void tree_directory(const struct tree *t, const char *path);

/* Files, links and directories with all that is in them; what is not there is no error. */
void tree_remove(const struct tree *t, const char *path);

/* What a fake file is instead of what it should be. */
enum fake_file {
	FAKE_GOOD,
	FAKE_MISSING,	 /* ENOENT: it vanished */
	FAKE_UNREADABLE, /* a directory: EISDIR */
	FAKE_EMPTY,
	FAKE_GARBAGE,
	FAKE_CUT, /* ends in the middle */
};

/* A row for fake_process_write(). What is 0 gets a plain value where 0 would not be one. */
struct fake_process {
	pid_t pid;
	pid_t ppid;
	pid_t pgrp; /* 0: pid */
	const char *comm;
	char state; /* 0: S */
	uid_t uid;
	unsigned threads; /* 0: 1 */
	uint64_t flags;
	uint64_t start_time;
	bool no_mm, core_dumping;
	uint64_t vm_kb, anon_kb, file_kb, shmem_kb, pte_kb, swap_kb;
	uint64_t thread_pending, shared_pending; /* SigPnd, ShdPnd */
	int adj;
	int64_t oom_score; /* -1: what the kernel would show, of the figures above */
	enum fake_file stat_file, status_file, adj_file, score_file;
};

/* @total_pages: for an oom_score of -1. */
void fake_process_write(const struct tree *t, const struct fake_process *p, uint64_t total_pages);

/* status and stat of a thread, below the directory of process @tgid. */
void fake_thread_write(const struct tree *t, pid_t tgid, const struct fake_process *p);

/*
 * The formulas once more, from the rows and in another way than src/core has them, to compare
 * with: badness in pages, and the oom_score of a badness.
 */
int64_t fake_badness(const struct fake_process *p, uint64_t total_pages);
int64_t fake_oom_score(const struct fake_process *p, int64_t badness, uint64_t total_pages);
