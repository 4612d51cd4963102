/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The look at everybody ahead of a shortage: every process's files that a scan reads are opened,
 * by a thread, each time it is asked for, and nothing that is no process is touched.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "sys/prefetch.h"
#include "tree.h"

#define PROCESSES     30
#define DEADLINE_MSEC 20000
#define SILENCE_MSEC  1000
#define ASKED	      12

struct watch {
	int fd;
	int of_process[PROCESSES], of_other;
	unsigned oom_score[PROCESSES], comm[PROCESSES], others;
};

static int add_watch(const struct watch *w, const struct tree *t, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->path, name);
	return inotify_add_watch(w->fd, path, IN_OPEN);
}

static void populate(const struct tree *t, struct watch *w)
{
	w->fd = inotify_init1(IN_CLOEXEC);
	assert_true(w->fd >= 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		struct fake_process p = {.pid = (pid_t)(100 + i), .comm = "sleeper"};
		char name[16], comm[32];

		snprintf(name, sizeof(name), "%u", 100 + i);
		snprintf(comm, sizeof(comm), "%s/comm", name);
		fake_process_write(t, &p, 1000);
		tree_text(t, comm, "sleeper\n");
		w->of_process[i] = add_watch(w, t, name);
		assert_true(w->of_process[i] >= 0);
	}
	tree_text(t, "100x/oom_score", "1\n");
	w->of_other = add_watch(w, t, "100x");
	assert_true(w->of_other >= 0);
}

static void take(struct watch *w, const struct inotify_event *e)
{
	if (e->len == 0)
		return; /* the directory itself */
	w->others += e->wd == w->of_other;
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (e->wd != w->of_process[i])
			continue;
		w->oom_score[i] += strcmp(e->name, "oom_score") == 0;
		w->comm[i] += strcmp(e->name, "comm") == 0;
	}
}

static bool seen(const struct watch *w, unsigned times)
{
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (w->oom_score[i] < times || w->comm[i] < times)
			return false;
	}
	return true;
}

/* False: nothing has happened for so long. */
static bool take_more(struct watch *w, int timeout_msec)
{
	char buf[4096] __attribute__((aligned(8)));
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, timeout_msec) <= 0)
		return false;
	n = read(w->fd, buf, sizeof(buf));
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buf + at);

		take(w, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return true;
}

static void wait_until_seen(struct watch *w, unsigned times)
{
	while (!seen(w, times)) {
		if (!take_more(w, DEADLINE_MSEC))
			fail_msg("not everybody was looked at");
	}
}

static void begin(struct tree *t, struct watch *w, struct prefetch *p)
{
	tree_init(t);
	populate(t, w);
	assert_int_equal(prefetch_start(p, t->fd), 0);
}

static void end(struct tree *t, struct watch *w)
{
	close(w->fd);
	tree_done(t);
}

static void test_everybody(void **state)
{
	struct watch w = {};
	struct prefetch p;
	struct tree t;

	(void)state;
	begin(&t, &w, &p);
	prefetch_submit(&p);
	wait_until_seen(&w, 1);
	prefetch_submit(&p);
	wait_until_seen(&w, 2);
	assert_int_equal(w.others, 0);
	end(&t, &w);
}

/* However often it is asked for during a look, it is one look more. */
static void test_asked_often(void **state)
{
	struct watch w = {};
	struct prefetch p;
	struct tree t;

	(void)state;
	begin(&t, &w, &p);
	for (unsigned i = 0; i < ASKED; i++)
		prefetch_submit(&p);
	wait_until_seen(&w, 1);
	while (take_more(&w, SILENCE_MSEC))
		;
	/* and another, should the thread have been slow to begin and quick to end */
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_in_range(w.oom_score[i], 1, 3);
	end(&t, &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everybody),
		cmocka_unit_test(test_asked_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
