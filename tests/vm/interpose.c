// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proves the first invariant of a kill from inside the installed daemon:
 * preloaded into it, this counts what its loop allocates, frees and maps, and
 * its major faults, from the sample that decides (the first read of meminfo
 * after the loop's wait) to the last signal of the action. A daemon that needs
 * memory there waits for the very thing that is gone.
 *
 * One line for each action that sent a signal goes to $INTERPOSE_OUTPUT when
 * the loop waits again, well after the signal. $INTERPOSE_INJECT=allocation or
 * =fault does what is forbidden once in each measured stretch: a check that has
 * never been seen to fail proves little.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

/* glibc's own, under names that nobody interposes: no lookup, which could
 * allocate in turn. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

struct counts {
	unsigned long allocations;
	unsigned long frees;
	unsigned long maps;
	long minor;
	long major;
};

enum stretch {
	STRETCH_NONE,
	STRETCH_WOKEN,	 /* the loop's wait is over */
	STRETCH_SAMPLED, /* and meminfo was read: from here on nothing may be
			    allocated */
};

enum inject { INJECT_NOTHING, INJECT_ALLOCATION, INJECT_FAULT };

/* Only the loop's thread waits for events; the others never leave STRETCH_NONE.
 */
static __thread __attribute__((tls_model("initial-exec"))) struct {
	struct counts now;
	enum stretch stretch;
	struct counts base;
	struct counts at_signal;
	unsigned signals;
	int last_signal;
	long sample_usec;
	long last_signal_usec;
} self;

static int meminfo_fd = -1;
static int output_fd = -1;
static int inject_fd = -1;
static enum inject inject;

/* The next function of that name, which is glibc's. */
#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))

static void *real(void **cache, const char *name)
{
	if (!*cache)
		*cache = dlsym(RTLD_NEXT, name);
	return *cache;
}

static long now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct counts counts_now(void)
{
	struct counts counts = self.now;
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	counts.minor = usage.ru_minflt;
	counts.major = usage.ru_majflt;
	return counts;
}

/* A page of a file that the page cache has just been told to forget. */
static void fault_in_from_disk(void)
{
	size_t bytes = 1 << 20;
	volatile char *memory;

	if (posix_fadvise(inject_fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		return;
	memory = (char *)syscall(SYS_mmap, NULL, bytes, PROT_READ, MAP_PRIVATE, inject_fd, 0);
	if (memory == MAP_FAILED)
		return;
	(void)memory[bytes / 2];
	syscall(SYS_munmap, memory, bytes);
}

static void on_sample(int fd)
{
	if (self.stretch != STRETCH_WOKEN || fd != meminfo_fd)
		return;
	self.stretch = STRETCH_SAMPLED;
	self.base = counts_now();
	self.sample_usec = now_usec();
	if (inject == INJECT_ALLOCATION) {
		void *volatile memory = malloc(100);

		free(memory);
	} else if (inject == INJECT_FAULT) {
		fault_in_from_disk();
	}
}

static void on_signal(int number)
{
	if (self.stretch != STRETCH_SAMPLED || number == 0)
		return;
	self.at_signal = counts_now();
	self.signals++;
	self.last_signal = number;
	self.last_signal_usec = now_usec();
}

static void before_wait(void)
{
	const struct counts *a = &self.base, *b = &self.at_signal;
	char line[256];
	int length;

	self.stretch = STRETCH_NONE;
	if (self.signals == 0)
		return;
	length = snprintf(line, sizeof(line),
			  "at_usec=%ld usec=%ld signal=%d signals=%u allocations=%lu frees=%lu "
			  "maps=%lu major=%ld minor=%ld\n",
			  self.last_signal_usec, self.last_signal_usec - self.sample_usec,
			  self.last_signal, self.signals, b->allocations - a->allocations,
			  b->frees - a->frees, b->maps - a->maps, b->major - a->major,
			  b->minor - a->minor);
	self.signals = 0;
	if (write(output_fd, line, (size_t)length) != length)
		abort(); /* a figure that is lost must not look like one that is fine */
}

static void after_wait(void)
{
	self.stretch = STRETCH_WOKEN;
}

__attribute__((constructor)) static void start(void)
{
	const char *output = getenv("INTERPOSE_OUTPUT");
	const char *injected = getenv("INTERPOSE_INJECT");
	const char *file = getenv("INTERPOSE_FILE");

	output_fd = open(output ? output : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			 0644);
	if (output_fd < 0)
		abort();
	if (injected && !strcmp(injected, "allocation"))
		inject = INJECT_ALLOCATION;
	if (injected && !strcmp(injected, "fault")) {
		inject = INJECT_FAULT;
		inject_fd = open(file ? file : "", O_RDONLY | O_CLOEXEC);
		if (inject_fd < 0)
			abort();
	}
}

/* ---- what is counted */

API void *malloc(size_t size)
{
	self.now.allocations++;
	return __libc_malloc(size);
}

API void *calloc(size_t count, size_t size)
{
	self.now.allocations++;
	return __libc_calloc(count, size);
}

API void *realloc(void *memory, size_t size)
{
	self.now.allocations++;
	return __libc_realloc(memory, size);
}

API void *reallocarray(void *memory, size_t count, size_t size)
{
	size_t bytes;

	self.now.allocations++;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(memory, bytes);
}

API void *memalign(size_t alignment, size_t size)
{
	self.now.allocations++;
	return __libc_memalign(alignment, size);
}

API void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

API int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	*ret_memory = memalign(alignment, size);
	return *ret_memory ? 0 : ENOMEM;
}

API void free(void *memory)
{
	self.now.frees += memory != NULL;
	__libc_free(memory);
}

API void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
	static void *real_mmap64;

	self.now.maps++;
	return REAL(mmap64)(address, length, protection, flags, fd, offset);
}

