/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains in the loop; see domains.h. What a step is here is what it is for the host in daemon.c,
 * but for what concerns the machine alone: hooks, slab, the trace.
 */
#include "daemon/domains.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/kill.h"
#include "daemon/message-id.h"
#include "sys/fs.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

#define USEC_PER_SEC UINT64_C(1000000)

/* Control groups come and go; what is found costs a walk through a few directories. */
#define LOOK_INTERVAL_USEC (10 * USEC_PER_SEC)
#define LOOK_AGAIN_USEC	   USEC_PER_SEC
/* Where opening a file waits for the machine's memory. */
#define LOOK_TAKES_USEC (5 * USEC_PER_SEC)

/* Who is due soon is looked at with who is due: fewer wake-ups. A share of its period. */
#define EARLY_DIVISOR	  4
#define ACCURACY_DIVISOR  10
#define ACCURACY_MAX_USEC 50000

/* After the host's own timer, and before clients. */
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL + 1)

static const char *shown_name(const struct domain_watch *w, char *buf, size_t size)
{
	text_format_name(w->domain.name.text, buf, size);
	return buf;
}

static bool is_in_flight(const struct domain_watch *w)
{
	return w->policy.phase == PHASE_AWAITING;
}

bool domains_in_flight(const struct daemon *d)
{
	for (unsigned i = 0; i < d->domains.count; i++) {
		if (is_in_flight(d->domains.all[i]))
			return true;
	}
	return false;
}

static bool stands_aside(const struct daemon *d, const struct domain_watch *w)
{
	if (w->is_leaving || pause_stands_aside(&d->pause) ||
	    surroundings_stand_aside_of_domains(d))
		return true;
	if (d->policy.phase == PHASE_AWAITING)
		return true;
	/* in a dry run nobody is in flight, and all the same one at a time is named */
	return d->kill.domain != w &&
	       (d->kill.active || (d->kill.domain && is_in_flight(d->kill.domain)));
}

/* ---- which there are ---- */

static void report_begin(struct daemon *d, const struct domain_watch *w)
{
	char name[DOMAIN_NAME_SIZE * 4], total[32], swap[32] = "none", soft[32], hard[32];
	struct limits limits;

	limits_resolve(&d->domains.config, &w->last.mem, &limits);
	format_bytes(w->last.mem.total_bytes, total, sizeof(total));
	if (w->last.mem.swap_total_bytes > 0)
		format_bytes(w->last.mem.swap_total_bytes, swap, sizeof(swap));
	format_bytes(limits.memory_bytes[LEVEL_SOFT], soft, sizeof(soft));
	format_bytes(limits.memory_bytes[LEVEL_HARD], hard, sizeof(hard));
	daemon_note(d, LOG_INFO, MESSAGE_ID_START,
		    "watches %s too: %s of memory and %s of swap: SIGTERM at %s, SIGKILL at %s of "
		    "available memory",
		    shown_name(w, name, sizeof(name)), total, swap, soft, hard);
}

/* Once a configuration: a pattern may match thousands. */
static void complain(struct daemon *d, const char *what, const char *why)
{
	char name[DOMAIN_NAME_SIZE * 4];

	if (d->domains.complained)
		return;
	d->domains.complained = true;
	text_format_name(what, name, sizeof(name));
	daemon_note(d, LOG_WARNING, MESSAGE_ID_START, "%s is not watched: %s", name, why);
}

/* Consumes the open @domain. */
static void add(struct daemon *d, struct domain *domain, const struct sample *host)
{
	struct domains *all = &d->domains;
	struct domain_watch *w = calloc(1, sizeof(*w));

	if (!w || domain_take_sample(domain, host, UINT64_MAX, SAMPLE_DECISION, &w->last) < 0) {
		if (!w)
			complain(d, domain->name.text, strerror(ENOMEM));
		free(w);
		domain_close(domain);
		return;
	}
	w->domain = *domain;
	policy_init(&w->policy, &all->config, all->fill_rate_bytes);
	all->all[all->count++] = w;
	all->cgroups += domain->name.kind == DOMAIN_CGROUP;
	report_begin(d, w);
}

