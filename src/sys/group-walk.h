/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control groups of the v2 hierarchy that have none below them: where the processes are.
 * Nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A group on the way down, and those above it. */
struct group_level {
	const struct group_level *above; /* NULL: the root */
	int fd;
	const char *name;
};

/* Groups in one walk; the rest is left out. */
#define GROUP_WALK_MAX 512

/* 0 or negative errno when there is no hierarchy. Its descriptor is the caller's. */
int group_walk_open_root(int *ret_fd);

/*
 * Shows @visit each group without groups below it, but not the root; it answers whether that one
 * counts: GROUP_WALK_MAX of them are the end.
 */
void group_walk(int root_fd, bool (*visit)(void *userdata, const struct group_level *at),
		void *userdata);

/* What the elements of a table begin with that remembers groups from one look to the next. */
struct group_mark {
	uint64_t id;   /* inode of the group's directory */
	uint64_t look; /* the last one it was there in; they count from 1, and 0 is: never used */
};

/* More than a walk shows, so that a group which has just come finds room beside those that went. */
#define GROUP_MARKS 1024

/*
 * The element of @table, of GROUP_MARKS of @size bytes each, that is the group's, or a free one:
 * never used, or of a group that was gone in the look before @look. NULL: there is none.
 */
void *group_mark_find(void *table, size_t size, uint64_t id, uint64_t look);
