/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What surrounds this instance: whether another one runs, and whether it sits in a container that
 * has less memory than the machine.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * Takes the lock of the one instance that may kill; held until the process ends. -EWOULDBLOCK:
 * another has it, @ret_other is its pid, or 0 when it cannot be read.
 */
int instance_lock(const char *directory, pid_t *ret_other);

/*
 * The memory limit on the cgroup at the root of what we see, as a container has one: v2
 * memory.max, else v1 memory.limit_in_bytes. UINT64_MAX when there is none.
 */
uint64_t instance_memory_limit(int sys_fd);
