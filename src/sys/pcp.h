/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads /proc/zoneinfo for the free pages on the lists of the CPUs: struct pcp of core/memory.h.
 * The file has some 120 bytes for each CPU and zone, so it is read in pieces, without a buffer for
 * all of it.
 */
#pragma once

#include <stddef.h>

#include "core/memory.h"

/*
 * @text: working space, longer than any line. 0 or negative errno; -EINVAL: the file is cut, or a
 * line is too long.
 */
int pcp_read(int zoneinfo_fd, char *text, size_t size, struct pcp *ret);
