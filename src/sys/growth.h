/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has been growing: notes of what everybody held a while ago. The thread of prefetch.h makes
 * them on its way past all processes, while memory is becoming short and there is time, and sends
 * them as packets; the loop keeps two looks, at least a minute apart, and compares with the older
 * one. So a kill reads nothing for it.
 *
 * A note is kept by pid alone. A pid that has been given away since then makes somebody's growth
 * look smaller, and nothing worse: who is signalled is named by pid and start time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct growth_note {
	int32_t pid;
	uint32_t held; /* what its death would have given back, in units of 4 KiB */
};

#define GROWTH_NOTES 510

/* A part of one look. */
struct growth_packet {
	uint32_t count;
	bool first, last;
	struct growth_note notes[GROWTH_NOTES];
};

_Static_assert(sizeof(struct growth_packet) <= 4096, "notes must fit in one packet");

/* The thread's side. */
struct growth_look {
	int fd; /* where notes are written */
	struct growth_packet packet;
};

void growth_look_begin(struct growth_look *l);
void growth_look_at(struct growth_look *l, int proc_fd, pid_t pid);
void growth_look_end(struct growth_look *l); /* may wait for the loop */

/* The loop's side. */
struct growth_book {
	bool complete;
	uint64_t time_usec;
	uint64_t reserve_bytes; /* what was left then, of memory and usable swap */
	unsigned count;
	struct growth_note *notes; /* by pid */
};

struct growth {
	unsigned capacity;
	struct growth_book books[2];
	unsigned newest;
	bool taking; /* the look that is coming in is kept */
};

/*
 * Room for so many processes, or twice as many when it has to grow, which forgets what there was. A
 * look at more of them is not kept. 0, or -ENOMEM.
 */
int growth_reserve(struct growth *g, unsigned processes);
void growth_done(struct growth *g);

/* Takes in what the thread has sent. Never waits; to be called often while looks are under way. */
void growth_collect(struct growth *g, int fd, uint64_t now_usec, uint64_t reserve_bytes);

/* What to compare with: the older of the looks that are not too old. NULL: there is none. */
const struct growth_book *growth_base(const struct growth *g, uint64_t now_usec);

/* How much more @pid holds than it did; all of it when it was not there. */
uint64_t growth_of(const struct growth_book *base, pid_t pid, uint64_t bytes);
