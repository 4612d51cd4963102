/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread of group-look.h.
 */
#include "sys/group-look.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/text.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/group-walk.h"

/*
 * A walk finds who is new. It is made when the answer has been given, so often and no more of the
 * time than this: where each allocation waits, it may take seconds.
 */
#define WALK_USEC     (UINT64_C(3) * 1000000)
#define WALK_MAX_USEC (UINT64_C(30) * 1000000)
#define WALK_FACTOR   4

struct look_thread {
	struct group_watch *pressure;
	uint64_t walked_usec; /* when the last walk ended; 0: none is of use */
	uint64_t walk_usec;   /* that it took */
	struct shmem_watch *shmem;
};

static void walk_if_due(struct look_thread *t)
{
	uint64_t begin = clock_now_usec();
	uint64_t pause = u64_min(u64_max(WALK_USEC, WALK_FACTOR * t->walk_usec), WALK_MAX_USEC);

	if (t->walked_usec > 0 && begin - t->walked_usec < pause)
		return;
	group_watch_walk(t->pressure);
	t->walked_usec = clock_now_usec();
	t->walk_usec = t->walked_usec - begin;
}

static void look_at_pressure(struct look_thread *t, struct group_pressure_result *ret)
{
	if (group_watch_ask(t->pressure, ret))
		return;
	walk_if_due(t);
	group_watch_ask(t->pressure, ret);
}

static void serve(void *userdata, const void *request, size_t size, int result_fd)
{
	struct group_look_result result = {.kind = *(const enum group_look_kind *)request};
	struct look_thread *t = userdata;

	(void)size;
	switch (result.kind) {
	case GROUP_LOOK_RELEASE:
		group_watch_release(t->pressure);
		t->walked_usec = 0;
		return;
	case GROUP_LOOK_PRESSURE:
		look_at_pressure(t, &result.pressure);
		break;
	case GROUP_LOOK_SHMEM:
		shmem_watch_look(t->shmem, clock_now_usec(), &result.writer);
		break;
	}
	(void)!write(result_fd, &result, sizeof(result));
	if (result.kind == GROUP_LOOK_PRESSURE)
		walk_if_due(t);
}

int group_look_start(struct group_look *g, int proc_fd)
{
	static const struct worker_kind kind = {
		.name = "reapd-groups",
		.stack_size = 128 * 1024,
		.threads = 1,
		.request_size = sizeof(enum group_look_kind),
		.serve = serve,
	};
	struct look_thread *t;
	int root_fd, r = group_walk_open_root(&root_fd);

	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (t) {
		t->pressure = group_watch_new(root_fd, clock_now_usec);
		t->shmem = shmem_watch_new(root_fd, proc_fd);
	}
	if (t && t->pressure && t->shmem)
		return worker_start(&g->worker, &kind, t);
	if (t) {
		group_watch_free(t->pressure);
		shmem_watch_free(t->shmem);
		free(t);
	}
	fs_closep(&root_fd);
	return -ENOMEM;
}

bool group_look_submit(const struct group_look *g, enum group_look_kind kind)
{
	return worker_send(&g->worker, &kind, sizeof(kind));
}

int group_look_result(const struct group_look *g, struct group_look_result *ret)
{
	return worker_receive(&g->worker, ret, sizeof(*ret));
}
