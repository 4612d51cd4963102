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
#define MUCH  (WHOLE / 10) /* less does not count */

#define STAT_SIZE 8192
/* So many pages came back to a group that waits for them, within as long at least. */
#define REFAULTS_A_SECOND 16
#define REFAULTS_USEC	  SEC

/* What a group had lost when it was looked at last. */
struct slot {
	struct group_mark mark;
	uint64_t time_usec; /* then: a walk may take ten seconds */
	uint64_t memory_usec, io_usec;
	bool has_refaults;		  /* it has been asked for those */
	bool misses;			  /* there were enough of them */
	uint64_t refaults, refaults_usec; /* then */
};

/*
 * Those whose files are held open: all, as a rule. Of more than that, those that lost most, and the
 * rest is known from walks alone.
 */
#define HELD 128

enum held_file { HELD_MEMORY, HELD_IO, HELD_STAT, HELD_FILES };

static const char *const held_files[HELD_FILES] = {
	[HELD_MEMORY] = "memory.pressure",
	[HELD_IO] = "io.pressure",
	[HELD_STAT] = "memory.stat",
};

/* Shares of the time. */
struct loss {
	uint64_t memory, io;
	char name[sizeof(((struct group_pressure_result *)0)->name)];
};

struct held {
	bool taken, limited;
	int fds[HELD_FILES]; /* -1: there is no such file */
	struct slot last;
	struct loss loss; /* at that look */
};

