/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: samples go to the policy, its actions are carried out, and what happens is waited
 * for until the policy wants to be called next.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "core/text.h"
#include "core/yield.h"
#include "daemon/kill.h"
#include "daemon/message-id.h"
#include "daemon/reload.h"
#include "daemon/swap.h"
#include "sys/clock.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Who fills a tmpfs is looked for when all memory would be gone so soon. */
#define WRITER_SOON_USEC (30 * USEC_PER_SEC)

#define VMSTAT_INTERVAL_USEC USEC_PER_SEC

/*
 * Until the second clock is read the first stands: too little at worst, and never too much. Whole
 * hundredths of a second, so that a trace has it once a sleep and not once a step.
 */
static uint64_t slept_usec(void)
{
	struct timespec t;
	uint64_t ahead;

	clock_gettime(CLOCK_BOOTTIME, &t);
	ahead = u64_sub((uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000,
			clock_now_usec());
	return ahead - ahead % 10000;
}

void daemon_wake(struct daemon *d)
{
	d->next_usec = 0;
	if (d->kill.domain)
		domains_wake(d);
}

void daemon_note(struct daemon *d, int priority, const char *message_id, const char *format, ...)
{
	va_list args;

	d->report.kind = REPORT_NOTE;
	d->report.priority = priority;
	d->report.message_id = message_id;
	va_start(args, format);
	vsnprintf(d->report.text, sizeof(d->report.text), format, args);
	va_end(args);
	writer_send(&d->writer, &d->report);
}

void daemon_fill_moment(const struct daemon *d, const struct domain_watch *domain,
			const struct sample *sample, const struct action *action,
			struct report_moment *ret)
{
	static const struct domain_name host = {DOMAIN_HOST, "host"};
	const struct config *config = domain ? &d->domains.config : &d->settings.config;

	*ret = (struct report_moment){
		.domain = domain ? domain->domain.name : host,
		.sample = *sample,
		.level = action->level,
		.level_before = action->announced_before,
		.reason = action->reason,
		.stall_permyriad = action->stall_permyriad,
		.elsewhere_bytes = action->elsewhere_bytes,
		.consumed_bytes = action->consumed_bytes,
		.exhausted_usec = action->exhausted_usec,
		.stall_window_usec = config->stall_window_usec,
	};
	if (action->stall_of_others)
		memcpy(ret->stalled_group, d->groups.name, sizeof(ret->stalled_group));
	limits_resolve(config, &sample->mem, &ret->limits);
}

void daemon_send_moment(struct daemon *d, enum report_kind kind, const char *message_id,
			int priority, const struct domain_watch *domain,
			const struct sample *sample, const struct action *action)
{
	d->report.kind = kind;
	d->report.priority = priority;
	d->report.message_id = message_id;
	daemon_fill_moment(d, domain, sample, action, &d->report.moment);
	writer_send(&d->writer, &d->report);
}

void daemon_update_status(struct daemon *d)
{
	struct limits limits;
	char soft[32], hard[32], name[4 * COMM_SIZE], status[512];
	int len;

	limits_resolve(&d->settings.config, &d->last.mem, &limits);
	format_bytes(limits.memory_bytes[LEVEL_SOFT], soft, sizeof(soft));
	format_bytes(limits.memory_bytes[LEVEL_HARD], hard, sizeof(hard));
	len = snprintf(status, sizeof(status),
		       "%s%sLevel %s; SIGTERM at %s, SIGKILL at %s available; %u %s",
		       pause_stands_aside(&d->pause) ? "Paused. " : "",
		       surroundings_stand_aside(d) ? "Stands aside for vm.panic_on_oom. " : "",
		       level_name(d->policy.announced_level), soft, hard, d->kills,
		       d->kills == 1 ? "kill" : "kills");
	if (d->kills > 0) {
		text_format_name(d->last_victim.comm, name, sizeof(name));
		snprintf(status + len, sizeof(status) - (size_t)len,
			 ", the last of process %d (%s)", d->last_victim.id.pid, name);
	}
	notify_status(&d->notify, status);
}

static void note_changes(struct daemon *d, const struct sample *now)
{
	swap_note(d, now->time_usec);
	if (d->last.has_psi != now->has_psi)
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_MACHINE,
			    now->has_psi ? "pressure can be read again"
					 : "pressure can no longer be read: stalls are not seen");
	if (now->has_vmstat) {
		if (now->vmstat.oom_kill > d->oom_kills)
			daemon_note(d, LOG_NOTICE, MESSAGE_ID_MACHINE,
				    "the kernel's out-of-memory killer has killed %" PRIu64
				    " processes since the last look, for the machine or for a "
				    "cgroup at its own limit: see the kernel's log",
				    now->vmstat.oom_kill - d->oom_kills);
		d->oom_kills = now->vmstat.oom_kill;
	}
	d->last = *now;
	calm_note_sample(&d->calm, &d->settings.config, now);
}

