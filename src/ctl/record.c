/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl record": has the daemon write what it keeps of the last minutes, and says where it is.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/bus.h"
#include "ctl/ctl.h"

/* A disk that others are waiting for too. */
#define WRITE_TIMEOUT_USEC (60 * UINT64_C(1000000))

static int print_help(void)
{
	puts("Usage: reapctl record [OPTION...]\n"
	     "Have the daemon write a trace of the last minutes, for reapctl replay, and print\n"
	     "where it is.\n");
	puts(bus_help);
	return EXIT_SUCCESS;
}

static int print(sd_bus_message *reply)
{
	const char *path;
	int r = sd_bus_message_read(reply, "s", &path);

	if (r < 0)
		return ctl_fail("the answer cannot be read: %s", strerror(-r));
	puts(path);
	return EXIT_SUCCESS;
}

int ctl_record(int argc, char **argv)
{
	static const struct option options[] = {BUS_OPTIONS, {}};
	sd_bus_message *reply = NULL;
	struct bus_options o = {};
	sd_bus *bus;
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) >= 0) {
		if (!bus_option(option, &o))
			return ctl_wrong_option(argv[0], option, argv[optind - 1]);
	}
	if (o.help)
		return print_help();
	if (optind < argc)
		return ctl_wrong_word(argv[0], argv[optind]);

	status = bus_open(&o, &bus);
	if (status != EXIT_SUCCESS)
		return status;
	status = bus_call(bus, WRITE_TIMEOUT_USEC, &reply, "Record", "");
	if (status == EXIT_SUCCESS)
		status = print(reply);
	sd_bus_message_unref(reply);
	sd_bus_unref(bus);
	return status;
}
