/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl reload" and "reapctl resume": orders with nothing to choose and nothing to show. A
 * mistake in the configuration is told by reload too.
 */
#include "ctl/bus.h"
#include "ctl/ctl.h"

static int give(int argc, char **argv, const char *help, const char *method)
{
	sd_bus *bus;
	int status = bus_begin(argc, argv, help, (struct bus_flag[]){{}}, &bus);

	if (!bus)
		return status;
	status = bus_call(bus, 0, NULL, method, "");
	sd_bus_unref(bus);
	return status;
}

int ctl_reload(int argc, char **argv)
{
	return give(
		argc, argv,
		"Usage: reapctl reload [OPTION...]\n"
		"Have the daemon read its configuration again. With a mistake in it the old one\n"
		"stays.\n",
		"Reload");
}

int ctl_resume(int argc, char **argv)
{
	return give(argc, argv,
		    "Usage: reapctl resume [OPTION...]\n"
		    "End a pause. That there is none is no error.\n",
		    "Resume");
}
