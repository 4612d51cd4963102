/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of group-walk.h.
 */
#include "sys/group-walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/worker.h"

#define DEPTH_MAX  12
#define DENTS_SIZE 2048 /* on the stack, one a level */

struct walk {
	bool (*visit)(void *userdata, const struct group_level *at);
	void *userdata;
	unsigned counted;
	struct timespec rested;
};

/* struct linux_dirent64 of getdents64(2); readdir() would allocate. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t size;
	uint8_t type;
	char name[];
};

/*
 * A directory has as many links as directories below it, and two. To list one means to go through
 * all of its files, for nothing where no group is among them.
 */
static bool has_none_below(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 2;
}

/* Whether there are groups below. */
static bool walk_below(struct walk *w, const struct group_level *at, unsigned depth);

static void walk(struct walk *w, const struct group_level *at, unsigned depth)
{
	if ((has_none_below(at->fd) || !walk_below(w, at, depth)) && at->above &&
	    w->counted < GROUP_WALK_MAX)
		w->counted += w->visit(w->userdata, at);
	worker_rest(&w->rested);
}

static bool walk_below(struct walk *w, const struct group_level *at, unsigned depth)
{
	_Alignas(uint64_t) char dents[DENTS_SIZE];
	CLEANUP_CLOSE int list_fd = openat(at->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool found = false;
	long n;

	if (list_fd < 0)
		return true; /* what is there is not known */
	while (w->counted < GROUP_WALK_MAX &&
	       (n = syscall(SYS_getdents64, list_fd, dents, sizeof(dents))) > 0) {
		for (long i = 0; i < n; i += ((struct entry *)(dents + i))->size) {
			const struct entry *e = (const struct entry *)(dents + i);

			if (e->type != DT_DIR || e->name[0] == '.')
				continue;
			found = true;
			if (depth == DEPTH_MAX)
				continue;
			CLEANUP_CLOSE int fd = fs_open_dir(at->fd, e->name);
			struct group_level below = {at, fd, e->name};

			if (fd >= 0)
				walk(w, &below, depth + 1);
		}
	}
	return found;
}

void group_walk(int root_fd, bool (*visit)(void *userdata, const struct group_level *at),
		void *userdata)
{
	const struct group_level root = {NULL, root_fd, ""};
	struct walk w = {.visit = visit, .userdata = userdata};

	walk(&w, &root, 0);
}

void *group_mark_find(void *table, size_t size, uint64_t id, uint64_t look)
{
	struct group_mark *free = NULL;

	for (unsigned i = 0; i < GROUP_MARKS; i++) {
		size_t at = ((id * 0x9e3779b97f4a7c15 >> 32) + i) % GROUP_MARKS;
		struct group_mark *mark = (struct group_mark *)((char *)table + at * size);

		if (mark->id == id)
			return mark;
		if (!free && (mark->look == 0 || mark->look + 1 < look))
			free = mark;
		if (mark->look == 0)
			break;
	}
	return free;
}

/* Of its own, or beside the hierarchies of v1, whose root has no such file. */
int group_walk_open_root(int *ret_fd)
{
	static const char *const paths[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (unsigned i = 0; i < 2; i++) {
		int fd = fs_open_dir(AT_FDCWD, paths[i]);

		if (fd >= 0 && faccessat(fd, "cgroup.controllers", R_OK, 0) == 0) {
			*ret_fd = fd;
			return 0;
		}
		fs_closep(&fd);
	}
	return -ENODATA;
}
