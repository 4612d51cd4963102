/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One kill, from signal to report; see kill.h. The order in kill_begin() is the point of the
 * program: take hold, wake the reaper, signal; all that is slow or may wait comes after.
 */
#include "daemon/kill.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "core/text.h"
#include "daemon/message-id.h"

/* A report waits so long for the reaper, which itself gives up after a second. */
#define REAP_WAIT_USEC 1500000

/* How long nothing is said after a signal: what a victim of a gigabyte or two needs to be gone. */
#define HOLD_USEC 300000

#define UNIT_MEMORY_USEC (UINT64_C(3600) * 1000000)

static void send_kill_report(struct daemon *d, enum report_kind kind, const char *message_id,
			     int priority, const struct report_kill *record)
{
	d->report.kind = kind;
	d->report.priority = priority;
	d->report.message_id = message_id;
	d->report.kill = *record;
	writer_send(&d->writer, &d->report);
}

static void send_table(struct daemon *d)
{
	struct report_table *t = &d->report.table;
	const struct report_kill *k = &d->kill.record;
	const struct scan_result *s = &d->scan;
	bool rows = tunables_dump_tasks(&d->surroundings.tunables);
	unsigned left_out;

	if (!ratelimit_pass(&d->surroundings.dumps, clock_now_usec(), &left_out))
		return;
	d->report.kind = REPORT_TABLE;
	d->report.priority = LOG_NOTICE;
	d->report.message_id = MESSAGE_ID_TABLE;
	*t = (struct report_table){
		.moment = k->moment,
		.total_pages = k->total_pages,
		.sort_by = d->settings.config.sort_by,
		.victim = k->victim.id.pid,
		.seen = s->seen,
		.scored = s->scored,
		.evaluated = s->evaluated,
		.unreadable = s->unreadable,
		.overflow = s->overflow,
		.left_out = left_out,
		.count = rows ? s->top_count : 0,
	};
	memcpy(t->rows, s->top, sizeof(t->rows));
	writer_send(&d->writer, &d->report);
	if (!d->kill.domain)
		surroundings_report_slab(d);
}

/*
 * Kills of @unit, with this one, within an hour that begins with the first of them. The least
 * recent makes room for a new one.
 */
static unsigned count_unit_kill(struct daemon *d, const char *unit, uint64_t now_usec)
{
	struct unit_kills *entry = NULL, *oldest = &d->unit_kills[0];

	if (unit[0] == '\0')
		return 0;
	for (unsigned i = 0; i < UNITS_REMEMBERED; i++) {
		struct unit_kills *u = &d->unit_kills[i];

		if (strcmp(u->unit, unit) == 0)
			entry = u;
		if (u->first_usec < oldest->first_usec)
			oldest = u;
	}
	if (!entry) {
		entry = oldest;
		*entry = (struct unit_kills){};
		memcpy(entry->unit, unit, strnlen(unit, sizeof(entry->unit) - 1));
	}
	if (entry->count == 0 || now_usec - entry->first_usec > UNIT_MEMORY_USEC) {
		entry->count = 0;
		entry->first_usec = now_usec;
	}
	return ++entry->count;
}

static void kill_close(struct kill *k)
{
	k->source = sd_event_source_disable_unref(k->source);
	victim_close(&k->victim);
	k->active = false;
}

/* The pidfd is readable: the victim is dead. The tick sees it; nothing else to do here. */
static int on_victim_dead(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;

	(void)fd;
	(void)revents;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	daemon_wake(d);
	return 0;
}

/*
 * After SIGTERM too: a process without a handler is dying from then on, and one with a handler is
 * EINVAL until it has called exit(), which the reaper gives it a second for. One request at a time
 * for one address space: where its lock is held for good, two threads would hang in it.
 */
static void submit_victim(struct daemon *d)
{
	d->kill.reap_again = d->kill.reaps_pending > 0 || company_pending_sharer(&d->company);
	if (d->kill.reap_again)
		return;
	/* when the queue is full it frees its memory itself, in its own time */
	if (reaper_submit(&d->reaper, &d->kill.victim) >= 0)
		d->kill.reaps_pending++;
}

