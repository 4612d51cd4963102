/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * getopt_long(3) over a table that is put together from ours and core's; see options.h.
 */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build-config.h"
#include "sys/pattern.h"

enum {
	OPT_CONFIG = 256,
	OPT_DRY_RUN,
	OPT_CHECK_CONFIG,
	OPT_DRILL,
	OPT_RECORD,
	OPT_LOG,
	OPT_PREFER,
	OPT_AVOID,
	OPT_IGNORE,
	OPT_SORT_BY_RSS,
	OPT_IGNORE_ROOT_USER,
	OPT_SYSLOG,
	OPT_KEY, /* and those after it: the keys of the table */
};

static const struct option own_options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"dryrun", no_argument, NULL, OPT_DRY_RUN},
	{"check-config", no_argument, NULL, OPT_CHECK_CONFIG},
	{"drill", no_argument, NULL, OPT_DRILL},
	{"record", required_argument, NULL, OPT_RECORD},
	{"log", required_argument, NULL, OPT_LOG},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"prefer", required_argument, NULL, OPT_PREFER},
	{"avoid", required_argument, NULL, OPT_AVOID},
	{"ignore", required_argument, NULL, OPT_IGNORE},
	{"sort-by-rss", no_argument, NULL, OPT_SORT_BY_RSS},
	{"ignore-root-user", no_argument, NULL, OPT_IGNORE_ROOT_USER},
	{"syslog", no_argument, NULL, OPT_SYSLOG},
	{"debug", no_argument, NULL, 'd'},
};

#define OWN_OPTIONS (sizeof(own_options) / sizeof(own_options[0]))

static const char short_options[] = ":m:s:M:S:r:nN:P:w:dgikpvh";

static const char help_head[] =
	"Usage: reapd [OPTION...]\n"
	"End a process before the kernel's out-of-memory killer has to.\n"
	"\n"
	"  --config=FILE        read FILE and FILE.d/*.conf instead of " REAPD_CONFIG_FILE "\n"
	"  --check-config       say what is wrong with the configuration, or print it, and exit\n"
	"  --dry-run            say what would be killed, kill nothing\n"
	"  --drill              kill a child of its own to prove that it can, and exit\n"
	"  --record=FILE        add all that is seen and decided to FILE, for reapctl replay\n"
	"  --log=TARGET         auto, journal or stderr\n"
	"  -p                   raise its own priority\n"
	"  -h, --help           this text\n"
	"  -v, --version        the version\n"
	"\n"
	"As earlyoom has them:\n"
	"  -m PERCENT[,PERCENT] available memory for SIGTERM and SIGKILL\n"
	"  -s PERCENT[,PERCENT] free swap for SIGTERM and SIGKILL\n"
	"  -M SIZE[,SIZE]       available memory as a size, in KiB when bare\n"
	"  -S SIZE[,SIZE]       free swap as a size, in KiB when bare\n"
	"  -r SECONDS           report the state of the memory so often, 0 never\n"
	"  -g                   kill what may be killed of its process group\n"
	"  -d, --debug          report the state of the memory at each look\n"
	"  --prefer=REGEX, --avoid=REGEX, --ignore=REGEX\n"
	"                       names to kill sooner, later or never\n"
	"  --sort-by-rss        the largest resident process instead of the highest badness\n"
	"  --ignore-root-user   never kill a process of root\n"
	"  --dryrun, --syslog   the same as --dry-run and --log=journal\n"
	"  -w SECONDS           time after SIGKILL until a victim that lives on is put aside\n"
	"  -n, -N PROGRAM, -P PROGRAM, -i, -k\n"
	"                       accepted, without effect: see reapd(8)\n"
	"\n"
	"Each key of reapd.conf(5), which see, as --Key=value (default):\n";

static void print_help(void)
{
	char preset[40];

	fputs(help_head, stdout);
	for (const struct config_key *k = config_keys; k->name; k++) {
		int width = printf("  --%s=", k->name);

		if (strlen(k->preset) < sizeof(preset))
			snprintf(preset, sizeof(preset), "%s", k->preset);
		else
			snprintf(preset, sizeof(preset), "see reapd.conf(5)");
		printf("%*s%s%s%s%s\n", width < 23 ? 23 - width : 1, "", k->help,
		       preset[0] ? " (" : "", preset, preset[0] ? ")" : "");
	}
	puts("\nRules, in sections [Rule NAME], are for files alone.\n"
	     "\nSee reapd(8) and reapd.conf(5).");
}

static void set(struct options *o, const char *key, const char *value, const char *origin)
{
	if (o->settings_count == OPTIONS_SETTINGS_MAX) {
		o->too_many = true;
		return;
	}
	o->settings[o->settings_count].key = config_key_find(key);
	o->settings[o->settings_count].value = value;
	o->settings[o->settings_count].origin = origin;
	o->settings_count++;
}

