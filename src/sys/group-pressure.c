/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The looks of group-pressure.h.
 */
#include "sys/group-pressure.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/domain.h"
#include "core/memory.h"
#include "core/text.h"
#include "sys/fs.h"
#include "sys/group-walk.h"

#define SEC UINT64_C(1000000)

/* A share of the time is in millionths. */
#define WHOLE 1000000
#define MUCH  (WHOLE / 10) /* with less nobody asks for a group's limits */

#define STAT_SIZE 8192
/* So many pages came back to a group that waits for them. */
#define REFAULTS_A_SECOND 16

/* What a group had lost when it was looked at last. */
struct slot {
	struct group_mark mark;
	uint64_t time_usec; /* then: a walk may take ten seconds */
	uint64_t memory_usec, io_usec;
	bool has_refaults; /* it has been asked for those */
	uint64_t refaults; /* then */
};

/* Those that lost most in the last walk, with their files held open. */
#define HELD 8

enum held_file { HELD_MEMORY, HELD_IO, HELD_STAT, HELD_FILES };

static const char *const held_files[HELD_FILES] = {
	[HELD_MEMORY] = "memory.pressure",
	[HELD_IO] = "io.pressure",
	[HELD_STAT] = "memory.stat",
};

struct held {
	bool taken;
	int fds[HELD_FILES]; /* -1: there is no such file */
	uint64_t lost;	     /* the greater share */
	struct slot last;
	char name[sizeof(((struct group_pressure_result *)0)->name)];
};

struct loss {
	uint64_t share;
	char name[sizeof(((struct group_pressure_result *)0)->name)];
};

/* The most and the second. */
struct losses {
	struct loss most, second;
};

