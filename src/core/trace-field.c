/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a struct as words; see trace-field.h.
 */
#include "trace-field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"

const char *trace_level_text(unsigned value)
{
	return value < LEVELS ? level_name((enum level)value) : NULL;
}

const char *trace_reason_text(unsigned value)
{
	return value < REASONS ? reason_name((enum reason)value) : NULL;
}

int trace_name_parse(struct text t, const char *(*text)(unsigned value), unsigned *ret)
{
	const char *name;

	for (unsigned i = 0; (name = text(i)) != NULL; i++) {
		if (!text_equal(t, name))
			continue;
		*ret = i;
		return 0;
	}
	return -EINVAL;
}

/* Enums and bool through memcpy(): their width is the compiler's choice. */
static void store(const struct trace_field *f, void *object, uint64_t value)
{
	char *at = (char *)object + f->offset;
	unsigned number = (unsigned)value;
	bool truth = value != 0;

	switch (f->type) {
	case FIELD_U64:
		memcpy(at, &value, sizeof(value));
		return;
	case FIELD_PID:
	case FIELD_NAME:
		memcpy(at, &number, sizeof(number));
		return;
	case FIELD_BOOL:
		memcpy(at, &truth, sizeof(truth));
		return;
	}
}

static uint64_t load(const struct trace_field *f, const void *object)
{
	const char *at = (const char *)object + f->offset;
	uint64_t value = 0;
	unsigned number = 0;
	bool truth = false;

	switch (f->type) {
	case FIELD_U64:
		memcpy(&value, at, sizeof(value));
		return value;
	case FIELD_PID:
	case FIELD_NAME:
		memcpy(&number, at, sizeof(number));
		return number;
	case FIELD_BOOL:
		memcpy(&truth, at, sizeof(truth));
		return truth;
	}
	return 0;
}

int trace_field_parse(const struct trace_field *table, size_t count, struct text word, void *object)
{
	struct text name, value;
	uint64_t number = 0;
	unsigned index;
	int r;

	if (!text_split(word, '=', &name, &value))
		return -EINVAL;
	for (const struct trace_field *f = table; f < table + count; f++) {
		if (!text_equal(name, f->name))
			continue;
		if (f->type == FIELD_NAME) {
			r = trace_name_parse(value, f->text, &index);
			number = r < 0 ? 0 : index;
		} else {
			r = text_to_u64(value, &number);
		}
		if (r < 0)
			return r;
		if ((f->type == FIELD_BOOL && number > 1) ||
		    (f->type == FIELD_PID && number > INT32_MAX))
			return -ERANGE;
		store(f, object, number);
		return 0;
	}
	return -EINVAL;
}

void trace_field_format(const struct trace_field *f, const void *before, const void *object,
			char *buf, size_t size, size_t *used)
{
	uint64_t value = load(f, object);

	if (value == load(f, before))
		return;
	if (f->type == FIELD_NAME)
		trace_append(buf, size, used, " %s=%s", f->name, f->text((unsigned)value));
	else
		trace_append(buf, size, used, " %s=%llu", f->name, (unsigned long long)value);
}

void trace_append(char *buf, size_t size, size_t *used, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buf + *used, size - *used, format, args);
	va_end(args);
	if (n > 0)
		*used = u64_min(*used + (size_t)n, size - 1);
}
