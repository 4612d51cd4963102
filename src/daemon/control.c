/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket; see control.h. Each connection is an sd-bus server of its own. It is not
 * attached to the event loop, but driven from here, one sd_bus_process() a step, because only so
 * the time can be rationed: the daemon runs with real-time priority, and a flood must not get more
 * of a CPU than a few per cent of it.
 *
 * Between the client's socket and sd-bus is a pair of ours. sd-bus would read whatever a header
 * promises, up to 128 MiB, in a single recvmsg(2) that goes on for as long as the client sends. So
 * it is handed a few bytes at a time. That sd-bus sees itself at the other end is why its own look
 * at who a client claims to be is off: the kernel has told us who it is (SO_PEERCRED).
 */
#include "daemon/control.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "build-config.h"
#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"
#include "daemon/reload.h"
#include "sys/fs.h"

#define RUNTIME_DIRECTORY "/run/reapd"

#define CLIENTS_MAX	      16
#define CLIENTS_OF_A_USER_MAX 6 /* who is neither root nor the daemon */

/* So much of a slot's time goes to clients, but always one step. */
#define SLOT_USEC   20000
#define RATION_USEC 500

/* What is read from a client in one step. */
#define PIECE_SIZE 2048

/* Who says nothing for so long is sent away; who is privileged may listen for ever. */
#define SILENCE_USEC (30 * UINT64_C(1000000))
/* What a client may send until it gets an answer: the largest call takes some 200 bytes. */
#define REQUEST_MAX_BYTES (16 * 1024)
/* Replies that nobody fetches. */
#define QUEUE_MAX 16
/*
 * What all clients together may have the daemon hold. The header of a message can promise up to
 * 128 MiB, for which sd-bus then asks malloc().
 */
#define HEAP_MAX_BYTES (256 * 1024)

/* A pause may be waited for this long. */
#define PAUSE_TIMEOUT_MAX_USEC (60 * UINT64_C(1000000))

#define PRIORITY_PRIVILEGED SD_EVENT_PRIORITY_IDLE
#define PRIORITY_CLIENT	    (SD_EVENT_PRIORITY_IDLE + 1)
#define PRIORITY_NEW	    (SD_EVENT_PRIORITY_IDLE + 2)

/* What a client is shown, filled anew before each step of its. */
struct status {
	const char *version, *level, *reason, *last_kill_name;
	int dry_run, paused, stands_aside, mrelease, kcmp, psi, psi_trigger, memory_locked,
		adj_is_min;
	uint64_t pause_end_usec;
	uint64_t memory_total, memory_available, swap_total, swap_free;
	uint64_t warning_memory, soft_memory, hard_memory;
	uint64_t warning_swap, soft_swap, hard_swap;
	uint64_t last_kill_usec, drill_kill_usec, drill_death_usec, fill_rate;
	int64_t last_kill_freed;
	uint32_t kills, in_flight_pid, last_kill_pid;
	char last_kill_text[4 * COMM_SIZE];
};

struct client {
	struct control *control;
	sd_bus *bus;
	int fd;	     /* the client's */
	int pair_fd; /* at its other end is sd-bus */
	bool bus_has_more;
	size_t unanswered_bytes;
	size_t out_at, out_len;
	char out[PIECE_SIZE]; /* from sd-bus, on its way to the client */
	sd_event_source *io;
	uid_t uid;
	pid_t pid;
	uint64_t since_usec, heard_usec;
	sd_bus_message *pause_call; /* to be answered when it is known */
	struct status status;
};

struct control {
	struct daemon *daemon;
	char path[108]; /* of sockaddr_un */
	int fd;
	sd_event_source *accept, *timer;
	sd_id128_t id;
	size_t heap_bytes; /* before there were clients */
	uint64_t slot_usec;
	uint64_t spent_usec; /* of this slot's ration */
	bool accept_last;
	unsigned turn;			     /* whose it is */
	struct client *clients[CLIENTS_MAX]; /* NULL: a free place */
};

