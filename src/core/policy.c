/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of policy.h: evidence to level, level and phase to action, and when to look
 * again.
 */
#include "policy.h"

#include "text.h"
#include "yield.h"

#define MSEC UINT64_C(1000)
#define SEC  UINT64_C(1000000)

#define PERIOD_MIN_USEC (5 * MSEC)
#define PERIOD_MAX_USEC (5 * SEC)
/* While something else than calm is announced: the end of it is noticed within seconds. */
#define PERIOD_UNCALM_USEC SEC
/* While a victim is on its way. */
#define PERIOD_AWAIT_USEC (20 * MSEC)
/* While nobody may or can be killed. */
#define IDLE_PERIOD_USEC (100 * MSEC)

/*
 * Assumed until the drill has measured it: one core zeroing pages, about 3 GB/s on machines of
 * the last ten years; several share the memory's bandwidth.
 */
#define FILL_RATE_ASSUMED (UINT64_C(4) << 30)

/*
 * How long after the victim's death its memory may take. A pidfd is readable after exit_notify(),
 * which follows exit_mm(): what is not back by then is held by somebody else, or the counters lag
 * a tick or two.
 */
#define MEMORY_RETURN_USEC (500 * MSEC)
/* The same when no thread of it had the memory any more: only a reader of /proc can hold it. */
#define MEMORY_GONE_USEC (50 * MSEC)
/*
 * How long the memory of a process that the kernel has killed may take. It can no longer be seen
 * then: oom_score is 0 from exit_mm() on, while exit_mmap() is still at work.
 */
#define KERNEL_KILL_USEC (500 * MSEC)
/* How long a victim whose memory was released may take to die before the next is looked for. */
#define RELEASED_GRACE_USEC (100 * MSEC)

/* An announced level falls only when it would still be lower with limits an eighth higher, ... */
#define HYSTERESIS_DIVISOR 8
/* ... and has been for this long: a machine that hovers at a limit does not fill the journal. */
#define CALMER_USEC (5 * SEC)

/* A rate above the drill's is believed up to this factor and for this long: see learn_fill_rate. */
#define FILL_RATE_FACTOR 4
#define FILL_RATE_USEC	 (60 * SEC)

/* Above what lies between the reading of two clocks, below any sleep that is worth its name. */
#define SLEEP_MIN_USEC (100 * MSEC)

/* What little is stored on zram is believed when it has said the same for so long. */
#define DOUBT_USEC (500 * MSEC)

/* A rate over less than this is noise. */
#define RATE_MIN_USEC (100 * MSEC)

#define BARREN_MIN_USEC	 SEC
#define BARREN_HARD_USEC (2 * SEC)
#define BARREN_MAX_USEC	 (60 * SEC)
#define REFUSED_USEC	 (100 * MSEC)

const char *level_name(enum level l)
{
	switch (l) {
	case LEVEL_CALM:
		return "calm";
	case LEVEL_WARNING:
		return "warning";
	case LEVEL_SOFT:
		return "soft";
	case LEVEL_HARD:
		return "hard";
	}
	return "unknown";
}

const char *reason_name(enum reason r)
{
	switch (r) {
	case REASON_PLENTY:
		return "plenty";
	case REASON_EXHAUSTION:
		return "exhaustion";
	case REASON_SWAP_LEFT:
		return "swap-left";
	case REASON_THRASH:
		return "thrash";
	case REASON_STALL:
		return "stall";
	case REASON_RECLAIM:
		return "reclaim";
	}
	return "unknown";
}

static void limits_resolve_one(struct limit warning, struct limit soft, struct limit hard,
			       uint64_t total_bytes, uint64_t ret_bytes[static LEVELS])
{
	uint64_t s = limit_bytes(soft, total_bytes);
	uint64_t w = limit_bytes(warning, total_bytes), h = limit_bytes(hard, total_bytes);

	ret_bytes[LEVEL_CALM] = UINT64_MAX;
	ret_bytes[LEVEL_WARNING] = u64_max(w == LIMIT_UNSET ? u64_add(s, s / 2) : w, s);
	ret_bytes[LEVEL_SOFT] = s;
	ret_bytes[LEVEL_HARD] = u64_min(h == LIMIT_UNSET ? s / 2 : h, s);
}

