/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reapctl: finds the command and runs it.
 */
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "ctl/ctl.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"status", ctl_status, "level, limits, the last kill, and what the daemon can do"},
	{"candidates", ctl_candidates,
	 "every process, how bad it is, and whether it can be killed"},
	{"kill", ctl_kill, "kill the worst process now, or say which it would be"},
	{"pause", ctl_pause, "kill nobody for a time"},
	{"resume", ctl_resume, "end a pause"},
	{"reload", ctl_reload, "read the configuration again"},
	{"record", ctl_record, "write a trace of the last minutes, and say where it is"},
	{"replay", ctl_replay, "decide once more over a trace of reapd"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_help(void)
{
	puts("Usage: reapctl COMMAND [OPTION...]\n"
	     "Show and control what reapd does.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-20s %s\n", commands[i].name, commands[i].help);
	puts("\n"
	     "  -h, --help           this text; after a command: its options\n"
	     "  -v, --version        the version\n"
	     "\n"
	     "See reapctl(1).");
	return EXIT_SUCCESS;
}

int ctl_fail(const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	for (char *c = message; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?'; /* one line, whatever a word of the command line holds */
	}
	fprintf(stderr, "reapctl: %s\n", message);
	return EXIT_FAILURE;
}

int ctl_wrong_option(const char *command, int option, const char *word)
{
	/* of a long one that is known, optopt is its number */
	(void)ctl_fail("%s: expected %s, see reapctl %s --help", word,
		       option == ':'				    ? "a value after it"
		       : optopt != 0 && strncmp(word, "--", 2) == 0 ? "no value"
								    : "a known option",
		       command);
	return EXIT_USAGE;
}

int ctl_wrong_word(const char *command, const char *word)
{
	(void)ctl_fail("%s: expected options only, see reapctl %s --help", word, command);
	return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		(void)ctl_fail("expected a command, see reapctl --help");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return print_help();
	if (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0) {
		puts("reapctl " REAPD_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	(void)ctl_fail("%s: expected a known command, see reapctl --help", argv[1]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "");
	status = run(argc, argv);
	/* what a full disk or a closed pipe has swallowed was not said */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_SUCCESS)
		status = ctl_fail("standard output cannot be written");
	return status;
}
