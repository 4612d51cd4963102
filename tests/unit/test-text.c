/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tools that every parser is built from: what is a number, a word and a line. Malformed input
 * stands first in each table; every text lies in a block of exactly its size.
 */
#include "unit.h"

#include <errno.h>

#include "core/text.h"

#define UNTOUCHED UINT64_C(0xdeadbeef)

static const struct number_row {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t value;
	size_t left; /* bytes that a number taken off the start leaves */
} take_rows[] = {
	{"empty", BYTES(""), -EINVAL, UNTOUCHED, 0},
	{"blanks", BYTES(" \t "), -EINVAL, UNTOUCHED, 3},
	{"minus", BYTES("-1"), -EINVAL, UNTOUCHED, 2},
	{"plus", BYTES("+1"), -EINVAL, UNTOUCHED, 2},
	{"letter", BYTES("x1"), -EINVAL, UNTOUCHED, 2},
	{"NUL before", BYTES("\0001"), -EINVAL, UNTOUCHED, 2},
	{"newline before", BYTES("\n1"), -EINVAL, UNTOUCHED, 2},
	{"character below 0", BYTES("/"), -EINVAL, UNTOUCHED, 1},
	{"character above 9", BYTES(":"), -EINVAL, UNTOUCHED, 1},
	{"2^64", BYTES("18446744073709551616"), -ERANGE, UNTOUCHED, 20},
	{"2^64 after blanks", BYTES("  18446744073709551616"), -ERANGE, UNTOUCHED, 22},
	{"ten times 2^64", BYTES("184467440737095516150"), -ERANGE, UNTOUCHED, 21},
	{"forty digits", BYTES("9999999999999999999999999999999999999999"), -ERANGE, UNTOUCHED, 40},
	{"zero", BYTES("0"), 0, 0, 0},
	{"leading zeros", BYTES("0000000000000000000000000000000012"), 0, 12, 0},
	{"octal is not", BYTES("010"), 0, 10, 0},
	{"hexadecimal is not", BYTES("0x10"), 0, 0, 3},
	{"2^64 - 1", BYTES("18446744073709551615"), 0, UINT64_MAX, 0},
	{"unit", BYTES("12 kB"), 0, 12, 3},
	{"NUL behind", BYTES("12\0003"), 0, 12, 2},
	{"comma", BYTES("1,000"), 0, 1, 4},
	{"blanks before", BYTES(" \t\r 7"), 0, 7, 0},
};

static void test_take_u64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(take_rows); i++) {
		const struct number_row *t = &take_rows[i];
		char *copy = heap_copy(t->data, t->len);
		struct text text = TEXT(copy, t->len);
		uint64_t value = UNTOUCHED;

		CHECK_INT(t->row, text_take_u64(&text, &value), t->result);
		CHECK_UINT(t->row, value, t->value);
		CHECK_UINT(t->row, text_len(text), t->left);
		free(copy);
	}
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t value;
} whole_rows[] = {
	{"empty", BYTES(""), -EINVAL, UNTOUCHED},
	{"two numbers", BYTES("1 2"), -EINVAL, UNTOUCHED},
	{"letter behind", BYTES("1x"), -EINVAL, UNTOUCHED},
	{"NUL behind", BYTES("1\0"), -EINVAL, UNTOUCHED},
	{"newline behind", BYTES("1\n"), -EINVAL, UNTOUCHED},
	{"negative", BYTES("-1"), -EINVAL, UNTOUCHED},
	{"fraction", BYTES("1.5"), -EINVAL, UNTOUCHED},
	{"too large", BYTES("18446744073709551616"), -ERANGE, UNTOUCHED},
	{"blanks around", BYTES("\t 42 \r"), 0, 42},
	{"largest", BYTES("18446744073709551615"), 0, UINT64_MAX},
};

static void test_to_u64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whole_rows); i++) {
		char *copy = heap_copy(whole_rows[i].data, whole_rows[i].len);
		uint64_t value = UNTOUCHED;

		CHECK_INT(whole_rows[i].row, text_to_u64(TEXT(copy, whole_rows[i].len), &value),
			  whole_rows[i].result);
		CHECK_UINT(whole_rows[i].row, value, whole_rows[i].value);
		free(copy);
	}
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	int64_t value;
} signed_rows[] = {
	{"empty", BYTES(""), -EINVAL, 77},
	{"minus alone", BYTES("-"), -EINVAL, 77},
	{"two signs", BYTES("--1"), -EINVAL, 77},
	{"plus", BYTES("+1"), -EINVAL, 77},
	{"blank behind the sign", BYTES("- 1"), -EINVAL, 77},
	{"sign behind", BYTES("1-"), -EINVAL, 77},
	{"2^63", BYTES("9223372036854775808"), -ERANGE, 77},
	{"-2^64", BYTES("-18446744073709551616"), -ERANGE, 77},
	{"minus zero", BYTES("-0"), 0, 0},
	{"minus one", BYTES(" -1 "), 0, -1},
	{"adj of the daemon", BYTES("-1000"), 0, -1000},
	{"2^63 - 1", BYTES("9223372036854775807"), 0, INT64_MAX},
	{"-(2^63 - 1)", BYTES("-9223372036854775807"), 0, -INT64_MAX},
};

