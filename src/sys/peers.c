/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of known killers, and the search; see peers.h.
 */
#include "sys/peers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/process.h"
#include "core/text.h"
#include "sys/fs.h"

/*
 * Who kills, or stops processes. uresourced and low-memory-monitor do neither: the one sets
 * protections of cgroups, the other tells programs. A unit that is up has a cgroup of its name;
 * @comm is what the kernel keeps of a name, 15 bytes.
 */
static const struct {
	const char *name;
	const char *comm;
	const char *units[2];
} known[] = {
	{"systemd-oomd", "systemd-oomd", {"systemd-oomd.service"}},
	{"earlyoom", "earlyoom", {"earlyoom.service"}},
	{"nohang", "nohang", {"nohang.service", "nohang-desktop.service"}},
	{"oomd", "oomd", {"oomd.service"}},
	{"psi-monitor", "psi-monitor", {"psi-monitor.service"}},
	{"bustd", "bustd", {"bustd.service"}},
	{"lmkd", "lmkd", {"lmkd.service"}},
	{"thrash-protect", "thrash-protect", {"thrash-protect.service"}},
};

#define KNOWN (sizeof(known) / sizeof(known[0]))
_Static_assert(KNOWN <= PEERS_MAX, "PEERS_MAX is too small");

static void see_process(int proc_fd, pid_t pid, pid_t pids[static KNOWN])
{
	char path[32], buf[COMM_SIZE + 1];
	struct text rest, comm;
	size_t len;

	snprintf(path, sizeof(path), "%d/comm", pid);
	if (fs_read_at(proc_fd, path, buf, sizeof(buf), &len) < 0)
		return;
	rest = TEXT(buf, len);
	if (!text_next_line(&rest, &comm))
		return;
	for (size_t i = 0; i < KNOWN; i++) {
		if (pids[i] == 0 && text_equal(comm, known[i].comm))
			pids[i] = pid;
	}
}

static void see_processes(int proc_fd, pid_t pids[static KNOWN])
{
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fs_closep(&fd);
		return;
	}
	while ((entry = readdir(dir))) {
		int pid = fs_parse_pid(entry->d_name);

		if (pid > 0)
			see_process(proc_fd, pid, pids);
	}
	closedir(dir);
}

/* v2, the hybrid's v2, and v1 with a hierarchy of systemd's. */
static bool unit_is_up(int sys_fd, const char *unit)
{
	static const char *const roots[] = {"", "unified/", "systemd/"};
	char path[128];

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		snprintf(path, sizeof(path), "fs/cgroup/%ssystem.slice/%s", roots[i], unit);
		if (faccessat(sys_fd, path, F_OK, 0) == 0)
			return true;
	}
	return false;
}

unsigned peers_find(int proc_fd, int sys_fd, struct peer ret[static PEERS_MAX])
{
	pid_t pids[KNOWN] = {};
	unsigned count = 0;

	see_processes(proc_fd, pids);
	for (size_t i = 0; i < KNOWN; i++) {
		bool up = pids[i] > 0;

		for (size_t j = 0; !up && j < 2 && known[i].units[j]; j++)
			up = unit_is_up(sys_fd, known[i].units[j]);
		if (up)
			ret[count++] = (struct peer){known[i].name, pids[i]};
	}
	return count;
}
