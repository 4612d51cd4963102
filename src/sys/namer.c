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

static void serve(void *userdata, const void *message, size_t size, int result_fd)
{
	struct victim request = *(const struct victim *)message;
	struct victim_name name;

	(void)userdata;
	(void)size;
	victim_name_read(&request, &name);
	victim_close(&request);
	(void)!write(result_fd, &name, sizeof(name));
}

int namer_start(struct namer *n)
{
	static const struct worker_kind kind = {
		.name = "reapd-namer",
		.stack_size = 64 * 1024,
		.threads = 1,
		.request_size = sizeof(struct victim),
		.serve = serve,
	};

	return worker_start(&n->worker, &kind, NULL);
}

int namer_submit(const struct namer *n, const struct victim *v)
{
	struct victim request;
	int r = victim_duplicate(v, &request);

	if (r < 0)
		return r;
	if (worker_send(&n->worker, &request, sizeof(request)))
		return 0;
	victim_close(&request);
	return -EAGAIN;
}

int namer_result(const struct namer *n, struct victim_name *ret)
{
	return worker_receive(&n->worker, ret, sizeof(*ret));
}
