/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wording of reports; see report.h. What the kernel's killer says too is said in its words
 * (__oom_kill_process(), oom_reap_task(), dump_tasks() of mm/oom_kill.c), because people and
 * scripts know them.
 */
#include "daemon/report.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

struct out {
	char *buf;
	size_t size;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(o->buf + o->len, o->size - o->len, format, args);
	va_end(args);
	if (n > 0)
		o->len = u64_min(o->len + (size_t)n, o->size - 1);
}

static void put_bytes(struct out *o, uint64_t bytes)
{
	char text[32];

	format_bytes(bytes, text, sizeof(text));
	put(o, "%s", text);
}

static void put_name(struct out *o, const char *name)
{
	text_format_name(name, o->buf + o->len, o->size - o->len);
	o->len += strlen(o->buf + o->len);
}

static void put_named(struct out *o, pid_t pid, const char *comm)
{
	put(o, "process %d (", pid);
	put_name(o, comm);
	put(o, ")");
}

static void put_process(struct out *o, const struct process *p)
{
	put_named(o, p->id.pid, p->comm);
}

static void put_percent(struct out *o, uint64_t part, uint64_t whole)
{
	uint64_t permille = whole > 0 ? u64_muldiv(part, 1000, whole) : 0;

	put(o, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10);
}

static void put_memory(struct out *o, const struct sample *s)
{
	const struct meminfo *m = &s->mem;
	uint64_t usable = sample_usable_swap_bytes(s);

	put_bytes(o, m->available_bytes);
	put(o, " of ");
	put_bytes(o, m->total_bytes);
	put(o, " available (");
	put_percent(o, m->available_bytes, m->total_bytes);
	put(o, "), ");
	if (m->swap_total_bytes == 0) {
		put(o, "no swap");
		return;
	}
	put_bytes(o, m->swap_free_bytes);
	put(o, " of ");
	put_bytes(o, m->swap_total_bytes);
	put(o, " swap free (");
	put_percent(o, m->swap_free_bytes, m->swap_total_bytes);
	put(o, ")");
	if (usable == m->swap_free_bytes)
		return;
	put(o, ", which adds ");
	put_bytes(o, usable);
}

static void put_stall(struct out *o, const struct report_moment *m)
{
	char group[4 * sizeof(m->stalled_group)];

	put_percent(o, m->stall_permyriad, 10000);
	put(o, " of the last %" PRIu64 " s lost to memory stalls", m->stall_window_usec / 1000000);
	if (m->stalled_group[0] == '\0')
		return;
	text_format_name(m->stalled_group, group, sizeof(group));
	put(o, " by %s", group);
}

/* Enough of either memory or swap. */
static void put_plenty(struct out *o, const struct report_moment *m, enum level limit)
{
	if (m->sample.mem.available_bytes > m->limits.memory_bytes[limit]) {
		put(o, "above the limit of ");
		put_bytes(o, m->limits.memory_bytes[limit]);
		return;
	}
	put(o, "not above the limit of ");
	put_bytes(o, m->limits.memory_bytes[limit]);
	put(o, ", but swap is above its own of ");
	put_bytes(o, m->limits.swap_bytes[limit]);
}

/* What the level rests on, and what that means. */
static void put_reason(struct out *o, const struct report_moment *m)
{
	enum level limit = m->level > LEVEL_CALM ? m->level : LEVEL_WARNING;

	switch (m->reason) {
	case REASON_PLENTY:
		put_plenty(o, m, limit);
		return;
	case REASON_EXHAUSTION:
		if (sample_usable_swap_bytes(&m->sample) > m->limits.swap_bytes[limit]) {
			put(o, "together with all that swap could take, ");
			put_bytes(o, sample_movable_bytes(&m->sample));
			put(o, ", at or below the limit of ");
			put_bytes(o, m->limits.left_bytes[limit]);
			return;
		}
		put(o, "at or below the limit of ");
		put_bytes(o, m->limits.memory_bytes[limit]);
		if (m->sample.mem.swap_total_bytes > 0) {
			put(o, " and of ");
			put_bytes(o, m->limits.swap_bytes[limit]);
			put(o, " for swap");
		}
		return;
	case REASON_SWAP_LEFT:
		put(o, "at or below the soft limit of ");
		put_bytes(o, m->limits.memory_bytes[LEVEL_SOFT]);
		if (sample_usable_swap_bytes(&m->sample) > m->limits.swap_bytes[LEVEL_SOFT]) {
			put(o, ", but swap is above its own of ");
			put_bytes(o, m->limits.swap_bytes[LEVEL_SOFT]);
			put(o, ": nobody is killed");
			return;
		}
		put(o, ", and of ");
		put_bytes(o, m->limits.swap_bytes[LEVEL_SOFT]);
		put(o, " for swap, if the little that is on zram is a measure of the rest: nobody "
		       "is killed before it was so for half a second");
		return;
	case REASON_THRASH:
		put_stall(o, m);
		if (m->sample.mem.available_bytes <= m->limits.memory_bytes[LEVEL_WARNING]) {
			put(o, " with available memory at or below ");
			put_bytes(o, m->limits.memory_bytes[LEVEL_WARNING]);
		} else {
			put(o, " while all that is available is files in use");
		}
		put(o, ": what is reclaimed is needed");
		return;
	case REASON_STALL:
		put_stall(o, m);
		put(o, ", but memory is available: killing would not help");
		return;
	case REASON_RECLAIM:
		put_stall(o, m);
		put(o, ", but hardly anything of what is reclaimed is needed again: nobody is "
		       "killed");
		return;
	}
}