void limits_resolve(const struct config *config, const struct meminfo *mem, struct limits *ret)
{
	static const struct limit unset = {LIMIT_UNSET, LIMIT_UNSET};
	static const struct limit most = {1000, UINT64_C(1) << 30}; /* the default of SoftMemory= */
	uint64_t memory = meminfo_ordinary_bytes(mem);

	limits_resolve_one(config->warning_memory, config->soft_memory, config->hard_memory, memory,
			   ret->memory_bytes);
	limits_resolve_one(config->warning_swap, config->soft_swap, config->hard_swap,
			   mem->swap_total_bytes, ret->swap_bytes);
	limits_resolve_one(unset, most, unset, memory, ret->left_bytes);
	for (enum level l = LEVEL_CALM; l <= LEVEL_HARD; l++)
		ret->left_bytes[l] = u64_min(ret->left_bytes[l], ret->memory_bytes[l]);
}

void policy_init(struct policy *p, const struct config *config, uint64_t fill_rate_bytes)
{
	*p = (struct policy){
		.config = config,
		.fill_rate_bytes = fill_rate_bytes > 0 ? fill_rate_bytes : FILL_RATE_ASSUMED,
	};
}

void policy_configure(struct policy *p, const struct config *config)
{
	p->config = config;
	stalls_forget(&p->stalls);
	if (p->phase == PHASE_BARREN)
		p->phase = PHASE_WATCHING;
}

struct assessment {
	enum level level;
	enum reason reason;
};

/* @slack_divisor: limits are raised by this share of themselves; 0: not at all. */
static uint64_t raised(uint64_t limit, unsigned slack_divisor)
{
	return slack_divisor > 0 ? u64_add(limit, limit / slack_divisor) : limit;
}

static struct assessment assess(const struct limits *limits, const struct sample *s,
				uint64_t swap_free, const struct stall *stall,
				unsigned slack_divisor)
{
	uint64_t available = s->mem.available_bytes;
	/* as large as swap may be, what is locked or the kernel's never goes there */
	uint64_t left = u64_add(available, sample_movable_bytes(s));

	for (enum level l = LEVEL_HARD; l > LEVEL_CALM; l--) {
		if (available > raised(limits->memory_bytes[l], slack_divisor) ||
		    (swap_free > raised(limits->swap_bytes[l], slack_divisor) &&
		     left > raised(limits->left_bytes[l], slack_divisor)))
			continue;
		/* a machine that both runs out and thrashes is treated as the worse of the two */
		if (stall->stalled == STALLED_NEEDED && l < LEVEL_SOFT)
			break;
		return (struct assessment){l, REASON_EXHAUSTION};
	}

	if (stall->stalled != STALLED_NOT) {
		if (!stall->scarce &&
		    available > raised(limits->memory_bytes[LEVEL_WARNING], slack_divisor))
			return (struct assessment){LEVEL_WARNING, REASON_STALL};
		if (stall->stalled == STALLED_NEEDED)
			return (struct assessment){LEVEL_SOFT, REASON_THRASH};
		return (struct assessment){LEVEL_WARNING, REASON_RECLAIM};
	}
	if (available <= raised(limits->memory_bytes[LEVEL_SOFT], slack_divisor))
		return (struct assessment){LEVEL_WARNING, REASON_SWAP_LEFT};
	return (struct assessment){LEVEL_CALM, REASON_PLENTY};
}

/*
 * What goes to zram first is that of others than who fills memory, and does not compress where his
 * may: in the guest up to 120 MB of it, for 0.1 to 0.34 s below the limit, before the rest took
 * next to nothing. So as long as there is hope nobody dies for what the device says within half a
 * second.
 */
static struct assessment believe(struct policy *p, uint64_t now_usec, struct assessment measured,
				 struct assessment hoped)
{
	if (measured.level < LEVEL_SOFT || hoped.level >= measured.level) {
		p->doubt_since_usec = 0;
		return measured;
	}
	if (p->doubt_since_usec == 0)
		p->doubt_since_usec = u64_max(now_usec, 1);
	return u64_sub(now_usec, p->doubt_since_usec) >= DOUBT_USEC ? measured : hoped;
}