static void drop(struct daemon *d, unsigned index)
{
	struct domains *all = &d->domains;
	struct domain_watch *w = all->all[index];
	char name[DOMAIN_NAME_SIZE * 4];

	daemon_note(d, LOG_INFO, MESSAGE_ID_MACHINE, "%s is not watched any more",
		    shown_name(w, name, sizeof(name)));
	if (d->kill.domain == w) {
		d->kill.domain = NULL;
		d->kill.state = VICTIM_NONE;
	}
	/* a kill that was under way at a reload: the settings may ask for them again */
	if (w->domain.name.kind == DOMAIN_NODES)
		all->nodes_due = true;
	/* a service that is started again has a group before the group has a limit */
	all->next_look_usec = u64_min(all->next_look_usec, clock_now_usec() + LOOK_AGAIN_USEC);
	all->cgroups -= w->domain.name.kind == DOMAIN_CGROUP;
	all->all[index] = all->all[--all->count];
	domain_close(&w->domain);
	free(w);
}

static bool is_watched(const struct domains *all, const char *name)
{
	for (unsigned i = 0; i < all->count; i++) {
		if (strcmp(all->all[i]->domain.name.text, name) == 0)
			return true;
	}
	return false;
}

struct look {
	struct daemon *daemon;
	struct sample host;
};

static void add_cgroup(void *userdata, const char *path)
{
	const struct look *l = userdata;
	struct daemon *d = l->daemon;
	struct domain domain;
	int r;

	if (is_watched(&d->domains, path))
		return;
	if (d->domains.cgroups == DOMAIN_CGROUPS_MAX) {
		complain(d, path, "64 control groups are, and no more can be");
		return;
	}
	r = domain_open_cgroup(&domain, d->domains.cgroup_fd, path);
	if (r >= 0)
		add(d, &domain, &l->host);
	/* no limit of its own, no group, or one that has gone meanwhile */
	else if (r != -ENODATA && r != -ENOTDIR && r != -ENOENT && r != -ENODEV)
		complain(d, path, strerror(-r));
}

static void add_nodes(struct daemon *d, const struct sample *host)
{
	const char *value = d->settings.config.watch_nodes;
	struct text rest = TEXT(value, strlen(value)), word;
	CLEANUP_CLOSE int sys_fd = fs_open_dir(AT_FDCWD, "/sys");
	char nodes[NODE_SETS_SIZE];
	struct domain domain;

	while (text_next_word(&rest, &word)) {
		int r;

		text_copy(word, nodes, sizeof(nodes));
		r = domain_open_nodes(&domain, d->proc_fd, sys_fd, nodes);
		if (r >= 0 && !is_watched(&d->domains, domain.name.text))
			add(d, &domain, host);
		else if (r >= 0)
			domain_close(&domain);
		else
			daemon_note(d, LOG_WARNING, MESSAGE_ID_START,
				    "WatchNodes=%s: not watched: %s", nodes,
				    r == -ENODATA ? "there are no such nodes with memory"
						  : strerror(-r));
	}
}

/*
 * A kill may come at any moment. Not where nobody can die or it would not help, and it is not tried
 * again within @rest_usec: that may last.
 */
static bool is_before_kill(const struct policy *p, uint64_t now_usec, uint64_t rest_usec)
{
	bool rests = p->phase == PHASE_BARREN &&
		     u64_sub(p->barren_until_usec, now_usec) >= rest_usec;

	return p->announced_level >= LEVEL_SOFT && !rests;
}

static bool may_look(const struct daemon *d, uint64_t now_usec)
{
	if (d->kill.active)
		return false;
	/* somebody who wants a panic of the machine has nobody killed for it */
	if (!surroundings_stand_aside(d) && is_before_kill(&d->policy, now_usec, LOOK_TAKES_USEC))
		return false;
	/* those of other settings go when it is looked */
	if (d->domains.begins_anew)
		return true;
	/* a look waits for nothing that these are short of */
	for (unsigned i = 0; i < d->domains.count; i++) {
		if (is_before_kill(&d->domains.all[i]->policy, now_usec, 0))
			return false;
	}
	return true;
}

