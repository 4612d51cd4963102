/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfds; see victim.h. The calls are made by number because glibc has wrappers only since 2.36.
 */
#include "sys/victim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/process-file.h"

/* What is gone is -ESRCH, whichever way. */
static int read_stat(int dir_fd, const char *path, struct process_stat *ret)
{
	int r = process_read_stat(dir_fd, path, ret);

	return r == -ENOENT ? -ESRCH : r;
}

static int check_start_time(int dir_fd, struct process_id id)
{
	struct process_stat stat;
	int r = read_stat(dir_fd, "stat", &stat);

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

int victim_hold(int proc_fd, pid_t pid, struct victim *ret)
{
	struct process_stat stat;
	char path[32];
	int r;

	strcpy(fs_format_pid(path, pid), "/stat");
	r = read_stat(proc_fd, path, &stat);
	if (r < 0)
		return r;
	if (stat.flags & PF_KTHREAD) /* one may use a process's memory, and no signal reaches it */
		return -EPERM;
	return victim_open(proc_fd, (struct process_id){pid, stat.start_time}, ret);
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

static bool read_wchan(int dir_fd, const char *path, char *buf, size_t size)
{
	size_t len;

	if (fs_read_at(dir_fd, path, buf, size - 1, &len) < 0)
		len = 0;
	buf[len] = '\0';
	if (strcmp(buf, "0") == 0)
		buf[0] = '\0';
	return buf[0] != '\0';
}

struct wchan_search {
	int task_fd;
	char *buf;
	size_t size;
};

static bool try_wchan(void *userdata, int tid)
{
	struct wchan_search *s = userdata;
	char path[32];

	strcpy(fs_format_pid(path, tid), "/wchan");
	return !read_wchan(s->task_fd, path, s->buf, s->size);
}

void victim_wchan(int dir_fd, char *buf, size_t size)
{
	_Alignas(uint64_t) char dents[1024];
	CLEANUP_CLOSE int fd = -1;

	if (read_wchan(dir_fd, "wchan", buf, size))
		return;
	fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fs_for_each_number(fd, dents, sizeof(dents), try_wchan,
					 &(struct wchan_search){fd, buf, size}); /* or "" */
}
