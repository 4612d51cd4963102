/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scan of scan.h: pids, then scores, then a counting sort by score, then as many whole
 * processes as it takes. qsort() is not used because glibc's allocates.
 */
#include "sys/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fs.h"
#include "sys/process-file.h"
#include "sys/ruling.h"
#include "sys/scan-private.h"

#define DYING_READ   8 /* that cannot win by themselves, in search of one that dies */
#define ALIKE_SCORES 4 /* a step is up to two, and both may have grown by one */

/*
 * How far the kernel's own figure may be from the one that status gives: up to 7.0 oom_badness()
 * sums approximate per-CPU counters, each off by less than max(32, 2 * CPUs) pages a CPU.
 */
static int64_t counter_error_pages(void)
{
	int64_t cpus = sysconf(_SC_NPROCESSORS_CONF);
	int64_t batch = 2 * cpus > 32 ? 2 * cpus : 32;

	return 4 * batch * cpus; /* rss in three kinds, and swap entries */
}

unsigned scan_count_processes(int proc_fd)
{
	struct stat st;

	/* proc_root_getattr(): its own links and one for each process */
	return fstat(proc_fd, &st) < 0 || st.st_nlink > UINT32_MAX ? 0 : (unsigned)st.st_nlink;
}

struct scanner *scanner_new(int proc_fd, unsigned processes)
{
	struct scanner *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->proc_fd = proc_fd;
	s->counter_error_pages = counter_error_pages();
	if (scanner_reserve(s, processes > 256 ? processes : 256) < 0) {
		scanner_free(s);
		return NULL;
	}
	return s;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	free(s->pids);
	free(s->scores);
	free(s->next);
	free(s);
}

/* Memory that is there already, and not when a scan first touches it in the middle of a kill. */
static void *allocate_resident(size_t size)
{
	void *memory = malloc(size);

	return memory ? memset(memory, 0xff, size) : NULL;
}

int scanner_reserve(struct scanner *s, unsigned processes)
{
	unsigned capacity;
	pid_t *pids;
	int32_t *scores;
	uint32_t *next;

	/* half as many may come before this is called again */
	if (processes + processes / 2 <= s->capacity)
		return 0;
	capacity = processes < UINT32_MAX / 2 ? processes * 2 : processes;

	pids = allocate_resident(capacity * sizeof(*pids));
	scores = allocate_resident(capacity * sizeof(*scores));
	next = allocate_resident(capacity * sizeof(*next));
	if (!pids || !scores || !next) {
		free(pids);
		free(scores);
		free(next);
		return -ENOMEM;
	}

	free(s->pids);
	free(s->scores);
	free(s->next);
	s->pids = pids;
	s->scores = scores;
	s->next = next;
	s->capacity = capacity;
	s->count = 0; /* the walk of an earlier scan is over */
	s->cursor_score = -1;
	s->cursor = NOBODY;
	return 1;
}

struct listing {
	struct scanner *scanner;
	struct scan_result *result;
};

static bool list_pid(void *userdata, int pid)
{
	struct listing *l = userdata;

	l->result->seen++;
	if (l->scanner->count < l->scanner->capacity)
		l->scanner->pids[l->scanner->count++] = pid;
	else
		l->result->overflow++;
	return true;
}

