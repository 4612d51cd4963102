/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl candidates": every process as the kernel's killer would see it, with the badness, the
 * verdict and the one that would be chosen now. The scan is the daemon's own, run here, so it needs
 * no daemon, and shows its choice also where none runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libproc2/pids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/text.h"
#include "ctl/bus.h"
#include "ctl/ctl.h"
#include "ctl/rules.h"
#include "ctl/table.h"
#include "daemon/control.h"
#include "sys/fs.h"
#include "sys/sampler.h"
#include "sys/scan.h"

enum {
	COLUMN_PID,
	COLUMN_TID,
	COLUMN_UID,
	COLUMN_USER,
	COLUMN_TOTAL_VM,
	COLUMN_RSS,
	COLUMN_RSS_ANON,
	COLUMN_RSS_FILE,
	COLUMN_RSS_SHMEM,
	COLUMN_PGTABLES_BYTES,
	COLUMN_SWAPENTS,
	COLUMN_OOM_SCORE_ADJ,
	COLUMN_NAME,
	COLUMN_BADNESS,
	COLUMN_OOM_SCORE,
	COLUMN_VERDICT,
	COLUMN_BIAS,
	COLUMN_RULE,
	COLUMN_STATE,
	COLUMN_PPID,
};

/* Up to name as dump_tasks() of mm/oom_kill.c has them. */
static const struct table_column columns[] = {
	[COLUMN_PID] = {"pid", TABLE_NUMBER, TABLE_DEFAULT, "process"},
	[COLUMN_TID] =
		{"tid", TABLE_NUMBER, TABLE_JSON_DEFAULT,
		 "the thread its memory was read from: another one when the first has exited"},
	[COLUMN_UID] = {"uid", TABLE_NUMBER, TABLE_JSON_DEFAULT, "real user"},
	[COLUMN_USER] = {"user", TABLE_TEXT, TABLE_DEFAULT, "the name of that user"},
	[COLUMN_TOTAL_VM] = {"total_vm", TABLE_NUMBER, TABLE_JSON_DEFAULT,
			     "address space, in pages"},
	[COLUMN_RSS] = {"rss", TABLE_NUMBER, TABLE_DEFAULT, "resident, in pages: the next three"},
	[COLUMN_RSS_ANON] = {"rss_anon", TABLE_NUMBER, TABLE_JSON_DEFAULT, "anonymous, in pages"},
	[COLUMN_RSS_FILE] = {"rss_file", TABLE_NUMBER, TABLE_JSON_DEFAULT, "of files, in pages"},
	[COLUMN_RSS_SHMEM] = {"rss_shmem", TABLE_NUMBER, TABLE_JSON_DEFAULT,
			      "shared memory and tmpfs, in pages"},
	[COLUMN_PGTABLES_BYTES] = {"pgtables_bytes", TABLE_NUMBER, TABLE_JSON_DEFAULT,
				   "page tables"},
	[COLUMN_SWAPENTS] = {"swapents", TABLE_NUMBER, TABLE_DEFAULT, "in swap, in pages"},
	[COLUMN_OOM_SCORE_ADJ] = {"oom_score_adj", TABLE_NUMBER, TABLE_DEFAULT,
				  "as set for it, -1000 to 1000"},
	[COLUMN_NAME] = {"name", TABLE_TEXT, TABLE_DEFAULT, "of the thread"},
	[COLUMN_BADNESS] = {"badness", TABLE_NUMBER, TABLE_DEFAULT,
			    "rss, swapents, page tables and oom_score_adj together, in pages"},
	[COLUMN_OOM_SCORE] = {"oom_score", TABLE_NUMBER, TABLE_JSON_DEFAULT,
			      "the same as the kernel shows it; 0 for whom it would never choose"},
	[COLUMN_VERDICT] = {"verdict", TABLE_TEXT, TABLE_DEFAULT,
			    "victim, eligible, or why it cannot be chosen"},
	[COLUMN_BIAS] = {"bias", TABLE_NUMBER, TABLE_DEFAULT,
			 "what rules add to badness, in pages"},
	[COLUMN_RULE] = {"rule", TABLE_TEXT, TABLE_DEFAULT,
			 "which rule, key or mark that was, or made the verdict"},
	[COLUMN_STATE] = {"state", TABLE_TEXT, TABLE_ON_REQUEST, "as in ps(1)"},
	[COLUMN_PPID] = {"ppid", TABLE_NUMBER, TABLE_ON_REQUEST, "parent"},
	{},
};

struct choices {
	const char *config_path;
	const char *columns;
	enum table_format format;
	bool all;
};

/* Names of users, one look-up each. */
struct user {
	uid_t uid;
	char name[64];
};

struct candidates {
	const struct choices *choices;
	uint64_t total_pages;
	uint64_t page_size;
	const struct rule_set *rules;
	enum sort_by sort_by;
	struct process *processes;
	size_t count, capacity;
	bool out_of_memory;
	struct process_id victim;
	struct user *users;
	size_t users_count;
};

