/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search among the members of a domain. Of a control group these are the processes in it and in
 * the groups below it, as in mem_cgroup_scan_tasks() of mm/memcontrol.c. Of memory nodes they are
 * those of which a thread may use one of the nodes, as in oom_cpuset_eligible() of mm/oom_kill.c.
 * But the kernel takes the largest of these, whose memory may lie elsewhere, so that nothing comes
 * back to the nodes. So first only those are looked at that may use nothing else, and if the best
 * of them ends the shortage, it is the victim.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/cgroup.h"
#include "sys/domain.h"
#include "sys/fs.h"
#include "sys/scan-private.h"

#define THREADS_READ 64 /* of one process, at most */

struct search {
	struct scanner *scanner;
	const struct scan_request *request;
	struct scan_result *result;
};

static void consider_member(void *userdata, pid_t pid)
{
	const struct search *s = userdata;

	if (scan_read_oom_score(s->scanner->proc_fd, pid) > 0)
		scanner_consider(s->scanner, s->request, pid, s->result);
}

enum binding { BOUND_ELSEWHERE, BOUND_ALSO, BOUND_ONLY };

static enum binding compare(const struct node_set *mems, const struct node_set *nodes)
{
	if (!node_set_intersects(mems, nodes))
		return BOUND_ELSEWHERE;
	return node_set_is_within(mems, nodes) ? BOUND_ONLY : BOUND_ALSO;
}

static int read_mems(int dir_fd, const char *path, struct node_set *ret)
{
	char text[PROCESS_STATUS_ROOM];
	size_t len;
	int r = fs_read_lines_at(dir_fd, path, text, sizeof(text), &len);

	return r < 0 ? r : status_mems_parse(text, len, ret);
}

struct threads {
	int task_fd;
	const struct node_set *nodes;
	enum binding binding;
	unsigned left;
};

static bool look_at_thread(void *userdata, int tid)
{
	struct threads *t = userdata;
	struct node_set mems;
	char path[32];

	if (t->left-- == 0)
		return false;
	strcpy(fs_format_pid(path, tid), "/status");
	if (read_mems(t->task_fd, path, &mems) >= 0)
		t->binding = compare(&mems, t->nodes);
	return t->binding == BOUND_ELSEWHERE;
}

/* Of the first thread that may use one of the nodes: only threaded control groups have several. */
static enum binding read_binding(int proc_fd, pid_t pid, const struct node_set *nodes)
{
	struct threads t = {.nodes = nodes, .left = THREADS_READ};
	_Alignas(uint64_t) char dents[4096];
	CLEANUP_CLOSE int fd = -1;
	struct node_set mems;
	char path[32];
	char *end = fs_format_pid(path, pid);

	strcpy(end, "/status");
	if (read_mems(proc_fd, path, &mems) < 0)
		return BOUND_ELSEWHERE;
	if (compare(&mems, nodes) != BOUND_ELSEWHERE)
		return compare(&mems, nodes);
	strcpy(end, "/task");
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t.task_fd = fd;
	if (fd >= 0)
		(void)fs_for_each_number(fd, dents, sizeof(dents), look_at_thread, &t);
	return t.binding;
}

static void search_nodes(const struct search *s, enum binding least)
{
	const struct scanner *scanner = s->scanner;
	const struct node_set *nodes = &s->request->domain->nodes;

	for (unsigned i = 0; i < scanner->count; i++) {
		if (scanner->scores[i] > 0 &&
		    read_binding(scanner->proc_fd, scanner->pids[i], nodes) >= least)
			scanner_consider(s->scanner, s->request, scanner->pids[i], s->result);
	}
}

void scanner_search_domain(struct scanner *s, const struct scan_request *request,
			   struct scan_result *result)
{
	struct search search = {s, request, result};

	switch (request->domain->name.kind) {
	case DOMAIN_HOST:
		break;
	case DOMAIN_CGROUP:
		/* one that has gone has no members */
		(void)cgroup_for_each_member(request->domain->dir_fd, ".", consider_member,
					     &search);
		break;
	case DOMAIN_NODES:
		search_nodes(&search, BOUND_ONLY);
		if (!result->found || request->shortage_bytes == 0 ||
		    process_expected_bytes(&result->victim) < request->shortage_bytes)
			search_nodes(&search, BOUND_ALSO);
		break;
	}
	/* nothing is left to be read for the report */
	s->cursor_score = 0;
	s->cursor = NOBODY;
}
