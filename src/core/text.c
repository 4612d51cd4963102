/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded views of kernel text; see text.h. The C library's strtoull() and sscanf() are not used
 * because they need a NUL, accept signs and leading white space of their own, and read the locale.
 */
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool text_equal(struct text t, const char *word)
{
	size_t len = strlen(word);

	return text_len(t) == len && memcmp(t.at, word, len) == 0;
}

bool text_has_prefix(struct text t, const char *prefix)
{
	size_t len = strlen(prefix);

	return text_len(t) >= len && memcmp(t.at, prefix, len) == 0;
}

bool text_has_suffix(struct text t, const char *suffix)
{
	size_t len = strlen(suffix);

	return text_len(t) >= len && memcmp(t.end - len, suffix, len) == 0;
}

struct text text_trim(struct text t)
{
	while (t.at < t.end && is_blank(*t.at))
		t.at++;
	while (t.end > t.at && is_blank(t.end[-1]))
		t.end--;
	return t;
}

bool text_next_line(struct text *t, struct text *ret_line)
{
	const char *newline;

	if (t->at >= t->end)
		return false;

	newline = memchr(t->at, '\n', text_len(*t));
	ret_line->at = t->at;
	ret_line->end = newline ? newline : t->end;
	t->at = newline ? newline + 1 : t->end;
	return true;
}

bool text_next_word(struct text *t, struct text *ret_word)
{
	const char *start;

	while (t->at < t->end && is_blank(*t->at))
		t->at++;
	if (t->at >= t->end)
		return false;

	start = t->at;
	while (t->at < t->end && !is_blank(*t->at))
		t->at++;
	*ret_word = (struct text){start, t->at};
	return true;
}

bool text_split(struct text t, char separator, struct text *ret_before, struct text *ret_after)
{
	const char *at = t.at < t.end ? memchr(t.at, separator, text_len(t)) : NULL;

	if (!at)
		return false;
	*ret_before = (struct text){t.at, at};
	*ret_after = (struct text){at + 1, t.end};
	return true;
}

int text_take_u64(struct text *t, uint64_t *ret)
{
	const char *p = t->at;
	uint64_t value = 0;

	while (p < t->end && is_blank(*p))
		p++;
	if (p >= t->end || *p < '0' || *p > '9')
		return -EINVAL;

	for (; p < t->end && *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	}

	t->at = p;
	*ret = value;
	return 0;
}

int text_to_u64(struct text t, uint64_t *ret)
{
	uint64_t value;
	int r = text_take_u64(&t, &value);

	if (r < 0)
		return r;
	if (text_len(text_trim(t)) > 0)
		return -EINVAL;
	*ret = value;
	return 0;
}

int text_to_i64(struct text t, int64_t *ret)
{
	bool negative;
	uint64_t value;
	int r;

	t = text_trim(t);
	negative = text_has_prefix(t, "-");
	if (negative)
		t.at++;
	if (t.at < t.end && is_blank(*t.at))
		return -EINVAL;

	r = text_to_u64(t, &value);
	if (r < 0)
		return r;
	if (value > INT64_MAX)
		return -ERANGE;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int text_to_u64_hex(struct text t, uint64_t *ret)
{
	uint64_t value = 0;

	t = text_trim(t);
	if (text_len(t) == 0)
		return -EINVAL;
	if (text_len(t) > 16)
		return -ERANGE;

	for (; t.at < t.end; t.at++) {
		char c = *t.at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return -EINVAL;
	}
	*ret = value;
	return 0;
}

int text_to_kb_as_bytes(struct text t, uint64_t *ret_bytes)
{
	uint64_t kb;
	int r = text_take_u64(&t, &kb);

	if (r < 0)
		return r;
	if (!text_equal(text_trim(t), "kB"))
		return -EINVAL;
	if (kb > UINT64_MAX / 1024)
		return -ERANGE;
	*ret_bytes = kb * 1024;
	return 0;
}

void text_copy(struct text t, char *buf, size_t size)
{
	size_t len = text_len(t) < size - 1 ? text_len(t) : size - 1;

	memcpy(buf, t.at, len);
	buf[len] = '\0';
}

size_t text_printable_len(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;
	uint32_t code;
	size_t len;

	if (c[0] < 0x80)
		return c[0] >= ' ' && c[0] != 0x7f ? 1 : 0;
	len = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;

	code = c[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c[i] & 0x3f);
	}
	if ((len == 3 && code < 0x800) || (len == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0; /* longer than it has to be, or beyond the end */
	if (code < 0xa0 || (code >= 0xd800 && code < 0xe000))
		return 0; /* C1, surrogates */
	return len;
}

void text_format_name(const char *name, char *buf, size_t size)
{
	size_t at = 0;

	while (*name) {
		size_t len = text_printable_len(name);
		bool plain = len > 0 && *name != '\\';
		size_t need = plain ? len : sizeof("\\xNN") - 1;

		if (at + need >= size)
			break;
		if (plain)
			memcpy(buf + at, name, len);
		else
			snprintf(buf + at, size - at, "\\x%02x", (unsigned char)*name);
		at += need;
		name += plain ? len : 1;
	}
	buf[at] = '\0';
}

void format_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char units[] = {'B', 'K', 'M', 'G', 'T'};
	unsigned unit = 0;
	uint64_t tenths;

	while (unit + 1 < sizeof(units) && bytes >> 10 * unit >= 1024)
		unit++;
	tenths = u64_muldiv(bytes, 10, UINT64_C(1) << 10 * unit);
	if (tenths % 10 == 0 || tenths >= 1000)
		snprintf(buf, size, "%llu%c", (unsigned long long)(tenths / 10), units[unit]);
	else
		snprintf(buf, size, "%llu.%llu%c", (unsigned long long)(tenths / 10),
			 (unsigned long long)(tenths % 10), units[unit]);
}
