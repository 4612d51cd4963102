/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine-wide files on held descriptors, read into one struct sample, and the PSI trigger
 * that wakes the daemon between samples. Opening a file allocates in the kernel; reading one that
 * is open does not (but for vmstat, which takes a few kB for each reading), so the descriptors are
 * taken while memory is plentiful.
 */
#pragma once

#include <stdint.h>

#include "core/glance.h"
#include "core/memory.h"
#include "sys/pcp.h"

struct sampler {
	int meminfo_fd;
	int psi_fd;    /* -1: no PSI */
	int vmstat_fd; /* -1: no vmstat */
	int io_fd;     /* -1: no PSI */
	int arc_fd;    /* -1: no ZFS */
	int swaps_fd;  /* -1: no swaps */
	int sys_fd;    /* borrowed; -1: no /sys */
	/* swap on zram */
	struct {
		int fd; /* its mm_stat */
		int number;
		uint64_t size_bytes;
	} zram[SWAP_AREAS_MAX];
	unsigned zram_count;
	bool has_other_swap; /* areas beside those */
	struct pcp_lists pcp;
};

#define SAMPLER_CLOSED                      \
	((struct sampler){.meminfo_fd = -1, \
			  .psi_fd = -1,     \
			  .vmstat_fd = -1,  \
			  .io_fd = -1,      \
			  .arc_fd = -1,     \
			  .pcp.fd = -1,     \
			  .swaps_fd = -1,   \
			  .sys_fd = -1})

/*
 * @proc_fd, @sys_fd: the roots of a /proc and of a /sys; the latter is kept, and -1 when there is
 * none. Only meminfo is required. 0 or negative errno.
 */
int sampler_open(struct sampler *s, int proc_fd, int sys_fd);
void sampler_close(struct sampler *s);

/*
 * Looks which swap there is: at start, and whenever there is another. What cannot be read
 * counts as swap on a disk.
 */
void sampler_find_swap(struct sampler *s);

/*
 * How much of @swap_total_bytes, and of what is free of it, are pages of an area that somebody is
 * switching off; if that is a zram it is looked at no more. 0 where nobody does, or no list of
 * areas can be read. The list takes swapon_mutex, which swapoff(2) has for its last steps alone.
 */
uint64_t sampler_leaving_swap(struct sampler *s, uint64_t swap_total_bytes);

/*
 * vmstat costs twice as much as the rest together: for when there is a reason to look closer. With
 * it comes the pressure of I/O. The last sample before a signal has nothing in it that is older
 * than itself.
 */
enum sample_depth { SAMPLE_DECISION, SAMPLE_WITH_VMSTAT, SAMPLE_BEFORE_SIGNAL };

/*
 * One reading. @time_usec is what the sample is stamped with. Fails only when meminfo does: PSI
 * and vmstat that were not or cannot be read (psi=0) are said to be missing in the sample, and a
 * zram that cannot be read any more, since it is being removed, is left out. What ZFS would give
 * back is available, and when less than half of memory is, what the CPUs have on their lists.
 */
int sampler_take(struct sampler *s, uint64_t time_usec, enum sample_depth depth,
		 struct sample *ret);

/* The few numbers that the kernel has without a file; false: it does not give them. */
bool sampler_glance(uint64_t time_usec, struct glance *ret);

/*
 * A descriptor that polls POLLPRI when some task was stalled on memory for @threshold_usec within
 * @window_usec, at most once a window. It is a wake-up, not evidence. Needs CAP_SYS_RESOURCE up to
 * 6.3 and for windows that are not a multiple of 2 s; the kernel looks at the opener's
 * credentials, so it can be dropped afterwards. Descriptor or negative errno.
 */
int psi_trigger_open(int proc_fd, uint64_t threshold_usec, uint64_t window_usec);