static void drop_all(struct daemon *d)
{
	for (unsigned i = d->domains.count; i-- > 0;) {
		d->domains.all[i]->is_leaving = true;
		if (!is_in_flight(d->domains.all[i]))
			drop(d, i);
	}
}

/* Never in a kill: here it allocates. */
static void look(struct daemon *d, uint64_t now_usec)
{
	struct domains *all = &d->domains;
	struct look l = {.daemon = d};

	all->next_look_usec = now_usec + (all->count > 0 && !all->begins_anew ? LOOK_INTERVAL_USEC
									      : LOOK_AGAIN_USEC);
	if (!may_look(d, now_usec) || !daemon_take_sample(d, SAMPLE_DECISION, &l.host))
		return;
	if (all->begins_anew)
		drop_all(d);
	all->begins_anew = false;
	all->next_look_usec = now_usec + LOOK_INTERVAL_USEC;
	domain_configure(&d->settings.config, &l.host.mem, &all->config);
	for (unsigned i = 0; i < all->count; i++)
		domain_refresh(&all->all[i]->domain, d->proc_fd);
	if (all->nodes_due)
		add_nodes(d, &l.host);
	all->nodes_due = false;
	if (all->cgroup_fd >= 0)
		domain_find_cgroups(all->cgroup_fd, d->settings.config.watch_cgroups, add_cgroup,
				    &l);
}

/* ---- steps ---- */

/*
 * Who is not there any more needs nothing: its group is removed when its last process has ended,
 * which is how many a kill in it ends.
 */
static void sample_of_nothing(const struct domain_watch *w, const struct sample *host,
			      struct sample *ret)
{
	*ret = w->last;
	ret->time_usec = host->time_usec;
	ret->slept_usec = host->slept_usec;
	ret->mem.free_bytes = ret->mem.available_bytes = ret->mem.total_bytes;
	ret->mem.swap_free_bytes = ret->mem.swap_total_bytes;
	ret->has_vmstat = ret->has_psi = false;
}

/* Of a kill of the kernel's a group tells in the sample before a signal; the host takes longer. */
static enum sample_depth choose_depth(const struct domain_watch *w)
{
	bool is_near = w->domain.name.kind == DOMAIN_NODES &&
		       w->policy.announced_level > LEVEL_CALM;

	return w->look_closer || is_near ? SAMPLE_WITH_VMSTAT : SAMPLE_DECISION;
}

/* False when there is nothing to be seen of the host, or of the domain any more. */
static bool take_sample(struct daemon *d, struct domain_watch *w, enum sample_depth depth,
			struct sample *ret)
{
	bool needs_host_kills = w->domain.name.kind == DOMAIN_NODES;
	struct limits limits;
	struct sample host;

	if (!daemon_take_sample(d, needs_host_kills ? depth : SAMPLE_DECISION, &host))
		return false;
	limits_resolve(&d->domains.config, &w->last.mem, &limits);
	if (domain_take_sample(&w->domain, &host, limits.memory_bytes[LEVEL_HARD] / 2, depth, ret) <
	    0) {
		w->is_leaving = true;
		if (!is_in_flight(w))
			return false;
		sample_of_nothing(w, &host, ret);
	}
	w->last = *ret;
	return true;
}

static bool scan(struct daemon *d, struct domain_watch *w, struct observation *o)
{
	struct scan_request request = daemon_scan_request(
		d, domain_total_pages(&w->domain, &o->sample));

	kill_send_begun(d); /* its table is of the scan that this one overwrites */
	request.domain = &w->domain;
	request.shortage_bytes = policy_shortage_bytes(&w->policy, &o->sample);
	if (d->skip_dying || !policy_waits_for_dying(&w->policy, o->sample.time_usec))
		request.dying = DYING_IS_SKIPPED;
	d->skip_dying = false;
	d->scan_error = -scanner_run(d->scanner, &request, &d->scan);
	d->kin.found = false; /* a family is looked for on the whole machine only */
	if (!take_sample(d, w, SAMPLE_BEFORE_SIGNAL, &o->sample))
		return false;
	daemon_observe_scan(d, o);
	return true;
}

