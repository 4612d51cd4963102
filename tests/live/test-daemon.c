/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole daemon, in a dry run: what it says and when it ends. It only ever names a child of the
 * test, because an Ignore= leaves nobody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/replay.h"
#include "program.h"
#include "tree.h"

static struct program program;

#define DRY(...) \
	((const char *const[]){program_reapd(), "--dry-run", "--log=stderr", __VA_ARGS__, NULL})

static void test_drill(void **state)
{
	const char *const argv[] = {program_reapd(), "--drill", NULL};

	(void)state;
	if (geteuid() != 0)
		skip(); /* CAP_KILL */
	program_start(&program, argv, NULL);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_lines(program.output), 1);
	assert_int_equal(strncmp(program.output, "drill passed: ", 14), 0);
}

/* Out of memory by its limits from the start: one victim, once, however long that lasts. */
static void test_dry_run(void **state)
{
	pid_t pid = child_start(
		&(struct child_spec){.bytes = 50 * MIB, .comm = "live-victim", .adj = 1000});
	char name[128];

	(void)state;
	program_start(&program,
		      DRY("-m", "99.9,99", "--ignore=^(?!live-victim$)", "--debug", "--avoid="),
		      NULL);
	snprintf(name, sizeof(name),
		 "Out of memory: dry run, would send SIGKILL to process %d "
		 "(live-victim) ",
		 pid);
	program_wait_for(&program, name);
	program_wait_for(&program, "\nwhy: level hard");
	program_wait_for(&program, " victim   live-victim\n");
	program_wait_for(&program, "memory level hard (was calm)");
	/* a few more looks, and no other word about it */
	program_wait_for_count(&program, "\nlevel hard: ", 5);
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_matches(program.output, "would send"), 1);
	assert_int_equal(count_matches(program.output, "why: "), 1);
	assert_int_equal(count_matches(program.output, "memory level"), 1);
	snprintf(name, sizeof(name), " %5d ", pid);
	assert_non_null(strstr(strstr(program.output, "why: "), name));
	assert_true(child_is_running(pid));
	child_end(pid);
}

/* What was recorded gives the same decisions once more. */
static void test_record(void **state)
{
	pid_t pid = child_start(
		&(struct child_spec){.bytes = 50 * MIB, .comm = "live-victim", .adj = 1000});
	static char text[1 << 20];
	struct replay r = {};
	char option[80];
	struct tree t;
	size_t len;
	FILE *f;

	(void)state;
	tree_init(&t);
	snprintf(option, sizeof(option), "--record=%s/trace", t.path);
	program_start(&program,
		      DRY("-m", "99.9,99", "--ignore=^(?!live-victim$)", "--avoid=", option), NULL);
	program_wait_for(&program, "memory level hard (was calm)");
	program_signal(&program, SIGHUP);
	program_wait_for(&program, "the configuration was reloaded");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);

	f = fopen(option + strlen("--record="), "rb");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (replay_run(&r, text, len) < 0)
		fail_msg("line %u: expected %s", r.line, r.expected);
	assert_false(r.parted || r.cut || r.lost > 0);
	assert_true(r.steps >= 2);
	assert_int_equal(r.first.kind, ACTION_KILL);
	assert_int_equal(r.first.reason, REASON_EXHAUSTION);
	child_end(pid);
	tree_done(&t);
}

/* A name that would break lines and move a cursor, in the report of its kill and in the table. */
static void test_hostile_name(void **state)
{
	pid_t pid = child_start(
		&(struct child_spec){.bytes = 50 * MIB, .comm = "a) Z 1 (b\n\x1b[2J", .adj = 1000});

	(void)state;
	program_start(&program, DRY("-m", "99.9,99", "--ignore=^(?!a\\) Z 1)"), NULL);
	program_wait_for(&program, "memory level hard");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_matches(program.output, "a) Z 1 (b\\x0a\\x1b[2J"), 2);
	assert_null(strchr(program.output, '\x1b'));
	assert_null(strstr(program.output, "(b\n"));
	child_end(pid);
}

static void test_ends(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		program_start(&program, DRY("-M", "1M"), NULL);
		program_wait_for(&program, " watches ");
		program_signal(&program, signals[i]);
		assert_int_equal(program_end(&program), 0);
	}
}