/*
 * What is announced is always the level of the moment, so that announcements follow upon each other
 * for whoever reads along. The raised limits only hold it back: with limits close to each other
 * they can amount to a level above the one that was announced.
 */
static bool announce(struct policy *p, const struct limits *limits, const struct sample *s,
		     const struct stall *stall, struct assessment now)
{
	bool same = now.level == p->announced_level &&
		    (now.level == LEVEL_CALM || now.reason == p->announced_reason);
	bool lower = now.level < p->announced_level;
	bool near =
		lower &&
		assess(limits, s, sample_usable_swap_bytes(s), stall, HYSTERESIS_DIVISOR).level >=
			p->announced_level;
	bool held;

	if (same || near) {
		p->other_since_usec = 0;
		return false;
	}

	if (p->other_since_usec == 0 || p->other_is_lower != lower) {
		p->other_since_usec = u64_max(s->time_usec, 1);
		p->other_is_lower = lower;
	}
	held = u64_sub(s->time_usec, p->other_since_usec) >= CALMER_USEC;
	if (now.level <= p->announced_level && !held)
		return false;

	p->announced_level = now.level;
	p->announced_reason = now.reason;
	p->other_since_usec = 0;
	return true;
}

/*
 * Whether the machine was suspended is told by CLOCK_BOOTTIME alone, which goes on while
 * CLOCK_MONOTONIC stands still: a message of logind may come late or not at all. On both sides of a
 * sleep CLOCK_MONOTONIC goes on while nobody runs: up to 20 s until all tasks are frozen
 * (freeze_timeout_msecs of kernel/power/process.c), and until they are thawed. So nobody is late
 * who was asked before it; the stalls of those who were frozen in one are no thrashing; and the
 * memory that an image for the disk has taken says nothing about how fast programs take it.
 */
static uint64_t begin_after_sleep(struct policy *p, const struct sample *s)
{
	uint64_t slept = u64_sub(s->slept_usec, p->last_slept_usec);

	p->last_slept_usec = u64_max(p->last_slept_usec, s->slept_usec);
	if (!p->has_last || slept < SLEEP_MIN_USEC)
		return 0;
	p->has_last = false;
	p->has_mark = false;
	stalls_forget(&p->stalls);
	p->other_since_usec = 0;
	p->doubt_since_usec = 0;
	p->signalled_usec = s->time_usec;
	p->dead_usec = s->time_usec;
	return slept;
}

/*
 * A burst that beats the drill's figure shows a faster machine, so it counts for a while. Not for
 * ever and not at any height: hugetlb pages or swapoff take gigabytes in a millisecond, and would
 * otherwise have an idle machine sampled at the highest rate until the next start.
 */
void policy_learn_fill(struct policy *p, uint64_t now_usec, uint64_t elapsed_usec,
		       uint64_t used_bytes)
{
	uint64_t rate = elapsed_usec < PERIOD_MIN_USEC
				? 0
				: u64_min(u64_muldiv(used_bytes, SEC, elapsed_usec),
					  u64_mul(p->fill_rate_bytes, FILL_RATE_FACTOR));

	if (rate > 0 && rate >= p->fill_rate_seen_bytes) {
		p->fill_rate_seen_bytes = rate;
		p->fill_rate_seen_usec = now_usec;
	}
	if (u64_sub(now_usec, p->fill_rate_seen_usec) > FILL_RATE_USEC)
		p->fill_rate_seen_bytes = 0;
}

uint64_t policy_fill_usec(const struct policy *p, uint64_t bytes)
{
	return u64_min(u64_muldiv(bytes, SEC, u64_max(p->fill_rate_bytes, p->fill_rate_seen_bytes)),
		       PERIOD_MAX_USEC);
}

