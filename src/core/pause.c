/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three states of pause.h.
 */
#include "pause.h"

#include "text.h"

void pause_begin(struct pause *p, uint64_t now_usec, uint64_t time_usec, uint64_t timeout_usec)
{
	p->until_usec = u64_add(now_usec, time_usec);
	if (p->state == PAUSE_ON)
		return;
	p->state = PAUSE_WAITING;
	p->deadline_usec = u64_add(now_usec, timeout_usec);
}

bool pause_end(struct pause *p)
{
	bool was = p->state != PAUSE_OFF;

	*p = (struct pause){};
	return was;
}

enum pause_event pause_step(struct pause *p, uint64_t now_usec, bool in_flight)
{
	enum pause_event event = PAUSE_UNCHANGED;

	if (p->state == PAUSE_WAITING && !in_flight) {
		p->state = PAUSE_ON;
		event = PAUSE_BEGUN;
	} else if (p->state == PAUSE_WAITING && now_usec >= p->deadline_usec) {
		event = PAUSE_REFUSED;
	} else if (p->state == PAUSE_ON && now_usec >= p->until_usec) {
		event = PAUSE_EXPIRED;
	}
	if (event == PAUSE_REFUSED || event == PAUSE_EXPIRED)
		(void)pause_end(p);
	return event;
}

uint64_t pause_next_usec(const struct pause *p)
{
	switch (p->state) {
	case PAUSE_OFF:
		return UINT64_MAX;
	case PAUSE_WAITING:
		return p->deadline_usec;
	case PAUSE_ON:
		return p->until_usec;
	}
	return UINT64_MAX;
}
