/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine-wide files on held descriptors, read into one struct sample, and the PSI trigger
 * that wakes the daemon between samples. Opening a file allocates in the kernel; reading one that
 * is open does not, so the descriptors are taken while memory is plentiful.
 */
#pragma once

#include <stdint.h>

#include "core/memory.h"

struct sampler {
	int meminfo_fd;
	int psi_fd;    /* -1: no PSI */
	int vmstat_fd; /* -1: no vmstat */
};

#define SAMPLER_CLOSED ((struct sampler){.meminfo_fd = -1, .psi_fd = -1, .vmstat_fd = -1})

/* @proc_fd: the root of a /proc. Only meminfo is required. 0 or negative errno. */
int sampler_open(struct sampler *s, int proc_fd);
void sampler_close(struct sampler *s);

/* vmstat costs twice as much as the rest together, and no decision needs it. */
enum sample_depth { SAMPLE_DECISION, SAMPLE_WITH_VMSTAT };

/*
 * One reading. @time_usec is what the sample is stamped with. Fails only when meminfo does: PSI
 * and vmstat that were not or cannot be read (psi=0) are said to be missing in the sample.
 */
int sampler_take(const struct sampler *s, uint64_t time_usec, enum sample_depth depth,
		 struct sample *ret);

/*
 * A descriptor that polls POLLPRI when some task was stalled on memory for @threshold_usec within
 * @window_usec, at most once a window. It is a wake-up, not evidence. Needs CAP_SYS_RESOURCE up to
 * 6.3 and for windows that are not a multiple of 2 s; the kernel looks at the opener's
 * credentials, so it can be dropped afterwards. Descriptor or negative errno.
 */
int psi_trigger_open(int proc_fd, uint64_t threshold_usec, uint64_t window_usec);