static void learn_fill_rate(struct policy *p, const struct sample *s)
{
	uint64_t reserve = sample_reserve_bytes(s);

	policy_learn_fill(p, s->time_usec, p->has_last ? u64_sub(s->time_usec, p->last_usec) : 0,
			  u64_sub(p->last_reserve, reserve));
	p->has_last = true;
	p->last_usec = s->time_usec;
	p->last_reserve = reserve;
}

/*
 * How fast it goes down now, over one to two seconds: short enough for a burst to show, long enough
 * that one page-in does not. Memory alone would say that a machine which swaps is running out.
 */
static void measure_consumption(struct policy *p, const struct sample *s, struct action *a)
{
	const struct level_mark now = {s->time_usec, sample_reserve_bytes(s)};
	uint64_t elapsed, used;

	if (!p->has_mark || s->time_usec < p->mark_next.time_usec)
		p->mark = p->mark_next = now;
	p->has_mark = true;
	if (s->time_usec - p->mark_next.time_usec >= SEC) {
		p->mark = p->mark_next;
		p->mark_next = now;
	}
	elapsed = s->time_usec - p->mark.time_usec;
	used = u64_sub(p->mark.reserve_bytes, now.reserve_bytes);
	a->consumed_bytes = elapsed >= RATE_MIN_USEC ? u64_muldiv(used, SEC, elapsed) : 0;
	a->exhausted_usec = a->consumed_bytes > 0
				    ? u64_muldiv(now.reserve_bytes, SEC, a->consumed_bytes)
				    : UINT64_MAX;
}

/*
 * Headroom to the limit that somebody would die for ÷ the fastest fill rate. Swap can be gone from
 * one moment to the next (swapoff), so it is relied upon for a second only.
 */
static uint64_t watch_period_usec(const struct policy *p, const struct limits *limits,
				  const struct sample *s)
{
	uint64_t memory = u64_sub(s->mem.available_bytes, limits->memory_bytes[LEVEL_SOFT]);
	uint64_t swap = u64_min(
		u64_sub(sample_usable_swap_bytes(s), limits->swap_bytes[LEVEL_SOFT]),
		sample_movable_bytes(s));
	uint64_t with_swap = u64_min(policy_fill_usec(p, u64_add(memory, swap)), SEC);
	uint64_t without = policy_fill_usec(p, memory);

	if (p->announced_level > LEVEL_CALM)
		without = u64_min(without, PERIOD_UNCALM_USEC);
	return u64_max(PERIOD_MIN_USEC, u64_max(with_swap, without));
}

/*
 * The caller is woken when the victim dies and when its memory was released; what has to be seen in
 * between is a deadline, and the way down to the hard limit. Looking more often takes from a victim
 * the CPU that it goes away on.
 */
static uint64_t await_period_usec(const struct policy *p, const struct limits *limits,
				  const struct sample *s)
{
	uint64_t headroom = u64_sub(s->mem.available_bytes, limits->memory_bytes[LEVEL_HARD]);

	if (p->victim_dead)
		return PERIOD_MIN_USEC;
	if (p->victim_killed)
		return PERIOD_AWAIT_USEC;
	return u64_max(PERIOD_MIN_USEC, u64_min(policy_fill_usec(p, headroom), PERIOD_AWAIT_USEC));
}

static bool memory_is_back(const struct policy *p, const struct sample *s, enum level level)
{
	return level < LEVEL_SOFT ||
	       u64_sub(sample_reserve_bytes(s), p->reserve_at_signal) >= p->victim_bytes / 2;
}

static void end_await(struct policy *p)
{
	p->phase = PHASE_WATCHING;
	p->victim = (struct process_id){};
	stalls_forget(&p->stalls); /* stalls up to here were this victim's */
}

/* Nobody was signalled: look again, after a pause that doubles while nothing changes. */
static void begin_barren(struct policy *p, uint64_t now_usec, enum level level, uint64_t pause_usec)
{
	p->phase = PHASE_BARREN;
	p->barren_pause_usec = pause_usec;
	p->barren_until_usec = u64_add(now_usec, pause_usec);
	p->barren_level = level;
	p->barren_knew_writer = true; /* only step_barren() is for want of somebody better */
}