/* Often enough to say soon that the kernel was faster, seldom enough to cost nothing. */
static enum sample_depth choose_depth(struct daemon *d, uint64_t now_usec)
{
	/* near a limit with each sample: a kill of the kernel's has to be seen before our own */
	if (now_usec < d->next_vmstat_usec && d->policy.announced_level < LEVEL_WARNING &&
	    !d->look_closer)
		return SAMPLE_DECISION;
	d->next_vmstat_usec = now_usec + VMSTAT_INTERVAL_USEC;
	return SAMPLE_WITH_VMSTAT;
}

bool daemon_take_sample(struct daemon *d, enum sample_depth depth, struct sample *ret)
{
	int r = sampler_take(&d->sampler, clock_now_usec(), depth, ret);

	if (r < 0 && !d->sample_failed)
		daemon_note(d, LOG_ERR, MESSAGE_ID_MACHINE,
			    "/proc/meminfo cannot be read: %s; nothing is watched until it can",
			    strerror(-r));
	else if (r >= 0 && d->sample_failed)
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_MACHINE, "/proc/meminfo can be read again");
	d->sample_failed = r < 0;
	if (r >= 0) {
		ret->slept_usec = slept_usec();
		groups_fill_sample(&d->groups, ret);
		swap_watch(d, ret);
	}
	return r >= 0;
}

uint64_t daemon_total_pages(const struct sample *s)
{
	return u64_add(s->mem.total_bytes, s->mem.swap_total_bytes) /
	       (uint64_t)sysconf(_SC_PAGESIZE);
}

struct scan_request daemon_scan_request(const struct daemon *d, uint64_t total_pages)
{
	return (struct scan_request){
		.total_pages = total_pages,
		.select = d->settings.config.select,
		.sort_by = d->settings.config.sort_by,
		.ignore_root_user = d->settings.config.ignore_root_user,
		.patterns = d->settings.patterns,
		.known = identities_book(&d->lookout.identities),
	};
}

void daemon_observe_scan(const struct daemon *d, struct observation *o)
{
	const struct process *victim = &d->scan.victim;

	if (d->scan_error != 0 || !d->scan.found) {
		o->scan = SCAN_NOBODY;
		return;
	}
	o->scan = SCAN_VICTIM;
	o->candidate = victim->id;
	o->candidate_bytes = kin_is_of(&d->kin, victim->id) ? d->kin.family.bytes
							    : process_expected_bytes(victim);
	o->candidate_shmem_bytes = victim->memory.rss_shmem_bytes;
	o->candidate_dying = victim->verdict == VERDICT_DYING;
	/* those who go with it may listen; not of a group with memory.oom.group: see reapd(8) */
	o->candidate_ignores_term = process_ignores_term(&victim->memory) &&
				    !kin_is_of(&d->kin, victim->id) &&
				    !d->settings.config.kill_process_group;
}

static bool is_what_grows(const struct daemon *d, const struct shmem_writer *writer)
{
	uint64_t rate = u64_muldiv(writer->grown_bytes, USEC_PER_SEC, writer->elapsed_usec);

	return d->consumed_bytes > 0 && rate >= d->consumed_bytes / 2;
}

