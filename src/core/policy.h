/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision: what to do now, given what was seen. A pure state machine; it reads no file, no
 * clock and no global, so that a recorded run replays bit for bit.
 *
 * The caller takes a sample and calls policy_step(). When the answer is ACTION_SCAN it looks for
 * the best victim, takes another sample and calls again with both: that second look is the last
 * try that the kernel makes at the high watermark before it kills. Every other action is carried
 * out as it stands, and what became of it is told in the next observation.
 *
 *   watching --soft or hard, victim found--> awaiting --dead, memory back--> watching
 *                                            awaiting --deadline----------> watching, victim aside
 *   watching --soft or hard, no victim-----> barren, which looks again ever more seldom
 *
 * Who stands aside only watches: what was begun is brought to its end, and nothing else is begun.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "memory.h"
#include "process.h"
#include "stall.h"

enum level { LEVEL_CALM, LEVEL_WARNING, LEVEL_SOFT, LEVEL_HARD };
#define LEVELS 4

/* Why the level is what it is. */
enum reason {
	REASON_PLENTY,	   /* memory is available */
	REASON_EXHAUSTION, /* available memory, and what swap adds, are below the level's limits */
	REASON_SWAP_LEFT,  /* memory is below its soft limit, swap is not: nobody has to die */
	REASON_THRASH,	   /* too much time is lost, for what is needed is brought back again */
	REASON_STALL,	/* time is lost to stalls with memory available: killing would not help */
	REASON_RECLAIM, /* time is lost while little is available, but nobody misses what is taken
			 */
};
#define REASONS 6

const char *level_name(enum level l);
const char *reason_name(enum reason r);

/* The limits of each level in bytes, for the totals of the moment. [LEVEL_CALM] is not used. */
struct limits {
	uint64_t memory_bytes[LEVELS];
	uint64_t swap_bytes[LEVELS];
	/* of what is available and what swap could take together: no more than by default, since a
	   large limit of memory means that swap alone decides */
	uint64_t left_bytes[LEVELS];
};

/*
 * Warning defaults to half as much again as soft, hard to half of soft; never above the level
 * before it, whatever the totals have become since the configuration was checked.
 */
void limits_resolve(const struct config *config, const struct meminfo *mem, struct limits *ret);

enum scan_outcome {
	SCAN_NOT_DONE,
	SCAN_NOBODY, /* no eligible process */
	SCAN_VICTIM,
};

/* What became of the process that the last TERM or KILL action named. */
enum victim_state {
	VICTIM_NONE,
	VICTIM_ALIVE,
	VICTIM_DEAD,
	VICTIM_MISSED,	/* never signalled: it had gone, or its pid is somebody else's now */
	VICTIM_SPARED,	/* never signalled: dry run */
	VICTIM_REFUSED, /* never signalled: the kernel does not let us */
};

/* What process_mrelease() has said of the victim so far. */
enum release {
	RELEASE_UNKNOWN, /* nothing yet, or that it could not */
	RELEASE_GONE, /* no thread has the memory any more; a reader of /proc may still hold it */
	RELEASE_DONE, /* everything that can be released has been */
};

struct observation {
	struct sample sample;
	enum scan_outcome scan;
	struct process_id candidate;
	uint64_t candidate_bytes;	/* what its death should give back */
	uint64_t candidate_shmem_bytes; /* and what it maps of shared memory, which may stay */
	bool candidate_dying;		/* SIGKILL is pending already: to be awaited, not killed */
	bool candidate_ignores_term;	/* there is nothing to be gained from asking it */
	bool candidate_writes; /* it fills a tmpfs: its death gives back little, and ends that */
	bool writer_known;     /* who does that was found: a scan may make him the candidate */
	uint64_t stuck_bytes;  /* what those still hold who were killed, given up and live on */
	enum victim_state victim;
	enum release victim_release;
	/*
	 * No new victim while this is set, as with oom_killer_disabled of mm/oom_kill.c: whoever
	 * is in flight is still awaited and escalated, and levels are still announced.
	 */
	bool stand_aside;
	/*
	 * Somebody wants a kill whatever the level, as with sysrq f (is_sysrq_oom()): it asks for a
	 * scan, and then for SIGKILL to the candidate, whoever is in flight; of that one the policy
	 * lets go. Not while standing aside.
	 */
	bool requested;
};

enum action_kind {
	ACTION_NONE,
	ACTION_SCAN,	 /* find a victim, sample again, call again */
	ACTION_TERM,	 /* SIGTERM to the candidate */
	ACTION_KILL,	 /* SIGKILL to the candidate and reap it; at soft if it ignores SIGTERM */
	ACTION_ADOPT,	 /* the candidate is dying already: reap and await it */
	ACTION_ESCALATE, /* SIGKILL to the victim that was asked with SIGTERM, and reap it */
	ACTION_SETTLED,	 /* the victim is dead and the memory back, or all of it that will come */
	ACTION_RELEASED, /* the victim outlived SIGTERM, but the shortage did not */
	ACTION_GIVE_UP,	 /* the victim does not die: put it aside */
	ACTION_BARREN, /* somebody should die and nobody can, or it would not help; once a shortage
			*/
};

