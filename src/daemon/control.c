/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object behind the control socket: what it shows, and what it can be asked for; see control.h.
 * Who may ask how often is the business of clients.c.
 */
#include "daemon/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "build-config.h"
#include "core/text.h"
#include "daemon/clients.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"
#include "daemon/reload.h"

/* Between two looks for those who are not privileged: so long, and so much longer than the first.
 */
#define LOOK_PAUSE_USEC	  UINT64_C(1000000)
#define LOOK_PAUSE_FACTOR 40

/* What a client is shown, filled anew before each step of its. */
struct status {
	const char *version, *level, *reason, *last_kill_name;
	int dry_run, paused, stands_aside, mrelease, kcmp, psi, psi_trigger, memory_locked,
		adj_is_min;
	uint64_t pause_end_usec;
	uint64_t memory_total, memory_available, swap_total, swap_free;
	uint64_t warning_memory, soft_memory, hard_memory;
	uint64_t warning_swap, soft_swap, hard_swap;
	uint64_t last_kill_usec, last_kill_realtime_usec;
	uint64_t drill_kill_usec, drill_death_usec, fill_rate;
	int64_t last_kill_freed;
	uint32_t kills, in_flight_pid, last_kill_pid;
	char last_kill_text[4 * COMM_SIZE];
};

/* Of one client. */
struct view {
	struct control *control;
	struct client *client;
	sd_bus *bus;
	sd_bus_message *pause_call, *record_call; /* to be answered when it is known */
	struct status status;
};

struct control {
	struct daemon *daemon;
	struct clients *clients;
	char path[108];		 /* of sockaddr_un */
	uint64_t next_look_usec; /* for whoever is not privileged */
	unsigned pause_calls;	 /* that wait for their answer */
};

/* ---- what is shown ---- */

static void fill_status(struct daemon *d, struct status *s)
{
	const struct meminfo *m = &d->last.mem;
	struct limits limits;
	struct sample now;

	/* nobody may have looked for a while */
	if (sampler_take(&d->sampler, clock_now_usec(), SAMPLE_DECISION, &now) >= 0)
		m = &now.mem;
	limits_resolve(&d->settings.config, m, &limits);
	*s = (struct status){
		.version = REAPD_VERSION,
		.level = level_name(d->policy.announced_level),
		.reason = reason_name(d->policy.announced_reason),
		.dry_run = d->settings.config.dry_run,
		.paused = pause_stands_aside(&d->pause),
		.stands_aside = surroundings_stand_aside(d),
		.pause_end_usec = pause_stands_aside(&d->pause) ? d->pause.until_usec : 0,
		.memory_total = m->total_bytes,
		.memory_available = m->available_bytes,
		.swap_total = m->swap_total_bytes,
		.swap_free = m->swap_free_bytes,
		.warning_memory = limits.memory_bytes[LEVEL_WARNING],
		.soft_memory = limits.memory_bytes[LEVEL_SOFT],
		.hard_memory = limits.memory_bytes[LEVEL_HARD],
		.warning_swap = limits.swap_bytes[LEVEL_WARNING],
		.soft_swap = limits.swap_bytes[LEVEL_SOFT],
		.hard_swap = limits.swap_bytes[LEVEL_HARD],
		.kills = d->kills,
		.in_flight_pid = d->kill.active ? (uint32_t)d->kill.victim.id.pid : 0,
		.last_kill_pid = (uint32_t)d->last_victim.id.pid,
		.last_kill_usec = d->last_kill_usec,
		.last_kill_realtime_usec = d->last_kill_realtime_usec,
		.last_kill_freed = d->last_kill_freed_bytes,
		.mrelease = d->drill.mrelease_works,
		.kcmp = d->drill.kcmp_works,
		.psi = d->last.has_psi,
		.psi_trigger = d->has_psi_trigger,
		.memory_locked = d->privileges.memory_locked,
		.adj_is_min = d->privileges.adj_is_min,
		.drill_kill_usec = d->drill.kill_usec,
		.drill_death_usec = d->drill.death_usec,
		.fill_rate = d->drill.fill_rate_bytes,
	};
	text_format_name(d->last_victim.comm, s->last_kill_text, sizeof(s->last_kill_text));
	s->last_kill_name = s->last_kill_text;
}

