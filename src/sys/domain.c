/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of control groups and memory nodes; see domain.h.
 */
#include "sys/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/fs.h"

/* memory.stat is the longest, about 2.5 kB on 6.12; meminfo of a node is a page at most. */
#define TEXT_SIZE 8192

/* Of /proc/zoneinfo: some 100 bytes a CPU and zone. */
#define ZONEINFO_MAX (16U << 20)

/* What reclaim would find changes by what is read and written, while nothing is reclaimed. */
#define STAT_AGE_USEC UINT64_C(1000000)

static const struct domain closed = {
	.root_fd = -1,
	.dir_fd = -1,
	.max_fd = -1,
	.current_fd = -1,
	.stat_fd = -1,
	.swap_max_fd = -1,
	.swap_current_fd = -1,
	.events_fd = -1,
	.psi_fd = -1,
	.pcp.fd = -1,
};

void domain_close(struct domain *d)
{
	fs_closep(&d->dir_fd);
	fs_closep(&d->max_fd);
	fs_closep(&d->current_fd);
	fs_closep(&d->stat_fd);
	fs_closep(&d->swap_max_fd);
	fs_closep(&d->swap_current_fd);
	fs_closep(&d->events_fd);
	fs_closep(&d->psi_fd);
	pcp_close(&d->pcp);
	while (d->node_count > 0)
		fs_closep(&d->node_fds[--d->node_count]);
	*d = closed;
}

static int read_bytes(int fd, uint64_t *ret)
{
	char text[64];
	size_t len;
	int r = fs_read_piece(fd, text, sizeof(text), &len);

	return r < 0 ? r : memcg_bytes_parse(text, len, ret);
}

/* The two of which the others are not even read when they say that there is plenty. */
static int read_usage(struct domain *d)
{
	int r = read_bytes(d->max_fd, &d->memcg.max_bytes);

	if (r >= 0 && d->memcg.max_bytes == LIMIT_UNSET)
		r = -ENODATA;
	if (r >= 0)
		r = read_bytes(d->current_fd, &d->memcg.current_bytes);
	if (r < 0)
		return r;
	/* without swap accounting all swap of the host is the group's too */
	if (d->swap_max_fd < 0 || read_bytes(d->swap_max_fd, &d->memcg.swap_max_bytes) < 0 ||
	    read_bytes(d->swap_current_fd, &d->memcg.swap_current_bytes) < 0) {
		d->memcg.swap_max_bytes = LIMIT_UNSET;
		d->memcg.swap_current_bytes = 0;
	}
	return 0;
}

int domain_open_cgroup(struct domain *d, int root_fd, const char *path)
{
	struct domain made = closed;
	int r;

	if (strlen(path) >= sizeof(made.name.text))
		return -ENAMETOOLONG;
	made.name.kind = DOMAIN_CGROUP;
	text_copy(TEXT(path, strlen(path)), made.name.text, sizeof(made.name.text));
	made.root_fd = root_fd;
	made.dir_fd = fs_open_dir(root_fd, path + 1);
	if (made.dir_fd < 0)
		return made.dir_fd;
	made.max_fd = openat(made.dir_fd, "memory.max", O_RDONLY | O_CLOEXEC);
	if (made.max_fd < 0)
		r = errno == ENOENT ? -ENODATA : -errno;
	else
		r = 0;
	made.current_fd = openat(made.dir_fd, "memory.current", O_RDONLY | O_CLOEXEC);
	made.stat_fd = openat(made.dir_fd, "memory.stat", O_RDONLY | O_CLOEXEC);
	if (r >= 0 && (made.current_fd < 0 || made.stat_fd < 0))
		r = -errno;
	made.swap_max_fd = openat(made.dir_fd, "memory.swap.max", O_RDONLY | O_CLOEXEC);
	made.swap_current_fd = openat(made.dir_fd, "memory.swap.current", O_RDONLY | O_CLOEXEC);
	made.events_fd = openat(made.dir_fd, "memory.events", O_RDONLY | O_CLOEXEC);
	made.psi_fd = openat(made.dir_fd, "memory.pressure", O_RDONLY | O_CLOEXEC);
	if (r >= 0)
		r = read_usage(&made);
	if (r < 0) {
		domain_close(&made);
		return r;
	}
	*d = made;
	return 0;
}

