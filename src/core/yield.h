/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a kill would give back nothing that matters: the shortage is made of what is no process's,
 * or of a victim that was killed already and does not die. Two judgements of the policy on the best
 * victim that was found, and what they are measured from.
 */
#pragma once

#include "policy.h"

/* To be shown each sample, and the level that it amounts to. */
void yield_note(struct policy *p, const struct sample *s, const struct limits *limits,
		enum level level);

/*
 * What has grown within minutes of a tmpfs, of huge pages or of the kernel itself, if this is what
 * the shortage is made of, that is at least half of what has gone since it was calm and a sixteenth
 * of the soft limit, and if the victim holds less than half as much, of any kind: then one innocent
 * after the other would have to die for it, and it would go on. What such memory took long ago does
 * not count, or nobody could be killed on a machine whose memory is huge pages; nor does it while
 * memory is short, once it has stood still for five minutes and a quarter of the soft limit has
 * gone since: that has gone to others. Else 0.
 */
uint64_t yield_gone_elsewhere(const struct policy *p, const struct observation *o);

/*
 * What those hold who were killed and put aside, if the victim is tiny beside it and beside what
 * lies between the soft limit and relief. Half a minute long: who has not died by then may never
 * do, and nobody becomes immortal for that. Else 0.
 *
 * What is available has no part in it, so that with less memory nobody dies later.
 */
uint64_t yield_held_by_stuck(const struct policy *p, const struct observation *o,
			     const struct limits *limits);
