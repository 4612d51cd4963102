/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups that die together and groups that are thawed; see cgroup.h.
 */
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/process-file.h"
#include "sys/worker.h"

#define CGROUPS_STACK_SIZE (128 * 1024)

/* Groups below groups that are gone into, and signals until nobody new turns up. */
#define DEPTH_MAX  16
#define PASSES_MAX 8

/* How many members are told apart from those that were not signalled yet. */
#define MEMBERS_MAX 1024

#define FREEZER	       "freezer"
#define THAW_WAIT_MSEC 1000

struct cgroup_request {
	struct victim victim;
	int signal; /* 0: it is going to have one */
	char top[DOMAIN_NAME_SIZE];
};

struct cgroups_thread {
	int request_fd;
	int result_fd;
	int root_fd;
	int proc_fd;
	const struct reaper *reaper;
	struct process_id known; /* whose groups these are */
	size_t groups_len;
	char groups[8192];
};

int cgroup_find_oom_group(int root_fd, const char *top, struct text path, char *ret, size_t size)
{
	size_t top_len = strlen(top);
	char file[1024];
	int64_t set;

	/* outside our cgroup namespace there is nothing to read */
	if (text_len(path) < 2 || text_len(path) + 32 > sizeof(file) ||
	    text_has_prefix(path, "/.."))
		return -ENODATA;
	/* it has moved elsewhere meanwhile */
	if (!text_has_prefix(path, top) ||
	    (text_len(path) > top_len && top_len > 0 && path.at[top_len] != '/'))
		return -ENODATA;
	for (const char *end = path.at + u64_max(top_len, 1); end <= path.end; end++) {
		struct text prefix = {path.at + 1, end};

		if (end < path.end && *end != '/')
			continue;
		snprintf(file, sizeof(file), "%.*s/memory.oom.group", (int)text_len(prefix),
			 prefix.at);
		if (fs_read_number_at(root_fd, file, &set) < 0 || set != 1)
			continue;
		if ((size_t)(end - path.at) >= size)
			return -ENAMETOOLONG; /* cut short it would name another */
		text_copy((struct text){path.at, end}, ret, size);
		return 0;
	}
	return -ENODATA;
}

struct walk {
	void (*visit)(void *userdata, pid_t pid);
	void *userdata;
};

static void visit_listed(const struct walk *w, const char *text, size_t len)
{
	struct text rest = TEXT(text, len), line;
	int64_t pid;

	while (text_next_line(&rest, &line)) {
		/* 0: of a pid namespace that is not ours */
		if (text_to_i64(line, &pid) >= 0 && pid > 0 && pid <= INT32_MAX)
			w->visit(w->userdata, (pid_t)pid);
	}
}

static void visit_members(const struct walk *w, int dir_fd)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char text[1024];
	size_t kept = 0;
	ssize_t n;

	/* read on and not by offset: lines that are cut by the end of the buffer are kept */
	while (fd >= 0 && (n = read(fd, text + kept, sizeof(text) - kept)) > 0) {
		size_t len = kept + (size_t)n, whole = len;

		while (whole > 0 && text[whole - 1] != '\n')
			whole--;
		visit_listed(w, text, whole);
		kept = len - whole;
		if (kept == sizeof(text))
			return;
		memmove(text, text + whole, kept);
	}
}

static void visit_tree(const struct walk *w, int dir_fd, unsigned depth);

