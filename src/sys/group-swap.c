/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sum of group-swap.h.
 */
#include "sys/group-swap.h"

#include "core/domain.h"
#include "core/text.h"
#include "sys/fs.h"
#include "sys/group-walk.h"

#define STAT_SIZE 8192

/* False: there is no such file, or no number in it ("max"). */
static bool read_number(int dir_fd, const char *file, uint64_t *ret)
{
	char text[32];
	struct text rest, line;
	size_t len;

	if (fs_read_at(dir_fd, file, text, sizeof(text), &len) < 0)
		return false;
	rest = TEXT(text, len);
	return text_next_line(&rest, &line) && text_take_u64(&line, ret) >= 0;
}

/* What may still go to swap; what several share counts for each. */
static uint64_t room_bytes(const struct group_level *at)
{
	uint64_t room = UINT64_MAX, max, current;

	for (; at->above; at = at->above) {
		if (!read_number(at->fd, "memory.swap.max", &max))
			continue;
		if (max > 0 && !read_number(at->fd, "memory.swap.current", &current))
			continue;
		room = u64_min(room, max > 0 ? u64_sub(max, current) : 0);
	}
	return room;
}

static bool add_group(void *userdata, const struct group_level *at)
{
	uint64_t *sum = userdata, room = room_bytes(at), anon;
	struct memcg_stat stat;
	char text[STAT_SIZE];
	size_t len;

	if (room == UINT64_MAX || fs_read_at(at->fd, "memory.stat", text, sizeof(text), &len) < 0 ||
	    memcg_stat_parse(text, len, &stat) < 0)
		return true;
	anon = u64_add(stat.active_anon_bytes, stat.inactive_anon_bytes);
	*sum = u64_add(*sum, u64_sub(anon, room));
	return true;
}

uint64_t group_swap_barred_bytes(int root_fd)
{
	uint64_t sum = 0;

	group_walk(root_fd, add_group, &sum);
	return sum;
}
