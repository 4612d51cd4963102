/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Held descriptors and the PSI trigger; see sampler.h.
 */
#include "sys/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "sys/fs.h"

/* vmstat is the longest, about 6 kB with every option on; its oom_kill is in the first half. */
#define SAMPLE_TEXT_SIZE 8192

int sampler_open(struct sampler *s, int proc_fd, int sys_fd)
{
	int meminfo_fd = openat(proc_fd, "meminfo", O_RDONLY | O_CLOEXEC);

	if (meminfo_fd < 0)
		return -errno;
	*s = (struct sampler){
		.meminfo_fd = meminfo_fd,
		.psi_fd = openat(proc_fd, "pressure/memory", O_RDONLY | O_CLOEXEC),
		.vmstat_fd = openat(proc_fd, "vmstat", O_RDONLY | O_CLOEXEC),
		.io_fd = openat(proc_fd, "pressure/io", O_RDONLY | O_CLOEXEC),
		.arc_fd = openat(proc_fd, "spl/kstat/zfs/arcstats", O_RDONLY | O_CLOEXEC),
		.swaps_fd = openat(proc_fd, "swaps", O_RDONLY | O_CLOEXEC),
		.sys_fd = sys_fd,
	};
	pcp_open(&s->pcp, proc_fd);
	sampler_find_swap(s);
	return 0;
}

static void close_zram(struct sampler *s)
{
	while (s->zram_count > 0)
		fs_closep(&s->zram[--s->zram_count].fd);
}

void sampler_close(struct sampler *s)
{
	fs_closep(&s->meminfo_fd);
	fs_closep(&s->psi_fd);
	fs_closep(&s->vmstat_fd);
	fs_closep(&s->io_fd);
	fs_closep(&s->arc_fd);
	pcp_close(&s->pcp);
	fs_closep(&s->swaps_fd);
	close_zram(s);
	*s = SAMPLER_CLOSED;
}

/* How many areas there are: 0 too where they cannot be read. */
static unsigned read_areas(const struct sampler *s, struct swap_area ret[static SWAP_AREAS_MAX])
{
	char text[SAMPLE_TEXT_SIZE];
	unsigned count;
	size_t len;

	return s->swaps_fd >= 0 && fs_read_piece(s->swaps_fd, text, sizeof(text), &len) >= 0 &&
			       swap_areas_parse(text, len, ret, &count) >= 0
		       ? count
		       : 0;
}

