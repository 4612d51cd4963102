/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections [Rule NAME], their keys, and where a process has to come from; see rule.h.
 */
#include "rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "glob.h"
#include "process.h"

const char *const rule_key_names[RULE_KEYS] = {
	[RULE_NAME] = "Name",	    [RULE_EXECUTABLE] = "Executable", [RULE_CGROUP] = "Cgroup",
	[RULE_UNIT] = "Unit",	    [RULE_USER_UNIT] = "UserUnit",    [RULE_USER] = "User",
	[RULE_BADNESS] = "Badness", [RULE_IGNORE] = "Ignore",	      [RULE_PREFER] = "Prefer",
	[RULE_AVOID] = "Avoid",
};

#define SECTION_WORD "Rule"

static const char *expected(enum rule_key key)
{
	switch (key) {
	case RULE_NAME:
		return "a regular expression of at most 1023 bytes without NUL";
	case RULE_EXECUTABLE:
		return "a path as a shell pattern, such as /usr/lib/*/worker";
	case RULE_CGROUP:
		return "a path below the root of the control groups as a shell pattern, such as "
		       "/batch.slice/*";
	case RULE_UNIT:
	case RULE_USER_UNIT:
		return "the name of a service or scope as a shell pattern, such as db@*.service";
	case RULE_USER:
		return "the number of a user, or a name in /etc/passwd";
	case RULE_BADNESS:
		return "a number from -1000 to +1000";
	case RULE_IGNORE:
	case RULE_PREFER:
	case RULE_AVOID:
		return "yes or no";
	case RULE_KEYS:
		break;
	}
	return "";
}

bool rule_is_section(struct text section)
{
	struct text word;

	return text_next_word(&section, &word) && text_equal(word, SECTION_WORD);
}

static bool is_rule_name(struct text name)
{
	if (text_len(name) == 0 || text_len(name) >= RULE_NAME_SIZE)
		return false;
	for (; name.at < name.end; name.at++) {
		char c = *name.at;

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

static struct rule *find_rule(struct rule_set *s, struct text name)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (text_equal(name, s->rules[i].name))
			return &s->rules[i];
	}
	return NULL;
}

static void complain_name(struct config_loader *l, struct text name, const char *file,
			  unsigned line, const char *message)
{
	int shown = (int)(text_len(name) > 60 ? 60 : text_len(name));
	char text[256];

	snprintf(text, sizeof(text), "[Rule%s%.*s]: %s", shown > 0 ? " " : "", shown,
		 shown > 0 ? name.at : "", message);
	config_loader_complain_line(l, file, line, text);
}

struct rule *rule_begin(struct config_loader *l, struct text section, const char *file,
			unsigned line)
{
	struct rule_set *s = &l->rules;
	struct rule *r;

	section.at += strlen(SECTION_WORD);
	section = text_trim(section);
	if (!is_rule_name(section)) {
		complain_name(l, section, file, line,
			      "expected [Rule NAME], with a name of at most 31 letters, digits, "
			      "'-', '_' and '.'");
		return NULL;
	}
	r = find_rule(s, section);
	if (!r && s->count == RULES_MAX) {
		complain_name(l, section, file, line, "expected at most 64 rules");
		return NULL;
	}
	if (!r) {
		r = &s->rules[s->count++];
		*r = (struct rule){};
		text_copy(section, r->name, sizeof(r->name));
	}
	r->file = file;
	r->line = line;
	return r;
}

/* Of the rule as a whole or, with a key, of one value of it. */
static void complain(struct config_loader *l, const struct rule *r, const char *key,
		     struct text value, const char *file, unsigned line, const char *message)
{
	int shown = (int)(text_len(value) > 60 ? 60 : text_len(value));
	char text[384];

	snprintf(text, sizeof(text), "[Rule %s]%s%s%s%.*s: %s", r->name, key ? " " : "",
		 key ? key : "", key ? "=" : "", shown, shown > 0 ? value.at : "", message);
	config_loader_complain_line(l, file, line, text);
}

void rule_complain(struct config_loader *l, const struct rule *r, enum rule_key key,
		   const char *message)
{
	const char *value = rule_text(&l->rules, r, key);

	complain(l, r, rule_key_names[key], TEXT(value, value ? strlen(value) : 0),
		 r->origin[key].file, r->origin[key].line, message);
}

static bool is_unit(struct text t)
{
	return text_len(t) > 0 && !memchr(t.at, '/', text_len(t)) &&
	       (text_has_suffix(t, ".service") || text_has_suffix(t, ".scope") ||
		memchr("*?]", t.end[-1], 3));
}

