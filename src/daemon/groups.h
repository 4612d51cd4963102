/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps what control groups other than the worst have lost (sys/group-pressure.h), as a sum that
 * goes into each sample.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/memory.h"
#include "sys/group-pressure.h"

struct daemon;

struct groups {
	bool works; /* there are such files */
	bool has_looked;
	struct group_pressure pressure;
	struct others others;
	char name[sizeof(((struct group_pressure_result *)0)->name)]; /* who lost it last */
	uint64_t next_usec;
};

/* Without such files it does nothing. 0 or negative errno. */
int groups_start(struct groups *g);
int groups_add_source(struct daemon *d);

/* Has the thread look, if it is time again. */
void groups_look(struct groups *g, uint64_t now_usec);

void groups_fill_sample(const struct groups *g, struct sample *s);