static void put_limit(struct out *o, const char *what, uint64_t bytes)
{
	put(o, "%s at ", what);
	put_bytes(o, bytes);
	put(o, " (%" PRIu64 " bytes)", bytes);
}

static void format_start(struct out *o, const struct report_start *s)
{
	const struct meminfo *mem = &s->moment.sample.mem;
	const char *pressure = s->psi_trigger ? "wakes it"
			       : s->moment.sample.has_psi
				       ? "is read but cannot wake it (CAP_SYS_RESOURCE)"
				       : "is not available: stalls are not seen";

	put(o, "reapd %s%s watches ", s->version, s->dry_run ? ", in a dry run," : "");
	put_bytes(o, mem->total_bytes);
	put(o, " of memory and ");
	if (mem->swap_total_bytes > 0)
		put_bytes(o, mem->swap_total_bytes);
	else
		put(o, "none");
	put(o, " of swap: ");
	put_limit(o, "SIGTERM", s->moment.limits.memory_bytes[LEVEL_SOFT]);
	put_limit(o, ", SIGKILL", s->moment.limits.memory_bytes[LEVEL_HARD]);
	put(o,
	    " of available memory; pressure %s; process_mrelease %s; memory %s; own "
	    "oom_score_adj %s; fills at most ",
	    pressure, s->mrelease ? "works" : "is missing (Linux 5.15)",
	    s->memory_locked ? "is locked" : "is not locked (CAP_IPC_LOCK)",
	    s->adj_is_min ? "is -1000" : "is not -1000 (CAP_SYS_RESOURCE)");
	put_bytes(o, s->fill_rate_bytes);
	put(o, " a second");
}

/* Only when it is soon: at a slow rate it says more about the second than about the machine. */
#define EXHAUSTED_SOON_USEC (UINT64_C(60) * 1000000)

static void put_consumption(struct out *o, const struct report_moment *m)
{
	if (m->consumed_bytes == 0 || m->exhausted_usec > EXHAUSTED_SOON_USEC)
		return;
	put(o, "; ");
	put_bytes(o, m->consumed_bytes);
	put(o, " a second are used up, and all of it in %" PRIu64 ".%" PRIu64 " s",
	    m->exhausted_usec / 1000000, m->exhausted_usec / 100000 % 10);
}

/* Nothing of the host, which most is about. */
static void put_domain(struct out *o, const char *before, const struct report_moment *m)
{
	if (m->domain.kind == DOMAIN_HOST)
		return;
	put(o, "%s", before);
	put_name(o, m->domain.text);
}

static void format_level(struct out *o, const struct report_moment *m)
{
	put(o, "memory level %s (was %s)", level_name(m->level), level_name(m->level_before));
	put_domain(o, " of ", m);
	put(o, ": ");
	put_memory(o, &m->sample);
	put(o, "; ");
	put_reason(o, m);
	put_consumption(o, m);
}

static void format_state(struct out *o, const struct report_moment *m)
{
	put(o, "level %s", level_name(m->level));
	put_domain(o, " of ", m);
	put(o, ": ");
	put_memory(o, &m->sample);
	if (m->sample.has_psi) {
		put(o, ", ");
		put_stall(o, m);
	}
}

