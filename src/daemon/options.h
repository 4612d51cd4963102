/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: reapd's own options, each configuration key as --Key=value, and the options
 * that people know from earlyoom. They become settings of configuration keys, applied after the
 * files, at start and at each reload.
 */
#pragma once

#include <stdbool.h>

#include "core/config.h"
#include "sys/config-file.h"

#define OPTIONS_SETTINGS_MAX 128
#define OPTIONS_VALUE_SIZE   64

struct options {
	const char *config_path;
	enum config_required config_required;
	const char *record_path; /* NULL: nothing is recorded */
	bool check_config;
	bool drill_only;
	bool raise_priority;
	struct {
		const struct config_key *key;
		const char *value;
		const char *origin; /* what to call it in a message: "-m", "command line" */
	} settings[OPTIONS_SETTINGS_MAX];
	unsigned settings_count;
	bool too_many; /* settings */
	/* the values that are put together from earlyoom's options: soft and hard, each */
	char made_memory[2][OPTIONS_VALUE_SIZE], made_swap[2][OPTIONS_VALUE_SIZE];
};

enum options_outcome {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* --help, --version: printed */
	OPTIONS_WRONG, /* one line is on stderr: exit with status 2 */
};

enum options_outcome options_parse(int argc, char **argv, struct options *ret);

/* Sets what the command line said over what the files said. */
void options_apply(const struct options *o, struct config_loader *l);
