/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Held descriptors and the PSI trigger; see sampler.h.
 */
#include "sys/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/fs.h"

/* vmstat is the longest, about 6 kB with every option on; its oom_kill is in the first half. */
#define SAMPLE_TEXT_SIZE 8192

int sampler_open(struct sampler *s, int proc_fd)
{
	int meminfo_fd = openat(proc_fd, "meminfo", O_RDONLY | O_CLOEXEC);

	if (meminfo_fd < 0)
		return -errno;
	*s = (struct sampler){
		.meminfo_fd = meminfo_fd,
		.psi_fd = openat(proc_fd, "pressure/memory", O_RDONLY | O_CLOEXEC),
		.vmstat_fd = openat(proc_fd, "vmstat", O_RDONLY | O_CLOEXEC),
	};
	return 0;
}

void sampler_close(struct sampler *s)
{
	fs_closep(&s->meminfo_fd);
	fs_closep(&s->psi_fd);
	fs_closep(&s->vmstat_fd);
	*s = SAMPLER_CLOSED;
}

int sampler_take(const struct sampler *s, uint64_t time_usec, enum sample_depth depth,
		 struct sample *ret)
{
	char text[SAMPLE_TEXT_SIZE];
	struct sample taken = {.time_usec = time_usec};
	size_t len;
	int r;

	r = fs_read_piece(s->meminfo_fd, text, sizeof(text), &len);
	if (r < 0)
		return r;
	r = meminfo_parse(text, len, &taken.mem);
	if (r < 0)
		return r;

	taken.has_psi = s->psi_fd >= 0 && fs_read_piece(s->psi_fd, text, sizeof(text), &len) >= 0 &&
			psi_parse(text, len, &taken.psi) >= 0;
	taken.has_vmstat = depth == SAMPLE_WITH_VMSTAT && s->vmstat_fd >= 0 &&
			   fs_read_fd(s->vmstat_fd, text, sizeof(text), &len) >= 0 &&
			   vmstat_parse(text, len, &taken.vmstat) >= 0;
	*ret = taken;
	return 0;
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