void sampler_find_swap(struct sampler *s)
{
	struct swap_area areas[SWAP_AREAS_MAX];
	unsigned count = read_areas(s, areas);
	char path[64];

	close_zram(s);
	s->has_other_swap = false;
	for (unsigned i = 0; s->sys_fd >= 0 && i < count; i++) {
		int fd;

		if (areas[i].zram < 0) {
			s->has_other_swap = true;
			continue;
		}
		snprintf(path, sizeof(path), "block/zram%d/mm_stat", areas[i].zram);
		fd = openat(s->sys_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		s->zram[s->zram_count].fd = fd;
		s->zram[s->zram_count].number = areas[i].zram;
		s->zram[s->zram_count++].size_bytes = areas[i].size_bytes;
	}
}

uint64_t sampler_leaving_swap(struct sampler *s, uint64_t swap_total_bytes)
{
	struct swap_area areas[SWAP_AREAS_MAX];
	const struct swap_area *leaving;
	uint64_t bytes = swap_areas_leaving_bytes(areas, read_areas(s, areas), swap_total_bytes,
						  &leaving);

	for (unsigned i = 0; leaving && i < s->zram_count; i++) {
		if (s->zram[i].number != leaving->zram)
			continue;
		fs_closep(&s->zram[i].fd);
		s->zram[i--] = s->zram[--s->zram_count];
	}
	return bytes;
}

/* @text: one for all files, because the stack is locked into memory as deep as it ever was. */
static void add_arc(const struct sampler *s, char text[static SAMPLE_TEXT_SIZE], struct meminfo *m)
{
	size_t len;

	if (s->arc_fd < 0 || fs_read_fd(s->arc_fd, text, SAMPLE_TEXT_SIZE, &len) < 0 ||
	    arcstats_parse(text, len, &m->arc_bytes) < 0)
		return;
	m->available_bytes = u64_min(u64_add(m->available_bytes, m->arc_bytes), m->total_bytes);
}

static uint64_t taken_bytes(const struct swap_area *areas, unsigned count, int zram)
{
	for (unsigned i = 0; i < count; i++) {
		if (areas[i].zram == zram)
			return areas[i].used_bytes;
	}
	return 0;
}

static void read_zram(const struct sampler *s, struct zram *ret)
{
	struct swap_area areas[SWAP_AREAS_MAX];
	unsigned count = s->zram_count > 0 && s->has_other_swap ? read_areas(s, areas) : 0;
	struct zram_stat stat;
	char text[256];
	size_t len;

	for (unsigned i = 0; i < s->zram_count; i++) {
		if (fs_read_piece(s->zram[i].fd, text, sizeof(text), &len) < 0 ||
		    zram_stat_parse(text, len, &stat) < 0)
			continue;
		zram_add(ret, s->zram[i].size_bytes, &stat);
		ret->unstored_bytes = u64_add(
			ret->unstored_bytes,
			u64_sub(taken_bytes(areas, count, s->zram[i].number), stat.data_bytes));
	}
}

int sampler_take(struct sampler *s, uint64_t time_usec, enum sample_depth depth, struct sample *ret)
{
	char text[SAMPLE_TEXT_SIZE];
	struct sample taken = {
		.time_usec = time_usec,
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	size_t len;
	int r;

	r = fs_read_piece(s->meminfo_fd, text, sizeof(text), &len);
	if (r < 0)
		return r;
	r = meminfo_parse(text, len, &taken.mem);
	if (r < 0)
		return r;

	/* a substitute for the file may lack these lines, or have 0 there */
	taken.has_movable = taken.mem.active_anon_bytes > 0 || taken.mem.inactive_anon_bytes > 0;
	pcp_count(&s->pcp, NULL, time_usec, depth == SAMPLE_BEFORE_SIGNAL, &taken.mem);
	add_arc(s, text, &taken.mem);
	taken.has_psi = s->psi_fd >= 0 && fs_read_piece(s->psi_fd, text, sizeof(text), &len) >= 0 &&
			psi_parse(text, len, &taken.psi) >= 0;
	taken.has_vmstat = depth >= SAMPLE_WITH_VMSTAT && s->vmstat_fd >= 0 &&
			   fs_read_fd(s->vmstat_fd, text, sizeof(text), &len) >= 0 &&
			   vmstat_parse(text, len, &taken.vmstat) >= 0;
	taken.has_io = depth >= SAMPLE_WITH_VMSTAT && s->io_fd >= 0 &&
		       fs_read_piece(s->io_fd, text, sizeof(text), &len) >= 0 &&
		       psi_parse(text, len, &taken.io) >= 0;
	read_zram(s, &taken.zram);
	*ret = taken;
	return 0;
}

bool sampler_glance(uint64_t time_usec, struct glance *ret)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return false;
	*ret = (struct glance){
		.time_usec = time_usec,
		.total_bytes = u64_mul(info.totalram, info.mem_unit),
		.free_bytes = u64_mul(info.freeram, info.mem_unit),
		.swap_total_bytes = u64_mul(info.totalswap, info.mem_unit),
	};
	return true;
}

int psi_trigger_open(int proc_fd, uint64_t threshold_usec, uint64_t window_usec)
{
	int fd = openat(proc_fd, "pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	char trigger[64];
	int len, r;

	if (fd < 0)
		return -errno;
	len = snprintf(trigger, sizeof(trigger), "some %llu %llu",
		       (unsigned long long)threshold_usec, (unsigned long long)window_usec);
	if (write(fd, trigger, (size_t)len + 1) >= 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}
