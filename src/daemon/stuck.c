/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of stuck.h.
 */
#include "daemon/stuck.h"

#include <errno.h>
#include <string.h>

#include "core/text.h"
#include "daemon/daemon.h"

#define RETRY_USEC UINT64_C(1000000)

static void remove_at(struct stuck *s, unsigned i)
{
	victim_close(&s->victims[i].victim);
	s->count--;
	memmove(&s->victims[i], &s->victims[i + 1], (s->count - i) * sizeof(s->victims[0]));
}

static void note_result(struct stuck_victim *v, const struct reap_result *result)
{
	if (reap_is_over(result))
		v->bytes = result->has_memory ? result->rss_anon_bytes : 0;
}

void stuck_add(struct daemon *d, uint64_t now_usec)
{
	const struct report_kill *record = &d->kill.record;
	struct stuck *s = &d->stuck;
	struct stuck_victim *v;

	if (s->count == STUCK_MAX)
		remove_at(s, 0);
	v = &s->victims[s->count++];
	*v = (struct stuck_victim){
		.victim = d->kill.victim,
		.bytes = record->expected_bytes,
		.reaps_pending = d->kill.reaps_pending + d->company.sharer_pending,
		.next_reap_usec = now_usec + RETRY_USEC,
	};
	memcpy(v->comm, record->victim.comm, sizeof(v->comm));
	d->kill.victim = VICTIM_CLOSED;
	if (record->reap_done)
		note_result(v, &record->reap);
}

uint64_t stuck_look(struct daemon *d, uint64_t now_usec)
{
	struct stuck *s = &d->stuck;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < s->count;) {
		struct stuck_victim *v = &s->victims[i];

		if (victim_is_dead(&v->victim)) {
			remove_at(s, i);
			continue;
		}
		if (v->reaps_pending == 0 && v->bytes > 0 && now_usec >= v->next_reap_usec &&
		    reaper_submit(&d->reaper, &v->victim) >= 0) {
			v->reaps_pending++;
			v->next_reap_usec = now_usec + RETRY_USEC;
		}
		bytes = u64_add(bytes, v->bytes);
		i++;
	}
	return bytes;
}

void stuck_reaped(struct stuck *s, const struct reap_result *result)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct stuck_victim *v = &s->victims[i];

		if (!process_id_equal(v->victim.id, result->id))
			continue;
		v->reaps_pending -= v->reaps_pending > 0;
		note_result(v, result);
	}
}

const struct stuck_victim *stuck_largest(const struct stuck *s)
{
	const struct stuck_victim *largest = NULL;

	for (unsigned i = 0; i < s->count; i++) {
		if (!largest || s->victims[i].bytes > largest->bytes)
			largest = &s->victims[i];
	}
	return largest;
}
