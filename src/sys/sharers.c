/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparing thread of sharers.h.
 */
#include "sys/sharers.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sys/worker.h"

#define SHARERS_STACK_SIZE (64 * 1024)

/*
 * Under a microsecond a comparison on bare metal, and ten where every instruction is emulated; and
 * there the thread may be late by milliseconds. Who is waited for in vain costs this once a kill.
 */
#define WAIT_USEC	    20000
#define WAIT_CANDIDATE_USEC 10

struct search_request {
	uint32_t sequence;
	pid_t tid;
	unsigned count;
	pid_t pids[SHARERS_CANDIDATES];
};

_Static_assert(sizeof(struct search_request) <= 4096, "a request must fit in one packet");

struct search_result {
	uint32_t sequence;
	unsigned count;
	pid_t pids[SHARERS_MAX];
};

struct sharers_pipes {
	int request_fd;
	int result_fd;
};

static void compare(const struct search_request *request, struct search_result *ret)
{
	*ret = (struct search_result){.sequence = request->sequence};
	for (unsigned i = 0; i < request->count && ret->count < SHARERS_MAX; i++) {
		if (syscall(SYS_kcmp, request->tid, request->pids[i], KCMP_VM, 0, 0) == 0)
			ret->pids[ret->count++] = request->pids[i];
	}
}

static void *sharers_main(void *userdata)
{
	struct sharers_pipes pipes = *(struct sharers_pipes *)userdata;
	struct search_request request;
	struct search_result result;

	free(userdata);
	for (;;) {
		ssize_t n = read(pipes.request_fd, &request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NULL;
		compare(&request, &result);
		(void)!write(pipes.result_fd, &result, sizeof(result)); /* may wait for the loop */
	}
}

int sharers_start(struct sharers *s)
{
	struct sharers_pipes *pipes = malloc(sizeof(*pipes));
	int requests[2], results[2], r;

	if (!pipes)
		return -ENOMEM;
	r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, results);
	if (r < 0) {
		free(pipes);
		return r;
	}
	*pipes = (struct sharers_pipes){requests[0], results[1]};
	*s = (struct sharers){.request_fd = requests[1], .result_fd = results[0]};
	return worker_start("reapd-sharers", SHARERS_STACK_SIZE, sharers_main, pipes);
}

static int64_t usec_until(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (end->tv_sec - now.tv_sec) * INT64_C(1000000) + (end->tv_nsec - now.tv_nsec) / 1000;
}

/* The answer to the last search, or false when it does not come in time. */
static bool wait_result(const struct sharers *s, int64_t wait_usec, struct search_result *ret)
{
	struct timespec end, left;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += wait_usec * 1000;
	for (;;) {
		int64_t usec = usec_until(&end);
		struct pollfd p = {.fd = s->result_fd, .events = POLLIN};

		if (usec <= 0)
			return false;
		left = (struct timespec){.tv_nsec = usec * 1000};
		if (ppoll(&p, 1, &left, NULL) <= 0)
			continue;
		if (read(s->result_fd, ret, sizeof(*ret)) == sizeof(*ret) &&
		    ret->sequence == s->sequence)
			return true;
	}
}

unsigned sharers_find(struct sharers *s, pid_t tid, const pid_t *candidates, unsigned count,
		      pid_t ret[static SHARERS_MAX])
{
	struct search_request request = {.sequence = ++s->sequence, .tid = tid};
	struct search_result result;
	size_t size;

	if (count == 0)
		return 0;
	request.count = count < SHARERS_CANDIDATES ? count : SHARERS_CANDIDATES;
	memcpy(request.pids, candidates, request.count * sizeof(*candidates));
	size = offsetof(struct search_request, pids) + request.count * sizeof(*candidates);
	if (write(s->request_fd, &request, size) != (ssize_t)size)
		return 0; /* still in an earlier search */
	if (!wait_result(s, WAIT_USEC + (int64_t)request.count * WAIT_CANDIDATE_USEC, &result))
		return 0;
	memcpy(ret, result.pids, result.count * sizeof(*ret));
	return result.count;
}
