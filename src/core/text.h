/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small tools to take kernel text apart: bounded views, unsigned decimal numbers, lines of
 * "key value". Every parser in core is built from these, so that "what is a number" and "what is
 * a line" are decided once. Nothing here needs a terminating NUL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view into somebody else's bytes. */
struct text {
	const char *at;
	const char *end;
};

#define TEXT(data, len) ((struct text){.at = (data), .end = (data) + (len)})

static inline size_t text_len(struct text t)
{
	return (size_t)(t.end - t.at);
}

bool text_equal(struct text t, const char *word);
bool text_has_prefix(struct text t, const char *prefix);
bool text_has_suffix(struct text t, const char *suffix);

/* Without blanks, tabs and carriage returns at both ends. */
struct text text_trim(struct text t);

/*
 * Takes the next line off @t, without its newline. False when nothing is left. A last line without
 * a newline counts as a line.
 */
bool text_next_line(struct text *t, struct text *ret_line);

/* Takes the next word (run of characters other than blank and tab) off @t. */
bool text_next_word(struct text *t, struct text *ret_word);

/* Cuts @t at the first @separator. False when there is none. */
bool text_split(struct text t, char separator, struct text *ret_before, struct text *ret_after);

/*
 * Takes an unsigned decimal number off the start of @t, after blanks. -EINVAL when there is no
 * digit, -ERANGE when it does not fit; @t then stays where it was.
 */
int text_take_u64(struct text *t, uint64_t *ret);

/* The whole of @t, trimmed, as one number: -EINVAL when anything stands beside it. */
int text_to_u64(struct text t, uint64_t *ret);
int text_to_i64(struct text t, int64_t *ret);

/* Hexadecimal without prefix, as the signal masks of /proc/PID/status are printed. */
int text_to_u64_hex(struct text t, uint64_t *ret);

/* "1234 kB", as meminfo and status print sizes, in bytes. -EINVAL for another unit or none. */
int text_to_kb_as_bytes(struct text t, uint64_t *ret_bytes);

/* Copies at most @size - 1 bytes and ends them with NUL. */
void text_copy(struct text t, char *buf, size_t size);

/*
 * How many bytes at @s, which ends with NUL, are one printable character of UTF-8: 0 for a control
 * character, C1 included, and for anything that is no UTF-8. journalctl shows a message with one
 * such byte as "[blob data]", and a terminal may obey it.
 */
size_t text_printable_len(const char *s);

/*
 * A name as people may be shown it: 15 bytes of a comm may be anything, or end in the middle of a
 * character. What is not printable, and the backslash, becomes \xNN; cut at a whole character.
 */
void text_format_name(const char *name, char *buf, size_t size);

/* "512M", "1.4G": sizes as people read them, in the syntax of the configuration where it is exact.
 */
void format_bytes(uint64_t bytes, char *buf, size_t size);

/* Integer arithmetic that stops at the ends instead of wrapping. */
static inline uint64_t u64_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t u64_sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t u64_mul(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* a * b / c without overflow in the product; c must not be 0. */
static inline uint64_t u64_muldiv(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 result = (unsigned __int128)a * b / c;

	return result > UINT64_MAX ? UINT64_MAX : (uint64_t)result;
}

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
