/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naming thread of namer.h.
 */
#include "sys/namer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/worker.h"

#define NAMER_STACK_SIZE (64 * 1024)

struct namer_pipes {
	int request_fd;
	int result_fd;
};

void victim_name_read(const struct victim *v, struct victim_name *ret)
{
	struct text path, unit;
	char text[8192];
	size_t len;

	*ret = (struct victim_name){.id = v->id};
	if (fs_read_at(v->dir_fd, "cgroup", text, sizeof(text), &len) < 0 ||
	    cgroup_parse(text, len, &path) < 0)
		return;
	text_copy(path, ret->cgroup, sizeof(ret->cgroup));
	if (cgroup_path_unit(path, &unit) >= 0)
		text_copy(unit, ret->unit, sizeof(ret->unit));
}

static void *namer_main(void *userdata)
{
	struct namer_pipes pipes = *(struct namer_pipes *)userdata;
	struct victim request;
	struct victim_name name;

	free(userdata);
	for (;;) {
		ssize_t n = read(pipes.request_fd, &request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request))
			return NULL;
		victim_name_read(&request, &name);
		victim_close(&request);
		(void)!write(pipes.result_fd, &name, sizeof(name)); /* may wait for the loop */
	}
}

int namer_start(struct namer *n)
{
	struct namer_pipes *pipes = malloc(sizeof(*pipes));
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
	*pipes = (struct namer_pipes){requests[0], results[1]};
	*n = (struct namer){requests[1], results[0]};
	return worker_start("reapd-namer", NAMER_STACK_SIZE, namer_main, pipes);
}

int namer_submit(const struct namer *n, const struct victim *v)
{
	struct victim request = {
		.id = v->id,
		.pidfd = -1,
		.dir_fd = fcntl(v->dir_fd, F_DUPFD_CLOEXEC, 3),
	};

	if (request.dir_fd < 0)
		return -EMFILE;
	if (write(n->request_fd, &request, sizeof(request)) == sizeof(request))
		return 0;
	victim_close(&request);
	return -EAGAIN;
}

int namer_result(const struct namer *n, struct victim_name *ret)
{
	struct victim_name name;

	if (read(n->result_fd, &name, sizeof(name)) != sizeof(name))
		return 0;
	*ret = name;
	return 1;
}
