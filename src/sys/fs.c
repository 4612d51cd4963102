/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reads; see fs.h.
 */
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/text.h"

/* From @offset of the file to its end, or until @buf is full. */
static int read_from(int fd, off_t offset, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = pread(fd, buf + len, size - len, offset + (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int fs_read_fd(int fd, char *buf, size_t size, size_t *ret_len)
{
	/* from the start: a held descriptor of /proc makes new text for offset 0 */
	return read_from(fd, 0, buf, size, ret_len);
}

int fs_read_piece(int fd, char *buf, size_t size, size_t *ret_len)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_len = (size_t)n;
	return 0;
}

int fs_read_at(int dir_fd, const char *path, char *buf, size_t size, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return fs_read_piece(fd, buf, size, ret_len);
}

/* With its newline. */
static struct text find_longest(const char *data, size_t len)
{
	struct text longest = {data, data};

	for (const char *line = data, *newline; line < data + len; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(data + len - line));
		if (!newline)
			break;
		if (newline + 1 - line > longest.end - longest.at)
			longest = (struct text){line, newline + 1};
	}
	return longest;
}

int fs_read_lines_at(int dir_fd, const char *path, char *buf, size_t size, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct text longest;
	size_t kept, len;
	off_t offset;
	int r;

	if (fd < 0)
		return -errno;
	r = fs_read_piece(fd, buf, size, &len);
	if (r < 0 || len < size) {
		if (r >= 0)
			*ret_len = len;
		return r;
	}

	kept = size;
	while (kept > 0 && buf[kept - 1] != '\n')
		kept--;
	longest = find_longest(buf, kept);
	if (text_len(longest) > size - kept) {
		/* it is not the one that is cut, but has left no room for those behind it */
		size_t cut = text_len(longest), end = (size_t)(longest.end - buf);

		memmove(buf + end - cut, buf + end, size - end);
		r = read_from(fd, (off_t)size, buf + size - cut, cut, &len);
		if (r >= 0)
			*ret_len = size - cut + len;
		return r;
	}
	for (offset = (off_t)size;; offset += (off_t)len) {
		const char *newline;

		r = read_from(fd, offset, buf + kept, size - kept, &len);
		if (r < 0)
			return r;
		newline = len > 0 ? memchr(buf + kept, '\n', len) : NULL;
		if (newline) {
			offset += newline + 1 - (buf + kept);
			break;
		}
		if (len == 0) {
			*ret_len = kept;
			return 0;
		}
	}
	r = read_from(fd, offset, buf + kept, size - kept, &len);
	if (r >= 0)
		*ret_len = kept + len;
	return r;
}

int fs_read_number_at(int dir_fd, const char *path, int64_t *ret)
{
	struct text rest, line;
	char text[32];
	size_t len;
	int r = fs_read_at(dir_fd, path, text, sizeof(text), &len);

	if (r < 0)
		return r;
	rest = TEXT(text, len);
	return text_next_line(&rest, &line) ? text_to_i64(line, ret) : -EINVAL;
}

int fs_open_dir(int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

char *fs_format_pid(char *buf, int pid)
{
	char digits[12];
	int n = 0;

	do {
		digits[n++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0);
	while (n > 0)
		*buf++ = digits[--n];
	*buf = '\0';
	return buf;
}

int fs_parse_pid(const char *name)
{
	int pid = 0;

	for (; *name; name++) {
		if (*name < '0' || *name > '9' || pid > (INT_MAX - 9) / 10)
			return 0;
		pid = pid * 10 + (*name - '0');
	}
	return pid;
}

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

int fs_for_each_number(int dir_fd, char *dents, size_t dents_size,
		       bool (*visit)(void *userdata, int number), void *userdata)
{
	for (;;) {
		long n = syscall(SYS_getdents64, dir_fd, dents, dents_size);

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		for (long at = 0; at < n;) {
			const struct linux_dirent64 *d = (const void *)(dents + at);
			int number = fs_parse_pid(d->d_name);

			at += d->d_reclen;
			if (number > 0 && !visit(userdata, number))
				return 0;
		}
	}
}