static int list_pids(struct scanner *s, struct scan_result *result)
{
	struct listing l = {s, result};
	CLEANUP_CLOSE int fd = openat(s->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	s->count = 0;
	if (fd < 0)
		return -errno;
	return fs_for_each_number(fd, s->dents, sizeof(s->dents), list_pid, &l);
}

int scan_read_oom_score(int proc_fd, pid_t pid)
{
	char path[32];
	int64_t score;
	int r;

	strcpy(fs_format_pid(path, pid), "/oom_score");
	r = fs_read_number_at(proc_fd, path, &score);
	if (r < 0)
		return r;
	if (score < 0)
		return -ERANGE;
	return score < SCORES ? (int)score : SCORES - 1;
}

static void read_scores(struct scanner *s, struct scan_result *result)
{
	for (unsigned i = 0; i < SCORES; i++)
		s->heads[i] = NOBODY;

	for (unsigned i = 0; i < s->count; i++) {
		int score = scan_read_oom_score(s->proc_fd, s->pids[i]);

		if (score < 0 && score != -ENOENT && score != -ESRCH)
			result->unreadable++;
		s->scores[i] = score > 0 ? score : 0;
		if (score <= 0)
			continue;
		result->scored++;
		s->next[i] = s->heads[score];
		s->heads[score] = i;
	}
	s->cursor_score = SCORES - 1;
	s->cursor = s->heads[SCORES - 1];
}

/* The next process from the highest score down; -1 at the end. */
static pid_t walk_next(struct scanner *s, int *ret_score)
{
	while (s->cursor == NOBODY) {
		if (s->cursor_score <= 0)
			return -1;
		s->cursor = s->heads[--s->cursor_score];
	}
	*ret_score = s->cursor_score;
	pid_t pid = s->pids[s->cursor];
	s->cursor = s->next[s->cursor];
	return pid;
}

void scanner_put_aside(struct scanner *s, struct process_id id)
{
	s->aside[s->aside_next] = id;
	s->aside_next = (s->aside_next + 1) % SCAN_ASIDE;
}

bool scanner_is_aside(const struct scanner *s, struct process_id id)
{
	for (unsigned i = 0; i < SCAN_ASIDE; i++) {
		if (process_id_equal(s->aside[i], id))
			return true;
	}
	return false;
}

static void top_insert(struct scan_result *result, const struct process *p, enum sort_by by)
{
	unsigned at = result->top_count;

	if (p->verdict == VERDICT_GONE || p->verdict == VERDICT_NO_MM)
		return;
	if (at == SCAN_TOP) {
		if (!process_beats(p, &result->top[at - 1], by))
			return;
		at--;
	} else {
		result->top_count++;
	}
	for (; at > 0 && process_beats(p, &result->top[at - 1], by); at--)
		result->top[at] = result->top[at - 1];
	result->top[at] = *p;
}

/* Takes one process that was read in full into the top. */
static void take_in(struct scanner *s, const struct scan_request *request, struct process *p,
		    struct scan_result *result)
{
	if ((p->verdict == VERDICT_ELIGIBLE || p->verdict == VERDICT_DYING) &&
	    scanner_is_aside(s, p->id))
		p->verdict = VERDICT_ASIDE;
	top_insert(result, p, request->sort_by);
}

static void evaluate(struct scanner *s, const struct scan_request *request, struct process *p,
		     struct scan_result *result)
{
	take_in(s, request, p, result);
	result->evaluated++;
	choice_note(&result->choice, p, request->shortage_bytes, request->sort_by);
	if (p->verdict == VERDICT_ELIGIBLE &&
	    (!result->found || process_beats(p, &result->victim, request->sort_by))) {
		result->found = true;
		result->victim = *p;
	}
}

/* What @p gives back is enough, or as much as @victim's death would. */
static bool stands_in(const struct scan_request *request, const struct process *p,
		      const struct process *victim)
{
	uint64_t bytes = process_expected_bytes(p);

	if (request->shortage_bytes > 0 && bytes >= request->shortage_bytes)
		return true;
	return process_beats(p, victim, request->sort_by) &&
	       bytes >= process_expected_bytes(victim) / 2;
}

/*
 * Nobody has to die if somebody is dying already, whoever sent the signal, as in
 * oom_evaluate_task(); but only somebody whose memory makes a difference: else a crowd of tiny
 * processes with a high oom_score_adj that hang while they exit would keep a leak alive.
 */
static void prefer_dying(const struct scan_request *request, struct scan_result *result)
{
	if (request->dying == DYING_IS_SKIPPED)
		return;
	for (unsigned i = 0; i < result->top_count; i++) {
		const struct process *p = &result->top[i];

		if (p->verdict != VERDICT_DYING)
			continue;
		if (result->found && !stands_in(request, p, &result->victim))
			continue;
		result->found = true;
		result->victim = *p;
		return;
	}
}

/* Somebody of at most @bound pages may still have to be taken in the place of who holds too little.
 */
static bool relief_is_open(const struct scan_request *request, const struct scan_result *result,
			   int64_t bound)
{
	const struct process *relief = &result->choice.relief;
	int64_t enough = (int64_t)(request->shortage_bytes / (uint64_t)sysconf(_SC_PAGESIZE));

	if (request->select != SELECT_RELIEF ||
	    choice_relieves(&result->victim, request->shortage_bytes) || bound < enough)
		return false;
	return !result->choice.has_relief || relief->badness.points + relief->bias_pages <= bound;
}

/* No process with this score or less, and with @bias on top, can still beat the best so far. */
static bool search_is_over(const struct scanner *s, const struct scan_request *request,
			   const struct scan_result *result, int score, int64_t bias)
{
	int64_t bound;

	if (result->victim.task_origin)
		return true;
	if (!result->found || request->sort_by != SORT_BY_BADNESS)
		return false;
	bound = badness_upper_bound(score, request->total_pages) + s->counter_error_pages + bias;
	return result->victim.badness.points + result->victim.bias_pages > bound &&
	       !relief_is_open(request, result, bound);
}

/* The name alone: a sixth of what reading the whole process costs. */
static bool read_comm(const struct scanner *s, pid_t pid, char ret[static COMM_SIZE])
{
	char path[32], text[COMM_SIZE];
	size_t len;

	strcpy(fs_format_pid(path, pid), "/comm");
	if (fs_read_at(s->proc_fd, path, text, sizeof(text), &len) < 0)
		return false;
	/* the name may hold a newline: only the last one is the file's */
	if (len > 0 && text[len - 1] == '\n')
		len--;
	text_copy(TEXT(text, len), ret, COMM_SIZE);
	return true;
}

static bool may_be_lifted(const struct scanner *s, const struct scan_request *request, pid_t pid)
{
	uint64_t matched = identity_guess(request->known, pid);
	enum ruling_lift lift = ruling_may_lift(request->patterns, matched, NULL);
	char comm[COMM_SIZE];

	if (lift == LIFT_PERHAPS && read_comm(s, pid, comm))
		lift = ruling_may_lift(request->patterns, matched, comm);
	return lift == LIFT_YES;
}

/*
 * oom_task_origin(): the kernel marks who is in swapoff(2) and takes it first, because it is what
 * eats the memory. It does not show the mark, and /proc/PID/syscall is readable for the owner
 * alone. So: somebody is in it for certain (request->swapoff), has to be root, and is called what
 * the only program for it is called. One that calls itself otherwise stays hidden.
 */
static bool is_task_origin(const struct process *p)
{
	return p->verdict == VERDICT_ELIGIBLE && p->uid == 0 && strcmp(p->comm, "swapoff") == 0;
}

static void take_task_origin(struct scanner *s, const struct scan_request *request,
			     struct scan_result *result)
{
	char comm[COMM_SIZE];
	struct process p;

	for (unsigned i = 0; i < s->count; i++) {
		if (!read_comm(s, s->pids[i], comm) || strcmp(comm, "swapoff") != 0)
			continue;
		scan_process(s->proc_fd, s->pids[i], request, &p);
		if (!is_task_origin(&p) || scanner_is_aside(s, p.id))
			continue;
		p.task_origin = true;
		top_insert(result, &p, request->sort_by);
		result->found = true;
		result->victim = p;
		return;
	}
}

struct walk {
	int score;
	uint32_t cursor;
};

static struct walk walk_tell(const struct scanner *s)
{
	return (struct walk){s->cursor_score, s->cursor};
}

static void walk_seek(struct scanner *s, struct walk to)
{
	s->cursor_score = to.score;
	s->cursor = to.cursor;
}

/*
 * From the highest score down. Below the first score that cannot win by itself only those that
 * rules lift are read, as far down as these can lift anybody.
 */
static void search(struct scanner *s, const struct scan_request *request,
		   struct scan_result *result)
{
	int64_t lift = ruling_lift_pages(request->patterns, request->total_pages);
	struct walk here = walk_tell(s), end = here;
	bool over = false;
	int score, last_score = -1;
	struct process p;
	pid_t pid;

	for (;; here = walk_tell(s)) {
		pid = walk_next(s, &score);
		if (pid < 0)
			break;
		if (score != last_score) {
			if (!over)
				end = here;
			over = over || search_is_over(s, request, result, score, 0);
			if (over && (lift == 0 || search_is_over(s, request, result, score, lift)))
				break;
			last_score = score;
		}
		if (over && !may_be_lifted(s, request, pid))
			continue;
		scan_process(s->proc_fd, pid, request, &p);
		evaluate(s, request, &p, result);
	}
	/* for the table, whose rest begins where nobody could win by himself */
	if (over)
		walk_seek(s, end);
}

static bool is_in_top(const struct scan_result *result, pid_t pid)
{
	for (unsigned i = 0; i < result->top_count; i++) {
		if (result->top[i].id.pid == pid)
			return true;
	}
	return false;
}

void scanner_consider(struct scanner *s, const struct scan_request *request, pid_t pid,
		      struct scan_result *result)
{
	struct process p;

	if (is_in_top(result, pid))
		return;
	scan_process(s->proc_fd, pid, request, &p);
	evaluate(s, request, &p, result);
}

void scan_set_victim(struct scan_result *result, const struct process *p, enum sort_by by)
{
	result->victim = *p;
	for (unsigned i = 0; i < result->top_count; i++) {
		if (result->top[i].id.pid != p->id.pid)
			continue;
		result->top[i] = *p; /* the figures of now */
		return;
	}
	if (result->top_count == SCAN_TOP)
		result->top_count--;
	top_insert(result, p, by);
}

/*
 * The search ends with the winner, and somebody smaller who is dying may be enough. Only a few are
 * read for that, and only as far down as an oom_score can stand for so much memory.
 */
static void look_for_dying(struct scanner *s, const struct scan_request *request,
			   struct scan_result *result)
{
	int64_t enough = (int64_t)(request->shortage_bytes / (uint64_t)sysconf(_SC_PAGESIZE));
	struct process p;
	int score;

	if (request->shortage_bytes == 0 || request->dying == DYING_IS_SKIPPED)
		return;
	for (unsigned left = DYING_READ; left > 0;) {
		struct walk here = walk_tell(s);
		pid_t pid = walk_next(s, &score);

		if (pid < 0)
			return;
		if (badness_upper_bound(score, request->total_pages) < enough) {
			walk_seek(s, here);
			return;
		}
		if (is_in_top(result, pid))
			continue;
		scan_process(s->proc_fd, pid, request, &p);
		take_in(s, request, &p, result);
		result->evaluated++;
		left--;
	}
}

/* The search has its winner: it may hold too little. */
static void prefer_relief(const struct scan_request *request, struct scan_result *result)
{
	const struct process *relief = NULL;

	if (result->found && request->select == SELECT_RELIEF)
		relief = choice_instead(&result->choice, &result->victim, request->shortage_bytes);
	if (relief)
		result->victim = *relief;
}

int scanner_run(struct scanner *s, const struct scan_request *request, struct scan_result *ret)
{
	int r;

	*ret = (struct scan_result){.shortage_bytes = request->shortage_bytes};
	r = list_pids(s, ret);
	if (r < 0)
		return r;
	read_scores(s, ret);
	if (request->swapoff)
		take_task_origin(s, request, ret);
	if (request->domain) {
		scanner_search_domain(s, request, ret);
		prefer_relief(request, ret);
	} else {
		search(s, request, ret);
		prefer_relief(request, ret);
		look_for_dying(s, request, ret);
	}
	prefer_dying(request, ret);
	return 0;
}

/* Down to here an oom_score of 0 may be a rounded one: (1000 - 999) * 2 / 3. */
#define ADJ_ROUNDED_TO_ZERO (-999)

static bool has_no_score(const struct scanner *s, const struct process *p)
{
	return p->verdict == VERDICT_ELIGIBLE && p->oom_score_adj > ADJ_ROUNDED_TO_ZERO &&
	       scan_read_oom_score(s->proc_fd, p->id.pid) == 0;
}

/*
 * Why oom_badness() refuses to rate a process with a memory: in_vfork() means that its parent has
 * the same one, otherwise it is MMF_OOM_SKIP, which the kernel's killer leaves on what it has
 * reaped or cannot free. kcmp() that is not permitted decides for the one that is not a rarity.
 * The process goes on meanwhile: it is read once more, lest one that has exited or called exec()
 * is taken for either.
 */
static void explain_zero(const struct scanner *s, const struct scan_request *request,
			 struct process *p)
{
	long differ = syscall(SYS_kcmp, p->mm_tid, p->ppid, KCMP_VM, 0, 0);

	scan_process(s->proc_fd, p->id.pid, request, p);
	if (p->verdict != VERDICT_ELIGIBLE)
		return;
	if (differ <= 0)
		p->verdict = VERDICT_VFORK;
	else if (has_no_score(s, p))
		p->verdict = VERDICT_ASIDE;
}

int scanner_run_on_all(struct scanner *s, const struct scan_request *request,
		       void (*visit)(void *userdata, const struct process *p), void *userdata,
		       struct scan_result *ret)
{
	struct process p;
	int r;

	*ret = (struct scan_result){};
	r = list_pids(s, ret);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < s->count; i++) {
		scan_process(s->proc_fd, s->pids[i], request, &p);
		if (has_no_score(s, &p))
			explain_zero(s, request, &p);
		if (p.verdict == VERDICT_GONE)
			continue;
		evaluate(s, request, &p, ret);
		visit(userdata, &p);
	}
	prefer_dying(request, ret);
	return 0;
}

