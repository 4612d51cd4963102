/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings: read, check, replace; see reload.h.
 */
#include "daemon/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "daemon/message-id.h"
#include "sys/config-file.h"
#include "sys/pattern.h"

int settings_read(const struct options *options, const struct meminfo *mem,
		  void (*complain)(void *userdata, const char *message), void *userdata,
		  struct settings *ret)
{
	/* not on the stack, which is locked: its pages would stay */
	struct config_loader *l = malloc(sizeof(*l));
	struct config_files files = {};
	struct patterns *patterns = NULL;
	int r;

	if (!l)
		return -ENOMEM;
	config_loader_init(l, complain, userdata);
	r = config_files_read(l, options->config_path, options->config_required, &files);
	if (r >= 0) {
		options_apply(options, l);
		config_loader_check(l, meminfo_ordinary_bytes(mem), mem->swap_total_bytes);
		patterns = patterns_new(l);
		if (l->mistakes > 0)
			r = -EINVAL;
		else if (!patterns)
			r = -ENOMEM;
	}
	if (r >= 0) {
		*ret = (struct settings){.config = l->config, .patterns = patterns, .files = files};
	} else {
		config_files_done(&files);
		patterns_free(patterns);
	}
	free(l);
	return r;
}

void settings_done(struct settings *s)
{
	patterns_free(s->patterns);
	config_files_done(&s->files);
	*s = (struct settings){};
}

struct complaints {
	struct daemon *daemon;
	char *first;
	size_t size;
};

static void complain_in_report(void *userdata, const char *message)
{
	struct complaints *c = userdata;

	if (c->first[0] == '\0')
		snprintf(c->first, c->size, "%s", message);
	daemon_note(c->daemon, LOG_ERR, MESSAGE_ID_RELOAD, "%s", message);
}

/*
 * What was decided at start and proven by the drill: the lock that only an instance that kills
 * takes, where the writer writes, and how much memory there is for what.
 */
static void keep_fixed(struct daemon *d, struct config *fresh)
{
	const struct config *now = &d->settings.config;

	if (fresh->dry_run != now->dry_run || fresh->log != now->log ||
	    fresh->trace_memory_bytes != now->trace_memory_bytes)
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_RELOAD,
			    "DryRun=, Log= and TraceMemory= count at the next start: they stay as "
			    "they are");
	fresh->dry_run = now->dry_run;
	fresh->log = now->log;
	fresh->trace_memory_bytes = now->trace_memory_bytes;
}

int reload(struct daemon *d, char *reterr_mistake, size_t size)
{
	struct complaints complaints = {d, reterr_mistake, size};
	struct settings fresh;
	struct patterns *old;
	char message[64];
	int r;

	reterr_mistake[0] = '\0';
	snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 clock_now_usec());
	notify_now(&d->notify, message);
	r = settings_read(&d->options, &d->last.mem, complain_in_report, &complaints, &fresh);
	if (r < 0) {
		daemon_note(d, LOG_ERR, MESSAGE_ID_RELOAD,
			    "the configuration was not reloaded%s: the old one stays",
			    r == -ENOMEM ? " for want of memory" : "");
	} else {
		keep_fixed(d, &fresh.config);
		old = d->settings.patterns;
		d->settings.patterns = NULL; /* somebody may be looking with them */
		settings_done(&d->settings);
		d->settings = fresh;
		lookout_reload(d, old);
		policy_configure(&d->policy, &d->settings.config);
		d->calm = (struct calm){}; /* it knew another limit */
		domains_configure(d);
		recorder_configure(&d->recorder, &d->settings.config);
		daemon_note(d, LOG_INFO, MESSAGE_ID_RELOAD, "the configuration was reloaded");
	}
	daemon_update_status(d);
	notify_ready(&d->notify);
	notify_flush(&d->notify, clock_now_usec());
	return r < 0 ? r : 0;
}
