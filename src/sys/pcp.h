/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads /proc/zoneinfo for the free pages on the lists of the CPUs: struct pcp of core/domain.h.
 * The file has some 120 bytes for each CPU and zone, so it is read in pieces, without a buffer for
 * all of it, and not more often than its cost allows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain.h"
#include "core/memory.h"

/*
 * @text: working space, longer than any line. 0 or negative errno; -EINVAL: the file is cut, or a
 * line is too long.
 */
int pcp_read(int zoneinfo_fd, const struct node_set *nodes, char *text, size_t size,
	     struct pcp *ret);

/* Those of the host, or of the nodes of a domain. */
struct pcp_lists {
	int fd; /* zoneinfo; -1: there is none, or what it says is too little to matter */
	bool counted, near; /* in the sample before; and it was near a limit */
	uint64_t bytes;	    /* what it said last */
	uint64_t due_usec;
};

void pcp_open(struct pcp_lists *l, int proc_fd);
void pcp_close(struct pcp_lists *l);

/*
 * Adds to what is available in @m, when that is less than half of it. @fresh: reads them now,
 * whatever it costs. What cannot be read is nothing.
 */
void pcp_count(struct pcp_lists *l, const struct node_set *nodes, uint64_t time_usec, bool fresh,
	       struct meminfo *m);