static void test_to_i64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signed_rows); i++) {
		char *copy = heap_copy(signed_rows[i].data, signed_rows[i].len);
		int64_t value = 77;

		CHECK_INT(signed_rows[i].row, text_to_i64(TEXT(copy, signed_rows[i].len), &value),
			  signed_rows[i].result);
		CHECK_INT(signed_rows[i].row, value, signed_rows[i].value);
		free(copy);
	}
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t value;
} hex_rows[] = {
	{"empty", BYTES(""), -EINVAL, UNTOUCHED},
	{"blanks", BYTES(" \t"), -EINVAL, UNTOUCHED},
	{"prefix", BYTES("0x10"), -EINVAL, UNTOUCHED},
	{"letter g", BYTES("000g"), -EINVAL, UNTOUCHED},
	{"blank within", BYTES("00 00"), -EINVAL, UNTOUCHED},
	{"comma, as in Mems_allowed", BYTES("00000000,00"), -EINVAL, UNTOUCHED},
	{"capitals, which the kernel does not print", BYTES("00FF"), -EINVAL, UNTOUCHED},
	{"character between 9 and a", BYTES(":"), -EINVAL, UNTOUCHED},
	{"17 digits", BYTES("00000000000000001"), -ERANGE, UNTOUCHED},
	{"one digit", BYTES("f"), 0, 15},
	{"three digits", BYTES("100"), 0, 0x100},
	{"SIGKILL", BYTES("\t0000000000000100"), 0, 0x100},
	{"all", BYTES("ffffffffffffffff\r"), 0, UINT64_MAX},
	{"each digit", BYTES("0123456789abcdef"), 0, UINT64_C(0x0123456789abcdef)},
};

static void test_to_u64_hex(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hex_rows); i++) {
		char *copy = heap_copy(hex_rows[i].data, hex_rows[i].len);
		uint64_t value = UNTOUCHED;

		CHECK_INT(hex_rows[i].row, text_to_u64_hex(TEXT(copy, hex_rows[i].len), &value),
			  hex_rows[i].result);
		CHECK_UINT(hex_rows[i].row, value, hex_rows[i].value);
		free(copy);
	}
}

static const struct {
	const char *row;
	const char *data;
	size_t len;
	int result;
	uint64_t value;
} kb_rows[] = {
	{"empty", BYTES(""), -EINVAL, UNTOUCHED},
	{"no unit", BYTES("  12"), -EINVAL, UNTOUCHED},
	{"cut in the unit", BYTES("  12 k"), -EINVAL, UNTOUCHED},
	{"another unit", BYTES("  12 MB"), -EINVAL, UNTOUCHED},
	{"capital K", BYTES("  12 KB"), -EINVAL, UNTOUCHED},
	{"more behind", BYTES("  12 kB x"), -EINVAL, UNTOUCHED},
	{"NUL behind", BYTES("  12 kB\0"), -EINVAL, UNTOUCHED},
	{"negative", BYTES(" -12 kB"), -EINVAL, UNTOUCHED},
	{"2^64 kB", BYTES("18446744073709551616 kB"), -ERANGE, UNTOUCHED},
	{"2^54 kB is 2^64 bytes", BYTES("18014398509481984 kB"), -ERANGE, UNTOUCHED},
	{"a page less than none", BYTES("18446744073709551612 kB"), -ERANGE, UNTOUCHED},
	{"largest", BYTES("18014398509481983 kB"), 0, UINT64_MAX - 1023},
	{"zero", BYTES("       0 kB"), 0, 0},
	{"usual", BYTES("\t    1784 kB"), 0, 1784 * 1024},
	{"carriage return", BYTES(" 1 kB\r"), 0, 1024},
	{"no blank before the unit", BYTES("1kB"), 0, 1024},
};

static void test_to_kb(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kb_rows); i++) {
		char *copy = heap_copy(kb_rows[i].data, kb_rows[i].len);
		uint64_t value = UNTOUCHED;

		CHECK_INT(kb_rows[i].row, text_to_kb_as_bytes(TEXT(copy, kb_rows[i].len), &value),
			  kb_rows[i].result);
		CHECK_UINT(kb_rows[i].row, value, kb_rows[i].value);
		free(copy);
	}
}

