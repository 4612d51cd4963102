/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl record": has the daemon write what it keeps of the last minutes, and says where it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/bus.h"
#include "ctl/ctl.h"

/* A disk that others are waiting for too. */
#define WRITE_TIMEOUT_USEC (60 * UINT64_C(1000000))

static const char help[] =
	"Usage: reapctl record [OPTION...]\n"
	"Have the daemon write a trace of the last minutes, for reapctl replay, and print\n"
	"where it is.\n";

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
	sd_bus_message *reply = NULL;
	sd_bus *bus;
	int status = bus_begin(argc, argv, help, (struct bus_flag[]){{}}, &bus);

	if (!bus)
		return status;
	status = bus_call(bus, WRITE_TIMEOUT_USEC, &reply, "Record", "");
	if (status == EXIT_SUCCESS)
		status = print(reply);
	sd_bus_message_unref(reply);
	sd_bus_unref(bus);
	return status;
}
