/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the loop has to say, as messages of fixed size, and their wording. The loop fills a struct
 * report and hands it to the writer (writer.h), which never makes it wait; words are made in the
 * writer's thread, because formatting and journald both take their time.
 */
#pragma once

#include <stdint.h>

#include "core/choice.h"
#include "core/domain.h"
#include "core/family.h"
#include "core/policy.h"
#include "core/slab.h"
#include "sys/group-shmem.h"
#include "sys/reaper.h"
#include "sys/scan.h"

enum report_kind {
	REPORT_NOTE,   /* text alone: reload, changes of the machine, complaints */
	REPORT_START,  /* start */
	REPORT_LEVEL,  /* moment */
	REPORT_STATE,  /* moment */
	REPORT_BARREN, /* barren */
	REPORT_SIGNAL, /* kill, so far */
	REPORT_TABLE,  /* table */
	REPORT_KILL,   /* kill, complete */
	REPORT_SLAB,   /* slab */
};

/* The sample that a report speaks of, and what was made of it. */
struct report_moment {
	struct domain_name domain; /* whose memory it is */
	struct sample sample;
	struct limits limits;
	enum level level, level_before;
	enum reason reason;
	uint64_t stall_permyriad;
	char stalled_group[64];			 /* who has lost that; "": all together */
	uint64_t consumed_bytes, exhausted_usec; /* see struct action */
	uint64_t elsewhere_bytes;		 /* REPORT_BARREN: see struct action */
	uint64_t stall_window_usec;
};

/* What was found at start. */
struct report_start {
	const char *version;
	struct report_moment moment;
	bool dry_run;
	bool psi_trigger;
	bool mrelease;
	bool memory_locked;
	bool adj_is_min;
	uint64_t fill_rate_bytes;
};

enum kill_outcome {
	OUTCOME_PENDING,
	OUTCOME_SETTLED,    /* dead, and its memory back or as much of it as will come */
	OUTCOME_RELEASED,   /* asked with SIGTERM, did not die, is not needed any more */
	OUTCOME_STUCK,	    /* did not die in time and was put aside */
	OUTCOME_REFUSED,    /* the kernel does not let us signal it; put aside */
	OUTCOME_SPARED,	    /* dry run */
	OUTCOME_SUPERSEDED, /* by a kill on request, or the machine's over a domain's */
};

struct report_kill {
	struct report_moment moment;
	struct process victim;
	char cgroup[512];
	char unit[128];
	char rule[RULE_LABEL_SIZE]; /* what set the verdict or bias_pages of it, or "" */
	unsigned unit_kills;	    /* of this unit within an hour, with this one */
	uint64_t total_pages;
	int signal;	      /* the last that was sent */
	bool adopted;	      /* it was dying already when it was found */
	bool not_asked;	      /* SIGKILL at level soft, because SIGTERM would do nothing */
	int error;	      /* OUTCOME_REFUSED: why */
	unsigned sharers;     /* others that share its memory and were signalled with it */
	unsigned group_size;  /* others of its process group that were */
	unsigned family_size; /* and of its family, chosen together with it */
	struct family family;
	pid_t family_pids[FAMILY_MAX]; /* its own among them */
	struct shmem_writer writer;    /* itself, where it fills a tmpfs */
	enum difference difference;
	pid_t kernels; /* whom the kernel would have taken; 0: nobody */
	char kernels_comm[COMM_SIZE];
	uint64_t kernels_bytes;
	enum kill_outcome outcome;
	uint64_t expected_bytes;
	int64_t freed_bytes;
	/* from the sample that decided; 0: did not happen */
	uint64_t signal_usec;
	uint64_t death_usec;
	uint64_t back_usec;
	bool reap_done;
	struct reap_result reap;
};

/* Why nobody dies. */
struct report_barren {
	struct report_moment moment;
	uint64_t stuck_bytes; /* see struct action */
	pid_t stuck_pid;      /* who holds most of that */
	char stuck_comm[COMM_SIZE];
	pid_t best_pid; /* the victim that would be next; 0: there is none */
	char best_comm[COMM_SIZE];
	uint64_t best_bytes;
};

struct report_table {
	struct report_moment moment;
	uint64_t total_pages;
	enum sort_by sort_by;
	pid_t victim;
	unsigned seen, scored, evaluated, unreadable, overflow;
	unsigned left_out; /* tables before this one that came too soon after others */
	unsigned count;	   /* 0: no rows are wanted */
	struct process rows[SCAN_TOP];
};

/* The kernel itself holds more than all that it could take from others. */
struct report_slab {
	uint64_t unreclaimable_bytes;
	uint64_t lru_bytes; /* of programs and files */
	/* filled in by the writer, because to read it may take its time */
	int error;
	struct slab_top top;
};

struct report {
	enum report_kind kind;
	int priority;		/* of syslog(3) */
	const char *message_id; /* of message-id.h */
	uint64_t dropped;	/* reports that did not fit before this one */
	union {
		char text[2048];
		struct report_start start;
		struct report_moment moment;
		struct report_kill kill;
		struct report_barren barren;
		struct report_table table;
		struct report_slab slab;
	};
};

/* A packet on a pipe is at most PIPE_BUF bytes; a longer one would be torn. */
_Static_assert(sizeof(struct report) <= 4096, "a report must fit in one packet");

/* The human text, of one line or more without a newline at the end. */
void report_format_text(const struct report *r, char *buf, size_t size);

/* Calls @add with each further "FIELD=value" for the journal. */
void report_format_fields(const struct report *r, void (*add)(void *userdata, const char *field),
			  void *userdata);

/* "SIGTERM"; "0" or "EAGAIN". */
const char *report_signal_name(int signal);
const char *report_error_name(int error);