void scanner_visit_largest(struct scanner *s, const struct scan_request *request, int64_t min_pages,
			   unsigned most, void (*visit)(void *userdata, const struct process *p),
			   void *userdata)
{
	struct walk here = walk_tell(s);
	struct process p;
	pid_t pid;
	int score;

	walk_seek(s, (struct walk){SCORES - 1, s->heads[SCORES - 1]});
	while (most-- > 0 && (pid = walk_next(s, &score)) >= 0 &&
	       badness_upper_bound(score, request->total_pages) + s->counter_error_pages >=
		       min_pages) {
		scan_process(s->proc_fd, pid, request, &p);
		if (scanner_is_aside(s, p.id))
			p.verdict = VERDICT_ASIDE;
		visit(userdata, &p);
	}
	walk_seek(s, here);
}

void scanner_fill_top(struct scanner *s, const struct scan_request *request, pid_t except,
		      struct scan_result *result)
{
	struct process p;
	pid_t pid;
	int score;

	while (result->top_count < SCAN_TOP) {
		pid = walk_next(s, &score);
		if (pid < 0)
			return;
		if (pid == except || is_in_top(result, pid))
			continue;
		scan_process(s->proc_fd, pid, request, &p);
		take_in(s, request, &p, result);
	}
}

static int32_t score_of(const struct scanner *s, pid_t pid)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->pids[i] == pid)
			return s->scores[i];
	}
	return 0;
}

