/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test needs: cmocka with the headers it wants before it, checks that name the row
 * of a table that failed, and copies of a text that end where the heap block ends, so that a
 * sanitizer sees the first byte read beyond it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CHECK(row, condition)                                \
	do {                                                 \
		if (!(condition))                            \
			fail_msg("%s: %s", row, #condition); \
	} while (0)

#define CHECK_INT(row, got, expected)                                                          \
	do {                                                                                   \
		long long got_ = (long long)(got), expected_ = (long long)(expected);          \
		if (got_ != expected_)                                                         \
			fail_msg("%s: %s is %lld, expected %lld", row, #got, got_, expected_); \
	} while (0)

#define CHECK_UINT(row, got, expected)                                                         \
	do {                                                                                   \
		unsigned long long got_ = (unsigned long long)(got);                           \
		unsigned long long expected_ = (unsigned long long)(expected);                 \
		if (got_ != expected_)                                                         \
			fail_msg("%s: %s is 0x%llx (%llu), expected 0x%llx (%llu)", row, #got, \
				 got_, got_, expected_, expected_);                            \
	} while (0)

#define CHECK_STR(row, got, expected)                                                          \
	do {                                                                                   \
		const char *got_ = (got), *expected_ = (expected);                             \
		if (strcmp(got_, expected_) != 0)                                              \
			fail_msg("%s: %s is '%s', expected '%s'", row, #got, got_, expected_); \
	} while (0)

/* A string literal with NULs in it, as data and length. */
#define BYTES(literal) literal, sizeof(literal) - 1

/* A copy that ends where its block ends; the caller frees it. */
static inline char *heap_copy(const void *data, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	/* The one byte that malloc(1) adds for an empty text is not zero, lest it end something. */
	else
		copy[0] = '7';
	return copy;
}

/* @count bytes of @c in a block of their own. */
static inline char *heap_fill(char c, size_t count)
{
	char *block = malloc(count);

	assert_non_null(block);
	memset(block, c, count);
	return block;
}

/* xorshift64*, so that a seed gives the same run on every machine. */
struct random {
	uint64_t state;
};

static inline uint64_t random_u64(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * UINT64_C(2685821657736338717);
}

static inline uint64_t random_below(struct random *r, uint64_t limit)
{
	return random_u64(r) % limit;
}

static inline bool random_one_in(struct random *r, uint64_t n)
{
	return random_below(r, n) == 0;
}
