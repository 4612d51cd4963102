/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's thread and the two places it writes to; see writer.h.
 */
#include "daemon/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "core/text.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/slab.h"
#include "sys/worker.h"

#define JOURNAL_SOCKET	  "/run/systemd/journal/socket"
#define WRITER_STACK_SIZE (256 * 1024)
#define WRITER_RING_BYTES (1024 * 1024) /* of 4 KiB packets; what anybody may ask for */
#define TEXT_SIZE	  4096
#define FIELDS_MAX	  64
#define FIELDS_SIZE	  4096

struct journal_entry {
	struct iovec fields[FIELDS_MAX];
	int count;
	char text[FIELDS_SIZE];
	size_t used;
};

static void entry_add(void *userdata, const char *field)
{
	struct journal_entry *e = userdata;
	size_t len = strlen(field);

	if (e->count == FIELDS_MAX || len > sizeof(e->text) - e->used)
		return;
	memcpy(e->text + e->used, field, len);
	e->fields[e->count++] = (struct iovec){e->text + e->used, len};
	e->used += len;
}

/* "MESSAGE=" and the text behind it: the journal takes it whole, a terminal from the text on. */
struct message {
	char prefix[8];
	char text[TEXT_SIZE];
};

static void write_to_journal(const struct report *r, const struct message *m)
{
	struct journal_entry e = {.count = 0};
	char field[64];

	e.fields[e.count++] = (struct iovec){(void *)m, sizeof(m->prefix) + strlen(m->text)};
	snprintf(field, sizeof(field), "PRIORITY=%d", r->priority);
	entry_add(&e, field);
	if (r->message_id) {
		snprintf(field, sizeof(field), "MESSAGE_ID=%s", r->message_id);
		entry_add(&e, field);
	}
	entry_add(&e, "SYSLOG_IDENTIFIER=reapd");
	report_format_fields(r, entry_add, &e);
	(void)sd_journal_sendv(e.fields, e.count); /* there is nobody left to tell */
}

static void write_to_stderr(struct message *m)
{
	size_t len = strlen(m->text), done = 0;

	m->text[len++] = '\n';
	while (done < len) {
		ssize_t n = write(STDERR_FILENO, m->text + done, len - done);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0)
			done += (size_t)n;
	}
}

static void write_report(enum log_target target, const struct report *r)
{
	struct message m = {.prefix = "MESSAGE="};

	report_format_text(r, m.text, sizeof(m.text) - 1);
	if (target == LOG_TARGET_JOURNAL)
		write_to_journal(r, &m);
	else
		write_to_stderr(&m);
}

/* $JOURNAL_STREAM names the device and inode of the socket that the manager gave us as stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	char *end;
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	device = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	inode = strtoull(end + 1, &end, 10);
	return *end == '\0' && st.st_dev == device && st.st_ino == inode;
}

enum log_target writer_choose_target(enum log_target wanted)
{
	bool journal_is_there = access(JOURNAL_SOCKET, F_OK) == 0;

	if (!journal_is_there || wanted == LOG_TARGET_STDERR)
		return LOG_TARGET_STDERR;
	if (wanted == LOG_TARGET_JOURNAL || stderr_is_journal())
		return LOG_TARGET_JOURNAL;
	return isatty(STDERR_FILENO) ? LOG_TARGET_STDERR : LOG_TARGET_JOURNAL;
}

/* What is read here because the loop must not wait for it. */
static void complete(struct report *r)
{
	CLEANUP_CLOSE int proc_fd = -1;
	CLEANUP_CLOSE int sys_fd = -1;

	if (r->kind != REPORT_SLAB)
		return;
	proc_fd = fs_open_dir(AT_FDCWD, "/proc");
	sys_fd = fs_open_dir(AT_FDCWD, "/sys");
	r->slab.error = -slab_top_read(proc_fd, sys_fd, &r->slab.top);
}

struct writer_thread {
	int fd;
	int done_fd;
	enum log_target target;
	const _Atomic uint64_t *held_until_usec;
};

static void wait_while_held(const struct writer_thread *t)
{
	uint64_t now = clock_now_usec(), latest = now + WRITER_HELD_MAX_USEC, until;

	for (;; now = clock_now_usec()) {
		until = u64_min(atomic_load(t->held_until_usec), latest);
		if (now >= until)
			return;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
				&(struct timespec){.tv_sec = (time_t)(until / 1000000),
						   .tv_nsec = (long)(until % 1000000 * 1000)},
				NULL);
	}
}

static void *writer_main(void *userdata)
{
	struct writer_thread t = *(struct writer_thread *)userdata;
	struct report r;

	free(userdata);
	for (;;) {
		ssize_t n = read(t.fd, &r, sizeof(r));

		if (n < 0 && errno == EINTR)
			continue;
		if (n == sizeof(unsigned)) { /* a mark of writer_stop(): all before it is written */
			(void)!write(t.done_fd, &r, sizeof(unsigned));
			continue;
		}
		if (n != sizeof(r))
			return NULL;
		wait_while_held(&t);
		complete(&r);
		write_report(t.target, &r);
	}
}

int writer_start(struct writer *w, enum log_target target)
{
	struct writer_thread *t = malloc(sizeof(*t));
	int fds[2], done[2], r;

	if (!t)
		return -ENOMEM;
	r = worker_pipe(WORKER_REQUESTS, fds);
	if (r >= 0)
		r = worker_pipe(WORKER_RESULTS, done);
	if (r < 0) {
		free(t);
		return r;
	}
	(void)fcntl(fds[1], F_SETPIPE_SZ, WRITER_RING_BYTES); /* 64 KiB will do when refused */
	*t = (struct writer_thread){fds[0], done[1], target, &w->held_until_usec};
	r = worker_start("reapd-writer", WRITER_STACK_SIZE, writer_main, t);
	if (r < 0)
		return r;
	w->fd = fds[1];
	w->done_fd = done[0];
	w->target = target;
	return 0;
}

void writer_hold(struct writer *w, uint64_t until_usec)
{
	atomic_store(&w->held_until_usec, until_usec);
}

void writer_send(struct writer *w, const struct report *r)
{
	struct report out;

	if (w->fd < 0) {
		write_report(w->target, r);
		return;
	}
	out = *r;
	out.dropped = w->dropped;
	if (write(w->fd, &out, sizeof(out)) == sizeof(out))
		w->dropped = 0;
	else
		w->dropped++;
}

/* The pipe may be full, and what the thread last took from it is written only when it says so. */
void writer_stop(struct writer *w, uint64_t timeout_usec)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	unsigned mark = ++w->marks, reached = 0;
	bool sent = false;

	writer_hold(w, 0);
	for (uint64_t waited = 0; w->fd >= 0 && waited < timeout_usec; waited += 5000) {
		sent = sent || write(w->fd, &mark, sizeof(mark)) == sizeof(mark);
		while (read(w->done_fd, &reached, sizeof(reached)) == sizeof(reached))
			;
		if (reached == mark)
			return;
		nanosleep(&pause, NULL);
	}
}
