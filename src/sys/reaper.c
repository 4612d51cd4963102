/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reaper threads of reaper.h.
 */
#include "sys/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/process-file.h"
#include "sys/worker.h"

#define REAPER_STACK_SIZE (64 * 1024)

/* Of a few microseconds each: what the loop may need from the request to the signal. */
#define AT_SIGNAL_TRIES 64

struct reaper_pipes {
	int request_fd;
	int result_fd;
};

struct thread_search {
	int task_fd;
	struct process_status *status;
	char *state;
};

static bool try_thread(void *userdata, int tid)
{
	struct thread_search *t = userdata;
	struct process_status status;
	char path[32];

	strcpy(fs_format_pid(path, tid), "/status");
	if (process_read_status(t->task_fd, path, &status) < 0 || status.state == 'Z' ||
	    status.state == 'X')
		return true;
	*t->status = status;
	*t->state = status.state;
	return false;
}

/* The leader has exited and another thread has not: that one is what hangs. */
static void read_thread(int dir_fd, struct process_status *status, char *state)
{
	_Alignas(uint64_t) char dents[1024];
	CLEANUP_CLOSE int fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fs_for_each_number(fd, dents, sizeof(dents), try_thread,
					 &(struct thread_search){fd, status, state});
}

/* Read here and not by the loop: the last user of an address space is who has to take it down. */
static void read_remains(int dir_fd, struct reap_result *result)
{
	struct process_status status;

	if (process_read_status(dir_fd, "status", &status) < 0)
		return;
	result->state = status.state;
	if (status.state == 'Z' && status.threads > 1)
		read_thread(dir_fd, &status, &result->state);
	if (!status.has_mm)
		return;
	result->has_memory = true;
	result->rss_anon_bytes = status.rss_anon_bytes;
	result->rss_file_bytes = status.rss_file_bytes;
	result->rss_shmem_bytes = status.rss_shmem_bytes;
}

/*
 * The request may be here before the signal is out. A victim that is quick has let go of its memory
 * a moment after it, and takes it down at its own priority instead of ours: this is the moment.
 */
static int release_at_signal(int pidfd)
{
	int error = EINVAL;

	for (unsigned i = 0; i < AT_SIGNAL_TRIES && error == EINVAL; i++) {
		if (i > 0)
			sched_yield(); /* to the loop, where there is but one CPU */
		error = -victim_mrelease(pidfd);
	}
	return error;
}

static void reap(const struct victim *request, struct reap_result *ret)
{
	struct reap_result result = {
		.id = request->id,
		.error = release_at_signal(request->pidfd),
		.tries = 1,
	};
	unsigned pause_usec, left_usec = REAP_USEC;

	while (result.error == EAGAIN || result.error == EINVAL) {
		pause_usec = result.error == EAGAIN ? REAP_PAUSE_USEC : REAP_DYING_USEC;
		if (pause_usec > left_usec)
			break;
		left_usec -= pause_usec;
		nanosleep(&(struct timespec){.tv_nsec = pause_usec * 1000}, NULL);
		result.error = -victim_mrelease(request->pidfd);
		result.tries++;
	}
	read_remains(request->dir_fd, &result);
	if (!victim_is_dead(request))
		victim_wchan(request->dir_fd, result.wchan, sizeof(result.wchan));
	*ret = result;
}

static void *reaper_main(void *userdata)
{
	struct reaper_pipes pipes = *(struct reaper_pipes *)userdata;
	struct victim request;
	struct reap_result result;

	free(userdata);
	for (;;) {
		ssize_t n = read(pipes.request_fd, &request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request))
			return NULL;
		reap(&request, &result);
		victim_close(&request);
		/* may wait for the loop; it reads results before anything else but a kill */
		(void)!write(pipes.result_fd, &result, sizeof(result));
	}
}

int reaper_start(struct reaper *r)
{
	int requests[2], results[2], error;

	error = worker_pipe(WORKER_REQUESTS, requests);
	if (error >= 0)
		error = worker_pipe(WORKER_RESULTS, results);
	if (error < 0)
		return error;

	for (unsigned i = 0; i < REAPER_THREADS && error >= 0; i++) {
		struct reaper_pipes *pipes = malloc(sizeof(*pipes));

		if (!pipes)
			return -ENOMEM;
		*pipes = (struct reaper_pipes){requests[0], results[1]};
		error = worker_start("reapd-reaper", REAPER_STACK_SIZE, reaper_main, pipes);
	}
	r->request_fd = requests[1];
	r->result_fd = results[0];
	return error;
}

int reaper_submit(const struct reaper *r, const struct victim *v)
{
	struct victim request = {
		.id = v->id,
		.pidfd = fcntl(v->pidfd, F_DUPFD_CLOEXEC, 3),
		.dir_fd = fcntl(v->dir_fd, F_DUPFD_CLOEXEC, 3),
	};
	int error = 0;

	if (request.pidfd < 0 || request.dir_fd < 0)
		error = -EMFILE;
	else if (write(r->request_fd, &request, sizeof(request)) != sizeof(request))
		error = -EAGAIN;
	if (error < 0)
		victim_close(&request);
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
