/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The look at everybody, its book and its thread; see identity.h.
 */
#include "sys/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/process-file.h"
#include "sys/ruling.h"
#include "sys/worker.h"

#define IDENTITY_STACK_SIZE (128 * 1024)
#define GROUP_SIZE	    1024
#define GONE_SUFFIX	    " (deleted)" /* of a program that was replaced: d_path() of fs/d_path.c */

/* A look that goes on. Neighbours in /proc are often neighbours in a control group. */
struct look {
	struct identity_book *book;
	const struct rule_set *rules;
	uint64_t need_look, need_place, need_executable, need_user;
	int proc_fd, cgroup_fd;
	uid_t owner;
	struct timespec rested;
	char group[GROUP_SIZE]; /* of the process before, or "" */
	uint64_t group_matched;
	enum mark group_mark;
};

int identity_book_reserve(struct identity_book *b, unsigned processes)
{
	unsigned capacity = processes < UINT32_MAX / 2 ? processes * 2 : processes;
	struct identity *entries;

	if (b->entries && processes <= b->capacity)
		return 0;
	entries = malloc((size_t)capacity * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	free(b->entries);
	b->entries = entries;
	b->capacity = capacity;
	b->count = 0;
	return 0;
}

void identity_book_done(struct identity_book *b)
{
	free(b->entries);
	*b = (struct identity_book){};
}

static const struct identity *find(const struct identity_book *b, pid_t pid)
{
	unsigned from = 0, to = b ? b->count : 0;

	while (from < to) {
		unsigned middle = from + (to - from) / 2;

		if (b->entries[middle].pid == pid)
			return &b->entries[middle];
		if (b->entries[middle].pid < pid)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

struct identity identity_find(const struct identity_book *known, struct process_id id,
			      const char *comm)
{
	const struct identity *entry = find(known, id.pid);
	struct identity found = {.pid = id.pid, .start_time = id.start_time};

	if (!entry || entry->start_time != id.start_time)
		return found;
	found = *entry;
	if (known->stale)
		found.matched = 0;
	else if (strncmp(entry->comm, comm, sizeof(entry->comm) - 1) != 0)
		found.matched &= ~rules_with(patterns_rules(known->patterns), RULE_EXECUTABLE,
					     RULE_EXECUTABLE);
	return found;
}

uint64_t identity_guess(const struct identity_book *known, pid_t pid)
{
	const struct identity *entry = find(known, pid);

	return entry && !known->stale ? entry->matched : 0;
}

/* Of a rule that a user has to match, whether this one does. */
static uint64_t match_user(const struct look *look, int dir_fd)
{
	struct process_status status;
	uint64_t matched = 0;

	if (process_read_status(dir_fd, "status", &status) < 0)
		return ~look->need_user;
	for (unsigned i = 0; i < look->rules->count; i++)
		matched |= (uint64_t)(look->rules->rules[i].uid == status.uid) << i;
	return matched | ~look->need_user;
}

/* The kernel lists pids in their order, so this is mostly the end. */
static void add_entry(struct identity_book *b, const struct identity *entry)
{
	unsigned at = b->count;

	/* more than twice as many as when the look was asked for: the next one has room for all */
	if (at == b->capacity)
		return;
	while (at > 0 && b->entries[at - 1].pid > entry->pid)
		at--;
	memmove(&b->entries[at + 1], &b->entries[at], (b->count - at) * sizeof(*entry));
	b->entries[at] = *entry;
	b->count++;
}

/* Where the leader has exited its own link leads nowhere, and a thread that lives has the same. */
static ssize_t read_executable(int dir_fd, bool leader_exited, char *ret, size_t size)
{
	static const char task[] = "task/";
	struct process_thread thread;
	char path[sizeof(task) + 16];

	if (!leader_exited)
		return readlinkat(dir_fd, "exe", ret, size);
	if (!process_find_thread(dir_fd, &thread))
		return -1;
	strcpy(path, task);
	strcpy(fs_format_pid(path + strlen(task), thread.tid), "/exe");
	return readlinkat(dir_fd, path, ret, size);
}

static uint64_t match_executable(const struct look *look, int dir_fd, bool leader_exited)
{
	char path[4096];
	ssize_t len = read_executable(dir_fd, leader_exited, path, sizeof(path));
	struct text t;

	if (len <= 0)
		return ~look->need_executable; /* a kernel thread, or gone */
	t = TEXT(path, len);
	if (text_has_suffix(t, GONE_SUFFIX))
		t.end -= strlen(GONE_SUFFIX);
	return rules_match_executable(look->rules, t);
}

static void take_group(struct look *look, struct text path)
{
	struct rule_place place = rule_place_of(path);

	look->group_matched = rules_match_place(look->rules, &place);
	look->group_mark = mark_read(look->cgroup_fd, path, look->owner);
	look->group[0] = '\0';
	if (text_len(path) < sizeof(look->group))
		text_copy(path, look->group, sizeof(look->group));
}

/* False: nothing can be said about its control group. */
static bool look_at_group(struct look *look, int dir_fd)
{
	char text[8192];
	struct text path;
	size_t len;

	if (fs_read_at(dir_fd, "cgroup", text, sizeof(text), &len) < 0 ||
	    cgroup_parse(text, len, &path) < 0)
		return false;
	if (!text_equal(path, look->group))
		take_group(look, path);
	return true;
}

/* Who is asked in a census: what a scan would make of this process. */
static void count(struct look *look, int dir_fd, const struct process_stat *stat,
		  const struct identity *entry)
{
	struct identity_census *c = &look->book->census;
	struct ruling_facts facts = {
		.comm = stat->comm, .matched = entry->matched, .mark = entry->mark};
	struct process_thread thread;
	struct process_status status;
	struct ruling ruling;

	if (process_read_status(dir_fd, "status", &status) < 0)
		return;
	if (!status.has_mm && status.threads > 1 && process_find_thread(dir_fd, &thread))
		status = thread.status;
	if (!status.has_mm)
		return;
	facts.uid = status.uid;
	for (unsigned i = 0; i < look->rules->count; i++)
		c->matched[i] += ruling_matches(look->book->patterns, PATTERN_USER_THREAD, i,
						&facts);
	ruling = ruling_find(look->book->patterns, PATTERN_USER_THREAD, &facts);
	c->processes++;
	c->ignored += ruling.ignore;
	if (ruling.ignore && ruling.source <= RULES_MAX)
		c->ignored_by[ruling.source - 1]++;
}

static void look_at_process(struct look *look, int dir_fd, pid_t pid)
{
	struct identity entry = {.pid = pid, .matched = look->need_look};
	struct process_stat stat;
	bool has_stat = false;

	if (look_at_group(look, dir_fd)) {
		entry.matched &= look->group_matched;
		entry.mark = look->group_mark;
	} else {
		entry.matched &= ~look->need_place;
	}
	if (entry.matched & look->need_executable) {
		/* before that: a name of before an execve() is known to be old, one of after is not
		 */
		has_stat = process_read_stat(dir_fd, "stat", &stat) >= 0;
		entry.matched &= match_executable(look, dir_fd, has_stat && stat.state == 'Z');
	}
	if (entry.matched & look->need_user)
		entry.matched &= match_user(look, dir_fd);
	if (entry.matched == 0 && entry.mark == MARK_NONE && !look->book->census.wanted)
		return;

	if ((!has_stat && process_read_stat(dir_fd, "stat", &stat) < 0) || stat.flags & PF_KTHREAD)
		return;
	entry.start_time = stat.start_time;
	memcpy(entry.comm, stat.comm, sizeof(entry.comm) - 1);
	if (entry.matched != 0 || entry.mark != MARK_NONE)
		add_entry(look->book, &entry);
	if (look->book->census.wanted)
		count(look, dir_fd, &stat, &entry);
}

static bool look_at(void *userdata, int pid)
{
	struct look *look = userdata;
	char path[12];
	CLEANUP_CLOSE int dir_fd = -1;

	fs_format_pid(path, pid);
	/* one directory for all files: it stays this process's even if the pid is given away */
	dir_fd = fs_open_dir(look->proc_fd, path);
	if (dir_fd < 0)
		return true;
	look->book->seen++;
	look_at_process(look, dir_fd, pid);
	worker_rest(&look->rested);
	return true;
}

void identity_look(struct identity_book *b, int proc_fd, int cgroup_fd, uid_t owner)
{
	CLEANUP_CLOSE int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct look look = {
		.book = b,
		.rules = patterns_rules(b->patterns),
		.need_look = patterns_need_look(b->patterns),
		.need_place = rules_with(patterns_rules(b->patterns), RULE_CGROUP, RULE_USER_UNIT),
		.need_user = patterns_need_user(b->patterns),
		.need_executable = rules_with(patterns_rules(b->patterns), RULE_EXECUTABLE,
					      RULE_EXECUTABLE),
		.proc_fd = proc_fd,
		.cgroup_fd = cgroup_fd,
		.owner = owner,
	};
	uint64_t dents[256];

	b->census = (struct identity_census){.wanted = b->census.wanted};
	b->count = b->seen = 0;
	if (fd >= 0)
		(void)fs_for_each_number(fd, (char *)dents, sizeof(dents), look_at, &look);
}

struct identities_thread {
	int request_fd;
	int result_fd;
	int proc_fd;
	int cgroup_fd;
};

static void *identities_main(void *userdata)
{
	struct identities_thread t = *(struct identities_thread *)userdata;
	struct identity_book *book;

	free(userdata);
	for (;;) {
		ssize_t n = read(t.request_fd, &book, sizeof(book));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(book))
			return NULL;
		identity_look(book, t.proc_fd, t.cgroup_fd, 0);
		(void)!write(t.result_fd, &book, sizeof(book)); /* may wait for the loop */
	}
}

int identities_start(struct identities *i, int proc_fd)
{
	struct identities_thread *t = malloc(sizeof(*t));
	int requests[2], results[2], r;

	if (!t)
		return -ENOMEM;
	r = worker_pipe(WORKER_REQUESTS, requests);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, results);
	if (r < 0) {
		free(t);
		return r;
	}
	/* without it there are no marks */
	*t = (struct identities_thread){requests[0], results[1], proc_fd,
					fs_open_dir(AT_FDCWD, "/sys/fs/cgroup")};
	*i = (struct identities){.request_fd = requests[1], .result_fd = results[0]};
	return worker_start("reapd-identity", IDENTITY_STACK_SIZE, identities_main, t);
}

int identities_submit(struct identities *i, const struct patterns *patterns, unsigned processes,
		      bool census)
{
	struct identity_book *book = &i->books[!i->current];
	int r;

	if (i->looking)
		return -EBUSY;
	r = identity_book_reserve(book, processes);
	if (r < 0)
		return r;
	book->patterns = patterns;
	book->stale = false;
	book->census.wanted = census;
	if (write(i->request_fd, &book, sizeof(book)) != sizeof(book))
		return -EAGAIN;
	i->looking = true;
	return 0;
}

bool identities_result(struct identities *i)
{
	struct identity_book *book;

	if (read(i->result_fd, &book, sizeof(book)) != sizeof(book))
		return false;
	i->looking = false;
	i->current = !i->current;
	if (i->retired) {
		book->stale = true;
		patterns_free(i->retired);
		i->retired = NULL;
	}
	return true;
}

void identities_retire(struct identities *i, struct patterns *patterns)
{
	i->books[i->current].stale = true;
	/* a second one while the same look goes on was never seen by it */
	if (i->looking && !i->retired)
		i->retired = patterns;
	else
		patterns_free(patterns);
}
