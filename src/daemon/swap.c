/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Total swap, watched from sample to sample; see swap.h.
 */
#include "daemon/swap.h"

#include <syslog.h>

#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Total swap that fell within this time: somebody is in swapoff(2), which takes it page by page. */
#define SWAPOFF_USEC (5 * USEC_PER_SEC)
/* And is reported when it has not changed for so long: not with each of these pages. */
#define SWAP_SETTLED_USEC USEC_PER_SEC

bool swap_goes_off(const struct daemon *d, uint64_t now_usec)
{
	return d->swap_fell_usec != 0 && u64_sub(now_usec, d->swap_fell_usec) < SWAPOFF_USEC;
}

/*
 * Watches total swap. In swapoff(2) an area that is not used any more for what is new still counts
 * with the pages that are in it, as total and as *free* (si_swapinfo()): taken at its word nobody
 * would have to die while it fills the memory. So what is there then is hidden.
 */
void swap_watch(struct daemon *d, struct sample *now)
{
	uint64_t total = now->mem.swap_total_bytes;

	if (total < d->swap_total_bytes)
		d->swap_fell_usec = u64_max(now->time_usec, 1);
	if (total != d->swap_total_bytes)
		d->swap_changed_usec = now->time_usec;
	d->swap_total_bytes = total;
	if (swap_goes_off(d, now->time_usec) && now->mem.swap_free_bytes == total)
		now->mem.swap_total_bytes = now->mem.swap_free_bytes = 0;
}

void swap_note(struct daemon *d, uint64_t now_usec)
{
	char said_text[32], now_text[32];

	if (d->swap_changed_usec == now_usec && !swap_goes_off(d, now_usec))
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
