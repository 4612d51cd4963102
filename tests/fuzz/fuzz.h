/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every target needs: the entry that libFuzzer and replay.c both call, and a check that stops
 * at the first input that breaks a promise of the header, not only at one that crashes.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(condition)                                                                      \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* The errors that parsers of kernel text document. */
static inline bool is_parse_result(int r)
{
	return r == 0 || r == -EINVAL || r == -ERANGE || r == -ENODATA;
}

/* True when all of @value is @byte still: outputs are never written on failure. */
static inline bool is_untouched(const void *value, size_t size, unsigned char byte)
{
	for (size_t i = 0; i < size; i++) {
		if (((const unsigned char *)value)[i] != byte)
			return false;
	}
	return true;
}
