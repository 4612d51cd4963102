/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding and reading the configuration's files: what is missing, no regular file, too long or
 * forbidden is one line each and loses nothing else; drop-ins in the order of their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/config-file.h"
#include "sys/pattern.h"
#include "tree.h"

struct reading {
	struct tree tree;
	char path[128];
	struct config_loader loader;
	struct config_files files;
	unsigned told;
	char lines[8][512];
};

static void note(void *userdata, const char *message)
{
	struct reading *r = userdata;

	assert_true(r->told < ARRAY_SIZE(r->lines));
	snprintf(r->lines[r->told++], sizeof(r->lines[0]), "%s", message);
}

static void begin(struct reading *r)
{
	*r = (struct reading){};
	tree_init(&r->tree);
	snprintf(r->path, sizeof(r->path), "%s/reapd.conf", r->tree.path);
	config_loader_init(&r->loader, note, r);
}

static int read_all(struct reading *r, enum config_required required)
{
	return config_files_read(&r->loader, r->path, required, &r->files);
}

static void end(struct reading *r)
{
	config_files_done(&r->files);
	tree_done(&r->tree);
}

/* Line @index begins with "<root>/@file@rest"; what pcre2 says is pcre2's. */
static void check_line(const struct reading *r, unsigned index, const char *file, const char *rest)
{
	char expected[512];

	assert_true(index < r->told);
	snprintf(expected, sizeof(expected), "%s/%s%s", r->tree.path, file, rest);
	if (strncmp(r->lines[index], expected, strlen(expected)) != 0)
		fail_msg("'%s' does not begin with '%s'", r->lines[index], expected);
}

static void test_missing(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	assert_int_equal(read_all(&r, CONFIG_OPTIONAL), 0);
	assert_int_equal(r.loader.mistakes, 0);
	end(&r);

	begin(&r);
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 1);
	check_line(&r, 0, "reapd.conf", ": No such file or directory");
	end(&r);
}

/* Drop-ins count without a file before them. */
static void test_only_drop_in(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	tree_text(&r.tree, "reapd.conf.d/a.conf", "[Kill]\nTermTimeout=7s\n");
	assert_int_equal(read_all(&r, CONFIG_OPTIONAL), 0);
	assert_int_equal(r.loader.mistakes, 0);
	assert_int_equal(r.loader.config.term_timeout_usec, 7000000);
	end(&r);
}

static void test_order(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	tree_text(&r.tree, "reapd.conf", "[Kill]\nTermTimeout=1s\nKillTimeout=1s\nSortBy=rss\n");
	tree_text(&r.tree, "reapd.conf.d/9.conf", "[Kill]\nTermTimeout=2s\n");
	tree_text(&r.tree, "reapd.conf.d/10.conf", "[Kill]\nTermTimeout=3s\nKillTimeout=3s\n");
	tree_text(&r.tree, "reapd.conf.d/B.conf", "[Daemon]\nDebug=yes\n");
	tree_text(&r.tree, "reapd.conf.d/a.conf", "[Daemon]\nDebug=no\n");
	/* none of these is a drop-in */
	tree_text(&r.tree, "reapd.conf.d/z.conf.bak", "[Kill]\nTermTimeout=8s\n");
	tree_text(&r.tree, "reapd.conf.d/.z.conf", "[Kill]\nTermTimeout=8s\n");
	tree_text(&r.tree, "reapd.conf.d/.conf", "[Kill]\nTermTimeout=8s\n");
	tree_text(&r.tree, "reapd.conf.d/conf", "[Kill]\nTermTimeout=8s\n");
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 0);
	/* by bytes: "10" before "9", "B" before "a"; what nothing sets again stays */
	assert_int_equal(r.loader.config.term_timeout_usec, 2000000);
	assert_int_equal(r.loader.config.kill_timeout_usec, 3000000);
	assert_int_equal(r.loader.config.sort_by, SORT_BY_RSS);
	assert_false(r.loader.config.debug);
	end(&r);
}

/* A drop-in that takes a value back: an empty one is the default. */
static void test_back_to_default(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	tree_text(&r.tree, "reapd.conf", "[Kill]\nTermTimeout=1s\nAvoid=x\n");
	tree_text(&r.tree, "reapd.conf.d/a.conf", "[Kill]\nTermTimeout=\nAvoid=\n");
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.config.term_timeout_usec, 5000000);
	assert_string_equal(r.loader.config.avoid, "");
	end(&r);
}

/* Each mistake is told with its place, and what is right around them counts. */
static void test_mistakes(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	tree_text(&r.tree, "reapd.conf", "[Kill]\nTermTimeout=soon\n# fine\nKillTimeout=2s\n");
	tree_directory(&r.tree, "reapd.conf.d/a.conf");
	tree_text(&r.tree, "reapd.conf.d/b.conf", "\n\n[Kill]\nSortBy=size\n");
	assert_int_equal(symlinkat("nowhere", r.tree.fd, "reapd.conf.d/c.conf"), 0);
	tree_text(&r.tree, "reapd.conf.d/d.conf", "[Kill]\nSortBy=rss\n");
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 4);
	assert_int_equal(r.told, 4);
	check_line(&r, 0, "reapd.conf",
		   ":2: TermTimeout=soon: expected a duration, such as 300ms, "
		   "5s or 1min");
	check_line(&r, 1, "reapd.conf.d/a.conf", ": expected a regular file");
	check_line(&r, 2, "reapd.conf.d/b.conf", ":4: SortBy=size: expected badness or rss");
	check_line(&r, 3, "reapd.conf.d/c.conf", ": No such file or directory");
	assert_int_equal(r.loader.config.kill_timeout_usec, 2000000);
	assert_int_equal(r.loader.config.sort_by, SORT_BY_RSS);
	end(&r);
}

