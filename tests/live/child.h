/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children of the test, the only processes that the live suite ever signals, and conditions to
 * wait for. A child dies with the test, whatever becomes of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/reaper.h"
#include "sys/scan.h"
#include "unit.h"

#define MIB UINT64_C(1048576)

/* For the few tests that a sanitizer's own ways with clone(), signals or /proc stand against. */
#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER UNDER_TSAN
#endif

/* What meson takes for "skipped". */
#define EXIT_SKIP 77

enum on_term { TERM_DIES, TERM_IGNORED, TERM_WAITED_FOR, TERM_EXITS, TERM_EXITS_WHEN_TOLD };

struct child_spec {
	size_t bytes; /* of private memory, written to */
	const char *comm;
	int adj; /* 0: as inherited */
	enum on_term on_term;
	int told_fd; /* TERM_EXITS_WHEN_TOLD: exits when this can be read */
	bool own_group;
	pid_t group;			 /* 0: the test's, unless own_group */
	void (*prepare)(void *userdata); /* in the child, when the memory is there */
	void *userdata;
};

/* Returns when the child has done all that. */
pid_t child_start(const struct child_spec *spec);

/* SIGKILL and waitpid(). */
void child_end(pid_t pid);

/* Waits for a child that has to end by itself or by what was done to it. Returns its status. */
int child_wait(pid_t pid);

/* State letter of /proc/PID/stat; 0: no such process. */
char child_state(pid_t pid);

bool child_is_running(pid_t pid); /* neither gone nor a zombie */

void block_term(void);

/* For clone(): what a thread or a process does that only has to be there. */
int child_pause_for_ever(void *unused) __attribute__((noreturn));

/* A number in a file of /proc, or -1. */
long long read_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes to a file, as a sysctl or a cgroup wants it. 0 or negative errno. */
int write_file(const char *path, const char *text);

/* Of the sample that a daemon would take now. */
uint64_t machine_total_pages(void);

uint64_t now_usec(void);
void nap(void); /* a millisecond, between two looks at a condition */

#define DEADLINE_USEC (30 * UINT64_C(1000000))

/* Fails the test when @condition does not become true. */
#define WAIT_FOR(condition)                                                     \
	do {                                                                    \
		uint64_t end_ = now_usec() + DEADLINE_USEC;                     \
		while (!(condition)) {                                          \
			if (now_usec() > end_)                                  \
				fail_msg("waited in vain for: %s", #condition); \
			nap();                                                  \
		}                                                               \
	} while (0)

/* The next result of the reaper. */
void wait_result(const struct reaper *r, struct reap_result *ret);

/* A cgroup of the v1 freezer with @pid in it, frozen. False when there is no such thing here. */
struct freezer {
	char path[128];
};

bool freezer_freeze(struct freezer *f, pid_t pid);
void freezer_thaw(struct freezer *f);
void freezer_remove(struct freezer *f); /* when its process has gone */