static int get_files(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct view *v = userdata;
	const struct config_files *files = &v->control->daemon->settings.files;
	int r = sd_bus_message_open_container(reply, 'a', "s");
	char name[1024];

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	for (unsigned i = 0; r >= 0 && i < files->count; i++) {
		text_format_name(files->names[i], name, sizeof(name));
		r = sd_bus_message_append(reply, "s", name);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_domains(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct view *v = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return domains_append(v->control->daemon, reply);
}

/* ---- what can be asked for ---- */

static int check_access(const struct view *v, sd_bus_error *error)
{
	if (clients_is_privileged(client_uid(v->client)))
		return 0;
	return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
				"expected to be asked by root or by the daemon's own user");
}

static void note_request(const struct view *v, const char *what)
{
	daemon_note(v->control->daemon, LOG_NOTICE, MESSAGE_ID_REQUEST,
		    "%s was asked for by process %d of user %u", what, client_pid(v->client),
		    client_uid(v->client));
}

static int on_pause(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct view *v = userdata;
	struct daemon *d = v->control->daemon;
	uint64_t time_usec, timeout_usec;
	int r = check_access(v, error);

	if (r < 0)
		return r;
	r = sd_bus_message_read(m, "tt", &time_usec, &timeout_usec);
	if (r < 0)
		return r;
	if (v->pause_call)
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"one pause is being waited for already");
	note_request(v, "a pause");
	v->pause_call = sd_bus_message_ref(m);
	v->control->pause_calls++;
	daemon_pause(d, time_usec == 0 ? PAUSE_FOR_EVER : time_usec,
		     u64_min(timeout_usec, PAUSE_TIMEOUT_MAX_USEC));
	/* one that held already holds on */
	if (v->pause_call && d->pause.state == PAUSE_ON)
		control_pause_settled(v->control, PAUSE_BEGUN);
	return 1; /* answered there, or when it is known */
}

static int on_resume(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct view *v = userdata;
	int r = check_access(v, error);

	if (r < 0)
		return r;
	note_request(v, "the end of a pause");
	return sd_bus_reply_method_return(m, "b", daemon_resume(v->control->daemon));
}

static int kill_error(int r, sd_bus_error *error)
{
	if (r == -EBUSY)
		return sd_bus_error_set(error, CONTROL_ERROR_PAUSED,
					"paused: nobody is killed, not even on request");
	if (r == -ESRCH)
		return sd_bus_error_set(error, CONTROL_ERROR_NO_VICTIM,
					"there is no process that can be killed");
	return sd_bus_error_set_errno(error, r);
}

/*
 * To name the worst process is to look at all of them, which nobody may have the loop do for more
 * than a fortieth of the time, nor while each look counts and makes the kernel allocate.
 */
static int check_look(const struct view *v, sd_bus_error *error)
{
	const struct daemon *d = v->control->daemon;

	if (clients_is_privileged(client_uid(v->client)))
		return 0;
	if (d->kill.active || d->policy.announced_level >= LEVEL_WARNING)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_LIMITS_EXCEEDED,
			"only root and the user reapd may ask while memory is short");
	if (clock_now_usec() < v->control->next_look_usec)
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"somebody has just asked: expected some seconds between");
	return 0;
}

static int on_kill(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct view *v = userdata;
	struct daemon *d = v->control->daemon;
	char name[4 * COMM_SIZE];
	struct process victim;
	uint64_t begin, end;
	int dry, r;

	r = sd_bus_message_read(m, "b", &dry);
	if (r >= 0)
		r = dry ? check_look(v, error) : check_access(v, error);
	if (r < 0)
		return r;
	if (!dry)
		note_request(v, "a kill");
	begin = clock_now_usec();
	r = daemon_kill_on_request(d, dry ? REQUEST_DRY_RUN : REQUEST_KILL, &victim);
	end = clock_now_usec();
	if (dry && !clients_is_privileged(client_uid(v->client)))
		v->control->next_look_usec = end + u64_max((end - begin) * LOOK_PAUSE_FACTOR,
							   LOOK_PAUSE_USEC);
	if (r < 0)
		return kill_error(r, error);
	text_format_name(victim.comm, name, sizeof(name));
	return sd_bus_reply_method_return(m, "busuxt", !dry && !d->settings.config.dry_run,
					  (uint32_t)victim.id.pid, name, victim.uid,
					  victim.badness.points, process_expected_bytes(&victim));
}

