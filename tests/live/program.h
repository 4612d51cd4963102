/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a program under test: started with an argument vector, its two outputs read line
 * by line with a deadline. It is never started in a way in which it could kill anybody but its own
 * drill's child: program_start() refuses arguments that have none of --check-config, --dry-run,
 * --drill, --help or --version in them.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "child.h"

#define PROGRAM_OUTPUT 65536

/* What surrounds the program. Runs in its process, before exec; must not fail silently. */
struct surroundings {
	void (*prepare)(void *userdata);
	void *userdata;
};

struct program {
	pid_t pid;
	int output_fd; /* its stderr */
	char output[PROGRAM_OUTPUT];
	size_t len;
};

/* Arguments end with NULL; the first is the program itself: program_reapd() or another. */
void program_start(struct program *p, const char *const argv[], const struct surroundings *s);
const char *program_reapd(void);
const char *program_without(void); /* the launcher of without.c */

/* Reads until @text is there, and fails the test when it does not come. */
void program_wait_for(struct program *p, const char *text);

void program_wait_for_count(struct program *p, const char *text, unsigned count);

/* Reads for as long as something comes until it ends. Returns its exit status, or -signal. */
int program_end(struct program *p);

void program_signal(struct program *p, int signal);

unsigned count_lines(const char *text);
unsigned count_matches(const char *text, const char *needle);

/*
 * Files in place of those of /proc, in a private mount namespace; for struct surroundings. Without
 * root there is no such thing: can_have_namespaces().
 */
bool can_have_namespaces(void);
void enter_mounts(void); /* in the child: a mount namespace of its own */
void mount_over(const char *source, const char *target);
