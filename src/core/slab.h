/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own caches, for a shortage that is the kernel's: which hold most, from the lines of
 * /proc/slabinfo. Pure; src/sys/slab.c reads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

#define SLAB_NAME_SIZE 32
#define SLAB_TOP       8

struct slab {
	char name[SLAB_NAME_SIZE];
	uint64_t used_bytes;  /* active_objs * objsize */
	uint64_t total_bytes; /* num_objs * objsize */
};

/* The largest by total, largest first. */
struct slab_top {
	unsigned count;
	struct slab slabs[SLAB_TOP];
};

/*
 * "name active_objs num_objs objsize ...". False for anything else: the two lines at the head of
 * the file, caches without objects, numbers that are none.
 */
bool slabinfo_parse_line(struct text line, struct slab *ret);

/* Whether @slab would get a place. */
bool slab_top_wants(const struct slab_top *top, const struct slab *slab);

/* Gives it its place; the smallest of too many goes. */
void slab_top_add(struct slab_top *top, const struct slab *slab);
