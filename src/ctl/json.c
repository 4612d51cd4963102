/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Braces, commas and quotes; see json.h. libsmartcols has these for tables only.
 */
#include "ctl/json.h"

#include <inttypes.h>
#include <stdio.h>

static void put_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void begin_member(struct json *j, const char *name)
{
	if (j->has_member)
		putchar(',');
	j->has_member = true;
	if (name) {
		fputs("\n   ", stdout);
		put_quoted(name);
		fputs(": ", stdout);
	}
}

void json_begin(struct json *j)
{
	*j = (struct json){};
	putchar('{');
}

void json_end(struct json *j)
{
	puts(j->has_member ? "\n}" : "}");
}

void json_text(struct json *j, const char *name, const char *text)
{
	begin_member(j, name);
	put_quoted(text);
}

void json_number(struct json *j, const char *name, int64_t number)
{
	begin_member(j, name);
	printf("%" PRId64, number);
}

void json_unsigned(struct json *j, const char *name, uint64_t number)
{
	begin_member(j, name);
	printf("%" PRIu64, number);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin_member(j, name);
	fputs(value ? "true" : "false", stdout);
}

void json_begin_array(struct json *j, const char *name)
{
	begin_member(j, name);
	putchar('[');
	j->has_member = false;
}

void json_end_array(struct json *j)
{
	putchar(']');
	j->has_member = true;
}

void json_begin_object(struct json *j, const char *name)
{
	begin_member(j, name);
	putchar('{');
	j->has_member = false;
}

void json_end_object(struct json *j)
{
	putchar('}');
	j->has_member = true;
}
