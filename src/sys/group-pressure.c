/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over the control groups and its thread; see group-pressure.h.
 */
#include "sys/group-pressure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/text.h"
#include "sys/fs.h"
#include "sys/worker.h"

#define STACK_SIZE (128 * 1024)

#define DEPTH_MAX   12
#define GROUPS_MAX  512 /* in one look; the rest is left out */
#define SLOTS	    1024
#define DENTS_SIZE  2048 /* on the stack, one a level */
#define LIMIT_SHARE 10	 /* below this share of the time nobody asks for a group's limits */

/* What a group had lost when it was looked at last. */
struct slot {
	uint64_t id; /* of its directory */
	uint64_t look;
	uint64_t memory_usec, io_usec;
};

struct loss {
	uint64_t usec;
	char name[sizeof(((struct group_pressure_result *)0)->name)];
};

/* The most and the second. */
struct losses {
	struct loss most, second;
};

struct group_watch {
	int root_fd;
	uint64_t look; /* counts from 1 */
	uint64_t time_usec;
	uint64_t elapsed_usec;
	unsigned groups;
	struct timespec rested;
	struct losses memory, io;
	struct slot slots[SLOTS];
};

struct level {
	const struct level *above; /* NULL: the root */
	int fd;
	const char *name;
};

static struct slot *find_slot(struct group_watch *w, uint64_t id)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &w->slots[((id * 0x9e3779b97f4a7c15 >> 32) + i) % SLOTS];

		/* never used, or of a group that was gone in the last look */
		if (s->id == id || s->look == 0 || s->look + 1 < w->look)
			return s;
	}
	return NULL;
}

static bool has_limit(const struct level *at)
{
	static const char *const files[] = {"memory.max", "memory.high"};
	char text[32];
	size_t len;

	for (; at->above; at = at->above) {
		for (unsigned i = 0; i < 2; i++) {
			if (fs_read_at(at->fd, files[i], text, sizeof(text), &len) >= 0 &&
			    !text_has_prefix(TEXT(text, len), "max"))
				return true;
		}
	}
	return false;
}

static void note_loss(struct losses *l, const struct level *at, uint64_t usec)
{
	struct loss now = {.usec = usec};

	if (usec <= l->second.usec)
		return;
	strncpy(now.name, at->name, sizeof(now.name) - 1);
	if (usec > l->most.usec) {
		l->second = l->most;
		l->most = now;
	} else {
		l->second = now;
	}
}

static bool read_pressure(const struct level *at, const char *file, uint64_t *ret_usec)
{
	struct psi psi;
	char text[256];
	size_t len;

	if (fs_read_at(at->fd, file, text, sizeof(text), &len) < 0 ||
	    psi_parse(text, len, &psi) < 0)
		return false;
	*ret_usec = psi.some_total_usec;
	return true;
}

/* A group without groups: where the processes are. */
static void look_at_group(struct group_watch *w, const struct level *at)
{
	struct slot now = {.look = w->look}, *slot;
	uint64_t memory, io;
	struct stat st;

	if (fstat(at->fd, &st) < 0 || !read_pressure(at, "memory.pressure", &now.memory_usec) ||
	    !read_pressure(at, "io.pressure", &now.io_usec))
		return;
	w->groups++;
	now.id = st.st_ino;
	slot = find_slot(w, now.id);
	if (!slot)
		return;
	if (slot->id == now.id && slot->look + 1 == w->look) {
		memory = u64_sub(now.memory_usec, slot->memory_usec);
		io = u64_sub(now.io_usec, slot->io_usec);
		if (u64_max(memory, io) >= w->elapsed_usec / LIMIT_SHARE && !has_limit(at)) {
			note_loss(&w->memory, at, memory);
			note_loss(&w->io, at, io);
		}
	}
	*slot = now;
}

