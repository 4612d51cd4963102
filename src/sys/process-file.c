/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two reads of process-file.h.
 */
#include "sys/process-file.h"

#include "sys/fs.h"

#define STAT_ROOM 2048

int process_read_stat(int dir_fd, const char *path, struct process_stat *ret)
{
	char text[STAT_ROOM];
	size_t len;
	int r = fs_read_at(dir_fd, path, text, sizeof(text), &len);

	return r < 0 ? r : process_stat_parse(text, len, ret);
}

int process_read_status(int dir_fd, const char *path, struct process_status *ret)
{
	char text[PROCESS_STATUS_ROOM];
	size_t len;
	int r = fs_read_lines_at(dir_fd, path, text, sizeof(text), &len);

	return r < 0 ? r : process_status_parse(text, len, ret);
}
