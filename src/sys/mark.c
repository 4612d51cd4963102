/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes of control groups; see mark.h.
 */
#include "sys/mark.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/config.h"
#include "sys/fs.h"

#define PATH_SIZE 1024

/* systemd writes "1", and reads what it takes for yes in its own files. */
static bool is_set(int fd, const char *name)
{
	char value[16];
	ssize_t len = fgetxattr(fd, name, value, sizeof(value));
	bool set = false;

	return len > 0 && config_parse_bool(TEXT(value, len), &set) >= 0 && set;
}

static enum mark read_one(int root_fd, const char *path, uid_t owner)
{
	CLEANUP_CLOSE int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != owner || st.st_mode & (S_IWGRP | S_IWOTH))
		return MARK_NONE;
	if (is_set(fd, "user.oomd_omit")) /* the stronger one, as with systemd-oomd */
		return MARK_OMIT;
	return is_set(fd, "user.oomd_avoid") ? MARK_AVOID : MARK_NONE;
}

enum mark mark_read(int root_fd, struct text path, uid_t owner)
{
	char group[PATH_SIZE];

	/* outside our cgroup namespace there is nothing to read */
	if (root_fd < 0 || text_has_prefix(path, "/.."))
		return MARK_NONE;
	for (; text_len(path) > 1; path.end--) {
		enum mark mark;

		if (path.end[-1] == '/' || text_len(path) > sizeof(group))
			continue;
		text_copy((struct text){path.at + 1, path.end}, group, sizeof(group));
		mark = read_one(root_fd, group, owner);
		if (mark != MARK_NONE)
			return mark;
		while (path.end[-1] != '/')
			path.end--;
	}
	return MARK_NONE;
}