static bool is_privileged(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* ---- what is shown ---- */

static void fill_status(const struct daemon *d, struct status *s)
{
	const struct meminfo *m = &d->last.mem;
	struct limits limits;
	struct sample now;

	/* nobody may have looked for a while */
	if (sampler_take(&d->sampler, daemon_now_usec(), SAMPLE_DECISION, &now) >= 0)
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
	const struct client *c = userdata;
	const struct config_files *files = &c->control->daemon->settings.files;
	int r = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	for (unsigned i = 0; r >= 0 && i < files->count; i++)
		r = sd_bus_message_append(reply, "s", files->names[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_domains(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct client *c = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return domains_append(c->control->daemon, reply);
}

/* ---- what can be asked for ---- */

static int check_access(const struct client *c, sd_bus_error *error)
{
	if (is_privileged(c->uid))
		return 0;
	return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
				"expected to be asked by root or by the daemon's own user");
}

static void note_request(const struct client *c, const char *what)
{
	daemon_note(c->control->daemon, LOG_NOTICE, MESSAGE_ID_REQUEST,
		    "%s was asked for by process %d of user %u", what, c->pid, c->uid);
}

static int on_pause(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct client *c = userdata;
	struct daemon *d = c->control->daemon;
	uint64_t time_usec, timeout_usec;
	int r = check_access(c, error);

	if (r < 0)
		return r;
	r = sd_bus_message_read(m, "tt", &time_usec, &timeout_usec);
	if (r < 0)
		return r;
	if (c->pause_call)
		return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"one pause is being waited for already");
	note_request(c, "a pause");
	c->pause_call = sd_bus_message_ref(m);
	daemon_pause(d, time_usec == 0 ? PAUSE_FOR_EVER : time_usec,
		     u64_min(timeout_usec, PAUSE_TIMEOUT_MAX_USEC));
	/* one that held already holds on */
	if (c->pause_call && d->pause.state == PAUSE_ON)
		control_pause_settled(c->control, PAUSE_BEGUN);
	return 1; /* answered there, or when it is known */
}

static int on_resume(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct client *c = userdata;
	int r = check_access(c, error);

	if (r < 0)
		return r;
	note_request(c, "the end of a pause");
	return sd_bus_reply_method_return(m, "b", daemon_resume(c->control->daemon));
}

static int kill_error(int r, sd_bus_error *error)
{
	if (r == -EBUSY)
		return sd_bus_error_set(error, CONTROL_ERROR_PAUSED,
					"paused: nobody is killed, by request neither");
	if (r == -ESRCH)
		return sd_bus_error_set(error, CONTROL_ERROR_NO_VICTIM,
					"there is no process that can be killed");
	return sd_bus_error_set_errno(error, r);
}

static int on_kill(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct client *c = userdata;
	struct daemon *d = c->control->daemon;
	char name[4 * COMM_SIZE];
	struct process victim;
	int dry, r;

	r = sd_bus_message_read(m, "b", &dry);
	if (r >= 0 && !dry)
		r = check_access(c, error);
	if (r < 0)
		return r;
	if (!dry)
		note_request(c, "a kill");
	r = daemon_kill_on_request(d, dry ? REQUEST_DRY_RUN : REQUEST_KILL, &victim);
	if (r < 0)
		return kill_error(r, error);
	text_format_name(victim.comm, name, sizeof(name));
	return sd_bus_reply_method_return(m, "busuxt", !dry && !d->settings.config.dry_run,
					  (uint32_t)victim.id.pid, name, victim.uid,
					  victim.badness.points, process_expected_bytes(&victim));
}

static int on_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct client *c = userdata;
	char mistake[256];
	int r = check_access(c, error);

	if (r < 0)
		return r;
	note_request(c, "a reload");
	r = reload(c->control->daemon, mistake, sizeof(mistake));
	if (r == -EINVAL)
		return sd_bus_error_set(error, CONTROL_ERROR_CONFIG, mistake);
	if (r < 0)
		return r;
	return sd_bus_reply_method_return(m, NULL);
}

#define SHOW(name, type, field) \
	SD_BUS_PROPERTY(name, type, NULL, offsetof(struct client, status.field), 0)
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

/* ---- clients ---- */

static void drop_client(struct client *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->control->clients[i] == c)
			c->control->clients[i] = NULL;
	}
	sd_bus_message_unref(c->pause_call);
	sd_event_source_disable_unref(c->io);
	/* without a flush, which would wait for whoever does not read */
	sd_bus_close_unref(c->bus);
	fs_closep(&c->fd);
	fs_closep(&c->pair_fd);
	free(c);
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* 1: some of it went on, 0: nothing can. */
static int pass_in(struct client *c)
{
	char piece[PIECE_SIZE];
	ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	c->unanswered_bytes += (size_t)n;
	if (c->unanswered_bytes > REQUEST_MAX_BYTES)
		return -EMSGSIZE;
	/* sd-bus has read all that came before, so there is room */
	return send(c->pair_fd, piece, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n ? 1 : -EPIPE;
}

static int pass_out(struct client *c)
{
	ssize_t n;

	if (c->out_len == 0) {
		n = recv(c->pair_fd, c->out, sizeof(c->out), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return -ECONNRESET;
		c->out_at = 0;
		c->out_len = (size_t)n;
		c->unanswered_bytes = 0;
	}
	n = send(c->fd, c->out + c->out_at, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->out_at += (size_t)n;
	c->out_len -= (size_t)n;
	return 1;
}

static int process(struct client *c)
{
	uint64_t queued = 0;
	int r;

	fill_status(c->control->daemon, &c->status);
	r = sd_bus_process(c->bus, NULL);
	if (r < 0)
		return r;
	if (heap_bytes() > c->control->heap_bytes + HEAP_MAX_BYTES ||
	    sd_bus_get_n_queued_write(c->bus, &queued) < 0 || queued > QUEUE_MAX)
		return -ENOBUFS;
	c->bus_has_more = r > 0;
	return r;
}

/* 1: it went on, and may again; 0: nothing to do; negative: the client has to go. */
static int serve_step(struct client *c)
{
	int in = c->bus_has_more ? 1 : pass_in(c), processed, out;

	if (in < 0)
		return in;
	processed = process(c);
	if (processed < 0)
		return processed;
	out = pass_out(c);
	return out < 0 ? out : in > 0 || processed > 0 || out > 0;
}

static int listen_for(struct client *c)
{
	int r = sd_event_source_set_io_events(c->io, c->out_len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);

	return r < 0 ? r : sd_event_source_set_enabled(c->io, SD_EVENT_ON);
}

/* When the ration of a slot is gone nobody is listened to until the next. */
static bool is_left(struct control *control)
{
	uint64_t now = daemon_now_usec();

	if (now - control->slot_usec >= SLOT_USEC) {
		control->slot_usec = now;
		control->spent_usec = 0;
	}
	return control->spent_usec < RATION_USEC;
}

static void spend(struct control *control, uint64_t since_usec)
{
	control->spent_usec += u64_max(daemon_now_usec() - since_usec, 1);
}

static void set_timer(struct control *control, uint64_t usec, uint64_t accuracy_usec)
{
	/* a source that exists and a time cannot be refused */
	(void)sd_event_source_set_time_accuracy(control->timer, accuracy_usec);
	(void)sd_event_source_set_time(control->timer, usec);
	(void)sd_event_source_set_enabled(control->timer, SD_EVENT_ONESHOT);
}

static void wait_for_slot(struct control *control)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i])
			(void)sd_event_source_set_enabled(control->clients[i]->io, SD_EVENT_OFF);
	}
	(void)sd_event_source_set_enabled(control->accept, SD_EVENT_OFF);
	set_timer(control, control->slot_usec + SLOT_USEC, 1000);
}

