/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap that comes and goes: whether somebody is switching it off, what then counts as free, and the
 * report of a total that has changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/memory.h"

struct daemon;

/* To be shown each sample of the host; hides from it swap that is going away. */
void swap_watch(struct daemon *d, struct sample *now);

/* Says that the total is another, and has the sampler look which swap there is. */
void swap_note(struct daemon *d, uint64_t now_usec);

/* Has it look too whenever the kernel says that there is another. 0 or negative errno. */
int swap_add_source(struct daemon *d);
