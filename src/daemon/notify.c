/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify(3)'s protocol without waiting; see notify.h.
 */
#include "daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

void notify_init(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len;
	size_t path_len;

	*n = (struct notify){.fd = -1};
	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	path_len = strlen(path);
	if (path_len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, path_len);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	else
		len++;

	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd >= 0 && connect(n->fd, (const struct sockaddr *)&address, len) < 0) {
		close(n->fd);
		n->fd = -1;
	}
	if (sd_watchdog_enabled(0, &n->watchdog_usec) <= 0)
		n->watchdog_usec = 0;
}

static bool notify_send(const struct notify *n, const char *message)
{
	return n->fd < 0 || send(n->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void notify_ready(struct notify *n)
{
	n->ready_pending = true;
}

void notify_status(struct notify *n, const char *status)
{
	snprintf(n->status, sizeof(n->status), "%s", status);
	n->status_pending = true;
}

void notify_hold(struct notify *n, uint64_t until_usec)
{
	n->held_usec = until_usec;
}

void notify_flush(struct notify *n, uint64_t now_usec)
{
	bool keep_alive = n->watchdog_usec > 0 && now_usec >= n->watchdog_next_usec;
	bool status = n->status_pending && now_usec >= n->held_usec;
	char message[576];

	if (!n->ready_pending && !status && !keep_alive)
		return;
	snprintf(message, sizeof(message), "%s%s%s%s%s", n->ready_pending ? "READY=1\n" : "",
		 keep_alive ? "WATCHDOG=1\n" : "", status ? "STATUS=" : "", status ? n->status : "",
		 status ? "\n" : "");
	if (!notify_send(n, message))
		return;
	n->ready_pending = false;
	n->status_pending &= !status;
	if (keep_alive)
		n->watchdog_next_usec = now_usec + n->watchdog_usec / 4;
}

void notify_now(const struct notify *n, const char *message)
{
	(void)notify_send(n, message); /* a courtesy */
}
