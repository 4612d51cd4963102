/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine as a whole says about its memory: /proc/meminfo, /proc/pressure/memory, the few
 * counters of /proc/vmstat that a decision or a report needs, and what swap on zram costs. Shapes
 * and parsers, no reading. A sample is one reading of all: the only view of the machine that the
 * policy ever gets.
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
	uint64_t hugetlb_bytes;	    /* Hugetlb: pages reserved for hugetlbfs, in no process's rss */
	uint64_t active_anon_bytes; /* these two: what swap can take, shared memory included */
	uint64_t inactive_anon_bytes;
	uint64_t unevictable_bytes; /* mlocked, ramfs, SHM_LOCK: what reclaim never takes */
	uint64_t
		zswap_bytes; /* Zswap: memory that compressed pages of swap on a disk take (5.19) */
	/* not of meminfo: what the cache of ZFS gives back; sampler_take() adds it to available */
	uint64_t arc_bytes;
	/* the same with free pages on the lists of the CPUs, while memory is short; see below */
	uint64_t pcp_bytes;
};

/*
 * -ENODATA: MemTotal or MemAvailable is missing (kernels before 3.14). -EINVAL, -ERANGE: a line
 * that is used is not "number kB", or MemTotal is 0. A part larger than its whole is the whole; and
 * huge pages for which there is no room beside what is available are those of another machine
 * (lxcfs hands on the host's) and count as none.
 */
int meminfo_parse(const char *data, size_t len, struct meminfo *ret);

/* Of /proc/pressure/memory or io. Stall time since boot, in microseconds. The averages are not
 * read: they lag by 2 s and more. */
struct psi {
	uint64_t some_total_usec;
	uint64_t full_total_usec;
};

/* -EINVAL, -ERANGE: not the two whole lines "some ... total=N" and "full ... total=N". */
int psi_parse(const char *data, size_t len, struct psi *ret);

/*
 * Since boot, all but the first in pages. A refault is a page that was reclaimed and is needed
 * again soon enough for its shadow entry to be there still (mm/workingset.c): what a machine that
 * only moves cold pages out, or streams files, does not have.
 */
struct vmstat {
	uint64_t oom_kill; /* processes that the kernel's own killer has killed */
	uint64_t refault_anon;
	uint64_t refault_file;	/* before 5.9 there is one counter for both, which is not read */
	uint64_t activate_file; /* of those: needed so soon that they are in use */
	uint64_t swap_in;
	uint64_t swap_out;
	uint64_t steal_kswapd; /* reclaimed, of both kinds */
	uint64_t steal_direct; /* the same, by those who wait for it */
	uint64_t scan_direct;
	/* of the moment */
	uint64_t slab_unreclaimable_pages;
	uint64_t lru_pages; /* of programs and files: on any list, isolated or unevictable */
};

/*
 * -ENODATA when there is no oom_kill line (kernels before 4.13, or a text that is cut: all others
 * stand before it, and it is read no further). -EINVAL, -ERANGE: a line that is used is malformed.
 * One that is missing is 0.
 */
int vmstat_parse(const char *data, size_t len, struct vmstat *ret);

/* The kernel has more for itself than everybody else: should_dump_unreclaim_slab(), mm/oom_kill.c
 */
bool vmstat_is_slab_heavy(const struct vmstat *v);

/* /sys/block/zramN/mm_stat, in bytes. */
struct zram_stat {
	uint64_t data_bytes;  /* orig_data_size: what is stored, before compression */
	uint64_t used_bytes;  /* mem_used_total: what that takes, the allocator's waste included */
	uint64_t limit_bytes; /* mem_limit: what it may take; 0: no limit */
};

/* -EINVAL, -ERANGE: not at least four numbers, or more than one line. */
int zram_stat_parse(const char *data, size_t len, struct zram_stat *ret);

/*
 * What the cache of ZFS gives back, of /proc/spl/kstat/zfs/arcstats: what is clean, down to its
 * minimum. arc_evictable_memory() of OpenZFS, module/os/linux/zfs/arc_os.c, which is what its
 * shrinker answers; the minimum it scales with the page cache is c_min at least. MemAvailable knows
 * nothing of it. -ENODATA: no whole lines of size and c_min. -EINVAL, -ERANGE: a line that is used
 * is malformed.
 */
int arcstats_parse(const char *data, size_t len, uint64_t *ret_bytes);

