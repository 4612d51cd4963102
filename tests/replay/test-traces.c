/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the policy over every trace of the directory named, and says in TAP whether it did what the
 * trace's line "expect" calls right. Then the other way round: each setting that a decision rests
 * on is made twice as large and half as large, and some trace has to fail for it; a threshold that
 * can be moved like that without a failure is one that no trace supports.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/replay.h"

#define TRACES_MAX 256

struct trace_file {
	char name[256];
	char *data;
	size_t len;
};

static struct trace_file files[TRACES_MAX];
static size_t files_count;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct trace_file *)a)->name, ((const struct trace_file *)b)->name);
}

static void bail_out(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void load(const char *directory, const char *name)
{
	struct trace_file *f = &files[files_count];
	size_t size = 1 << 20;
	char path[1024];
	FILE *file;

	if (files_count == TRACES_MAX)
		bail_out("too many traces");
	snprintf(f->name, sizeof(f->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	f->data = malloc(size);
	if (!file || !f->data)
		bail_out(path);
	f->len = fread(f->data, 1, size, file);
	fclose(file);
	if (f->len == size)
		bail_out("a trace of more than 1 MiB");
	files_count++;
}

static void load_all(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		bail_out(directory);
	while ((entry = readdir(dir)) != NULL) {
		const char *end = strrchr(entry->d_name, '.');

		if (end && strcmp(end, ".trace") == 0)
			load(directory, entry->d_name);
	}
	closedir(dir);
	qsort(files, files_count, sizeof(files[0]), by_name);
	if (files_count == 0)
		bail_out("no traces");
}

static void print_outcome(const char *word, const struct trace_expectation *e)
{
	if (e->kind == ACTION_NONE)
		printf("# %s: nobody\n", word);
	else
		printf("# %s: %s for %s, %llu to %llu us after the start\n", word,
		       action_kind_name(e->kind), reason_name(e->reason),
		       (unsigned long long)e->from_usec, (unsigned long long)e->until_usec);
}

static bool check_trace(unsigned number, const struct trace_file *f)
{
	struct replay r = {};
	int q = replay_run(&r, f->data, f->len);
	bool good = q == 0 && !r.cut && replay_is_as_expected(&r);

	printf("%s %u - %s: %s\n", good ? "ok" : "not ok", number, f->name,
	       action_kind_name(r.first.kind));
	if (good)
		return true;
	if (q < 0)
		printf("# line %u: expected %s\n", r.line, r.expected);
	if (r.cut)
		puts("# a line has no end");
	if (!r.has_expectation)
		puts("# it has no line \"expect\"");
	print_outcome("expected", &r.expectation);
	print_outcome("decided", &r.first);
	return false;
}

static const struct {
	const char *key, *value;
} mutations[] = {
	{"SoftMemory", "20% 2G"},    {"SoftMemory", "5% 512M"}, {"HardMemory", "10% 1G"},
	{"HardMemory", "2.5% 256M"}, {"SoftSwap", "20% 2G"},	{"SoftSwap", "5% 512M"},
	{"HardSwap", "10% 1G"},	     {"HardSwap", "2.5% 256M"}, {"StallLimit", "100%"},
	{"StallLimit", "25%"},	     {"StallWindow", "20s"},	{"StallWindow", "5s"},
};

#define MUTATIONS (sizeof(mutations) / sizeof(mutations[0]))

static bool check_mutation(unsigned number, const char *key, const char *value)
{
	const struct replay_setting setting = {config_key_find(key), value};

	for (size_t i = 0; i < files_count; i++) {
		struct replay r = {.settings = &setting, .settings_count = 1};

		if (replay_run(&r, files[i].data, files[i].len) == 0 &&
		    !replay_is_as_expected(&r)) {
			printf("ok %u - %s=%s fails in %s\n", number, key, value, files[i].name);
			return true;
		}
	}
	printf("not ok %u - %s=%s fails in no trace\n", number, key, value);
	return false;
}

int main(int argc, char **argv)
{
	unsigned number = 0;
	bool good = true;

	if (argc != 2)
		bail_out("expected the directory of the traces");
	load_all(argv[1]);
	printf("1..%zu\n", files_count + MUTATIONS);
	for (size_t i = 0; i < files_count; i++)
		good &= check_trace(++number, &files[i]);
	for (size_t i = 0; i < MUTATIONS; i++)
		good &= check_mutation(++number, mutations[i].key, mutations[i].value);
	return good ? 0 : 1;
}
