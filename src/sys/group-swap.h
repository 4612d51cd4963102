/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that swap may not take, however much of it is free: what control groups hold beyond what
 * their memory.swap.max, or that of one above them, leaves them. With 0 that is all they have.
 */
#pragma once

#include <stdint.h>

/*
 * Of all groups below @root_fd that have none below them, in bytes on the lists of anonymous
 * memory. Opens the files each time: nothing is held, and nothing known of before is used.
 */
uint64_t group_swap_barred_bytes(int root_fd);
