/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a program under test; see program.h.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

const char *program_reapd(void)
{
	return REAPD_PATH;
}

const char *program_without(void)
{
	return WITHOUT_PATH;
}

static bool is_harmless(const char *const argv[])
{
	static const char *const harmless[] = {"--check-config", "--dry-run", "--drill", "--help",
					       "--version"};

	for (; *argv; argv++) {
		for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
			if (strcmp(*argv, harmless[i]) == 0)
				return true;
		}
	}
	return false;
}

void program_start(struct program *p, const char *const argv[], const struct surroundings *s)
{
	int fds[2];

	assert_true(is_harmless(argv));
	*p = (struct program){};
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		if (s && s->prepare)
			s->prepare(s->userdata);
		execv(argv[0], (char *const *)argv);
		_exit(126);
	}
	close(fds[1]);
	p->output_fd = fds[0];
}

/* Some more of the output; false at its end. */
static bool read_more(struct program *p, uint64_t deadline_usec)
{
	struct pollfd poll_fd = {.fd = p->output_fd, .events = POLLIN};
	ssize_t n;

	while (poll(&poll_fd, 1, 100) == 0) {
		if (now_usec() > deadline_usec)
			fail_msg("waited in vain for the program; so far it said:\n%s", p->output);
	}
	if (p->len == sizeof(p->output) - 1)
		fail_msg("the program says too much:\n%.2000s", p->output);
	n = read(p->output_fd, p->output + p->len, sizeof(p->output) - 1 - p->len);
	assert_true(n >= 0);
	p->len += (size_t)n;
	p->output[p->len] = '\0';
	return n > 0;
}

void program_wait_for_count(struct program *p, const char *text, unsigned count)
{
	uint64_t deadline = now_usec() + DEADLINE_USEC;

	while (count_matches(p->output, text) < count) {
		if (!read_more(p, deadline))
			fail_msg("the program ended without '%s'; it said:\n%s", text, p->output);
	}
}

void program_wait_for(struct program *p, const char *text)
{
	program_wait_for_count(p, text, 1);
}

int program_end(struct program *p)
{
	uint64_t deadline = now_usec() + DEADLINE_USEC;
	int status;

	while (read_more(p, deadline))
		;
	close(p->output_fd);
	status = child_wait(p->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void program_signal(struct program *p, int signal)
{
	assert_int_equal(kill(p->pid, signal), 0);
}

unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

unsigned count_matches(const char *text, const char *needle)
{
	unsigned matches = 0;

	for (; (text = strstr(text, needle)); text++)
		matches++;
	return matches;
}

bool can_have_namespaces(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS | CLONE_NEWPID) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

void mount_over(const char *source, const char *target)
{
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		_exit(124);
}

void enter_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(125);
	/* what this machine's CPUs have on their lists is not to be added to an invented meminfo */
	mount_over("/dev/null", "/proc/zoneinfo");
}