enum served { SERVED_ALL, SERVED_STEP, SLOT_USED_UP };

/* One step of what it wants; SERVED_ALL also when it has been sent away. */
static enum served serve_once(struct client *c)
{
	uint64_t now = daemon_now_usec();
	int r;

	if (!is_left(c->control))
		return SLOT_USED_UP;
	r = serve_step(c);
	spend(c->control, now);
	if (r > 0) {
		c->heard_usec = now;
		return SERVED_STEP;
	}
	if (r < 0 || listen_for(c) < 0)
		drop_client(c);
	return SERVED_ALL;
}

static enum served serve(struct client *c)
{
	enum served served;

	do {
		served = serve_once(c);
	} while (served == SERVED_STEP);
	return served;
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct client *c = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	if (serve(c) == SLOT_USED_UP)
		wait_for_slot(c->control);
	return 0;
}

static bool has_clients(const struct control *control)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i])
			return true;
	}
	return false;
}

/* Whoever is silent, and not privileged, is sent away; the timer stays on while there is somebody.
 */
static void look_after_silent(struct control *control)
{
	uint64_t now = daemon_now_usec();

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = control->clients[i];

		if (c && !is_privileged(c->uid) && now - c->heard_usec > SILENCE_USEC)
			drop_client(c);
	}
	if (has_clients(control))
		set_timer(control, now + SILENCE_USEC / 4, SILENCE_USEC / 8);
}

/*
 * The one who has to make room for somebody new of @uid: of a user who has many that user's oldest;
 * when all places are taken the oldest who is not privileged. NULL: nobody has to.
 */
static struct client *choose_leaver(const struct control *control, uid_t uid)
{
	struct client *own = NULL, *oldest = NULL;
	unsigned of_user = 0, of_all = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = control->clients[i];

