/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain besides the host, as the kernel shows it: the files of a control group or of memory
 * nodes, held open because to open one allocates, and read into a sample. Cheap first: what a group
 * has left is the difference of two small files, and memory.stat, for which the kernel sums up the
 * counters of every CPU, is read when that is little, or old.
 */
#pragma once

#include <stdint.h>

#include "core/domain.h"
#include "core/memory.h"
#include "sys/pcp.h"
#include "sys/sampler.h"

/* Of one domain. */
#define DOMAIN_NODE_FILES_MAX 64

struct domain {
	struct domain_name name;

	/* DOMAIN_CGROUP */
	int root_fd; /* borrowed */
	int dir_fd;
	int max_fd, current_fd, stat_fd;
	int swap_max_fd, swap_current_fd; /* -1: swap is not accounted for */
	int events_fd, psi_fd;		  /* -1: there is none */
	struct memcg memcg;		  /* as read last */
	uint64_t stat_usec;		  /* when its memory.stat was; 0: never */

	/* DOMAIN_NODES */
	struct node_set nodes;
	struct node_zones zones;
	int node_fds[DOMAIN_NODE_FILES_MAX];
	unsigned node_count;
	struct pcp_lists pcp;
};

/*
 * @path below @root_fd, the v2 hierarchy, which is borrowed. -ENODATA: it has no memory.max, or
 * that is "max"; -ENAMETOOLONG; -EMFILE and others of openat(2).
 */
int domain_open_cgroup(struct domain *d, int root_fd, const char *path);

/*
 * The set @nodes, as WatchNodes= has it. -ENODATA: none of them is there with memory of its own;
 * -E2BIG: too many are. Reads /proc/zoneinfo, which may be large.
 */
int domain_open_nodes(struct domain *d, int proc_fd, int sys_fd, const char *nodes);

void domain_close(struct domain *d);

/*
 * What changes seldom, and is too large to be read for each sample: watermarks, and memory that was
 * added or taken away. To be called while there is memory. What cannot be read stays as it was.
 */
void domain_refresh(struct domain *d, int proc_fd);

/*
 * One reading, at the time and with the swap of @host. memory.stat is read from SAMPLE_WITH_VMSTAT
 * on, when less than @enough_bytes is left without reclaim, or when it is older than a second; only
 * then the sample has vmstat. What could be reclaimed is reclaimed when nothing else is left:
 * before that the older figure holds. A group that is there again under the same name is taken for
 * the same. -ENODATA: it has no limit any more; negative errno: it is gone.
 */
int domain_take_sample(struct domain *d, const struct sample *host, uint64_t enough_bytes,
		       enum sample_depth depth, struct sample *ret);

/*
 * The total of the kernel's formula in constrained_alloc(), memory and swap, with @s of @d: for
 * nodes it counts what is present.
 */
uint64_t domain_total_pages(const struct domain *d, const struct sample *s);

/* Whether the v2 hierarchy at @root_fd accounts for memory. */
bool domain_has_memcg(int root_fd);

/* Whether one of the words of @patterns is the name of this group. Not in a kill either. */
bool domain_is_named(const char *patterns, const struct domain_name *name);

/*
 * Shows @visit the path of each group that matches one of the words of @patterns. Uses glob(3),
 * which allocates: not in a kill.
 */
void domain_find_cgroups(int root_fd, const char *patterns,
			 void (*visit)(void *userdata, const char *path), void *userdata);
