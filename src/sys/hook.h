/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket at which the service manager waits for us to ask others for memory: it accepts the
 * connection and starts a service for it. Nothing here forks and nothing waits, for the service
 * neither to start nor to end nor to answer.
 */
#pragma once

/*
 * One connection, one message, closed. Negative errno: -ENOENT, nobody has set it up;
 * -ECONNREFUSED, nobody listens any more; -EAGAIN, whoever listens has enough to do.
 */
int hook_send(const char *path, const char *message);