/*
 * Dead and released is the memory back for certain, even where others take it as fast as it comes:
 * the figures would never show it, and the next victim cannot wait.
 */
static uint64_t memory_wait_usec(enum release release)
{
	switch (release) {
	case RELEASE_UNKNOWN:
		return MEMORY_RETURN_USEC;
	case RELEASE_GONE:
		return MEMORY_GONE_USEC;
	case RELEASE_DONE:
		return 0;
	}
	return 0;
}

static enum action_kind step_awaiting(struct policy *p, const struct observation *o,
				      enum level level)
{
	uint64_t now = o->sample.time_usec, waited = u64_sub(now, p->signalled_usec);

	switch (o->victim) {
	case VICTIM_NONE:
	case VICTIM_MISSED:
		end_await(p);
		return level >= LEVEL_SOFT && !o->stand_aside ? ACTION_SCAN : ACTION_NONE;
	case VICTIM_SPARED:
		end_await(p);
		begin_barren(p, now, level, UINT64_MAX); /* once a shortage is enough */
		return ACTION_NONE;
	case VICTIM_REFUSED:
		end_await(p);
		begin_barren(p, now, level, REFUSED_USEC);
		return ACTION_GIVE_UP;
	case VICTIM_DEAD:
		if (!p->victim_dead) {
			p->victim_dead = true;
			p->dead_usec = now;
		}
		if (!memory_is_back(p, &o->sample, level) &&
		    u64_sub(now, p->dead_usec) < memory_wait_usec(o->victim_release))
			return ACTION_NONE;
		end_await(p);
		return ACTION_SETTLED;
	case VICTIM_ALIVE:
		break;
	}

	/*
	 * It is dying for certain, whatever the signal was: nothing else is ever released. How long
	 * that may take counts from here on, as after SIGKILL.
	 */
	if (o->victim_release == RELEASE_DONE && !p->victim_killed) {
		p->victim_killed = true;
		p->signalled_usec = now;
		waited = 0;
	}
	if (p->victim_killed) {
		/*
		 * It hangs in the kernel, but what it had has been given back and used up by
		 * others: to wait for its death would be to wait for nothing. The kernel too goes
		 * on to the next when its reaper is done (MMF_OOM_SKIP).
		 */
		if (o->victim_release == RELEASE_DONE && level >= LEVEL_SOFT &&
		    waited >= RELEASED_GRACE_USEC) {
			end_await(p);
			return ACTION_SETTLED;
		}
		if (u64_sub(now, p->signalled_usec) < p->config->kill_timeout_usec)
			return ACTION_NONE;
		p->given_up_usec = u64_max(now, 1);
		end_await(p);
		return ACTION_GIVE_UP;
	}

	if (level < LEVEL_HARD && waited < p->config->term_timeout_usec)
		return ACTION_NONE;
	if (level < LEVEL_SOFT) {
		end_await(p);
		return ACTION_RELEASED;
	}
	p->victim_killed = true;
	p->signalled_usec = now;
	return ACTION_ESCALATE;
}

static void begin_await(struct policy *p, const struct observation *o, bool killed)
{
	p->phase = PHASE_AWAITING;
	p->barren_pause_usec = 0;
	if (!o->candidate_dying)
		p->adopting_since_usec = 0;
	else if (p->adopting_since_usec == 0)
		p->adopting_since_usec = u64_max(o->sample.time_usec, 1);
	p->victim = o->candidate;
	p->victim_bytes = o->candidate_bytes;
	p->victim_dead = false;
	p->victim_killed = killed;
	p->reserve_at_signal = sample_reserve_bytes(&o->sample);
	p->signalled_usec = o->sample.time_usec;
}

/* Nobody is adopted: whoever asks for a kill wants to see one. */
static enum action_kind step_requested(struct policy *p, const struct observation *o)
{
	if (o->stand_aside)
		return ACTION_NONE;
	switch (o->scan) {
	case SCAN_NOT_DONE:
		return ACTION_SCAN;
	case SCAN_NOBODY:
		return ACTION_NONE;
	case SCAN_VICTIM:
		break;
	}
	begin_await(p, o, true);
	return ACTION_KILL;
}

