// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients of the control socket that mean no good: some connect and say nothing, some send garbage
 * and come again, some promise a message of 100 MiB, some ask without end and read no answer.
 * "flood SOCKET": until it is killed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int connect_once(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The daemon's queue may be full, or it has had enough: both are what is wanted. */
static int connect_or_rest(void)
{
	int fd = connect_once();

	if (fd < 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return fd;
}

static void hang(void)
{
	int fd = connect_or_rest();
	char byte;

	if (fd < 0)
		return;
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

static void garbage(void)
{
	unsigned char data[4096];
	int fd = connect_or_rest();

	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)random();
	for (unsigned i = 0; i < 100; i++) {
		if (send(fd, data, sizeof(data), MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
}

/* As any client that is who it is. */
static int introduce(void)
{
	char uid[16], text[128];
	int fd = connect_or_rest(), at;

	if (fd < 0)
		return -1;
	snprintf(uid, sizeof(uid), "%u", getuid());
	text[0] = '\0';
	at = 1 + snprintf(text + 1, sizeof(text) - 1, "AUTH EXTERNAL ");
	for (const char *c = uid; *c; c++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", *c);
	at += snprintf(text + at, sizeof(text) - (size_t)at, "\r\nBEGIN\r\n");
	if (send(fd, text, (size_t)at, MSG_NOSIGNAL) != at) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Little endian, method call, flags, version, length of the body, serial, length of the fields. */
static void promise(void)
{
	uint32_t header[4] = {0x0100016c, 100 << 20, 1, 16};
	char data[65536] = {};
	int fd = introduce();

	if (fd < 0)
		return;
	if (send(fd, header, sizeof(header), MSG_NOSIGNAL) > 0) {
		while (send(fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
			;
	}
	close(fd);
}

/* org.freedesktop.DBus.Peer.Ping of /, over and over; the answers pile up. */
static void insist(void)
{
	static const char ping[] = "l\1\0\1\0\0\0\0\1\0\0\0\x45\0\0\0"
				   "\1\1o\0\1\0\0\0/\0\0\0\0\0\0\0"
				   "\2\1s\0\x19\0\0\0org.freedesktop.DBus.Peer\0\0\0\0\0\0\0"
				   "\3\1s\0\4\0\0\0Ping\0\0\0";
	int fd = introduce();

	_Static_assert(sizeof(ping) == 88, "what the fields' length says, filled up to 8");
	if (fd < 0)
		return;
	while (send(fd, ping, sizeof(ping), MSG_NOSIGNAL) > 0)
		;
	close(fd);
}

int main(int argc, char **argv)
{
	static void (*const ways[])(void) = {hang, hang, hang, garbage, promise, insist};

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	memcpy(address.sun_path, argv[1], strlen(argv[1]));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		srandom((unsigned)i);
		for (;;)
			ways[i]();
	}
	for (;;)
		pause();
}
