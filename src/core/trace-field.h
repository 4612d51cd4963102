/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "name=value" words of a trace as members of a struct, by a table: what the lines of a step and of
 * the policy's state have in common. A member is left out where it is what it was before.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum trace_field_type { FIELD_U64, FIELD_PID, FIELD_BOOL, FIELD_NAME };

struct trace_field {
	const char *name;
	enum trace_field_type type;
	const char *(*text)(unsigned value); /* FIELD_NAME: of each value; NULL behind the last */
	size_t offset;
	enum { OF_ALWAYS, OF_VMSTAT, OF_IO } of; /* what was not read keeps what it was */
};

/* FIELD_NAME of these enums. */
const char *trace_level_text(unsigned value);
const char *trace_reason_text(unsigned value);

int trace_name_parse(struct text t, const char *(*text)(unsigned value), unsigned *ret);

/*
 * One word into the member of @object that it names. -EINVAL: there is none, or this is no value of
 * it; -ERANGE.
 */
int trace_field_parse(const struct trace_field *table, size_t count, struct text word,
		      void *object);

/* " name=value" of @object, unless it is the same in @before. */
void trace_field_format(const struct trace_field *f, const void *before, const void *object,
			char *buf, size_t size, size_t *used);

/* Behind what is there; cut where @buf ends. */
__attribute__((format(printf, 4, 5))) void trace_append(char *buf, size_t size, size_t *used,
							const char *format, ...);
