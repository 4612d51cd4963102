/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream socket without waiting; see hook.h. A stream, because the service then gets a socket of
 * its own, at whose end it finds the end of the message; of a datagram socket every service would
 * get the same one, and be started again as long as it has not read it.
 */
#include "sys/hook.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sys/fs.h"

int hook_send(const char *path, const char *message)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(message);
	CLEANUP_CLOSE int fd = -1;
	ssize_t n;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* a full backlog is EAGAIN at once (unix_stream_connect() of net/unix/af_unix.c) */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	n = send(fd, message, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}