struct group_watch {
	int root_fd;
	uint64_t (*clock)(void);
	uint64_t look;	    /* counts from 1 */
	uint64_t told_usec; /* of time up to here has been told; 0: of none */
	struct loss worst;
	struct loss others; /* the most of each, and who lost most */
	struct held held[HELD];
	struct slot slots[GROUP_MARKS]; /* of those that are not held */
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

static uint64_t lost(const struct loss *l)
{
	return u64_max(l->memory, l->io);
}

static void note_loss(struct group_watch *w, const struct loss *l)
{
	struct loss behind = *l;

	if (lost(l) < MUCH)
		return;
	if (lost(l) > lost(&w->worst)) {
		behind = w->worst;
		w->worst = *l;
	}
	if (lost(&behind) > lost(&w->others))
		memcpy(w->others.name, behind.name, sizeof(w->others.name));
	w->others.memory = u64_max(w->others.memory, behind.memory);
	w->others.io = u64_max(w->others.io, behind.io);
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
 * for that all the same. Where nothing counts them they may be. They count when they are asked for,
 * and who waits half a second for each brings none back between.
 */
static bool is_io_for_memory(int stat_fd, const struct slot *before, struct slot *now)
{
	uint64_t elapsed = now->time_usec - before->refaults_usec;
	struct memcg_stat stat;
	char text[STAT_SIZE];
	size_t len;

	if (before->has_refaults && elapsed < REFAULTS_USEC)
		return before->misses;
	if (stat_fd < 0 || fs_read_fd(stat_fd, text, sizeof(text), &len) < 0 ||
	    memcg_stat_parse(text, len, &stat) < 0)
		return true;
	now->has_refaults = true;
	now->refaults = u64_add(stat.refault_anon, stat.refault_file);
	now->refaults_usec = now->time_usec;
	now->misses = before->has_refaults && u64_sub(now->refaults, before->refaults) >=
						      u64_muldiv(REFAULTS_A_SECOND, elapsed, SEC);
	return now->misses;
}

static int open_file(const struct group_level *at, enum held_file file)
{
	return openat(at->fd, held_files[file], O_RDONLY | O_CLOEXEC);
}

static uint64_t share(uint64_t before_usec, uint64_t now_usec, uint64_t elapsed_usec)
{
	if (elapsed_usec == 0)
		return 0;
	return u64_min(u64_muldiv(u64_sub(now_usec, before_usec), WHOLE, elapsed_usec), WHOLE);
}

/* What a group has lost since @before, and what of that may be for want of memory. */
static void compare(int stat_fd, const struct slot *before, struct slot *now, struct loss *ret)
{
	uint64_t elapsed = now->time_usec - before->time_usec;

	now->has_refaults = before->has_refaults;
	now->misses = before->misses;
	now->refaults = before->refaults;
	now->refaults_usec = before->refaults_usec;
	ret->memory = share(before->memory_usec, now->memory_usec, elapsed);
	ret->io = share(before->io_usec, now->io_usec, elapsed);
	if (ret->io >= MUCH && !is_io_for_memory(stat_fd, before, now))
		ret->io = 0;
}

static void release(struct held *h)
{
	for (unsigned i = 0; h->taken && i < HELD_FILES; i++)
		fs_closep(&h->fds[i]);
	h->taken = false;
}

static bool look_at_held(struct held *h, struct group_watch *w)
{
	struct slot now = {.mark = {h->last.mark.id, w->look}};

	if (!read_losses(w, h->fds[HELD_MEMORY], h->fds[HELD_IO], &now)) {
		release(h); /* it is gone */
		return false;
	}
	compare(h->fds[HELD_STAT], &h->last, &now, &h->loss);
	h->last = now;
	return true;
}

/* A place that is free, or of one who lost less than somebody who lost much. */
static struct held *place_for(struct group_watch *w, const struct loss *loss)
{
	struct held *least = &w->held[0];

	for (unsigned i = 0; i < HELD; i++) {
		if (!w->held[i].taken)
			return &w->held[i];
		if (lost(&w->held[i].loss) < lost(&least->loss))
			least = &w->held[i];
	}
	return lost(loss) >= MUCH && lost(&least->loss) < lost(loss) ? least : NULL;
}

/* What one has lost since the walk before, of those that are not held. */
static void compare_walks(struct group_watch *w, struct held *h)
{
	struct slot *slot = group_mark_find(w->slots, sizeof(*slot), h->last.mark.id, w->look);

	if (!slot)
		return;
	if (slot->mark.id == h->last.mark.id && slot->mark.look + 1 == w->look)
		compare(h->fds[HELD_STAT], slot, &h->last, &h->loss);
	*slot = h->last;
}

/* One that is not held, or not yet. */
static bool look_at_other(struct group_watch *w, const struct group_level *at, uint64_t id)
{
	struct held h = {.taken = true, .last.mark = {id, w->look}}, *place;

	for (unsigned i = 0; i < HELD_FILES; i++)
		h.fds[i] = open_file(at, (enum held_file)i);
	if (!read_losses(w, h.fds[HELD_MEMORY], h.fds[HELD_IO], &h.last)) {
		release(&h);
		return false;
	}
	strncpy(h.loss.name, at->name, sizeof(h.loss.name) - 1);
	place = place_for(w, &h.loss);
	if (!place) {
		compare_walks(w, &h);
		place = place_for(w, &h.loss);
	}
	if (place) {
		h.limited = has_limit(at);
		release(place);
		*place = h;
	} else {
		release(&h);
	}
	return true;
}

static bool look_at_group(void *userdata, const struct group_level *at)
{
	struct group_watch *w = userdata;
	struct stat st;

	if (fstat(at->fd, &st) < 0)
		return false;
	for (unsigned i = 0; i < HELD; i++) {
		struct held *h = &w->held[i];

		if (!h->taken || h->last.mark.id != st.st_ino)
			continue;
		h->last.mark.look = w->look;
		if (lost(&h->loss) >= MUCH)
			h->limited = has_limit(at);
		return true;
	}
	return look_at_other(w, at, st.st_ino);
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

void group_watch_release(struct group_watch *w)
{
	for (unsigned i = 0; i < HELD; i++)
		release(&w->held[i]);
	w->told_usec = 0;
}

void group_watch_free(struct group_watch *w)
{
	if (!w)
		return;
	group_watch_release(w);
	munmap(w, sizeof(*w));
}

/* Of the time since this was called last. */
static void tell(struct group_watch *w, struct group_pressure_result *ret)
{
	uint64_t now = w->clock();
	uint64_t elapsed = w->told_usec > 0 ? u64_sub(now, w->told_usec) : 0;

	*ret = (struct group_pressure_result){.elapsed_usec = elapsed};
	w->told_usec = now;
	if (elapsed == 0)
		return;
	ret->memory_usec = u64_muldiv(w->others.memory, elapsed, WHOLE);
	ret->io_usec = u64_muldiv(w->others.io, elapsed, WHOLE);
	memcpy(ret->name, w->others.name, sizeof(ret->name));
}

void group_watch_walk(struct group_watch *w)
{
	w->look++;
	group_walk(w->root_fd, look_at_group, w);
	for (unsigned i = 0; i < HELD; i++) {
		if (w->held[i].last.mark.look != w->look)
			release(&w->held[i]);
	}
}

bool group_watch_ask(struct group_watch *w, struct group_pressure_result *ret)
{
	bool known = false;

	w->worst = w->others = (struct loss){};
	for (unsigned i = 0; i < HELD; i++) {
		struct held *h = &w->held[i];

		if (!h->taken || !look_at_held(h, w))
			continue;
		known = true;
		if (!h->limited)
			note_loss(w, &h->loss);
	}
	if (known)
		tell(w, ret);
	return known;
}
