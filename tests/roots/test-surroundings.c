/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What administrators have set for the kernel's killer, other daemons of this kind, and the
 * kernel's own caches, each on a tree of its own.
 */
#include <errno.h>
#include <unistd.h>

#include "sys/peers.h"
#include "sys/slab.h"
#include "sys/tunables.h"
#include "tree.h"

static const struct {
	const char *name;
	const char *text; /* NULL: no such file */
	int panic;
	bool dump;
} tunable_rows[] = {
	{"missing", NULL, 0, true},
	{"empty", "", 0, true},
	{"garbage", "many\n", 0, true},
	{"negative", "-1\n", 0, true},
	{"larger than an int", "2147483648\n", 0, true},
	{"0", "0\n", 0, false},
	{"1", "1\n", 1, true},
	{"2", "2\n", 2, true},
};

static void test_tunables(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunable_rows); i++) {
		struct tunables u;
		struct tree t;

		tree_init(&t);
		if (tunable_rows[i].text) {
			tree_text(&t, "sys/vm/panic_on_oom", tunable_rows[i].text);
			tree_text(&t, "sys/vm/oom_dump_tasks", tunable_rows[i].text);
		}
		tunables_open(&u, t.fd);
		CHECK_INT(tunable_rows[i].name, tunables_panic_on_oom(&u), tunable_rows[i].panic);
		CHECK_INT(tunable_rows[i].name, tunables_dump_tasks(&u), tunable_rows[i].dump);
		if (tunable_rows[i].text) {
			tree_text(&t, "sys/vm/panic_on_oom", "2\n"); /* they are held open */
			CHECK_INT(tunable_rows[i].name, tunables_panic_on_oom(&u), 2);
		}
		tunables_close(&u);
		assert_int_equal(u.panic_on_oom_fd, -1);
		tree_done(&t);
	}
}

static const struct {
	const char *name;
	const char *files[4]; /* path=text; a path that ends with a slash: a directory */
	const char *peers;    /* name:pid of each */
} peer_rows[] = {
	{"nobody", {}, ""},
	{"a name that begins alike", {"7/comm=earlyoomed\n", "8/comm=oom\n"}, ""},
	{"a name that is no line", {"7/comm="}, ""},
	{"no process", {"self/comm=earlyoom\n", "7x/comm=earlyoom\n", "0/comm=earlyoom\n"}, ""},
	{"a name", {"7/comm=earlyoom\n", "8/comm=bash\n"}, "earlyoom:7 "},
	{"two of a kind are one", {"7/comm=earlyoom\n", "8/comm=earlyoom\n"}, "earlyoom:? "},
	{"several", {"7/comm=nohang\n", "8/comm=systemd-oomd\n"}, "systemd-oomd:8 nohang:7 "},
	{"no newline", {"7/comm=thrash-protect"}, "thrash-protect:7 "},
	{"a unit of a script",
	 {"7/comm=python3\n", "fs/cgroup/system.slice/nohang-desktop.service/"},
	 "nohang:0 "},
	{"a unit, v1", {"fs/cgroup/systemd/system.slice/oomd.service/"}, "oomd:0 "},
	{"a unit, hybrid", {"fs/cgroup/unified/system.slice/oomd.service/"}, "oomd:0 "},
	{"a unit and its process",
	 {"7/comm=earlyoom\n", "fs/cgroup/system.slice/earlyoom.service/"},
	 "earlyoom:7 "},
	{"a unit of a user", {"fs/cgroup/user.slice/earlyoom.service/"}, ""},
};

static void put(const struct tree *t, const char *file)
{
	const char *text = strchr(file, '=');
	char path[128];

	if (!text) {
		snprintf(path, sizeof(path), "%.*s", (int)strlen(file) - 1, file);
		tree_directory(t, path);
		return;
	}
	snprintf(path, sizeof(path), "%.*s", (int)(text - file), file);
	tree_text(t, path, text + 1);
}

static void test_peers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peer_rows); i++) {
		struct peer peers[PEERS_MAX];
		char found[256] = "";
		struct tree t;
		unsigned count;

		tree_init(&t);
		for (size_t j = 0; j < 4 && peer_rows[i].files[j]; j++)
			put(&t, peer_rows[i].files[j]);
		count = peers_find(t.fd, t.fd, peers);
		for (unsigned j = 0; j < count; j++) {
			size_t len = strlen(found);
			bool either = strstr(peer_rows[i].peers, ":?") && peers[j].pid > 0;

			snprintf(found + len, sizeof(found) - len, either ? "%s:? " : "%s:%d ",
				 peers[j].name, peers[j].pid);
		}
		CHECK_STR(peer_rows[i].name, found, peer_rows[i].peers);
		tree_done(&t);
	}
}

static void test_no_roots(void **state)
{
	struct peer peers[PEERS_MAX];
	struct slab_top top;

	(void)state;
	assert_int_equal(peers_find(-1, -1, peers), 0);
	assert_true(slab_top_read(-1, -1, &top) < 0);
}

#define SLABINFO_HEAD                                                                           \
	"slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objper" \
	"slab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor>\n"

/* Longer than any buffer, with a line without an end in between; what is reclaimable is left out.
 */
static void test_slabinfo(void **state)
{
	struct slab_top top = {.count = 99};
	char text[40000] = SLABINFO_HEAD, *at = text + strlen(text);
	struct tree t;

	(void)state;
	tree_init(&t);
	assert_int_equal(slab_top_read(t.fd, t.fd, &top), -ENOENT);
	assert_int_equal(top.count, 99);

	for (int i = 0; i < 300; i++)
		at += sprintf(at, "cache-%03d %d %d 1000 8 2 : tunables 0 0 0 : slabdata 1 1 0\n",
			      i, i, 2 * i);
	memset(at, 'x', 9000);
	at += 9000;
	at += sprintf(at, " 1 1 1\nlast 5 7000 1000 8 2\nreclaimable 9 9000 1000 8 2\n");
	tree_write(&t, "slabinfo", text, (size_t)(at - text));
	tree_text(&t, "kernel/slab/reclaimable/reclaim_account", "1\n");
	tree_text(&t, "kernel/slab/last/reclaim_account", "0\n");
	assert_int_equal(slab_top_read(t.fd, t.fd, &top), 0);
	assert_int_equal(top.count, SLAB_TOP);
	assert_string_equal(top.slabs[0].name, "last");
	assert_int_equal(top.slabs[0].used_bytes, 5000);
	assert_int_equal(top.slabs[0].total_bytes, 7000000);
	assert_string_equal(top.slabs[1].name, "cache-299");
	assert_int_equal(top.slabs[1].total_bytes, 598000);
	assert_string_equal(top.slabs[SLAB_TOP - 1].name, "cache-293");
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunables),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_no_roots),
		cmocka_unit_test(test_slabinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