static int on_record(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct view *v = userdata;
	int r = check_access(v, error);

	if (r < 0)
		return r;
	if (v->record_call)
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"one trace is being waited for already");
	r = keeper_request(v->control->daemon);
	if (r == -ENOTDIR)
		return sd_bus_error_set(error, CONTROL_ERROR_NO_TRACE,
					"there is no trace: expected TraceMemory= not to be 0, and "
					"a directory in $STATE_DIRECTORY, as the service has it");
	if (r < 0)
		return sd_bus_error_set(error, CONTROL_ERROR_NO_TRACE,
					"there is no trace: the one before is still being written");
	note_request(v, "a trace");
	v->record_call = sd_bus_message_ref(m);
	return 1; /* answered when it is written */
}

static int on_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct view *v = userdata;
	char mistake[256];
	size_t begin;
	int r = check_access(v, error);

	if (r < 0)
		return r;
	note_request(v, "a reload");
	begin = client_own_heap_begin();
	r = reload(v->control->daemon, mistake, sizeof(mistake));
	client_own_heap_end(v->client, begin);
	if (r == -EINVAL)
		return sd_bus_error_set(error, CONTROL_ERROR_CONFIG, mistake);
	if (r < 0)
		return r;
	return sd_bus_reply_method_return(m, NULL);
}

#define SHOW(name, type, field) \
	SD_BUS_PROPERTY(name, type, NULL, offsetof(struct view, status.field), 0)
static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SHOW("Version", "s", version),
	SHOW("DryRun", "b", dry_run),
	SHOW("Level", "s", level),
	SHOW("Reason", "s", reason),
	SHOW("Paused", "b", paused),
	SHOW("PauseEndUSecMonotonic", "t", pause_end_usec),
	SHOW("StandsAside", "b", stands_aside),
	SHOW("MemoryTotal", "t", memory_total),
	SHOW("MemoryAvailable", "t", memory_available),
	SHOW("SwapTotal", "t", swap_total),
	SHOW("SwapFree", "t", swap_free),
	SHOW("WarningMemory", "t", warning_memory),
	SHOW("SoftMemory", "t", soft_memory),
	SHOW("HardMemory", "t", hard_memory),
	SHOW("WarningSwap", "t", warning_swap),
	SHOW("SoftSwap", "t", soft_swap),
	SHOW("HardSwap", "t", hard_swap),
	SHOW("InFlightPID", "u", in_flight_pid),
	SHOW("Kills", "u", kills),
	SHOW("LastKillPID", "u", last_kill_pid),
	SHOW("LastKillName", "s", last_kill_name),
	SHOW("LastKillUSecMonotonic", "t", last_kill_usec),
	SHOW("LastKillUSecRealtime", "t", last_kill_realtime_usec),
	SHOW("LastKillFreed", "x", last_kill_freed),
	SHOW("ProcessMrelease", "b", mrelease),
	SHOW("Kcmp", "b", kcmp),
	SHOW("Pressure", "b", psi),
	SHOW("PressureTrigger", "b", psi_trigger),
	SHOW("MemoryLocked", "b", memory_locked),
	SHOW("OOMScoreAdjustMin", "b", adj_is_min),
	SHOW("DrillKillUSec", "t", drill_kill_usec),
	SHOW("DrillDeathUSec", "t", drill_death_usec),
	SHOW("FillRate", "t", fill_rate),
	SD_BUS_PROPERTY("ConfigFiles", "as", get_files, 0, 0),
	SD_BUS_PROPERTY("Domains", DOMAINS_TYPE, get_domains, 0, 0),
	SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("t", time_usec, "t", timeout_usec),
				SD_BUS_NO_RESULT, on_pause, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", was_paused), on_resume,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Kill", SD_BUS_ARGS("b", dry_run),
				SD_BUS_RESULT("b", signalled, "u", pid, "s", name, "u", uid, "x",
					      badness, "t", expected_bytes),
				on_kill, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Record", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", path), on_record,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reload,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("LevelChanged", SD_BUS_ARGS("s", level, "s", reason), 0),
	SD_BUS_VTABLE_END,
};

/* busctl and others say hello to the bus that they expect, and wait for the name that it gives. */
static int on_hello(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	return sd_bus_reply_method_return(m, "s", ":1.1");
}

