/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that goes through the control groups when the loop asks: who loses time
 * (group-pressure.h), who fills a tmpfs (group-shmem.h), or what swap may not take (group-swap.h).
 * A thread, because opening the files
 * allocates, and a machine that is in trouble may have hundreds.
 */
#pragma once

#include "sys/group-pressure.h"
#include "sys/group-shmem.h"

enum group_look_kind {
	GROUP_LOOK_PRESSURE,
	GROUP_LOOK_SHMEM,
	GROUP_LOOK_SWAP,
	GROUP_LOOK_RELEASE, /* closes what is held open for the next look; has no result */
};

struct group_look_result {
	enum group_look_kind kind;
	union {
		struct group_pressure_result pressure;
		struct shmem_writer writer;
		struct {
			uint64_t bytes, begun_usec;
		} barred;
	};
};

struct group_look {
	int request_fd;
	int result_fd; /* readable when there is a result */
};

/* @proc_fd is borrowed for good. -ENODATA: there is no v2 hierarchy. 0 or negative errno. */
int group_look_start(struct group_look *g, int proc_fd);

/* Has them looked at. Never waits; false: so many looks are due already that this one will not be.
 */
bool group_look_submit(const struct group_look *g, enum group_look_kind kind);

/* The next result: 1, or 0 when there is none. Never waits. */
int group_look_result(const struct group_look *g, struct group_look_result *ret);
