/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring against a plain list of its segments: what is read is the head of the oldest that is
 * left and the bodies from it on, whatever the sizes, and nothing is written beside the memory.
 */
#include <errno.h>

#include "core/trace-ring.h"
#include "unit.h"

#define SIZE	 1000
#define SEGMENTS 4000

struct read {
	char text[2 * SIZE + 1];
	size_t len;
	unsigned pieces, fail_at;
};

static int put(void *userdata, const char *data, size_t len)
{
	struct read *read = userdata;

	if (++read->pieces == read->fail_at)
		return -ENOSPC;
	assert_true(read->len + len <= 2 * SIZE);
	memcpy(read->text + read->len, data, len);
	read->len += len;
	read->text[read->len] = '\0';
	return 0;
}

static void add(struct trace_ring *r, const char *text)
{
	trace_ring_add(r, text, strlen(text));
}

static void segment(struct trace_ring *r, const char *head, const char *body)
{
	trace_ring_begin_head(r);
	add(r, head);
	trace_ring_begin_body(r);
	add(r, body);
}

static const char *all(const struct trace_ring *r)
{
	static struct read read;

	read = (struct read){};
	assert_int_equal(trace_ring_read(r, put, &read), 0);
	return read.text;
}

static void test_small(void **state)
{
	char *bytes = heap_fill('x', 10);
	struct trace_ring r;
	struct read read = {.fail_at = 2};

	(void)state;
	trace_ring_init(&r, bytes, 10);
	assert_string_equal(all(&r), "");
	add(&r, "of nobody");
	trace_ring_begin_body(&r);
	assert_string_equal(all(&r), "");
	segment(&r, "A", "aaa");
	assert_string_equal(all(&r), "Aaaa");
	segment(&r, "B", "bb");
	assert_string_equal(all(&r), "Aaaabb");
	add(&r, "bbb"); /* full to the byte */
	assert_string_equal(all(&r), "Aaaabbbbb");
	add(&r, "b"); /* the oldest goes, the other's head comes out */
	assert_string_equal(all(&r), "Bbbbbbb");
	assert_int_equal(trace_ring_read(&r, put, &read), -ENOSPC); /* it wraps */
	add(&r, "0123456789"); /* more than there is room for at all */
	assert_string_equal(all(&r), "");
	add(&r, "left out");
	assert_string_equal(all(&r), "");
	segment(&r, "C", "c");
	assert_string_equal(all(&r), "Cc");
	trace_ring_begin_head(&r);
	add(&r, "too long a head");
	trace_ring_begin_body(&r);
	assert_string_equal(all(&r), "");
	free(bytes);
}

static void test_many_segments(void **state)
{
	static char bytes[4 * TRACE_RING_SEGMENTS];
	static struct trace_ring r;
	struct read read = {};

	(void)state;
	trace_ring_init(&r, bytes, sizeof(bytes));
	/* an even number of them: the oldest is "He" */
	for (unsigned i = 0; i < 10 * TRACE_RING_SEGMENTS; i++)
		segment(&r, "H", i % 2 ? "o" : "e");
	assert_int_equal(trace_ring_read(&r, put, &read), 0);
	assert_int_equal(read.len, TRACE_RING_SEGMENTS + 1);
	assert_memory_equal(read.text, "Heo", 3);
}

static char model_head[SEGMENTS][64], model_body[SEGMENTS][SIZE];

static void random_word(struct random *r, char *text, unsigned limit)
{
	unsigned len = (unsigned)random_below(r, limit);

	for (unsigned i = 0; i < len; i++)
		text[i] = (char)('a' + random_below(r, 26));
	text[len] = '\0';
}

/* The segments from the oldest on that fit, heads included. */
static void expect(unsigned count, char *text)
{
	size_t used = 0;
	unsigned first = count;

	while (first > 0) {
		size_t len = strlen(model_head[first - 1]) + strlen(model_body[first - 1]);

		if (used + len > SIZE || count - first == TRACE_RING_SEGMENTS)
			break;
		used += len;
		first--;
	}
	text[0] = '\0';
	for (unsigned i = first; i < count; i++)
		strcat(strcat(text, i == first ? model_head[i] : ""), model_body[i]);
}

static void test_random(void **state)
{
	static char expected[4 * SIZE];
	char *bytes = heap_fill('x', SIZE), word[64];
	struct random r = {.state = 99};
	static struct trace_ring ring;

	(void)state;
	trace_ring_init(&ring, bytes, SIZE);
	for (unsigned i = 0; i < SEGMENTS; i++) {
		random_word(&r, model_head[i], 64);
		segment(&ring, model_head[i], "");
		for (unsigned lines = (unsigned)random_below(&r, 14); lines > 0; lines--) {
			random_word(&r, word, 64);
			add(&ring, word);
			strcat(model_body[i], word);
		}
		expect(i + 1, expected);
		assert_string_equal(all(&ring), expected);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
