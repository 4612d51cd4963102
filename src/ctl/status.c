/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "reapctl status": what the daemon sees, what it would act on, and what it has done.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/config.h"
#include "ctl/bus.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "sys/clock.h"

#define USEC_PER_SEC   UINT64_C(1000000)
#define PROPERTIES_MAX 64

/* A domain besides the host, in the order in which the daemon shows its members. */
#define DOMAIN_ROW "(ssttttttt)"

enum {
	DOMAIN_TOTAL,
	DOMAIN_AVAILABLE,
	DOMAIN_WARNING,
	DOMAIN_SOFT,
	DOMAIN_HARD,
	DOMAIN_SWAP_TOTAL,
	DOMAIN_SWAP_FREE,
	DOMAIN_NUMBERS
};

static const char *const domain_numbers[DOMAIN_NUMBERS] = {
	[DOMAIN_TOTAL] = "MemoryTotal",	    [DOMAIN_AVAILABLE] = "MemoryAvailable",
	[DOMAIN_WARNING] = "WarningMemory", [DOMAIN_SOFT] = "SoftMemory",
	[DOMAIN_HARD] = "HardMemory",	    [DOMAIN_SWAP_TOTAL] = "SwapTotal",
	[DOMAIN_SWAP_FREE] = "SwapFree",
};

struct domain {
	const char *name, *level; /* the message's */
	uint64_t numbers[DOMAIN_NUMBERS];
};

/* One property of the daemon, of any of the types that it has. */
struct property {
	const char *name;
	char type;
	const char *text;
	uint64_t number;	/* b, u and t; of x the same bits */
	char **list;		/* as */
	struct domain *domains; /* an array of these */
	unsigned domain_count;
};

struct status {
	struct property properties[PROPERTIES_MAX]; /* texts are the message's */
	unsigned count;
};

static void status_done(struct status *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		for (char **word = s->properties[i].list; word && *word; word++)
			free(*word);
		free(s->properties[i].list);
		free(s->properties[i].domains);
	}
}

