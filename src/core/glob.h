/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shell patterns, as fnmatch(3) without flags has them: '*' is any bytes, '/' among them, '?' one,
 * "[a-z]" and "[!a-z]" one of a set, and a backslash takes what follows as it is. Our own, because
 * fnmatch() asks the locale what a character is, allocates for a long text that is not ASCII, and
 * takes "[a" for the two characters that it is: here that is a mistake, which somebody is told.
 * Classes such as [:alpha:] are left out. The time is bounded by the product of the lengths.
 */
#pragma once

#include <stdbool.h>

#include "text.h"

/* -EINVAL: a set that does not end, is empty the wrong way round or a class, a last backslash. */
int glob_check(struct text pattern);

/* The whole of @t. A pattern that glob_check() refuses matches nothing. */
bool glob_match(struct text pattern, struct text t);
