/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads and their pipes; see worker.h.
 */
#include "sys/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NSEC_PER_SEC  INT64_C(1000000000)
#define REST_MAX_NSEC 5000000

int worker_pipe(enum worker_pipe kind, int ret[static 2])
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_DIRECT) < 0)
		return -errno;
	if (fcntl(fds[kind == WORKER_REQUESTS ? 1 : 0], F_SETFL, O_NONBLOCK | O_DIRECT) < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	ret[0] = fds[0];
	ret[1] = fds[1];
	return 0;
}

struct start {
	const char *name;
	void *(*run)(void *userdata);
	void *userdata;
};

static void *begin(void *userdata)
{
	struct start start = *(struct start *)userdata;

	free(userdata);
	prctl(PR_SET_NAME, start.name);
	return start.run(start.userdata);
}

int worker_start(const char *name, size_t stack_size, void *(*run)(void *userdata), void *userdata)
{
	struct start *start = malloc(sizeof(*start));
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!start)
		return -ENOMEM;
	*start = (struct start){name, run, userdata};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, stack_size);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop */
	r = pthread_create(&thread, &attr, begin, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r > 0)
		free(start);
	return -r;
}

void worker_rest(struct timespec *since)
{
	struct timespec now;
	int64_t took;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	took = (now.tv_sec - since->tv_sec) * NSEC_PER_SEC + now.tv_nsec - since->tv_nsec;
	*since = now;
	if (took > REST_MAX_NSEC) /* it has only begun */
		took = REST_MAX_NSEC;
	nanosleep(&(struct timespec){.tv_nsec = took}, NULL);
}
