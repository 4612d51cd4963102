/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys, the reader of the file's syntax and of each type of value; see config.h.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "text.h"

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)

#define KEY(_section, _name, _type, _field, _preset, ...)                                 \
	{                                                                                 \
		.section = _section, .name = _name, .type = _type,                        \
		.offset = offsetof(struct config, _field), .preset = _preset, __VA_ARGS__ \
	}

/*
 * Defaults with their reasons stand in reapd.conf(5). The names in Avoid= hold a session or the
 * machine together, or leave it half installed when they die; a bias, so none of them is immune.
 */
#define DEFAULT_AVOID                                                                         \
	"^(systemd|systemd-.*|\\(sd-pam\\)|dbus-daemon|dbus-broker.*|sshd.*|login|agetty|"    \
	"Xorg|Xwayland|gnome-shell|gnome-session.*|gdm.*|sddm.*|lightdm|kwin_.*|plasmashell|" \
	"ksmserver|mutter.*|sway|Hyprland|niri|labwc|wayfire|weston|cosmic-comp|xfwm4|"       \
	"xfce4-session|tmux.*|screen|dpkg|apt|apt-get|aptitude|rpm|dnf.*|yum|zypper|pacman|"  \
	"packagekitd|unattended-upgr)$"

const struct config_key config_keys[] = {
	KEY("Limits", "WarningMemory", CONFIG_LIMIT, warning_memory, "",
	    .help = "available memory at which the journal is told (1.5 x soft)"),
	KEY("Limits", "SoftMemory", CONFIG_LIMIT, soft_memory, "10% 1G",
	    .help = "available memory at which SIGTERM is sent"),
	KEY("Limits", "HardMemory", CONFIG_LIMIT, hard_memory, "",
	    .help = "available memory at which SIGKILL is sent (half of soft)"),
	KEY("Limits", "WarningSwap", CONFIG_LIMIT, warning_swap, "",
	    .help = "free swap that goes with WarningMemory= (1.5 x soft)"),
	KEY("Limits", "SoftSwap", CONFIG_LIMIT, soft_swap, "10% 1G",
	    .help = "free swap that goes with SoftMemory="),
	KEY("Limits", "HardSwap", CONFIG_LIMIT, hard_swap, "",
	    .help = "free swap that goes with HardMemory= (half of soft)"),
	KEY("Limits", "WatchCgroups", CONFIG_CGROUPS, watch_cgroups, "",
	    .help = "control groups whose memory.max is watched too"),
	KEY("Limits", "WatchNodes", CONFIG_NODES, watch_nodes, "",
	    .help = "sets of memory nodes that are watched too"),
	KEY("Stall", "StallLimit", CONFIG_PERCENT, stall_limit_permyriad, "50%",
	    .help = "share of time lost to memory stalls that counts as thrashing"),
	KEY("Stall", "StallWindow", CONFIG_DURATION, stall_window_usec, "10s",
	    .help = "time over which StallLimit= is measured", .min = USEC_PER_SEC,
	    .max = 300 * USEC_PER_SEC),
	KEY("Kill", "TermTimeout", CONFIG_DURATION, term_timeout_usec, "5s",
	    .help = "time from SIGTERM to SIGKILL", .min = 0, .max = 600 * USEC_PER_SEC),
	KEY("Kill", "KillTimeout", CONFIG_DURATION, kill_timeout_usec, "3s",
	    .help = "time after SIGKILL until a victim that lives on is put aside",
	    .min = 100 * USEC_PER_MSEC, .max = 60 * USEC_PER_SEC),
	KEY("Kill", "Select", CONFIG_SELECT, select, "relief",
	    .help = "who dies: relief (whose memory is enough) or kernel (its choice)"),
	KEY("Kill", "SortBy", CONFIG_SORT_BY, sort_by, "badness",
	    .help = "what makes the largest victim: badness or rss"),
	KEY("Kill", "Prefer", CONFIG_PATTERN, prefer, "",
	    .help = "names to kill sooner: oom_score counts 300 more"),
	KEY("Kill", "Avoid", CONFIG_PATTERN, avoid, DEFAULT_AVOID,
	    .help = "names to kill later: oom_score counts 300 less"),
	KEY("Kill", "Ignore", CONFIG_PATTERN, ignore, "", .help = "names never to kill"),
	KEY("Kill", "IgnoreRootUser", CONFIG_BOOL, ignore_root_user, "no",
	    .help = "never kill a process of root"),
	KEY("Kill", "KillProcessGroup", CONFIG_BOOL, kill_process_group, "no",
	    .help = "kill what may be killed of its process group"),
	KEY("Kill", "RespectPanicOnOom", CONFIG_BOOL, respect_panic_on_oom, "yes",
	    .help = "kill nobody while vm.panic_on_oom asks for a panic"),
	KEY("Kill", "DryRun", CONFIG_BOOL, dry_run, "no", .help = "say what would be killed"),
	KEY("Daemon", "Log", CONFIG_LOG_TARGET, log, "auto",
	    .help = "where to write: auto, journal or stderr"),
	KEY("Daemon", "Debug", CONFIG_BOOL, debug, "no",
	    .help = "report the state of the memory at each look"),
	KEY("Daemon", "ReportInterval", CONFIG_DURATION, report_interval_usec, "0",
	    .help = "write the state of the memory so often; 0 never", .min = 0,
	    .max = 86400 * USEC_PER_SEC),
	KEY("Daemon", "TraceMemory", CONFIG_SIZE, trace_memory_bytes, "256K",
	    .help = "memory for a trace of the last minutes; 0 none", .min = 64 << 10,
	    .max = 4 << 20),
	{},
};

