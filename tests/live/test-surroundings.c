/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking others without waiting for them, and an administrator who wants a panic: the daemon says
 * so, at the change, and names nobody as long as it holds.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "program.h"
#include "sys/hook.h"
#include "tree.h"

static struct program program;
static bool namespaces;

static int setup(void **state)
{
	(void)state;
	namespaces = can_have_namespaces();
	return 0;
}

static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void test_hook(void **state)
{
	static const char message[] = "REAPD_LEVEL=warning\n";
	char path[128], longer[200], text[64] = "";
	int fd, peer, r;
	uint64_t begin;
	struct tree t;

	(void)state;
	tree_init(&t);
	snprintf(path, sizeof(path), "%s/socket", t.path);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(hook_send(path, message), -ENOENT);
	assert_int_equal(hook_send(longer, message), -ENAMETOOLONG);
	tree_text(&t, "file", "");
	snprintf(longer, sizeof(longer), "%s/file", t.path);
	assert_int_equal(hook_send(longer, message), -ECONNREFUSED);

	/* Accepted later, as a service manager does that has other things to do: all of it is
	 * there. */
	fd = listen_at(path, 2);
	assert_int_equal(hook_send(path, message), 0);
	peer = accept(fd, NULL, NULL);
	assert_true(peer >= 0);
	assert_int_equal(read(peer, text, sizeof(text)), strlen(message));
	assert_string_equal(text, message);
	assert_int_equal(read(peer, text, sizeof(text)), 0);
	close(peer);

	/* Nobody accepts, and there is no room: refused at once, however often. */
	begin = now_usec();
	for (int i = 0; i < 3; i++)
		assert_int_equal(hook_send(path, message), 0);
	for (int i = 0; i < 100; i++) {
		r = hook_send(path, message);
		assert_int_equal(r, -EAGAIN);
	}
	assert_true(now_usec() - begin < 1000000);
	close(fd);
	assert_int_equal(hook_send(path, message), -ECONNREFUSED);
	tree_done(&t);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

#define MEMINFO(available)                                                \
	"MemTotal: 4000000 kB\nMemFree: 100 kB\nMemAvailable: " available \
	" kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"

static void overlay(void *userdata)
{
	static const char *const names[] = {"meminfo", "sys/vm/panic_on_oom",
					    "sys/vm/oom_dump_tasks"};
	const struct tree *t = userdata;
	char source[128], target[64];

	enter_mounts();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(source, sizeof(source), "%s/%s", t->path, names[i]);
		snprintf(target, sizeof(target), "/proc/%s", names[i]);
		mount_over(source, target);
	}
}

/* A dry run with limits that are reached: nobody is named until the panic is no longer wanted. */
static void test_panic_on_oom(void **state)
{
	struct tree t;
	struct surroundings s = {overlay, &t};

	(void)state;
	if (!namespaces)
		skip();
	tree_init(&t);
	tree_text(&t, "meminfo", MEMINFO("100000"));
	tree_text(&t, "sys/vm/panic_on_oom", "1\n");
	tree_text(&t, "sys/vm/oom_dump_tasks", "0\n");
	program_start(&program, ARGV(program_reapd(), "--dry-run", "-m", "10,5"), &s);
	program_wait_for(&program,
			 "vm.panic_on_oom is 1: whoever set it wants a panic and no kill");
	program_wait_for(&program, "memory level hard (was calm)");
	/* ten seconds later at most */
	tree_text(&t, "sys/vm/panic_on_oom", "0\n");
	program_wait_for(&program, "would send SIGKILL");
	assert_true(strstr(program.output, "vm.panic_on_oom is 0 now") <
		    strstr(program.output, "would send SIGKILL"));
	assert_non_null(strstr(program.output, "vm.panic_on_oom is 0 now"));
	program_wait_for(&program, "vm.oom_dump_tasks is 0: the candidates are not shown");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_matches(program.output, "panic_on_oom"), 2);
	assert_int_equal(count_matches(program.output, "pgtables_bytes"), 0);

	/* Whoever does not want it to be respected is told nothing. */
	tree_text(&t, "sys/vm/panic_on_oom", "2\n");
	tree_text(&t, "sys/vm/oom_dump_tasks", "1\n");
	program_start(&program,
		      ARGV(program_reapd(), "--dry-run", "-m", "10,5", "--RespectPanicOnOom=no"),
		      &s);
	program_wait_for(&program, "would send SIGKILL");
	program_wait_for(&program, "pgtables_bytes");
	program_signal(&program, SIGTERM);
	assert_int_equal(program_end(&program), 0);
	assert_int_equal(count_matches(program.output, "panic_on_oom"), 0);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_panic_on_oom),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
