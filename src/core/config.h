/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: one table of keys that drives the file, the command line, --help and the
 * check that each key stands in the man page. Parsing is pure: text in, values and one line for
 * each mistake out; src/sys/config-file.c finds and reads the files.
 *
 * The syntax is systemd's: "[Section]", "Key=value", lines that begin with '#' or ';' are comments
 * (never the rest of a line: '#' is a useful character in a pattern), an empty value is the
 * default. This is our own reader because libeconf 0.5.1 cuts a pattern at '#', reports line 15
 * for line 3 after a line of 100 kB, takes a line without '=' for more of the one before, and
 * opens a directory with success.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "choice.h"
#include "memory.h"
#include "process.h"
#include "rule.h"
#include "text.h"

/*
 * A limit as "10%", "512M" or both ("10% 1G"): the lower of the two counts. Unset parts are
 * LIMIT_UNSET. A limit with both unset does not exist.
 */
struct limit {
	uint64_t permyriad;
	uint64_t bytes;
};

#define LIMIT_UNSET UINT64_MAX

/* The limit for a machine with @total bytes of it, or LIMIT_UNSET. */
uint64_t limit_bytes(struct limit l, uint64_t total_bytes);

enum log_target { LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, LOG_TARGET_STDERR };

#define PATTERN_SIZE   1024
#define NODE_SETS_SIZE 256

struct config {
	struct limit warning_memory;
	struct limit soft_memory;
	struct limit hard_memory;
	struct limit warning_swap;
	struct limit soft_swap;
	struct limit hard_swap;
	char watch_cgroups[PATTERN_SIZE]; /* words: see domain_cgroups_check() of domain.h */
	char watch_nodes[NODE_SETS_SIZE]; /* and domain_nodes_check() */
	uint64_t stall_limit_permyriad;
	uint64_t stall_window_usec;
	uint64_t term_timeout_usec;
	uint64_t kill_timeout_usec;
	enum select select;
	enum sort_by sort_by;
	bool ignore_root_user;
	bool kill_process_group;
	bool respect_panic_on_oom;
	bool dry_run;
	char prefer[PATTERN_SIZE];
	char avoid[PATTERN_SIZE];
	char ignore[PATTERN_SIZE];
	enum log_target log;
	bool debug;
	uint64_t report_interval_usec;
	uint64_t trace_memory_bytes;
};

enum config_type {
	CONFIG_LIMIT,
	CONFIG_CGROUPS,
	CONFIG_NODES,
	CONFIG_PERCENT,
	CONFIG_DURATION,
	CONFIG_SIZE,
	CONFIG_BOOL,
	CONFIG_PATTERN,
	CONFIG_SELECT,
	CONFIG_SORT_BY,
	CONFIG_LOG_TARGET,
};

struct config_key {
	const char *section;
	const char *name;
	enum config_type type;
	size_t offset;
	const char *preset; /* the default, in the syntax of the file */
	const char *help;   /* one line for --help */
	uint64_t min, max;  /* of a duration in microseconds, of a size that is not 0 in bytes */
};

/* The table; it ends with a key whose name is NULL. */
extern const struct config_key config_keys[];
#define CONFIG_KEYS_MAX 32

const struct config_key *config_key_find(const char *name);

/* What a value of this type looks like, for messages: "a percentage or size, such as 10% or ...".
 */
const char *config_type_expected(enum config_type type);

/*
 * A configuration under construction: the values, where each was set, and who is told about
 * mistakes. @complain gets one complete line, without newline, for each. It points into itself, so
 * it stays where it is.
 */
struct config_loader {
	struct config config;
	struct {
		const char *file; /* borrowed; NULL: the default */
		unsigned line;	  /* 0: the command line */
	} origin[CONFIG_KEYS_MAX];
	unsigned mistakes;
	bool quiet; /* enough has been told of this file */
	void (*complain)(void *userdata, const char *message);
	void *userdata;
	struct rule_set rules;	    /* in this: */
	struct rule_room rule_room; /* last: what no rule uses of it is never written to */
};

/* Sets all defaults. */
void config_loader_init(struct config_loader *l, void (*complain)(void *, const char *),
			void *userdata);

/* Sets one key from the text of its value. @file must outlive the loader. */
void config_loader_set(struct config_loader *l, const struct config_key *key, const char *value,
		       size_t len, const char *file, unsigned line);

/*
 * Reads a whole file's text. The first 20 mistakes in it are told and all are counted; good lines
 * before, between and after them count.
 */
void config_loader_parse(struct config_loader *l, const char *file, const char *data, size_t len);

/*
 * What only shows when everything is read: soft below hard, warning below soft, rules that are not
 * whole. Limits are compared for a machine with these totals, since "5%" against "1G" depends on
 * that.
 */
void config_loader_check(struct config_loader *l, uint64_t memory_total_bytes,
			 uint64_t swap_total_bytes);

/* A mistake in the value of @key_name that only a reader further up can see, with its origin. */
void config_loader_complain(struct config_loader *l, const char *key_name, const char *message);

/* A mistake in this line of a file. */
void config_loader_complain_line(struct config_loader *l, const char *file, unsigned line,
				 const char *message);

/* A mistake that concerns a whole file. */
void config_loader_complain_file(struct config_loader *l, const char *file, const char *message);

/* The value of @key in @config in the syntax of the file. */
void config_format(const struct config *config, const struct config_key *key, char *buf,
		   size_t size);

/* "yes", "off", "1". -EINVAL. */
int config_parse_bool(struct text t, bool *ret);

/* "300ms", "5s", "10min", "1h": a duration in the syntax of the file. -EINVAL, -ERANGE. */
int config_parse_duration(struct text t, uint64_t *ret_usec);