void options_apply(const struct options *o, struct config_loader *l)
{
	for (unsigned i = 0; i < o->settings_count; i++)
		config_loader_set(l, o->settings[i].key, o->settings[i].value,
				  strlen(o->settings[i].value), o->settings[i].origin, 0);
}

/* What earlyoom's options have said of one resource, each as "A,B": soft and hard; or NULL. */
struct limits_said {
	const char *percent, *bytes;
};

/* "10" and "%" or "400000" and "K"; a size may bring its own unit. */
static void append_part(char *buf, size_t size, const char *value, size_t len, const char *unit)
{
	bool bare = len == 0 || (value[len - 1] >= '0' && value[len - 1] <= '9');
	size_t used = strlen(buf);

	snprintf(buf + used, size - used, "%s%.*s%s", used > 0 ? " " : "",
		 (int)(len < 24 ? len : 24), value, bare ? unit : "");
}

/* What earlyoom takes for the second value when there is only one: half of the first. */
static void append_half(char *buf, size_t size, const char *value, const char *unit)
{
	char *end, half[40];
	double number = strtod(value, &end);

	snprintf(half, sizeof(half), "%.2f%.20s", number / 2, *end ? end : unit);
	append_part(buf, size, half, strlen(half), unit);
}

/*
 * -m and -M together: "10% 400000K", of which the lower counts. Set anew with each of both, in the
 * same memory, so that it has the place of the last.
 */
static void set_limits(struct options *o, const struct limits_said *said, const char *origin,
		       const char *soft_key, const char *hard_key,
		       char made[static 2][OPTIONS_VALUE_SIZE])
{
	const struct {
		const char *text, *unit;
	} parts[] = {{said->percent, "%"}, {said->bytes, "K"}};
	char *soft = made[0], *hard = made[1];

	soft[0] = hard[0] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		const char *text = parts[i].text, *comma;

		if (!text)
			continue;
		comma = strchr(text, ',');
		append_part(soft, OPTIONS_VALUE_SIZE, text,
			    comma ? (size_t)(comma - text) : strlen(text), parts[i].unit);
		if (comma)
			append_part(hard, OPTIONS_VALUE_SIZE, comma + 1, strlen(comma + 1),
				    parts[i].unit);
		else
			append_half(hard, OPTIONS_VALUE_SIZE, text, parts[i].unit);
	}
	set(o, soft_key, soft, origin);
	set(o, hard_key, hard, origin);
}

static void say_without_effect(int option)
{
	if (option == 'i')
		fputs("reapd: -i has no effect: protect processes with Avoid= or Ignore=\n",
		      stderr);
	else if (option == 'k')
		fputs("reapd: -k has no effect: the kernel's own killer is never asked\n", stderr);
	else if (option == 'P')
		fputs("reapd: -P has no effect: for what is to happen before a kill, see \"Asking "
		      "others\" in reapd(8)\n",
		      stderr);
	else
		fprintf(stderr,
			"reapd: -%c has no effect: react to the journal entries of a kill, see "
			"EXAMPLES in reapd(8)\n",
			option);
}

static void complain_on_stderr(void *userdata, const char *message)
{
	bool *said = userdata;

	if (!*said)
		fprintf(stderr, "reapd: %s\n", message);
	*said = true;
}

/* Wrong values on the command line are wrong usage, whatever the files say. */
static bool settings_are_right(const struct options *o)
{
	struct config_loader *l = malloc(sizeof(*l));
	bool said = false, right;

	if (!l) {
		complain_on_stderr(&said, "out of memory");
		return false;
	}
	config_loader_init(l, complain_on_stderr, &said);
	options_apply(o, l);
	patterns_free(patterns_new(l));
	right = l->mistakes == 0;
	free(l);
	return right;
}

/* Options that do no more than set one key, to what follows them or to a fixed value. */
static const struct {
	int option;
	const char *key;
	const char *value; /* NULL: the option's own */
	const char *origin;
} setting_options[] = {
	{OPT_DRY_RUN, "DryRun", "yes", "--dry-run"},
	{OPT_LOG, "Log", NULL, "--log"},
	{OPT_SYSLOG, "Log", "journal", "--syslog"},
	{OPT_PREFER, "Prefer", NULL, "--prefer"},
	{OPT_AVOID, "Avoid", NULL, "--avoid"},
	{OPT_IGNORE, "Ignore", NULL, "--ignore"},
	{OPT_SORT_BY_RSS, "SortBy", "rss", "--sort-by-rss"},
	{OPT_IGNORE_ROOT_USER, "IgnoreRootUser", "yes", "--ignore-root-user"},
	{'r', "ReportInterval", NULL, "-r"},
	{'w', "KillTimeout", NULL, "-w"},
	{'g', "KillProcessGroup", "yes", "-g"},
	{'d', "Debug", "yes", "-d"},
};