		if (!c)
			continue;
		of_all++;
		if (c->uid == uid) {
			of_user++;
			own = !own || c->since_usec < own->since_usec ? c : own;
		}
		if (!is_privileged(c->uid))
			oldest = !oldest || c->since_usec < oldest->since_usec ? c : oldest;
	}
	if (!is_privileged(uid) && of_user >= CLIENTS_OF_A_USER_MAX)
		return own;
	if (of_all < CLIENTS_MAX)
		return NULL;
	return oldest ? oldest : own;
}

static int open_bus(struct client *c)
{
	int pair[2], r;

	r = sd_bus_new(&c->bus);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	c->pair_fd = pair[0];
	r = sd_bus_set_fd(c->bus, pair[1], pair[1]);
	if (r < 0) {
		close(pair[1]);
		return r;
	}
	r = sd_bus_set_server(c->bus, 1, c->control->id);
	if (r >= 0)
		r = sd_bus_set_anonymous(c->bus, 1);
	if (r >= 0)
		r = sd_bus_negotiate_fds(c->bus, 0);
	if (r >= 0)
		r = sd_bus_add_object_vtable(c->bus, NULL, CONTROL_PATH, CONTROL_INTERFACE,
					     manager_vtable, c);
	if (r >= 0)
		r = sd_bus_add_object_vtable(c->bus, NULL, "/org/freedesktop/DBus",
					     "org.freedesktop.DBus", bus_vtable, c);
	return r < 0 ? r : sd_bus_start(c->bus);
}

static int add_source(struct client *c)
{
	int r = sd_event_add_io(c->control->daemon->event, &c->io, c->fd, EPOLLIN, on_client, c);

	return r < 0 ? r
		     : sd_event_source_set_priority(c->io, is_privileged(c->uid)
								   ? PRIORITY_PRIVILEGED
								   : PRIORITY_CLIENT);
}

/* Consumes @fd. NULL: there is no memory or no place for it. */
static struct client *new_client(struct control *control, int fd, const struct ucred *peer)
{
	struct client *leaver = choose_leaver(control, peer->uid), *c;

	if (leaver)
		drop_client(leaver);
	if (!has_clients(control))
		control->heap_bytes = heap_bytes();
	c = calloc(1, sizeof(*c));
	for (unsigned i = 0; c && i < CLIENTS_MAX; i++) {
		if (control->clients[i])
			continue;
		*c = (struct client){
			.control = control,
			.fd = fd,
			.pair_fd = -1,
			.uid = peer->uid,
			.pid = peer->pid,
			.since_usec = daemon_now_usec(),
		};
		c->heard_usec = c->since_usec;
		control->clients[i] = c;
		return c;
	}
	free(c);
	close(fd);
	return NULL;
}

static void add_client(struct control *control, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct client *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		close(fd);
		return;
	}
	c = new_client(control, fd, &peer);
	if (!c)
		return;
	if (open_bus(c) < 0 || add_source(c) < 0)
		drop_client(c);
	else
		look_after_silent(control);
}

static enum served accept_one(struct control *control)
{
	struct pollfd somebody = {.fd = control->fd, .events = POLLIN};
	uint64_t now = daemon_now_usec();
	int fd;

	if (poll(&somebody, 1, 0) <= 0)
		return SERVED_ALL;
	if (!is_left(control))
		return SLOT_USED_UP;
	fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		add_client(control, fd);
	spend(control, now);
	return SERVED_STEP;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control *control = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	if (accept_one(control) == SLOT_USED_UP)
		wait_for_slot(control);
	return 0;
}

/* Whether a step would be of use. */
static bool is_ready(const struct client *c)
{
	struct pollfd fds[] = {
		{.fd = c->fd, .events = c->out_len > 0 ? POLLIN | POLLOUT : POLLIN},
		{.fd = c->out_len > 0 ? -1 : c->pair_fd, .events = POLLIN},
	};

	return c->bus_has_more || poll(fds, 2, 0) > 0;
}

enum standing { PRIVILEGED, OTHERS };

/* In turn, a step each: whoever asks for most gets no more than the others. */
static enum served serve_in_turn(struct control *control, enum standing standing)
{
	for (unsigned idle = 0; idle < CLIENTS_MAX;) {
		struct client *c = control->clients[control->turn];
		enum served served = SERVED_ALL;

		if (c && is_privileged(c->uid) == (standing == PRIVILEGED) && is_ready(c))
			served = serve_once(c);
		if (served == SLOT_USED_UP)
			return SLOT_USED_UP;
		idle = served == SERVED_STEP ? 0 : idle + 1;
		control->turn = (control->turn + 1) % CLIENTS_MAX;
	}
	return SERVED_ALL;
}