static void report(struct daemon *d, const struct domain_watch *w, const struct sample *s,
		   const struct action *said, const struct action *last)
{
	if (said->announce)
		daemon_send_moment(d, REPORT_LEVEL, MESSAGE_ID_LEVEL, LOG_NOTICE, w, s, said);
	if (daemon_begins(last->kind))
		kill_report_begun(d);
	if (d->settings.config.debug)
		daemon_send_moment(d, REPORT_STATE, MESSAGE_ID_STATE, LOG_DEBUG, w, s, last);
}

/* Without a sample: when to try again; 0: it has gone. */
static uint64_t not_seen(struct domain_watch *w)
{
	w->stepped_usec = clock_now_usec();
	return w->is_leaving && !is_in_flight(w) ? 0 : w->stepped_usec + USEC_PER_SEC;
}

/* When it wants to be called again; 0: it has gone. */
static uint64_t step(struct daemon *d, struct domain_watch *w)
{
	struct observation o = {};
	struct action a, said;
	uint64_t decided_usec;

	if (!take_sample(d, w, choose_depth(w), &o.sample))
		return not_seen(w);
	decided_usec = o.sample.time_usec;
	o.victim = kill_observe(d, w, &o.sample);
	o.victim_release = kill_release(d, w);
	o.stand_aside = stands_aside(d, w);
	a = said = policy_step(&w->policy, &o);
	d->skip_dying &= a.kind == ACTION_SCAN;
	if (a.kind == ACTION_SCAN) {
		if (!scan(d, w, &o))
			return not_seen(w);
		a = policy_step(&w->policy, &o);
		if (a.announce)
			said = a;
	}
	w->look_closer = a.look_closer;
	w->stepped_usec = o.sample.time_usec;
	daemon_carry_out(d, w, &a, &o.sample, decided_usec);
	report(d, w, &o.sample, &said, &a);
	return d->kill.state == VICTIM_MISSED && d->kill.domain == w && daemon_begins(a.kind)
		       ? o.sample.time_usec /* the next is due at once */
		       : a.next_usec;
}

static void step_until_settled(struct daemon *d, struct domain_watch *w)
{
	for (unsigned i = 0; i < DAEMON_STEPS_PER_TICK; i++) {
		w->next_usec = step(d, w);
		if (w->next_usec == 0 || w->next_usec > w->stepped_usec)
			return;
	}
}

static bool is_due(const struct daemon *d, const struct domain_watch *w, uint64_t now_usec)
{
	uint64_t early = u64_sub(w->next_usec, w->stepped_usec) / EARLY_DIVISOR;

	return d->kill.domain == w || u64_sub(w->next_usec, early) <= now_usec;
}

