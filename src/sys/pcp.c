/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/zoneinfo in pieces; see pcp.h.
 */
#include "sys/pcp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int pcp_read(int zoneinfo_fd, char *text, size_t size, struct pcp *ret)
{
	struct pcp sum = {};
	size_t kept = 0, whole;
	off_t at = 0;
	ssize_t n;

	while ((n = pread(zoneinfo_fd, text + kept, size - kept, at)) != 0) {
		const char *end;
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		kept += (size_t)n;
		end = memrchr(text, '\n', kept);
		whole = end ? (size_t)(end + 1 - text) : 0;
		if (whole == 0 && kept == size)
			return -EINVAL;
		r = pcp_add(text, whole, &sum);
		if (r < 0)
			return r;
		kept -= whole;
		memmove(text, text + whole, kept);
	}
	if (kept > 0)
		return -EINVAL;
	*ret = sum;
	return 0;
}
