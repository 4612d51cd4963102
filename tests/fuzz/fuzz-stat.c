/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/PID/stat. */
#include "fuzz.h"

#include "core/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_stat s;
	int r;

	memset(&s, 0xa5, sizeof(s));
	r = process_stat_parse((const char *)data, size, &s);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r < 0) {
		PROMISE(is_untouched(&s, sizeof(s), 0xa5));
		return 0;
	}
	PROMISE(memchr(s.comm, '\0', sizeof(s.comm)));
	PROMISE(s.state != ' ' && s.state != '\t');
	return 0;
}
