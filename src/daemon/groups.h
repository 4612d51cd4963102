/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a walk through the control groups is asked for, and what it has said last: what those other
 * than the worst have lost (sys/group-pressure.h), as a sum that goes into each sample, and what
 * swap may not take (sys/group-swap.h), which does so too; and who fills a tmpfs
 * (sys/group-shmem.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/memory.h"
#include "sys/group-look.h"

struct groups {
	const struct config *config;
	bool works; /* there are such files */
	bool has_looked;
	struct group_look look;
	struct others others;
	char name[sizeof(((struct group_pressure_result *)0)->name)]; /* who lost it last */
	bool prepared; /* a look has opened what the next ones need */
	uint64_t next_usec, needed_usec;

	struct shmem_writer writer;
	uint64_t writer_usec; /* when it was named */
	uint64_t shmem_bytes; /* when it was last asked for */
	bool soon, looking, looking_at_pressure;
	bool outdated; /* the look under way began before what counts */
	uint64_t next_writer_usec;

	uint64_t barred_bytes,
		barred_usec; /* what swap may not take, and when that was asked for */
	uint64_t next_barred_usec;
	bool looking_for_barred;
};

/* Without such files it does nothing. 0 or negative errno. */
int groups_start(struct groups *g, int proc_fd);
/* Results arrive by it; the configuration is borrowed for good. 0 or negative errno. */
int groups_add_source(struct groups *g, sd_event *event, const struct config *config);

/*
 * Has the thread look when it is @asked for, five times a second at most; and once as soon as
 * memory is @low, for there to be what to compare with, and the files open, before opening one
 * takes a second. To be called with each sample.
 */
void groups_look(struct groups *g, uint64_t now_usec, bool asked, bool low);

/* What was lost up to here does not count any more: nor does what a look under way will say. */
void groups_forget(struct groups *g);

void groups_fill_sample(const struct groups *g, struct sample *s);

/* Has the thread look what swap may not take, once a second while it is @asked for. */
void groups_look_for_barred(struct groups *g, uint64_t now_usec, bool asked);

/*
 * Has the thread look who fills a tmpfs, when one is being filled: @soon, that memory is becoming
 * short. To be called with each sample.
 */
void groups_look_for_writer(struct groups *g, const struct sample *s, bool soon);

/* Who fills one now, as far as it is known; else NULL. */
const struct shmem_writer *groups_writer(const struct groups *g, uint64_t now_usec);
