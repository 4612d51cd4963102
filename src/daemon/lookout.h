/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps what is known of processes fresh: everybody is looked at when the daemon starts, when other
 * rules are loaded, and while memory is becoming short or time is lost for want of it. And says,
 * once a configuration, which of its rules match nobody, and that they leave nobody to kill.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "sys/identity.h"

struct daemon;

struct lookout {
	struct identities identities;
	uint64_t next_look_usec;
	bool census_due; /* the rules are new: what they match is to be counted */
};

/* Adds the source of results, and has everybody looked at; waits half a second for it at most. */
int lookout_start(struct daemon *d);

/* When it may be needed soon, has everybody looked at, every ten seconds. Never waits. */
void lookout_keep_fresh(struct daemon *d, uint64_t now_usec);

/*
 * New settings are in place of those with the patterns @old, which is consumed. Waits for a tenth
 * of a second at most.
 */
void lookout_reload(struct daemon *d, struct patterns *old);