/* All of it: the kernel makes it zone by zone. The caller frees it. */
static int read_zoneinfo(int proc_fd, char **ret, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = openat(proc_fd, "zoneinfo", O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	int r = 0;

	if (fd < 0)
		return -errno;
	for (size_t size = 65536; size <= ZONEINFO_MAX; size *= 2) {
		char *larger = realloc(text, size);
		size_t len = 0;

		r = larger ? fs_read_fd(fd, larger, size, &len) : -ENOMEM;
		text = larger ? larger : text;
		if (r < 0)
			break;
		if (len < size) {
			*ret = text;
			*ret_len = len;
			return 0;
		}
		r = -EFBIG;
	}
	free(text);
	return r;
}

static int read_zones(struct domain *d, int proc_fd)
{
	char *text = NULL;
	size_t len = 0;
	int r = read_zoneinfo(proc_fd, &text, &len);

	if (r < 0)
		return r;
	r = node_zones_parse(text, len, &d->nodes, &d->zones);
	free(text);
	return r;
}

void domain_refresh(struct domain *d, int proc_fd)
{
	if (d->name.kind == DOMAIN_NODES)
		(void)read_zones(d, proc_fd); /* what was read before is still nearly right */
}

static int open_node_files(struct domain *d, int sys_fd)
{
	char path[64];

	for (unsigned node = 0; node < NODES_MAX; node++) {
		int fd;

		if (!node_set_contains(&d->nodes, node))
			continue;
		snprintf(path, sizeof(path), "devices/system/node/node%u/meminfo", node);
		fd = openat(sys_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		if (d->node_count == DOMAIN_NODE_FILES_MAX) {
			close(fd);
			return -E2BIG;
		}
		d->node_fds[d->node_count++] = fd;
	}
	return d->node_count == 0 ? -ENODATA : 0;
}

int domain_open_nodes(struct domain *d, int proc_fd, int sys_fd, const char *nodes)
{
	struct domain made = closed;
	int r = node_set_parse(TEXT(nodes, strlen(nodes)), &made.nodes);

	if (r < 0)
		return r;
	made.name.kind = DOMAIN_NODES;
	snprintf(made.name.text, sizeof(made.name.text), "nodes %s", nodes);
	r = read_zones(&made, proc_fd);
	if (r >= 0)
		r = open_node_files(&made, sys_fd);
	if (r < 0) {
		domain_close(&made);
		return r;
	}
	pcp_open(&made.pcp, proc_fd);
	*d = made;
	return 0;
}

static int read_stat(struct domain *d, uint64_t now_usec)
{
	char text[TEXT_SIZE];
	size_t len;
	int r = fs_read_fd(d->stat_fd, text, sizeof(text), &len);

	if (r >= 0)
		r = memcg_stat_parse(text, len, &d->memcg.stat);
	if (r >= 0)
		d->stat_usec = now_usec;
	return r;
}

static void read_pressure(const struct domain *d, struct sample *s)
{
	char text[256];
	size_t len;

	s->has_psi = d->psi_fd >= 0 && fs_read_piece(d->psi_fd, text, sizeof(text), &len) >= 0 &&
		     psi_parse(text, len, &s->psi) >= 0;
}

/* 0 when there is no such file: then a kill of the kernel's is not seen, but nothing else either.
 */
static uint64_t read_kernel_kills(const struct domain *d)
{
	uint64_t count = 0;
	char text[512];
	size_t len;

	if (d->events_fd >= 0 && fs_read_piece(d->events_fd, text, sizeof(text), &len) >= 0)
		(void)memcg_events_parse(text, len, &count);
	return count;
}

/* Of the same moment, on the same machine. */
static struct sample sample_after(const struct sample *host)
{
	return (struct sample){
		.time_usec = host->time_usec,
		.slept_usec = host->slept_usec,
		.page_bytes = host->page_bytes,
	};
}

static int sample_cgroup(struct domain *d, const struct sample *host, uint64_t enough_bytes,
			 enum sample_depth depth, struct sample *ret)
{
	struct sample s = sample_after(host);
	int r = read_usage(d);
	bool deep;

	if (r < 0)
		return r;
	deep = depth >= SAMPLE_WITH_VMSTAT || d->stat_usec == 0 ||
	       u64_sub(d->memcg.max_bytes, d->memcg.current_bytes) < enough_bytes ||
	       u64_sub(host->time_usec, d->stat_usec) >= STAT_AGE_USEC;
	if (deep)
		r = read_stat(d, host->time_usec);
	if (r < 0)
		return r;
	memcg_to_sample(&d->memcg, host, &s);
	s.has_vmstat = s.has_movable = deep;
	if (deep)
		s.vmstat.oom_kill = read_kernel_kills(d);
	read_pressure(d, &s);
	*ret = s;
	return 0;
}

static int sample_nodes(struct domain *d, const struct sample *host, enum sample_depth depth,
			struct sample *ret)
{
	struct sample s = sample_after(host);
	struct node_meminfo sum = {};
	char text[TEXT_SIZE];
	size_t len;

	for (unsigned i = 0; i < d->node_count; i++) {
		int r = fs_read_piece(d->node_fds[i], text, sizeof(text), &len);

		if (r >= 0)
			r = node_meminfo_add(text, len, &sum);
		if (r < 0)
			return r;
	}
	nodes_to_sample(&sum, &d->zones, (uint64_t)sysconf(_SC_PAGESIZE), host, &s);
	pcp_count(&d->pcp, &d->nodes, s.time_usec, depth == SAMPLE_BEFORE_SIGNAL, &s.mem);
	/* a node has no pressure of its own, and the kernel's kills are counted for all together */
	s.has_vmstat = host->has_vmstat;
	s.vmstat.oom_kill = host->vmstat.oom_kill;
	*ret = s;
	return 0;
}

/* The same path, and a new group: a service that was started again. */
static int reopen(struct domain *d)
{
	struct domain again = closed;
	int r = domain_open_cgroup(&again, d->root_fd, d->name.text);

	if (r < 0)
		return r;
	domain_close(d);
	*d = again;
	return 0;
}

int domain_take_sample(struct domain *d, const struct sample *host, uint64_t enough_bytes,
		       enum sample_depth depth, struct sample *ret)
{
	int r;

	if (d->name.kind == DOMAIN_NODES)
		return sample_nodes(d, host, depth, ret);
	r = sample_cgroup(d, host, enough_bytes, depth, ret);
	/* kernfs: the file of a directory that was removed */
	if (r == -ENODEV && reopen(d) >= 0)
		r = sample_cgroup(d, host, enough_bytes, depth, ret);
	return r;
}

uint64_t domain_total_pages(const struct domain *d, const struct sample *s)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), swap = s->mem.swap_total_bytes;

	if (d->name.kind == DOMAIN_NODES)
		return u64_add(d->zones.present_pages, swap / page);
	return u64_add(s->mem.total_bytes, swap) / page;
}

