/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control groups of the v2 hierarchy that have none below them: where the processes are.
 * Nothing is allocated.
 */
#pragma once

#include <stdbool.h>

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
