/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can run out of memory while the host does not: a control group at its memory.max, and the
 * memory nodes that some processes are bound to (constrained_alloc() of mm/oom_kill.c). Each such
 * domain gets a sample like the host's, made of its own figures, and a policy of its own. Here are
 * the parsers of these figures, what a sample is made of, and the values of WatchCgroups= and
 * WatchNodes=.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "memory.h"
#include "text.h"

/* MAX_NUMNODES: CONFIG_NODES_SHIFT is at most 10. */
#define NODES_MAX 1024

struct node_set {
	uint64_t bits[NODES_MAX / 64];
};

/* "0,2-3", as cpuset.mems and Mems_allowed_list have it, and not empty. -EINVAL, -ERANGE. */
int node_set_parse(struct text t, struct node_set *ret);

bool node_set_contains(const struct node_set *s, uint64_t node);
bool node_set_intersects(const struct node_set *a, const struct node_set *b);

/* Nothing of @a is outside of @b. */
bool node_set_is_within(const struct node_set *a, const struct node_set *b);

/* The nodes that a thread may take memory from, of its status: Mems_allowed_list. -ENODATA. */
int status_mems_parse(const char *status, size_t len, struct node_set *ret);

/*
 * The values of both keys, word by word: absolute paths below the root of the cgroup hierarchy, as
 * glob(7) patterns; and sets of nodes, at most DOMAIN_NODE_SETS_MAX. -EINVAL, -ERANGE.
 */
#define DOMAIN_NODE_SETS_MAX 8
int domain_cgroups_check(struct text value);
int domain_nodes_check(struct text value);

/* memory.max, memory.current and such: bytes, or "max", which is LIMIT_UNSET. -EINVAL, -ERANGE. */
int memcg_bytes_parse(const char *data, size_t len, uint64_t *ret);

/* Of memory.stat, in bytes but for the last line, which is pages since the group was made. */
struct memcg_stat {
	uint64_t file_bytes; /* on the lists of files, so shared memory and tmpfs are not in it */
	uint64_t slab_reclaimable_bytes;
	uint64_t slab_unreclaimable_bytes;
	uint64_t shmem_bytes;
	uint64_t active_anon_bytes;
	uint64_t inactive_anon_bytes;
	uint64_t unevictable_bytes;
	uint64_t refault_anon, refault_file, activate_file, reclaimed;
};

/* -ENODATA: no lists of files (cut, or another file). -EINVAL, -ERANGE: a line is malformed. */
int memcg_stat_parse(const char *data, size_t len, struct memcg_stat *ret);

/* oom_kill of memory.events: how many the kernel has killed in it and below. -ENODATA: none. */
int memcg_events_parse(const char *data, size_t len, uint64_t *ret_oom_kill);

/* One control group. */
struct memcg {
	uint64_t max_bytes, current_bytes;
	uint64_t swap_max_bytes, swap_current_bytes; /* no swap accounting: LIMIT_UNSET and 0 */
	struct memcg_stat stat;
};

/*
 * Fills @s with what @m says. Total memory and swap are the kernel's, mem_cgroup_get_max() of
 * mm/memcontrol.c: memory.max, and of memory.swap.max no more than the host has. What is available
 * is what can be allocated before the group's limit is reached for good: what is left, and what
 * reclaim finds without swap, as in si_mem_available(). Swap on zram takes nothing of the group's:
 * the memory below it is charged to nobody.
 */
void memcg_to_sample(const struct memcg *m, const struct sample *host, struct sample *s);

/* Sums over several nodes of /sys/devices/system/node/nodeN/meminfo, in bytes. */
struct node_meminfo {
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint64_t file_bytes;
	uint64_t active_anon_bytes;
	uint64_t inactive_anon_bytes;
	uint64_t unevictable_bytes;
	uint64_t shmem_bytes;
	uint64_t reclaimable_bytes; /* KReclaimable, before 4.20 SReclaimable */
	uint64_t slab_unreclaimable_bytes;
};

/* Adds one node to @sum. -ENODATA: MemTotal or MemFree is missing. -EINVAL, -ERANGE. */
int node_meminfo_add(const char *data, size_t len, struct node_meminfo *sum);

/* Sums over the zones of several nodes, of /proc/zoneinfo, in pages. */
struct node_zones {
	uint64_t present_pages; /* what the kernel's formula counts, node_present_pages() */
	uint64_t low_pages;	/* the low watermarks */
	uint64_t reserve_pages; /* as calculate_totalreserve_pages() of mm/page_alloc.c has it */
};

/* -ENODATA: none of @nodes has memory. -EINVAL, -ERANGE. */
int node_zones_parse(const char *data, size_t len, const struct node_set *nodes,
		     struct node_zones *ret);

/*
 * Free pages on the lists of the CPUs, which neither MemFree nor MemAvailable counts. Since 6.7 a
 * list grows with what its CPU has freed (nr_pcp_high() of mm/page_alloc.c), all of them together
 * up to an eighth of memory, and shrinks by some MiB a second: what a victim had may be seen half a
 * minute after its death. It is free all the same: who finds nothing else has them emptied, as soon
 * as reclaim finds a page (__alloc_pages_direct_reclaim()).
 */
struct pcp {
	uint64_t pages;
	bool grows;	/* "high_max" is there; else the lists are small */
	bool elsewhere; /* what follows is of a node that is not asked for */
};

/*
 * Adds what whole lines of /proc/zoneinfo say of @nodes, or of all when that is NULL. -EINVAL,
 * -ERANGE: a line that is used is malformed.
 */
int pcp_add(const char *data, size_t len, const struct node_set *nodes, struct pcp *sum);

/*
 * Fills @s: total memory is what can be used, as MemTotal of the host is, and not what is present,
 * of which a balloon may have taken most; swap is the host's, available as si_mem_available().
 */
void nodes_to_sample(const struct node_meminfo *m, const struct node_zones *z, uint64_t page_size,
		     const struct sample *host, struct sample *s);

/*
 * The settings of a domain: the host's, where a limit that is a size alone is the share of the
 * host's memory or swap that it is, too. Above a domain that is smaller than the size somebody
 * would have to die for ever.
 */
void domain_configure(const struct config *host, const struct meminfo *mem, struct config *ret);

/* Whose memory is short. */
enum domain_kind { DOMAIN_HOST, DOMAIN_CGROUP, DOMAIN_NODES };

/* Of the longest cgroup path that is watched, with its NUL. */
#define DOMAIN_NAME_SIZE 256

struct domain_name {
	enum domain_kind kind;
	char text[DOMAIN_NAME_SIZE]; /* "host", the path of the group, "nodes 0,2-3" */
};
