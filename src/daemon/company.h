/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who dies with a victim because they share its memory: found before the signal, held, signalled
 * with it, and put aside with it. Without them the memory of the victim would stay where it is.
 */
#pragma once

#include <stdbool.h>

#include "core/process.h"
#include "sys/sharers.h"
#include "sys/victim.h"

struct daemon;

struct company {
	unsigned count;
	struct victim members[SHARERS_MAX];
};

/*
 * Takes hold of all who share @victim's memory, in place of any company before. -EBUSY when init
 * does: nobody's death would free it. Then they are held all the same, to be put aside.
 */
int company_gather(struct daemon *d, const struct process *victim);

/*
 * Signals them; returns how many. What is killed is handed to the reaper too: the victim may be
 * gone before its memory can be released through it.
 */
unsigned company_signal(struct daemon *d, int signal);

bool company_is_dead(const struct company *c);

/* None of them is chosen from now on: their memory is the victim's, and it does not come back. */
void company_put_aside(struct daemon *d);

void company_dismiss(struct company *c);