static int read_domain(sd_bus_message *m, struct property *p)
{
	struct domain d, *larger;
	uint64_t *n = d.numbers;
	int r = sd_bus_message_read(m, DOMAIN_ROW, &d.name, &d.level, &n[0], &n[1], &n[2], &n[3],
				    &n[4], &n[5], &n[6]);

	if (r <= 0)
		return r;
	larger = reallocarray(p->domains, p->domain_count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	p->domains = larger;
	p->domains[p->domain_count++] = d;
	return 1;
}

static int read_domains(sd_bus_message *m, struct property *p)
{
	int r = sd_bus_message_enter_container(m, 'a', DOMAIN_ROW);

	while (r > 0)
		r = read_domain(m, p);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_value(sd_bus_message *m, const char *type, struct property *p)
{
	uint32_t small = 0;
	int yes = 0, r;

	p->type = type[0];
	switch (type[0]) {
	case 'a':
		if (strcmp(type, "a" DOMAIN_ROW) == 0)
			return read_domains(m, p);
		return sd_bus_message_read_strv(m, &p->list);
	case 's':
		return sd_bus_message_read_basic(m, 's', &p->text);
	case 'b':
		r = sd_bus_message_read_basic(m, 'b', &yes);
		p->number = (uint64_t)yes;
		return r;
	case 'u':
		r = sd_bus_message_read_basic(m, 'u', &small);
		p->number = small;
		return r;
	case 't':
	case 'x':
		return sd_bus_message_read_basic(m, type[0], &p->number);
	default:
		return sd_bus_message_skip(m, type);
	}
}

static int read_property(sd_bus_message *m, struct property *p)
{
	const char *contents;
	char type;
	int r = sd_bus_message_read_basic(m, 's', &p->name);

	if (r >= 0)
		r = sd_bus_message_peek_type(m, &type, &contents);
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'v', contents);
	if (r >= 0)
		r = read_value(m, contents, p);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int status_read(sd_bus_message *m, struct status *s)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && s->count < PROPERTIES_MAX) {
		r = sd_bus_message_enter_container(m, 'e', "sv");
		if (r <= 0)
			return r;
		r = read_property(m, &s->properties[s->count]);
		if (r < 0)
			return r;
		s->count++;
		r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : 0;
}

static const struct property *find(const struct status *s, const char *name)
{
	static const struct property missing = {.text = ""};

	for (unsigned i = 0; i < s->count; i++) {
		if (strcmp(s->properties[i].name, name) == 0)
			return &s->properties[i];
	}
	return &missing;
}

static uint64_t number(const struct status *s, const char *name)
{
	return find(s, name)->number;
}

static const char *text(const struct status *s, const char *name)
{
	const char *t = find(s, name)->text;

	return t ? t : "";
}

static void print_json_domain(struct json *j, const struct domain *d)
{
	json_begin_object(j, NULL);
	json_text(j, "Name", d->name);
	json_text(j, "Level", d->level);
	for (unsigned i = 0; i < DOMAIN_NUMBERS; i++)
		json_unsigned(j, domain_numbers[i], d->numbers[i]);
	json_end_object(j);
}

static void print_json(const struct status *s)
{
	struct json j;

	json_begin(&j);
	for (unsigned i = 0; i < s->count; i++) {
		const struct property *p = &s->properties[i];

		if (p->type == 's') {
			json_text(&j, p->name, p->text);
		} else if (p->type == 'b') {
			json_bool(&j, p->name, p->number != 0);
		} else if (p->type == 'x') {
			json_number(&j, p->name, (int64_t)p->number);
		} else if (p->type == 'u' || p->type == 't') {
			json_unsigned(&j, p->name, p->number);
		} else if (p->type == 'a') {
			json_begin_array(&j, p->name);
			for (char **word = p->list; word && *word; word++)
				json_text(&j, NULL, *word);
			for (unsigned k = 0; k < p->domain_count; k++)
				print_json_domain(&j, &p->domains[k]);
			json_end_array(&j);
		}
	}
	json_end(&j);
}

/* A time to come of the daemon's clock as one of the wall's. */
static uint64_t on_the_wall(uint64_t monotonic_usec)
{
	return clock_usec(CLOCK_REALTIME) - clock_usec(CLOCK_MONOTONIC) + monotonic_usec;
}

static void format_time(uint64_t realtime_usec, char *buf, size_t size)
{
	time_t t = (time_t)(realtime_usec / USEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(buf, size, "%F %T", &tm) == 0)
		snprintf(buf, size, "?");
}

static void print_bytes(const char *before, uint64_t bytes, const char *after)
{
	char shown[32];

	format_bytes(bytes, shown, sizeof(shown));
	printf("%s%s%s", before, shown, after);
}

static void print_limits(const struct status *s, const char *what, const char *total,
			 const char *left, const char *const limits[3])
{
	print_bytes(what, number(s, left), " of ");
	print_bytes("", number(s, total), "; warning at ");
	print_bytes("", number(s, limits[0]), ", SIGTERM at ");
	print_bytes("", number(s, limits[1]), ", SIGKILL at ");
	print_bytes("", number(s, limits[2]), "\n");
}

static void print_domains(const struct property *p)
{
	for (unsigned i = 0; i < p->domain_count; i++) {
		const struct domain *d = &p->domains[i];
		const uint64_t *n = d->numbers;

		printf("    Domain: %s, level %s: ", d->name, d->level);
		print_bytes("", n[DOMAIN_AVAILABLE], " of ");
		print_bytes("", n[DOMAIN_TOTAL], "; warning at ");
		print_bytes("", n[DOMAIN_WARNING], ", SIGTERM at ");
		print_bytes("", n[DOMAIN_SOFT], ", SIGKILL at ");
		print_bytes("", n[DOMAIN_HARD], "");
		if (n[DOMAIN_SWAP_TOTAL] == 0) {
			puts("; no swap");
			continue;
		}
		print_bytes("; swap: ", n[DOMAIN_SWAP_FREE], " of ");
		print_bytes("", n[DOMAIN_SWAP_TOTAL], " free\n");
	}
}

static void print_pause(const struct status *s)
{
	uint64_t end = number(s, "PauseEndUSecMonotonic");
	char until[64] = "reapctl resume";

	if (!number(s, "Paused"))
		return;
	if (end != UINT64_MAX)
		format_time(on_the_wall(end), until, sizeof(until));
	printf("    Paused: until %s; nobody is killed\n", until);
}

static void print_stands_aside(const struct status *s)
{
	if (number(s, "StandsAside"))
		puts("     Aside: vm.panic_on_oom asks for a panic; nobody is killed");
}

static void print_kills(const struct status *s)
{
	uint64_t kills = number(s, "Kills");
	int64_t freed = (int64_t)number(s, "LastKillFreed");
	char when[64];

	if (number(s, "InFlightPID") > 0)
		printf(" In flight: process %" PRIu64 "\n", number(s, "InFlightPID"));
	printf("     Kills: %" PRIu64, kills);
	if (kills > 0) {
		format_time(number(s, "LastKillUSecRealtime"), when, sizeof(when));
		printf("; the last of process %" PRIu64 " (%s), over at %s",
		       number(s, "LastKillPID"), text(s, "LastKillName"), when);
		print_bytes(", ", freed > 0 ? (uint64_t)freed : 0, " came back");
	}
	putchar('\n');
}

/* What is missing stands out. */
static void print_capabilities(const struct status *s)
{
	static const struct {
		const char *property, *shown;
	} all[] = {
		{"ProcessMrelease", "process_mrelease"},
		{"Kcmp", "kcmp"},
		{"Pressure", "pressure"},
		{"PressureTrigger", "pressure trigger"},
		{"MemoryLocked", "memory locked"},
		{"OOMScoreAdjustMin", "oom_score_adj -1000"},
	};

	printf("       Can:");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf("%s %s%s", i > 0 ? "," : "", number(s, all[i].property) ? "" : "NOT ",
		       all[i].shown);
	putchar('\n');
}

static void print_text(const struct status *s)
{
	static const char *const memory[] = {"WarningMemory", "SoftMemory", "HardMemory"};
	static const char *const swap[] = {"WarningSwap", "SoftSwap", "HardSwap"};
	const struct property *files = find(s, "ConfigFiles");

	printf("     reapd: %s%s\n", text(s, "Version"),
	       number(s, "DryRun") ? ", in a dry run" : "");
	printf("     Level: %s (%s)\n", text(s, "Level"), text(s, "Reason"));
	print_pause(s);
	print_stands_aside(s);
	print_limits(s, "    Memory: ", "MemoryTotal", "MemoryAvailable", memory);
	if (number(s, "SwapTotal") > 0)
		print_limits(s, "      Swap: ", "SwapTotal", "SwapFree", swap);
	else
		puts("      Swap: none");
	print_domains(find(s, "Domains"));
	print_kills(s);
	print_capabilities(s);
	printf("     Drill: killed a child %" PRIu64 ".%" PRIu64
	       " ms after the scan began, dead %" PRIu64 ".%" PRIu64 " ms later",
	       number(s, "DrillKillUSec") / 1000, number(s, "DrillKillUSec") / 100 % 10,
	       number(s, "DrillDeathUSec") / 1000, number(s, "DrillDeathUSec") / 100 % 10);
	print_bytes("; memory fills by at most ", number(s, "FillRate"), " a second\n");
	printf("     Files:");
	for (char **word = files->list; word && *word; word++)
		printf(" %s", *word);
	puts(files->list && files->list[0] ? "" : " none: the defaults count");
}

int ctl_status(int argc, char **argv)
{
	static const char help[] = "Usage: reapctl status [OPTION...]\n"
				   "Show level and limits, the last kill, what the daemon can do, "
				   "and what it has read.\n"
				   "\n"
				   "  -j, --json           for programs";
	bool json = false;
	const struct bus_flag flags[] = {{"json", 'j', &json}, {}};
	sd_bus_message *reply = NULL;
	struct status s = {};
	sd_bus *bus;
	int r, status = bus_begin(argc, argv, help, flags, &bus);

	if (!bus)
		return status;
	status = bus_get_all(bus, &reply);
	if (status == EXIT_SUCCESS) {
		r = status_read(reply, &s);
		if (r < 0)
			status = ctl_fail("the answer cannot be read: %s", strerror(-r));
		else if (json)
			print_json(&s);
		else
			print_text(&s);
	}
	status_done(&s);
	sd_bus_message_unref(reply);
	sd_bus_unref(bus);
	return status;
}