static void signal_group_member(void *userdata, const struct process *p)
{
	struct daemon *d = userdata;
	struct victim v;

	if (victim_open(d->proc_fd, p->id, &v) < 0)
		return;
	if (victim_signal(&v, d->kill.record.signal) >= 0)
		d->kill.record.group_size++;
	/* not after SIGTERM: those with a handler would keep the reapers from the victim; and
	 * those who share memory one at a time, as the company does it */
	if (d->kill.record.signal == SIGKILL && !company_has(&d->company, p->id))
		(void)reaper_submit(&d->reaper, &v);
	victim_close(&v);
}

static void signal_group(struct daemon *d)
{
	const struct report_kill *record = &d->kill.record;
	struct scan_request request = daemon_scan_request(d, record->total_pages);

	if (d->settings.config.kill_process_group && !record->adopted)
		(void)scanner_for_group(d->scanner, &request, &record->victim, signal_group_member,
					d);
}

/*
 * Those who share the victim's memory, and what its control groups ask for, up to the one that is
 * short: mem_cgroup_get_oom_group() of mm/memcontrol.c.
 */
static void accompany(struct daemon *d)
{
	struct report_kill *record = &d->kill.record;
	const struct domain_name *domain = &record->moment.domain;
	const char *top = domain->kind == DOMAIN_CGROUP ? domain->text : "";
	unsigned relatives;

	company_signal(d, record->signal, &record->sharers, &relatives);
	/* the second signal finds fewer of them */
	if (relatives > record->family_size)
		record->family_size = relatives;
	if (!record->adopted)
		(void)cgroups_submit(&d->cgroups, &d->kill.victim, record->signal, top);
}

/*
 * Takes hold, wakes the reaper, signals. 0 or negative errno; -ESRCH: it is gone. A process that
 * is dying already gets SIGKILL too, which takes it out of a wait that only a signal ends.
 */
static int signal_victim(struct daemon *d)
{
	struct kill *k = &d->kill;
	int r = victim_open(d->proc_fd, k->record.victim.id, &k->victim);

	if (r < 0)
		return r;
	writer_hold(&d->writer, k->decided_usec + HOLD_USEC);
	notify_hold(&d->notify, k->decided_usec + HOLD_USEC);
	/* the first of all: nobody can tell its unit once its parent has waited for it */
	k->name_pending = namer_submit(&d->namer, &k->victim) >= 0;
	/* the kernel kills no group for somebody who is dying anyway */
	if (!k->record.adopted)
		cgroups_prepare(&d->cgroups, &k->victim);
	submit_victim(d);
	r = victim_signal(&k->victim, k->record.signal);
	k->record.signal_usec = u64_max(clock_now_usec() - k->decided_usec, 1);
	if (r < 0) {
		k->name_pending = false;
		victim_close(&k->victim);
		return r;
	}
	k->record.family_size = 0;
	accompany(d);
	signal_group(d);
	return 0;
}

/* Chosen for that, or large enough without. */
static void note_writer(struct daemon *d, struct report_kill *record)
{
	const struct shmem_writer *writer = groups_writer(&d->groups, clock_now_usec());

	if (!writer || !process_id_equal(writer->id, record->victim.id))
		return;
	record->writer = *writer;
	if (record->kernels != 0 && record->kernels != record->victim.id.pid)
		record->difference = DIFFERENCE_WRITER;
}

/* What the report says of the choice: the family, and whom the kernel would have taken. */
static void note_choice(struct daemon *d)
{
	struct report_kill *record = &d->kill.record;
	const struct choice *choice = &d->scan.choice;
	const struct kin *kin = &d->kin;

	record->difference = choice_difference(choice, &record->victim, d->scan.shortage_bytes,
					       d->settings.config.sort_by);
	if (choice->has_kernels) {
		record->kernels = choice->kernels.id.pid;
		record->kernels_bytes = process_expected_bytes(&choice->kernels);
		memcpy(record->kernels_comm, choice->kernels.comm, sizeof(record->kernels_comm));
	}
	note_writer(d, record);
	if (!kin_is_of(kin, record->victim.id))
		return;
	record->difference = DIFFERENCE_FAMILY;
	record->expected_bytes = kin->family.bytes;
	record->family_size = kin->family.count - 1;
	record->family = kin->family;
	for (unsigned i = 0; i < kin->family.count; i++)
		record->family_pids[i] = kin->relatives[i].id.pid;
}