static void visit_directory(const struct walk *w, int parent_fd, const char *name, unsigned depth)
{
	CLEANUP_CLOSE int fd = name[0] == '.' ? -1
					      : openat(parent_fd, name,
						       O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		visit_tree(w, fd, depth);
}

static void visit_tree(const struct walk *w, int dir_fd, unsigned depth)
{
	_Alignas(uint64_t) char dents[2048];
	long n;

	visit_members(w, dir_fd);
	if (depth == DEPTH_MAX)
		return;
	while ((n = syscall(SYS_getdents64, dir_fd, dents, sizeof(dents))) > 0) {
		for (long at = 0; at < n;) {
			/* laid out as the kernel's own */
			const struct dirent64 *d = (const void *)(dents + at);

			at += d->d_reclen;
			if (d->d_type == DT_DIR)
				visit_directory(w, dir_fd, d->d_name, depth + 1);
		}
	}
}

int cgroup_for_each_member(int dir_fd, const char *path, void (*visit)(void *userdata, pid_t pid),
			   void *userdata)
{
	const struct walk w = {visit, userdata};
	CLEANUP_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	visit_tree(&w, fd, 0);
	return 0;
}

struct group_signal {
	int proc_fd;
	struct process_id victim;
	int signal;
	const struct reaper *reaper;
	uint64_t begin_ticks; /* of this pass */
	bool left_out;	      /* somebody who is younger than that */
	unsigned count;	      /* of those signalled */
	unsigned members;     /* of those looked at, signalled or not */
	pid_t seen[MEMBERS_MAX];
};

static bool is_seen(const struct group_signal *g, pid_t pid)
{
	for (unsigned i = 0; i < g->members; i++) {
		if (g->seen[i] == pid)
			return true;
	}
	return false;
}

/* SIGKILL has come, or any other signal that was its end: complete_signal() makes SIGKILL of it. */
static bool is_dying(const struct victim *v)
{
	struct process_status status;

	return process_read_status(v->dir_fd, "status", &status) >= 0 &&
	       status.pending & SIGNAL_MASK(SIGKILL);
}

/* As process_id has them: since boot, in ticks. */
static uint64_t now_ticks(void)
{
	return u64_muldiv(clock_usec(CLOCK_BOOTTIME), (uint64_t)sysconf(_SC_CLK_TCK), 1000000);
}

/* oom_kill_memcg_member(): whoever the kernel would not choose does not die with others either. */
static void signal_member(void *userdata, pid_t pid)
{
	struct group_signal *g = userdata;
	struct victim v;
	bool was_dying;
	int64_t adj;

	if (is_seen(g, pid) || pid <= 1 || pid == getpid() || pid == g->victim.pid ||
	    victim_hold(g->proc_fd, pid, &v) < 0)
		return;
	/* the number was a member's when the list was made, and may have been given away since */
	if (v.id.start_time > g->begin_ticks) {
		g->left_out = true;
		victim_close(&v);
		return;
	}
	/* of more than that some are signalled again in each pass */
	if (g->members < MEMBERS_MAX)
		g->seen[g->members++] = pid;
	was_dying = is_dying(&v);
	if (fs_read_number_at(v.dir_fd, "oom_score_adj", &adj) >= 0 && adj != OOM_SCORE_ADJ_MIN &&
	    victim_signal(&v, g->signal) >= 0) {
		g->count++;
		/* one request at a time for one address space */
		if (g->signal == SIGKILL && !was_dying)
			(void)reaper_submit(g->reaper, &v); /* or it frees its memory itself */
	}
	victim_close(&v);
}

unsigned cgroup_signal_group(int root_fd, int proc_fd, const char *group, struct process_id victim,
			     int signal, const struct reaper *reaper)
{
	struct group_signal g = {
		.proc_fd = proc_fd,
		.victim = victim,
		.signal = signal,
		.reaper = reaper,
	};
	unsigned before;

	/* a member that was forking while it was signalled has left a child behind */
	for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
		before = g.count;
		g.begin_ticks = now_ticks();
		g.left_out = false;
		if (cgroup_for_each_member(root_fd, group + 1, signal_member, &g) < 0 ||
		    (g.count == before && !g.left_out))
			break;
	}
	return g.count;
}

/* A v1 group below /sys/fs/cgroup, "freezer/a/b", and those from it upwards that were thawed. */
struct frozen_group {
	int root_fd;
	char path[1024];
	unsigned count;
	size_t thawed[DEPTH_MAX]; /* as lengths of the path */
};

static int write_state(const struct frozen_group *g, size_t len, const char *state)
{
	char file[1056];
	CLEANUP_CLOSE int fd = -1;

	snprintf(file, sizeof(file), "%.*s/freezer.state", (int)len, g->path);
	fd = openat(g->root_fd, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, state, strlen(state)) < 0 ? -errno : 0;
}

static bool is_frozen_itself(const struct frozen_group *g, size_t len)
{
	char file[1056];
	int64_t frozen;

	snprintf(file, sizeof(file), "%.*s/freezer.self_freezing", (int)len, g->path);
	return fs_read_number_at(g->root_fd, file, &frozen) >= 0 && frozen == 1;
}

/* A group is frozen as long as any above it is. */
static int thaw_groups(struct frozen_group *g, const struct victim *v)
{
	int r = 0;

	for (size_t len = strlen(g->path); len > 0 && g->count < DEPTH_MAX; len--) {
		if ((g->path[len] != '\0' && g->path[len] != '/') || !is_frozen_itself(g, len))
			continue;
		if (!is_dying(v))
			return 0;
		r = write_state(g, len, "THAWED");
		if (r < 0)
			break;
		g->thawed[g->count++] = len;
	}
	return r;
}

/*
 * The victim alone should run, but only root may move it into a group that is not frozen. So all of
 * its group runs until it is dead, and stands still again.
 */
static void thaw(int root_fd, const struct victim *v, const char *cgroups, size_t len,
		 struct cgroup_result *result)
{
	struct pollfd death = {.fd = v->pidfd, .events = POLLIN};
	struct frozen_group g = {.root_fd = root_fd};
	struct text path;
	int r;