static bool set_simple(struct options *o, int option)
{
	if (option >= OPT_KEY) {
		set(o, config_keys[option - OPT_KEY].name, optarg, "command line");
		return true;
	}
	for (size_t i = 0; i < sizeof(setting_options) / sizeof(setting_options[0]); i++) {
		if (setting_options[i].option != option)
			continue;
		set(o, setting_options[i].key,
		    setting_options[i].value ? setting_options[i].value : optarg,
		    setting_options[i].origin);
		return true;
	}
	return false;
}

/* getopt_long()'s table: our own options and one for each key. */
static void fill_table(struct option table[static OWN_OPTIONS + CONFIG_KEYS_MAX + 1])
{
	struct option *next = table + OWN_OPTIONS;

	memcpy(table, own_options, sizeof(own_options));
	for (const struct config_key *k = config_keys; k->name; k++)
		*next++ = (struct option){k->name, required_argument, NULL,
					  OPT_KEY + (int)(k - config_keys)};
	*next = (struct option){};
}

static enum options_outcome wrong(const char *word, const char *expected)
{
	char shown[64];

	snprintf(shown, sizeof(shown), "%s", word);
	for (char *c = shown; *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?'; /* one line, whatever the word holds */
	}
	fprintf(stderr, "reapd: %s: expected %s, see reapd --help\n", shown, expected);
	return OPTIONS_WRONG;
}

/* getopt_long() is not yet past the word when it stumbles inside one such as -xd. */
static enum options_outcome wrong_option(const char *word)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	bool is_short = optopt > 0 && optopt < 128 && !strchr(short_options, optopt);

	/* of a long one that is known it is its number */
	if (optopt != 0 && !is_short && strncmp(word, "--", 2) == 0)
		return wrong(word, "no value");
	return wrong(is_short ? letter : word, "a known option");
}

/* "10" or "10,5"; in a configuration an empty value is the default, here it is a slip. */
static bool pair_is_whole(const char *text)
{
	const char *comma = strchr(text, ',');

	return text[0] != '\0' && comma != text && !(comma && comma[1] == '\0');
}

static const char *pair_name(int option)
{
	return option == 'm' ? "-m" : option == 'M' ? "-M" : option == 's' ? "-s" : "-S";
}

static bool set_pair(struct options *o, int option, struct limits_said *memory,
		     struct limits_said *swap)
{
	bool is_memory = option == 'm' || option == 'M';
	struct limits_said *said = is_memory ? memory : swap;

	if (!pair_is_whole(optarg))
		return false;
	*(option == 'm' || option == 's' ? &said->percent : &said->bytes) = optarg;
	set_limits(o, said, pair_name(option), is_memory ? "SoftMemory" : "SoftSwap",
		   is_memory ? "HardMemory" : "HardSwap",
		   is_memory ? o->made_memory : o->made_swap);
	return true;
}

enum options_outcome options_parse(int argc, char **argv, struct options *ret)
{
	struct option table[OWN_OPTIONS + CONFIG_KEYS_MAX + 1];
	struct limits_said memory = {}, swap = {};
	struct options *o = ret;
	int option;

	*o = (struct options){.config_path = REAPD_CONFIG_FILE, .config_required = CONFIG_OPTIONAL};
	fill_table(table);
	opterr = 0;
	while ((option = getopt_long(argc, argv, short_options, table, NULL)) >= 0) {
		switch (option) {
		case OPT_CONFIG:
			o->config_path = optarg;
			o->config_required = CONFIG_REQUIRED;
			break;
		case OPT_CHECK_CONFIG:
			o->check_config = true;
			break;
		case OPT_DRILL:
			o->drill_only = true;
			break;
		case OPT_RECORD:
			o->record_path = optarg;
			break;
		case 'm':
		case 'M':
		case 's':
		case 'S':
			if (!set_pair(o, option, &memory, &swap))
				return wrong(pair_name(option),
					     "one value, or two with a comma between");
			break;
		case 'p':
			o->raise_priority = true;
			break;
		case 'n':
		case 'N':
		case 'P':
		case 'i':
		case 'k':
			say_without_effect(option);
			break;
		case 'h':
			print_help();
			return OPTIONS_DONE;
		case 'v':
			puts("reapd " REAPD_VERSION);
			return OPTIONS_DONE;
		case ':':
			return wrong(argv[optind - 1], "a value after it");
		default:
			if (!set_simple(o, option))
				return wrong_option(argv[optind - 1]);
		}
		if (o->too_many)
			return wrong("command line", "no more than 128 settings");
	}
	if (optind < argc)
		return wrong(argv[optind], "options only");
	return settings_are_right(o) ? OPTIONS_RUN : OPTIONS_WRONG;
}
