/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread of prefetch.h.
 */
#include "sys/prefetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/growth.h"

struct prefetch_task {
	int proc_fd;
	uint64_t begun_usec; /* the last look */
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

/* What has been asked for while a look went on is one look more. */
static void serve(void *userdata, const void *request, size_t size, int result_fd)
{
	uint64_t asked_usec = *(const uint64_t *)request;
	struct prefetch_task *task = userdata;

	(void)size;
	if (asked_usec < task->begun_usec)
		return;
	task->begun_usec = clock_now_usec();
	task->growth.fd = result_fd;
	look_at_all(task);
}

int prefetch_start(struct prefetch *p, int proc_fd)
{
	static const struct worker_kind kind = {
		.name = "reapd-prefetch",
		.stack_size = 64 * 1024,
		.threads = 1,
		.request_size = sizeof(uint64_t),
		.serve = serve,
	};
	struct prefetch_task *task = calloc(1, sizeof(*task));

	if (!task)
		return -ENOMEM;
	task->proc_fd = proc_fd;
	return worker_start(&p->worker, &kind, task);
}

void prefetch_submit(const struct prefetch *p)
{
	uint64_t asked_usec = clock_now_usec();

	(void)worker_send(&p->worker, &asked_usec, sizeof(asked_usec));
}
