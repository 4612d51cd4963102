/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows for people or for programs: a table or JSON, with the columns that were asked for. The
 * layout is libsmartcols', as in lsblk(8); what is here is the choice of columns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum table_type { TABLE_NUMBER, TABLE_TEXT };

struct table_column {
	const char *name; /* NULL ends an array of columns */
	enum table_type type;
	/* by default, in JSON by default, or never by itself */
	enum { TABLE_DEFAULT, TABLE_JSON_DEFAULT, TABLE_ON_REQUEST } shown;
	const char *help;
};

enum table_format { TABLE_FOR_PEOPLE, TABLE_JSON };

struct table;

/*
 * @columns is borrowed. @chosen: names with commas between them, NULL for those that are shown by
 * default. @name: of the array in JSON. -EINVAL: @chosen has a name that is none, which is told;
 * -ENOMEM.
 */
int table_new(const struct table_column *columns, const char *chosen, enum table_format format,
	      const char *name, struct table **ret);
void table_free(struct table *t);

/* A further row, whose cells are then set. A cell of a column that is not shown is no error. */
int table_add_row(struct table *t);
int table_set_number(struct table *t, unsigned column, int64_t value);
int table_set_text(struct table *t, unsigned column, const char *text); /* printable */

/* Whether somebody wants it, when it is dear to find out. */
bool table_shows(const struct table *t, unsigned column);

int table_print(const struct table *t);

/* The names and what they mean, for --help. */
void table_print_columns(const struct table_column *columns);