/* Whatever holds memory and is no process: the answer to "why was nobody killed". */
static void format_barren(struct out *o, const struct report_barren *b)
{
	const struct report_moment *m = &b->moment;
	const struct meminfo *mem = &m->sample.mem;

	put(o, "memory level %s", level_name(m->level));
	put_domain(o, " of ", m);
	if (b->stuck_bytes > 0) {
		put(o, ", but nobody else is killed for now: ");
		put_named(o, b->stuck_pid, b->stuck_comm);
		put(o, " was killed, does not die and still holds ");
		put_bytes(o, b->stuck_bytes);
		put(o, "; the best other one, ");
		put_named(o, b->best_pid, b->best_comm);
		put(o, ", holds ");
		put_bytes(o, b->best_bytes);
		put(o, ", which is too little: ");
	} else if (m->elsewhere_bytes > 0) {
		put(o, ", but nobody is killed: ");
		put_bytes(o, m->elsewhere_bytes);
		put(o, " have gone to what is no process's, and no process holds half as much: ");
	} else {
		put(o, ", but no process can be killed: ");
	}
	put_memory(o, &m->sample);
	put(o, "; shared memory and tmpfs hold ");
	put_bytes(o, mem->shmem_bytes);
	put(o, ", huge pages ");
	put_bytes(o, mem->hugetlb_bytes);
	put(o, ", unreclaimable slab ");
	put_bytes(o, mem->unreclaimable_bytes);
}

const char *report_signal_name(int signal)
{
	switch (signal) {
	case SIGTERM:
		return "SIGTERM";
	case SIGKILL:
		return "SIGKILL";
	default:
		return "none";
	}
}

/* By how much it was chosen sooner or later than its size says, and whose doing that is. */
static void put_rule(struct out *o, const struct report_kill *k)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int64_t bias = k->victim.bias_pages;

	if (bias == 0)
		return;
	put(o, ", %s counts ", k->rule);
	put_bytes(o, (uint64_t)(bias < 0 ? -bias : bias) * page);
	put(o, bias < 0 ? " less" : " more");
}

static void put_family(struct out *o, const struct report_kill *k)
{
	if (k->family.size == 0)
		return;
	put(o, " and %u more of its family: %u processes that share %s hold ", k->family_size,
	    k->family.size, kinship_name(k->family.kinship));
	put_bytes(o, k->family.held_bytes);
	put(o, ", ");
	put_bytes(o, k->family.grown_bytes);
	put(o, " of it new");
}

static void put_writer(struct out *o, const struct report_kill *k)
{
	if (k->writer.id.pid == 0)
		return;
	put(o, "; it fills a tmpfs: ");
	put_name(o, k->writer.group);
	put(o, " has taken ");
	put_bytes(o, k->writer.grown_bytes);
	put(o, " of shared memory within %" PRIu64 ".%" PRIu64 " s",
	    k->writer.elapsed_usec / 1000000, k->writer.elapsed_usec / 100000 % 10);
}

/* Where the choice is not the kernel's. */
static void put_difference(struct out *o, const struct report_kill *k)
{
	if (k->difference == DIFFERENCE_NONE)
		return;
	put(o, "; the kernel would have killed ");
	if (k->kernels == k->victim.id.pid) {
		put(o, "it alone");
		return;
	}
	put_named(o, k->kernels, k->kernels_comm);
	switch (k->difference) {
	case DIFFERENCE_NONE:
	case DIFFERENCE_RULES:
		put(o, ", but for the rules");
		return;
	case DIFFERENCE_SORT:
		put(o, ", but for SortBy=rss");
		return;
	case DIFFERENCE_YIELD:
		put(o, ", which holds ");
		put_bytes(o, k->kernels_bytes);
		put(o, " and does not end the shortage");
		return;
	case DIFFERENCE_FAMILY:
	case DIFFERENCE_WRITER:
		put(o, ", which holds ");
		put_bytes(o, k->kernels_bytes);
		return;
	}
}