struct group_watch {
	int root_fd;
	uint64_t (*clock)(void);
	uint64_t look;	    /* counts from 1 */
	uint64_t told_usec; /* of time up to here has been told */
	struct losses memory, io;
	bool asked;   /* since the last walk */
	bool answers; /* when they were asked last, two lost time */
	struct held held[HELD];
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

static void note_loss(struct losses *l, const char *name, uint64_t share)
{
	struct loss now = {.share = share};

	if (share <= l->second.share)
		return;
	strncpy(now.name, name, sizeof(now.name) - 1);
	if (share > l->most.share) {
		l->second = l->most;
		l->most = now;
	} else {
		l->second = now;
	}
}

static bool read_pressure(int fd, uint64_t *ret_usec)
{
	struct psi psi;
	char text[256];
	size_t len;

	if (fd < 0 || fs_read_piece(fd, text, sizeof(text), &len) < 0 ||
	    psi_parse(text, len, &psi) < 0)
		return false;
	*ret_usec = psi.some_total_usec;
	return true;
}

static bool read_losses(const struct group_watch *w, int memory_fd, int io_fd, struct slot *ret)
{
	ret->time_usec = w->clock();
	return read_pressure(memory_fd, &ret->memory_usec) && read_pressure(io_fd, &ret->io_usec);
}

/*
 * Whether pages that were taken from it are among what it waits for: a job that reads a drive waits
 * for that all the same. Where nothing counts them they may be.
 */
static bool is_io_for_memory(int stat_fd, const struct slot *before, struct slot *now)
{
	uint64_t some = u64_muldiv(REFAULTS_A_SECOND, now->time_usec - before->time_usec, SEC);
	struct memcg_stat stat;
	char text[STAT_SIZE];
	size_t len;

	if (stat_fd < 0 || fs_read_fd(stat_fd, text, sizeof(text), &len) < 0 ||
	    memcg_stat_parse(text, len, &stat) < 0)
		return true;
	now->has_refaults = true;
	now->refaults = u64_add(stat.refault_anon, stat.refault_file);
	return before->has_refaults && u64_sub(now->refaults, before->refaults) >= some;
}

static int open_file(const struct group_level *at, enum held_file file)
{
	return openat(at->fd, held_files[file], O_RDONLY | O_CLOEXEC);
}

static void release(struct held *h)
{
	for (unsigned i = 0; h->taken && i < HELD_FILES; i++)
		fs_closep(&h->fds[i]);
	h->taken = false;
}

static void release_all(struct group_watch *w)
{
	for (unsigned i = 0; i < HELD; i++)
		release(&w->held[i]);
}

static void hold(struct group_watch *w, const struct group_level *at, const struct slot *now,
		 uint64_t lost)
{
	struct held *h = &w->held[0];

	for (unsigned i = 0; i < HELD && h->taken; i++) {
		if (!w->held[i].taken || w->held[i].lost < h->lost)
			h = &w->held[i];
	}
	if (h->taken && h->lost >= lost)
		return;
	release(h);
	*h = (struct held){.taken = true, .lost = lost, .last = *now};
	for (unsigned i = 0; i < HELD_FILES; i++)
		h->fds[i] = open_file(at, (enum held_file)i);
	strncpy(h->name, at->name, sizeof(h->name) - 1);
}

static uint64_t share(uint64_t before_usec, uint64_t now_usec, uint64_t elapsed_usec)
{
	if (elapsed_usec == 0)
		return 0;
	return u64_min(u64_muldiv(u64_sub(now_usec, before_usec), WHOLE, elapsed_usec), WHOLE);
}

/* What a group has lost since @before, and what of that may be for want of memory. */
static uint64_t compare(int stat_fd, const struct slot *before, struct slot *now,
			uint64_t *ret_memory, uint64_t *ret_io)
{
	uint64_t elapsed = now->time_usec - before->time_usec;
	uint64_t io = share(before->io_usec, now->io_usec, elapsed);

	now->has_refaults = before->has_refaults;
	now->refaults = before->refaults;
	if (io >= MUCH && !is_io_for_memory(stat_fd, before, now))
		io = 0;
	*ret_memory = share(before->memory_usec, now->memory_usec, elapsed);
	*ret_io = io;
	return u64_max(*ret_memory, io);
}

static void compare_at(struct group_watch *w, const struct group_level *at,
		       const struct slot *before, struct slot *now)
{
	CLEANUP_CLOSE int stat_fd = -1;
	uint64_t memory, io, lost;

	if (share(before->io_usec, now->io_usec, now->time_usec - before->time_usec) >= MUCH)
		stat_fd = open_file(at, HELD_STAT);
	lost = compare(stat_fd, before, now, &memory, &io);
	if (lost < MUCH || has_limit(at))
		return;
	note_loss(&w->memory, at->name, memory);
	note_loss(&w->io, at->name, io);
	hold(w, at, now, lost);
}

static bool look_at_group(void *userdata, const struct group_level *at)
{
	struct group_watch *w = userdata;
	CLEANUP_CLOSE int memory_fd = open_file(at, HELD_MEMORY);
	CLEANUP_CLOSE int io_fd = open_file(at, HELD_IO);
	struct slot now = {.mark.look = w->look}, *slot;
	struct stat st;

	if (fstat(at->fd, &st) < 0 || !read_losses(w, memory_fd, io_fd, &now))
		return false;
	now.mark.id = st.st_ino;
	slot = group_mark_find(w->slots, sizeof(*slot), now.mark.id, w->look);
	if (!slot)
		return true;
	if (slot->mark.id == now.mark.id && slot->mark.look + 1 == w->look)
		compare_at(w, at, slot, &now);
	*slot = now;
	return true;
}

struct group_watch *group_watch_new(int root_fd, uint64_t (*clock)(void))
{
	/* mapped: on a machine where nobody is ever stalled its pages are never there */
	struct group_watch *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		return NULL;
	w->root_fd = root_fd;
	w->clock = clock;
	return w;
}

void group_watch_free(struct group_watch *w)
{
	if (!w)
		return;
	release_all(w);
	munmap(w, sizeof(*w));
}

/* Of the time since this was called last; @known: what of that was lost. */
static void tell(struct group_watch *w, bool known, struct group_pressure_result *ret)
{
	const struct loss *memory = &w->memory.second, *io = &w->io.second;
	uint64_t now = w->clock(), elapsed = known ? u64_sub(now, w->told_usec) : 0;

	*ret = (struct group_pressure_result){.elapsed_usec = elapsed};
	w->told_usec = now;
	if (elapsed == 0)
		return;
	ret->memory_usec = u64_muldiv(memory->share, elapsed, WHOLE);
	ret->io_usec = u64_muldiv(io->share, elapsed, WHOLE);
	memcpy(ret->name, (memory->share >= io->share ? memory : io)->name, sizeof(ret->name));
}

void group_watch_look(struct group_watch *w, struct group_pressure_result *ret)
{
	/* what is compared with another walk was lost while some were asked, and told then */
	bool known = w->look > 0 && !w->asked;

	w->look++;
	w->memory = w->io = (struct losses){};
	release_all(w);
	group_walk(w->root_fd, look_at_group, w);
	tell(w, known, ret);
	w->asked = w->answers = false;
}

bool group_watch_ask(struct group_watch *w, struct group_pressure_result *ret)
{
	bool answered = w->answers;
	unsigned losers = 0;
	uint64_t memory, io;

	w->memory = w->io = (struct losses){};
	for (unsigned i = 0; i < HELD; i++) {
		struct held *h = &w->held[i];
		struct slot now = {};

		if (!h->taken)
			continue;
		if (!read_losses(w, h->fds[HELD_MEMORY], h->fds[HELD_IO], &now)) {
			release(h);
			continue;
		}
		losers += compare(h->fds[HELD_STAT], &h->last, &now, &memory, &io) >= MUCH;
		note_loss(&w->memory, h->name, memory);
		note_loss(&w->io, h->name, io);
		h->last = now;
	}
	w->answers = losers >= 2;
	if (!w->answers && !answered)
		return false;
	w->asked = true;
	tell(w, true, ret);
	return true;
}
