/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a target without libFuzzer, over every file of the directories named: whole, cut at every
 * byte, and with every byte replaced by a few others. So any compiler exercises each target in the
 * ordinary suite, and an input that a fuzzer once found stays a test when it is put there.
 */
#include <dirent.h>

#include "fuzz.h"

/* In a block of exactly its size, so that a sanitizer sees the first byte read beyond it. */
static void run_one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	PROMISE(copy);
	if (size > 0)
		memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size); /* the result means something to libFuzzer only */
	free(copy);
}

static void run_variants(uint8_t *data, size_t size)
{
	static const uint8_t others[] = {0, '\n', ' ', '9', ':', ')', '=', 0xff};

	for (size_t len = 0; len <= size; len++)
		run_one(data, len);
	for (size_t i = 0; i < size; i++) {
		uint8_t was = data[i];

		for (size_t o = 0; o < sizeof(others); o++) {
			data[i] = others[o];
			run_one(data, size);
		}
		data[i] = was;
	}
}

static void run_file(const char *path)
{
	static uint8_t data[1 << 16];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	run_variants(data, size);
}

static unsigned run_directory(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;
	struct dirent *entry;

	if (!dir) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir)) != NULL) {
		char name[1024];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		run_file(name);
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++)
		count += run_directory(argv[i]);
	printf("%u inputs\n", count);
	return count > 0 ? 0 : 1;
}
