/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfds; see victim.h. The calls are made by number because glibc has wrappers only since 2.36.
 */
#include "sys/victim.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fs.h"

static int check_start_time(int dir_fd, struct process_id id)
{
	struct process_stat stat;
	char text[2048];
	size_t len;
	int r;

	r = fs_read_at(dir_fd, "stat", text, sizeof(text), &len);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	r = process_stat_parse(text, len, &stat);
	if (r < 0)
		return r;
	return stat.start_time == id.start_time ? 0 : -ESRCH;
}

int victim_open(int proc_fd, struct process_id id, struct victim *ret)
{
	char path[12];
	CLEANUP_CLOSE int dir_fd = -1;
	CLEANUP_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, id.pid, 0);
	int r;

	if (pidfd < 0)
		/* the pid is a thread's now: EINVAL, and ENOENT of newer kernels (seen on 6.18) */
		return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;

	fs_format_pid(path, id.pid);
	dir_fd = fs_open_dir(proc_fd, path);
	if (dir_fd < 0)
		return dir_fd == -ENOENT ? -ESRCH : dir_fd;
	/*
	 * The directory may be a later process's than the pidfd only if the first has gone between
	 * the two calls; then the start time differs, or the pidfd refers to a dead process.
	 */
	r = check_start_time(dir_fd, id);
	if (r < 0)
		return r;

	*ret = (struct victim){.id = id, .pidfd = pidfd, .dir_fd = dir_fd};
	pidfd = dir_fd = -1;
	return 0;
}

void victim_close(struct victim *v)
{
	fs_closep(&v->pidfd);
	fs_closep(&v->dir_fd);
	*v = VICTIM_CLOSED;
}

int victim_signal(const struct victim *v, int signal)
{
	return syscall(SYS_pidfd_send_signal, v->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

bool victim_is_dead(const struct victim *v)
{
	struct pollfd p = {.fd = v->pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

int victim_mrelease(int pidfd)
{
	return syscall(SYS_process_mrelease, pidfd, 0) < 0 ? -errno : 0;
}

void victim_wchan(int dir_fd, char *buf, size_t size)
{
	size_t len;

	if (fs_read_at(dir_fd, "wchan", buf, size - 1, &len) < 0)
		len = 0;
	buf[len] = '\0';
	if (strcmp(buf, "0") == 0)
		buf[0] = '\0';
}
