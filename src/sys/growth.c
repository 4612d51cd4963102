/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes, packets and books of growth.h.
 */
#include "sys/growth.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/process.h"
#include "sys/fs.h"
#include "sys/process-file.h"

#define UNIT_BYTES UINT64_C(4096)

/* How far apart the looks that are kept are, and how old they may become. */
#define APART_USEC   (UINT64_C(60) * 1000000)
#define TOO_OLD_USEC (UINT64_C(300) * 1000000)

static void send_packet(struct growth_look *l)
{
	size_t size = offsetof(struct growth_packet, notes) +
		      l->packet.count * sizeof(l->packet.notes[0]);
	struct iovec whole = {&l->packet, size};

	(void)!writev(l->fd, &whole,
		      1); /* write(2): gcc with -fsanitize sees its first field only */
	l->packet.count = 0;
	l->packet.first = false;
}

void growth_look_begin(struct growth_look *l)
{
	l->packet.count = 0;
	l->packet.first = true;
	l->packet.last = false;
}

/* The leader has exited and holds nothing: what the others hold has not grown since, either. */
static bool look_at_threads(int proc_fd, pid_t pid, struct process_status *ret)
{
	struct process_thread thread;
	char path[32];
	CLEANUP_CLOSE int dir_fd = -1;

	fs_format_pid(path, pid);
	dir_fd = fs_open_dir(proc_fd, path);
	if (dir_fd < 0 || !process_find_thread(dir_fd, &thread))
		return false;
	*ret = thread.status;
	return true;
}

void growth_look_at(struct growth_look *l, int proc_fd, pid_t pid)
{
	struct process_status status;
	char path[32];
	uint64_t bytes;

	strcpy(fs_format_pid(path, pid), "/status");
	if (process_read_status(proc_fd, path, &status) < 0)
		return;
	if (!status.has_mm && status.threads > 1 && !look_at_threads(proc_fd, pid, &status))
		return;
	if (!status.has_mm)
		return;
	bytes = u64_add(u64_add(status.rss_anon_bytes, status.swap_bytes), status.pgtables_bytes);
	if (l->packet.count == GROWTH_NOTES)
		send_packet(l);
	l->packet.notes[l->packet.count++] = (struct growth_note){
		pid, (uint32_t)u64_min(bytes / UNIT_BYTES, UINT32_MAX)};
}

void growth_look_end(struct growth_look *l)
{
	l->packet.last = true;
	send_packet(l);
}

int growth_reserve(struct growth *g, unsigned processes)
{
	unsigned capacity = processes < UINT32_MAX / 2 ? processes * 2 : processes;
	struct growth_note *notes[2];

	if (processes <= g->capacity)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		notes[i] = malloc(capacity * sizeof(*notes[i]));
		if (notes[i]) /* memory that is there already, and not when it is first needed */
			memset(notes[i], 0, capacity * sizeof(*notes[i]));
	}
	if (!notes[0] || !notes[1]) {
		free(notes[0]);
		free(notes[1]);
		return -ENOMEM;
	}
	growth_done(g);
	g->capacity = capacity;
	g->books[0].notes = notes[0];
	g->books[1].notes = notes[1];
	return 0;
}

void growth_done(struct growth *g)
{
	free(g->books[0].notes);
	free(g->books[1].notes);
	*g = (struct growth){};
}

/* A new look takes the place of the older one, unless the newer is still quite new. */
static void begin_book(struct growth *g, uint64_t now_usec, uint64_t reserve_bytes)
{
	const struct growth_book *newest = &g->books[g->newest];
	struct growth_book *older = &g->books[1 - g->newest];

	g->taking = !newest->complete || u64_sub(now_usec, newest->time_usec) >= APART_USEC;
	if (!g->taking)
		return;
	older->complete = false;
	older->time_usec = now_usec;
	older->reserve_bytes = reserve_bytes;
	older->count = 0;
}

static void take(struct growth *g, const struct growth_packet *p)
{
	struct growth_book *b = &g->books[1 - g->newest];

	/* who is not noted would seem to have grown by all that he holds */
	if (p->count > g->capacity - b->count)
		g->taking = false;
	if (!g->taking)
		return;
	memcpy(b->notes + b->count, p->notes, p->count * sizeof(*p->notes));
	b->count += p->count;
	if (!p->last)
		return;
	b->complete = true;
	g->newest = 1 - g->newest;
	g->taking = false;
}

void growth_collect(struct growth *g, int fd, uint64_t now_usec, uint64_t reserve_bytes)
{
	struct growth_packet p;

	while (read(fd, &p, sizeof(p)) > 0) {
		if (p.first)
			begin_book(g, now_usec, reserve_bytes);
		take(g, &p);
	}
}

const struct growth_book *growth_base(const struct growth *g, uint64_t now_usec)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct growth_book *b = &g->books[i == 0 ? 1 - g->newest : g->newest];

		if (b->complete && u64_sub(now_usec, b->time_usec) < TOO_OLD_USEC)
			return b;
	}
	return NULL;
}

uint64_t growth_of(const struct growth_book *base, pid_t pid, uint64_t bytes)
{
	unsigned low = 0, high = base->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (base->notes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == base->count || base->notes[low].pid != pid)
		return bytes;
	return u64_sub(bytes, base->notes[low].held * UNIT_BYTES);
}