API void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return mmap64(address, length, protection, flags, fd, offset);
}

API void *mremap(void *address, size_t old_size, size_t new_size, int flags, ...)
{
	static void *real_mremap;
	va_list arguments;
	void *fixed;

	va_start(arguments, flags);
	fixed = va_arg(arguments, void *);
	va_end(arguments);
	self.now.maps++;
	return REAL(mremap)(address, old_size, new_size, flags, fixed);
}

API int munmap(void *address, size_t length)
{
	static void *real_munmap;

	self.now.maps++;
	return REAL(munmap)(address, length);
}

API int brk(void *address)
{
	static void *real_brk;

	self.now.maps++;
	return REAL(brk)(address);
}

API void *sbrk(intptr_t increment)
{
	static void *real_sbrk;

	self.now.maps++;
	return REAL(sbrk)(increment);
}

/* ---- where the stretch begins and ends */

/* Of the machine: nodes have such a file too. */
static int opened(const char *path, int fd)
{
	if (fd >= 0 && !strcmp(path, "meminfo"))
		meminfo_fd = fd;
	return fd;
}

API int openat64(int dir_fd, const char *path, int flags, ...)
{
	static void *real_openat64;
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return opened(path, REAL(openat64)(dir_fd, path, flags, mode));
}

API int openat(int dir_fd, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return openat64(dir_fd, path, flags, mode);
}

API ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	static void *real_pread64;

	on_sample(fd);
	return REAL(pread64)(fd, buffer, size, offset);
}

API ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
	return pread64(fd, buffer, size, offset);
}

API ssize_t __pread64_chk(int fd, void *buffer, size_t size, off64_t offset, size_t room)
{
	if (size > room)
		abort();
	return pread64(fd, buffer, size, offset);
}

API ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room)
{
	return __pread64_chk(fd, buffer, size, offset, room);
}

API int epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout)
{
	static void *real_epoll_wait;
	int result;

	before_wait();
	result = REAL(epoll_wait)(epoll_fd, events, count, timeout);
	after_wait();
	return result;
}

/* libsystemd waits with epoll_pwait2() by number where glibc was older, and so
 * is every signal. */
API long syscall(long number, ...)
{
	static void *real_syscall;
	bool waits = number == SYS_epoll_pwait2 || number == SYS_epoll_pwait;
	long argument[6], result;
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	if (waits)
		before_wait();
	if (number == SYS_pidfd_send_signal)
		on_signal((int)argument[1]);
	result = REAL(syscall)(number, argument[0], argument[1], argument[2], argument[3],
			       argument[4], argument[5]);
	if (waits)
		after_wait();
	return result;
}

API int epoll_pwait2(int epoll_fd, struct epoll_event *events, int count,
		     const struct timespec *timeout, const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait2, epoll_fd, events, count, timeout, mask, 8);
}