bool policy_waits_for_dying(const struct policy *p, uint64_t now_usec)
{
	return p->adopting_since_usec == 0 ||
	       u64_sub(now_usec, p->adopting_since_usec) < p->config->kill_timeout_usec;
}

uint64_t policy_shortage_bytes(const struct policy *p, const struct sample *s)
{
	struct limits limits;

	/*
	 * Enough to stay above the limit for a while, not to be back at it with the next sample.
	 * Where time is lost above the limit nobody knows how much it would be; but not next to
	 * nothing.
	 */
	limits_resolve(p->config, &s->mem, &limits);
	return u64_max(u64_sub(raised(limits.memory_bytes[LEVEL_SOFT], HYSTERESIS_DIVISOR),
			       s->mem.available_bytes),
		       limits.memory_bytes[LEVEL_SOFT] / HYSTERESIS_DIVISOR);
}

static void learn_kernel_kill(struct policy *p, const struct sample *s)
{
	if (!s->has_vmstat)
		return;
	if (p->has_kernel_kills && s->vmstat.oom_kill > p->kernel_kills &&
	    p->kernel_kill_usec == 0) {
		p->kernel_kill_usec = u64_max(s->time_usec, 1);
		p->reserve_at_kernel_kill = sample_reserve_bytes(s);
	}
	p->has_kernel_kills = true;
	p->kernel_kills = s->vmstat.oom_kill;
}

/*
 * The kernel was faster, and its victim's memory is on its way. Waited for once a shortage, so that
 * a cgroup that runs into its own limit again and again keeps nobody else alive; and only as long
 * as memory does not go on falling.
 */
static bool waits_for_kernel(const struct policy *p, const struct sample *s)
{
	return p->kernel_kill_usec != 0 &&
	       u64_sub(s->time_usec, p->kernel_kill_usec) < KERNEL_KILL_USEC &&
	       sample_reserve_bytes(s) >= p->reserve_at_kernel_kill / 2;
}

/*
 * Nobody is there to be killed, or nobody worth it: again later, ever more seldom; but soon where
 * somebody who was killed may yet die.
 */
static enum action_kind step_barren(struct policy *p, const struct observation *o, enum level level,
				    uint64_t stuck_bytes)
{
	bool first = p->barren_pause_usec < BARREN_MIN_USEC;
	uint64_t longest = stuck_bytes > 0	 ? BARREN_MIN_USEC
			   : level == LEVEL_HARD ? BARREN_HARD_USEC
						 : BARREN_MAX_USEC;

	begin_barren(p, o->sample.time_usec, level,
		     u64_max(BARREN_MIN_USEC, u64_min(u64_mul(p->barren_pause_usec, 2), longest)));
	p->barren_knew_writer = o->writer_known;
	return first ? ACTION_BARREN : ACTION_NONE;
}

/*
 * Who fills a tmpfs is found by a thread, which may need longer than memory does from warning to
 * hard; and what is left then would be gone before the pause is over.
 */
static bool is_writer_new(const struct policy *p, const struct observation *o, enum level level)
{
	return level == LEVEL_HARD && o->writer_known && !p->barren_knew_writer;
}

static enum action_kind step_watching(struct policy *p, const struct observation *o,
				      const struct limits *limits, enum level level,
				      struct action *a)
{
	bool kills;

	if (level < LEVEL_SOFT) {
		p->phase = PHASE_WATCHING;
		p->barren_pause_usec = 0;
		p->adopting_since_usec = 0;
		p->kernel_kill_usec = 0;
		return ACTION_NONE;
	}
	if (o->stand_aside)
		return ACTION_NONE;
	/* a worse level is another shortage: somebody new may be to blame */
	if (p->phase == PHASE_BARREN && o->sample.time_usec < p->barren_until_usec &&
	    level <= p->barren_level && !is_writer_new(p, o, level))
		return ACTION_NONE;
	if (waits_for_kernel(p, &o->sample))
		return ACTION_NONE;

