/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object on standard output: for answers that are no table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct json {
	bool has_member;
};

void json_begin(struct json *j);
void json_end(struct json *j);

/* @text has to be UTF-8: text_format_name() sees to it. */
void json_text(struct json *j, const char *name, const char *text);
void json_number(struct json *j, const char *name, int64_t number);
void json_unsigned(struct json *j, const char *name, uint64_t number);
void json_bool(struct json *j, const char *name, bool value);

/* Members of an array: json_text(), json_begin_object() and others without a name. */
void json_begin_array(struct json *j, const char *name);
void json_end_array(struct json *j);
void json_begin_object(struct json *j, const char *name);
void json_end_object(struct json *j);
