/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a program on a kernel that lacks some system calls, or in a sandbox that forbids them:
 *
 *	without process_mrelease=ENOSYS,pidfd_open=EPERM PROGRAM [ARGUMENT...]
 *
 * A seccomp filter answers in their place. It is made by hand, so that the tests need no library.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{"process_mrelease", SYS_process_mrelease},
	{"pidfd_open", SYS_pidfd_open},
	{"pidfd_send_signal", SYS_pidfd_send_signal},
	{"kcmp", SYS_kcmp},
	{"mlockall", SYS_mlockall},
};

static const struct {
	const char *name;
	unsigned number;
} errors[] = {{"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EINVAL", EINVAL}};

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define RULES_MAX 8

static void usage(const char *word)
{
	fprintf(stderr, "without: %s: expected CALL=ERROR[,CALL=ERROR...] PROGRAM\n", word);
	exit(125);
}

static unsigned find_call(const char *name)
{
	for (size_t i = 0; i < COUNT(calls); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	}
	usage(name);
	return 0;
}

static unsigned find_error(const char *name)
{
	for (size_t i = 0; i < COUNT(errors); i++) {
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	}
	usage(name);
	return 0;
}

static unsigned short add_rules(char *rules, struct sock_filter *filter)
{
	unsigned short used = 0;
	char *rest = rules;

	filter[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						      offsetof(struct seccomp_data, nr));
	for (char *rule; (rule = strsep(&rest, ","));) {
		char *error = strchr(rule, '=');

		if (!error || used > 2 * RULES_MAX)
			usage(rule);
		*error++ = '\0';
		filter[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							      find_call(rule), 0, 1);
		filter[used++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | find_error(error));
	}
	filter[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return used;
}

int main(int argc, char **argv)
{
	struct sock_filter filter[2 * RULES_MAX + 4];
	struct sock_fprog program = {.filter = filter};

	if (argc < 3)
		usage(argc < 2 ? "nothing" : argv[1]);
	program.len = add_rules(argv[1], filter);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("without: seccomp");
		return 125;
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
