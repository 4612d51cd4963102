/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl replay": runs the policy over a trace of reapd --record, with other settings if asked
 * for, and shows what it decides and why. Needs no daemon and no privileges, and kills nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "core/replay.h"
#include "ctl/ctl.h"
#include "ctl/table.h"
#include "sys/fs.h"
#include "sys/pattern.h"

enum {
	COLUMN_LINE,
	COLUMN_TIME,
	COLUMN_ACTION,
	COLUMN_RECORDED,
	COLUMN_LEVEL,
	COLUMN_REASON,
	COLUMN_AVAILABLE,
	COLUMN_SWAP,
	COLUMN_STALL,
};

static const struct table_column columns[] = {
	[COLUMN_LINE] = {"line", TABLE_NUMBER, TABLE_DEFAULT, "of the trace"},
	[COLUMN_TIME] = {"time", TABLE_NUMBER, TABLE_DEFAULT,
			 "since the first step of the start that it belongs to, in microseconds"},
	[COLUMN_ACTION] = {"action", TABLE_TEXT, TABLE_DEFAULT, "what is decided now"},
	[COLUMN_RECORDED] = {"recorded", TABLE_TEXT, TABLE_DEFAULT, "what was decided then"},
	[COLUMN_LEVEL] = {"level", TABLE_TEXT, TABLE_DEFAULT, "calm, warning, soft or hard"},
	[COLUMN_REASON] = {"reason", TABLE_TEXT, TABLE_DEFAULT, "what the level rests on"},
	[COLUMN_AVAILABLE] = {"available", TABLE_NUMBER, TABLE_DEFAULT,
			      "available memory, in bytes"},
	[COLUMN_SWAP] = {"swap", TABLE_NUMBER, TABLE_DEFAULT,
			 "what free swap really adds, in bytes"},
	[COLUMN_STALL] = {"stall", TABLE_NUMBER, TABLE_DEFAULT,
			  "time lost to stalls, in 1/10000 of StallWindow="},
	{},
};

struct choices {
	const char *columns;
	enum table_format format;
	bool all;
	struct replay_setting settings[CONFIG_KEYS_MAX];
	unsigned settings_count;
};

struct view {
	const struct choices *choices;
	struct table *table;
	int error; /* the first of adding rows */
};

/* Steps in which nothing is done and nothing new is said are what a trace is full of. */
static bool is_worth_a_row(const struct replay_step *s)
{
	return s->now.kind != ACTION_NONE || s->now.announce ||
	       s->now.kind != s->recorded.action.kind;
}