void kill_begin(struct daemon *d, const struct domain_watch *domain, const struct action *action,
		const struct sample *sample, uint64_t decided_usec)
{
	const struct process *candidate = &d->scan.victim;
	struct kill *k = &d->kill;
	int r;

	/* by a kill on request, or by the host's: a policy itself never names a second one */
	if (k->active)
		kill_end(d, sample, OUTCOME_SUPERSEDED);
	k->domain = domain;
	k->state = VICTIM_ALIVE;
	k->victim = VICTIM_CLOSED;
	k->decided_usec = decided_usec;
	k->reserve_at_signal = sample_reserve_bytes(sample);
	/* the one before may have been the same, and a request for it be under way */
	k->reaps_pending = process_id_equal(candidate->id, k->ended_record.victim.id)
				   ? k->ended_reaps_pending
				   : 0;
	k->reap_again = false;
	k->name_pending = false;
	k->record = (struct report_kill){
		.victim = *candidate,
		.total_pages = domain ? domain_total_pages(&domain->domain, sample)
				      : daemon_total_pages(sample),
		.expected_bytes = process_expected_bytes(candidate),
		.signal = action->kind == ACTION_TERM ? SIGTERM : SIGKILL,
		.adopted = action->kind == ACTION_ADOPT,
		.not_asked = action->not_asked,
	};
	note_choice(d);
	daemon_fill_moment(d, domain, sample, action, &k->record.moment);
	rule_format_source(patterns_rules(d->settings.patterns), candidate->rule, k->record.rule,
			   sizeof(k->record.rule));

	if (d->settings.config.dry_run) {
		/* nobody would be killed while one is dying: look again until it has gone */
		k->state = k->record.adopted ? VICTIM_NONE : VICTIM_SPARED;
		k->record.outcome = OUTCOME_SPARED;
		return;
	}
	r = company_gather(d, candidate);
	if (kin_is_of(&d->kin, candidate->id))
		company_join(&d->company, d->kin.relatives, d->kin.family.count, candidate->id);
	/* task_will_free_mem(): then it is no reason to wait, and nobody dies for it unchosen */
	if (r >= 0 && k->record.adopted && company_lives_on(d)) {
		d->skip_dying = true;
		r = -ESRCH;
	}
	if (r >= 0)
		r = signal_victim(d);
	if (r < 0) {
		k->state = r == -ESRCH ? VICTIM_MISSED : VICTIM_REFUSED;
		k->record.error = -r;
		return;
	}
	if (kin_is_of(&d->kin, candidate->id))
		kin_taken(&d->kin, decided_usec);
	k->active = true;
	(void)sd_event_add_io(d->event, &k->source, k->victim.pidfd, EPOLLIN, on_victim_dead,
			      d); /* without it the next tick sees it */
}

void kill_send_begun(struct daemon *d)
{
	struct kill *k = &d->kill;

	if (!k->report_pending)
		return;
	k->report_pending = false;
	send_kill_report(d, REPORT_SIGNAL, MESSAGE_ID_SIGNAL, LOG_WARNING, &k->record);
	send_table(d);
}

void kill_report_begun(struct daemon *d)
{
	struct kill *k = &d->kill;
	struct scan_request request = daemon_scan_request(d, k->record.total_pages);

	/* a process that was dying anyway is reaped without a word, as the kernel does */
	if (k->record.adopted || !(k->active || k->state == VICTIM_SPARED))
		return;
	if (!k->domain)
		surroundings_look_at_slab(d);
	/* members of its group are dying too, and to read them could be to take them apart */
	if (k->record.group_size == 0 && k->record.family_size == 0)
		scanner_fill_top(d->scanner, &request, k->record.victim.id.pid, &d->scan);
	k->report_pending = true;
	if (!k->name_pending)
		kill_send_begun(d);
}

void kill_escalate(struct daemon *d)
{
	struct kill *k = &d->kill;
	int r;

	submit_victim(d);
	r = victim_signal(&k->victim, SIGKILL);
	if (r < 0 && r != -ESRCH) {
		k->state = VICTIM_REFUSED;
		k->record.error = -r;
		return;
	}
	kill_send_begun(d); /* that of SIGTERM, while it is one */
	k->record.signal = SIGKILL;
	k->record.group_size = 0;
	accompany(d);
	signal_group(d);
	send_kill_report(d, REPORT_SIGNAL, MESSAGE_ID_SIGNAL, LOG_WARNING, &k->record);
}