static void candidates_done(struct candidates *c)
{
	free(c->processes);
	free(c->users);
}

static void add_process(void *userdata, const struct process *p)
{
	struct candidates *c = userdata;

	if (!c->choices->all && (p->verdict == VERDICT_KTHREAD || p->verdict == VERDICT_NO_MM))
		return;
	if (c->count == c->capacity) {
		size_t capacity = c->capacity > 0 ? c->capacity * 2 : 256;
		struct process *grown = reallocarray(c->processes, capacity, sizeof(*grown));

		if (!grown) {
			c->out_of_memory = true;
			return;
		}
		c->processes = grown;
		c->capacity = capacity;
	}
	c->processes[c->count++] = *p;
}

/* As a scan compares them, protected ones among the others. */
static int compare(const void *a, const void *b, void *userdata)
{
	const struct candidates *c = userdata;

	return process_beats(a, b, c->sort_by) ? -1 : process_beats(b, a, c->sort_by);
}

static const char *find_user(const struct candidates *c, uid_t uid)
{
	for (size_t i = 0; i < c->users_count; i++) {
		if (c->users[i].uid == uid)
			return c->users[i].name;
	}
	return NULL;
}

/* By a process of that user's, for libproc2 has no other question to ask it. */
static int look_up_user(struct candidates *c, struct pids_info *info, const struct process *p)
{
	struct user *grown = reallocarray(c->users, c->users_count + 1, sizeof(*grown)), *user;
	unsigned pid = (unsigned)p->id.pid;
	struct pids_fetch *fetch;

	if (!grown)
		return -ENOMEM;
	c->users = grown;
	user = &c->users[c->users_count++];
	user->uid = p->uid;
	snprintf(user->name, sizeof(user->name), "%u", p->uid);
	fetch = procps_pids_select(info, &pid, 1, PIDS_SELECT_PID);
	/* gone meanwhile, or setuid() was called: the number says enough */
	if (fetch && fetch->counts->total == 1 && fetch->stacks[0]->head[0].result.u_int == p->uid)
		text_format_name(fetch->stacks[0]->head[1].result.str, user->name,
				 sizeof(user->name));
	return 0;
}

static int look_up_users(struct candidates *c)
{
	enum pids_item items[] = {PIDS_ID_RUID, PIDS_ID_RUSER};
	struct pids_info *info = NULL;
	int r = procps_pids_new(&info, items, 2);

	for (size_t i = 0; r >= 0 && i < c->count; i++) {
		if (!find_user(c, c->processes[i].uid))
			r = look_up_user(c, info, &c->processes[i]);
	}
	procps_pids_unref(&info);
	return r;
}

static int64_t pages(const struct candidates *c, uint64_t bytes)
{
	return (int64_t)(bytes / c->page_size);
}

