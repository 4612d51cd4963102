/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking around and saying so; see surroundings.h.
 */
#include "daemon/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "core/text.h"
#include "daemon/daemon.h"
#include "daemon/message-id.h"
#include "sys/fs.h"
#include "sys/hook.h"
#include "sys/peers.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Not in /run/reapd, which comes and goes with the service. */
#define HOOK_SOCKET "/run/reapd-hook.socket"

#define LOOK_INTERVAL_USEC (10 * USEC_PER_SEC)

/* Of the tables: oom_rs in oom_kill_process() of mm/oom_kill.c. No kill's own line is left out. */
#define DUMP_INTERVAL_USEC (5 * USEC_PER_SEC)
#define DUMP_BURST	   10

void surroundings_start(struct daemon *d)
{
	d->surroundings.dumps = (struct ratelimit){
		.interval_usec = DUMP_INTERVAL_USEC,
		.burst = DUMP_BURST,
	};
	tunables_open(&d->surroundings.tunables, d->proc_fd);
}

static void report_peer(struct daemon *d, const struct peer *peer)
{
	char process[32] = "";

	if (peer->pid > 0)
		snprintf(process, sizeof(process), " (process %d)", peer->pid);
	daemon_note(d, LOG_WARNING, MESSAGE_ID_START,
		    "%s%s is running too, and kills by limits of its own: what it has killed is "
		    "waited for, but which of the two is first is chance; one of them is enough",
		    peer->name, process);
}

void surroundings_report_start(struct daemon *d)
{
	CLEANUP_CLOSE int sys_fd = fs_open_dir(AT_FDCWD, "/sys");
	struct peer peers[PEERS_MAX];
	unsigned count = peers_find(d->proc_fd, sys_fd, peers);

	for (unsigned i = 0; i < count; i++)
		report_peer(d, &peers[i]);
}

bool surroundings_stand_aside(const struct daemon *d)
{
	return d->surroundings.panic_on_oom != 0 && d->settings.config.respect_panic_on_oom;
}

/* As check_panic_on_oom() of mm/oom_kill.c: 1 is of the host alone, 2 of everything. */
bool surroundings_stand_aside_of_domains(const struct daemon *d)
{
	return d->surroundings.panic_on_oom > 1 && d->settings.config.respect_panic_on_oom;
}

static void report_panic_on_oom(struct daemon *d)
{
	const struct surroundings *s = &d->surroundings;

	if (s->panic_said)
		daemon_note(d, LOG_WARNING, MESSAGE_ID_MACHINE,
			    "vm.panic_on_oom is %d: whoever set it wants a panic and no kill, so "
			    "nobody is killed (RespectPanicOnOom=no would)",
			    s->panic_on_oom);
	else
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_MACHINE,
			    "vm.panic_on_oom %s: when memory is short, a process is killed again",
			    s->panic_on_oom == 0 ? "is 0 now" : "is not respected any more");
}

void surroundings_look(struct daemon *d, uint64_t now_usec)
{
	struct surroundings *s = &d->surroundings;

	if (now_usec >= s->next_look_usec) {
		s->next_look_usec = now_usec + LOOK_INTERVAL_USEC;
		s->panic_on_oom = tunables_panic_on_oom(&s->tunables);
	}
	if (surroundings_stand_aside(d) == s->panic_said)
		return;
	s->panic_said = !s->panic_said;
	report_panic_on_oom(d);
	daemon_update_status(d);
}

void surroundings_report_sleep(struct daemon *d, uint64_t slept_usec)
{
	daemon_note(d, LOG_INFO, MESSAGE_ID_MACHINE,
		    "the machine was suspended for %" PRIu64 ".%" PRIu64
		    " s: stalls, rates and deadlines are measured anew",
		    slept_usec / USEC_PER_SEC, slept_usec / (USEC_PER_SEC / 10) % 10);
}

/* The service gets the names of the journal's fields, one a line. */
static int ask_hooks(struct daemon *d, const struct sample *sample, const struct action *action)
{
	struct report_moment moment;
	char message[512];

	daemon_fill_moment(d, NULL, sample, action, &moment);
	snprintf(message, sizeof(message),
		 "REAPD_LEVEL=%s\nREAPD_REASON=%s\n"
		 "REAPD_MEM_AVAILABLE_BYTES=%" PRIu64 "\nREAPD_SOFT_MEM_BYTES=%" PRIu64 "\n"
		 "REAPD_SWAP_FREE_BYTES=%" PRIu64 "\nREAPD_SOFT_SWAP_BYTES=%" PRIu64 "\n",
		 level_name(action->level), reason_name(action->reason),
		 sample->mem.available_bytes, moment.limits.memory_bytes[LEVEL_SOFT],
		 sample->mem.swap_free_bytes, moment.limits.swap_bytes[LEVEL_SOFT]);
	return hook_send(HOOK_SOCKET, message);
}

void surroundings_ask(struct daemon *d, const struct sample *sample, const struct action *action)
{
	struct surroundings *s = &d->surroundings;
	int r;

	if (action->level == LEVEL_CALM && d->policy.announced_level == LEVEL_CALM)
		s->asked = false;
	/* of stalls with memory available, more memory is no cure */
	if (action->level == LEVEL_CALM || action->reason == REASON_STALL || s->asked)
		return;
	s->asked = true;
	if (d->settings.config.dry_run)
		return;

	r = ask_hooks(d, sample, action);
	if (r == -ENOENT)
		return; /* nobody wants to be */
	if (r < 0)
		daemon_note(d, LOG_NOTICE, MESSAGE_ID_ASKED,
			    "others could not be asked to free memory: " HOOK_SOCKET ": %s",
			    strerror(-r));
	else
		daemon_note(d, LOG_INFO, MESSAGE_ID_ASKED,
			    "others were asked to free memory (reapd-hook.socket)");
}

void surroundings_look_at_slab(struct daemon *d)
{
	struct surroundings *s = &d->surroundings;
	struct sample now;

	s->slab_heavy = sampler_take(&d->sampler, clock_now_usec(), SAMPLE_WITH_VMSTAT, &now) >=
				0 &&
			now.has_vmstat && vmstat_is_slab_heavy(&now.vmstat);
	if (s->slab_heavy)
		s->vmstat = now.vmstat;
}

void surroundings_report_slab(struct daemon *d)
{
	const struct surroundings *s = &d->surroundings;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!s->slab_heavy)
		return;
	d->report.kind = REPORT_SLAB;
	d->report.priority = LOG_WARNING;
	d->report.message_id = MESSAGE_ID_SLAB;
	d->report.slab = (struct report_slab){
		.unreclaimable_bytes = u64_mul(s->vmstat.slab_unreclaimable_pages, page),
		.lru_bytes = u64_mul(s->vmstat.lru_pages, page),
	};
	writer_send(&d->writer, &d->report);
}
