/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcap-ng and mlockall(2); see privileges.h.
 */
#include "sys/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/fs.h"

/* What all of it takes, with stacks and buffers; LimitMEMLOCK= of the unit is more. */
#define LOCKED_MAX_BYTES (UINT64_C(32) << 20)

static bool set_own_adj(const char *adj)
{
	CLEANUP_CLOSE int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char now[16];
	size_t len;

	if (fd < 0)
		return false;
	if (write(fd, adj, strlen(adj)) == (ssize_t)strlen(adj))
		return true;
	/* no CAP_SYS_RESOURCE: good enough when OOMScoreAdjust= has set it for us */
	return fs_read_fd(fd, now, sizeof(now), &len) >= 0 && len > strlen(adj) &&
	       memcmp(now, adj, strlen(adj)) == 0;
}

/*
 * Without CAP_IPC_LOCK a mapping that would go over RLIMIT_MEMLOCK, used or not, fails once what is
 * to come is locked too: then threads could not be started, or a buffer not grown (may_expand_vm()
 * and mlock_future_check() of mm/mmap.c). The usual 8 MiB are no more than the program itself.
 */
static bool has_room_to_lock(void)
{
	struct rlimit limit;

	return (capng_get_caps_process() == 0 &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK)) ||
	       (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= LOCKED_MAX_BYTES);
}

/* Control groups and nodes that are watched take three to eight each; the usual 1024 are few. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* then it stays as it is */
}

void privileges_protect_self(struct privileges *ret)
{
	raise_descriptors();
	/* what reclaims for itself may wait ten seconds for a slow disk to take a page of
	 * somebody's */
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	ret->adj_is_min = set_own_adj("-1000");
	/* on fault: what is never used need not be resident, what was used once stays */
	ret->memory_locked = has_room_to_lock() &&
			     mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

int privileges_raise_priority(void)
{
	const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_RR)};

	if (sched_setscheduler(0, SCHED_RR, &lowest) == 0)
		return 0;
	return setpriority(PRIO_PROCESS, 0, -20) < 0 ? -errno : 0;
}

int privileges_drop(struct privileges *ret)
{
	static const unsigned wanted[] = {CAP_KILL, CAP_SYS_PTRACE, CAP_IPC_LOCK, CAP_DAC_OVERRIDE};
	bool had[4], can_bound;

	if (capng_get_caps_process() != 0)
		return -EIO;
	can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (unsigned i = 0; i < 4; i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, wanted[i]);
	/* opt-in, to thaw v1 groups; root owns them and needs it for nothing */
	if (geteuid() == 0)
		had[3] = false;

	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned i = 0; i < 4; i++) {
		if (had[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, wanted[i]);
	}
	if (capng_apply(can_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* nothing is executed */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	ret->can_inspect = had[1];
	return 0;
}
