/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket; see clients.h. Each connection is an sd-bus server of its own. It is not
 * attached to the event loop, but driven from here, one sd_bus_process() a step, because only so
 * the time can be rationed: the daemon runs with real-time priority, and a flood must not get more
 * of a CPU than a few per cent of it.
 *
 * Between the client's socket and sd-bus is a pair of ours. sd-bus would read whatever a header
 * promises, up to 128 MiB, in a single recvmsg(2) that goes on for as long as the client sends. So
 * it is handed a few bytes at a time. That sd-bus sees itself at the other end is why its own look
 * at who a client claims to be is off: the kernel has told us who it is (SO_PEERCRED).
 */
#include "daemon/clients.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "core/ration.h"
#include "core/text.h"
#include "daemon/daemon.h"
#include "sys/fs.h"

#define CLIENTS_MAX	      16
#define CLIENTS_OF_A_USER_MAX 6 /* who is neither root nor the daemon */

/* Half a millisecond in twenty. */
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
 * What all clients together may have the daemon hold; beyond that who holds most goes. The header
 * of a message can promise up to 128 MiB, for which sd-bus then asks malloc().
 */
#define HEAP_MAX_BYTES (256 * 1024)

#define PRIORITY_PRIVILEGED SD_EVENT_PRIORITY_IDLE
#define PRIORITY_CLIENT	    (SD_EVENT_PRIORITY_IDLE + 1)
#define PRIORITY_NEW	    (SD_EVENT_PRIORITY_IDLE + 2)

struct client {
	struct clients *clients;
	sd_bus *bus;
	int fd;	     /* the client's */
	int pair_fd; /* at its other end is sd-bus */
	bool bus_has_more;
	size_t unanswered_bytes;
	size_t heap_bytes;    /* what it has the daemon hold, and what goes with it */
	ptrdiff_t own_growth; /* in its step, of the daemon's for itself */
	size_t out_at, out_len;
	char out[PIECE_SIZE]; /* from sd-bus, on its way to the client */
	sd_event_source *io;
	uid_t uid;
	pid_t pid;
	uint64_t since_usec, heard_usec;
	void *view;
};

struct clients {
	sd_event *event;
	const struct clients_object *object;
	void *userdata;
	const char *path;
	int fd;
	sd_event_source *accept, *timer;
	sd_id128_t id;
	struct ration ration;
	bool accept_last;
	unsigned turn;			 /* whose it is */
	struct client *all[CLIENTS_MAX]; /* NULL: a free place */
};

bool clients_is_privileged(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

uid_t client_uid(const struct client *c)
{
	return c->uid;
}

pid_t client_pid(const struct client *c)
{
	return c->pid;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* What has been taken, or given back, for its sake since there were @before. */
static void charge(struct client *c, size_t before)
{
	size_t now = heap_bytes();

	before += (size_t)c->own_growth;
	c->own_growth = 0;
	c->heap_bytes = u64_sub(u64_add(c->heap_bytes, u64_sub(now, before)), u64_sub(before, now));
}

static size_t held_bytes(const struct clients *clients)
{
	size_t sum = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		sum += clients->all[i] ? clients->all[i]->heap_bytes : 0;
	return sum;
}

size_t client_own_heap_begin(void)
{
	return heap_bytes();
}

void client_own_heap_end(struct client *c, size_t begin)
{
	c->own_growth += (ptrdiff_t)(heap_bytes() - begin);
}

static void drop_client(struct client *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->clients->all[i] == c)
			c->clients->all[i] = NULL;
	}
	if (c->view)
		c->clients->object->detach(c->view);
	sd_event_source_disable_unref(c->io);
	/* without a flush, which would wait for whoever does not read */
	sd_bus_close_unref(c->bus);
	fs_closep(&c->fd);
	fs_closep(&c->pair_fd);
	free(c);
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

/* Of those who are not privileged the one who holds most; if there is none @c, whose step it is. */
static struct client *choose_holder(struct client *c)
{
	struct client *most = NULL;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *other = c->clients->all[i];

		if (other && !clients_is_privileged(other->uid) &&
		    (!most || other->heap_bytes > most->heap_bytes))
			most = other;
	}
	return most ? most : c;
}

/* False: it is @c that has to go. */
static bool make_room(struct client *c)
{
	while (held_bytes(c->clients) > HEAP_MAX_BYTES) {
		struct client *holder = choose_holder(c);

		if (holder == c)
			return false;
		drop_client(holder);
	}
	return true;
}

