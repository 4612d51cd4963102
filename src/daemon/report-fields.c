/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports as the fields of a journal entry; see report.h. Their names are in reapd(8).
 */
#include "daemon/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct field_sink {
	void (*add)(void *userdata, const char *field);
	void *userdata;
};

__attribute__((format(printf, 2, 3))) static void field(const struct field_sink *s,
							const char *format, ...)
{
	char text[FAMILY_MAX * 12 + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->add(s->userdata, text);
}

static void moment_fields(const struct field_sink *s, const struct report_moment *m)
{
	const struct meminfo *mem = &m->sample.mem;
	enum level limit = m->level > LEVEL_CALM ? m->level : LEVEL_WARNING;

	field(s, "REAPD_DOMAIN=%s", m->domain.text);
	field(s, "REAPD_LEVEL=%s", level_name(m->level));
	field(s, "REAPD_REASON=%s", reason_name(m->reason));
	field(s, "REAPD_MEM_TOTAL_BYTES=%" PRIu64, mem->total_bytes);
	field(s, "REAPD_MEM_AVAILABLE_BYTES=%" PRIu64, mem->available_bytes);
	field(s, "REAPD_MEM_FREE_BYTES=%" PRIu64, mem->free_bytes);
	field(s, "REAPD_SWAP_TOTAL_BYTES=%" PRIu64, mem->swap_total_bytes);
	field(s, "REAPD_SWAP_FREE_BYTES=%" PRIu64, mem->swap_free_bytes);
	field(s, "REAPD_SWAP_USABLE_BYTES=%" PRIu64, sample_usable_swap_bytes(&m->sample));
	field(s, "REAPD_CONSUMED_BYTES=%" PRIu64, m->consumed_bytes);
	if (m->consumed_bytes > 0)
		field(s, "REAPD_EXHAUSTED_USEC=%" PRIu64, m->exhausted_usec);
	field(s, "REAPD_MEM_LIMIT_BYTES=%" PRIu64, m->limits.memory_bytes[limit]);
	field(s, "REAPD_SWAP_LIMIT_BYTES=%" PRIu64, m->limits.swap_bytes[limit]);
	if (!m->sample.has_psi)
		return;
	field(s, "REAPD_STALL_PERMYRIAD=%" PRIu64, m->stall_permyriad);
	if (m->stalled_group[0] != '\0')
		field(s, "REAPD_STALLED_GROUP=%s", m->stalled_group);
	field(s, "REAPD_STALL_SOME_USEC=%" PRIu64, m->sample.psi.some_total_usec);
	field(s, "REAPD_STALL_FULL_USEC=%" PRIu64, m->sample.psi.full_total_usec);
}

static void start_fields(const struct field_sink *s, const struct report_start *start)
{
	const struct limits *l = &start->moment.limits;

	moment_fields(s, &start->moment);
	field(s, "REAPD_VERSION=%s", start->version);
	field(s, "REAPD_DRY_RUN=%d", start->dry_run);
	field(s, "REAPD_WARNING_MEM_BYTES=%" PRIu64, l->memory_bytes[LEVEL_WARNING]);
	field(s, "REAPD_SOFT_MEM_BYTES=%" PRIu64, l->memory_bytes[LEVEL_SOFT]);
	field(s, "REAPD_HARD_MEM_BYTES=%" PRIu64, l->memory_bytes[LEVEL_HARD]);
	field(s, "REAPD_WARNING_SWAP_BYTES=%" PRIu64, l->swap_bytes[LEVEL_WARNING]);
	field(s, "REAPD_SOFT_SWAP_BYTES=%" PRIu64, l->swap_bytes[LEVEL_SOFT]);
	field(s, "REAPD_HARD_SWAP_BYTES=%" PRIu64, l->swap_bytes[LEVEL_HARD]);
	field(s, "REAPD_HAS_PSI=%d", start->moment.sample.has_psi);
	field(s, "REAPD_PSI_TRIGGER=%d", start->psi_trigger);
	field(s, "REAPD_HAS_MRELEASE=%d", start->mrelease);
	field(s, "REAPD_MEMORY_LOCKED=%d", start->memory_locked);
	field(s, "REAPD_FILL_RATE_BYTES=%" PRIu64, start->fill_rate_bytes);
}

static const char *outcome_name(enum kill_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PENDING:
		return "pending";
	case OUTCOME_SETTLED:
		return "settled";
	case OUTCOME_RELEASED:
		return "released";
	case OUTCOME_STUCK:
		return "stuck";
	case OUTCOME_REFUSED:
		return "refused";
	case OUTCOME_SPARED:
		return "spared";
	case OUTCOME_SUPERSEDED:
		return "superseded";
	}
	return "unknown";
}

