/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock of the one instance, the memory limit of a container, and cgroup and unit of a victim,
 * each on a tree of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/instance.h"
#include "sys/namer.h"
#include "sys/victim.h"
#include "tree.h"

/* Takes the lock in a child that ends at once, or waits to be told to. */
static pid_t lock_in_child(const char *directory, int ready_fd, const int go[2])
{
	pid_t other = -1, child = fork();
	char byte;
	int r;

	if (child != 0)
		return child;
	close(go[1]); /* which ends the wait when the parent closes its own */
	r = instance_lock(directory, &other);
	byte = r == 0 ? 'y' : r == -EWOULDBLOCK ? 'n' : '?';
	if (write(ready_fd, &byte, 1) != 1 || read(go[0], &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void test_lock(void **state)
{
	int ready[2], go[2], status;
	char directory[128], path[140];
	pid_t other = -1, child;
	char byte = 0;
	struct tree t;

	(void)state;
	tree_init(&t);
	snprintf(directory, sizeof(directory), "%s/run", t.path);
	snprintf(path, sizeof(path), "%s/lock", directory);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);

	child = lock_in_child(directory, ready[1], go);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(instance_lock(directory, &other), -EWOULDBLOCK);
	assert_int_equal(other, child);

	/* what stands in the file does not matter, the lock does */
	tree_write(&t, "run/lock", BYTES("\0\377x\n"));
	assert_int_equal(instance_lock(directory, &other), -EWOULDBLOCK);
	assert_int_equal(other, 0);
	tree_text(&t, "run/lock", "99999999999999999999\n");
	assert_int_equal(instance_lock(directory, &other), -EWOULDBLOCK);
	assert_int_equal(other, 0);

	/* it ends with its process, however that ends, and the pid left behind is no obstacle */
	close(go[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	tree_text(&t, "run/lock", "1\n");
	assert_int_equal(instance_lock(directory, &other), 0);
	assert_int_equal(instance_lock(directory, &other), -EWOULDBLOCK);
	assert_int_equal(other, getpid());
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	tree_done(&t);
}

static void test_lock_refused(void **state)
{
	char path[128];
	pid_t other = -1;
	struct tree t;

	(void)state;
	tree_init(&t);
	snprintf(path, sizeof(path), "%s/no/parent", t.path);
	assert_int_equal(instance_lock(path, &other), -ENOENT);

	tree_text(&t, "file", "");
	snprintf(path, sizeof(path), "%s/file", t.path);
	assert_int_equal(instance_lock(path, &other), -ENOTDIR);

	tree_directory(&t, "run/lock");
	snprintf(path, sizeof(path), "%s/run", t.path);
	assert_int_equal(instance_lock(path, &other), -EISDIR);

	/* a link is not followed: it would have us overwrite what it names */
	tree_directory(&t, "run2");
	tree_text(&t, "precious", "precious\n");
	assert_int_equal(symlinkat("../precious", t.fd, "run2/lock"), 0);
	snprintf(path, sizeof(path), "%s/run2", t.path);
	assert_int_equal(instance_lock(path, &other), -ELOOP);
	assert_int_equal(other, -1);
	tree_done(&t);
}

static const struct {
	const char *name;
	const char *v2, *v1;
	uint64_t limit;
} limits[] = {
	{"no cgroups", NULL, NULL, UINT64_MAX},
	{"v2 empty", "", NULL, UINT64_MAX},
	{"v2 garbage", "12 apples\n", NULL, UINT64_MAX},
	{"v2 larger than any number", "99999999999999999999\n", NULL, UINT64_MAX},
	{"v2 without limit", "max\n", NULL, UINT64_MAX},
	{"v2", "536870912\n", NULL, 536870912},
	{"v1", NULL, "268435456\n", 268435456},
	{"v1 without limit", NULL, "9223372036854771712\n", 9223372036854771712u},
	{"both: the lower", "536870912\n", "268435456\n", 268435456},
	{"both: the lower is v2's", "536870912\n", "9223372036854771712\n", 536870912},
};

static void test_memory_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct tree t;

		tree_init(&t);
		if (limits[i].v2)
			tree_text(&t, "fs/cgroup/memory.max", limits[i].v2);
		if (limits[i].v1)
			tree_text(&t, "fs/cgroup/memory/memory.limit_in_bytes", limits[i].v1);
		CHECK_UINT(limits[i].name, instance_memory_limit(t.fd), limits[i].limit);
		tree_done(&t);
	}
}

static const struct {
	const char *name;
	const char *text; /* NULL: no such file */
	const char *cgroup, *unit;
} cgroups[] = {
	{"gone", NULL, "", ""},
	{"empty", "", "", ""},
	{"garbage", "0:/:\n", "", ""},
	{"root", "0::/\n", "/", ""},
	{"service", "0::/system.slice/ssh.service\n", "/system.slice/ssh.service", "ssh.service"},
	{"below a service", "0::/system.slice/d.service/a/b\n", "/system.slice/d.service/a/b",
	 "d.service"},
	{"user's own", "0::/user.slice/user-0.slice/user@0.service/app.slice/f.scope\n",
	 "/user.slice/user-0.slice/user@0.service/app.slice/f.scope", "f.scope"},
	{"v1", "4:memory:/m\n1:name=systemd:/system.slice/x.service\n", "/system.slice/x.service",
	 "x.service"},
	{"newline escaped by the kernel", "0::/a\\012b.service\n", "/a\\012b.service",
	 "a\\012b.service"},
};

static void test_victim_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++) {
		struct victim v = VICTIM_CLOSED;
		struct victim_name name;
		struct tree t;

		tree_init(&t);
		tree_directory(&t, "20");
		if (cgroups[i].text)
			tree_text(&t, "20/cgroup", cgroups[i].text);
		v.dir_fd = fs_open_dir(t.fd, "20");
		victim_name_read(&v, &name);
		CHECK_STR(cgroups[i].name, name.cgroup, cgroups[i].cgroup);
		CHECK_STR(cgroups[i].name, name.unit, cgroups[i].unit);
		victim_close(&v);
		assert_int_equal(v.dir_fd, -1);
		tree_done(&t);
	}
}

/* A path longer than the record keeps its start, and the unit in it. */
static void test_victim_name_long(void **state)
{
	struct victim v = VICTIM_CLOSED;
	char text[5000] = "0::/system.slice/long.service/";
	struct victim_name name;
	struct tree t;

	(void)state;
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 2);
	text[sizeof(text) - 2] = '\n';
	tree_init(&t);
	tree_write(&t, "20/cgroup", text, sizeof(text) - 1);
	v.dir_fd = fs_open_dir(t.fd, "20");
	victim_name_read(&v, &name);
	assert_int_equal(strlen(name.cgroup), sizeof(name.cgroup) - 1);
	assert_memory_equal(name.cgroup, "/system.slice/long.service/xxxx", 31);
	assert_string_equal(name.unit, "long.service");
	victim_close(&v);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_lock_refused),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_victim_name),
		cmocka_unit_test(test_victim_name_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
