/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What administrators ask for through the control socket: to pause, to resume, to kill now.
 */
#include <errno.h>
#include <syslog.h>

#include "daemon/daemon.h"
#include "daemon/kill.h"
#include "daemon/message-id.h"

static void pause_changed(struct daemon *d, enum pause_event event)
{
	switch (event) {
	case PAUSE_UNCHANGED:
		return;
	case PAUSE_BEGUN:
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_PAUSE,
			    "paused: nobody is killed until this is over, and the kernel's own "
			    "killer is the only one");
		break;
	case PAUSE_REFUSED:
		daemon_note(d, LOG_WARNING, MESSAGE_ID_PAUSE,
			    "not paused: process %d is in flight and has not gone in time",
			    d->kill.victim.id.pid);
		break;
	case PAUSE_EXPIRED:
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_PAUSE, "the pause is over");
		break;
	}
	daemon_update_status(d);
	control_pause_settled(d->control, event);
}

void daemon_look_at_pause(struct daemon *d, uint64_t now_usec)
{
	bool in_flight = d->policy.phase == PHASE_AWAITING || domains_in_flight(d);

	pause_changed(d, pause_step(&d->pause, now_usec, in_flight));
}

void daemon_pause(struct daemon *d, uint64_t time_usec, uint64_t timeout_usec)
{
	uint64_t now = clock_now_usec();

	pause_begin(&d->pause, now, time_usec, timeout_usec);
	daemon_look_at_pause(d, now);
	daemon_wake(d);
}

void daemon_pause_abandoned(struct daemon *d)
{
	if (d->pause.state != PAUSE_WAITING)
		return;
	(void)pause_end(&d->pause);
	daemon_note(d, LOG_NOTICE, MESSAGE_ID_PAUSE,
		    "not paused: whoever asked for it has gone before process %d has",
		    d->kill.record.victim.id.pid);
	daemon_update_status(d);
	daemon_wake(d);
}

bool daemon_resume(struct daemon *d)
{
	bool was = pause_end(&d->pause);

	if (was)
		pause_changed(d, PAUSE_EXPIRED);
	daemon_wake(d);
	return was;
}

static int find_on_request(struct daemon *d, struct process *ret)
{
	struct scan_request request;
	struct sample sample;
	int r;

	if (!daemon_take_sample(d, SAMPLE_DECISION, &sample))
		return -EIO;
	kill_send_begun(d); /* its table is of the scan that this one overwrites */
	request = daemon_scan_request(d, daemon_total_pages(&sample));
	request.dying = DYING_IS_SKIPPED;
	request.select = SELECT_KERNEL;
	r = scanner_run(d->scanner, &request, &d->scan);
	if (r < 0)
		return r;
	if (!d->scan.found)
		return -ESRCH;
	*ret = d->scan.victim;
	return 0;
}

static int signal_on_request(struct daemon *d, struct process *ret)
{
	struct observation o = {.requested = true};
	int r;

	kill_send_begun(d);
	if (!daemon_take_sample(d, SAMPLE_DECISION, &o.sample))
		return -EIO;
	o.victim = kill_observe(d, NULL, &o.sample);
	o.victim_release = kill_release(d, NULL);
	(void)daemon_step(d, &o);
	daemon_wake(d);
	if (d->scan_error != 0)
		return -d->scan_error;
	if (o.scan != SCAN_VICTIM)
		return -ESRCH;
	*ret = d->scan.victim;
	switch (d->kill.state) {
	case VICTIM_MISSED:
		return -EAGAIN;
	case VICTIM_REFUSED:
		r = -d->kill.record.error;
		return r < 0 ? r : -EPERM;
	case VICTIM_NONE:
	case VICTIM_ALIVE:
	case VICTIM_DEAD:
	case VICTIM_SPARED:
		break;
	}
	return 0;
}

int daemon_kill_on_request(struct daemon *d, enum request_effect effect, struct process *ret)
{
	int r = -EAGAIN;

	if (effect == REQUEST_DRY_RUN)
		return find_on_request(d, ret);
	if (pause_stands_aside(&d->pause))
		return -EBUSY;
	/* who goes by himself before the signal was nobody's victim */
	for (unsigned i = 0; r == -EAGAIN && i < DAEMON_STEPS_PER_TICK; i++)
		r = signal_on_request(d, ret);
	return r == -EAGAIN ? -ESRCH : r;
}
