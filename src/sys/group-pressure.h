/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who loses time: the pressure files of each control group without groups below it. The one that
 * loses most is mostly the one that makes the others lose it; so what counts is the one behind it.
 * A group at a limit of its own (memory.max, memory.high) stalls by itself and does not count; nor
 * does what one loses to I/O to which no page comes back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the second group lost to stalls on memory, and another second one to those on I/O. */
struct group_pressure_result {
	uint64_t elapsed_usec; /* since the result before; 0: nothing is known of that time */
	uint64_t memory_usec, io_usec;
	char name[64]; /* of the group that lost more of the two; "": nobody lost anything */
};

struct group_watch;
/* The descriptor is borrowed; @clock: when something is read. */
struct group_watch *group_watch_new(int root_fd, uint64_t (*clock)(void));
void group_watch_free(struct group_watch *w);

/*
 * One look at all groups below the root. The first and one after group_watch_ask() tell nothing,
 * and are what the next one is compared with.
 */
void group_watch_look(struct group_watch *w, struct group_pressure_result *ret);

/*
 * The same of those alone that lost most in the last look at all, whose files are open. Opening one
 * allocates, and where each allocation waits for a slow disk, a walk takes ten seconds. False:
 * fewer than two of them lose time, and not for the first time; look at all.
 */
bool group_watch_ask(struct group_watch *w, struct group_pressure_result *ret);
