/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl resume": the end of a pause.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/bus.h"
#include "ctl/ctl.h"

static int print_help(void)
{
	puts("Usage: reapctl resume [OPTION...]\n"
	     "End a pause. That there is none is no error.\n");
	puts(bus_help);
	return EXIT_SUCCESS;
}

int ctl_resume(int argc, char **argv)
{
	static const struct option options[] = {BUS_OPTIONS, {}};
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
	status = bus_call(bus, 0, NULL, "Resume", "");
	sd_bus_unref(bus);
	return status;
}