/* Lines and words of a text, each ended with '|'. */
static const struct {
	const char *row;
	const char *data;
	size_t len;
	const char *lines;
	const char *words;
} run_rows[] = {
	{"empty", BYTES(""), "", ""},
	{"newline alone", BYTES("\n"), "|", "\n|"},
	{"no newline at the end", BYTES("a\nb"), "a|b|", "a\nb|"},
	{"newline at the end", BYTES("a\nb\n"), "a|b|", "a\nb\n|"},
	{"empty lines count", BYTES("\n\na"), "||a|", "\n\na|"},
	{"carriage returns end words", BYTES("a \r\nb\r"), "a \r|b\r|", "a|\nb|"},
	{"blanks around", BYTES("  a \t b  "), "  a \t b  |", "a|b|"},
	{"blanks alone", BYTES(" \t\r"), " \t\r|", ""},
};

static void test_lines_and_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(run_rows); i++) {
		char *copy = heap_copy(run_rows[i].data, run_rows[i].len), seen[64] = "";
		struct text rest = TEXT(copy, run_rows[i].len), part = {};

		while (text_next_line(&rest, &part)) {
			strncat(seen, part.at, text_len(part));
			strcat(seen, "|");
		}
		CHECK_STR(run_rows[i].row, seen, run_rows[i].lines);
		CHECK_UINT(run_rows[i].row, text_len(rest), 0);

		seen[0] = '\0';
		rest = TEXT(copy, run_rows[i].len);
		while (text_next_word(&rest, &part)) {
			strncat(seen, part.at, text_len(part));
			strcat(seen, "|");
		}
		CHECK_STR(run_rows[i].row, seen, run_rows[i].words);
		free(copy);
	}
}

static void test_split(void **state)
{
	struct text before = {}, after = {};
	char *copy;

	(void)state;
	assert_false(text_split((struct text){}, ':', &before, &after));
	copy = heap_copy("abc:", 3);
	assert_false(text_split(TEXT(copy, 3), ':', &before, &after));
	assert_null(before.at);
	free(copy);

	copy = heap_copy(":", 1);
	assert_true(text_split(TEXT(copy, 1), ':', &before, &after));
	assert_int_equal(text_len(before), 0);
	assert_int_equal(text_len(after), 0);
	free(copy);

	copy = heap_copy("a:b:c", 5);
	assert_true(text_split(TEXT(copy, 5), ':', &before, &after));
	assert_true(text_equal(before, "a"));
	assert_true(text_equal(after, "b:c"));
	free(copy);
}

static void test_comparisons(void **state)
{
	char *copy = heap_copy("scope", 5);
	struct text t = TEXT(copy, 5), empty = TEXT(copy + 5, 0);

	(void)state;
	assert_false(text_equal(t, "scop"));
	assert_false(text_equal(t, "scopes"));
	assert_false(text_equal(t, "scopE"));
	assert_false(text_equal(t, ""));
	assert_true(text_equal(t, "scope"));
	assert_true(text_equal(empty, ""));

	assert_false(text_has_prefix(t, "scopes"));
	assert_false(text_has_prefix(t, "c"));
	assert_true(text_has_prefix(t, "sc"));
	assert_true(text_has_prefix(t, ""));
	assert_false(text_has_prefix(empty, "s"));

	assert_false(text_has_suffix(t, "a.scope"));
	assert_false(text_has_suffix(t, "p"));
	assert_true(text_has_suffix(t, "ope"));
	assert_true(text_has_suffix(t, ""));
	assert_false(text_has_suffix(empty, "e"));
	free(copy);
}

static void test_trim(void **state)
{
	char *copy = heap_copy(" \t\r", 3);

	(void)state;
	assert_int_equal(text_len(text_trim(TEXT(copy, 3))), 0);
	assert_int_equal(text_len(text_trim(TEXT(copy, 0))), 0);
	free(copy);
	copy = heap_copy("\t a b \r", 7);
	assert_true(text_equal(text_trim(TEXT(copy, 7)), "a b"));
	free(copy);
}

static void test_copy(void **state)
{
	char *source = heap_copy("abcdef", 6), *copy = heap_fill('x', 4), *one = heap_fill('x', 1);

	(void)state;
	text_copy(TEXT(source, 6), copy, 4);
	assert_string_equal(copy, "abc");
	text_copy(TEXT(source, 3), copy, 4);
	assert_string_equal(copy, "abc");
	text_copy(TEXT(source, 2), copy, 4);
	assert_string_equal(copy, "ab");
	text_copy(TEXT(source, 0), copy, 4);
	assert_string_equal(copy, "");
	text_copy(TEXT(source, 6), one, 1);
	assert_string_equal(one, "");
	free(source);
	free(copy);
	free(one);
}

