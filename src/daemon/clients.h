/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is connected to the control socket, and how much of the daemon's time and memory each may
 * have; what they ask for is the business of control.c, whose object they are shown.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct clients;
struct client;

/* What clients are shown: a view of it for each. */
struct clients_object {
	/* Adds it to the bus of @c. 0 or negative errno; a view in @ret is detached anyway. */
	int (*attach)(void *userdata, struct client *c, sd_bus *bus, void **ret_view);
	void (*refresh)(void *view); /* before each step of this client's */
	void (*detach)(void *view);
};

/* Listens on @path, which is borrowed. -EADDRINUSE: another instance does. 0 or negative errno. */
int clients_start(sd_event *event, const char *path, const struct clients_object *object,
		  void *userdata, struct clients **ret);
void clients_stop(struct clients *clients);

void clients_each(struct clients *clients, void (*visit)(void *view, const void *message),
		  const void *message);

/* Who it is, as the kernel says. */
uid_t client_uid(const struct client *c);
pid_t client_pid(const struct client *c);

/* Who may change something, and is served first. */
bool clients_is_privileged(uid_t uid);

/*
 * All clients together may have the daemon hold so much and no more. What it takes for itself while
 * it serves one is not theirs: that is from client_own_heap_begin() to client_own_heap_end().
 */
size_t client_own_heap_begin(void);
void client_own_heap_end(struct client *c, size_t begin);

/* There is something to be sent to it, that it has not asked for just now. */
void client_wake(struct client *c);