struct action {
	enum action_kind kind;
	enum level level;
	enum reason reason;
	uint64_t stall_permyriad; /* share of the window lost to stalls, so far */
	bool stall_of_others;	  /* and it is what a control group has lost, not all together */
	bool ask_groups;	  /* look which control groups lose time */
	bool ask_barred;	  /* look which memory may not go to the swap that is free */
	bool not_asked;		  /* ACTION_KILL, because SIGTERM would do nothing */
	bool look_closer;	  /* the next sample should have vmstat in it */
	uint64_t consumed_bytes;  /* a second, within the last one or two; 0: nothing, or unknown */
	uint64_t exhausted_usec;  /* until nothing is left at that rate; UINT64_MAX: never */
	/*
	 * With ACTION_BARREN: so much has gone, within minutes, to what is no process's, and the
	 * best victim holds too little to make up for it. 0: there is no victim.
	 */
	uint64_t elsewhere_bytes;
	uint64_t stuck_bytes; /* the same of what they hold who were killed and do not die */
	bool announce;	      /* level or reason have changed for somebody who reads along */
	enum level announced_before;
	uint64_t slept_usec; /* the machine was suspended for so long before this sample; or 0 */
	uint64_t next_usec;  /* call again no later than this, on the clock of the samples */
};

enum phase { PHASE_WATCHING, PHASE_AWAITING, PHASE_BARREN };

struct policy {
	const struct config *config;
	uint64_t fill_rate_bytes; /* a second: the fastest that this machine can use memory up */

	enum phase phase;
	struct process_id victim;
	bool victim_killed; /* SIGKILL, not SIGTERM */
	bool victim_dead;
	uint64_t victim_bytes;
	uint64_t reserve_at_signal; /* available memory and free swap */
	uint64_t signalled_usec;
	uint64_t dead_usec;
	uint64_t given_up_usec;	      /* when the last one was that did not die; 0: nobody */
	uint64_t adopting_since_usec; /* 0: nobody was adopted since the last kill or calm */
	uint64_t kernel_kills;	      /* vmstat's oom_kill, when it was read last */
	bool has_kernel_kills;
	uint64_t kernel_kill_usec; /* when it was first seen to have moved in this shortage */
	uint64_t reserve_at_kernel_kill;
	uint64_t barren_until_usec;
	uint64_t barren_pause_usec;
	enum level barren_level;
	bool barren_knew_writer;

	uint64_t fill_rate_seen_bytes; /* faster than that, and when */
	uint64_t fill_rate_seen_usec;
	struct level_mark {
		uint64_t time_usec;
		uint64_t reserve_bytes;
	} mark, mark_next; /* what the rate is measured from, and from when that is too old */
	bool has_mark;

	bool has_before;
	struct before {
		uint64_t time_usec;
		uint64_t reserve_bytes;
		uint64_t elsewhere_bytes;
	} calm, before, before_next; /* last; minutes ago; what takes the place of that */
	struct before
		still; /* since when nothing grows elsewhere, and the most that was left then */
	uint64_t doubt_since_usec; /* see believe() in policy.c; 0: there is no doubt */
	bool has_last;
	uint64_t last_usec;
	uint64_t last_reserve;
	uint64_t last_slept_usec;

	struct stall_history stalls;

	enum level announced_level;
	enum reason announced_reason;
	uint64_t other_since_usec; /* 0: what was announced last still holds */
	bool other_is_lower;	   /* since then; false: the same level for another reason */
};

/* @config is borrowed. @fill_rate_bytes: bytes a second, from the drill; 0: unknown. */
void policy_init(struct policy *p, const struct config *config, uint64_t fill_rate_bytes);

/* Takes another configuration in the middle of whatever is going on. */
void policy_configure(struct policy *p, const struct config *config);

struct action policy_step(struct policy *p, const struct observation *o);

/*
 * For looks between the samples: @used_bytes were used up within @elapsed_usec; and how long these
 * bytes last at the fastest rate, the longest that a machine is left alone at most.
 */
void policy_learn_fill(struct policy *p, uint64_t now_usec, uint64_t elapsed_usec,
		       uint64_t used_bytes);
uint64_t policy_fill_usec(const struct policy *p, uint64_t bytes);

/*
 * Whether a process that is dying already may stand in for a victim. Not for longer than
 * KillTimeout= from the first one on: on a busy machine something large always exits, and the leak
 * beside it would live for ever.
 */
bool policy_waits_for_dying(const struct policy *p, uint64_t now_usec);

/* What has to be available again, in bytes, until nobody has to die. */
uint64_t policy_shortage_bytes(const struct policy *p, const struct sample *s);
