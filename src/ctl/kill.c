/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl kill": a kill on request, as sysrq f of the kernel's killer is one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "ctl/bus.h"
#include "ctl/ctl.h"
#include "ctl/json.h"

struct answer {
	int signalled;
	uint32_t pid, uid;
	const char *name;
	int64_t badness;
	uint64_t expected_bytes;
};

static const char help[] =
	"Usage: reapctl kill [OPTION...]\n"
	"Kill the worst process now, whatever the level, even if a victim is in flight.\n"
	"\n"
	"  -n, --dry-run        say whom, and kill nobody\n"
	"  -j, --json           for programs";

static void print_json(const struct answer *a)
{
	struct json j;

	json_begin(&j);
	json_bool(&j, "signalled", a->signalled);
	json_unsigned(&j, "pid", a->pid);
	json_text(&j, "name", a->name);
	json_unsigned(&j, "uid", a->uid);
	json_number(&j, "badness", a->badness);
	json_unsigned(&j, "expected_bytes", a->expected_bytes);
	json_end(&j);
}

static void print_line(const struct answer *a)
{
	char bytes[32];

	format_bytes(a->expected_bytes, bytes, sizeof(bytes));
	printf("%s process %u (%s) of user %u, badness %" PRId64 ": expected to give back %s\n",
	       a->signalled ? "SIGKILL was sent to" : "It would be", a->pid, a->name, a->uid,
	       a->badness, bytes);
}

static int print(sd_bus_message *reply, bool dry_run, bool json)
{
	struct answer a;
	int r = sd_bus_message_read(reply, "busuxt", &a.signalled, &a.pid, &a.name, &a.uid,
				    &a.badness, &a.expected_bytes);

	if (r < 0)
		return ctl_fail("the answer cannot be read: %s", strerror(-r));
	if (json)
		print_json(&a);
	else
		print_line(&a);
	if (!a.signalled && !dry_run)
		return ctl_fail("nobody was killed: the daemon is in a dry run");
	return EXIT_SUCCESS;
}

int ctl_kill(int argc, char **argv)
{
	bool dry_run = false, json = false;
	const struct bus_flag flags[] = {{"dry-run", 'n', &dry_run}, {"json", 'j', &json}, {}};
	sd_bus_message *reply = NULL;
	sd_bus *bus;
	int status = bus_begin(argc, argv, help, flags, &bus);

	if (!bus)
		return status;
	status = bus_call(bus, 0, &reply, "Kill", "b", dry_run);
	if (status == EXIT_SUCCESS)
		status = print(reply, dry_run, json);
	sd_bus_message_unref(reply);
	sd_bus_unref(bus);
	return status;
}
