/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fire drill: everything that runs in a kill runs once at start, on a child of our own, in the
 * sandbox and with the privileges that the real one will have. A filter that forbids a call or a
 * capability that is missing is an error at start and no surprise in the night. It also touches
 * the code and the memory that a kill needs, which mlockall() then keeps.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sys/reaper.h"
#include "sys/scan.h"
#include "sys/sharers.h"

struct drill {
	uint64_t fill_rate_bytes; /* a second: how fast all CPUs together may use up memory */
	uint64_t kill_usec;	  /* from the scan's start to the signal */
	uint64_t death_usec;	  /* from the signal to the child's death */
	bool mrelease_works;
	bool kcmp_works;
	char failure[256]; /* what went wrong, when it returns an error */
};

/*
 * @result_fd of @reaper is read here: nothing else may be in flight. 0, or negative errno with
 * what failed in the drill's text.
 */
int drill_run(int proc_fd, struct scanner *scanner, const struct reaper *reaper,
	      struct sharers *sharers, uint64_t total_pages, uint64_t available_bytes,
	      struct drill *ret);
