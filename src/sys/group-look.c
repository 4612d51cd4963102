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
#include "sys/group-swap.h"
#include "sys/group-walk.h"
#include "sys/worker.h"

#define STACK_SIZE (128 * 1024)

/*
 * A walk finds who is new. It is made when the answer has been given, so often and no more of the
 * time than this: where each allocation waits, it may take seconds.
 */
#define WALK_USEC     (UINT64_C(3) * 1000000)
#define WALK_MAX_USEC (UINT64_C(30) * 1000000)
#define WALK_FACTOR   4

struct look_thread {
	int request_fd;
	int result_fd;
	int root_fd;
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

static void *look_main(void *userdata)
{
	struct look_thread t = *(struct look_thread *)userdata;
	enum group_look_kind kind;

	free(userdata);
	for (;;) {
		ssize_t n = read(t.request_fd, &kind, sizeof(kind));
		struct group_look_result result = {};

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(kind))
			return NULL;
		result.kind = kind;
		switch (kind) {
		case GROUP_LOOK_RELEASE:
			group_watch_release(t.pressure);
			t.walked_usec = 0;
			continue;
		case GROUP_LOOK_PRESSURE:
			look_at_pressure(&t, &result.pressure);
			break;
		case GROUP_LOOK_SHMEM:
			shmem_watch_look(t.shmem, clock_now_usec(), &result.writer);
			break;
		case GROUP_LOOK_SWAP:
			result.barred.begun_usec = clock_now_usec();
			result.barred.bytes = group_swap_barred_bytes(t.root_fd);
			break;
		}
		(void)!write(t.result_fd, &result, sizeof(result)); /* may wait for the loop */
		if (kind == GROUP_LOOK_PRESSURE)
			walk_if_due(&t);
	}
}

static void done(struct look_thread *t)
{
	group_watch_free(t->pressure);
	shmem_watch_free(t->shmem);
	free(t);
}

int group_look_start(struct group_look *g, int proc_fd)
{
	struct look_thread *t;
	int requests[2], results[2], root_fd, r = group_walk_open_root(&root_fd);

	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (t) {
		t->root_fd = root_fd;
		t->pressure = group_watch_new(root_fd, clock_now_usec);
		t->shmem = shmem_watch_new(root_fd, proc_fd);
	}
	r = t && t->pressure && t->shmem ? 0 : -ENOMEM;
	if (r >= 0)
		r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, results);
	if (r < 0) {
		if (t)
			done(t);
		fs_closep(&root_fd);
		return r;
	}
	t->request_fd = requests[0];
	t->result_fd = results[1];
	*g = (struct group_look){requests[1], results[0]};
	return worker_start("reapd-groups", STACK_SIZE, look_main, t);
}

bool group_look_submit(const struct group_look *g, enum group_look_kind kind)
{
	return write(g->request_fd, &kind, sizeof(kind)) == sizeof(kind);
}

int group_look_result(const struct group_look *g, struct group_look_result *ret)
{
	struct group_look_result result;

	if (read(g->result_fd, &result, sizeof(result)) != sizeof(result))
		return 0;
	*ret = result;
	return 1;
}
