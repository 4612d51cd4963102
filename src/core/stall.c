/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lost time over a window, and whether it was lost for memory that is missing; see stall.h.
 */
#include "stall.h"

#include "text.h"

#define SEC UINT64_C(1000000)

/*
 * Stalls are those of a thrash when at least this share of what was reclaimed was brought back:
 * nearly all of it is when memory is missing, and next to nothing when cold pages move to swap.
 */
#define REFAULTS_DIVISOR 8
/* The same for time that was lost to I/O, which may have nothing to do with memory. */
#define REFAULTS_IO_DIVISOR 2
/*
 * And so many: with fewer, whoever moved cold pages has only been waiting for the disk, and one
 * program was started again.
 */
#define REFAULTS_A_SECOND 64
/*
 * So much less than StallLimit= is enough of control groups that are not the one which loses most:
 * for a quarter of the time somebody else waits, with the defaults.
 */
#define OTHERS_DIVISOR 2
/* And this share of it where little of what is reclaimed comes back, in percent. */
#define OTHERS_IDLY_PERCENT 80
/*
 * Files that were read again are missed when the kernel put so much of them onto its list of those
 * in use. It is a thirtieth at most where a job reads one in a circle.
 */
#define IN_USE_DIVISOR 16
/* So much more than WarningMemory= can be little, if files of that size were read again. */
#define SCARCE_FACTOR 2
/* From this share of StallLimit= on it is looked why time is lost. */
#define LOOK_CLOSER_DIVISOR 8

void stalls_forget(struct stall_history *h)
{
	h->count = 0;
}

/*
 * Time lost since boot: the mean of PSI's two lines. "full" alone is blind while anything still
 * runs: with four threads over more memory than there is, it read 19 to 25 % while a neighbour lost
 * nine tenths of its time. "some" alone is all of the time as soon as one of many has to wait.
 */
static uint64_t lost_usec(const struct psi *psi)
{
	uint64_t full = psi->full_total_usec;

	return u64_add(full, u64_sub(psi->some_total_usec, full) / 2);
}

/* Counters that go back are another history. */
static void note_reclaim(struct stall_history *h, const struct sample *s)
{
	const struct vmstat *v = &s->vmstat;
	uint64_t refaults = u64_add(v->refault_anon, v->refault_file);
	uint64_t reclaimed = u64_add(v->steal_kswapd, v->steal_direct);
	uint64_t io = s->has_io ? lost_usec(&s->io) : h->io_usec;
	bool back = refaults < h->refaults || v->refault_file < h->refaults_file ||
		    v->activate_file < h->activated_file || reclaimed < h->reclaimed ||
		    v->swap_out < h->swapped_out || io < h->io_usec;

	if (!s->has_vmstat)
		return;
	if (h->has_reclaim && back)
		h->count = 0;
	h->has_reclaim = true;
	h->refaults = refaults;
	h->refaults_file = v->refault_file;
	h->activated_file = v->activate_file;
	h->reclaimed = reclaimed;
	h->swapped_out = v->swap_out;
	h->io_usec = io;
	h->reclaim_usec = s->time_usec;
}

static void push_stall(struct stall_history *h, const struct sample *s)
{
	h->slots[h->head] = (struct stall_slot){
		.time_usec = s->time_usec,
		.lost_usec = lost_usec(&s->psi),
		.has_reclaim = h->has_reclaim,
		.refaults = h->refaults,
		.refaults_file = h->refaults_file,
		.activated_file = h->activated_file,
		.reclaimed = h->reclaimed,
		.swapped_out = h->swapped_out,
		.io_usec = h->io_usec,
		.has_others = s->has_others,
		.others = s->others,
	};
	h->head = (h->head + 1) % STALL_SLOTS;
	if (h->count < STALL_SLOTS)
		h->count++;
}

/* Keeps the ring: what is at the edge of the window, or the first after a beginning; or NULL. */
static const struct stall_slot *update(struct stall_history *h, const struct config *config,
				       const struct sample *s)
{
	uint64_t window = config->stall_window_usec;
	unsigned newest = (h->head + STALL_SLOTS - 1) % STALL_SLOTS, oldest;

	note_reclaim(h, s);
	if (!s->has_psi) {
		h->count = 0;
		return NULL;
	}
	/* A clock or a total that goes back means another history: begin anew. */
	if (h->count > 0 && (s->time_usec < h->slots[newest].time_usec ||
			     lost_usec(&s->psi) < h->slots[newest].lost_usec))
		h->count = 0;

	if (h->count == 0 ||
	    s->time_usec - h->slots[newest].time_usec >= window / (STALL_SLOTS - 2))
		push_stall(h, s);

	/* Drop what is older than the window, but keep one that is at its edge. */
	for (; h->count > 1; h->count--) {
		oldest = (h->head + STALL_SLOTS - h->count + 1) % STALL_SLOTS;
		if (s->time_usec - h->slots[oldest].time_usec < window)
			break;
	}
	return &h->slots[(h->head + STALL_SLOTS - h->count) % STALL_SLOTS];
}