static void test_reload(void **state)
{
	char option[128];
	struct tree t;

	(void)state;
	tree_init(&t);
	snprintf(option, sizeof(option), "--config=%s/reapd.conf", t.path);
	tree_text(&t, "reapd.conf", "[Limits]\nSoftMemory=1M\n");
	program_start(&program, DRY(option), NULL);
	program_wait_for(&program, " watches ");

	program_signal(&program, SIGHUP);
	program_wait_for(&program, "the configuration was reloaded");

	/* each mistake, and then that nothing has changed */
	tree_text(&t, "reapd.conf", "[Limits]\nSoftMemory=all\n[Daemon]\nDebug=perhaps\n");
	program_signal(&program, SIGHUP);
	program_wait_for(&program, "the old one stays");
	assert_non_null(strstr(program.output, "reapd.conf:2: SoftMemory=all: expected"));
	assert_non_null(strstr(program.output, "reapd.conf:4: Debug=perhaps: expected"));

	tree_remove(&t, "reapd.conf");
	program_signal(&program, SIGHUP);
	program_wait_for(&program, "reapd.conf: No such file or directory");

	/* what a good one sets counts from now on */
	tree_text(&t, "reapd.conf", "[Limits]\nSoftMemory=1M\n[Daemon]\nDebug=yes\n");
	assert_null(strstr(program.output, "level calm: "));
	program_signal(&program, SIGHUP);
	program_wait_for(&program, "\nlevel calm: ");

	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_matches(program.output, "the old one stays"), 2);
	assert_int_equal(count_matches(program.output, "the configuration was reloaded"), 2);
	tree_done(&t);
}

/* There is no journal here, or it is asked not to be used: the same text is on stderr. */
static void test_no_journal(void **state)
{
	static const char *const targets[] = {"--log=auto", "--log=journal", "--syslog"};

	(void)state;
	if (access("/run/systemd/journal/socket", F_OK) == 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const char *const argv[] = {program_reapd(), "--dry-run", targets[i], NULL};

		program_start(&program, argv, NULL);
		program_wait_for(&program, " watches ");
		program_signal(&program, SIGTERM);
		assert_int_equal(program_end(&program), 0);
	}
}

static void set_notify_socket(void *userdata)
{
	setenv("NOTIFY_SOCKET", userdata, 1);
}

static void receive(int fd, char *buf, size_t size)
{
	ssize_t n = -1;

	WAIT_FOR((n = recv(fd, buf, size - 1, MSG_DONTWAIT)) > 0);
	buf[n] = '\0';
}

static void test_notify(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct surroundings s = {set_notify_socket, address.sun_path};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char message[1024];
	struct tree t;

	(void)state;
	tree_init(&t);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", t.path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	program_start(&program, DRY("-M", "1M"), &s);
	receive(fd, message, sizeof(message));
	assert_non_null(strstr(message, "READY=1\n"));
	assert_non_null(strstr(message, "STATUS=Level calm"));

	program_signal(&program, SIGHUP);
	receive(fd, message, sizeof(message));
	assert_int_equal(strncmp(message, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	receive(fd, message, sizeof(message));
	assert_non_null(strstr(message, "READY=1\n"));

	program_signal(&program, SIGTERM);
	receive(fd, message, sizeof(message));
	assert_non_null(strstr(message, "STOPPING=1"));
	assert_int_equal(program_end(&program), 0);
	close(fd);
	tree_done(&t);
}

/* Nobody reads its log, which is full: it still ends when it is told to. */
static void test_blocked_log(void **state)
{
	int pending = 0;

	(void)state;
	program_start(&program, DRY("-m", "99.9,99", "--ignore=.", "--debug"), NULL);
	assert_true(fcntl(program.output_fd, F_SETPIPE_SZ, 4096) >= 4096);
	/* until the next line or the one after it does not fit any more, and some more of them */
	WAIT_FOR(ioctl(program.output_fd, FIONREAD, &pending) == 0 && pending > 4096 - 400);
	for (unsigned i = 0; i < 400; i++)
		nap();
	program_signal(&program, SIGTERM);
	WAIT_FOR(!child_is_running(program.pid));
	assert_int_equal(program_end(&program), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drill),	    cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_record),	    cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_ends),	    cmocka_unit_test(test_reload),
		cmocka_unit_test(test_no_journal),  cmocka_unit_test(test_notify),
		cmocka_unit_test(test_blocked_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
