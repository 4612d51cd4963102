/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shortage that is made by many: 64 children that leak 12 MB each are none of them worth a kill,
 * and an innocent neighbour of 60 MB is larger than each of them. So where the best single victim
 * cannot end the shortage, relatives are weighed as one. They share their user and two of three:
 * parent, process group, name. And it has to be them who have grown: nobody dies for being many.
 *
 * Exact executable and control group would tell more, but in a kill the first needs another file a
 * process and the second waits for cgroup_mutex.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "process.h"

/* So many die in one action at most: each takes two descriptors. */
#define FAMILY_MAX 128
/* Fewer are no family: one after the other is soon enough. */
#define FAMILY_MIN 3

/* Somebody who may die and has grown. */
struct relative {
	struct process_id id;
	pid_t ppid, pgrp;
	uid_t uid;
	uint32_t name; /* family_name() */
	uint64_t bytes;
	uint64_t grown_bytes;
	int64_t held_pages, adj_pages, bias_pages;
};

/* What a family has to be better than, and what it has to give back. */
struct family_need {
	uint64_t bytes;
	uint64_t grown_bytes; /* what has gone meanwhile, whoever has it now */
	int64_t rival_points; /* of the best single victim */
	uint64_t rival_bytes;
};

enum kinship {
	KINSHIP_PARENT_AND_NAME,
	KINSHIP_PARENT_AND_GROUP,
	KINSHIP_GROUP_AND_NAME,
};
#define KINSHIPS 3

const char *kinship_name(enum kinship k);

struct family {
	enum kinship kinship;
	unsigned size;	     /* all its members that have grown alike */
	uint64_t held_bytes; /* by all of them */
	uint64_t grown_bytes;
	int64_t points;
	unsigned count; /* of them that have to die */
	uint64_t bytes; /* what that gives back */
};

/*
 * What two names have in common if they differ in a number at their end, as "worker-1" and
 * "worker-2" do.
 */
uint32_t family_name(const char *comm);

/*
 * The family with the highest badness among @all, if it is better than the rival, and by its growth
 * to blame for half of what has gone at least. Then its members that have to die are the first of
 * @all, the largest first: as many as @need takes. False: there is none. Sorts @all.
 *
 * As a badness of many counts what they hold together and what oom_score_adj adds to one of them.
 * Of rules, what is taken away is taken from each, and what is added is added once.
 */
bool family_find(struct relative *all, unsigned count, const struct family_need *need,
		 struct family *ret);
