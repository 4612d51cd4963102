/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out what the policy decided about a victim, and keeps the record of it: from the signal
 * to the report that says what came of it. One at a time, as the policy promises.
 */
#pragma once

#include "core/policy.h"
#include "daemon/daemon.h"

/*
 * TERM, KILL and ADOPT: signals the victim of the last scan and has its memory released. It is
 * @domain's, or the host's when that is NULL.
 */
void kill_begin(struct daemon *d, const struct domain_watch *domain, const struct action *action,
		const struct sample *sample, uint64_t decided_usec);

/* All about it that can wait until the signal is out; the report waits for its unit's name. */
void kill_report_begun(struct daemon *d);

/* Sends that report, if it has not been: with the next tick at the latest. */
void kill_send_begun(struct daemon *d);

/* ESCALATE. */
void kill_escalate(struct daemon *d);

/* SETTLED, RELEASED and GIVE_UP. */
void kill_end(struct daemon *d, const struct sample *sample, enum kill_outcome outcome);

/*
 * What to tell the policy about the victim, and the times at which it died and memory came back.
 * The policy of another than @domain has none.
 */
enum victim_state kill_observe(struct daemon *d, const struct domain_watch *domain,
			       const struct sample *sample);

/* What the reaper has said of it. */
enum release kill_release(const struct daemon *d, const struct domain_watch *domain);

/* The name that the namer has found. */
void kill_named(struct daemon *d, const struct victim_name *name);

/* What was done to its control groups. */
void kill_grouped(struct daemon *d, const struct cgroup_result *result);

/* A result of a reaper thread. */
void kill_reaped(struct daemon *d, const struct reap_result *result);

/* The daemon ends: what is known of a kill is said, also if that is not all. */
void kill_stop(struct daemon *d);

/* Writes the report of an ended kill that has waited long enough for the reaper. */
void kill_flush(struct daemon *d, uint64_t now_usec);