/* struct linux_dirent64 of getdents64(2); readdir() would allocate. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t size;
	uint8_t type;
	char name[];
};

static void walk(struct group_watch *w, const struct level *at, unsigned depth)
{
	_Alignas(uint64_t) char dents[DENTS_SIZE];
	CLEANUP_CLOSE int list_fd = openat(at->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool leaf = true;
	long n;

	if (list_fd < 0)
		return;
	while (w->groups < GROUPS_MAX &&
	       (n = syscall(SYS_getdents64, list_fd, dents, sizeof(dents))) > 0) {
		for (long i = 0; i < n; i += ((struct entry *)(dents + i))->size) {
			const struct entry *e = (const struct entry *)(dents + i);

			if (e->type != DT_DIR || e->name[0] == '.')
				continue;
			leaf = false;
			if (depth == DEPTH_MAX)
				continue;
			CLEANUP_CLOSE int fd = fs_open_dir(at->fd, e->name);
			struct level below = {at, fd, e->name};

			if (fd >= 0)
				walk(w, &below, depth + 1);
		}
	}
	if (leaf && at->above && w->groups < GROUPS_MAX)
		look_at_group(w, at);
	worker_rest(&w->rested);
}

struct group_watch *group_watch_new(int root_fd)
{
	/* mapped: on a machine where nobody is ever stalled its pages are never there */
	struct group_watch *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		return NULL;
	w->root_fd = root_fd;
	return w;
}

void group_watch_free(struct group_watch *w)
{
	if (w)
		munmap(w, sizeof(*w));
}

void group_watch_look(struct group_watch *w, uint64_t now_usec, struct group_pressure_result *ret)
{
	const struct level root = {NULL, w->root_fd, ""};
	const struct loss *memory = &w->memory.second, *io = &w->io.second;

	w->elapsed_usec = w->look > 0 ? u64_sub(now_usec, w->time_usec) : 0;
	w->time_usec = now_usec;
	w->look++;
	w->groups = 0;
	w->memory = w->io = (struct losses){};
	walk(w, &root, 0);

	*ret = (struct group_pressure_result){
		.elapsed_usec = w->elapsed_usec,
		.memory_usec = memory->usec,
		.io_usec = io->usec,
	};
	memcpy(ret->name, (memory->usec >= io->usec ? memory : io)->name, sizeof(ret->name));
}

struct pressure_thread {
	int request_fd;
	int result_fd;
	struct group_watch *watch;
};

static void *pressure_main(void *userdata)
{
	struct pressure_thread thread = *(struct pressure_thread *)userdata;
	struct group_pressure_result result;
	struct timespec now;
	char request;

	free(userdata);
	for (;;) {
		ssize_t n = read(thread.request_fd, &request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request))
			return NULL;
		clock_gettime(CLOCK_MONOTONIC, &now);
		group_watch_look(thread.watch,
				 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
				 &result);
		(void)!write(thread.result_fd, &result, sizeof(result)); /* may wait for the loop */
	}
}

/* Where the v2 hierarchy is: of its own, or beside those of v1, whose root has no such file. */
static int open_root(void)
{
	static const char *const paths[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (unsigned i = 0; i < 2; i++) {
		int fd = fs_open_dir(AT_FDCWD, paths[i]);

		if (fd >= 0 && faccessat(fd, "cgroup.controllers", R_OK, 0) == 0)
			return fd;
		fs_closep(&fd);
	}
	return -ENODATA;
}

int group_pressure_start(struct group_pressure *g)
{
	struct pressure_thread *thread = calloc(1, sizeof(*thread));
	CLEANUP_CLOSE int root_fd = open_root();
	int requests[2], results[2], r = root_fd < 0 ? -ENODATA : 0;

	if (!thread)
		return -ENOMEM;
	if (r >= 0)
		r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, results);
	if (r >= 0) {
		thread->watch = group_watch_new(root_fd);
		r = thread->watch ? 0 : -ENOMEM;
	}
	if (r < 0) {
		free(thread);
		return r;
	}
	root_fd = -1; /* the thread's for good */
	thread->request_fd = requests[0];
	thread->result_fd = results[1];
	*g = (struct group_pressure){requests[1], results[0]};
	return worker_start(STACK_SIZE, pressure_main, thread);
}

void group_pressure_submit(const struct group_pressure *g)
{
	(void)!write(g->request_fd, "", 1);
}

int group_pressure_result(const struct group_pressure *g, struct group_pressure_result *ret)
{
	struct group_pressure_result result;

	if (read(g->result_fd, &result, sizeof(result)) != sizeof(result))
		return 0;
	*ret = result;
	return 1;
}
