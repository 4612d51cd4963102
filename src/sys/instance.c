/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock file and the container's limit; see instance.h. A file in /run and not an abstract
 * socket, which PrivateNetwork= would make two of.
 */
#include "sys/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "sys/fs.h"

static pid_t read_pid(const char *path)
{
	int64_t pid;

	return fs_read_number_at(AT_FDCWD, path, &pid) < 0 || pid > INT32_MAX ? 0 : (pid_t)pid;
}

int instance_lock(const char *directory, pid_t *ret_other)
{
	char path[256];
	int fd, r;

	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/lock", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	(void)fchmod(fd, 0600); /* who can open it can lock it, and keep us from starting */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		*ret_other = read_pid(path);
		close(fd);
		return r;
	}
	/* for people; the lock is what counts, so a full disk is no reason to stop */
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		return 0;
	return 0; /* the descriptor stays open, and the lock with it */
}

static uint64_t read_limit(int sys_fd, const char *path)
{
	int64_t limit;

	return fs_read_number_at(sys_fd, path, &limit) < 0 || limit < 0 ? UINT64_MAX /* "max" */
									: (uint64_t)limit;
}

uint64_t instance_memory_limit(int sys_fd)
{
	return u64_min(read_limit(sys_fd, "fs/cgroup/memory.max"),
		       read_limit(sys_fd, "fs/cgroup/memory/memory.limit_in_bytes"));
}