/*
 * Where the shortage is a tmpfs that is being filled, nobody's death gives enough back; that of who
 * fills it ends the filling.
 */
static void consider_writer(struct daemon *d, const struct scan_request *request,
			    struct observation *o)
{
	const struct shmem_writer *writer = groups_writer(&d->groups, o->sample.time_usec);
	struct process p;

	if (!writer || !is_what_grows(d, writer) || request->select != SELECT_RELIEF ||
	    o->scan != SCAN_VICTIM || o->candidate_dying ||
	    yield_gone_elsewhere(&d->policy, o) == 0)
		return;
	if (scanner_is_aside(d->scanner, writer->id) ||
	    scan_read_oom_score(d->proc_fd, writer->id.pid) <= 0)
		return;
	scan_process(d->proc_fd, writer->id.pid, request, &p);
	/* who is protected dies for his own size only */
	if (p.verdict != VERDICT_ELIGIBLE || !process_id_equal(p.id, writer->id) ||
	    p.oom_score_adj < 0 || p.bias_pages < 0)
		return;
	scan_set_victim(&d->scan, &p, request->sort_by);
	daemon_observe_scan(d, o);
	o->candidate_writes = true;
}

static bool scan(struct daemon *d, struct observation *o, enum level level)
{
	struct scan_request request = daemon_scan_request(d, daemon_total_pages(&o->sample));

	kill_send_begun(d); /* of a domain's victim, with the table that this one overwrites */
	request.shortage_bytes = policy_shortage_bytes(&d->policy, &o->sample);
	request.swapoff = d->swap_leaves;
	if (o->requested || d->skip_dying ||
	    !policy_waits_for_dying(&d->policy, o->sample.time_usec))
		request.dying = DYING_IS_SKIPPED;
	d->skip_dying = false;
	if (o->requested)
		request.select = SELECT_KERNEL; /* the worst, as with sysrq f */
	d->scan_error = -scanner_run(d->scanner, &request, &d->scan);
	kin_find(d, &request, &o->sample, d->consumed_bytes);
	if (!daemon_take_sample(d, SAMPLE_BEFORE_SIGNAL, &o->sample))
		return false;
	daemon_observe_scan(d, o);
	if (level == LEVEL_HARD && !o->requested)
		consider_writer(d, &request, o);
	return true;
}

static void send_barren(struct daemon *d, const struct domain_watch *domain, const struct sample *s,
			const struct action *a)
{
	const struct stuck_victim *stuck = stuck_largest(&d->stuck);
	struct report_barren *b = &d->report.barren;

	*b = (struct report_barren){.stuck_bytes = a->stuck_bytes};
	if (a->stuck_bytes > 0 && stuck) {
		b->stuck_pid = stuck->victim.id.pid;
		memcpy(b->stuck_comm, stuck->comm, sizeof(b->stuck_comm));
	}
	if (d->scan.found) {
		b->best_pid = d->scan.victim.id.pid;
		memcpy(b->best_comm, d->scan.victim.comm, sizeof(b->best_comm));
		b->best_bytes = process_expected_bytes(&d->scan.victim);
	}
	d->report.kind = REPORT_BARREN;
	d->report.priority = LOG_ERR;
	d->report.message_id = MESSAGE_ID_BARREN;
	daemon_fill_moment(d, domain, s, a, &b->moment);
	writer_send(&d->writer, &d->report);
}

static void report_state(struct daemon *d, const struct sample *s, const struct action *a)
{
	uint64_t interval = d->settings.config.report_interval_usec;

	if (d->settings.config.debug)
		daemon_send_moment(d, REPORT_STATE, MESSAGE_ID_STATE, LOG_DEBUG, NULL, s, a);
	if (interval == 0 || s->time_usec < d->next_state_report_usec)
		return;
	d->next_state_report_usec = s->time_usec + interval;
	daemon_send_moment(d, REPORT_STATE, MESSAGE_ID_STATE, LOG_INFO, NULL, s, a);
}

