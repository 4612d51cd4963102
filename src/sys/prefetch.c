/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread of prefetch.h.
 */
#include "sys/prefetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/growth.h"
#include "sys/worker.h"

#define PREFETCH_STACK_SIZE (64 * 1024)

struct prefetch_task {
	int request_fd;
	int proc_fd;
	struct timespec rested;
	struct growth_look growth;
};

/* The files that a scan reads of everybody; of the few that it reads in full there are few. */
static bool look_at(void *userdata, int pid)
{
	struct prefetch_task *task = userdata;
	static const char *const names[] = {"oom_score", "comm"};
	char path[32], text[64];
	size_t len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%d/%s", pid, names[i]);
		(void)fs_read_at(task->proc_fd, path, text, sizeof(text), &len);
	}
	growth_look_at(&task->growth, task->proc_fd, pid);
	worker_rest(&task->rested);
	return true;
}

static void look_at_all(struct prefetch_task *task)
{
	CLEANUP_CLOSE int fd = openat(task->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t dents[128];

	if (fd < 0)
		return;
	growth_look_begin(&task->growth);
	(void)fs_for_each_number(fd, (char *)dents, sizeof(dents), look_at, task);
	growth_look_end(&task->growth);
}

/* What has been asked for while a look went on is one look more. False: nobody will ask again. */
static bool await_requests(int fd)
{
	struct pollfd more = {.fd = fd, .events = POLLIN};
	char request;
	ssize_t n;

	do
		n = read(fd, &request, sizeof(request));
	while ((n < 0 && errno == EINTR) || (n > 0 && poll(&more, 1, 0) > 0));
	return n > 0;
}

static void *prefetch_main(void *userdata)
{
	struct prefetch_task task = *(struct prefetch_task *)userdata;

	free(userdata);
	while (await_requests(task.request_fd))
		look_at_all(&task);
	return NULL;
}

int prefetch_start(struct prefetch *p, int proc_fd)
{
	struct prefetch_task *task = malloc(sizeof(*task));
	int requests[2], notes[2], r;

	if (!task)
		return -ENOMEM;
	r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, notes);
	if (r < 0) {
		free(task);
		return r;
	}
	*task = (struct prefetch_task){
		.request_fd = requests[0], .proc_fd = proc_fd, .growth.fd = notes[1]};
	*p = (struct prefetch){requests[1], notes[0]};
	return worker_start("reapd-prefetch", PREFETCH_STACK_SIZE, prefetch_main, task);
}

void prefetch_submit(const struct prefetch *p)
{
	(void)!write(p->request_fd, "", 1);
}