static int process(struct client *c)
{
	size_t before = heap_bytes();
	uint64_t queued = 0;
	int r;

	c->clients->object->refresh(c->view);
	r = sd_bus_process(c->bus, NULL);
	charge(c, before);
	if (r < 0)
		return r;
	if (!make_room(c) || sd_bus_get_n_queued_write(c->bus, &queued) < 0 || queued > QUEUE_MAX)
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

static void set_timer(struct clients *clients, uint64_t usec, uint64_t accuracy_usec)
{
	/* a source that exists and a time cannot be refused */
	(void)sd_event_source_set_time_accuracy(clients->timer, accuracy_usec);
	(void)sd_event_source_set_time(clients->timer, usec);
	(void)sd_event_source_set_enabled(clients->timer, SD_EVENT_ONESHOT);
}

/* When the ration of a slot is gone nobody is listened to until the next. */
static void wait_for_slot(struct clients *clients)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			(void)sd_event_source_set_enabled(clients->all[i]->io, SD_EVENT_OFF);
	}
	(void)sd_event_source_set_enabled(clients->accept, SD_EVENT_OFF);
	set_timer(clients, ration_next_usec(&clients->ration), 1000);
}

enum served { SERVED_ALL, SERVED_STEP, SLOT_USED_UP };

/* One step of what it wants; SERVED_ALL also when it has been sent away. */
static enum served serve_once(struct client *c)
{
	uint64_t now = clock_now_usec();
	int r;

	if (!ration_is_left(&c->clients->ration, now))
		return SLOT_USED_UP;
	r = serve_step(c);
	ration_spend(&c->clients->ration, now, clock_now_usec());
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
		wait_for_slot(c->clients);
	return 0;
}

static bool has_clients(const struct clients *clients)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			return true;
	}
	return false;
}

/* Whoever is silent, and not privileged, is sent away; the timer stays on while there is somebody.
 */
static void look_after_silent(struct clients *clients)
{
	uint64_t now = clock_now_usec();

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = clients->all[i];

		if (c && !clients_is_privileged(c->uid) && now - c->heard_usec > SILENCE_USEC)
			drop_client(c);
	}
	if (has_clients(clients))
		set_timer(clients, now + SILENCE_USEC / 4, SILENCE_USEC / 8);
}

/*
 * The one who has to make room for somebody new of @uid: of a user who has many that user's oldest;
 * when all places are taken the oldest who is not privileged. NULL: nobody has to.
 */
static struct client *choose_leaver(const struct clients *clients, uid_t uid)
{
	struct client *own = NULL, *oldest = NULL;
	unsigned of_user = 0, of_all = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = clients->all[i];

		if (!c)
			continue;
		of_all++;
		if (c->uid == uid) {
			of_user++;
			own = !own || c->since_usec < own->since_usec ? c : own;
		}
		if (!clients_is_privileged(c->uid))
			oldest = !oldest || c->since_usec < oldest->since_usec ? c : oldest;
	}
	if (!clients_is_privileged(uid) && of_user >= CLIENTS_OF_A_USER_MAX)
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
	r = sd_bus_set_server(c->bus, 1, c->clients->id);
	if (r >= 0)
		r = sd_bus_set_anonymous(c->bus, 1);
	if (r >= 0)
		r = sd_bus_negotiate_fds(c->bus, 0);
	if (r >= 0)
		r = c->clients->object->attach(c->clients->userdata, c, c->bus, &c->view);
	return r < 0 ? r : sd_bus_start(c->bus);
}

static int add_source(struct client *c)
{
	int r = sd_event_add_io(c->clients->event, &c->io, c->fd, EPOLLIN, on_client, c);

	return r < 0 ? r
		     : sd_event_source_set_priority(c->io, clients_is_privileged(c->uid)
								   ? PRIORITY_PRIVILEGED
								   : PRIORITY_CLIENT);
}

/* Consumes @fd. NULL: there is no memory or no place for it. */
static struct client *new_client(struct clients *clients, int fd, const struct ucred *peer)
{
	struct client *c = calloc(1, sizeof(*c));

	for (unsigned i = 0; c && i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			continue;
		*c = (struct client){
			.clients = clients,
			.fd = fd,
			.pair_fd = -1,
			.uid = peer->uid,
			.pid = peer->pid,
			.since_usec = clock_now_usec(),
		};
		c->heard_usec = c->since_usec;
		clients->all[i] = c;
		return c;
	}
	free(c);
	close(fd);
	return NULL;
}

static void add_client(struct clients *clients, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct client *leaver, *c;
	size_t before;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		close(fd);
		return;
	}
	leaver = choose_leaver(clients, peer.uid);
	if (leaver)
		drop_client(leaver);
	c = new_client(clients, fd, &peer);
	if (!c)
		return;
	before = heap_bytes();
	r = open_bus(c);
	if (r >= 0)
		r = add_source(c);
	charge(c, before);
	if (r < 0)
		drop_client(c);
	else
		look_after_silent(clients);
}

