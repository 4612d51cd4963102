/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/PID/cgroup, and the unit that a path belongs to. */
#include "fuzz.h"

#include "core/process.h"

static bool lies_in(struct text inner, struct text outer)
{
	return inner.at >= outer.at && inner.at <= inner.end && inner.end <= outer.end;
}

static void check_unit(struct text path)
{
	struct text unit;

	if (cgroup_path_unit(path, &unit) < 0)
		return;
	PROMISE(lies_in(unit, path));
	PROMISE(text_has_suffix(unit, ".service") || text_has_suffix(unit, ".scope"));
	PROMISE(!memchr(unit.at, '/', text_len(unit)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text whole = TEXT((const char *)data, size), path;
	int r = cgroup_parse((const char *)data, size, &path);

	PROMISE(is_parse_result(r));
	if (r == 0) {
		PROMISE(lies_in(path, whole) && *path.at == '/');
		PROMISE(!memchr(path.at, '\n', text_len(path)));
		check_unit(path);
	}
	check_unit(whole);
	r = cgroup_parse_v1((const char *)data, size, "freezer", &path);
	PROMISE(is_parse_result(r));
	PROMISE(r < 0 || (lies_in(path, whole) && *path.at == '/'));
	return 0;
}
