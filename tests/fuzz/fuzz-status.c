/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Target: /proc/PID/status, and the formulas over what it says. */
#include "fuzz.h"

#include "core/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_status s;
	struct process p = {};
	struct badness b;
	int r;

	memset(&s, 0xa5, sizeof(s));
	r = process_status_parse((const char *)data, size, &s);
	PROMISE(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r < 0) {
		PROMISE(is_untouched(&s, sizeof(s), 0xa5));
		return 0;
	}
	PROMISE(s.tgid != 0 && s.state != 0);

	for (int adj = OOM_SCORE_ADJ_MIN; adj <= OOM_SCORE_ADJ_MAX; adj += 250) {
		uint64_t total_pages = 6171021;
		int64_t score;

		badness_compute(&s, adj, total_pages, 4096, &b);
		PROMISE(b.points == b.rss_pages + b.swap_pages + b.pgtables_pages + b.adj_pages);
		score = badness_to_oom_score(b.points, total_pages);
		PROMISE(b.points <= badness_upper_bound(score, total_pages));
	}
	p.memory = s;
	PROMISE(process_expected_bytes(&p) >= s.rss_anon_bytes);
	return 0;
}