	if (cgroup_parse_v1(cgroups, len, FREEZER, &path) < 0 || text_len(path) < 2 ||
	    text_len(path) + sizeof(FREEZER) > sizeof(g.path) || text_has_prefix(path, "/.."))
		return;
	snprintf(g.path, sizeof(g.path), FREEZER "%.*s", (int)text_len(path), path.at);
	r = thaw_groups(&g, v);
	if (r < 0 || g.count > 0)
		result->thaw = r < 0 ? THAW_FAILED : THAW_DONE;
	result->thaw_error = -r;
	if (r >= 0 && g.count > 0)
		(void)poll(&death, 1, THAW_WAIT_MSEC);
	while (g.count > 0)
		(void)write_state(&g, g.thawed[--g.count], "FROZEN"); /* it was so before */
}

/* False: they are not known. What was read before its signal counts if it has gone since. */
static bool learn_groups(struct cgroups_thread *t, const struct victim *v)
{
	char groups[sizeof(t->groups)];
	size_t len;

	if (fs_read_at(v->dir_fd, "cgroup", groups, sizeof(groups), &len) >= 0) {
		memcpy(t->groups, groups, len);
		t->groups_len = len;
		t->known = v->id;
	} else if (!process_id_equal(t->known, v->id)) {
		t->groups_len = 0;
		return false;
	}
	return true;
}

static void serve(struct cgroups_thread *t, const struct cgroup_request *request,
		  struct cgroup_result *ret)
{
	struct cgroup_result result = {.id = request->victim.id};
	struct text path;

	result.unknown = !learn_groups(t, &request->victim) && t->root_fd >= 0;
	if (cgroup_parse(t->groups, t->groups_len, &path) >= 0 &&
	    cgroup_find_oom_group(t->root_fd, request->top, path, result.group,
				  sizeof(result.group)) >= 0)
		result.signalled = cgroup_signal_group(t->root_fd, t->proc_fd, result.group,
						       request->victim.id, request->signal,
						       t->reaper);
	thaw(t->root_fd, &request->victim, t->groups, t->groups_len, &result);
	*ret = result;
}

static void *cgroups_main(void *userdata)
{
	struct cgroups_thread t = *(struct cgroups_thread *)userdata;
	struct cgroup_request request;
	struct cgroup_result result;

	free(userdata);
	for (;;) {
		ssize_t n = read(t.request_fd, &request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request))
			return NULL;
		if (request.signal == 0)
			(void)learn_groups(&t, &request.victim); /* then it is tried again */
		else
			serve(&t, &request, &result);
		victim_close(&request.victim);
		if (request.signal == 0)
			continue;
		(void)!write(t.result_fd, &result, sizeof(result)); /* may wait for the loop */
	}
}

int cgroups_start(struct cgroups *c, int proc_fd, const struct reaper *reaper)
{
	struct cgroups_thread *t = malloc(sizeof(*t));
	int requests[2], results[2], r;

	if (!t)
		return -ENOMEM;
	r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, results);
	if (r < 0) {
		free(t);
		return r;
	}
	/* without it there are no groups: nothing that is opened below it is found */
	*t = (struct cgroups_thread){
		.request_fd = requests[0],
		.result_fd = results[1],
		.root_fd = fs_open_dir(AT_FDCWD, "/sys/fs/cgroup"),
		.proc_fd = proc_fd,
		.reaper = reaper,
	};
	*c = (struct cgroups){requests[1], results[0]};
	return worker_start("reapd-cgroup", CGROUPS_STACK_SIZE, cgroups_main, t);
}

int cgroups_submit(const struct cgroups *c, const struct victim *v, int signal, const char *top)
{
	struct cgroup_request request = {
		.victim = {.id = v->id,
			   .pidfd = fcntl(v->pidfd, F_DUPFD_CLOEXEC, 3),
			   .dir_fd = fcntl(v->dir_fd, F_DUPFD_CLOEXEC, 3)},
		.signal = signal,
	};
	int error = 0;

	text_copy(TEXT(top, strlen(top)), request.top, sizeof(request.top));
	if (request.victim.pidfd < 0 || request.victim.dir_fd < 0)
		error = -EMFILE;
	else if (write(c->request_fd, &request, sizeof(request)) != sizeof(request))
		error = -EAGAIN;
	if (error < 0)
		victim_close(&request.victim);
	return error;
}

void cgroups_prepare(const struct cgroups *c, const struct victim *v)
{
	(void)cgroups_submit(c, v, 0, ""); /* it is read later, then */
}

int cgroups_result(const struct cgroups *c, struct cgroup_result *ret)
{
	struct cgroup_result result;

	if (read(c->result_fd, &result, sizeof(result)) != sizeof(result))
		return 0;
	*ret = result;
	return 1;
}
