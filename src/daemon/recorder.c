/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's thread and what the loop gives to it; see recorder.h.
 */
#include "daemon/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/worker.h"

#define RECORDER_STACK_SIZE (64 * 1024)
#define RECORDER_RING_BYTES (1024 * 1024) /* of 4 KiB packets; what anybody may ask for */
/* Half a year of calm, or some hours at the highest rate: a file that nobody looks at has an end.
 */
#define RECORDER_FILE_MAX (INT64_C(256) << 20)
/* Steps wait so long for others, so that a trace can be followed. */
#define RECORDER_WAIT_USEC 1000000

struct word {
	unsigned mark;
	int error;
};

struct recorder_thread {
	int fd;
	int word_fd;
	int file_fd;
	off_t size; /* of the file, in whole lines */
	int error;  /* the last that was told */
	uint64_t lost;
	struct trace_step before;
};

int recorder_open(const char *path)
{
	/* not waiting: a FIFO without a reader */
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      0640);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

static void tell(struct recorder_thread *t, unsigned mark, int error)
{
	struct word w = {mark, error};

	(void)!write(t->word_fd, &w, sizeof(w)); /* the loop has gone, or does not listen */
}

/* All of it or nothing: half a line would spoil the next. */
static int write_whole(struct recorder_thread *t, const char *text, size_t len)
{
	ssize_t n;
	int r;

	if (t->size + (off_t)len > RECORDER_FILE_MAX)
		return -EFBIG;
	n = write(t->file_fd, text, len);
	if (n == (ssize_t)len) {
		t->size += n;
		return 0;
	}
	r = n < 0 ? -errno : -ENOSPC;
	(void)!ftruncate(t->file_fd, t->size); /* else the line stays as it is: it reads as cut */
	return r;
}

static int put(struct recorder_thread *t, const char *text, size_t len)
{
	char line[64];
	int r = 0;

	if (t->lost > 0) {
		int n = snprintf(line, sizeof(line), "lost %llu\n", (unsigned long long)t->lost);

		r = write_whole(t, line, (size_t)n);
	}
	if (r == 0) {
		t->lost = 0;
		r = write_whole(t, text, len);
	}
	if (r < 0 && r != t->error)
		tell(t, 0, -r);
	t->error = r;
	return r;
}

static void write_steps(struct recorder_thread *t, const struct recorder_message *m)
{
	char line[TRACE_LINE_SIZE];

	t->lost += m->lost;
	for (unsigned i = 0; i < m->number; i++) {
		size_t len = trace_format_step(&t->before, &m->steps[i], line, sizeof(line));

		if (put(t, line, len) == 0)
			trace_follow(&t->before, &m->steps[i]);
		else
			t->lost++;
	}
}

static void *recorder_main(void *userdata)
{
	struct recorder_thread *t = userdata;
	struct recorder_message m;

	for (;;) {
		ssize_t n = read(t->fd, &m, sizeof(m));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(m))
			return NULL;
		switch (m.kind) {
		case RECORDER_BEGIN:
			t->before = (struct trace_step){};
			(void)put(t, m.text, strlen(m.text)); /* told by put() */
			break;
		case RECORDER_CONFIGURE:
			(void)put(t, m.text, strlen(m.text));
			break;
		case RECORDER_STEPS:
			write_steps(t, &m);
			break;
		case RECORDER_MARK:
			tell(t, m.number, 0);
			break;
		}
	}
}

int recorder_start(struct recorder *r, int file_fd)
{
	struct recorder_thread *t = calloc(1, sizeof(*t));
	int fds[2], words[2], q;
	struct stat st;

	if (!t) {
		close(file_fd);
		return -ENOMEM;
	}
	q = fstat(file_fd, &st) < 0 ? -errno : worker_pipe(WORKER_REQUESTS, fds);
	if (q >= 0)
		q = worker_pipe(WORKER_RESULTS, words);
	if (q < 0) {
		free(t);
		close(file_fd);
		return q;
	}
	(void)fcntl(fds[1], F_SETPIPE_SZ, RECORDER_RING_BYTES); /* 64 KiB will do when refused */
	*t = (struct recorder_thread){
		.fd = fds[0], .word_fd = words[1], .file_fd = file_fd, .size = st.st_size};
	q = worker_start(RECORDER_STACK_SIZE, recorder_main, t);
	if (q >= 0)
		*r = (struct recorder){.fd = fds[1], .word_fd = words[0]};
	return q;
}

/* By copy, as writer_send() does it: gcc 12 with -fsanitize=address warns of r->message itself. */
static bool write_message(const struct recorder *r)
{
	struct recorder_message out = r->message;

	return write(r->fd, &out, sizeof(out)) == sizeof(out);
}

static void send(struct recorder *r)
{
	uint64_t steps = r->message.kind == RECORDER_STEPS ? r->message.number : 0;

	r->message.lost = steps > 0 ? r->lost : 0;
	if (!write_message(r))
		r->lost += steps;
	else if (steps > 0)
		r->lost = 0;
	r->message.number = 0;
}

static void flush(struct recorder *r)
{
	if (r->message.kind == RECORDER_STEPS && r->message.number > 0)
		send(r);
}

void recorder_begin(struct recorder *r, const struct config *config, uint64_t fill_rate_bytes)
{
	int n;

	if (r->fd < 0)
		return;
	r->message.kind = RECORDER_BEGIN;
	/* an empty line first: it ends one that was cut when the machine went down */
	n = snprintf(r->message.text, sizeof(r->message.text), "\nreapd-trace %d\nfill-rate %llu\n",
		     TRACE_VERSION, (unsigned long long)fill_rate_bytes);
	trace_format_config(config, r->message.text + n, sizeof(r->message.text) - (size_t)n);
	send(r);
}

void recorder_configure(struct recorder *r, const struct config *config)
{
	if (r->fd < 0)
		return;
	flush(r);
	r->message.kind = RECORDER_CONFIGURE;
	trace_format_config(config, r->message.text, sizeof(r->message.text));
	send(r);
}

void recorder_add(struct recorder *r, const struct observation *o, const struct action *a)
{
	struct recorder_message *m = &r->message;

	if (r->fd < 0)
		return;
	if (m->kind != RECORDER_STEPS)
		m->number = 0;
	m->kind = RECORDER_STEPS;
	m->steps[m->number++] = (struct trace_step){*o, *a};
	if (m->number == RECORDER_BATCH ||
	    u64_sub(o->sample.time_usec, m->steps[0].observation.sample.time_usec) >=
		    RECORDER_WAIT_USEC)
		flush(r);
}

static void read_words(struct recorder *r)
{
	struct word w;

	while (read(r->word_fd, &w, sizeof(w)) == sizeof(w)) {
		if (w.error != 0)
			r->error = -w.error;
		else
			r->mark_reached = w.mark;
	}
}

int recorder_error(struct recorder *r)
{
	int error;

	if (r->fd < 0)
		return 0;
	read_words(r);
	error = r->error;
	r->error = 0;
	return error;
}

/* As writer_stop() does it: the pipe may be full, and the last message is written only when said.
 */
void recorder_stop(struct recorder *r, uint64_t timeout_usec)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	unsigned mark = ++r->marks;
	bool sent = false;

	if (r->fd < 0)
		return;
	flush(r);
	for (uint64_t waited = 0; waited < timeout_usec; waited += 5000) {
		if (!sent) {
			r->message.kind = RECORDER_MARK;
			r->message.number = mark;
			sent = write_message(r);
		}
		read_words(r);
		if (r->mark_reached == mark)
			return;
		nanosleep(&pause, NULL);
	}
}
