/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The looks of group-pressure.h.
 */
#include "sys/group-pressure.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/domain.h"
#include "core/memory.h"
#include "core/text.h"
#include "sys/fs.h"
#include "sys/group-walk.h"

#define SEC UINT64_C(1000000)

#define LIMIT_SHARE 10 /* below this share of the time nobody asks for a group's limits */

#define STAT_SIZE 8192
/* So many pages came back to a group that waits for them. */
#define REFAULTS_A_SECOND 16

/* What a group had lost when it was looked at last. */
struct slot {
	struct group_mark mark;
	uint64_t memory_usec, io_usec;
	bool has_refaults; /* it has been asked for those */
	uint64_t refaults; /* then */
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
	struct losses memory, io;
	struct slot slots[GROUP_MARKS];
};

static bool has_limit(const struct group_level *at)
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

static void note_loss(struct losses *l, const struct group_level *at, uint64_t usec)
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

static bool read_pressure(const struct group_level *at, const char *file, uint64_t *ret_usec)
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

/*
 * Whether pages that were taken from it are among what it waits for: a job that reads a drive waits
 * for that all the same. Where nothing counts them they may be.
 */
static bool is_io_for_memory(const struct group_watch *w, const struct group_level *at,
			     const struct slot *before, struct slot *now)
{
	uint64_t some = u64_muldiv(REFAULTS_A_SECOND, w->elapsed_usec, SEC);
	struct memcg_stat stat;
	char text[STAT_SIZE];
	size_t len;

	if (fs_read_at(at->fd, "memory.stat", text, sizeof(text), &len) < 0 ||
	    memcg_stat_parse(text, len, &stat) < 0)
		return true;
	now->has_refaults = true;
	now->refaults = u64_add(stat.refault_anon, stat.refault_file);
	return before->has_refaults && u64_sub(now->refaults, before->refaults) >= some;
}

static void compare(struct group_watch *w, const struct group_level *at, const struct slot *before,
		    struct slot *now)
{
	uint64_t memory = u64_sub(now->memory_usec, before->memory_usec);
	uint64_t io = u64_sub(now->io_usec, before->io_usec);
	uint64_t much = w->elapsed_usec / LIMIT_SHARE;

	now->has_refaults = before->has_refaults;
	now->refaults = before->refaults;
	if (io >= much && !is_io_for_memory(w, at, before, now))
		io = 0;
	if (u64_max(memory, io) < much || has_limit(at))
		return;
	note_loss(&w->memory, at, memory);
	note_loss(&w->io, at, io);
}

static bool look_at_group(void *userdata, const struct group_level *at)
{
	struct group_watch *w = userdata;
	struct slot now = {.mark.look = w->look}, *slot;
	struct stat st;

	if (fstat(at->fd, &st) < 0 || !read_pressure(at, "memory.pressure", &now.memory_usec) ||
	    !read_pressure(at, "io.pressure", &now.io_usec))
		return false;
	now.mark.id = st.st_ino;
	slot = group_mark_find(w->slots, sizeof(*slot), now.mark.id, w->look);
	if (!slot)
		return true;
	if (slot->mark.id == now.mark.id && slot->mark.look + 1 == w->look)
		compare(w, at, slot, &now);
	*slot = now;
	return true;
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
	const struct loss *memory = &w->memory.second, *io = &w->io.second;

	w->elapsed_usec = w->look > 0 ? u64_sub(now_usec, w->time_usec) : 0;
	w->time_usec = now_usec;
	w->look++;
	w->memory = w->io = (struct losses){};
	group_walk(w->root_fd, look_at_group, w);

	*ret = (struct group_pressure_result){
		.elapsed_usec = w->elapsed_usec,
		.memory_usec = memory->usec,
		.io_usec = io->usec,
	};
	memcpy(ret->name, (memory->usec >= io->usec ? memory : io)->name, sizeof(ret->name));
}
