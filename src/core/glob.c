/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matcher of glob.h: one element of the pattern against one byte of the text, and of the stars
 * only the last has to be gone back to.
 */
#include "glob.h"

#include <errno.h>

/* One byte of a set, after a backslash as it is. */
static int take_member(struct text *p, unsigned char *ret)
{
	if (p->at < p->end && *p->at == '[' && p->at + 1 < p->end &&
	    (p->at[1] == ':' || p->at[1] == '.' || p->at[1] == '='))
		return -EINVAL;
	if (p->at < p->end && *p->at == '\\')
		p->at++;
	if (p->at >= p->end)
		return -EINVAL;
	*ret = (unsigned char)*p->at++;
	return 0;
}

/* The set whose '[' has been taken: whether @c is in it. A ']' that comes first is a member. */
static int take_set(struct text *p, unsigned char c, bool *ret)
{
	bool negated = p->at < p->end && (*p->at == '!' || *p->at == '^'), found = false;
	const char *first = negated ? p->at + 1 : p->at;
	unsigned char from, to;

	for (p->at = first; p->at < p->end; found = found || (c >= from && c <= to)) {
		if (*p->at == ']' && p->at != first) {
			p->at++;
			*ret = found != negated;
			return 0;
		}
		if (take_member(p, &from) < 0)
			return -EINVAL;
		to = from;
		if (p->end - p->at < 2 || *p->at != '-' || p->at[1] == ']')
			continue;
		p->at++;
		if (take_member(p, &to) < 0 || to < from)
			return -EINVAL;
	}
	return -EINVAL;
}

/* The next element, which is no star: whether @c matches it. */
static int take_element(struct text *p, unsigned char c, bool *ret)
{
	char element = *p->at++;

	if (element == '?') {
		*ret = true;
		return 0;
	}
	if (element == '[')
		return take_set(p, c, ret);
	if (element == '\\') {
		if (p->at >= p->end)
			return -EINVAL;
		element = *p->at++;
	}
	*ret = (unsigned char)element == c;
	return 0;
}

int glob_check(struct text pattern)
{
	bool matches;

	while (pattern.at < pattern.end) {
		if (*pattern.at == '*')
			pattern.at++;
		else if (take_element(&pattern, '\0', &matches) < 0)
			return -EINVAL;
	}
	return 0;
}

bool glob_match(struct text pattern, struct text t)
{
	struct text after_star = {};   /* the pattern behind the last star */
	const char *star_takes = NULL; /* the text up to here */

	while (t.at < t.end || pattern.at < pattern.end) {
		bool matches = false;

		if (pattern.at < pattern.end && *pattern.at == '*') {
			pattern.at++;
			after_star = pattern;
			star_takes = t.at;
			continue;
		}
		if (pattern.at < pattern.end && t.at < t.end &&
		    take_element(&pattern, (unsigned char)*t.at, &matches) < 0)
			return false;
		if (matches) {
			t.at++;
			continue;
		}
		if (!star_takes || star_takes >= t.end)
			return false;
		t.at = ++star_takes;
		pattern = after_star;
	}
	return true;
}
