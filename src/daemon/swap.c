/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Total swap, watched from sample to sample; see swap.h.
 */
#include "daemon/swap.h"

#include <errno.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Total swap that fell within this time: somebody may be in swapoff(2), which takes it page by
 * page. */
#define SWAPOFF_USEC (5 * USEC_PER_SEC)
/* And is reported when it has not changed for so long: not with each of these pages. */
#define SWAP_SETTLED_USEC USEC_PER_SEC

/* Taken at its word nobody would have to die while what is in the area fills the memory. */
static void hide_leaving(struct daemon *d, struct meminfo *m)
{
	uint64_t leaving = sampler_leaving_swap(&d->sampler, m->swap_total_bytes);

	d->swap_leaves = leaving > 0;
	m->swap_total_bytes = u64_sub(m->swap_total_bytes, leaving);
	m->swap_free_bytes = u64_sub(m->swap_free_bytes, leaving);
}

void swap_watch(struct daemon *d, struct sample *now)
{
	uint64_t total = now->mem.swap_total_bytes;

	if (total < d->swap_total_bytes)
		d->swap_fell_usec = u64_max(now->time_usec, 1);
	if (total != d->swap_total_bytes)
		d->swap_changed_usec = now->time_usec;
	d->swap_total_bytes = total;
	d->swap_leaves = false;
	if (d->swap_fell_usec != 0 && u64_sub(now->time_usec, d->swap_fell_usec) < SWAPOFF_USEC)
		hide_leaving(d, &now->mem);
}

void swap_note(struct daemon *d, uint64_t now_usec)
{
	char said_text[32], now_text[32];

	if (d->swap_changed_usec == now_usec && !d->swap_leaves)
		sampler_find_swap(&d->sampler);
	if (d->swap_total_bytes == d->swap_said_bytes ||
	    u64_sub(now_usec, d->swap_changed_usec) < SWAP_SETTLED_USEC)
		return;
	format_bytes(d->swap_said_bytes, said_text, sizeof(said_text));
	format_bytes(d->swap_total_bytes, now_text, sizeof(now_text));
	d->swap_said_bytes = d->swap_total_bytes;
	sampler_find_swap(&d->sampler);
	daemon_note(d, LOG_INFO, MESSAGE_ID_MACHINE, "total swap was %s and is %s now", said_text,
		    now_text);
}

/* swapon(2), or the end of swapoff(2): which a total that is the same again does not show. */
static int on_swaps(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	sampler_find_swap(&d->sampler);
	return 0;
}

int swap_add_source(struct daemon *d)
{
	int r = d->sampler.swaps_fd < 0 ? 0
					: sd_event_add_io(d->event, NULL, d->sampler.swaps_fd,
							  EPOLLPRI, on_swaps, d);

	/* EPERM: a container's file that knows no poll(); the total is watched all the same */
	return r == -EPERM ? 0 : r;
}