unsigned scanner_alike(const struct scanner *s, const struct process *victim, pid_t *ret,
		       unsigned size)
{
	bool may_vfork = victim->state == 'D' || victim->memory.threads > 1;
	int32_t score = score_of(s, victim->id.pid);
	unsigned count = 0;

	for (unsigned i = 0; i < s->count && count < size; i++) {
		if (s->scores[i] > 0 && abs(s->scores[i] - score) <= ALIKE_SCORES &&
		    s->pids[i] != victim->id.pid)
			ret[count++] = s->pids[i];
	}
	/* the others last, and the youngest first: kernel threads are among them, a thousand of
	 * which come before anybody else on a large machine */
	for (unsigned i = s->count; may_vfork && i-- > 0 && count < size;) {
		if (s->scores[i] == 0 && s->pids[i] != victim->id.pid)
			ret[count++] = s->pids[i];
	}
	return count;
}

int scanner_for_group(struct scanner *s, const struct scan_request *request,
		      const struct process *victim,
		      void (*visit)(void *userdata, const struct process *p), void *userdata)
{
	int count = 0;

	if (victim->pgrp <= 1) /* of another pid namespace, or init's */
		return 0;
	for (unsigned i = 0; i < s->count; i++) {
		struct process_stat stat;
		struct process p;
		char path[32];

		/* the victim has its signal: to read it now could be to take its memory apart */
		if (s->pids[i] == victim->id.pid)
			continue;
		strcpy(fs_format_pid(path, s->pids[i]), "/stat");
		if (process_read_stat(s->proc_fd, path, &stat) < 0 || stat.pgrp != victim->pgrp)
			continue;
		scan_process(s->proc_fd, s->pids[i], request, &p);
		if (p.verdict != VERDICT_ELIGIBLE || p.pgrp != victim->pgrp || p.bias_pages < 0)
			continue;
		visit(userdata, &p);
		count++;
	}
	return count;
}