static void victim_fields(const struct field_sink *s, const struct report_kill *k)
{
	const struct process *v = &k->victim;

	field(s, "REAPD_VICTIM_PID=%d", v->id.pid);
	field(s, "REAPD_VICTIM_TID=%d", v->mm_tid);
	field(s, "REAPD_VICTIM_COMM=%s", v->comm);
	field(s, "REAPD_VICTIM_UID=%u", v->uid);
	field(s, "REAPD_VICTIM_CGROUP=%s", k->cgroup);
	field(s, "REAPD_VICTIM_UNIT=%s", k->unit);
	field(s, "REAPD_VICTIM_START_TIME=%" PRIu64, v->id.start_time);
	field(s, "REAPD_UNIT_KILLS=%u", k->unit_kills);
	field(s, "REAPD_RSS_PAGES=%" PRId64, v->badness.rss_pages);
	field(s, "REAPD_RSS_ANON_BYTES=%" PRIu64, v->memory.rss_anon_bytes);
	field(s, "REAPD_RSS_FILE_BYTES=%" PRIu64, v->memory.rss_file_bytes);
	field(s, "REAPD_RSS_SHMEM_BYTES=%" PRIu64, v->memory.rss_shmem_bytes);
	field(s, "REAPD_SWAP_PAGES=%" PRId64, v->badness.swap_pages);
	field(s, "REAPD_PGTABLES_PAGES=%" PRId64, v->badness.pgtables_pages);
	field(s, "REAPD_OOM_SCORE_ADJ=%d", v->oom_score_adj);
	field(s, "REAPD_ADJ_PAGES=%" PRId64, v->badness.adj_pages);
	field(s, "REAPD_BADNESS_PAGES=%" PRId64, v->badness.points);
	field(s, "REAPD_RULES_PAGES=%" PRId64, v->bias_pages);
	if (k->rule[0] != '\0')
		field(s, "REAPD_RULE=%s", k->rule);
	field(s, "REAPD_TOTAL_PAGES=%" PRIu64, k->total_pages);
	field(s, "REAPD_OOM_SCORE=%" PRId64,
	      badness_to_oom_score(v->badness.points, k->total_pages));
}

static void family_fields(const struct field_sink *s, const struct report_kill *k)
{
	char text[FAMILY_MAX * 12] = "";
	size_t len = 0;

	field(s, "REAPD_FAMILY_SIZE=%u", k->family_size);
	if (k->family.size == 0)
		return;
	for (unsigned i = 0; i < k->family.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, i == 0 ? "%d" : " %d",
					k->family_pids[i]);
	field(s, "REAPD_FAMILY_PIDS=%s", text);
	field(s, "REAPD_FAMILY_BYTES=%" PRIu64, k->family.held_bytes);
	field(s, "REAPD_FAMILY_GROWN_BYTES=%" PRIu64, k->family.grown_bytes);
}

static void writer_fields(const struct field_sink *s, const struct report_kill *k)
{
	if (k->writer.id.pid == 0)
		return;
	field(s, "REAPD_WRITER_CGROUP=%s", k->writer.group);
	field(s, "REAPD_WRITER_BYTES=%" PRIu64, k->writer.grown_bytes);
}

