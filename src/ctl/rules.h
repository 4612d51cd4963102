/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as the daemon would read it from its files, for the commands that judge
 * processes themselves. What the daemon was given on its command line is not known here.
 */
#pragma once

#include "core/config.h"
#include "sys/pattern.h"

struct rules {
	struct config config;
	struct patterns *patterns;
};

/* @path: NULL for the default one. Complains by itself. Returns an exit status. */
int rules_read(const char *path, const struct meminfo *mem, struct rules *ret);
void rules_done(struct rules *r);