static void format_signal(struct out *o, const struct report_kill *k)
{
	const struct process_status *m = &k->victim.memory;
	bool is_group = k->moment.domain.kind == DOMAIN_CGROUP;

	/* as oom_kill_process() is called in out_of_memory() and mem_cgroup_out_of_memory() */
	if (k->outcome == OUTCOME_SPARED)
		put(o, "%s: dry run, would send %s to ",
		    is_group ? "Memory cgroup out of memory" : "Out of memory",
		    report_signal_name(k->signal));
	else if (k->signal == SIGKILL)
		put(o, "%s: Killed ", is_group ? "Memory cgroup out of memory" : "Out of memory");
	else
		put(o, "%s: Sent SIGTERM to ",
		    is_group ? "Memory cgroup low on memory" : "Low on memory");
	put_process(o, &k->victim);
	put(o,
	    " total-vm:%" PRIu64 "kB, anon-rss:%" PRIu64 "kB, file-rss:%" PRIu64
	    "kB, shmem-rss:%" PRIu64 "kB, UID:%u pgtables:%" PRIu64 "kB oom_score_adj:%d",
	    m->total_vm_bytes / 1024, m->rss_anon_bytes / 1024, m->rss_file_bytes / 1024,
	    m->rss_shmem_bytes / 1024, k->victim.uid, m->pgtables_bytes / 1024,
	    k->victim.oom_score_adj);
	put_domain(o, ", for ", &k->moment);
	put_rule(o, k);
	if (k->not_asked)
		put(o, ", not asked first because it ignores SIGTERM");
	if (k->victim.mm_tid != k->victim.id.pid)
		put(o, ", its memory read from thread %d: its leader has exited", k->victim.mm_tid);
	if (k->victim.task_origin)
		put(o, ", taken first because it is in swapoff");
	if (k->sharers > 0)
		put(o, " and %u more that share%s its memory", k->sharers,
		    k->sharers == 1 ? "s" : "");
	if (k->group_size > 0)
		put(o, " and %u more of its process group", k->group_size);
	put_family(o, k);
	put_writer(o, k);
	put_difference(o, k);
}

const char *report_error_name(int error)
{
	return error == 0 ? "0" : strerrorname_np(error);
}

static void put_msec(struct out *o, uint64_t usec)
{
	put(o, "%" PRIu64 ".%" PRIu64 " ms", usec / 1000, usec / 100 % 10);
}

static void put_unit(struct out *o, const struct report_kill *k)
{
	if (k->unit[0] == '\0')
		return;
	put(o, " [");
	put_name(o, k->unit);
	if (k->unit_kills > 1)
		put(o, ", kill number %u within an hour", k->unit_kills);
	put(o, "]");
}

static bool reaped(const struct report_kill *k)
{
	return k->reap_done && reap_is_over(&k->reap);
}

static void format_settled(struct out *o, const struct report_kill *k)
{
	put(o, reaped(k) ? "reaped " : "ended ");
	put_process(o, &k->victim);
	put(o, ", now anon-rss:%" PRIu64 "kB, file-rss:%" PRIu64 "kB, shmem-rss:%" PRIu64 "kB",
	    k->reap.rss_anon_bytes / 1024, k->reap.rss_file_bytes / 1024,
	    k->reap.rss_shmem_bytes / 1024);
	put_unit(o, k);
	if (k->death_usec > 0) {
		put(o, ": dead after ");
		put_msec(o, k->death_usec);
	} else {
		put(o, ": not dead yet");
	}
	put(o, ", ");
	put_bytes(o, k->freed_bytes > 0 ? (uint64_t)k->freed_bytes : 0);
	put(o, " of ");
	put_bytes(o, k->expected_bytes);
	if (k->back_usec > 0) {
		put(o, " back after ");
		put_msec(o, k->back_usec);
	} else {
		put(o, " came back");
	}
	if (k->reap_done)
		put(o, ", process_mrelease: %s", report_error_name(k->reap.error));
}

static void format_kill(struct out *o, const struct report_kill *k)
{
	switch (k->outcome) {
	case OUTCOME_PENDING:
		put_process(o, &k->victim);
		put_unit(o, k);
		put(o, " was still waited for when reapd ended");
		return;
	case OUTCOME_SETTLED:
		format_settled(o, k);
		return;
	case OUTCOME_RELEASED:
		put_process(o, &k->victim);
		put_unit(o, k);
		put(o, " outlived SIGTERM, but memory is available again: it is left alone");
		return;
	case OUTCOME_STUCK:
		put(o, reaped(k) ? "reaped " : "unable to reap ");
		put_process(o, &k->victim);
		put_unit(o, k);
		put(o, ": it does not die and is put aside");
		if (k->reap.state != '\0')
			put(o, ", in state %c", k->reap.state);
		if (k->reap.wchan[0] != '\0')
			put(o, ", waiting in %s", k->reap.wchan);
		put(o, ", ");
		put_bytes(o, k->freed_bytes > 0 ? (uint64_t)k->freed_bytes : 0);
		put(o, " of ");
		put_bytes(o, k->expected_bytes);
		put(o, " came back");
		if (k->reap_done)
			put(o, ", process_mrelease: %s", report_error_name(k->reap.error));
		return;
	case OUTCOME_REFUSED:
		put_process(o, &k->victim);
		put(o, " cannot be killed and is put aside: %s",
		    k->error == EBUSY ? "its memory is init's too, and would not come back"
				      : strerror(k->error));
		return;
	case OUTCOME_SPARED:
		put_process(o, &k->victim);
		put(o, " was spared: dry run");
		return;
	case OUTCOME_SUPERSEDED:
		put_process(o, &k->victim);
		put_unit(o, k);
		put(o, " is not waited for any longer: another kill comes before it");
		return;
	}
}

