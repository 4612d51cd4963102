/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon at the other end of the control socket, for the commands that need one, and the
 * options that they have in common.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

struct bus_options {
	const char *socket; /* NULL: CONTROL_SOCKET */
	bool help;
};

/* For the array of getopt_long(), and what becomes of them. False: it is none of these. */
#define BUS_OPTIONS                               \
	{"socket", required_argument, NULL, 'S'}, \
	{                                         \
		"help", no_argument, NULL, 'h'    \
	}
bool bus_option(int option, struct bus_options *o);

/* Of these, for --help. */
extern const char bus_help[];

/* Connects, and complains by itself when nobody is there. Returns an exit status. */
int bus_open(const struct bus_options *o, sd_bus **ret);

/* An option of one command, without a value. */
struct bus_flag {
	const char *name;
	char letter;
	bool *set;
};

#define BUS_FLAGS_MAX 4

/*
 * How a command begins that has no other options than @flags, up to one without a name, and those
 * above, and takes no words: it reads them, prints @help and theirs where that was asked for, and
 * connects. Returns an exit status; without a connection *@ret is NULL, and all is said.
 */
int bus_begin(int argc, char **argv, const char *help, const struct bus_flag *flags, sd_bus **ret);

/*
 * Calls a method of the daemon with arguments as sd_bus_message_append() takes them, and complains
 * by itself, with what the daemon says. Returns an exit status; @ret_reply may be NULL.
 */
int bus_call(sd_bus *bus, uint64_t timeout_usec, sd_bus_message **ret_reply, const char *method,
	     const char *types, ...);

/* All properties of the daemon, as a{sv}. Returns an exit status. */
int bus_get_all(sd_bus *bus, sd_bus_message **ret_reply);

/* The process that listens there; -1: none does. */
pid_t bus_find_daemon(const char *socket);