/* One area of /proc/swaps. */
struct swap_area {
	int zram; /* N of /dev/zramN; -1: it is something else */
	uint64_t size_bytes;
	uint64_t used_bytes;
};

/* As many as the kernel has at most, MAX_SWAPFILES. */
#define SWAP_AREAS_MAX 32

/*
 * At most SWAP_AREAS_MAX areas; the rest is left out. -EINVAL, -ERANGE: a line that is not "path
 * type size used priority" with sizes in kB, or no heading.
 */
int swap_areas_parse(const char *data, size_t len, struct swap_area ret[static SWAP_AREAS_MAX],
		     unsigned *ret_count);

/*
 * How much of SwapTotal, and of SwapFree, are pages of an area that somebody is switching off in
 * swapoff(2), and which that is. It takes nothing new, but counts with the pages that are still in
 * it, as free ones too (si_swapinfo()), while /proc/swaps has its whole size: so all sizes amount
 * to more than SwapTotal by what it does not use. What that is changes from reading to reading, so
 * it is the area that comes nearest, if one does: a container may have a total of its own. 0 and
 * NULL where nobody does.
 */
uint64_t swap_areas_leaving_bytes(const struct swap_area *areas, unsigned count,
				  uint64_t swap_total_bytes, const struct swap_area **ret_area);

/* All swap on zram together; all 0 when there is none. */
struct zram {
	uint64_t size_bytes; /* of the areas */
	uint64_t data_bytes; /* see struct zram_stat */
	uint64_t used_bytes;
	uint64_t room_bytes; /* what can still be stored, by size and limit */
	/*
	 * Taken of its areas, and not on the device: since 6.12 pages of zeros are not written
	 * (swap_zeromap_folio_set()). Only known, and needed, where there are other areas too: else
	 * SwapFree has it.
	 */
	uint64_t unstored_bytes;
};

/* Adds one device with an area of @size_bytes to @z. */
void zram_add(struct zram *z, uint64_t size_bytes, const struct zram_stat *stat);

/*
 * Time that others have lost than the control group which loses most, summed up by whoever reads
 * the pressure files of the groups, since he began. See sys/group-pressure.h.
 */
struct others {
	uint64_t memory_usec; /* "some", as PSI has it */
	uint64_t io_usec;
};

struct sample {
	uint64_t time_usec;  /* CLOCK_MONOTONIC when it was taken */
	uint64_t slept_usec; /* what CLOCK_BOOTTIME is ahead of it: suspended since boot; or less */
	uint64_t page_bytes; /* what the kernel counts memory in */
	struct meminfo mem;
	bool has_psi; /* false: no PSI on this machine, psi is 0 */
	struct psi psi;
	bool has_vmstat;
	struct vmstat vmstat;
	bool has_io; /* read with vmstat */
	struct psi io;
	struct zram zram;
	bool has_movable;      /* false: what there is to be moved to swap is not known */
	uint64_t barred_bytes; /* of anonymous memory: may not go to swap, see sys/group-swap.h */
	bool has_others;       /* false: nobody has looked, or there are no such files */
	struct others others;
};

/* What a percentage is of: all but what is set aside for huge pages. */
uint64_t meminfo_ordinary_bytes(const struct meminfo *m);

/*
 * Memory that is no process's and comes back by no kill: files in a tmpfs and other shared memory,
 * huge pages, slab that no shrinker gives back. What processes map of the first is in it too.
 */
uint64_t meminfo_elsewhere_bytes(const struct meminfo *m);

/*
 * What free swap really adds to what can be allocated. On a disk that is all of it. A page on zram
 * takes memory itself: what is gained is the difference, by the ratio measured on this very data,
 * and only for as much as there is to be moved. (zswap is no swap of its own: when its pool is full
 * it writes to the disk.)
 */
uint64_t sample_usable_swap_bytes(const struct sample *s);

/*
 * What swap could take, however much of it is free: memory on the lists of anonymous pages, but not
 * what is locked, nor what control groups may not have there. UINT64_MAX: it is not known.
 */
uint64_t sample_movable_bytes(const struct sample *s);

/* The same as usable, or more: as long as one hopes that what little is stored is no measure of the
 * rest. */
uint64_t sample_hoped_swap_bytes(const struct sample *s);

/* What can still be used up: available memory and usable swap. */
uint64_t sample_reserve_bytes(const struct sample *s);
