/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of traces: written under another name, renamed, and thinned out; see trace-store.h.
 */
#include "daemon/trace-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/fs.h"

#define UNFINISHED ".unfinished"

static const char *prefix_of(enum trace_kind kind)
{
	switch (kind) {
	case TRACE_OF_KILL:
		return "kill-";
	case TRACE_OF_REQUEST:
		return "record-";
	}
	return "";
}

static int put(void *userdata, const char *data, size_t len)
{
	const int *fd = userdata;

	while (len > 0) {
		ssize_t n = write(*fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_unfinished(int dir_fd, const struct trace_ring *ring, const char *title)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, UNFINISHED,
				      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	int r = fd < 0 ? -errno : put(&fd, title, strlen(title));

	return r < 0 ? r : trace_ring_read(ring, put, &fd);
}

/* A comment, which is what a picture of it is headed with. */
static void format_title(enum trace_kind kind, const struct tm *tm, int pid, char *buf, size_t size)
{
	char when[32];

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", tm);
	switch (kind) {
	case TRACE_OF_KILL:
		snprintf(buf, size, "# Before and after the kill of process %d, written %s\n", pid,
			 when);
		return;
	case TRACE_OF_REQUEST:
		snprintf(buf, size, "# The last minutes, written on request %s\n", when);
		return;
	}
}

static bool is_of_kind(const char *name, const char *prefix)
{
	size_t len = strlen(name);

	return strncmp(name, prefix, strlen(prefix)) == 0 && len > 6 &&
	       strcmp(name + len - 6, ".trace") == 0;
}

/*
 * The number of traces of the kind, and the one that was first: never @fresh, which would be that
 * with a clock that was set back.
 */
static unsigned find_oldest(DIR *dir, const char *prefix, const char *fresh,
			    char oldest[static NAME_MAX + 1])
{
	const struct dirent *entry;
	unsigned count = 0;

	oldest[0] = '\0';

	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (!is_of_kind(entry->d_name, prefix))
			continue;
		count++;
		if (strcmp(entry->d_name, fresh) == 0)
			continue;
		if (oldest[0] == '\0' || strcmp(entry->d_name, oldest) < 0)
			snprintf(oldest, NAME_MAX + 1, "%s", entry->d_name);
	}
	return count;
}

/* What cannot be listed or removed stays, and the next one tries again. */
static void thin_out(int dir_fd, const char *prefix, const char *fresh)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char oldest[NAME_MAX + 1];

	if (!dir) {
		fs_closep(&fd);
		return;
	}
	while (find_oldest(dir, prefix, fresh, oldest) > TRACE_FILES_MAX) {
		if (unlinkat(dir_fd, oldest, 0) < 0)
			break;
	}
	closedir(dir);
}

int trace_store_write(int dir_fd, const struct trace_ring *ring, enum trace_kind kind,
		      int64_t time_sec, int pid, char ret_name[static TRACE_NAME_SIZE])
{
	const char *prefix = prefix_of(kind);
	char name[TRACE_NAME_SIZE], stamp[32], of_pid[16] = "", title[128] = "";
	time_t at = (time_t)time_sec;
	struct tm tm = {};
	int r;

	gmtime_r(&at, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (kind == TRACE_OF_KILL)
		snprintf(of_pid, sizeof(of_pid), "-%d", pid);
	snprintf(name, sizeof(name), "%s%s%s.trace", prefix, stamp, of_pid);

	format_title(kind, &tm, pid, title, sizeof(title));
	r = write_unfinished(dir_fd, ring, title);
	if (r >= 0 && renameat(dir_fd, UNFINISHED, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir_fd, UNFINISHED, 0); /* the next one is written over it */
		return r;
	}
	thin_out(dir_fd, prefix, name);
	memcpy(ret_name, name, sizeof(name));
	return 0;
}
