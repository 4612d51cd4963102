/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts as kernels print them, which are also what the fuzzers start from: tests/fuzz/corpus. And
 * the check that each parser of such a text has to stand: the text cut at every byte.
 */
#pragma once

#include "unit.h"

/* The text in a block of exactly its size; the caller frees it. */
static inline char *corpus_read(const char *name, size_t *ret_len)
{
	char path[512], *data;
	long len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", CORPUS_DIR, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: cannot be opened", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	len = ftell(f);
	assert_true(len > 0);
	rewind(f);
	data = malloc((size_t)len);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, (size_t)len, f), len);
	fclose(f);
	*ret_len = (size_t)len;
	return data;
}

/*
 * Calls @check with every beginning of the text, each in a block of its own size. @whole is the
 * length of the text that it is cut from.
 */
static inline void corpus_cut(const char *name, void (*check)(const char *row, const char *data,
							      size_t len, size_t whole))
{
	size_t whole;
	char *data = corpus_read(name, &whole);

	for (size_t len = 0; len <= whole; len++) {
		char *cut = heap_copy(data, len), row[160];

		snprintf(row, sizeof(row), "%s cut after %zu of %zu bytes", name, len, whole);
		check(row, cut, len, whole);
		free(cut);
	}
	free(data);
}

/* The text with a carriage return before every newline; the caller frees it. */
static inline char *corpus_with_crlf(const char *data, size_t len, size_t *ret_len)
{
	char *copy = malloc(2 * len), *fit;
	size_t used = 0;

	assert_non_null(copy);
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			copy[used++] = '\r';
		copy[used++] = data[i];
	}
	fit = heap_copy(copy, used);
	free(copy);
	*ret_len = used;
	return fit;
}