static enum served accept_one(struct clients *clients)
{
	struct pollfd somebody = {.fd = clients->fd, .events = POLLIN};
	uint64_t now = clock_now_usec();
	int fd;

	if (poll(&somebody, 1, 0) <= 0)
		return SERVED_ALL;
	if (!ration_is_left(&clients->ration, now))
		return SLOT_USED_UP;
	fd = accept4(clients->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		add_client(clients, fd);
	ration_spend(&clients->ration, now, clock_now_usec());
	return SERVED_STEP;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct clients *clients = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	if (accept_one(clients) == SLOT_USED_UP)
		wait_for_slot(clients);
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
static enum served serve_in_turn(struct clients *clients, enum standing standing)
{
	for (unsigned idle = 0; idle < CLIENTS_MAX;) {
		struct client *c = clients->all[clients->turn];
		enum served served = SERVED_ALL;

		if (c && clients_is_privileged(c->uid) == (standing == PRIVILEGED) && is_ready(c))
			served = serve_once(c);
		if (served == SLOT_USED_UP)
			return SLOT_USED_UP;
		idle = served == SERVED_STEP ? 0 : idle + 1;
		clients->turn = (clients->turn + 1) % CLIENTS_MAX;
	}
	return SERVED_ALL;
}

static int listen_for_all(struct clients *clients)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] && listen_for(clients->all[i]) < 0)
			drop_client(clients->all[i]);
	}
	return sd_event_source_set_enabled(clients->accept, SD_EVENT_ON);
}

/*
 * Somebody new comes first every other time, even if there is time for one step only: a crowd of
 * others would keep an administrator out, and a crowd that comes and goes from being served.
 */
static int on_slot(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct clients *clients = userdata;

	(void)source;
	(void)usec;
	clients->accept_last = !clients->accept_last;
	if ((!clients->accept_last && accept_one(clients) == SLOT_USED_UP) ||
	    serve_in_turn(clients, PRIVILEGED) == SLOT_USED_UP ||
	    (clients->accept_last && accept_one(clients) == SLOT_USED_UP) ||
	    serve_in_turn(clients, OTHERS) == SLOT_USED_UP) {
		wait_for_slot(clients);
		return 0;
	}
	look_after_silent(clients);
	return listen_for_all(clients);
}

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

static int start(struct clients *clients)
{
	int r = sd_id128_randomize(&clients->id);

	if (r < 0)
		return r;
	clients->fd = listen_on(clients->path);
	if (clients->fd < 0)
		return clients->fd;
	r = sd_event_add_io(clients->event, &clients->accept, clients->fd, EPOLLIN, on_connection,
			    clients);
	if (r >= 0)
		r = sd_event_source_set_priority(clients->accept, PRIORITY_NEW);
	if (r >= 0)
		r = sd_event_add_time(clients->event, &clients->timer, CLOCK_MONOTONIC, 0, 0,
				      on_slot, clients);
	if (r >= 0)
		r = sd_event_source_set_priority(clients->timer, PRIORITY_PRIVILEGED);
	if (r >= 0)
		r = sd_event_source_set_enabled(clients->timer, SD_EVENT_OFF);
	return r;
}

int clients_start(sd_event *event, const char *path, const struct clients_object *object,
		  void *userdata, struct clients **ret)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	int r;

	if (!clients)
		return -ENOMEM;
	*clients = (struct clients){
		.event = event,
		.object = object,
		.userdata = userdata,
		.path = path,
		.fd = -1,
		.ration = {.slot_usec = SLOT_USEC, .usec = RATION_USEC},
	};
	r = start(clients);
	if (r < 0)
		clients_stop(clients);
	else
		*ret = clients;
	return r;
}

void clients_each(struct clients *clients, void (*visit)(void *view, const void *message),
		  const void *message)
{
	for (unsigned i = 0; clients && i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			visit(clients->all[i]->view, message);
	}
}

void client_wake(struct client *c)
{
	(void)sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
}

void clients_stop(struct clients *clients)
{
	if (!clients)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			drop_client(clients->all[i]);
	}
	clients->accept = sd_event_source_disable_unref(clients->accept);
	clients->timer = sd_event_source_disable_unref(clients->timer);
	if (clients->fd >= 0) {
		(void)unlink(clients->path); /* the next start does it otherwise */
		close(clients->fd);
	}
	free(clients);
}
