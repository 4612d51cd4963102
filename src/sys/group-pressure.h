/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who loses time: the pressure files of each control group without groups below it. The one that
 * loses most is mostly the one that makes the others lose it; so what counts is the one behind it.
 * A group at a limit of its own (memory.max, memory.high) stalls by itself and does not count; nor
 * does what one loses to I/O to which no page comes back.
 */
#pragma once

#include <stdint.h>

/* What the second group lost to stalls on memory, and another second one to those on I/O. */
struct group_pressure_result {
	uint64_t elapsed_usec; /* since the look before; 0: there was none */
	uint64_t memory_usec, io_usec;
	char name[64]; /* of the group that lost more of the two; "": nobody lost anything */
};

struct group_watch;
struct group_watch *group_watch_new(int root_fd); /* the descriptor is borrowed */
void group_watch_free(struct group_watch *w);

/* One look at all groups below the root, at @now_usec. */
void group_watch_look(struct group_watch *w, uint64_t now_usec, struct group_pressure_result *ret);
