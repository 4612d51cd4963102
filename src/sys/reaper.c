/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper threads of reaper.h.
 */
#include "sys/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/fs.h"

#define REAPER_STACK_SIZE (64 * 1024)

struct reap_request {
	struct process_id id;
	int pidfd;
	int dir_fd;
};

struct reaper_pipes {
	int request_fd;
	int result_fd;
};

/* Read here and not by the loop: the last user of an address space is who has to take it down. */
static void read_remains(int dir_fd, struct reap_result *result)
{
	struct process_status status;
	char text[8192];
	size_t len;

	if (fs_read_at(dir_fd, "status", text, sizeof(text), &len) < 0 ||
	    process_status_parse(text, len, &status) < 0)
		return;
	result->state = status.state;
	if (!status.has_mm)
		return;
	result->has_memory = true;
	result->rss_anon_bytes = status.rss_anon_bytes;
	result->rss_file_bytes = status.rss_file_bytes;
	result->rss_shmem_bytes = status.rss_shmem_bytes;
}

static void read_wchan(int dir_fd, struct reap_result *result)
{
	size_t len;

	if (fs_read_at(dir_fd, "wchan", result->wchan, sizeof(result->wchan) - 1, &len) < 0)
		len = 0;
	result->wchan[len] = '\0';
	if (strcmp(result->wchan, "0") == 0)
		result->wchan[0] = '\0';
}

static void reap(const struct reap_request *request, struct reap_result *ret)
{
	const struct timespec pause = {.tv_nsec = REAP_PAUSE_USEC * 1000};
	struct reap_result result = {.id = request->id};

	for (;;) {
		result.error = -victim_mrelease(request->pidfd);
		result.tries++;
		if ((result.error != EAGAIN && result.error != EINVAL) ||
		    result.tries == REAP_TRIES)
			break;
		nanosleep(&pause, NULL);
	}
	read_remains(request->dir_fd, &result);
	if (result.error != 0 && result.error != ESRCH)
		read_wchan(request->dir_fd, &result);
	*ret = result;
}

static void *reaper_main(void *userdata)
{
	struct reaper_pipes pipes = *(struct reaper_pipes *)userdata;
	struct reap_request request;
	struct reap_result result;

	free(userdata);
	for (;;) {
		ssize_t n = read(pipes.request_fd, &request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request))
			return NULL;
		reap(&request, &result);
		close(request.pidfd);
		close(request.dir_fd);
		/* may wait for the loop; it reads results before anything else but a kill */
		(void)!write(pipes.result_fd, &result, sizeof(result));
	}
}

static int start_thread(pthread_t *thread, const pthread_attr_t *attr, int request_fd,
			int result_fd)
{
	struct reaper_pipes *pipes = malloc(sizeof(*pipes));
	int r;

	if (!pipes)
		return -ENOMEM;
	*pipes = (struct reaper_pipes){request_fd, result_fd};
	r = pthread_create(thread, attr, reaper_main, pipes);
	if (r != 0)
		free(pipes);
	return -r;
}

int reaper_start(struct reaper *r)
{
	int requests[2], results[2], error = 0;
	sigset_t all, before;
	pthread_attr_t attr;

	/* O_DIRECT: each write is one packet, so two readers never share a message */
	if (pipe2(requests, O_CLOEXEC | O_DIRECT) < 0)
		return -errno;
	if (pipe2(results, O_CLOEXEC | O_DIRECT) < 0) {
		error = -errno;
		close(requests[0]);
		close(requests[1]);
		return error;
	}
	(void)fcntl(requests[1], F_SETFL, O_NONBLOCK | O_DIRECT);
	(void)fcntl(results[0], F_SETFL, O_NONBLOCK | O_DIRECT);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, REAPER_STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned i = 0; i < REAPER_THREADS && error == 0; i++)
		error = start_thread(&r->threads[i], &attr, requests[0], results[1]);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);

	r->request_fd = requests[1];
	r->result_fd = results[0];
	return error;
}

int reaper_submit(const struct reaper *r, const struct victim *v)
{
	struct reap_request request = {
		.id = v->id,
		.pidfd = fcntl(v->pidfd, F_DUPFD_CLOEXEC, 3),
		.dir_fd = fcntl(v->dir_fd, F_DUPFD_CLOEXEC, 3),
	};
	int error = 0;

	if (request.pidfd < 0 || request.dir_fd < 0)
		error = -EMFILE;
	else if (write(r->request_fd, &request, sizeof(request)) != sizeof(request))
		error = -EAGAIN;
	if (error < 0) {
		fs_closep(&request.pidfd);
		fs_closep(&request.dir_fd);
	}
	return error;
}

int reaper_result(const struct reaper *r, struct reap_result *ret)
{
	struct reap_result result;

	if (read(r->result_fd, &result, sizeof(result)) != sizeof(result))
		return 0;
	*ret = result;
	return 1;
}
