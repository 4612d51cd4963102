/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules: the sections [Rule NAME] of the configuration, each with keys that all have to match a
 * process and one effect that it then has. The first rule that matches decides. Shapes, the reader
 * of their keys, and the part of matching that looks at where a process comes from: its program,
 * its control group and unit. That part is done by a thread ahead of a kill (sys/identity.h); names
 * and users are compared in the scan (sys/ruling.h).
 *
 * All texts lie in one buffer, because 64 rules with room for six patterns each would be a third of
 * a megabyte of locked memory for a file that mostly has none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "text.h"

struct config_loader;

#define RULES_MAX	 64
#define RULES_TEXT_SIZE	 8192
#define RULE_NAME_SIZE	 32
#define RULE_LABEL_SIZE	 40 /* "[Rule NAME]" */
#define RULE_BADNESS_MAX 1000

/* In the order in which they are printed. Those before RULE_BADNESS have to match. */
enum rule_key {
	RULE_NAME,
	RULE_EXECUTABLE,
	RULE_CGROUP,
	RULE_UNIT,
	RULE_USER_UNIT,
	RULE_USER,
	RULE_BADNESS,
	RULE_IGNORE,
	RULE_PREFER,
	RULE_AVOID,
	RULE_KEYS,
};

extern const char *const rule_key_names[RULE_KEYS];

struct rule {
	char name[RULE_NAME_SIZE];
	uint16_t text[RULE_BADNESS]; /* where the value begins; 0: the key is not set */
	uid_t uid;		     /* of User=, when sys/ruling.c has looked it up */
	int badness;
	bool has_badness, ignore, prefer, avoid;
	bool mistaken; /* in what was told already */
	/* for mistakes, while the configuration is read; files are borrowed */
	const char *file;
	unsigned line;
	struct {
		const char *file;
		unsigned line;
	} origin[RULE_KEYS];
};

struct rule_set {
	unsigned count;
	unsigned text_used;
	char *text;
	struct rule *rules;
};

/* For as many as there can be: what is read is, and what is kept has as much as it needs. */
struct rule_room {
	char text[RULES_TEXT_SIZE];
	struct rule rules[RULES_MAX];
};

/*
 * What decided how a process counts, as a number that fits beside its other figures: 0 is nothing,
 * 1 to RULES_MAX the rule with this number less one, then these.
 */
enum rule_source {
	RULE_SOURCE_NONE,
	RULE_SOURCE_IGNORE = RULES_MAX + 1,
	RULE_SOURCE_PREFER,
	RULE_SOURCE_AVOID,
	RULE_SOURCE_PREFER_AND_AVOID,
	RULE_SOURCE_ROOT_USER,
	RULE_SOURCE_MARK_OMIT,
	RULE_SOURCE_MARK_AVOID,
};

/* Whether this is the name of a section with a rule, or is meant to be. */
bool rule_is_section(struct text section);

/* Opens the rule of "[Rule NAME]", a new one or one of before. NULL: a mistake, and told. */
struct rule *rule_begin(struct config_loader *l, struct text section, const char *file,
			unsigned line);

/* Sets one key of it. An empty value is none. */
void rule_assign(struct config_loader *l, struct rule *r, struct text key, struct text value,
		 const char *file, unsigned line);

/* What only shows at the end: a rule without a key that has to match, or without one effect. */
void rules_check(struct config_loader *l);

/* A mistake in the value of @key that only a reader further up can see. */
void rule_complain(struct config_loader *l, const struct rule *r, enum rule_key key,
		   const char *message);

/* The value of one of the keys that have to match; NULL: not set. */
const char *rule_text(const struct rule_set *s, const struct rule *r, enum rule_key key);

/* The value of any key in the syntax of the file; false: not set. */
bool rule_format(const struct rule_set *s, const struct rule *r, enum rule_key key, char *buf,
		 size_t size);

/* How people are told of an enum rule_source or of a rule: "[Rule NAME]", "Avoid=", or "". */
void rule_format_source(const struct rule_set *s, unsigned source, char *buf, size_t size);

/* Copies what is in use to where @to has room for it. */
void rules_copy(const struct rule_set *from, struct rule_set *to);

/* Where a process belongs: its control group and the units that it is named after. */
struct rule_place {
	struct text cgroup;
	struct text unit, user_unit; /* empty: none */
};

/* From the path of a control group. */
struct rule_place rule_place_of(struct text cgroup);

/* Rules as bits: those with any of these keys. */
uint64_t rules_with(const struct rule_set *s, enum rule_key first, enum rule_key last);

/* Rules as bits: those whose Cgroup=, Unit= and UserUnit= match or are not set; their Executable=.
 */
uint64_t rules_match_place(const struct rule_set *s, const struct rule_place *place);
uint64_t rules_match_executable(const struct rule_set *s, struct text path);