static int add_row(struct table *t, const struct replay_step *s)
{
	const struct sample *sample = &s->recorded.observation.sample;
	const struct {
		unsigned column;
		uint64_t value;
	} numbers[] = {
		{COLUMN_LINE, s->line},
		{COLUMN_TIME, s->time_usec},
		{COLUMN_AVAILABLE, sample->mem.available_bytes},
		{COLUMN_SWAP, sample_usable_swap_bytes(sample)},
		{COLUMN_STALL, s->now.stall_permyriad},
	};
	const struct {
		unsigned column;
		const char *text;
	} texts[] = {
		{COLUMN_ACTION, action_kind_name(s->now.kind)},
		{COLUMN_RECORDED, action_kind_name(s->recorded.action.kind)},
		{COLUMN_LEVEL, level_name(s->now.level)},
		{COLUMN_REASON, reason_name(s->now.reason)},
	};
	int r = table_add_row(t);

	for (size_t i = 0; r >= 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = table_set_number(t, numbers[i].column,
				     (int64_t)u64_min(numbers[i].value, INT64_MAX));
	for (size_t i = 0; r >= 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = table_set_text(t, texts[i].column, texts[i].text);
	return r;
}

static void see(void *userdata, const struct replay_step *s)
{
	struct view *v = userdata;

	if (v->error >= 0 && (v->choices->all || is_worth_a_row(s)))
		v->error = add_row(v->table, s);
}

/* What the rows do not say; never between them, for they may be read by a program. */
static void print_remarks(const char *path, const struct replay *r)
{
	if (r->lost > 0)
		fprintf(stderr, "reapctl: %s: %" PRIu64 " steps were lost when it was recorded\n",
			path, r->lost);
	if (r->cut)
		fprintf(stderr, "reapctl: %s: a line has no end and was left out\n", path);
	if (r->ended)
		fprintf(stderr,
			"reapctl: %s: ends here: what came of a signal that was not sent is not in "
			"the trace\n",
			path);
	else if (r->parted)
		fprintf(stderr,
			"reapctl: %s: from the first other decision on, memory is as it was after "
			"the recorded one\n",
			path);
}

/* As reapd does. */
static int refuse(const char *mistake)
{
	(void)ctl_fail("%s", mistake);
	return EX_CONFIG;
}

static int print(const char *path, const char *data, size_t len, const struct choices *choices,
		 struct table *t)
{
	struct view view = {.choices = choices, .table = t};
	struct replay *r = calloc(1, sizeof(*r));
	int q;

	if (!r)
		return ctl_fail("out of memory");
	r->settings = choices->settings;
	r->settings_count = choices->settings_count;
	r->visit = see;
	r->userdata = &view;
	q = replay_run(r, data, len);
	if (q >= 0 && view.error >= 0)
		view.error = table_print(t);
	if (q == -EBADMSG)
		q = refuse(r->mistake);
	else if (q < 0 && r->line > 0)
		q = ctl_fail("%s:%u: expected %s", path, r->line, r->expected);
	else if (q < 0)
		q = ctl_fail("%s: expected %s", path, r->expected);
	else if (view.error < 0)
		q = ctl_fail("the table cannot be made: %s", strerror(-view.error));
	else if (fflush(stdout) == 0)
		print_remarks(path, r);
	free(r);
	return q;
}

static int run(const char *path, const struct choices *choices, struct table *t)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;
	int status;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ctl_fail("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ctl_fail("%s: expected a regular file", path);
	if (st.st_size == 0)
		return ctl_fail("%s: expected a trace, the file is empty", path);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return ctl_fail("%s: %s", path, strerror(errno));
	status = print(path, data, (size_t)st.st_size, choices, t);
	munmap(data, (size_t)st.st_size);
	return status;
}

static int print_help(void)
{
	puts("Usage: reapctl replay FILE [OPTION...]\n"
	     "Decide once more over a trace of reapd: of a kill, of reapctl record or of "
	     "--record=FILE.\n"
	     "\n"
	     "  --Key=value          another setting, for each key of reapd.conf(5)\n"
	     "  -a, --all            steps in which nothing is done and nothing is new, too\n"
	     "  --columns=LIST       these columns, with commas between their names\n"
	     "  -j, --json           for programs\n"
	     "  -h, --help           this text\n"
	     "\n"
	     "Columns:");
	table_print_columns(columns);
	return EXIT_SUCCESS;
}

enum { OPT_COLUMNS = 256, OPT_KEY };

static const struct option own_options[] = {
	{"all", no_argument, NULL, 'a'},
	{"columns", required_argument, NULL, OPT_COLUMNS},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
};

#define OWN_OPTIONS (sizeof(own_options) / sizeof(own_options[0]))

static void fill_table(struct option table[static OWN_OPTIONS + CONFIG_KEYS_MAX + 1])
{
	struct option *next = table + OWN_OPTIONS;

	memcpy(table, own_options, sizeof(own_options));
	for (const struct config_key *k = config_keys; k->name; k++)
		*next++ = (struct option){k->name, required_argument, NULL,
					  OPT_KEY + (int)(k - config_keys)};
	*next = (struct option){};
}

static void complain(void *userdata, const char *message)
{
	(void)userdata;
	(void)ctl_fail("%s", message);
}

static int add_setting(struct choices *c, const struct config_key *key, const char *value)
{
	struct config_loader l;

	config_loader_init(&l, complain, NULL);
	config_loader_set(&l, key, value, strlen(value), "command line", 0);
	patterns_free(patterns_new(&l)); /* no trace has names, but reapd would refuse a bad one */
	if (l.mistakes > 0)
		return EXIT_USAGE;
	for (unsigned i = 0; i < c->settings_count; i++) {
		if (c->settings[i].key == key) {
			c->settings[i].value = value; /* the last one counts, as with reapd */
			return EXIT_SUCCESS;
		}
	}
	c->settings[c->settings_count++] = (struct replay_setting){key, value};
	return EXIT_SUCCESS;
}

int ctl_replay(int argc, char **argv)
{
	struct option options[OWN_OPTIONS + CONFIG_KEYS_MAX + 1];
	struct choices choices = {};
	struct table *t;
	int option, r, status;

	fill_table(options);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":ajh", options, NULL)) >= 0) {
		switch (option) {
		case 'a':
			choices.all = true;
			break;
		case OPT_COLUMNS:
			choices.columns = optarg;
			break;
		case 'j':
			choices.format = TABLE_JSON;
			break;
		case 'h':
			return print_help();
		default:
			if (option < OPT_KEY)
				return ctl_wrong_option(argv[0], option, argv[optind - 1]);
			status = add_setting(&choices, &config_keys[option - OPT_KEY], optarg);
			if (status != EXIT_SUCCESS)
				return status;
		}
	}
	if (optind == argc) {
		(void)ctl_fail("expected a file, see reapctl replay --help");
		return EXIT_USAGE;
	}
	if (optind + 1 < argc)
		return ctl_wrong_word(argv[0], argv[optind + 1]);

	r = table_new(columns, choices.columns, choices.format, "steps", &t);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : ctl_fail("out of memory");
	status = run(argv[optind], &choices, t);
	table_free(t);
	return status;
}