bool domain_has_memcg(int root_fd)
{
	char text[512];
	struct text rest, word;
	size_t len;

	if (fs_read_at(root_fd, "cgroup.controllers", text, sizeof(text), &len) < 0)
		return false;
	if (len > 0 && text[len - 1] == '\n')
		len--;
	for (rest = TEXT(text, len); text_next_word(&rest, &word);) {
		if (text_equal(word, "memory"))
			return true;
	}
	return false;
}

bool domain_is_named(const char *patterns, const struct domain_name *name)
{
	struct text rest = TEXT(patterns, strlen(patterns)), word;
	char pattern[DOMAIN_NAME_SIZE];

	while (text_next_word(&rest, &word)) {
		text_copy(word, pattern, sizeof(pattern));
		if (fnmatch(pattern, name->text, FNM_PATHNAME | FNM_PERIOD) == 0)
			return true;
	}
	return false;
}

void domain_find_cgroups(int root_fd, const char *patterns,
			 void (*visit)(void *userdata, const char *path), void *userdata)
{
	struct text rest = TEXT(patterns, strlen(patterns)), word;
	char root[32], pattern[32 + DOMAIN_NAME_SIZE];
	int root_len = snprintf(root, sizeof(root), "/proc/self/fd/%d", root_fd);

	while (text_next_word(&rest, &word)) {
		glob_t found = {};

		snprintf(pattern, sizeof(pattern), "%s%.*s", root, (int)text_len(word), word.at);
		if (glob(pattern, GLOB_ONLYDIR | GLOB_NOSORT, NULL, &found) == 0) {
			for (size_t i = 0; i < found.gl_pathc; i++)
				visit(userdata, found.gl_pathv[i] + root_len);
		}
		globfree(&found);
	}
}
