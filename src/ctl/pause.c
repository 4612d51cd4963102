/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl pause": nobody is killed for a time, or until "reapctl resume".
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/pause.h"
#include "ctl/bus.h"
#include "ctl/ctl.h"

/* As long as the kernel waits for its victims before it suspends the machine. */
#define TIMEOUT_USEC (20 * UINT64_C(1000000))

static int print_help(void)
{
	puts("Usage: reapctl pause [OPTION...] [TIME]\n"
	     "Kill nobody for this time, such as 10min, or until reapctl resume. A victim in "
	     "flight\n"
	     "is waited for.\n"
	     "\n"
	     "  --timeout=TIME       so long (20s); if it is not dead then, there is no pause");
	puts(bus_help);
	return EXIT_SUCCESS;
}

static int wrong_time(const char *word)
{
	(void)ctl_fail("%s: expected a time above 0, such as 90s, 10min or 2h", word);
	return EXIT_USAGE;
}

static bool parse_time(const char *word, uint64_t *ret_usec)
{
	return config_parse_duration(TEXT(word, strlen(word)), ret_usec) >= 0 && *ret_usec > 0;
}

int ctl_pause(int argc, char **argv)
{
	static const struct option options[] = {
		{"timeout", required_argument, NULL, 't'},
		BUS_OPTIONS,
		{},
	};
	uint64_t time_usec = 0, timeout_usec = TIMEOUT_USEC;
	struct bus_options o = {};
	sd_bus *bus;
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) >= 0) {
		if (option == 't') {
			if (!parse_time(optarg, &timeout_usec))
				return wrong_time(optarg);
			if (timeout_usec > PAUSE_TIMEOUT_MAX_USEC) {
				(void)ctl_fail("--timeout=%s: expected at most 1min", optarg);
				return EXIT_USAGE;
			}
		} else if (!bus_option(option, &o)) {
			return ctl_wrong_option(argv[0], option, argv[optind - 1]);
		}
	}
	if (o.help)
		return print_help();
	if (optind < argc && !parse_time(argv[optind], &time_usec))
		return wrong_time(argv[optind]);
	if (optind + 1 < argc)
		return ctl_wrong_word(argv[0], argv[optind + 1]);

	status = bus_open(&o, &bus);
	if (status != EXIT_SUCCESS)
		return status;
	status = bus_call(bus, timeout_usec, NULL, "Pause", "tt", time_usec, timeout_usec);
	sd_bus_unref(bus);
	return status;
}