static void difference_fields(const struct field_sink *s, const struct report_kill *k)
{
	field(s, "REAPD_DIFFERENCE=%s", difference_name(k->difference));
	if (k->difference == DIFFERENCE_NONE)
		return;
	field(s, "REAPD_KERNELS_PID=%d", k->kernels);
	field(s, "REAPD_KERNELS_COMM=%s", k->kernels_comm);
	field(s, "REAPD_KERNELS_BYTES=%" PRIu64, k->kernels_bytes);
}

static void kill_fields(const struct field_sink *s, const struct report_kill *k,
			enum report_kind kind)
{
	moment_fields(s, &k->moment);
	victim_fields(s, k);
	field(s, "REAPD_SIGNAL=%s", report_signal_name(k->signal));
	field(s, "REAPD_TERM_IGNORED=%d", k->not_asked);
	field(s, "REAPD_SHARERS=%u", k->sharers);
	field(s, "REAPD_GROUP_SIZE=%u", k->group_size);
	family_fields(s, k);
	writer_fields(s, k);
	difference_fields(s, k);
	field(s, "REAPD_EXPECTED_BYTES=%" PRIu64, k->expected_bytes);
	field(s, "REAPD_SIGNAL_USEC=%" PRIu64, k->signal_usec);
	field(s, "REAPD_OUTCOME=%s", outcome_name(k->outcome));
	if (kind != REPORT_KILL)
		return;
	if (k->error != 0)
		field(s, "REAPD_ERROR=%s", strerrorname_np(k->error));
	field(s, "REAPD_FREED_BYTES=%" PRId64, k->freed_bytes);
	if (k->death_usec > 0)
		field(s, "REAPD_DEATH_USEC=%" PRIu64, k->death_usec);
	if (k->back_usec > 0)
		field(s, "REAPD_BACK_USEC=%" PRIu64, k->back_usec);
	field(s, "REAPD_MRELEASE=%s", k->reap_done ? report_error_name(k->reap.error) : "none");
	field(s, "REAPD_MRELEASE_TRIES=%u", k->reap.tries);
}

static void barren_fields(const struct field_sink *s, const struct report_barren *b)
{
	const struct meminfo *mem = &b->moment.sample.mem;

	moment_fields(s, &b->moment);
	field(s, "REAPD_ELSEWHERE_BYTES=%" PRIu64, b->moment.elsewhere_bytes);
	field(s, "REAPD_SHMEM_BYTES=%" PRIu64, mem->shmem_bytes);
	field(s, "REAPD_HUGETLB_BYTES=%" PRIu64, mem->hugetlb_bytes);
	field(s, "REAPD_SLAB_BYTES=%" PRIu64, mem->unreclaimable_bytes);
	if (b->stuck_bytes == 0)
		return;
	field(s, "REAPD_STUCK_PID=%d", b->stuck_pid);
	field(s, "REAPD_STUCK_COMM=%s", b->stuck_comm);
	field(s, "REAPD_STUCK_BYTES=%" PRIu64, b->stuck_bytes);
}

void report_format_fields(const struct report *r, void (*add)(void *userdata, const char *field),
			  void *userdata)
{
	const struct field_sink s = {add, userdata};

	switch (r->kind) {
	case REPORT_NOTE:
		return;
	case REPORT_START:
		start_fields(&s, &r->start);
		return;
	case REPORT_LEVEL:
	case REPORT_STATE:
		moment_fields(&s, &r->moment);
		return;
	case REPORT_BARREN:
		barren_fields(&s, &r->barren);
		return;
	case REPORT_SIGNAL:
	case REPORT_KILL:
		kill_fields(&s, &r->kill, r->kind);
		return;
	case REPORT_TABLE:
		moment_fields(&s, &r->table.moment);
		field(&s, "REAPD_VICTIM_PID=%d", r->table.victim);
		return;
	case REPORT_SLAB:
		field(&s, "REAPD_SLAB_UNRECLAIMABLE_BYTES=%" PRIu64, r->slab.unreclaimable_bytes);
		field(&s, "REAPD_LRU_BYTES=%" PRIu64, r->slab.lru_bytes);
		return;
	}
}