static bool is_user(struct text t)
{
	return !memchr(t.at, ':', text_len(t)) && !memchr(t.at, ' ', text_len(t));
}

static int check_text(enum rule_key key, struct text value)
{
	if (text_len(value) >= PATTERN_SIZE || memchr(value.at, '\0', text_len(value)))
		return -EINVAL;
	switch (key) {
	case RULE_NAME:
		return 0;
	case RULE_EXECUTABLE:
	case RULE_CGROUP:
		if (*value.at != '/' && *value.at != '*')
			return -EINVAL;
		return glob_check(value);
	case RULE_UNIT:
	case RULE_USER_UNIT:
		return is_unit(value) ? glob_check(value) : -EINVAL;
	case RULE_USER:
		return is_user(value) ? 0 : -EINVAL;
	case RULE_BADNESS:
	case RULE_IGNORE:
	case RULE_PREFER:
	case RULE_AVOID:
	case RULE_KEYS:
		break;
	}
	return -EINVAL;
}

/* What a key of the same rule had before stays in the buffer: the next reading starts anew. */
static int set_text(struct rule_set *s, struct rule *r, enum rule_key key, struct text value)
{
	size_t len = text_len(value);

	if (s->text_used == 0)
		s->text_used = 1; /* 0 is "not set" */
	if (s->text_used + len + 1 > RULES_TEXT_SIZE)
		return -ENOSPC;
	text_copy(value, s->text + s->text_used, RULES_TEXT_SIZE - s->text_used);
	r->text[key] = (uint16_t)s->text_used;
	s->text_used += (unsigned)len + 1;
	return 0;
}

static int set_badness(struct rule *r, struct text value)
{
	bool plus = text_has_prefix(value, "+");
	int64_t badness;

	if (plus)
		value.at++;
	if (text_len(value) == 0 || (plus && (*value.at < '0' || *value.at > '9')) ||
	    text_to_i64(value, &badness) < 0 || badness < -RULE_BADNESS_MAX ||
	    badness > RULE_BADNESS_MAX)
		return -EINVAL;
	r->badness = (int)badness;
	r->has_badness = true;
	return 0;
}

static void unset(struct rule *r, enum rule_key key)
{
	switch (key) {
	case RULE_NAME:
	case RULE_EXECUTABLE:
	case RULE_CGROUP:
	case RULE_UNIT:
	case RULE_USER_UNIT:
	case RULE_USER:
		r->text[key] = 0;
		return;
	case RULE_BADNESS:
		r->has_badness = false;
		return;
	case RULE_IGNORE:
		r->ignore = false;
		return;
	case RULE_PREFER:
		r->prefer = false;
		return;
	case RULE_AVOID:
		r->avoid = false;
		return;
	case RULE_KEYS:
		return;
	}
}

static int set(struct rule_set *s, struct rule *r, enum rule_key key, struct text value)
{
	int error;

	switch (key) {
	case RULE_NAME:
	case RULE_EXECUTABLE:
	case RULE_CGROUP:
	case RULE_UNIT:
	case RULE_USER_UNIT:
	case RULE_USER:
		error = check_text(key, value);
		return error < 0 ? error : set_text(s, r, key, value);
	case RULE_BADNESS:
		return set_badness(r, value);
	case RULE_IGNORE:
		return config_parse_bool(value, &r->ignore);
	case RULE_PREFER:
		return config_parse_bool(value, &r->prefer);
	case RULE_AVOID:
		return config_parse_bool(value, &r->avoid);
	case RULE_KEYS:
		break;
	}
	return -EINVAL;
}

static enum rule_key find_key(struct text name)
{
	enum rule_key key = 0;

	while (key < RULE_KEYS && !text_equal(name, rule_key_names[key]))
		key++;
	return key;
}

void rule_assign(struct config_loader *l, struct rule *r, struct text name, struct text value,
		 const char *file, unsigned line)
{
	enum rule_key key = find_key(name);
	char word[61], message[128];
	int error;

	if (key == RULE_KEYS) {
		text_copy(name, word, sizeof(word));
		r->mistaken = true;
		complain(l, r, word, (struct text){}, file, line,
			 "unknown key of a rule, see reapd.conf(5)");
		return;
	}
	if (r->origin[key].line > 0 && r->origin[key].file == file) {
		snprintf(message, sizeof(message), "expected once a file, it stands in line %u too",
			 r->origin[key].line);
		complain(l, r, rule_key_names[key], (struct text){}, file, line, message);
		return;
	}
	r->origin[key].file = file;
	r->origin[key].line = line;
	value = text_trim(value);
	unset(r, key);
	if (text_len(value) == 0)
		return;
	error = set(&l->rules, r, key, value);
	if (error >= 0)
		return;
	r->mistaken = true;
	snprintf(message, sizeof(message), "expected %s",
		 error == -ENOSPC ? "at most 8 KiB of patterns in all rules together"
				  : expected(key));
	complain(l, r, rule_key_names[key], value, file, line, message);
}

