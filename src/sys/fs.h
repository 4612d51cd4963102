/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reads of small files below a directory descriptor. Everything that reads /proc comes
 * through here, so that a test can hand in a tree of its own and nothing can allocate.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* Closes the descriptor that goes out of scope. */
static inline void fs_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define CLEANUP_CLOSE __attribute__((cleanup(fs_closep)))

/*
 * Reads the file from its start to its end, or until @buf is full, which is not an error: the
 * parsers skip a line that they do not need. 0 or negative errno.
 */
int fs_read_fd(int fd, char *buf, size_t size, size_t *ret_len);

/*
 * The same in one call, for the files of /proc that the kernel makes in one piece (all but vmstat
 * and those of ZFS, of those read here): asking for the end as well would be a third of the cost of
 * a small one.
 */
int fs_read_piece(int fd, char *buf, size_t size, size_t *ret_len);

/* Opens, reads in one piece, closes. */
int fs_read_at(int dir_fd, const char *path, char *buf, size_t size, size_t *ret_len);

/*
 * The same for a file that may have one line without bound, as status has with 65,536 groups: when
 * the file does not fit, the line that crosses the end of @buf is left out and what follows it is
 * read in its place. Files that still do not fit are cut.
 */
int fs_read_lines_at(int dir_fd, const char *path, char *buf, size_t size, size_t *ret_len);

/* A file that holds one decimal number and a newline. -EINVAL, -ERANGE: it does not. */
int fs_read_number_at(int dir_fd, const char *path, int64_t *ret);

/* A directory, to read below; O_PATH, so it needs no permission to list. Descriptor or -errno. */
int fs_open_dir(int dir_fd, const char *path);

/* @pid in decimal at @buf (at least 12 bytes), NUL at the end; returns where the NUL is. */
char *fs_format_pid(char *buf, int pid);

/*
 * Calls @visit with each number that names an entry of the open directory @dir_fd, until it returns
 * false. readdir(3) would allocate; @dents, aligned for 64 bits, is what getdents64(2) writes to.
 */
int fs_for_each_number(int dir_fd, char *dents, size_t dents_size,
		       bool (*visit)(void *userdata, int number), void *userdata);

/* For getdents64(2): 0 when @name is not a plain positive number. */
int fs_parse_pid(const char *name);
