/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's one object: everything that the event loop works on. No other mutable state exists.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/glance.h"
#include "core/pause.h"
#include "core/policy.h"
#include "daemon/company.h"
#include "daemon/control.h"
#include "daemon/domains.h"
#include "daemon/drill.h"
#include "daemon/groups.h"
#include "daemon/keeper.h"
#include "daemon/kin.h"
#include "daemon/lookout.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/recorder.h"
#include "daemon/report.h"
#include "daemon/stuck.h"
#include "daemon/surroundings.h"
#include "daemon/writer.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/namer.h"
#include "sys/prefetch.h"
#include "sys/privileges.h"
#include "sys/reaper.h"
#include "sys/sampler.h"
#include "sys/scan.h"

/* What counts now: replaced as a whole by a reload that finds no mistake. */
struct settings {
	struct config config;
	struct patterns *patterns;
	struct config_files files; /* that were read */
};

/* One action of the policy and what became of it. See kill.c. */
struct kill {
	bool active;			   /* a victim is held and was signalled */
	enum victim_state state;	   /* what the policy is told next */
	const struct domain_watch *domain; /* whose policy it is; NULL: the host's */
	struct victim victim;
	sd_event_source *source; /* the pidfd */
	struct report_kill record;
	uint64_t decided_usec; /* the sample that asked for the scan */
	uint64_t reserve_at_signal;
	unsigned reaps_pending; /* results of the reaper that are still to come: one at most */
	bool reap_again;	/* once more, when it has come */
	bool name_pending;	/* and of the namer */
	bool report_pending;	/* that it was signalled has not been reported yet */

	/* the one before, which the policy is done with: its report waits for the reaper's word */
	bool ended;
	uint64_t ended_usec;
	unsigned ended_reaps_pending;
	bool ended_name_pending;
	struct report_kill ended_record;
};

/* A kill that misses (the victim had gone) scans again at once, but not for ever. */
#define DAEMON_STEPS_PER_TICK 8

#define UNITS_REMEMBERED 16

/* Kills of one unit within an hour: a service that is restarted into the same end. */
struct unit_kills {
	char unit[128];
	unsigned count;
	uint64_t first_usec;
};

struct daemon {
	struct options options;
	struct settings settings;
	int proc_fd;
	struct sampler sampler;
	struct scanner *scanner;
	struct reaper reaper;
	struct namer namer;
	struct prefetch prefetch;
	struct lookout lookout;
	struct sharers sharers;
	struct cgroups cgroups;
	struct groups groups;
	struct writer writer;
	struct recorder recorder;
	struct keeper keeper;
	struct notify notify;
	struct privileges privileges;
	struct policy policy;
	struct kill kill;
	struct surroundings surroundings;
	struct domains domains; /* others than the host */
	struct company company; /* of its victim */
	struct kin kin;
	struct stuck stuck;
	struct unit_kills unit_kills[UNITS_REMEMBERED];
	struct process last_victim;
	uint64_t last_kill_usec, last_kill_realtime_usec;
	int64_t last_kill_freed_bytes;
	unsigned kills;
	struct pause pause;
	struct control *control; /* NULL: nobody can ask for anything */
	struct drill drill;	 /* the one at start */
	bool has_psi_trigger;

	sd_event *event;
	uint64_t next_usec; /* when to look again; 0: at once */

	struct calm calm;   /* what a glance is compared with */
	struct sample last; /* of the last tick, to see what has changed about the machine */
	uint64_t oom_kills; /* the kernel's, when vmstat was read last */
	uint64_t next_vmstat_usec;
	uint64_t swap_total_bytes; /* of the last sample, as the kernel said it */
	uint64_t swap_said_bytes;  /* and as it was reported last */
	uint64_t swap_changed_usec;
	uint64_t swap_fell_usec; /* 0: never */
	bool swap_leaves; /* somebody is in swapoff(2): the last sample of the host says so */
	bool look_closer; /* the policy wants it sooner */
	uint64_t consumed_bytes; /* a second, as the policy has said last, ... */
	uint64_t exhausted_usec; /* ... and when nothing will be left */
	bool sample_failed;
	uint64_t next_state_report_usec;
	bool skip_dying; /* in the scan that is due at once: somebody else keeps the memory of who
			    was found */
	struct scan_result scan;
	int scan_error;
	struct report report; /* under construction: too large for every frame */
};

/* A report of text alone. */
__attribute__((format(printf, 4, 5))) void daemon_note(struct daemon *d, int priority,
						       const char *message_id, const char *format,
						       ...);

/*
 * The numbers that a report of this sample speaks of. @domain, here and below: whose they are;
 * NULL: the host's.
 */
void daemon_fill_moment(const struct daemon *d, const struct domain_watch *domain,
			const struct sample *sample, const struct action *action,
			struct report_moment *ret);
void daemon_send_moment(struct daemon *d, enum report_kind kind, const char *message_id,
			int priority, const struct domain_watch *domain,
			const struct sample *sample, const struct action *action);

/* A sample of the host. False when there is none: said once, and again when there is one again. */
bool daemon_take_sample(struct daemon *d, enum sample_depth depth, struct sample *ret);

/* What a policy has decided on this sample, and on the one that asked for the scan. */
void daemon_carry_out(struct daemon *d, const struct domain_watch *domain, const struct action *a,
		      const struct sample *s, uint64_t decided_usec);

/* Whether it is the first signal to a victim. */
bool daemon_begins(enum action_kind kind);

/* One call of the host's policy and what follows from it. When it wants to be called again. */
uint64_t daemon_step(struct daemon *d, struct observation *o);

/* The result of a scan becomes part of @o, whose sample has been taken anew. */
void daemon_observe_scan(const struct daemon *d, struct observation *o);

/* What has to happen at once, by whoever's victim is in flight. */
void daemon_wake(struct daemon *d);

/* Of memory and swap together, as the kernel's formula takes them. */
uint64_t daemon_total_pages(const struct sample *s);

/* What a scan looks for, by the settings of the moment. */
struct scan_request daemon_scan_request(const struct daemon *d, uint64_t total_pages);

/* Whether the victim is signalled, or only found. */
enum request_effect { REQUEST_KILL, REQUEST_DRY_RUN };

/*
 * A kill on request: the worst process, whatever the level and whoever is in flight. -EBUSY while
 * standing aside; -ESRCH: there is nobody; -EPERM and others: it cannot be signalled. 0: @ret was
 * signalled, or, in a dry run of either kind, would have been.
 */
int daemon_kill_on_request(struct daemon *d, enum request_effect effect, struct process *ret);

/* Pauses from now on; PAUSE_WAITING afterwards: control_pause_settled() tells what comes of it. */
void daemon_pause(struct daemon *d, uint64_t time_usec, uint64_t timeout_usec);
bool daemon_resume(struct daemon *d);

/* Nobody waits for it any more: while it has not begun, it does not. */
void daemon_pause_abandoned(struct daemon *d);
void daemon_look_at_pause(struct daemon *d, uint64_t now_usec);

/* What systemctl status shows. */
void daemon_update_status(struct daemon *d);

/*
 * Runs until SIGTERM or SIGINT. Everything but the policy and the event loop is in place.
 * @fill_rate_bytes from the drill. 0 or negative errno.
 */
int daemon_run(struct daemon *d, uint64_t fill_rate_bytes, int psi_trigger_fd);