_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) - 1 <= CONFIG_KEYS_MAX,
	       "CONFIG_KEYS_MAX is too small");

const struct config_key *config_key_find(const char *name)
{
	for (const struct config_key *k = config_keys; k->name; k++) {
		if (strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

const char *config_type_expected(enum config_type type)
{
	switch (type) {
	case CONFIG_LIMIT:
		return "a percentage, a size or both, such as 10%, 512M or 10% 1G";
	case CONFIG_CGROUPS:
		return "absolute paths below the root of the control groups, such as /a.slice/*";
	case CONFIG_NODES:
		return "sets of memory nodes, such as 1 or 0,2-3";
	case CONFIG_PERCENT:
		return "a percentage above 0 and up to 100, such as 50%";
	case CONFIG_DURATION:
		return "a duration, such as 300ms, 5s or 1min";
	case CONFIG_SIZE:
		return "0 or a size, such as 256K";
	case CONFIG_BOOL:
		return "yes or no";
	case CONFIG_PATTERN:
		return "a regular expression of at most 1023 bytes without NUL";
	case CONFIG_SELECT:
		return "relief or kernel";
	case CONFIG_SORT_BY:
		return "badness or rss";
	case CONFIG_LOG_TARGET:
		return "auto, journal or stderr";
	}
	return "";
}

uint64_t limit_bytes(struct limit l, uint64_t total_bytes)
{
	uint64_t share = LIMIT_UNSET;

	if (l.permyriad != LIMIT_UNSET)
		share = u64_muldiv(total_bytes, l.permyriad, 10000);
	return u64_min(share, l.bytes);
}

/* A number with up to two decimals, in hundredths: "12.5" is 1250. */
static int take_hundredths(struct text *t, uint64_t *ret)
{
	struct text rest = *t;
	uint64_t value, scale = 10;
	int r = text_take_u64(&rest, &value);

	if (r < 0)
		return r;
	value = u64_mul(value, 100);
	if (rest.at < rest.end && *rest.at == '.') {
		rest.at++;
		if (rest.at >= rest.end || *rest.at < '0' || *rest.at > '9')
			return -EINVAL;
		for (; rest.at < rest.end && *rest.at >= '0' && *rest.at <= '9'; rest.at++) {
			if (scale == 0)
				return -EINVAL;
			value = u64_add(value, (uint64_t)(*rest.at - '0') * scale);
			scale /= 10;
		}
	}
	*t = rest;
	*ret = value;
	return 0;
}

static int parse_percent(struct text t, uint64_t *ret_permyriad)
{
	uint64_t value;
	int r = take_hundredths(&t, &value);

	if (r < 0)
		return r;
	if (!text_equal(t, "%"))
		return -EINVAL;
	if (value > 10000)
		return -ERANGE;
	*ret_permyriad = value;
	return 0;
}

static const struct {
	const char *suffix;
	unsigned shift;
} size_units[] = {
	{"", 0}, {"B", 0}, {"K", 10}, {"M", 20}, {"G", 30}, {"T", 40},
};

static int parse_size(struct text t, uint64_t *ret_bytes)
{
	uint64_t value;
	int r = take_hundredths(&t, &value);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
		uint64_t unit = UINT64_C(1) << size_units[i].shift, bytes;

		if (!text_equal(t, size_units[i].suffix))
			continue;
		/* "10" is more often meant to be 10% than 10 bytes, and neither is worth a guess */
		if (size_units[i].suffix[0] == '\0' && value > 0)
			return -EINVAL;
		bytes = u64_muldiv(value, unit, 100);
		if (value == UINT64_MAX || bytes >= UINT64_C(1) << 62)
			return -ERANGE;
		*ret_bytes = bytes;
		return 0;
	}
	return -EINVAL;
}

static int parse_limit(struct text t, struct limit *ret)
{
	struct limit l = {LIMIT_UNSET, LIMIT_UNSET};
	struct text word;
	int r;

	while (text_next_word(&t, &word)) {
		uint64_t *part = text_has_suffix(word, "%") ? &l.permyriad : &l.bytes;

		if (*part != LIMIT_UNSET)
			return -EINVAL;
		r = part == &l.permyriad ? parse_percent(word, part) : parse_size(word, part);
		if (r < 0)
			return r;
	}
	if (l.permyriad == LIMIT_UNSET && l.bytes == LIMIT_UNSET)
		return -EINVAL;
	*ret = l;
	return 0;
}

static const struct {
	const char *suffix;
	uint64_t usec;
} time_units[] = {
	{"", USEC_PER_SEC},	    {"us", 1},
	{"ms", USEC_PER_MSEC},	    {"s", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},	    {"m", 60 * USEC_PER_SEC},
	{"min", 60 * USEC_PER_SEC}, {"h", 3600 * USEC_PER_SEC},
};

int config_parse_duration(struct text t, uint64_t *ret_usec)
{
	uint64_t value;
	int r = take_hundredths(&t, &value);

	if (r < 0)
		return r;
	t = text_trim(t);
	for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++) {
		if (!text_equal(t, time_units[i].suffix))
			continue;
		*ret_usec = u64_muldiv(value, time_units[i].usec, 100);
		return 0;
	}
	return -EINVAL;
}

static const char *const bool_names[][2] = {
	{"no", "yes"},
	{"false", "true"},
	{"off", "on"},
	{"0", "1"},
};

int config_parse_bool(struct text t, bool *ret)
{
	for (size_t i = 0; i < sizeof(bool_names) / sizeof(bool_names[0]); i++) {
		for (int value = 0; value < 2; value++) {
			if (!text_equal(t, bool_names[i][value]))
				continue;
			*ret = value;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const select_names[] = {"relief", "kernel"};
static const char *const sort_by_names[] = {"badness", "rss"};
static const char *const log_target_names[] = {"auto", "journal", "stderr"};

static int parse_name(struct text t, const char *const *names, unsigned count, unsigned *ret)
{
	for (unsigned i = 0; i < count; i++) {
		if (text_equal(t, names[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_value(const struct config_key *key, struct text value, void *field)
{
	struct limit limit;
	uint64_t number;
	unsigned name;
	int r;

	switch (key->type) {
	case CONFIG_LIMIT:
		r = parse_limit(value, &limit);
		if (r >= 0)
			*(struct limit *)field = limit;
		return r;
	case CONFIG_CGROUPS:
		r = domain_cgroups_check(value);
		if (r >= 0)
			text_copy(value, field, PATTERN_SIZE);
		return r;
	case CONFIG_NODES:
		r = domain_nodes_check(value);
		if (r >= 0)
			text_copy(value, field, NODE_SETS_SIZE);
		return r;
	case CONFIG_PERCENT:
		r = parse_percent(value, &number);
		if (r >= 0 && number == 0)
			r = -ERANGE;
		if (r >= 0)
			*(uint64_t *)field = number;
		return r;
	case CONFIG_DURATION:
		r = config_parse_duration(value, &number);
		if (r >= 0 && (number < key->min || number > key->max))
			r = -ERANGE;
		if (r >= 0)
			*(uint64_t *)field = number;
		return r;
	case CONFIG_SIZE:
		r = parse_size(value, &number);
		if (r >= 0 && number != 0 && (number < key->min || number > key->max))
			r = -ERANGE;
		if (r >= 0)
			*(uint64_t *)field = number;
		return r;
	case CONFIG_BOOL:
		return config_parse_bool(value, field);
	case CONFIG_PATTERN:
		if (text_len(value) >= PATTERN_SIZE || memchr(value.at, '\0', text_len(value)))
			return -EINVAL;
		text_copy(value, field, PATTERN_SIZE);
		return 0;
	case CONFIG_SELECT:
		r = parse_name(value, select_names, 2, &name);
		if (r >= 0)
			*(enum select *)field = (enum select)name;
		return r;
	case CONFIG_SORT_BY:
		r = parse_name(value, sort_by_names, 2, &name);
		if (r >= 0)
			*(enum sort_by *)field = (enum sort_by)name;
		return r;
	case CONFIG_LOG_TARGET:
		r = parse_name(value, log_target_names, 3, &name);
		if (r >= 0)
			*(enum log_target *)field = (enum log_target)name;
		return r;
	}
	return -EINVAL;
}

static void set_preset(struct config *config, const struct config_key *key)
{
	void *field = (char *)config + key->offset;

	if (key->type == CONFIG_LIMIT && key->preset[0] == '\0')
		*(struct limit *)field = (struct limit){LIMIT_UNSET, LIMIT_UNSET};
	else
		/* cannot fail: a unit test reads every preset back */
		(void)parse_value(key, TEXT(key->preset, strlen(key->preset)), field);
}

void config_loader_init(struct config_loader *l, void (*complain)(void *, const char *),
			void *userdata)
{
	memset(l, 0, offsetof(struct config_loader, rule_room));
	l->complain = complain;
	l->userdata = userdata;
	l->rules.text = l->rule_room.text;
	l->rules.rules = l->rule_room.rules;
	for (const struct config_key *k = config_keys; k->name; k++)
		set_preset(&l->config, k);
}

/* As some editors begin a file. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Of each file; the rest is counted. Binary garbage has a mistake in every line. */
#define MISTAKES_TOLD 20
#define FILE_SHOWN    255

__attribute__((format(printf, 4, 5))) static void complain(struct config_loader *l,
							   const char *file, unsigned line,
							   const char *format, ...)
{
	char message[512];
	size_t file_len = strlen(file);
	int n;
	va_list args;

	l->mistakes++;
	if (l->quiet)
		return;

	/* of a long path the end, so that there is room for the rest */
	if (file_len > FILE_SHOWN)
		file += file_len - FILE_SHOWN;
	n = line > 0 ? snprintf(message, sizeof(message), "%s:%u: ", file, line)
		     : snprintf(message, sizeof(message), "%s: ", file);
	if (n < 0 || (size_t)n >= sizeof(message))
		n = 0;

	va_start(args, format);
	vsnprintf(message + n, sizeof(message) - (size_t)n, format, args);
	va_end(args);

	/* ASCII alone: a character cut in two makes journalctl show the line as "blob data" */
	for (char *c = message; *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	}
	l->complain(l->userdata, message);
}

#define SHOWN(t) (int)(text_len(t) > 60 ? 60 : text_len(t)), (t).at

void config_loader_set(struct config_loader *l, const struct config_key *key, const char *value,
		       size_t len, const char *file, unsigned line)
{
	size_t index = (size_t)(key - config_keys);
	struct text t = text_trim(TEXT(value, len));
	char range[96] = "", low[32], high[32];
	int r;

	l->origin[index].file = file;
	l->origin[index].line = line;

	/* A pattern can be emptied; for the others "Key=" means the default. */
	if (text_len(t) == 0 && key->type != CONFIG_PATTERN) {
		set_preset(&l->config, key);
		return;
	}

	/* from a command line: it would be printed as two keys */
	if (memchr(t.at, '\n', text_len(t))) {
		complain(l, file, line, "%s=%.*s: expected one line", key->name, SHOWN(t));
		return;
	}
	r = parse_value(key, t, (char *)&l->config + key->offset);
	if (r >= 0)
		return;
	if (r == -ERANGE && key->type == CONFIG_CGROUPS)
		snprintf(range, sizeof(range), ", each of at most %u bytes, and %u together",
			 DOMAIN_NAME_SIZE - 1, PATTERN_SIZE - 1);
	if (r == -ERANGE && key->type == CONFIG_NODES)
		snprintf(range, sizeof(range), ", at most %u, of nodes up to %u",
			 DOMAIN_NODE_SETS_MAX, NODES_MAX - 1);
	if (r == -ERANGE && (key->type == CONFIG_DURATION || key->type == CONFIG_SIZE)) {
		struct config bounds = {};
		uint64_t *field = (uint64_t *)((char *)&bounds + key->offset);

		*field = key->min;
		config_format(&bounds, key, low, sizeof(low));
		*field = key->max;
		config_format(&bounds, key, high, sizeof(high));
		snprintf(range, sizeof(range), ", from %s to %s", low, high);
	}
	complain(l, file, line, "%s=%.*s: expected %s%s", key->name, SHOWN(t),
		 config_type_expected(key->type), range);
}

void config_loader_complain(struct config_loader *l, const char *key_name, const char *message)
{
	size_t index = (size_t)(config_key_find(key_name) - config_keys);
	const char *file = l->origin[index].file;

	complain(l, file ? file : "default", l->origin[index].line, "%s=: %s", key_name, message);
}

void config_loader_complain_line(struct config_loader *l, const char *file, unsigned line,
				 const char *message)
{
	complain(l, file, line, "%s", message);
}

void config_loader_complain_file(struct config_loader *l, const char *file, const char *message)
{
	complain(l, file, 0, "%s", message);
}

static bool section_exists(struct text name)
{
	for (const struct config_key *k = config_keys; k->name; k++) {
		if (text_equal(name, k->section))
			return true;
	}
	return false;
}

struct parse_state {
	struct text section;
	bool section_known;
	struct rule *rule; /* of the section, where it is one's */
	unsigned line;
	unsigned seen_at[CONFIG_KEYS_MAX]; /* line in this file where each key was set */
};

static void parse_section(struct config_loader *l, const char *file, struct parse_state *s,
			  struct text line)
{
	s->section = line;
	s->section_known = false;
	s->rule = NULL;
	if (line.end[-1] != ']') {
		complain(l, file, s->line, "%.*s: expected ']' at the end of the section's name",
			 SHOWN(line));
		return;
	}
	s->section = (struct text){line.at + 1, line.end - 1};
	if (rule_is_section(s->section)) {
		s->rule = rule_begin(l, s->section, file, s->line);
		s->section_known = s->rule;
		return;
	}
	s->section_known = section_exists(s->section);
	if (!s->section_known)
		complain(l, file, s->line,
			 "[%.*s]: unknown section, expected [Limits], [Stall], [Kill], [Daemon] or "
			 "[Rule NAME]",
			 SHOWN(s->section));
}

static void parse_assignment(struct config_loader *l, const char *file, struct parse_state *s,
			     struct text line)
{
	const struct config_key *key;
	struct text name, value;
	char buf[64];

	if (!text_split(line, '=', &name, &value)) {
		complain(l, file, s->line, "%.*s: expected Key=value", SHOWN(line));
		return;
	}
	name = text_trim(name);
	if (!s->section.at) {
		complain(l, file, s->line, "%.*s=: expected a section such as [Limits] before it",
			 SHOWN(name));
		return;
	}
	if (!s->section_known)
		return; /* said once, for the section */
	if (s->rule) {
		rule_assign(l, s->rule, name, value, file, s->line);
		return;
	}

	text_copy(name, buf, sizeof(buf));
	key = config_key_find(buf);
	if (!key || !text_equal(name, key->name)) {
		complain(l, file, s->line, "%.*s=: unknown key, see reapd.conf(5)", SHOWN(name));
		return;
	}
	if (!text_equal(s->section, key->section)) {
		complain(l, file, s->line, "%s=: expected in section [%s], not [%.*s]", key->name,
			 key->section, SHOWN(s->section));
		return;
	}
	if (s->seen_at[key - config_keys] > 0) {
		complain(l, file, s->line, "%s=: expected once a file, it stands in line %u too",
			 key->name, s->seen_at[key - config_keys]);
		return;
	}
	s->seen_at[key - config_keys] = s->line;
	config_loader_set(l, key, value.at, text_len(value), file, s->line);
}

void config_loader_parse(struct config_loader *l, const char *file, const char *data, size_t len)
{
	struct text rest = TEXT(data, len), line;
	struct parse_state s = {};
	unsigned mistakes_before = l->mistakes;

	if (text_has_prefix(rest, BYTE_ORDER_MARK))
		rest.at += strlen(BYTE_ORDER_MARK);
	while (text_next_line(&rest, &line)) {
		s.line++;
		line = text_trim(line);
		if (text_len(line) == 0 || *line.at == '#' || *line.at == ';')
			continue;
		if (!l->quiet && l->mistakes - mistakes_before >= MISTAKES_TOLD) {
			complain(l, file, s.line, "too many mistakes, further ones are not shown");
			l->quiet = true;
		}
		if (*line.at == '[')
			parse_section(l, file, &s, line);
		else
			parse_assignment(l, file, &s, line);
	}
	l->quiet = false;
}

static void format_hundredths(uint64_t value, const char *suffix, char *buf, size_t size)
{
	if (value % 100 == 0)
		snprintf(buf, size, "%llu%s", (unsigned long long)(value / 100), suffix);
	else
		snprintf(buf, size, "%llu.%02llu%s", (unsigned long long)(value / 100),
			 (unsigned long long)(value % 100), suffix);
}

static void format_size_exact(uint64_t bytes, char *buf, size_t size)
{
	size_t unit = 5;

	while (unit > 1 && (bytes == 0 || bytes % (UINT64_C(1) << size_units[unit].shift) != 0))
		unit--;
	if (bytes % (UINT64_C(1) << size_units[unit].shift) != 0)
		unit = 0;
	snprintf(buf, size, "%llu%s", (unsigned long long)(bytes >> size_units[unit].shift),
		 size_units[unit].suffix);
}

static void format_limit(struct limit l, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	if (l.permyriad != LIMIT_UNSET) {
		format_hundredths(l.permyriad, "%", buf, size);
		used = strlen(buf);
	}
	if (l.bytes != LIMIT_UNSET) {
		if (used > 0 && used + 1 < size)
			buf[used++] = ' ';
		format_size_exact(l.bytes, buf + used, size - used);
	}
}

static void format_duration(uint64_t usec, char *buf, size_t size)
{
	if (usec % USEC_PER_SEC == 0)
		snprintf(buf, size, "%llus", (unsigned long long)(usec / USEC_PER_SEC));
	else if (usec % USEC_PER_MSEC == 0)
		snprintf(buf, size, "%llums", (unsigned long long)(usec / USEC_PER_MSEC));
	else
		snprintf(buf, size, "%lluus", (unsigned long long)usec);
}

void config_format(const struct config *config, const struct config_key *key, char *buf,
		   size_t size)
{
	const void *field = (const char *)config + key->offset;

	switch (key->type) {
	case CONFIG_LIMIT:
		format_limit(*(const struct limit *)field, buf, size);
		return;
	case CONFIG_PERCENT:
		format_hundredths(*(const uint64_t *)field, "%", buf, size);
		return;
	case CONFIG_DURATION:
		format_duration(*(const uint64_t *)field, buf, size);
		return;
	case CONFIG_SIZE:
		format_size_exact(*(const uint64_t *)field, buf, size);
		return;
	case CONFIG_BOOL:
		snprintf(buf, size, "%s", *(const bool *)field ? "yes" : "no");
		return;
	case CONFIG_CGROUPS:
	case CONFIG_NODES:
	case CONFIG_PATTERN:
		snprintf(buf, size, "%s", (const char *)field);
		return;
	case CONFIG_SELECT:
		snprintf(buf, size, "%s", select_names[*(const enum select *)field]);
		return;
	case CONFIG_SORT_BY:
		snprintf(buf, size, "%s", sort_by_names[*(const enum sort_by *)field]);
		return;
	case CONFIG_LOG_TARGET:
		snprintf(buf, size, "%s", log_target_names[*(const enum log_target *)field]);
		return;
	}
}
