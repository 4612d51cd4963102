/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slabinfo, a piece at a time, because there is no bound to its length; see slab.h.
 */
#include "sys/slab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/fs.h"

#define PIECE_SIZE 4096

static bool is_reclaimable(int sys_fd, const char *name)
{
	char path[SLAB_NAME_SIZE + 40];
	int64_t value;

	snprintf(path, sizeof(path), "kernel/slab/%s/reclaim_account", name);
	return sys_fd >= 0 && fs_read_number_at(sys_fd, path, &value) >= 0 && value != 0;
}

static void take_line(int sys_fd, struct text line, struct slab_top *top)
{
	struct slab slab;

	if (slabinfo_parse_line(line, &slab) && slab_top_wants(top, &slab) &&
	    !is_reclaimable(sys_fd, slab.name))
		slab_top_add(top, &slab);
}

/* All whole lines of the buffer; what is left of the last one moves to its start. */
static size_t take_lines(int sys_fd, char *buf, size_t len, struct slab_top *top)
{
	struct text rest = TEXT(buf, len), line;
	size_t whole = len;

	while (whole > 0 && buf[whole - 1] != '\n')
		whole--;
	rest.end = buf + whole;
	while (text_next_line(&rest, &line))
		take_line(sys_fd, line, top);
	memmove(buf, buf + whole, len - whole);
	return len - whole;
}

int slab_top_read(int proc_fd, int sys_fd, struct slab_top *ret)
{
	CLEANUP_CLOSE int fd = openat(proc_fd, "slabinfo", O_RDONLY | O_CLOEXEC);
	struct slab_top top = {};
	char buf[PIECE_SIZE];
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + len, sizeof(buf) - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			len = take_lines(sys_fd, buf, len + (size_t)n, &top);
		if (len == sizeof(buf))
			len = 0; /* a line that is longer than any of slabinfo's */
	} while (n != 0);
	*ret = top;
	return 0;
}
