/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who loses time: the pressure files of each control group without groups below it. The one that
 * loses most is mostly the one that makes the others lose it; so what counts is what those behind
 * it lose. A group at a limit of its own (memory.max, memory.high) stalls by itself and does not
 * count; nor does what one loses to I/O to which no page comes back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The most that was lost to stalls on memory, and to those on I/O, by others than the worst. */
struct group_pressure_result {
	uint64_t elapsed_usec; /* since the result before; 0: nothing is known of that time */
	uint64_t memory_usec, io_usec;
	unsigned losers; /* groups that lost a tenth of their time */
	char name[64];	 /* of the one behind the worst; "": nobody else lost anything */
};

struct group_watch;
/* The descriptor is borrowed; @clock: when something is read. */
struct group_watch *group_watch_new(int root_fd, uint64_t (*clock)(void));
void group_watch_free(struct group_watch *w);

/*
 * One look at all groups below the root. The first, and the first after group_watch_release(),
 * tells nothing: it opens their files, and is what the next look is compared with.
 */
void group_watch_look(struct group_watch *w, struct group_pressure_result *ret);

/*
 * The same of those alone whose files are open, without a walk: what a walk opens it has to
 * allocate, and where each allocation waits for a slow disk, it takes ten seconds. False: nobody's
 * are.
 */
bool group_watch_ask(struct group_watch *w, struct group_pressure_result *ret);

/* Closes them. */
void group_watch_release(struct group_watch *w);