static uint64_t refaults(const struct stall_history *h, const struct stall_slot *oldest)
{
	return h->refaults - oldest->refaults;
}

static uint64_t refaults_of_files(const struct stall_history *h, const struct stall_slot *oldest)
{
	return h->refaults_file - oldest->refaults_file;
}

/*
 * Of all that was brought back, what was missed. A job that reads a file in a circle, which does
 * not fit, brings back all of it and keeps nobody waiting but itself. Where somebody else waits,
 * whose pages were taken too, it does not matter how.
 */
static uint64_t missed(const struct stall_history *h, const struct stall_slot *oldest)
{
	uint64_t all = refaults(h, oldest), files = refaults_of_files(h, oldest);
	uint64_t activated = h->activated_file - oldest->activated_file;

	return u64_mul(activated, IN_USE_DIVISOR) >= files ? all : u64_sub(all, files);
}

static uint64_t some_pages(const struct config *config)
{
	return u64_muldiv(REFAULTS_A_SECOND, config->stall_window_usec, SEC);
}

/*
 * What was taken from somebody. A page is reclaimed when it has been written, and the kernel comes
 * by again: where the disk has a queue, tens of thousands have gone out that are not counted yet.
 */
static uint64_t taken(const struct stall_history *h, const struct stall_slot *oldest)
{
	return u64_max(h->reclaimed - oldest->reclaimed, h->swapped_out - oldest->swapped_out);
}

/* How much of what is taken is needed again: a share, by its divisor. */
static bool comes_back(const struct stall_history *h, const struct config *config,
		       const struct stall_slot *oldest, uint64_t pages, unsigned divisor)
{
	return pages >= some_pages(config) && pages >= taken(h, oldest) / divisor;
}

/* What was so long ago, or the first after a beginning. */
static const struct stall_slot *ago(const struct stall_history *h, const struct sample *s,
				    uint64_t usec)
{
	const struct stall_slot *found = NULL;

	for (unsigned i = 1; i <= h->count; i++) {
		found = &h->slots[(h->head + STALL_SLOTS - i) % STALL_SLOTS];
		if (s->time_usec - found->time_usec >= usec)
			break;
	}
	return found;
}

/* In the later half of the window too, and not all of a sudden. */
static bool goes_on(const struct stall_history *h, const struct config *config,
		    const struct sample *s)
{
	uint64_t window = config->stall_window_usec, some = some_pages(config);
	uint64_t half = missed(h, ago(h, s, window / 2)),
		 quarter = missed(h, ago(h, s, window / 4));

	return half >= some / 2 && quarter >= some / 8 && u64_sub(half, quarter) >= some / 8;
}

/*
 * A leak into a slow disk is most of what is written there, so what comes back is a small share of
 * it, and everybody waits in the queue behind it. Where next to all time is lost, how much comes
 * back is enough, whatever was reclaimed meanwhile; if it goes on: who moves cold pages there waits
 * as much, what he has taken by mistake comes back once, and somebody may start a program.
 */
static bool is_missed(const struct stall_history *h, const struct config *config,
		      const struct sample *s, const struct stall_slot *oldest, uint64_t lost)
{
	uint64_t limit = config->stall_limit_permyriad;
	uint64_t pages = missed(h, oldest);

	if (comes_back(h, config, oldest, pages, REFAULTS_DIVISOR))
		return true;
	return lost >= limit + (10000 - limit) / 2 && pages >= some_pages(config) &&
	       goes_on(h, config, s);
}

/*
 * MemAvailable counts files that are in use as if they could be given up: a machine can spend its
 * life on bringing them back and have a sixth of its memory available.
 */
static bool is_needed(const struct stall_history *h, const struct sample *s,
		      const struct stall_slot *oldest, uint64_t low_bytes)
{
	uint64_t available = s->mem.available_bytes;

	return available <= u64_mul(low_bytes, SCARCE_FACTOR) &&
	       u64_mul(refaults_of_files(h, oldest), s->page_bytes) >= available;
}

/*
 * Of each part of the window the greater of both losses: whoever waits for his pages waits now for
 * memory and now for I/O.
 */
static uint64_t others_lost(const struct stall_history *h, const struct sample *s,
			    const struct stall_slot *oldest)
{
	const struct others *now = &s->others;
	uint64_t sum = 0;

	for (unsigned i = 1; i <= h->count; i++) {
		const struct stall_slot *slot =
			&h->slots[(h->head + STALL_SLOTS - i) % STALL_SLOTS];

		if (!slot->has_others)
			break;
		sum += u64_max(u64_sub(now->memory_usec, slot->others.memory_usec),
			       u64_sub(now->io_usec, slot->others.io_usec));
		now = &slot->others;
		if (slot == oldest)
			break;
	}
	return sum;
}

