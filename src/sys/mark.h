/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The marks on control groups that systemd sets for ManagedOOMPreference= and systemd-oomd obeys:
 * the extended attributes user.oomd_omit and user.oomd_avoid. They count where the group belongs to
 * root and nobody else may write to it: who owns a group can set them, and nobody exempts himself.
 *
 * systemd-oomd looks at the group that it would kill. Here it is a process that is killed, so what
 * counts is the mark of the nearest group upwards that has one: a unit with control groups of its
 * own below it is marked as a whole.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/text.h"

enum mark { MARK_NONE, MARK_AVOID, MARK_OMIT };

/*
 * The mark for members of the group @path. @root_fd: /sys/fs/cgroup; @owner: whose groups count,
 * which is root but in a test. May wait for the kernel's lock of the hierarchy.
 */
enum mark mark_read(int root_fd, struct text path, uid_t owner);