void daemon_carry_out(struct daemon *d, const struct domain_watch *domain, const struct action *a,
		      const struct sample *s, uint64_t decided_usec)
{
	switch (a->kind) {
	case ACTION_TERM:
	case ACTION_KILL:
	case ACTION_ADOPT:
		kill_begin(d, domain, a, s, decided_usec);
		return;
	case ACTION_ESCALATE:
		kill_escalate(d);
		return;
	case ACTION_SETTLED:
		kill_end(d, s, OUTCOME_SETTLED);
		return;
	case ACTION_RELEASED:
		kill_end(d, s, OUTCOME_RELEASED);
		return;
	case ACTION_GIVE_UP:
		kill_end(d, s, OUTCOME_STUCK);
		return;
	case ACTION_BARREN:
		if (d->scan_error != 0)
			daemon_note(d, LOG_ERR, MESSAGE_ID_BARREN, "/proc cannot be listed: %s",
				    strerror(d->scan_error));
		send_barren(d, domain, s, a);
		if (domain)
			return;
		surroundings_look_at_slab(d);
		surroundings_report_slab(d);
		return;
	case ACTION_NONE:
	case ACTION_SCAN: /* a second one waits for the next tick */
		return;
	}
}

bool daemon_begins(enum action_kind kind)
{
	return kind == ACTION_TERM || kind == ACTION_KILL || kind == ACTION_ADOPT;
}

uint64_t daemon_step(struct daemon *d, struct observation *o)
{
	uint64_t decided_usec = o->sample.time_usec;
	struct action a = policy_step(&d->policy, o), said = a, asked = a;
	struct observation first = *o;
	bool seen = true;

	d->consumed_bytes = a.consumed_bytes;
	d->exhausted_usec = a.exhausted_usec;
	d->skip_dying &= a.kind == ACTION_SCAN;
	if (a.kind == ACTION_SCAN) {
		seen = scan(d, o, a.level);
		if (seen)
			a = policy_step(&d->policy, o);
		else
			*o = first;
		if (a.announce)
			said = a;
	}

	d->look_closer = a.look_closer;
	daemon_carry_out(d, NULL, &a, &o->sample, decided_usec);
	/* whatever had to be done is done: from here on there is time */
	groups_look(&d->groups, o->sample.time_usec, a.ask_groups, a.level >= LEVEL_WARNING);
	groups_look_for_barred(&d->groups, o->sample.time_usec, a.ask_barred);
	groups_look_for_writer(&d->groups, &o->sample,
			       a.level >= LEVEL_WARNING || a.exhausted_usec < WRITER_SOON_USEC);
	if (asked.slept_usec > 0 || a.slept_usec > 0)
		surroundings_report_sleep(d, u64_max(asked.slept_usec, a.slept_usec));
	if (said.announce) {
		daemon_send_moment(d, REPORT_LEVEL, MESSAGE_ID_LEVEL, LOG_NOTICE, NULL, &o->sample,
				   &said);
		control_level_changed(d->control, level_name(said.level), reason_name(said.reason));
		daemon_update_status(d);
	}
	surroundings_ask(d, &o->sample, &a);
	if (daemon_begins(a.kind))
		kill_report_begun(d);
	report_state(d, &o->sample, &a);
	if (asked.kind == ACTION_SCAN && seen)
		recorder_add(&d->recorder, &first, &asked, NULL);
	recorder_add(&d->recorder, o, &a, &d->policy);
	if (!seen)
		return decided_usec + USEC_PER_SEC;
	return d->kill.state == VICTIM_MISSED && daemon_begins(a.kind)
		       ? o->sample.time_usec /* the next is due at once */
		       : a.next_usec;
}

static void reserve_room(struct daemon *d)
{
	unsigned processes = scan_count_processes(d->proc_fd);

	/* when it fails the old size does, until it does not */
	(void)scanner_reserve(d->scanner, processes);
	kin_reserve(&d->kin, processes);
}

