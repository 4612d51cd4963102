/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domains besides the host (WatchCgroups=, WatchNodes=): which there are, a policy for each,
 * and a timer of their own, so that the host's loop is what it is without them. There is one kill
 * at a time on the machine. The host comes first: it never waits for a domain's victim, and takes
 * it for its own when that one is dying and large enough; a domain stands aside while anybody else
 * has one in flight.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "core/policy.h"
#include "sys/domain.h"

#define DOMAIN_CGROUPS_MAX 64
#define DOMAINS_MAX	   (DOMAIN_CGROUPS_MAX + DOMAIN_NODE_SETS_MAX)

struct daemon;

struct domain_watch {
	struct domain domain;
	struct policy policy;
	struct sample last;
	uint64_t stepped_usec, next_usec;
	bool look_closer;
	bool is_leaving; /* is watched only until its victim is dead */
};

struct domains {
	struct config config; /* the limits of all of them: see domain_configure() */
	uint64_t fill_rate_bytes;
	sd_event_source *timer; /* NULL: nothing besides the host was ever asked for */
	int cgroup_fd;		/* the v2 hierarchy; -1: it does not account for memory */
	uint64_t next_look_usec;
	bool begins_anew; /* the settings are others: those that are open go first */
	bool nodes_due;	  /* then those of WatchNodes= that are not open are looked for too */
	bool complained;  /* that one cannot be watched; once a configuration */
	unsigned count, cgroups;
	struct domain_watch *all[DOMAINS_MAX];
};

/* What is configured at start. What cannot be watched is said, and is no reason not to start. */
void domains_start(struct daemon *d, uint64_t fill_rate_bytes);

/* The settings are others: finds and opens anew what is to be watched. */
void domains_configure(struct daemon *d);

/* Whether the victim of one of them is awaited. */
bool domains_in_flight(const struct daemon *d);

/* They are looked at as soon as what is being done now is done. */
void domains_wake(struct daemon *d);

/*
 * All of them for the control socket, as an array of name, level, memory (total, available,
 * warning, soft, hard) and swap (total, free).
 */
#define DOMAINS_TYPE "a(ssttttttt)"
int domains_append(const struct daemon *d, sd_bus_message *m);
