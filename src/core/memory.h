/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine as a whole says about its memory: /proc/meminfo, /proc/pressure/memory and the
 * few counters of /proc/vmstat that a decision or a report needs. Shapes and parsers, no reading.
 * A sample is one reading of all three: the only view of the machine that the policy ever gets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All in bytes. A field whose line is missing is 0, but for the two without which nothing works. */
struct meminfo {
	uint64_t total_bytes;	  /* MemTotal: totalram_pages(), as the badness formula uses it */
	uint64_t free_bytes;	  /* MemFree */
	uint64_t available_bytes; /* MemAvailable: free plus what reclaim can take without swap */
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;
	uint64_t shmem_bytes;	      /* tmpfs and shared anonymous memory */
	uint64_t unreclaimable_bytes; /* SUnreclaim: slab that no shrinker gives back */
	uint64_t hugetlb_bytes; /* Hugetlb: pages reserved for hugetlbfs, in no process's rss */
};

/*
 * -ENODATA: MemTotal or MemAvailable is missing (kernels before 3.14). -EINVAL, -ERANGE: a line
 * that is used is not "number kB", or MemTotal is 0. A part larger than its whole is the whole.
 */
int meminfo_parse(const char *data, size_t len, struct meminfo *ret);

/* Stall time since boot, in microseconds. The averages are not read: they lag by 2 s and more. */
struct psi {
	uint64_t some_total_usec;
	uint64_t full_total_usec;
};

/* -EINVAL, -ERANGE: not the two whole lines "some ... total=N" and "full ... total=N". */
int psi_parse(const char *data, size_t len, struct psi *ret);

struct vmstat {
	uint64_t oom_kill; /* processes that the kernel's own killer has killed since boot */
	uint64_t slab_unreclaimable_pages;
	uint64_t
		lru_pages; /* of programs and files: on any of the lists, isolated or unevictable */
};

/* -ENODATA when there is no oom_kill line (kernels before 4.13), up to which it is read. */
int vmstat_parse(const char *data, size_t len, struct vmstat *ret);

/* The kernel has more for itself than everybody else: should_dump_unreclaim_slab(), mm/oom_kill.c
 */
bool vmstat_is_slab_heavy(const struct vmstat *v);

struct sample {
	uint64_t time_usec;  /* CLOCK_MONOTONIC when it was taken */
	uint64_t slept_usec; /* what CLOCK_BOOTTIME is ahead of it: suspended since boot; or less */
	struct meminfo mem;
	bool has_psi; /* false: no PSI on this machine, psi is 0 */
	struct psi psi;
	bool has_vmstat;
	struct vmstat vmstat;
};

/* What can still be used up: available memory and free swap. */
uint64_t sample_reserve_bytes(const struct sample *s);
