/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the groups are looked at, and what their sum is; see groups.h.
 */
#include "daemon/groups.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/text.h"
#include "sys/clock.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* What was lost since a look that is older than this may have been lost long ago. */
#define STALE_USEC (30 * USEC_PER_SEC)

/*
 * How often they are asked at most. PSI is a mean over the CPUs, weighed by how long each was not
 * idle since it was read last: a process that waits all the time, now on this CPU and now on that,
 * has lost half of it by the file of its group, and less with more CPUs, unless that is read
 * between.
 */
#define ASK_INTERVAL_USEC (USEC_PER_SEC / 5)

/* Open files keep a page of the kernel's memory each: closed when so long not needed. */
#define RELEASE_USEC (60 * USEC_PER_SEC)

/* A tmpfs is being filled when shared memory has grown by this much, and this share of all. */
#define FILLED_BYTES   (UINT64_C(16) << 20)
#define FILLED_DIVISOR 128

/* How often that is asked for, and how long an answer holds. */
#define WRITER_INTERVAL_USEC (USEC_PER_SEC / 2)
#define WRITER_USEC	     (5 * USEC_PER_SEC)

/* What swap may not take: the same. What is older may have been given back. */
#define BARRED_INTERVAL_USEC USEC_PER_SEC
#define BARRED_USEC	     (2 * USEC_PER_SEC)

int groups_start(struct groups *g, int proc_fd)
{
	int r = group_look_start(&g->look, proc_fd);

	g->works = r >= 0;
	return r == -ENODATA ? 0 : r;
}

/*
 * Opening files allocates: where memory has to be reclaimed for it, and what is reclaimed is
 * written to a slow disk, one look takes ten seconds in place of ten milliseconds. What was lost in
 * longer than the window of the policy counts as the mean of that.
 */
static void take_pressure(struct groups *g, const struct group_pressure_result *result,
			  uint64_t window_usec)
{
	uint64_t counts = u64_min(result->elapsed_usec, window_usec);
	bool outdated = g->outdated;

	g->looking_at_pressure = g->outdated = false;
	g->has_looked = true;
	if (outdated || result->elapsed_usec == 0 || result->elapsed_usec > STALE_USEC)
		return;
	g->others.memory_usec = u64_add(
		g->others.memory_usec,
		u64_muldiv(result->memory_usec, counts, result->elapsed_usec));
	g->others.io_usec = u64_add(g->others.io_usec,
				    u64_muldiv(result->io_usec, counts, result->elapsed_usec));
	if (result->name[0] != '\0')
		memcpy(g->name, result->name, sizeof(g->name));
}

void groups_forget(struct groups *g)
{
	g->outdated = g->looking_at_pressure;
	g->barred_bytes = 0;
}

static int on_result(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct groups *g = userdata;
	struct group_look_result result;

	(void)source;
	(void)fd;
	(void)revents;
	while (group_look_result(&g->look, &result) > 0) {
		switch (result.kind) {
		case GROUP_LOOK_PRESSURE:
			take_pressure(g, &result.pressure, g->config->stall_window_usec);
			break;
		case GROUP_LOOK_RELEASE:
			break; /* has no result */
		case GROUP_LOOK_SHMEM:
			g->looking = false;
			if (result.writer.id.pid == 0)
				break; /* who was named before may only have slept */
			g->writer = result.writer;
			g->writer_usec = clock_now_usec();
			break;
		case GROUP_LOOK_SWAP:
			g->looking_for_barred = false;
			g->barred_bytes = result.barred.bytes;
			g->barred_usec = result.barred.begun_usec;
			break;
		}
	}
	return 0;
}

int groups_add_source(struct groups *g, sd_event *event, const struct config *config)
{
	g->config = config;
	return g->works ? sd_event_add_io(event, NULL, g->look.result_fd, EPOLLIN, on_result, g)
			: 0;
}

void groups_look(struct groups *g, uint64_t now_usec, bool asked, bool low)
{
	if (!g->works || g->looking_at_pressure)
		return;
	if (asked || low)
		g->needed_usec = now_usec;
	else if (g->prepared && now_usec - g->needed_usec >= RELEASE_USEC)
		g->prepared = !group_look_submit(&g->look, GROUP_LOOK_RELEASE);
	if (asked ? now_usec < g->next_usec : g->prepared || !low)
		return;
	g->next_usec = now_usec + ASK_INTERVAL_USEC;
	g->looking_at_pressure = group_look_submit(&g->look, GROUP_LOOK_PRESSURE);
	g->prepared |= g->looking_at_pressure;
}

void groups_fill_sample(const struct groups *g, struct sample *s)
{
	s->has_others = g->has_looked;
	s->others = g->others;
	s->barred_bytes = u64_sub(s->time_usec, g->barred_usec) < BARRED_USEC ? g->barred_bytes : 0;
}

void groups_look_for_barred(struct groups *g, uint64_t now_usec, bool asked)
{
	if (!g->works || !asked || g->looking_for_barred || now_usec < g->next_barred_usec)
		return;
	g->next_barred_usec = now_usec + BARRED_INTERVAL_USEC;
	g->looking_for_barred = group_look_submit(&g->look, GROUP_LOOK_SWAP);
}

void groups_look_for_writer(struct groups *g, const struct sample *s, bool soon)
{
	uint64_t grown = u64_sub(s->mem.shmem_bytes, g->shmem_bytes);
	bool begins = soon && !g->soon;

	g->soon = soon;
	if (!soon || s->mem.shmem_bytes < g->shmem_bytes)
		g->shmem_bytes = s->mem.shmem_bytes;
	if (!g->works || !soon || g->looking || s->time_usec < g->next_writer_usec)
		return;
	/* the first look is what the second is compared with */
	if (!begins && grown < u64_max(FILLED_BYTES, s->mem.total_bytes / FILLED_DIVISOR))
		return;
	g->shmem_bytes = s->mem.shmem_bytes;
	g->next_writer_usec = s->time_usec + WRITER_INTERVAL_USEC;
	g->looking = group_look_submit(&g->look, GROUP_LOOK_SHMEM);
}

const struct shmem_writer *groups_writer(const struct groups *g, uint64_t now_usec)
{
	return g->writer.id.pid != 0 && u64_sub(now_usec, g->writer_usec) < WRITER_USEC ? &g->writer
											: NULL;
}
