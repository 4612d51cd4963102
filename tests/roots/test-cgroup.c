/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.oom.group in fake hierarchies: the highest of the groups on the way that has it set.
 */
#include <errno.h>

#include "sys/cgroup.h"
#include "tree.h"

static const struct {
	const char *name;
	const char *path;
	const char *set[3]; /* the groups that have it set */
	int result;
	const char *group;
	const char *top; /* NULL: "" */
} rows[] = {
	{"no path", "", {"a"}, -ENODATA, NULL},
	{"the root", "/", {"a"}, -ENODATA, NULL},
	{"outside our namespace", "/../a", {"a"}, -ENODATA, NULL},
	{"nobody", "/a/b/c", {}, -ENODATA, NULL},
	{"another branch", "/a/b/c", {"b", "a/c"}, -ENODATA, NULL},
	{"a longer name", "/a", {"ab"}, -ENODATA, NULL},
	{"itself", "/a/b/c", {"a/b/c"}, 0, "/a/b/c"},
	{"above it", "/a/b/c", {"a/b"}, 0, "/a/b"},
	{"below it does not count", "/a/b", {"a/b/c"}, -ENODATA, NULL},
	{"the highest of two", "/a/b/c", {"a", "a/b/c"}, 0, "/a"},
	{"all", "/a/b/c", {"a", "a/b", "a/b/c"}, 0, "/a"},
	{"blanks in the name", "/a b/c d", {"a b/c d"}, 0, "/a b/c d"},
	{"short is one below it", "/a/b/c", {"a"}, -ENODATA, NULL, "/a/b"},
	{"short is the one itself", "/a/b/c", {"a", "a/b", "a/b/c"}, 0, "/a/b", "/a/b"},
	{"short is one above it", "/a/b/c", {"a", "a/b/c"}, 0, "/a/b/c", "/a/b"},
	{"short is where it is", "/a/b/c", {"a", "a/b/c"}, 0, "/a/b/c", "/a/b/c"},
	{"it has left the one that is short", "/a/b/c", {"a", "a/b/c"}, -ENODATA, NULL, "/a/bc"},
	{"and for one with a longer name", "/a/bc/c", {"a", "a/bc"}, -ENODATA, NULL, "/a/b"},
	{"deleted", "/a (deleted)", {"a"}, -ENODATA, NULL},
};

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *copy = heap_copy(rows[i].path, strlen(rows[i].path)), group[64] = "";
		char file[80];
		struct tree t;

		tree_init(&t);
		tree_text(&t, "a/b/c/memory.oom.group", "0\n");
		tree_text(&t, "a/memory.oom.group", "garbage");
		for (size_t j = 0; j < ARRAY_SIZE(rows[i].set) && rows[i].set[j]; j++) {
			snprintf(file, sizeof(file), "%s/memory.oom.group", rows[i].set[j]);
			tree_text(&t, file, "1\n");
		}
		CHECK_INT(rows[i].name,
			  cgroup_find_oom_group(t.fd, rows[i].top ? rows[i].top : "",
						TEXT(copy, strlen(rows[i].path)), group,
						sizeof(group)),
			  rows[i].result);
		CHECK_STR(rows[i].name, group, rows[i].group ? rows[i].group : "");
		tree_done(&t);
		free(copy);
	}
}

/* What does not fit names another group, or none: it is refused. */
static void test_find_long(void **state)
{
	char path[2000], group[8] = "";
	struct tree t;

	(void)state;
	tree_init(&t);
	tree_text(&t, "abcdefgh/memory.oom.group", "1\n");
	strcpy(path, "/abcdefgh");
	assert_int_equal(cgroup_find_oom_group(t.fd, "", TEXT(path, 9), group, sizeof(group)),
			 -ENAMETOOLONG);
	assert_string_equal(group, "");
	memset(path, '/', sizeof(path));
	assert_int_equal(
		cgroup_find_oom_group(t.fd, "", TEXT(path, sizeof(path)), group, sizeof(group)),
		-ENODATA);
	tree_done(&t);
}

struct members {
	unsigned count;
	pid_t pids[2000];
};

static void note_member(void *userdata, pid_t pid)
{
	struct members *m = userdata;

	assert_true(m->count < ARRAY_SIZE(m->pids));
	m->pids[m->count++] = pid;
}

/* Upper groups first; lines that the end of a read cuts; pids of elsewhere; no groups. */
static void test_members(void **state)
{
	struct members m = {};
	char text[16384];
	size_t len = 0;
	struct tree t;

	(void)state;
	tree_init(&t);
	for (unsigned pid = 1; pid <= 1500; pid++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%u\n", pid * 1001);
	tree_write(&t, "a/cgroup.procs", text, len);
	tree_text(&t, "a/b/cgroup.procs", "0\n7\ngarbage\n-1\n99999999999\n8\n");
	tree_text(&t, "a/b/c/cgroup.procs", "");
	tree_text(&t, "a/b/c/d/cgroup.procs", "9\n");
	tree_text(&t, "other/cgroup.procs", "10\n");
	assert_int_equal(cgroup_for_each_member(t.fd, "a", note_member, &m), 0);
	assert_int_equal(m.count, 1503);
	for (unsigned pid = 1; pid <= 1500; pid++)
		assert_int_equal(m.pids[pid - 1], pid * 1001);
	assert_int_equal(m.pids[1500], 7);
	assert_int_equal(m.pids[1501], 8);
	assert_int_equal(m.pids[1502], 9);
	assert_int_equal(cgroup_for_each_member(t.fd, "none", note_member, &m), -ENOENT);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_long),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