static int listen_for_all(struct control *control)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i] && listen_for(control->clients[i]) < 0)
			drop_client(control->clients[i]);
	}
	return sd_event_source_set_enabled(control->accept, SD_EVENT_ON);
}

/*
 * Somebody new comes first every other time, even if there is time for one step only: a crowd of
 * others would keep an administrator out, and a crowd that comes and goes from being served.
 */
static int on_slot(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control *control = userdata;

	(void)source;
	(void)usec;
	control->accept_last = !control->accept_last;
	if ((!control->accept_last && accept_one(control) == SLOT_USED_UP) ||
	    serve_in_turn(control, PRIVILEGED) == SLOT_USED_UP ||
	    (control->accept_last && accept_one(control) == SLOT_USED_UP) ||
	    serve_in_turn(control, OTHERS) == SLOT_USED_UP) {
		wait_for_slot(control);
		return 0;
	}
	look_after_silent(control);
	return listen_for_all(control);
}

static void answer_pause(struct client *c, enum pause_event event)
{
	sd_bus_message *call = c->pause_call;

	c->pause_call = NULL;
	/* a client that cannot be answered is sent away when it is served next, which is soon */
	if (event == PAUSE_BEGUN)
		(void)sd_bus_reply_method_return(call, NULL);
	else
		(void)sd_bus_reply_method_errorf(
			call, CONTROL_ERROR_IN_FLIGHT,
			event == PAUSE_REFUSED ? "a victim is in flight and has not gone in time"
					       : "somebody else has ended the pause");
	sd_bus_message_unref(call);
	(void)sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
}

void control_level_changed(struct control *control, const char *level, const char *reason)
{
	for (unsigned i = 0; control && i < CLIENTS_MAX; i++) {
		struct client *c = control->clients[i];

		if (!c || sd_bus_is_ready(c->bus) <= 0)
			continue;
		/* whoever does not read is sent away when it is served next */
		(void)sd_bus_emit_signal(c->bus, CONTROL_PATH, CONTROL_INTERFACE, "LevelChanged",
					 "ss", level, reason);
		(void)sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
	}
}

void control_pause_settled(struct control *control, enum pause_event event)
{
	for (unsigned i = 0; control && i < CLIENTS_MAX; i++) {
		struct client *c = control->clients[i];

		if (c && c->pause_call && event != PAUSE_UNCHANGED)
			answer_pause(c, event);
	}
}

/* ---- the socket ---- */

/* What another instance listens on is left to it. */
static bool somebody_listens(const struct sockaddr_un *address)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			   errno == EAGAIN);
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int listening;

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (somebody_listens(&address))
		return -EADDRINUSE;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* everybody may connect: who may do what is decided by who it is */
	if (chmod(path, 0666) < 0 || listen(fd, 16) < 0)
		return -errno;
	listening = fd;
	fd = -1;
	return listening;
}

static int start(struct control *control)
{
	sd_event *event = control->daemon->event;
	int r = sd_id128_randomize(&control->id);

	if (r < 0)
		return r;
	control->fd = listen_on(control->path);
	if (control->fd < 0)
		return control->fd;
	r = sd_event_add_io(event, &control->accept, control->fd, EPOLLIN, on_connection, control);
	if (r >= 0)
		r = sd_event_source_set_priority(control->accept, PRIORITY_NEW);
	if (r >= 0)
		r = sd_event_add_time(event, &control->timer, CLOCK_MONOTONIC, 0, 0, on_slot,
				      control);
	if (r >= 0)
		r = sd_event_source_set_priority(control->timer, PRIORITY_PRIVILEGED);
	if (r >= 0)
		r = sd_event_source_set_enabled(control->timer, SD_EVENT_OFF);
	return r;
}

void control_start(struct daemon *d, struct control **ret)
{
	const char *directory = getenv("RUNTIME_DIRECTORY"); /* from systemd.exec(5) */
	struct control *control = calloc(1, sizeof(*control));
	int r, len;

	*ret = NULL;
	if (!control)
		return;
	control->daemon = d;
	control->fd = -1;
	len = snprintf(control->path, sizeof(control->path), "%s/control",
		       directory ? directory : RUNTIME_DIRECTORY);
	r = (size_t)len < sizeof(control->path) ? start(control) : -ENAMETOOLONG;
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
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i])
			drop_client(control->clients[i]);
	}
	control->accept = sd_event_source_disable_unref(control->accept);
	control->timer = sd_event_source_disable_unref(control->timer);
	if (control->fd >= 0) {
		(void)unlink(control->path); /* the next start does it otherwise */
		close(control->fd);
	}
	free(control);
}
