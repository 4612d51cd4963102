/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/zoneinfo in pieces; see pcp.h.
 */
#include "sys/pcp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"
#include "sys/clock.h"
#include "sys/fs.h"

/*
 * zoneinfo grows with the machine, and the kernel has the lock of a zone while it prints it: with
 * 128 CPUs that takes a millisecond. So a hundred times as long passes until it is read again; ten
 * times, where what is available without the lists is an eighth of memory or less: lists that were
 * emptied meanwhile would count twice. And no longer than that, however long it was interrupted.
 */
#define PAUSE_FACTOR	  100
#define PAUSE_NEAR_FACTOR 10
#define PAUSE_MAX_USEC	  UINT64_C(1000000)
#define PAUSE_NEAR_USEC	  UINT64_C(20000)

/* The kernel gives a page of a file at most for each read(2). */
#define TEXT_SIZE 4096

int pcp_read(int zoneinfo_fd, const struct node_set *nodes, char *text, size_t size,
	     struct pcp *ret)
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
		r = pcp_add(text, whole, nodes, &sum);
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

void pcp_open(struct pcp_lists *l, int proc_fd)
{
	char text[TEXT_SIZE];
	struct pcp pcp;

	*l = (struct pcp_lists){.fd = openat(proc_fd, "zoneinfo", O_RDONLY | O_CLOEXEC)};
	if (l->fd >= 0 && (pcp_read(l->fd, NULL, text, sizeof(text), &pcp) < 0 || !pcp.grows))
		pcp_close(l);
}

void pcp_close(struct pcp_lists *l)
{
	fs_closep(&l->fd);
	l->fd = -1;
}

/*
 * Between half of memory and an eighth more it stays as it was: available memory that jumps to and
 * fro would look like somebody who takes it.
 */
static bool counts(const struct pcp_lists *l, const struct meminfo *m)
{
	uint64_t half = m->total_bytes / 2;

	if (m->available_bytes <= half)
		return true;
	return l->counted && m->available_bytes <= half + half / 4;
}

static void read_again(struct pcp_lists *l, const struct node_set *nodes, uint64_t time_usec,
		       bool near)
{
	uint64_t begin = clock_now_usec(), cost;
	char text[TEXT_SIZE];
	struct pcp pcp;

	l->bytes = pcp_read(l->fd, nodes, text, sizeof(text), &pcp) < 0
			   ? 0
			   : u64_mul(pcp.pages, (uint64_t)sysconf(_SC_PAGESIZE));
	cost = clock_now_usec() - begin + 1;
	l->due_usec = u64_add(time_usec, near ? u64_min(cost * PAUSE_NEAR_FACTOR, PAUSE_NEAR_USEC)
					      : u64_min(cost * PAUSE_FACTOR, PAUSE_MAX_USEC));
}

void pcp_count(struct pcp_lists *l, const struct node_set *nodes, uint64_t time_usec, bool fresh,
	       struct meminfo *m)
{
	bool near;

	if (l->fd < 0)
		return;
	l->counted = counts(l, m);
	if (!l->counted)
		return;
	near = m->available_bytes <= m->total_bytes / 8;
	if (fresh || time_usec >= l->due_usec || (near && !l->near))
		read_again(l, nodes, time_usec, near);
	l->near = near;
	m->pcp_bytes = l->bytes;
	m->available_bytes = u64_min(u64_add(m->available_bytes, m->pcp_bytes), m->total_bytes);
}