static void put_row(struct out *o, const struct report_table *t, const struct process *p)
{
	const struct process_status *m = &p->memory;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	put(o,
	    "\n[%7d] %5u %5d %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %9" PRIu64
	    " %13" PRIu64 " %8" PRIu64 " %13d %9" PRId64 " %+8" PRId64 " %9" PRId64 " %-8s ",
	    p->mm_tid, p->uid, p->id.pid, m->total_vm_bytes / page, (uint64_t)p->badness.rss_pages,
	    m->rss_anon_bytes / page, m->rss_file_bytes / page, m->rss_shmem_bytes / page,
	    m->pgtables_bytes, (uint64_t)p->badness.swap_pages, p->oom_score_adj, p->badness.points,
	    p->bias_pages, badness_to_oom_score(p->badness.points, t->total_pages),
	    p->id.pid == t->victim ? "victim" : verdict_name(p->verdict));
	put_name(o, p->comm);
}

static void format_table(struct out *o, const struct report_table *t)
{
	put(o, "why: level %s", level_name(t->moment.level));
	put_domain(o, " of ", &t->moment);
	put(o, ", ");
	put_memory(o, &t->moment.sample);
	put(o, "; ");
	put_reason(o, &t->moment);
	put(o, ". %u processes, %u with a score, %u read in full", t->seen, t->scored,
	    t->evaluated);
	if (t->unreadable > 0)
		put(o, ", %u unreadable", t->unreadable);
	if (t->overflow > 0)
		put(o, ", %u not looked at", t->overflow);
	if (t->left_out > 0)
		put(o, "; %u tables before this one were left out", t->left_out);
	if (t->count == 0) {
		put(o, ". vm.oom_dump_tasks is 0: the candidates are not shown");
		return;
	}
	put(o, ". The first of them by %s; total pages: %" PRIu64 "\n",
	    t->sort_by == SORT_BY_RSS ? "rss" : "badness", t->total_pages);
	put(o, "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes "
	       "swapents oom_score_adj   badness    rules oom_score verdict  name");
	for (unsigned i = 0; i < t->count; i++)
		put_row(o, t, &t->rows[i]);
}

static void format_slab(struct out *o, const struct report_slab *s)
{
	put(o, "the kernel itself holds ");
	put_bytes(o, s->unreclaimable_bytes);
	put(o, " in caches that cannot be reclaimed, and all programs and files ");
	put_bytes(o, s->lru_bytes);
	put(o, ": to kill processes is of little use");
	if (s->error != 0) {
		put(o, "; which caches these are, /proc/slabinfo does not tell: %s",
		    strerror(s->error));
		return;
	}
	for (unsigned i = 0; i < s->top.count; i++) {
		put(o, i == 0 ? "; the largest: " : ", ");
		put_name(o, s->top.slabs[i].name);
		put(o, " ");
		put_bytes(o, s->top.slabs[i].total_bytes);
		put(o, " (");
		put_bytes(o, s->top.slabs[i].used_bytes);
		put(o, " in use)");
	}
}

void report_format_text(const struct report *r, char *buf, size_t size)
{
	struct out o = {buf, size, 0};

	buf[0] = '\0';
	switch (r->kind) {
	case REPORT_NOTE:
		put(&o, "%s", r->text);
		break;
	case REPORT_START:
		format_start(&o, &r->start);
		break;
	case REPORT_LEVEL:
		format_level(&o, &r->moment);
		break;
	case REPORT_STATE:
		format_state(&o, &r->moment);
		break;
	case REPORT_BARREN:
		format_barren(&o, &r->barren);
		break;
	case REPORT_SIGNAL:
		format_signal(&o, &r->kill);
		break;
	case REPORT_TABLE:
		format_table(&o, &r->table);
		break;
	case REPORT_KILL:
		format_kill(&o, &r->kill);
		break;
	case REPORT_SLAB:
		format_slab(&o, &r->slab);
		break;
	}
	if (r->dropped > 0)
		put(&o, " (%" PRIu64 " reports before this one were lost)", r->dropped);
}