static void test_saturation(void **state)
{
	(void)state;
	assert_true(u64_add(UINT64_MAX, 1) == UINT64_MAX);
	assert_true(u64_add(UINT64_MAX - 1, 1) == UINT64_MAX);
	assert_true(u64_add(2, 3) == 5);
	assert_true(u64_sub(2, 3) == 0);
	assert_true(u64_sub(3, 3) == 0);
	assert_true(u64_sub(UINT64_MAX, 1) == UINT64_MAX - 1);
	assert_true(u64_mul(UINT64_MAX, 2) == UINT64_MAX);
	assert_true(u64_mul(UINT64_C(1) << 32, UINT64_C(1) << 32) == UINT64_MAX);
	assert_true(u64_mul(6, 7) == 42);
	assert_true(u64_mul(UINT64_MAX, 0) == 0);
	assert_true(u64_muldiv(UINT64_MAX, 10000, 10000) == UINT64_MAX);
	assert_true(u64_muldiv(UINT64_MAX, 10000, 1) == UINT64_MAX);
	assert_true(u64_muldiv(UINT64_C(64) << 40, 10000, 3) == UINT64_C(234562480592213333));
	assert_true(u64_muldiv(7, 3, 2) == 10);
	assert_true(u64_min(1, 2) == 1 && u64_min(2, 1) == 1);
	assert_true(u64_max(1, 2) == 2 && u64_max(2, 1) == 2);
}

static const struct {
	const char *s;
	size_t len;
} printable[] = {
	{"", 0},
	{"\x01", 0},
	{"\n", 0},
	{"\x1b[2J", 0},
	{"\x7f", 0},
	{"\x80", 0},
	{"\x9b", 0},
	{"\xff", 0},
	{"\xc3", 0},
	{"\xc3(", 0},
	{"\xc0\x80", 0},
	{"\xc1\xbf", 0},
	{"\xc2\x80", 0},
	{"\xc2\x9b", 0},
	{"\xe2\x82", 0},
	{"\xe0\x9f\xbf", 0},
	{"\xed\xa0\x80", 0},
	{"\xf0\x8f\xbf\xbf", 0},
	{"\xf4\x90\x80\x80", 0},
	{"\xf5\x80\x80\x80", 0},
	{" ", 1},
	{"~x", 1},
	{"\xc2\xa0", 2},
	{"\xc3\xa4x", 2},
	{"\xdf\xbf", 2},
	{"\xe0\xa0\x80", 3},
	{"\xe2\x82\xac", 3},
	{"\xef\xbf\xbd", 3},
	{"\xf0\x90\x80\x80", 4},
	{"\xf4\x8f\xbf\xbf", 4},
};

static void test_printable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(printable); i++)
		if (text_printable_len(printable[i].s) != printable[i].len)
			fail_msg("row %zu: %zu, expected %zu", i,
				 text_printable_len(printable[i].s), printable[i].len);
}

static const struct {
	const char *name;
	size_t size;
	const char *shown;
} names[] = {
	{"", 1, ""},
	{"a", 1, ""},
	{"a", 2, "a"},
	{"\x1b[2J", 16, "\\x1b[2J"},
	{"a\nb", 16, "a\\x0ab"},
	{"\\x0a", 16, "\\x5cx0a"}, /* no two names are shown alike */
	{"\xff\xc3", 16, "\\xff\\xc3"},
	{"gr\xc3\xbc\xc3\x9f", 16, "gr\xc3\xbc\xc3\x9f"},
	{"gr\xc3\xbc", 5, "gr\xc3\xbc"},
	{"gr\xc3\xbc", 4, "gr"}, /* not half a character */
	{"gr\x01", 7, "gr\\x01"},
	{"gr\x01", 6, "gr"},
	{"\x01 ok", 4, ""}, /* and nothing from behind what does not fit */
};

static void test_format_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *buf = heap_fill('7', names[i].size);

		text_format_name(names[i].name, buf, names[i].size);
		CHECK_STR(names[i].name, buf, names[i].shown);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),  cmocka_unit_test(test_format_name),
		cmocka_unit_test(test_take_u64),   cmocka_unit_test(test_to_u64),
		cmocka_unit_test(test_to_i64),	   cmocka_unit_test(test_to_u64_hex),
		cmocka_unit_test(test_to_kb),	   cmocka_unit_test(test_lines_and_words),
		cmocka_unit_test(test_split),	   cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_trim),	   cmocka_unit_test(test_copy),
		cmocka_unit_test(test_saturation),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