/*
 * What somebody else than the worst loses. Of a job that stalls itself alone there is nothing to
 * say here; and where all processes are in one group, or there are no groups, the figures of the
 * whole machine have to do.
 *
 * Beside a leak into a slow disk the share of what comes back is small, as the leak is most of what
 * goes there, and it looks as if idle pages were moved. Those take no one else's time for so long:
 * who waits nearly as much as the whole machine does is waiting for his own.
 */
static void judge_others(const struct stall_history *h, const struct config *config,
			 const struct sample *s, const struct stall_slot *oldest, uint64_t window,
			 struct stall *stall)
{
	uint64_t limit = config->stall_limit_permyriad / OTHERS_DIVISOR, memory, io, both;
	uint64_t limit_idly = u64_muldiv(config->stall_limit_permyriad, OTHERS_IDLY_PERCENT, 100);
	uint64_t elapsed = s->time_usec - oldest->time_usec;
	uint64_t back = refaults(h, oldest);

	if (!s->has_others || !oldest->has_others)
		return;
	/* what comes late may have been lost before */
	memory = u64_min(u64_sub(s->others.memory_usec, oldest->others.memory_usec), elapsed);
	memory = u64_muldiv(memory, 10000, window);
	both = u64_muldiv(u64_min(others_lost(h, s, oldest), elapsed), 10000, window);
	io = u64_min(u64_sub(s->others.io_usec, oldest->others.io_usec), elapsed);
	io = u64_muldiv(io, 10000, window);
	if (memory >= limit && comes_back(h, config, oldest, back, REFAULTS_DIVISOR))
		stall->permyriad = memory;
	else if (io >= limit && comes_back(h, config, oldest, back, REFAULTS_IO_DIVISOR))
		stall->permyriad = io;
	else if (stall->stalled == STALLED_IDLY && both >= limit_idly && back >= some_pages(config))
		stall->permyriad = both;
	else
		return;
	stall->stalled = STALLED_NEEDED;
	stall->others = true;
}

/*
 * Time before the first sample counts as not lost, so a short history never reads as a long stall.
 *
 * A leak that pushes idle pages out and a file that streams by reclaim much and bring back nothing;
 * where memory is really missing, most of what is taken is brought back. Without the counters the
 * lost time has to be enough.
 *
 * Who waits for a page to come back from a disk waits for I/O; as a stall of memory that counts
 * only if the kernel took the page for part of a working set, which it does not when all is in
 * motion. So where next to all that is reclaimed comes back, and much of it, the time lost to I/O
 * counts too.
 */
struct stall stalls_judge(struct stall_history *h, const struct config *config,
			  const struct sample *s, uint64_t low_bytes)
{
	const struct stall_slot *oldest = update(h, config, s);
	uint64_t limit = config->stall_limit_permyriad, window, io = 0;
	struct stall stall = {};
	bool known;

	if (!oldest)
		return stall;
	known = h->has_reclaim && oldest->has_reclaim;
	window = u64_max(s->time_usec - oldest->time_usec, config->stall_window_usec);
	stall.permyriad = u64_muldiv(lost_usec(&s->psi) - oldest->lost_usec, 10000, window);
	stall.scarce = s->mem.available_bytes <= low_bytes ||
		       (known && is_needed(h, s, oldest, low_bytes));
	if (known && stall.scarce)
		io = u64_muldiv(h->io_usec - oldest->io_usec, 10000, window);
	stall.ask_groups = u64_max(stall.permyriad, io) >= limit / LOOK_CLOSER_DIVISOR;

	if (stall.permyriad >= limit) {
		stall.stalled = !known || is_missed(h, config, s, oldest, stall.permyriad)
					? STALLED_NEEDED
					: STALLED_IDLY;
	} else if (io >= limit &&
		   comes_back(h, config, oldest, missed(h, oldest), REFAULTS_IO_DIVISOR)) {
		stall.permyriad = io;
		stall.stalled = STALLED_NEEDED;
	}
	if (stall.stalled != STALLED_NEEDED && known && stall.scarce)
		judge_others(h, config, s, oldest, window, &stall);
	return stall;
}

bool stalls_look_closer(const struct stall_history *h, const struct config *config,
			const struct sample *s, uint64_t low_bytes, uint64_t permyriad)
{
	uint64_t age = u64_sub(s->time_usec, h->reclaim_usec);
	uint64_t window = config->stall_window_usec;

	if (permyriad >= config->stall_limit_permyriad / LOOK_CLOSER_DIVISOR)
		return age >= window / STALL_SLOTS;
	return s->mem.available_bytes <= low_bytes && age >= window / 10;
}
