/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds and reads the configuration: a file, then its drop-ins, the files *.conf in the directory
 * of the same name with ".d" appended, in the order of their names. What a later one sets counts.
 */
#pragma once

#include "core/config.h"

/*
 * The names of the files that were read; the loader's origins point into it, so it has to outlive
 * the loader.
 */
struct config_files {
	char **names;
	unsigned count;
};

/* Whether a file that does not exist is a mistake. */
enum config_required { CONFIG_OPTIONAL, CONFIG_REQUIRED };

/*
 * All mistakes go to the loader: a file that cannot be read, is no regular file or is longer than
 * 1 MiB among them. -ENOMEM is the only failure.
 */
int config_files_read(struct config_loader *l, const char *path, enum config_required required,
		      struct config_files *files);
void config_files_done(struct config_files *files);