static const sd_bus_vtable bus_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Hello", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", name), on_hello,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static int attach(void *userdata, struct client *client, sd_bus *bus, void **ret_view)
{
	struct view *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	*v = (struct view){.control = userdata, .client = client, .bus = bus};
	*ret_view = v;
	r = sd_bus_add_object_vtable(bus, NULL, CONTROL_PATH, CONTROL_INTERFACE, manager_vtable, v);
	return r < 0 ? r
		     : sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/DBus",
						"org.freedesktop.DBus", bus_vtable, v);
}

static void refresh(void *view)
{
	struct view *v = view;

	fill_status(v->control->daemon, &v->status);
}

static void detach(void *view)
{
	struct view *v = view;

	/* nobody wants a pause that has not begun any more: its command has failed */
	if (v->pause_call && --v->control->pause_calls == 0)
		daemon_pause_abandoned(v->control->daemon);
	sd_bus_message_unref(v->pause_call);
	sd_bus_message_unref(v->record_call);
	free(v);
}

static const struct clients_object object = {attach, refresh, detach};

/* ---- what is told unasked, or later ---- */

struct level_change {
	const char *level, *reason;
};

static void tell_level(void *view, const void *message)
{
	const struct level_change *change = message;
	const struct view *v = view;

	if (sd_bus_is_ready(v->bus) <= 0)
		return;
	/* whoever does not read is sent away when it is served next */
	(void)sd_bus_emit_signal(v->bus, CONTROL_PATH, CONTROL_INTERFACE, "LevelChanged", "ss",
				 change->level, change->reason);
	client_wake(v->client);
}

void control_level_changed(struct control *control, const char *level, const char *reason)
{
	const struct level_change change = {level, reason};

	if (control)
		clients_each(control->clients, tell_level, &change);
}

static void answer_pause(void *view, const void *message)
{
	const enum pause_event *event = message;
	struct view *v = view;
	sd_bus_message *call = v->pause_call;

	if (!call)
		return;
	v->pause_call = NULL;
	v->control->pause_calls--;
	/* a client that cannot be answered is sent away when it is served next, which is soon */
	if (*event == PAUSE_BEGUN)
		(void)sd_bus_reply_method_return(call, NULL);
	else
		(void)sd_bus_reply_method_errorf(
			call, CONTROL_ERROR_IN_FLIGHT,
			*event == PAUSE_REFUSED ? "a victim is in flight and has not gone in time"
						: "somebody else has ended the pause");
	sd_bus_message_unref(call);
	client_wake(v->client);
}

void control_pause_settled(struct control *control, enum pause_event event)
{
	if (control && event != PAUSE_UNCHANGED)
		clients_each(control->clients, answer_pause, &event);
}

struct recorded {
	int error;
	const char *path;
};

static void answer_record(void *view, const void *message)
{
	const struct recorded *recorded = message;
	struct view *v = view;
	sd_bus_message *call = v->record_call;

	if (!call)
		return;
	v->record_call = NULL;
	/* as with a pause */
	if (recorded->error < 0)
		(void)sd_bus_reply_method_errorf(call, CONTROL_ERROR_NO_TRACE,
						 "the trace cannot be written: %s",
						 strerror(-recorded->error));
	else
		(void)sd_bus_reply_method_return(call, "s", recorded->path);
	sd_bus_message_unref(call);
	client_wake(v->client);
}

void control_recorded(struct control *control, int error, const char *path)
{
	const struct recorded recorded = {error, path};

	if (control)
		clients_each(control->clients, answer_record, &recorded);
}

/* ---- start and end ---- */

void control_start(struct daemon *d, struct control **ret)
{
	const char *directory = getenv("RUNTIME_DIRECTORY"); /* from systemd.exec(5) */
	struct control *control = calloc(1, sizeof(*control));
	int r, len;

	*ret = NULL;
	if (!control)
		return;
	control->daemon = d;
	len = snprintf(control->path, sizeof(control->path), "%s/control",
		       directory ? directory : RUNTIME_DIRECTORY);
	r = (size_t)len < sizeof(control->path)
		    ? clients_start(d->event, control->path, &object, control, &control->clients)
		    : -ENAMETOOLONG;
	if (r >= 0) {
		*ret = control;
		return;
	}
	if (r != -ENOENT && r != -EACCES)
		daemon_note(d, LOG_WARNING, MESSAGE_ID_START,
			    "%s: %s: reapctl cannot reach this instance", control->path,
			    strerror(-r));
	control_stop(control);
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	clients_stop(control->clients);
	free(control);
}