static int add_row(struct table *t, const struct candidates *c, const struct process *p)
{
	const struct process_status *m = &p->memory;
	bool is_victim = process_id_equal(p->id, c->victim);
	char name[4 * COMM_SIZE], rule[RULE_LABEL_SIZE], state[2] = {p->state};
	const struct {
		unsigned column;
		int64_t value;
	} numbers[] = {
		{COLUMN_PID, p->id.pid},
		{COLUMN_TID, p->mm_tid},
		{COLUMN_UID, p->uid},
		{COLUMN_TOTAL_VM, pages(c, m->total_vm_bytes)},
		{COLUMN_RSS, p->badness.rss_pages},
		{COLUMN_RSS_ANON, pages(c, m->rss_anon_bytes)},
		{COLUMN_RSS_FILE, pages(c, m->rss_file_bytes)},
		{COLUMN_RSS_SHMEM, pages(c, m->rss_shmem_bytes)},
		{COLUMN_PGTABLES_BYTES, (int64_t)m->pgtables_bytes},
		{COLUMN_SWAPENTS, p->badness.swap_pages},
		{COLUMN_OOM_SCORE_ADJ, p->oom_score_adj},
		{COLUMN_BADNESS, p->badness.points},
		{COLUMN_OOM_SCORE, process_oom_score(p, c->total_pages)},
		{COLUMN_BIAS, p->bias_pages},
		{COLUMN_PPID, p->ppid},
	};
	int r = table_add_row(t);

	for (size_t i = 0; r >= 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = table_set_number(t, numbers[i].column, numbers[i].value);
	text_format_name(p->comm, name, sizeof(name));
	if (r >= 0)
		r = table_set_text(t, COLUMN_NAME, name);
	rule_format_source(c->rules, p->rule, rule, sizeof(rule));
	if (r >= 0)
		r = table_set_text(t, COLUMN_RULE, rule);
	if (r >= 0)
		r = table_set_text(t, COLUMN_STATE, state);
	if (r >= 0 && table_shows(t, COLUMN_USER))
		r = table_set_text(t, COLUMN_USER, find_user(c, p->uid));
	if (r >= 0)
		r = table_set_text(t, COLUMN_VERDICT,
				   is_victim ? "victim" : verdict_name(p->verdict));
	return r;
}

static int print(struct table *t, struct candidates *c)
{
	int r = table_shows(t, COLUMN_USER) ? look_up_users(c) : 0;

	for (size_t i = 0; r >= 0 && i < c->count; i++)
		r = add_row(t, c, &c->processes[i]);
	if (r >= 0)
		r = table_print(t);
	return r < 0 ? ctl_fail("the table cannot be made: %s", strerror(-r)) : EXIT_SUCCESS;
}

static int scan(int proc_fd, const struct rules *rules, struct candidates *c)
{
	CLEANUP_CLOSE int cgroup_fd = fs_open_dir(AT_FDCWD, "/sys/fs/cgroup");
	struct identity_book book = {.patterns = rules->patterns};
	struct scan_request request = {
		.total_pages = c->total_pages,
		.sort_by = rules->config.sort_by,
		.ignore_root_user = rules->config.ignore_root_user,
		.patterns = rules->patterns,
		.known = &book,
		.self = bus_find_daemon(CONTROL_SOCKET),
	};
	struct scanner *scanner = scanner_new(proc_fd, scan_count_processes(proc_fd));
	struct scan_result result;
	int r;

	if (!scanner || identity_book_reserve(&book, scan_count_processes(proc_fd)) < 0) {
		scanner_free(scanner);
		return ctl_fail("out of memory");
	}
	identity_look(&book, proc_fd, cgroup_fd, 0);
	r = scanner_run_on_all(scanner, &request, add_process, c, &result);
	scanner_free(scanner);
	identity_book_done(&book);
	if (r < 0)
		return ctl_fail("/proc: %s", strerror(-r));
	if (c->out_of_memory)
		return ctl_fail("out of memory");
	if (result.found)
		c->victim = result.victim.id;
	qsort_r(c->processes, c->count, sizeof(*c->processes), compare, c);
	return EXIT_SUCCESS;
}

static int read_machine(int proc_fd, struct sample *ret)
{
	struct sampler sampler = SAMPLER_CLOSED;
	int r = sampler_open(&sampler, proc_fd, -1);

	if (r >= 0)
		r = sampler_take(&sampler, 0, SAMPLE_DECISION, ret);
	sampler_close(&sampler);
	return r < 0 ? ctl_fail("/proc/meminfo: %s", strerror(-r)) : EXIT_SUCCESS;
}

static int run(const struct choices *choices, struct table *t)
{
	CLEANUP_CLOSE int proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	struct candidates c = {
		.choices = choices,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	struct rules rules = {};
	struct sample sample;
	int status;

	if (proc_fd < 0)
		return ctl_fail("/proc: %s", strerror(-proc_fd));
	status = read_machine(proc_fd, &sample);
	if (status == EXIT_SUCCESS)
		status = rules_read(choices->config_path, &sample.mem, &rules);
	if (status != EXIT_SUCCESS)
		return status;
	c.total_pages = u64_add(sample.mem.total_bytes, sample.mem.swap_total_bytes) / c.page_size;
	c.rules = patterns_rules(rules.patterns);
	c.sort_by = rules.config.sort_by;
	status = scan(proc_fd, &rules, &c);
	if (status == EXIT_SUCCESS)
		status = print(t, &c);
	candidates_done(&c);
	rules_done(&rules);
	return status;
}

static int print_help(void)
{
	puts("Usage: reapctl candidates [OPTION...]\n"
	     "Show every process as reapd would judge it now, the worst first.\n"
	     "\n"
	     "  -a, --all            kernel threads and zombies too\n"
	     "  --columns=LIST       these columns, with commas between their names\n"
	     "  --config=FILE        the rules of this configuration instead of the installed one\n"
	     "  -j, --json           for programs\n"
	     "  -h, --help           this text\n"
	     "\n"
	     "Columns:");
	table_print_columns(columns);
	return EXIT_SUCCESS;
}

int ctl_candidates(int argc, char **argv)
{
	enum { OPT_COLUMNS = 256, OPT_CONFIG };
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"columns", required_argument, NULL, OPT_COLUMNS},
		{"config", required_argument, NULL, OPT_CONFIG},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	struct choices choices = {};
	struct table *t;
	int option, r, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":ajh", options, NULL)) >= 0) {
		switch (option) {
		case 'a':
			choices.all = true;
			break;
		case OPT_COLUMNS:
			choices.columns = optarg;
			break;
		case OPT_CONFIG:
			choices.config_path = optarg;
			break;
		case 'j':
			choices.format = TABLE_JSON;
			break;
		case 'h':
			return print_help();
		default:
			return ctl_wrong_option(argv[0], option, argv[optind - 1]);
		}
	}
	if (optind < argc)
		return ctl_wrong_word(argv[0], argv[optind]);

	r = table_new(columns, choices.columns, choices.format, "candidates", &t);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : ctl_fail("out of memory");
	status = run(&choices, t);
	table_free(t);
	return status;
}
