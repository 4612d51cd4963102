/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in /proc/sys/vm; see tunables.h.
 */
#include "sys/tunables.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "core/text.h"
#include "sys/fs.h"

void tunables_open(struct tunables *t, int proc_fd)
{
	*t = (struct tunables){
		.panic_on_oom_fd = openat(proc_fd, "sys/vm/panic_on_oom", O_RDONLY | O_CLOEXEC),
		.oom_dump_tasks_fd = openat(proc_fd, "sys/vm/oom_dump_tasks", O_RDONLY | O_CLOEXEC),
	};
}

void tunables_close(struct tunables *t)
{
	fs_closep(&t->panic_on_oom_fd);
	fs_closep(&t->oom_dump_tasks_fd);
	*t = TUNABLES_CLOSED;
}

static int read_number(int fd, int otherwise)
{
	struct text rest, line;
	char buf[32];
	int64_t value;
	size_t len;

	if (fd < 0 || fs_read_piece(fd, buf, sizeof(buf), &len) < 0)
		return otherwise;
	rest = TEXT(buf, len);
	if (!text_next_line(&rest, &line) || text_to_i64(line, &value) < 0 || value < 0 ||
	    value > INT_MAX)
		return otherwise;
	return (int)value;
}

int tunables_panic_on_oom(const struct tunables *t)
{
	return read_number(t->panic_on_oom_fd, 0);
}

bool tunables_dump_tasks(const struct tunables *t)
{
	return read_number(t->oom_dump_tasks_fd, 1) != 0;
}