	switch (o->scan) {
	case SCAN_NOT_DONE:
		return ACTION_SCAN;
	case SCAN_NOBODY:
		return step_barren(p, o, level, 0);
	case SCAN_VICTIM:
		break;
	}

	/* who fills a tmpfs has to be stopped where nothing is left that could be waited for */
	if (!o->candidate_dying && !(o->candidate_writes && level == LEVEL_HARD)) {
		a->elsewhere_bytes = yield_gone_elsewhere(p, o);
		a->stuck_bytes = yield_held_by_stuck(p, o, limits);
	}
	if (a->elsewhere_bytes > 0 || a->stuck_bytes > 0)
		return step_barren(p, o, level, a->stuck_bytes);
	/* to be asked is a chance to save something, which is lost on who does not listen */
	kills = level == LEVEL_HARD || o->candidate_ignores_term;
	begin_await(p, o, o->candidate_dying || kills);
	if (o->candidate_dying)
		return ACTION_ADOPT;
	a->not_asked = kills && level != LEVEL_HARD;
	return kills ? ACTION_KILL : ACTION_TERM;
}

static uint64_t next_usec(const struct policy *p, const struct limits *limits,
			  const struct observation *o, const struct action *a)
{
	uint64_t now = o->sample.time_usec;

	switch (a->kind) {
	case ACTION_SCAN:
	case ACTION_SETTLED:
	case ACTION_RELEASED:
	case ACTION_GIVE_UP:
		return now; /* the next may be due at once */
	case ACTION_NONE:
	case ACTION_TERM:
	case ACTION_KILL:
	case ACTION_ADOPT:
	case ACTION_ESCALATE:
	case ACTION_BARREN:
		break;
	}
	if (p->phase == PHASE_AWAITING)
		return u64_add(now, await_period_usec(p, limits, &o->sample));
	/* Nobody to kill: no reason to burn the CPU beside a machine that is out of memory. */
	if (p->phase == PHASE_BARREN)
		return u64_add(now, IDLE_PERIOD_USEC);
	if (o->stand_aside)
		return u64_add(now,
			       u64_max(IDLE_PERIOD_USEC, watch_period_usec(p, limits, &o->sample)));
	return u64_add(now, watch_period_usec(p, limits, &o->sample));
}

struct action policy_step(struct policy *p, const struct observation *o)
{
	struct action a = {.announced_before = p->announced_level};
	struct limits limits;
	struct assessment now, hoped;
	struct stall stall;

	limits_resolve(p->config, &o->sample.mem, &limits);
	a.slept_usec = begin_after_sleep(p, &o->sample);
	learn_fill_rate(p, &o->sample);
	learn_kernel_kill(p, &o->sample);
	stall = stalls_judge(&p->stalls, p->config, &o->sample, limits.memory_bytes[LEVEL_WARNING]);
	a.stall_permyriad = stall.permyriad;
	a.stall_of_others = stall.others;
	a.ask_groups = stall.ask_groups;
	a.ask_barred = o->sample.mem.available_bytes <= limits.left_bytes[LEVEL_HARD] &&
		       sample_usable_swap_bytes(&o->sample) > limits.swap_bytes[LEVEL_HARD];
	a.look_closer = stalls_look_closer(&p->stalls, p->config, &o->sample,
					   limits.memory_bytes[LEVEL_WARNING], stall.permyriad);

	measure_consumption(p, &o->sample, &a);
	now = assess(&limits, &o->sample, sample_usable_swap_bytes(&o->sample), &stall, 0);
	hoped = assess(&limits, &o->sample, sample_hoped_swap_bytes(&o->sample), &stall, 0);
	now = believe(p, o->sample.time_usec, now, hoped);
	yield_note(p, &o->sample, &limits, now.level);
	a.level = now.level;
	a.reason = now.reason;
	a.announce = announce(p, &limits, &o->sample, &stall, now);
	a.kind = o->requested		      ? step_requested(p, o)
		 : p->phase == PHASE_AWAITING ? step_awaiting(p, o, now.level)
					      : step_watching(p, o, &limits, now.level, &a);
	a.next_usec = next_usec(p, &limits, o, &a);
	return a;
}
