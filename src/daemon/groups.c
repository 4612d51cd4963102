/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the groups are looked at, and what their sum is; see groups.h.
 */
#include "daemon/groups.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/text.h"
#include "daemon/daemon.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* What was lost since a look that is older than this has no place in the window of the policy. */
#define STALE_USEC (3 * USEC_PER_SEC)

int groups_start(struct groups *g)
{
	int r = group_pressure_start(&g->pressure);

	g->works = r >= 0;
	return r == -ENODATA ? 0 : r;
}

static int on_result(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct groups *g = &((struct daemon *)userdata)->groups;
	struct group_pressure_result result;

	(void)source;
	(void)fd;
	(void)revents;
	while (group_pressure_result(&g->pressure, &result) > 0) {
		g->has_looked = true;
		if (result.elapsed_usec == 0 || result.elapsed_usec > STALE_USEC)
			continue;
		g->others.memory_usec = u64_add(g->others.memory_usec, result.memory_usec);
		g->others.io_usec = u64_add(g->others.io_usec, result.io_usec);
		if (result.name[0] != '\0')
			memcpy(g->name, result.name, sizeof(g->name));
	}
	return 0;
}

int groups_add_source(struct daemon *d)
{
	return d->groups.works ? sd_event_add_io(d->event, NULL, d->groups.pressure.result_fd,
						 EPOLLIN, on_result, d)
			       : 0;
}

void groups_look(struct groups *g, uint64_t now_usec)
{
	if (!g->works || now_usec < g->next_usec)
		return;
	g->next_usec = now_usec + USEC_PER_SEC;
	group_pressure_submit(&g->pressure);
}

void groups_fill_sample(const struct groups *g, struct sample *s)
{
	s->has_others = g->has_looked;
	s->others = g->others;
}
