/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out which unit a victim belonged to, for the report. A thread of its own, because
 * /proc/PID/cgroup waits for cgroup_mutex, which whoever creates a cgroup holds while the kernel
 * reclaims memory for it: neither the loop nor a reaper may be caught in that.
 */
#pragma once

#include "sys/victim.h"

struct victim_name {
	struct process_id id;
	char cgroup[512]; /* the first bytes of its path, or "" */
	char unit[128];	  /* "" when it is in none */
};

/* What the thread does; may wait. Whatever cannot be read is "". */
void victim_name_read(const struct victim *v, struct victim_name *ret);

struct namer {
	int request_fd;
	int result_fd; /* readable when there is a result */
};

/* 0 or negative errno. */
int namer_start(struct namer *n);

/* @v stays the caller's. Never waits; -EAGAIN when the queue is full, -EMFILE. */
int namer_submit(const struct namer *n, const struct victim *v);

/* The next result: 1, or 0 when there is none. Never waits. */
int namer_result(const struct namer *n, struct victim_name *ret);
