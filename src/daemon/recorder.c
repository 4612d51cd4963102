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

#include "core/trace-ring.h"
#include "core/trace-state.h"
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
	unsigned mark; /* 0: it is a result */
	struct recorder_result result;
};

struct recorder_thread {
	int fd;
	int result_fd;
	char header[RECORDER_HEADER_SIZE]; /* the two lines that a trace begins with, and the
					 settings of now */
	char config[TRACE_LINE_SIZE];

	int file_fd; /* -1: none */
	off_t size;  /* of the file, in whole lines */
	int error;   /* the last that was told */
	uint64_t lost;
	bool is_stale; /* the file lacks steps, so that it needs a state */
	struct trace_step before;

	int store_fd;
	bool has_ring, ring_begun;
	struct trace_ring ring;
	struct trace_step ring_before;
	char state[TRACE_STATE_SIZE]; /* too large for the stack */
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

static void tell(struct recorder_thread *t, const struct word *w)
{
	(void)!write(t->result_fd, w, sizeof(*w)); /* the loop has gone, or does not listen */
}

static void tell_error(struct recorder_thread *t, int error)
{
	struct word w = {.result = {.kind = RECORDER_FILE_FAILED, .error = error}};

	tell(t, &w);
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

	if (t->file_fd < 0)
		return 0;
	if (t->lost > 0) {
		int n = snprintf(line, sizeof(line), "lost %llu\n", (unsigned long long)t->lost);

		r = write_whole(t, line, (size_t)n);
	}
	if (r == 0) {
		t->lost = 0;
		r = write_whole(t, text, len);
	}
	if (r < 0 && r != t->error)
		tell_error(t, r);
	t->error = r;
	return r;
}

static void ring_text(struct recorder_thread *t, const char *text)
{
	trace_ring_add(&t->ring, text, strlen(text));
}

static void ring_step(struct recorder_thread *t, const struct trace_step *step)
{
	char line[TRACE_LINE_SIZE];
	size_t len = trace_format_step(&t->ring_before, step, line, sizeof(line));

	trace_ring_add(&t->ring, line, len);
	trace_follow(&t->ring_before, step);
}

static void write_steps(struct recorder_thread *t, const struct recorder_message *m)
{
	char line[TRACE_LINE_SIZE];

	for (unsigned i = 0; i < m->number; i++) {
		size_t len = trace_format_step(&t->before, &m->steps[i], line, sizeof(line));

		if (t->has_ring)
			ring_step(t, &m->steps[i]);
		/* no step counts before it is told how the policy came to be what it is */
		if (!t->is_stale && put(t, line, len) == 0) {
			trace_follow(&t->before, &m->steps[i]);
		} else {
			t->lost++;
			t->is_stale = true;
		}
	}
}

/* A new segment: with all that a trace which begins here needs. */
static void ring_state(struct recorder_thread *t, uint64_t lost)
{
	char line[TRACE_LINE_SIZE];

	trace_ring_begin_head(&t->ring);
	ring_text(t, t->header);
	ring_text(t, t->config);
	(void)trace_format_before(&t->ring_before, line, sizeof(line));
	ring_text(t, line);
	ring_text(t, t->state);
	trace_ring_begin_body(&t->ring);
	if (lost == 0)
		return;
	/* whoever reads on from the segment before needs it too */
	snprintf(line, sizeof(line), "lost %llu\n", (unsigned long long)lost);
	ring_text(t, line);
	ring_text(t, t->state);
}

static void write_state(struct recorder_thread *t, const struct recorder_message *m)
{
	size_t len = trace_format_state(&m->policy, t->state, sizeof(t->state));

	if (t->has_ring)
		ring_state(t, m->lost);
	t->lost += m->lost;
	if ((t->is_stale || m->lost > 0) && put(t, t->state, len) == 0)
		t->is_stale = false;
}

/* What the file is begun with begins the ring too, until its segments have heads of their own. */
static void write_config(struct recorder_thread *t, const struct recorder_message *m)
{
	memcpy(t->config, m->text, sizeof(t->config));
	(void)put(t, t->config, strlen(t->config)); /* told by put() */
	if (!t->has_ring)
		return;
	if (!t->ring_begun) {
		trace_ring_begin_head(&t->ring);
		ring_text(t, t->header);
	}
	ring_text(t, t->config);
	if (!t->ring_begun)
		trace_ring_begin_body(&t->ring);
	t->ring_begun = true;
}

static void keep(struct recorder_thread *t, const struct recorder_message *m)
{
	struct word w = {.result = {.kind = RECORDER_KEPT, .trace_kind = m->trace_kind}};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	w.result.error = trace_store_write(t->store_fd, &t->ring, m->trace_kind, now.tv_sec,
					   (int)m->number, w.result.name);
	tell(t, &w);
}

static void take_message(struct recorder_thread *t, const struct recorder_message *m)
{
	struct word reached = {.mark = m->number};

	switch (m->kind) {
	case RECORDER_BEGIN:
		t->before = (struct trace_step){};
		memcpy(t->header, m->header, sizeof(t->header));
		(void)put(t, "\n", 1); /* ends a line that was cut when the machine went down */
		(void)put(t, t->header, strlen(t->header));
		return;
	case RECORDER_CONFIGURE:
		write_config(t, m);
		return;
	case RECORDER_STATE:
		write_state(t, m);
		return;
	case RECORDER_STEPS:
		write_steps(t, m);
		return;
	case RECORDER_KEEP:
		keep(t, m);
		return;
	case RECORDER_MARK:
		tell(t, &reached);
		return;
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
		take_message(t, &m);
	}
}

/* Written to at once: what the kernel has not given yet it may not have when it is needed. */
static int make_ring(struct recorder_thread *t, size_t size)
{
	char *bytes;

	if (size == 0)
		return 0;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	explicit_bzero(bytes, size);
	trace_ring_init(&t->ring, bytes, size);
	t->has_ring = true;
	return 0;
}

static int start(struct recorder *r, struct recorder_thread *t,
		 const struct recorder_targets *targets)
{
	int fds[2], words[2], q = make_ring(t, targets->ring_bytes);
	struct stat st;

	if (q >= 0 && targets->file_fd >= 0)
		q = fstat(targets->file_fd, &st) < 0 ? -errno : 0;
	if (q >= 0)
		q = worker_pipe(WORKER_REQUESTS, fds);
	if (q >= 0)
		q = worker_pipe(WORKER_RESULTS, words);
	if (q < 0)
		return q;
	(void)fcntl(fds[1], F_SETPIPE_SZ, RECORDER_RING_BYTES); /* 64 KiB will do when refused */
	t->fd = fds[0];
	t->result_fd = words[1];
	t->file_fd = targets->file_fd;
	t->size = targets->file_fd >= 0 ? st.st_size : 0;
	t->store_fd = targets->store_fd;
	q = worker_start("reapd-recorder", RECORDER_STACK_SIZE, recorder_main, t);
	if (q >= 0)
		*r = (struct recorder){
			.fd = fds[1],
			.result_fd = words[0],
			.has_file = targets->file_fd >= 0,
			.has_store = t->has_ring && targets->store_fd >= 0,
		};
	return q;
}

/* A start that fails is the daemon's end: what it has opened by then goes with it. */
int recorder_start(struct recorder *r, const struct recorder_targets *targets)
{
	struct recorder_thread *t;

	if (targets->file_fd < 0 && targets->ring_bytes == 0) {
		if (targets->store_fd >= 0)
			close(targets->store_fd);
		return 0;
	}
	t = calloc(1, sizeof(*t));
	return t ? start(r, t, targets) : -ENOMEM;
}

/* By copy, as writer_send() does it: gcc 12 with -fsanitize=address warns of r->message itself. */
static bool write_message(const struct recorder *r, const struct recorder_message *m)
{
	struct recorder_message out = *m;

	return write(r->fd, &out, sizeof(out)) == sizeof(out);
}

/* The policy as it is now, before whatever steps come next. */
static void note_state(struct recorder *r, const struct policy *policy)
{
	r->state = (struct recorder_message){.kind = RECORDER_STATE, .policy = *policy};
	r->has_state = true;
	r->steps = 0;
}

/* One that cannot go out now is too old when it could. */
static bool send_state(struct recorder *r)
{
	if (!r->has_state)
		return true;
	r->has_state = false;
	r->state.lost = r->lost;
	if (!write_message(r, &r->state))
		return false;
	r->lost = 0;
	return true;
}

/* Settings go before the state that is told with them: they count from the step after both. */
static bool send_config(struct recorder *r)
{
	struct recorder_message m = {.kind = RECORDER_CONFIGURE};

	if (!r->config)
		return true;
	trace_format_config(r->config, m.text, sizeof(m.text));
	if (!write_message(r, &m))
		return false;
	r->config = NULL;
	return true;
}

/* False: steps are lost. */
static bool flush(struct recorder *r)
{
	unsigned steps = r->message.kind == RECORDER_STEPS ? r->message.number : 0;
	bool sent = steps == 0 ||
		    (send_config(r) && send_state(r) && write_message(r, &r->message));

	if (sent)
		r->steps += steps;
	else
		r->lost += steps;
	r->message.number = 0;
	return sent;
}

void recorder_begin(struct recorder *r, const struct config *config, uint64_t fill_rate_bytes)
{
	if (r->fd < 0)
		return;
	snprintf(r->message.header, sizeof(r->message.header), "reapd-trace %d\nfill-rate %llu\n",
		 TRACE_VERSION, (unsigned long long)fill_rate_bytes);
	r->message.kind = RECORDER_BEGIN;
	(void)write_message(r, &r->message); /* the first of all: there is room */
	r->message.number = 0;
	recorder_configure(r, config);
}

void recorder_configure(struct recorder *r, const struct config *config)
{
	if (r->fd < 0)
		return;
	/* a state of before it: the order is what makes a reload of it */
	(void)flush(r);
	(void)send_state(r);
	r->config = config;
	(void)send_config(r); /* else with the next steps */
}

void recorder_add(struct recorder *r, const struct observation *o, const struct action *a,
		  const struct policy *after)
{
	struct recorder_message *m = &r->message;

	if (r->fd < 0)
		return;
	/* how the policy came to be what it is was lost: no step counts before that is told */
	if (r->lost > 0 && !r->has_state) {
		r->lost++;
		if (after)
			note_state(r, after);
		return;
	}
	if (m->kind != RECORDER_STEPS)
		m->number = 0;
	m->kind = RECORDER_STEPS;
	m->steps[m->number++] = (struct trace_step){*o, *a};
	if (m->number < RECORDER_BATCH &&
	    u64_sub(o->sample.time_usec, m->steps[0].observation.sample.time_usec) <
		    RECORDER_WAIT_USEC)
		return;
	if ((!flush(r) || r->steps >= RECORDER_SEGMENT) && after)
		note_state(r, after);
}

int recorder_keep(struct recorder *r, enum trace_kind kind, int pid)
{
	struct recorder_message m = {
		.kind = RECORDER_KEEP, .number = (unsigned)pid, .trace_kind = kind};

	if (r->fd < 0 || !r->has_store)
		return -ENOTDIR;
	return flush(r) && write_message(r, &m) ? 0 : -EAGAIN;
}

int recorder_result(struct recorder *r, struct recorder_result *ret)
{
	struct word w;

	while (r->fd >= 0 && read(r->result_fd, &w, sizeof(w)) == sizeof(w)) {
		if (w.mark == 0) {
			*ret = w.result;
			return 1;
		}
		r->mark_reached = w.mark;
	}
	return 0;
}

/* As writer_stop() does it: the pipe may be full, and the last message is written only when said.
 */
void recorder_stop(struct recorder *r, uint64_t timeout_usec)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	const struct recorder_message mark = {.kind = RECORDER_MARK, .number = ++r->marks};
	struct recorder_result too_late;
	bool sent = false;

	if (r->fd < 0)
		return;
	(void)flush(r);
	for (uint64_t waited = 0; waited < timeout_usec; waited += 5000) {
		sent = sent || write_message(r, &mark);
		while (recorder_result(r, &too_late) > 0)
			;
		if (r->mark_reached == mark.number)
			return;
		nanosleep(&pause, NULL);
	}
}