static uint64_t tick(struct daemon *d)
{
	struct domains *all = &d->domains;
	bool overdue = d->kill.report_pending;
	uint64_t now = clock_now_usec(), next;

	for (unsigned i = 0; i < all->count; i++) {
		if (is_due(d, all->all[i], now))
			step_until_settled(d, all->all[i]);
	}
	daemon_look_at_pause(d, clock_now_usec()); /* who was awaited for it may have gone */
	if (overdue)
		kill_send_begun(d);
	kill_flush(d, now);
	for (unsigned i = all->count; i-- > 0;) {
		const struct domain_watch *w = all->all[i];

		if (w->next_usec == 0 || (w->is_leaving && !is_in_flight(w)))
			drop(d, i);
	}
	if (now >= all->next_look_usec)
		look(d, now);
	next = all->next_look_usec;
	for (unsigned i = 0; i < all->count; i++)
		next = u64_min(next, all->all[i]->next_usec);
	return next;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;
	uint64_t next = tick(d), period = u64_sub(next, clock_now_usec());
	uint64_t accuracy = u64_max(1, u64_min(period / ACCURACY_DIVISOR, ACCURACY_MAX_USEC));
	int r = sd_event_source_set_time_accuracy(source, accuracy);

	(void)usec;
	if (r >= 0)
		r = sd_event_source_set_time(source, next);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void domains_wake(struct daemon *d)
{
	if (!d->domains.timer)
		return;
	/* an event source that exists and a time cannot be refused */
	(void)sd_event_source_set_time(d->domains.timer, 0);
	(void)sd_event_source_set_enabled(d->domains.timer, SD_EVENT_ONESHOT);
}

/* ---- settings ---- */

static bool is_wanted(const struct config *config)
{
	return config->watch_cgroups[0] != '\0' || config->watch_nodes[0] != '\0';
}

static void open_hierarchy(struct daemon *d)
{
	struct domains *all = &d->domains;

	if (all->cgroup_fd >= 0 || d->settings.config.watch_cgroups[0] == '\0')
		return;
	all->cgroup_fd = fs_open_dir(AT_FDCWD, CGROUP_ROOT);
	if (all->cgroup_fd >= 0 && domain_has_memcg(all->cgroup_fd))
		return;
	fs_closep(&all->cgroup_fd);
	all->cgroup_fd = -1;
	daemon_note(
		d, LOG_WARNING, MESSAGE_ID_START,
		"WatchCgroups=: nothing of it is watched: expected the memory controller in the "
		"v2 hierarchy at " CGROUP_ROOT ", and not in one of v1");
}

/* It cannot be looked now: what is open has the new limits, and who is not wanted any more goes. */
static void configure_those_open(struct daemon *d)
{
	const struct config *config = &d->settings.config;
	struct domains *all = &d->domains;

	domain_configure(config, &d->last.mem, &all->config);
	for (unsigned i = 0; i < all->count; i++) {
		struct domain_watch *w = all->all[i];

		w->is_leaving = w->domain.name.kind == DOMAIN_NODES
					? config->watch_nodes[0] == '\0'
					: !domain_is_named(config->watch_cgroups, &w->domain.name);
	}
}

void domains_configure(struct daemon *d)
{
	struct domains *all = &d->domains;

	if (!is_wanted(&d->settings.config)) {
		drop_all(d);
		return;
	}
	all->begins_anew = true;
	all->complained = false;
	all->nodes_due = true;
	open_hierarchy(d);
	look(d, clock_now_usec());
	if (all->begins_anew)
		configure_those_open(d);
	if (!all->timer &&
	    sd_event_add_time(d->event, &all->timer, CLOCK_MONOTONIC, 0, 0, on_timer, d) >= 0)
		(void)sd_event_source_set_priority(all->timer, PRIORITY); /* else as the host */
	domains_wake(d);
}

void domains_start(struct daemon *d, uint64_t fill_rate_bytes)
{
	d->domains.fill_rate_bytes = fill_rate_bytes;
	d->domains.cgroup_fd = -1;
	domains_configure(d);
}

int domains_append(const struct daemon *d, sd_bus_message *m)
{
	char name[DOMAIN_NAME_SIZE * 4];
	int r = sd_bus_message_open_container(m, 'a', "(ssttttttt)");

	for (unsigned i = 0; r >= 0 && i < d->domains.count; i++) {
		const struct domain_watch *w = d->domains.all[i];
		const struct meminfo *mem = &w->last.mem;
		struct limits limits;

		limits_resolve(&d->domains.config, mem, &limits);
		r = sd_bus_message_append(m, "(ssttttttt)", shown_name(w, name, sizeof(name)),
					  level_name(w->policy.announced_level), mem->total_bytes,
					  mem->available_bytes, limits.memory_bytes[LEVEL_WARNING],
					  limits.memory_bytes[LEVEL_SOFT],
					  limits.memory_bytes[LEVEL_HARD], mem->swap_total_bytes,
					  mem->swap_free_bytes);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}
