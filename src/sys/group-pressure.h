/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who loses time: the pressure files of each control group without groups below it, looked at by a
 * thread when the loop asks. The one that loses most is mostly the one that makes the others lose
 * it; so what counts is the one behind it. A group at a limit of its own (memory.max, memory.high)
 * stalls by itself and does not count.
 *
 * A thread, because opening the files allocates, and a machine that thrashes has hundreds.
 */
#pragma once

#include <stdint.h>

/* What the second group lost to stalls on memory, and another second one to those on I/O. */
struct group_pressure_result {
	uint64_t elapsed_usec; /* since the look before; 0: there was none */
	uint64_t memory_usec, io_usec;
	char name[64]; /* of the group that lost more of the two; "": nobody lost anything */
};

struct group_pressure {
	int request_fd;
	int result_fd; /* readable when there is a result */
};

/* -ENODATA: there is no v2 hierarchy with pressure files. 0 or negative errno. */
int group_pressure_start(struct group_pressure *g);

/* Has them looked at. Never waits; one look is as good as two. */
void group_pressure_submit(const struct group_pressure *g);

/* The next result: 1, or 0 when there is none. Never waits. */
int group_pressure_result(const struct group_pressure *g, struct group_pressure_result *ret);

/* For the thread and for tests: one look at all groups below @root_fd, at @now_usec. */
struct group_watch;
struct group_watch *group_watch_new(int root_fd);
void group_watch_free(struct group_watch *w);
void group_watch_look(struct group_watch *w, uint64_t now_usec, struct group_pressure_result *ret);