enum victim_state kill_observe(struct daemon *d, const struct domain_watch *domain,
			       const struct sample *sample)
{
	struct kill *k = &d->kill;
	uint64_t since;

	if (k->domain != domain)
		return VICTIM_NONE;
	if (!k->active)
		return k->state;
	if (k->state != VICTIM_ALIVE && k->state != VICTIM_DEAD)
		return k->state;

	since = u64_max(sample->time_usec - k->decided_usec, 1);
	k->record.freed_bytes = (int64_t)sample_reserve_bytes(sample) -
				(int64_t)k->reserve_at_signal;
	if (k->record.back_usec == 0 && k->record.freed_bytes > 0 &&
	    (uint64_t)k->record.freed_bytes >= k->record.expected_bytes / 2)
		k->record.back_usec = since;
	/* the memory is the last one's: nobody is dead before all are */
	if (k->state == VICTIM_ALIVE && victim_is_dead(&k->victim) &&
	    company_is_dead(&d->company)) {
		k->state = VICTIM_DEAD;
		k->record.death_usec = since;
	}
	return k->state;
}

enum release kill_release(const struct daemon *d, const struct domain_watch *domain)
{
	const struct report_kill *record = &d->kill.record;

	if (d->kill.domain != domain || !d->kill.active || !record->reap_done)
		return RELEASE_UNKNOWN;
	/* what it takes is not its own: it ends with it, between two processes' pages (unuse_mm())
	 */
	if (record->victim.task_origin)
		return RELEASE_UNKNOWN;
	if (!company_is_released(&d->company))
		return RELEASE_UNKNOWN;
	switch (record->reap.error) {
	case 0:
		return RELEASE_DONE;
	case ESRCH: /* the victim has left it, but who shares it may not have */
		return company_is_dead(&d->company)	     ? RELEASE_GONE
		       : company_sharers_let_go(&d->company) ? RELEASE_DONE
							     : RELEASE_UNKNOWN;
	default:
		return RELEASE_UNKNOWN;
	}
}

static int outcome_priority(enum kill_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_STUCK:
	case OUTCOME_REFUSED:
		return LOG_ERR;
	case OUTCOME_SETTLED:
		return LOG_WARNING;
	case OUTCOME_PENDING:
	case OUTCOME_RELEASED:
	case OUTCOME_SPARED:
	case OUTCOME_SUPERSEDED:
		break;
	}
	return LOG_NOTICE;
}

void kill_end(struct daemon *d, const struct sample *sample, enum kill_outcome outcome)
{
	struct kill *k = &d->kill;

	if (outcome == OUTCOME_STUCK && k->state == VICTIM_REFUSED)
		outcome = OUTCOME_REFUSED;
	if (outcome == OUTCOME_STUCK) {
		victim_wchan(k->victim.dir_fd, k->record.reap.wchan, sizeof(k->record.reap.wchan));
		submit_victim(d); /* once more, and to see what has become of it */
	}
	/* as MMF_OOM_SKIP: released, but not dead, is done with too */
	if (outcome == OUTCOME_STUCK || outcome == OUTCOME_REFUSED ||
	    (outcome == OUTCOME_SETTLED && k->state == VICTIM_ALIVE)) {
		scanner_put_aside(d->scanner, k->record.victim.id);
		company_put_aside(d);
	}
	if (outcome == OUTCOME_STUCK)
		stuck_add(d, sample->time_usec);
	company_dismiss(&d->company);
	if (outcome == OUTCOME_SETTLED && !k->record.adopted) {
		d->kills++;
		d->last_victim = k->record.victim;
		d->last_kill_usec = sample->time_usec;
		d->last_kill_realtime_usec = clock_usec(CLOCK_REALTIME);
		d->last_kill_freed_bytes = k->record.freed_bytes;
	}
	if (!k->record.adopted && outcome != OUTCOME_REFUSED && outcome != OUTCOME_SPARED)
		keeper_kill_ended(d, k->record.victim.id.pid, sample->time_usec);
	kill_send_begun(d); /* its outcome is still to come */
	k->record.outcome = outcome;
	kill_flush(d, UINT64_MAX);
	k->ended = true;
	k->ended_usec = sample->time_usec;
	k->ended_reaps_pending = k->reaps_pending;
	k->ended_name_pending = k->name_pending;
	k->ended_record = k->record;
	k->state = VICTIM_NONE;
	kill_close(k);
	groups_forget(&d->groups); /* as the policy does */
	kill_flush(d, sample->time_usec);
	daemon_update_status(d);
}