/* Opening a FIFO waits for a writer, and opening a device can do anything. */
static void test_special_files(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	assert_int_equal(mkfifoat(r.tree.fd, "reapd.conf", 0644), 0);
	tree_directory(&r.tree, "reapd.conf.d");
	assert_int_equal(mkfifoat(r.tree.fd, "reapd.conf.d/a.conf", 0644), 0);
	assert_int_equal(symlinkat("/dev/zero", r.tree.fd, "reapd.conf.d/b.conf"), 0);
	assert_int_equal(symlinkat("/dev/null", r.tree.fd, "reapd.conf.d/c.conf"), 0); /* masked */
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 3);
	check_line(&r, 0, "reapd.conf", ": expected a regular file");
	check_line(&r, 1, "reapd.conf.d/a.conf", ": expected a regular file");
	check_line(&r, 2, "reapd.conf.d/b.conf", ": expected a regular file");
	end(&r);
}

static void test_directory_in_place(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	tree_directory(&r.tree, "reapd.conf");
	tree_text(&r.tree, "reapd.conf.d",
		  "[Kill]\n"); /* and a file where the directory should be */
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 2);
	check_line(&r, 0, "reapd.conf", ": expected a regular file");
	check_line(&r, 1, "reapd.conf.d", ": Not a directory");
	end(&r);
}

static void test_size(void **state)
{
	const size_t most = 1024 * 1024;
	char *text = heap_fill('#', most + 1);
	struct reading r;

	(void)state;
	memcpy(text, "[Kill]\nTermTimeout=4s\n", 22);
	begin(&r);
	tree_write(&r.tree, "reapd.conf", text, most);
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 0);
	assert_int_equal(r.loader.config.term_timeout_usec, 4000000);
	end(&r);

	begin(&r);
	tree_write(&r.tree, "reapd.conf", text, most + 1);
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 1);
	check_line(&r, 0, "reapd.conf", ": expected at most 1 MiB");
	/* not even its good lines: it was not read to its end */
	assert_int_equal(r.loader.config.term_timeout_usec, 5000000);
	end(&r);
	free(text);
}

/* In a child: root reads everything. */
static int read_as_nobody(struct reading *r)
{
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 1;
	if (read_all(r, CONFIG_REQUIRED) != 0 || r->loader.mistakes != 2 || r->told != 2)
		return 2;
	if (!strstr(r->lines[0], "/reapd.conf: Permission denied") ||
	    !strstr(r->lines[1], "/reapd.conf.d: Permission denied"))
		return 3;
	return 0;
}

static void test_unreadable(void **state)
{
	struct reading r;
	int status;
	pid_t child;

	(void)state;
	begin(&r);
	tree_text(&r.tree, "reapd.conf", "[Kill]\n");
	tree_text(&r.tree, "reapd.conf.d/a.conf", "[Kill]\n");
	assert_int_equal(fchmodat(r.tree.fd, "reapd.conf", 0, 0), 0);
	assert_int_equal(fchmodat(r.tree.fd, "reapd.conf.d", 0, 0), 0);
	child = fork();
	if (child == 0)
		_exit(read_as_nobody(&r));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(fchmodat(r.tree.fd, "reapd.conf.d", 0755, 0), 0);
	end(&r);
}

/* A pattern's mistake is found when it is compiled, and is told with the line it stands in. */
static void test_patterns(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	tree_text(&r.tree, "reapd.conf", "[Kill]\nPrefer=^good$\nAvoid=a(b\n");
	tree_text(&r.tree, "reapd.conf.d/a.conf", "# one\n[Kill]\n\nIgnore=x{2,1}\n");
	assert_int_equal(read_all(&r, CONFIG_REQUIRED), 0);
	assert_int_equal(r.loader.mistakes, 0);
	assert_null(patterns_new(&r.loader));
	assert_int_equal(r.loader.mistakes, 2);
	check_line(&r, 0, "reapd.conf", ":3: Avoid=: expected a regular expression: ");
	check_line(&r, 1, "reapd.conf.d/a.conf", ":4: Ignore=: expected a regular expression: ");
	end(&r);
}

/* The path of a file may be longer than a message; the line that comes of it has its end. */
static void test_long_path(void **state)
{
	struct config_loader l;
	struct config_files files = {};
	struct reading r = {};
	char path[3000];

	(void)state;
	config_loader_init(&l, note, &r);
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(config_files_read(&l, path, CONFIG_REQUIRED, &files), 0);
	assert_true(l.mistakes >= 1);
	assert_non_null(strstr(r.lines[0], "p: File name too long"));
	config_files_done(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_only_drop_in),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_back_to_default),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_special_files),
		cmocka_unit_test(test_directory_in_place),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
