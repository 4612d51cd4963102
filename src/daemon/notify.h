/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's notification socket. sd_notify(3) waits when PID 1 does not read, and a
 * manager that thrashes reads late: here a message that does not fit is kept and sent with the
 * next call. A later status replaces one that was not sent yet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int fd;			/* -1: not started by a service manager */
	uint64_t watchdog_usec; /* 0: no watchdog */
	uint64_t watchdog_next_usec;
	uint64_t held_usec; /* no status before this */
	bool ready_pending;
	bool status_pending;
	char status[512];
};

void notify_init(struct notify *n);

/* For the next flush. */
void notify_ready(struct notify *n);
void notify_status(struct notify *n, const char *status);

/*
 * Keeps a status back until then, of CLOCK_MONOTONIC: the manager tells it to everybody who
 * listens on the bus, and that takes CPU time from whatever matters more now.
 */
void notify_hold(struct notify *n, uint64_t until_usec);

/* Sends what is pending, and the keep-alive when it is due. Never waits. */
void notify_flush(struct notify *n, uint64_t now_usec);

/* At once, without keeping: RELOADING=1 and STOPPING=1. Never waits. */
void notify_now(const struct notify *n, const char *message);
