// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fills a datagram socket that nobody reads from any more, so that whoever writes to it next waits
 * or is turned away; prints how many messages that took.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	static const char message[] = "MESSAGE=backlog\nPRIORITY=7\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unsigned long count = 0;
	int fd;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: backlog SOCKET\n", stderr);
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	while (send(fd, message, sizeof(message) - 1, MSG_NOSIGNAL) >= 0)
		count++;
	if (errno != EAGAIN) {
		perror("send");
		return 1;
	}
	printf("%lu\n", count);
	return 0;
}
