/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd-bus without a bus; see bus.h.
 */
#include "ctl/bus.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>

#include "ctl/ctl.h"
#include "daemon/control.h"
#include "sys/fs.h"

/* While memory is short the daemon has better things to do, but not for long. */
#define CALL_TIMEOUT_USEC (10 * UINT64_C(1000000))

const char bus_help[] = "  --socket=PATH        the control socket instead of " CONTROL_SOCKET "\n"
			"  -h, --help           this text";

bool bus_option(int option, struct bus_options *o)
{
	switch (option) {
	case 'S':
		o->socket = optarg;
		return true;
	case 'h':
		o->help = true;
		return true;
	default:
		return false;
	}
}

static int connect_to(const char *path, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int bus_open(const struct bus_options *o, sd_bus **ret)
{
	const char *path = o->socket ? o->socket : CONTROL_SOCKET;
	sd_bus *bus = NULL;
	int fd, r = connect_to(path, &fd);

	if (r < 0) {
		(void)ctl_fail("%s: %s: expected reapd to be running, see systemctl status reapd",
			       path, strerror(-r));
		return EX_UNAVAILABLE;
	}
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0)
		close(fd);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		sd_bus_unref(bus);
		return ctl_fail("%s: %s", path, strerror(-r));
	}
	*ret = bus;
	return EXIT_SUCCESS;
}

int bus_begin(int argc, char **argv, const char *help, const struct bus_flag *flags, sd_bus **ret)
{
	struct option options[BUS_FLAGS_MAX + 3] = {BUS_OPTIONS, {}};
	char letters[BUS_FLAGS_MAX + 3] = ":h";
	const struct bus_flag *flag;
	struct bus_options o = {};
	int option;

	*ret = NULL;
	for (unsigned i = 0; flags[i].name; i++) {
		options[2 + i] = (struct option){flags[i].name, no_argument, NULL, flags[i].letter};
		letters[2 + i] = flags[i].letter;
	}
	opterr = 0;
	while ((option = getopt_long(argc, argv, letters, options, NULL)) >= 0) {
		for (flag = flags; flag->name && flag->letter != option; flag++)
			;
		if (flag->name)
			*flag->set = true;
		else if (!bus_option(option, &o))
			return ctl_wrong_option(argv[0], option, argv[optind - 1]);
	}
	if (o.help) {
		puts(help);
		puts(bus_help);
		return EXIT_SUCCESS;
	}
	if (optind < argc)
		return ctl_wrong_word(argv[0], argv[optind]);
	return bus_open(&o, ret);
}

/* Consumes @m. */
static int call(sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, sd_bus_message **ret_reply)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_call(bus, m, timeout_usec, &error, ret_reply);
	int status = EXIT_SUCCESS;

	if (r < 0)
		status = ctl_fail("%s", error.message ? error.message : strerror(-r));
	if (sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED))
		status = EX_NOPERM;
	else if (sd_bus_error_has_name(&error, CONTROL_ERROR_CONFIG))
		status = EX_CONFIG;
	sd_bus_error_free(&error);
	sd_bus_message_unref(m);
	return status;
}

int bus_call(sd_bus *bus, uint64_t timeout_usec, sd_bus_message **ret_reply, const char *method,
	     const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list args;
	int r = sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH, CONTROL_INTERFACE,
					       method);

	va_start(args, types);
	if (r >= 0 && types[0] != '\0')
		r = sd_bus_message_appendv(m, types, args);
	va_end(args);
	if (r < 0) {
		sd_bus_message_unref(m);
		return ctl_fail("%s", strerror(-r));
	}
	return call(bus, m, timeout_usec + CALL_TIMEOUT_USEC, ret_reply);
}

int bus_get_all(sd_bus *bus, sd_bus_message **ret_reply)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, NULL, CONTROL_PATH,
					       "org.freedesktop.DBus.Properties", "GetAll");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", CONTROL_INTERFACE);
	if (r < 0) {
		sd_bus_message_unref(m);
		return ctl_fail("%s", strerror(-r));
	}
	return call(bus, m, CALL_TIMEOUT_USEC, ret_reply);
}

pid_t bus_find_daemon(const char *socket)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	CLEANUP_CLOSE int fd = -1;

	if (connect_to(socket, &fd) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -1;
	return peer.pid;
}
