/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a kill, or a request, to a file; see keeper.h.
 */
#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"

/* What comes of a kill is seen by then: memory that fills up again, a service that is restarted. */
#define AFTERMATH_USEC (5 * UINT64_C(1000000))
/* One trace does for kills that follow each other, but not for ever: the first would be gone. */
#define LATEST_USEC (60 * UINT64_C(1000000))
/* How often it is tried while the memory is short, or the thread has not written what came before.
 */
#define AGAIN_USEC UINT64_C(1000000)

int keeper_open(struct keeper *k)
{
	const char *directory = getenv("STATE_DIRECTORY"); /* from systemd.exec(5) */
	int fd;

	/* of several, with colons between them, none is ours */
	if (!directory || strchr(directory, ':'))
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		k->directory = directory;
	return fd;
}

void keeper_kill_ended(struct daemon *d, pid_t victim, uint64_t now_usec)
{
	struct keeper *k = &d->keeper;

	if (!d->recorder.has_store)
		return;
	if (k->due_usec == 0)
		k->latest_usec = u64_add(now_usec, LATEST_USEC);
	k->victim = victim;
	k->due_usec = u64_min(u64_add(now_usec, AFTERMATH_USEC), k->latest_usec);
}

/* Writing takes memory and a disk: neither may be somebody's who is still being rescued. */
static bool is_quiet(const struct daemon *d)
{
	return d->policy.announced_level < LEVEL_SOFT && d->policy.phase == PHASE_WATCHING &&
	       !d->kill.active && !d->kill.ended;
}

uint64_t keeper_look(struct daemon *d, uint64_t now_usec)
{
	struct keeper *k = &d->keeper;

	if (k->due_usec == 0)
		return UINT64_MAX;
	if (now_usec < k->due_usec)
		return k->due_usec;
	if (!is_quiet(d) || recorder_keep(&d->recorder, TRACE_OF_KILL, k->victim) == -EAGAIN)
		return now_usec + AGAIN_USEC;
	k->due_usec = 0;
	return UINT64_MAX;
}

void keeper_stop(struct daemon *d)
{
	if (d->keeper.due_usec != 0)
		(void)recorder_keep(&d->recorder, TRACE_OF_KILL, d->keeper.victim);
	d->keeper.due_usec = 0;
}

static void report_kept(struct daemon *d, const struct recorder_result *result)
{
	if (result->error < 0)
		daemon_note(d, LOG_WARNING, MESSAGE_ID_TRACE,
			    "%s: the trace of the last minutes cannot be written: %s",
			    d->keeper.directory, strerror(-result->error));
	else
		daemon_note(d, LOG_INFO, MESSAGE_ID_TRACE, "a trace of the last minutes is %s/%s",
			    d->keeper.directory, result->name);
}

static int on_result(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	struct recorder_result result;
	char path[TRACE_PATH_SIZE];

	(void)source;
	(void)fd;
	(void)revents;
	while (recorder_result(&d->recorder, &result) > 0) {
		switch (result.kind) {
		case RECORDER_FILE_FAILED:
			daemon_note(d, LOG_WARNING, MESSAGE_ID_MACHINE,
				    "%s: %s: what is not written now is missing in the trace",
				    d->options.record_path, strerror(-result.error));
			break;
		case RECORDER_KEPT:
			report_kept(d, &result);
			if (result.trace_kind != TRACE_OF_REQUEST)
				break;
			snprintf(path, sizeof(path), "%s/%s", d->keeper.directory, result.name);
			control_recorded(d->control, result.error, path);
			break;
		}
	}
	return 0;
}

int keeper_add_source(struct daemon *d)
{
	if (d->recorder.fd < 0)
		return 0;
	return sd_event_add_io(d->event, NULL, d->recorder.result_fd, EPOLLIN, on_result, d);
}

int keeper_request(struct daemon *d)
{
	return recorder_keep(&d->recorder, TRACE_OF_REQUEST, 0);
}