void kill_reaped(struct daemon *d, const struct reap_result *result)
{
	struct kill *k = &d->kill;

	stuck_reaped(&d->stuck, result);
	/* several may come for one victim, after SIGTERM and after SIGKILL: the last one counts */
	if (k->active && process_id_equal(result->id, k->record.victim.id)) {
		k->reaps_pending -= k->reaps_pending > 0;
		k->record.reap = *result;
		k->record.reap_done = k->reaps_pending == 0;
		k->reap_again = k->reap_again && !reap_is_over(result);
	} else if (process_id_equal(result->id, k->ended_record.victim.id)) {
		k->ended_reaps_pending -= k->ended_reaps_pending > 0;
		k->ended_record.reap_done = k->ended_reaps_pending == 0;
		k->ended_record.reap = *result;
		kill_flush(d, k->ended_usec);
	}
	company_reaped(d, result);
	if (k->active && k->reap_again && !victim_is_dead(&k->victim))
		submit_victim(d);
}

static void set_name(struct daemon *d, const struct victim_name *name, struct report_kill *record)
{
	_Static_assert(sizeof(record->cgroup) == sizeof(name->cgroup), "cgroup");
	_Static_assert(sizeof(record->unit) == sizeof(name->unit), "unit");

	memcpy(record->cgroup, name->cgroup, sizeof(record->cgroup));
	memcpy(record->unit, name->unit, sizeof(record->unit));
	if (!record->adopted)
		record->unit_kills = count_unit_kill(d, record->unit, clock_now_usec());
}

void kill_named(struct daemon *d, const struct victim_name *name)
{
	struct kill *k = &d->kill;

	if (k->active && k->name_pending && process_id_equal(name->id, k->record.victim.id)) {
		k->name_pending = false;
		set_name(d, name, &k->record);
		kill_send_begun(d);
	} else if (k->ended && k->ended_name_pending &&
		   process_id_equal(name->id, k->ended_record.victim.id)) {
		k->ended_name_pending = false;
		set_name(d, name, &k->ended_record);
		kill_flush(d, k->ended_usec);
	}
}

void kill_grouped(struct daemon *d, const struct cgroup_result *result)
{
	char group[4 * sizeof(result->group)];

	if (result->unknown)
		daemon_note(d, LOG_WARNING, MESSAGE_ID_GROUP,
			    "process %d was gone before its control group was known, and whether "
			    "memory.oom.group is set for it",
			    result->id.pid);
	if (result->group[0] != '\0') {
		text_format_name(result->group, group, sizeof(group));
		daemon_note(d, LOG_WARNING, MESSAGE_ID_GROUP,
			    "Tasks in %s are going to be killed due to memory.oom.group set: %u "
			    "more than process %d",
			    group, result->signalled, result->id.pid);
	}
	if (result->thaw == THAW_DONE)
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_GROUP,
			    "the frozen control group of process %d was thawed until it was dead",
			    result->id.pid);
	else if (result->thaw == THAW_FAILED)
		daemon_note(d, LOG_WARNING, MESSAGE_ID_GROUP,
			    "process %d is frozen and cannot die before it is thawed: %s; see "
			    "reapd(8), Thawing a victim",
			    result->id.pid, strerror(result->thaw_error));
}

void kill_flush(struct daemon *d, uint64_t now_usec)
{
	struct kill *k = &d->kill;
	const struct report_kill *record = &k->ended_record;

	bool waits = (record->outcome == OUTCOME_SETTLED || record->outcome == OUTCOME_STUCK) &&
		     (k->ended_reaps_pending > 0 || k->ended_name_pending);

	if (!k->ended || (waits && u64_sub(now_usec, k->ended_usec) < REAP_WAIT_USEC))
		return;
	k->ended = false;
	if (record->outcome == OUTCOME_SETTLED && record->adopted)
		return; /* it was dying anyway */
	send_kill_report(d, REPORT_KILL, MESSAGE_ID_KILL, outcome_priority(record->outcome),
			 record);
}

void kill_stop(struct daemon *d)
{
	struct kill *k = &d->kill;

	kill_send_begun(d);
	kill_flush(d, UINT64_MAX);
	if (!k->active || k->record.adopted)
		return;
	send_kill_report(d, REPORT_KILL, MESSAGE_ID_KILL, LOG_NOTICE, &k->record);
	keeper_kill_ended(d, k->record.victim.id.pid, clock_now_usec());
}
