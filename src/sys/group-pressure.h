/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who loses time: the pressure files of each control group without groups below it. The one that
 * loses most is mostly the one that makes the others lose it; so what counts is the time in which
 * any other does. A group with a limit of its own (memory.max, memory.high) stalls by itself when
 * it comes to that, and does not count; nor does what one loses to I/O to which no page comes back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The most that was lost to stalls on memory, and to those on I/O, by others than the worst. */
struct group_pressure_result {
	uint64_t elapsed_usec; /* since the result before; 0: nothing is known of that time */
	uint64_t memory_usec, io_usec;
	char name[64]; /* of the one behind the worst; "": nobody else lost anything */
};

struct group_watch;
/* The descriptor is borrowed; @clock: when something is read. */
struct group_watch *group_watch_new(int root_fd, uint64_t (*clock)(void));
void group_watch_free(struct group_watch *w);

/*
 * Opens the files of all groups below the root that are new, as far as there is room: of more than
 * that, in place of those that lost less by the last answer. What it opens it has to allocate:
 * where each allocation waits for a slow disk, it takes ten seconds.
 */
void group_watch_walk(struct group_watch *w);

/*
 * What those have lost whose files are open. The first answer after they were opened tells nothing,
 * and is what the next is compared with. False: nobody's are.
 */
bool group_watch_ask(struct group_watch *w, struct group_pressure_result *ret);

/* Closes them. */
void group_watch_release(struct group_watch *w);