/* Buffers grow while there is memory to grow into, and the kernel's too. */
static void keep_room(struct daemon *d)
{
	kin_collect(d, &d->last);
	lookout_keep_fresh(d, clock_now_usec());
	/* a shortage in which nobody can be killed may last for hours */
	if (!d->kill.active &&
	    (d->policy.phase == PHASE_BARREN ||
	     (d->policy.phase == PHASE_WATCHING && d->policy.announced_level < LEVEL_SOFT)))
		reserve_room(d);
}

/*
 * Nothing is going on, and nothing that a glance does not show is asked for: the stalls are shown
 * by the pressure trigger.
 */
static bool may_glance(const struct daemon *d)
{
	return !d->kill.active && !d->kill.ended && !d->kill.report_pending && !d->sample_failed &&
	       !pause_stands_aside(&d->pause) && !d->recorder.has_file && d->keeper.due_usec == 0 &&
	       (!d->last.has_psi || d->has_psi_trigger) && !d->settings.config.debug &&
	       d->settings.config.report_interval_usec == 0;
}

/* False: a sample is due. */
static bool glance(struct daemon *d, uint64_t *ret_next_usec)
{
	struct glance now;

	if (!may_glance(d) || !sampler_glance(clock_now_usec(), &now) ||
	    !calm_glance(&d->calm, &d->policy, &now, ret_next_usec))
		return false;
	surroundings_look(d, now.time_usec);
	notify_flush(&d->notify, now.time_usec);
	return true;
}

static uint64_t tick(struct daemon *d)
{
	struct observation o = {};
	struct sample now;
	uint64_t next = 0;
	bool overdue;

	for (unsigned i = 0; i < DAEMON_STEPS_PER_TICK; i++) {
		o = (struct observation){};
		surroundings_look(d, clock_now_usec());
		daemon_look_at_pause(d, clock_now_usec()); /* with nothing to be seen too */
		if (!daemon_take_sample(d, choose_depth(d, clock_now_usec()), &o.sample)) {
			next = clock_now_usec() + USEC_PER_SEC;
			break;
		}
		now = o.sample;
		o.victim = kill_observe(d, NULL, &o.sample);
		o.victim_release = kill_release(d, NULL);
		o.stuck_bytes = stuck_look(d, now.time_usec);
		o.writer_known = groups_writer(&d->groups, now.time_usec) != NULL;
		o.stand_aside = pause_stands_aside(&d->pause) || surroundings_stand_aside(d);
		overdue = d->kill.report_pending;
		next = daemon_step(d, &o);
		if (overdue)
			kill_send_begun(d);
		note_changes(d, &now);
		if (next > o.sample.time_usec)
			break;
	}
	kill_flush(d, clock_now_usec());
	keep_room(d);
	next = u64_min(next, keeper_look(d, clock_now_usec()));
	notify_flush(&d->notify, clock_now_usec());
	return u64_min(next, pause_next_usec(&d->pause));
}

static int on_pressure(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;

	(void)fd;
	if (revents & EPOLLERR) {
		/* the trigger is gone (its cgroup or PSI itself): polling on would spin */
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_MACHINE,
			    "the pressure trigger is gone: the timer alone wakes the daemon");
		d->has_psi_trigger = false;
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	}
	d->next_usec = 0;
	return 0;
}

static int on_reaped(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	struct reap_result result;

	(void)source;
	(void)fd;
	(void)revents;
	while (reaper_result(&d->reaper, &result) > 0)
		kill_reaped(d, &result);
	daemon_wake(d); /* what it has released may be enough */
	return 0;
}

static int on_named(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	struct victim_name name;

	(void)source;
	(void)fd;
	(void)revents;
	while (namer_result(&d->namer, &name) > 0)
		kill_named(d, &name);
	return 0;
}

