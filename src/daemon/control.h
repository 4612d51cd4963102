/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket, control in the runtime directory: D-Bus without a bus, for reapctl and for
 * whoever speaks it. Everybody may read, and root and the daemon's own user may change something,
 * by the credentials that the kernel has of the peer.
 *
 * Clients are served when nothing that decides is due, for a small share of the time and with
 * bounded memory, so that one that hangs, floods or sends garbage costs a kill no time.
 */
#pragma once

#include "core/pause.h"

/* What systemd calls RuntimeDirectory=; the lock of the one instance is in it too. */
#define RUNTIME_DIRECTORY "/run/reapd"
#define CONTROL_SOCKET	  RUNTIME_DIRECTORY "/control"

#define CONTROL_PATH	  "/org/reapd"
#define CONTROL_INTERFACE "org.reapd.Manager"

#define CONTROL_ERROR_PAUSED	"org.reapd.Error.Paused"
#define CONTROL_ERROR_IN_FLIGHT "org.reapd.Error.InFlight"
#define CONTROL_ERROR_NO_VICTIM "org.reapd.Error.NoVictim"
#define CONTROL_ERROR_NO_TRACE	"org.reapd.Error.NoTrace"
#define CONTROL_ERROR_CONFIG	"org.reapd.Error.Configuration"

struct daemon;
struct control;

/*
 * Without it the daemon does all that it has to do, so a failure is reported and @ret is NULL.
 * So it is, without a word, when the runtime directory is missing or not ours, as in a dry run.
 */
void control_start(struct daemon *d, struct control **ret);
void control_stop(struct control *c);

/* Tells everybody who is connected. Allocates: for when there is time. */
void control_level_changed(struct control *c, const char *level, const char *reason);

/* Answers those who wait for a trace: it is at @path, or could not be written. */
void control_recorded(struct control *c, int error, const char *path);

/* Answers those who wait for a pause to begin. */
void control_pause_settled(struct control *c, enum pause_event event);
