/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libsmartcols; see table.h.
 */
#include "ctl/table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "ctl/ctl.h"

#define COLUMNS_MAX 32
#define NOT_SHOWN   UINT8_MAX

struct table {
	struct libscols_table *scols;
	struct libscols_line *row;
	const struct table_column *columns;
	enum table_format format;
	uint8_t places[COLUMNS_MAX]; /* of each column among those that are shown */
	unsigned shown;
};

static int show_column(struct table *t, unsigned column)
{
	const struct table_column *c = &t->columns[column];
	struct libscols_column *made;

	if (t->places[column] != NOT_SHOWN)
		return 0;
	made = scols_table_new_column(t->scols, c->name, 0,
				      c->type == TABLE_NUMBER ? SCOLS_FL_RIGHT : 0);
	if (!made)
		return -ENOMEM;
	t->places[column] = (uint8_t)t->shown++;
	return scols_column_set_json_type(made, c->type == TABLE_NUMBER ? SCOLS_JSON_NUMBER
									: SCOLS_JSON_STRING);
}

static int show_default(struct table *t)
{
	for (unsigned i = 0; t->columns[i].name; i++) {
		bool shown = t->columns[i].shown == TABLE_DEFAULT ||
			     (t->columns[i].shown == TABLE_JSON_DEFAULT && t->format == TABLE_JSON);
		int r = shown ? show_column(t, i) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int show_named(struct table *t, struct text name)
{
	for (unsigned i = 0; t->columns[i].name; i++) {
		if (text_equal(name, t->columns[i].name))
			return show_column(t, i);
	}
	(void)ctl_fail("--columns: expected names of columns as its --help lists them, not '%.*s'",
		       (int)text_len(name), name.at);
	return -EINVAL;
}

static int show_chosen(struct table *t, const char *chosen)
{
	struct text rest = TEXT(chosen, strlen(chosen)), name;

	for (;;) {
		bool more = text_split(rest, ',', &name, &rest);
		int r = show_named(t, more ? name : rest);

		if (r < 0 || !more)
			return r;
	}
}

int table_new(const struct table_column *columns, const char *chosen, enum table_format format,
	      const char *name, struct table **ret)
{
	struct table *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->columns = columns;
	t->format = format;
	memset(t->places, NOT_SHOWN, sizeof(t->places));
	t->scols = scols_new_table();
	r = t->scols ? scols_table_set_name(t->scols, name) : -ENOMEM;
	if (r >= 0)
		r = scols_table_enable_json(t->scols, format == TABLE_JSON);
	if (r >= 0)
		r = scols_table_enable_noencoding(t->scols, 1); /* text_format_name() has done it */
	if (r >= 0)
		r = chosen ? show_chosen(t, chosen) : show_default(t);
	if (r < 0) {
		table_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->scols);
	free(t);
}

int table_add_row(struct table *t)
{
	t->row = scols_table_new_line(t->scols, NULL);
	return t->row ? 0 : -ENOMEM;
}

int table_set_text(struct table *t, unsigned column, const char *text)
{
	if (t->places[column] == NOT_SHOWN)
		return 0;
	return scols_line_set_data(t->row, t->places[column], text);
}

int table_set_number(struct table *t, unsigned column, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return table_set_text(t, column, text);
}

bool table_shows(const struct table *t, unsigned column)
{
	return t->places[column] != NOT_SHOWN;
}

int table_print(const struct table *t)
{
	return scols_print_table(t->scols);
}

void table_print_columns(const struct table_column *columns)
{
	for (const struct table_column *c = columns; c->name; c++)
		printf("  %-20s %s%s\n", c->name, c->help,
		       c->shown == TABLE_DEFAULT	? ""
		       : c->shown == TABLE_JSON_DEFAULT ? "; in JSON, and on request"
							: "; on request");
}
