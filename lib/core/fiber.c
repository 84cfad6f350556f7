/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fiber.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* Address space, not memory: pages are the kernel's until they are touched. Functions with a handful of PATH_MAX
 * buffers, SQLite below them, and the larger frames of the sanitizers fit many times over. */
#define STACK_SIZE ((size_t)1 << 20)
/* Larger than any frame: a function cannot step over it. */
#define GUARD_SIZE ((size_t)64 << 10)

struct fiber {
	fiber_function function;
	void *argument;
	char *mapping; /* the guard, then the stack, which grows towards it */
	bool returned;
	ucontext_t inside;
	ucontext_t outside;
#ifdef __SANITIZE_ADDRESS__
	void *inside_fake_stack, *outside_fake_stack;
	const void *outside_stack;
	size_t outside_stack_size;
#endif
#ifdef __SANITIZE_THREAD__
	void *inside_thread, *outside_thread;
#endif
};

static void swap_in(struct fiber *fiber)
{
	/* A context carries the signal mask of the thread that left it. The host's threads keep theirs. */
	pthread_sigmask(SIG_SETMASK, NULL, &fiber->inside.uc_sigmask);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&fiber->outside_fake_stack, fiber->mapping + GUARD_SIZE, STACK_SIZE);
#endif
#ifdef __SANITIZE_THREAD__
	fiber->outside_thread = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(fiber->inside_thread, 0);
#endif
	swapcontext(&fiber->outside, &fiber->inside);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(fiber->outside_fake_stack, NULL, NULL);
#endif
}

/* What runs first on the new stack, and after each return to it. */
static void arrived_inside(struct fiber *fiber)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(fiber->inside_fake_stack, &fiber->outside_stack, &fiber->outside_stack_size);
#else
	(void)fiber;
#endif
}

static void swap_out(struct fiber *fiber)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(fiber->returned ? NULL : &fiber->inside_fake_stack, fiber->outside_stack,
				       fiber->outside_stack_size);
#endif
#ifdef __SANITIZE_THREAD__
	__tsan_switch_to_fiber(fiber->outside_thread, 0);
#endif
	swapcontext(&fiber->inside, &fiber->outside);
	arrived_inside(fiber);
}

/* makecontext passes ints only: the pointer comes in two halves. */
static void run(unsigned int high, unsigned int low)
{
	struct fiber *fiber = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low); /* NOLINT */

	arrived_inside(fiber);
	fiber->function(fiber->argument);
	fiber->returned = true;
	swap_out(fiber);
	__builtin_unreachable();
}

int fiber_new(fiber_function function, void *argument, struct fiber **fiber)
{
	struct fiber *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->function = function;
	made->argument = argument;
	made->mapping = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (made->mapping == MAP_FAILED) {
		int error = errno;

		free(made);
		return -error;
	}
	if (mprotect(made->mapping + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE) < 0 ||
	    getcontext(&made->inside) < 0) {
		int error = errno;

		munmap(made->mapping, GUARD_SIZE + STACK_SIZE);
		free(made);
		return -error;
	}
	made->inside.uc_stack.ss_sp = made->mapping + GUARD_SIZE;
	made->inside.uc_stack.ss_size = STACK_SIZE;
	makecontext(&made->inside, (void (*)(void))run, 2, (unsigned int)((uint64_t)(uintptr_t)made >> 32),
		    (unsigned int)(uintptr_t)made);
#ifdef __SANITIZE_THREAD__
	made->inside_thread = __tsan_create_fiber(0);
#endif
	*fiber = made;
	return 0;
}

void fiber_enter(struct fiber *fiber)
{
	swap_in(fiber);
}

void fiber_leave(struct fiber *fiber)
{
	swap_out(fiber);
}

void fiber_free(struct fiber *fiber)
{
	if (!fiber)
		return;
#ifdef __SANITIZE_THREAD__
	__tsan_destroy_fiber(fiber->inside_thread);
#endif
#ifdef __SANITIZE_ADDRESS__
	/* Whatever is mapped there next must not inherit the red zones of its last frames. */
	__asan_unpoison_memory_region(fiber->mapping + GUARD_SIZE, STACK_SIZE);
#endif
	munmap(fiber->mapping, GUARD_SIZE + STACK_SIZE);
	free(fiber);
}