static bool has_any(const struct rule *r, enum rule_key first, enum rule_key last)
{
	for (enum rule_key key = first; key <= last; key++) {
		if (r->text[key] != 0)
			return true;
	}
	return false;
}

void rules_check(struct config_loader *l)
{
	for (unsigned i = 0; i < l->rules.count; i++) {
		const struct rule *r = &l->rules.rules[i];

		if (r->mistaken)
			continue;
		if (!has_any(r, RULE_NAME, RULE_USER))
			complain(l, r, NULL, (struct text){}, r->file, r->line,
				 "it matches everybody: expected at least one of Name=, "
				 "Executable=, Cgroup=, Unit=, UserUnit= and User=");
		if (r->has_badness + r->ignore + r->prefer + r->avoid != 1)
			complain(l, r, NULL, (struct text){}, r->file, r->line,
				 "expected one of Badness=, Ignore=yes, Prefer=yes and Avoid=yes");
	}
}

const char *rule_text(const struct rule_set *s, const struct rule *r, enum rule_key key)
{
	return key < RULE_BADNESS && r->text[key] != 0 ? s->text + r->text[key] : NULL;
}

bool rule_format(const struct rule_set *s, const struct rule *r, enum rule_key key, char *buf,
		 size_t size)
{
	const char *text = rule_text(s, r, key);

	if (key == RULE_BADNESS) {
		snprintf(buf, size, "%+d", r->badness);
		return r->has_badness;
	}
	snprintf(buf, size, "%s", text ? text : "yes");
	return text || (key == RULE_IGNORE && r->ignore) || (key == RULE_PREFER && r->prefer) ||
	       (key == RULE_AVOID && r->avoid);
}

void rule_format_source(const struct rule_set *s, unsigned source, char *buf, size_t size)
{
	static const char *const names[] = {
		"Ignore=",	   "Prefer=",	     "Avoid=",		"Prefer=, Avoid=",
		"IgnoreRootUser=", "user.oomd_omit", "user.oomd_avoid",
	};

	buf[0] = '\0';
	if (source > RULES_MAX && source - RULE_SOURCE_IGNORE < sizeof(names) / sizeof(names[0]))
		snprintf(buf, size, "%s", names[source - RULE_SOURCE_IGNORE]);
	else if (source > 0 && source <= s->count)
		snprintf(buf, size, "[Rule %s]", s->rules[source - 1].name);
}

void rules_copy(const struct rule_set *from, struct rule_set *to)
{
	to->count = from->count;
	to->text_used = from->text_used;
	memcpy(to->text, from->text, from->text_used);
	memcpy(to->rules, from->rules, from->count * sizeof(from->rules[0]));
}

struct rule_place rule_place_of(struct text cgroup)
{
	struct rule_place place = {.cgroup = cgroup};

	/* in no unit: both stay empty */
	(void)cgroup_path_units(cgroup, &place.unit, &place.user_unit);
	return place;
}

uint64_t rules_with(const struct rule_set *s, enum rule_key first, enum rule_key last)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < s->count; i++)
		bits |= (uint64_t)has_any(&s->rules[i], first, last) << i;
	return bits;
}

static bool key_matches(const struct rule_set *s, const struct rule *r, enum rule_key key,
			struct text value)
{
	const char *pattern = rule_text(s, r, key);

	return !pattern || (value.at && glob_match(TEXT(pattern, strlen(pattern)), value));
}

uint64_t rules_match_place(const struct rule_set *s, const struct rule_place *place)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < s->count; i++) {
		const struct rule *r = &s->rules[i];
		bool matches = key_matches(s, r, RULE_CGROUP, place->cgroup) &&
			       key_matches(s, r, RULE_UNIT, place->unit) &&
			       key_matches(s, r, RULE_USER_UNIT, place->user_unit);

		bits |= (uint64_t)matches << i;
	}
	return bits;
}

uint64_t rules_match_executable(const struct rule_set *s, struct text path)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < s->count; i++)
		bits |= (uint64_t)key_matches(s, &s->rules[i], RULE_EXECUTABLE, path) << i;
	return bits;
}