static int on_cgroups(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;
	struct cgroup_result result;

	(void)source;
	(void)fd;
	(void)revents;
	while (cgroups_result(&d->cgroups, &result) > 0)
		kill_grouped(d, &result);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	char mistake[256];

	(void)source;
	(void)si;
	(void)reload(userdata, mistake, sizeof(mistake)); /* it has told all of them */
	return 0;
}

static int add_sources(struct daemon *d, int psi_trigger_fd)
{
	int r = sd_event_add_io(d->event, NULL, d->reaper.result_fd, EPOLLIN, on_reaped, d);

	if (r >= 0)
		r = sd_event_add_io(d->event, NULL, d->namer.result_fd, EPOLLIN, on_named, d);
	if (r >= 0)
		r = sd_event_add_io(d->event, NULL, d->cgroups.result_fd, EPOLLIN, on_cgroups, d);
	if (r >= 0)
		r = groups_add_source(&d->groups, d->event, &d->settings.config);
	if (r >= 0)
		r = keeper_add_source(d);
	if (r >= 0)
		r = swap_add_source(d);
	if (r < 0)
		return r;
	if (psi_trigger_fd >= 0) {
		r = sd_event_add_io(d->event, NULL, psi_trigger_fd, EPOLLPRI, on_pressure, d);
		/* EPERM: a container's file that takes the trigger and knows no poll() */
		if (r < 0 && r != -EPERM)
			return r;
		if (r < 0)
			daemon_note(d, LOG_NOTICE, MESSAGE_ID_MACHINE,
				    "the pressure trigger cannot be waited for: the timer alone "
				    "wakes the daemon");
		d->has_psi_trigger = r >= 0;
	}
	r = sd_event_add_signal(d->event, NULL, SIGTERM, NULL, NULL); /* ends the loop */
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
	return r;
}

/* Looks, when it is time, unless the daemon ends. A glance is not enough for who was woken. */
static void look_when_due(struct daemon *d)
{
	int code;

	if (clock_now_usec() < d->next_usec || sd_event_get_exit_code(d->event, &code) != -ENODATA)
		return;
	if (d->next_usec == 0 || !glance(d, &d->next_usec))
		d->next_usec = tick(d);
}

/*
 * When to look next is no event of sd-event's but the timeout of its wait: a timer costs each
 * glance two more system calls. And so the look goes before every event. The descriptor of sd-event
 * must not be polled instead: to look into it takes the event of a pressure trigger
 * (psi_trigger_poll()), and of /proc/swaps, which then never arrives.
 */
static int run_loop(struct daemon *d)
{
	int code = 0, r = 0;

	while (r >= 0 && sd_event_get_state(d->event) != SD_EVENT_FINISHED) {
		r = sd_event_prepare(d->event);
		if (r == 0)
			r = sd_event_wait(d->event, u64_sub(d->next_usec, clock_now_usec()));
		look_when_due(d);
		if (r > 0)
			r = sd_event_dispatch(d->event);
	}
	if (r >= 0)
		r = sd_event_get_exit_code(d->event, &code);
	return r < 0 ? r : code;
}

int daemon_run(struct daemon *d, uint64_t fill_rate_bytes, int psi_trigger_fd)
{
	int r;

	d->oom_kills = d->last.vmstat.oom_kill;
	d->swap_said_bytes = d->swap_total_bytes = d->last.mem.swap_total_bytes;
	policy_init(&d->policy, &d->settings.config, fill_rate_bytes);
	recorder_begin(&d->recorder, &d->settings.config, fill_rate_bytes);
	r = sd_event_new(&d->event);
	if (r >= 0)
		r = add_sources(d, psi_trigger_fd);
	if (r >= 0)
		r = lookout_start(d);
	if (r < 0)
		return r;

	domains_start(d, fill_rate_bytes);
	control_start(d, &d->control);
	notify_ready(&d->notify);
	daemon_update_status(d);
	notify_flush(&d->notify, clock_now_usec());
	r = run_loop(d);
	control_stop(d->control);
	d->control = NULL;
	notify_now(&d->notify, "STOPPING=1\nSTATUS=");
	kill_stop(d);
	keeper_stop(d);
	return r;
}
