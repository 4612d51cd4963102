/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which caches of the kernel hold the memory that no shrinker gives back, as the kernel's killer
 * lists them (dump_unreclaimable_slab() of mm/slab_common.c).
 */
#pragma once

#include "core/slab.h"

/*
 * Reads @proc_fd/slabinfo, and leaves out the caches that @sys_fd/kernel/slab calls reclaimable.
 * Waits for slab_mutex, which whoever makes a cache holds while it allocates: never for the loop.
 * 0 or negative errno; -EACCES: as a rule only root may.
 */
int slab_top_read(int proc_fd, int sys_fd, struct slab_top *ret);
