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

/* Whether somebody is in swapoff(2). */
bool swap_goes_off(const struct daemon *d, uint64_t now_usec);

/* To be shown each sample of the host; hides from it swap that is going away. */
void swap_watch(struct daemon *d, struct sample *now);

/* Says that the total is another, and has the sampler look which swap there is. */
void swap_note(struct daemon *d, uint64_t now_usec);
