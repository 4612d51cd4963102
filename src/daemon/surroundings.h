/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is around the killing and is no killing: an administrator who wants a panic instead, other
 * daemons that kill, those who are asked to free memory before anybody has to die, a machine that
 * was suspended, and a kernel that holds the memory itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/policy.h"
#include "core/ratelimit.h"
#include "sys/tunables.h"

struct daemon;

struct surroundings {
	struct tunables tunables;
	uint64_t next_look_usec;
	int panic_on_oom;
	bool panic_said; /* that nobody is killed for the sake of it */
	bool asked;	 /* others, for memory, in this shortage */
	struct ratelimit dumps;
	bool slab_heavy; /* the kernel itself held more than everybody else, when it was looked at
			  */
	struct vmstat vmstat;
};

/* Opens what is looked at later. */
void surroundings_start(struct daemon *d);

/* What was found at start: other daemons of this kind. */
void surroundings_report_start(struct daemon *d);

/* Reads anew, every ten seconds, what somebody may have changed, and says what has. */
void surroundings_look(struct daemon *d, uint64_t now_usec);

/* For struct observation: whether an administrator wants a panic and no kill. */
bool surroundings_stand_aside(const struct daemon *d);
bool surroundings_stand_aside_of_domains(const struct daemon *d);

/* The machine was asleep for so long. */
void surroundings_report_sleep(struct daemon *d, uint64_t slept_usec);

/*
 * Asks others to free memory, once a shortage, and waits for nothing: the sample before a signal
 * shows whether it was enough. That is the kernel's oom_notify_list, before the signal instead of
 * before the selection. Everybody who is to be asked is asked from here.
 */
void surroundings_ask(struct daemon *d, const struct sample *sample, const struct action *action);

/*
 * Right after a signal, when the victim still has its memory: whether the kernel itself holds more
 * than everybody else. The report says so if it did.
 */
void surroundings_look_at_slab(struct daemon *d);
void surroundings_report_slab(struct daemon *d);
