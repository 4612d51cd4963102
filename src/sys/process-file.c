/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reads of process-file.h.
 */
#include "sys/process-file.h"

#include <fcntl.h>
#include <string.h>

#include "sys/fs.h"

#define STAT_ROOM    2048
#define THREADS_READ 64 /* of a process whose leader has exited, at most */

int process_read_stat(int dir_fd, const char *path, struct process_stat *ret)
{
	char text[STAT_ROOM];
	size_t len;
	int r = fs_read_at(dir_fd, path, text, sizeof(text), &len);

	return r < 0 ? r : process_stat_parse(text, len, ret);
}

int process_read_status(int dir_fd, const char *path, struct process_status *ret)
{
	char text[PROCESS_STATUS_ROOM];
	size_t len;
	int r = fs_read_lines_at(dir_fd, path, text, sizeof(text), &len);

	return r < 0 ? r : process_status_parse(text, len, ret);
}

struct thread_search {
	int task_fd;
	unsigned left;
	bool found;
	struct process_thread *ret;
};

static bool try_thread(void *userdata, int tid)
{
	struct thread_search *t = userdata;
	char path[32];
	char *end = fs_format_pid(path, tid);

	if (t->left-- == 0)
		return false;
	strcpy(end, "/status");
	if (process_read_status(t->task_fd, path, &t->ret->status) < 0 || !t->ret->status.has_mm)
		return true;
	strcpy(end, "/stat");
	if (process_read_stat(t->task_fd, path, &t->ret->stat) < 0)
		return true;
	t->ret->tid = tid;
	t->found = true;
	return false;
}

bool process_find_thread(int dir_fd, struct process_thread *ret)
{
	_Alignas(uint64_t) char dents[2048];
	CLEANUP_CLOSE int fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct thread_search t = {.task_fd = fd, .left = THREADS_READ, .ret = ret};

	return fd >= 0 && fs_for_each_number(fd, dents, sizeof(dents), try_thread, &t) >= 0 &&
	       t.found;
}
