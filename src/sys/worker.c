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

struct thread {
	const struct worker_kind *kind;
	void *userdata;
	int request_fd, result_fd;
	_Alignas(max_align_t) unsigned char request[];
};

static void *run(void *userdata)
{
	struct thread *t = userdata;

	prctl(PR_SET_NAME, t->kind->name);
	for (;;) {
		ssize_t n = read(t->request_fd, t->request, t->kind->request_size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		t->kind->serve(t->userdata, t->request, (size_t)n, t->result_fd);
	}
	free(t);
	return NULL;
}

static int start_thread(const struct worker_kind *kind, void *userdata, int request_fd,
			int result_fd)
{
	struct thread *t = malloc(sizeof(*t) + kind->request_size);
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct thread){kind, userdata, request_fd, result_fd};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, kind->stack_size);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop */
	r = pthread_create(&thread, &attr, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r > 0)
		free(t);
	return -r;
}

int worker_start(struct worker *w, const struct worker_kind *kind, void *userdata)
{
	int requests[2], results[2], r;

	r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, results);
	for (unsigned i = 0; i < kind->threads && r >= 0; i++)
		r = start_thread(kind, userdata, requests[0], results[1]);
	if (r >= 0)
		*w = (struct worker){requests[1], results[0]};
	return r;
}

bool worker_send(const struct worker *w, const void *request, size_t size)
{
	return write(w->request_fd, request, size) == (ssize_t)size;
}

int worker_receive(const struct worker *w, void *ret, size_t size)
{
	return read(w->result_fd, ret, size) == (ssize_t)size;
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
