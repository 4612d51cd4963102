/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of reapctl have in common: one function a command, its exit status, and how it
 * complains. A command prints to standard output what was asked for, and to standard error, in one
 * line, why it could not.
 */
#pragma once

/* Wrong usage; the rest are EXIT_SUCCESS, EXIT_FAILURE and those of sysexits.h, as reapd has them.
 */
#define EXIT_USAGE 2

/* Each gets its own words: argv[0] is its name. Returns the exit status. */
int ctl_candidates(int argc, char **argv);
int ctl_kill(int argc, char **argv);
int ctl_pause(int argc, char **argv);
int ctl_record(int argc, char **argv);
int ctl_reload(int argc, char **argv);
int ctl_replay(int argc, char **argv);
int ctl_resume(int argc, char **argv);
int ctl_status(int argc, char **argv);

/* "reapctl: ..." and EXIT_FAILURE. */
__attribute__((format(printf, 1, 2))) int ctl_fail(const char *format, ...);

/* For getopt_long() that returned '?' or ':', and for a word too many: one line and EXIT_USAGE. */
int ctl_wrong_option(const char *command, int option, const char *word);
int ctl_wrong_word(const char *command, const char *word);
