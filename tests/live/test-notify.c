/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service manager is told, and when: nothing twice, a status not while it is kept back,
 * and what did not fit with the next call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "tree.h"

struct manager {
	struct tree t;
	int fd;
	struct notify n;
};

static void begin(struct manager *m)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	tree_init(&m->t);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", m->t.path);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(m->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	notify_init(&m->n);
}

static void end(struct manager *m)
{
	close(m->n.fd);
	close(m->fd);
	tree_done(&m->t);
}

/* A datagram is there when send() has returned. */
static void check_told(struct manager *m, uint64_t now_usec, const char *expected)
{
	char message[1024];
	ssize_t n;

	notify_flush(&m->n, now_usec);
	n = recv(m->fd, message, sizeof(message) - 1, MSG_DONTWAIT);
	message[n > 0 ? n : 0] = '\0';
	assert_string_equal(message, expected);
}

static void test_once(void **state)
{
	struct manager m;

	(void)state;
	begin(&m);
	check_told(&m, 1, "");
	notify_ready(&m.n);
	notify_status(&m.n, "one");
	notify_status(&m.n, "two");
	check_told(&m, 2, "READY=1\nSTATUS=two\n");
	check_told(&m, 3, "");
	end(&m);
}

static void test_hold(void **state)
{
	struct manager m;

	(void)state;
	begin(&m);
	m.n.watchdog_usec = 400;
	notify_hold(&m.n, 1000);
	notify_status(&m.n, "held");
	check_told(&m, 100, "WATCHDOG=1\n");
	check_told(&m, 150, "");
	notify_ready(&m.n);
	check_told(&m, 160, "READY=1\n");
	check_told(&m, 999, "WATCHDOG=1\n");
	check_told(&m, 1000, "STATUS=held\n");
	check_told(&m, 1050, "");
	end(&m);
}

/* The manager does not read: nothing waits, and the last status arrives when it does. */
static void test_full(void **state)
{
	struct manager m;
	char message[1024], status[16];
	unsigned sent;

	(void)state;
	begin(&m);
	for (sent = 0; sent < 10000; sent++) {
		snprintf(status, sizeof(status), "%u", sent);
		notify_status(&m.n, status);
		notify_flush(&m.n, 1);
		if (m.n.status_pending)
			break;
	}
	assert_in_range(sent, 1, 9999);
	notify_status(&m.n, "last");
	while (recv(m.fd, message, sizeof(message), MSG_DONTWAIT) > 0)
		;
	check_told(&m, 2, "STATUS=last\n");
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
