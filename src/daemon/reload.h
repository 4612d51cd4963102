/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From files and command line to settings, at start and at SIGHUP. Settings with a mistake in them
 * never replace good ones.
 */
#pragma once

#include "daemon/daemon.h"

/*
 * Reads everything that @options name, and checks it for a machine with this memory. Each mistake
 * goes to @complain. 0; -EINVAL: there were mistakes, @ret is not written; -ENOMEM.
 */
int settings_read(const struct options *options, const struct meminfo *mem,
		  void (*complain)(void *userdata, const char *message), void *userdata,
		  struct settings *ret);
void settings_done(struct settings *s);

/*
 * Takes the new settings; or keeps the old ones, says why in the journal, and the first of it in
 * @reterr_mistake. 0, -EINVAL, -ENOMEM.
 */
int reload(struct daemon *d, char *reterr_mistake, size_t size);
