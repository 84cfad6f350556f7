/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cri-init and cri-sandbox are linked with in place of the C library.
 *
 * They are started with every container, every exec and every pod, and do little more than make system calls. glibc,
 * also statically linked, asks the processor some 70 questions (cpuid) before main; in a virtual machine each leaves
 * the guest, and that costs more than all that these programs do: measured 0.36 ms from vfork to exit for an empty
 * static program with glibc, 0.08 ms for one without. The same sources are linked with glibc in the unit tests, and on
 * machines that syscall.c does not know.
 *
 * Not here: stdio, malloc, locales, threads, thread-local storage, vector registers beyond what the compiler uses.
 */
#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv);
void bare_start(long *stack) __attribute__((noreturn, used));
void __stack_chk_fail(void) __attribute__((noreturn, used));

/* The compiler's canary; the build asks for a global one (-mstack-protector-guard=global), as there is no TLS. Not in
 * .bss: cri-init's pause process gives that back while functions are running. */
uintptr_t __stack_chk_guard __attribute__((used, section(".data")));

#if defined(__x86_64__)
__asm__(".text\n"
	".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call bare_start\n"
	"	hlt\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	and sp, x0, #-16\n"
	"	bl bare_start\n"
	"	brk #1\n");
#endif

void __stack_chk_fail(void)
{
	__builtin_trap();
}

/* The kernel leaves argc, argv, NULL, environment, NULL, auxiliary vector on the stack. */
__attribute__((no_stack_protector)) void bare_start(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **at = argv + stack[0] + 1;

	while (*at)
		at++;
	for (const Elf64_auxv_t *auxiliary = (const Elf64_auxv_t *)(at + 1); auxiliary->a_type; auxiliary++) {
		/* 16 random bytes; the lowest of the canary stays 0, so that no text can contain it. */
		if (auxiliary->a_type == AT_RANDOM)
			memcpy((char *)&__stack_chk_guard + 1, (const void *)auxiliary->a_un.a_val,
			       sizeof(__stack_chk_guard) - 1);
	}
	_exit(main((int)stack[0], argv));
}
