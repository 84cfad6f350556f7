/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include "filter_library.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "libcri/engine.h"
#include "runtime/init_protocol.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const char filter_step[] = "compile the seccomp profile";

#define LIBRARY "libseccomp.so.2"
#define PROFILE_FILE "seccomp.json"
#define PROFILE_LIMIT (1u << 20)
#define PROGRAM_LIMIT (BPF_MAXINSNS * sizeof(struct sock_filter))

/* Binary search instead of a list: what is allowed last is not slower than what is allowed first. */
#define OPTIMIZE_TREE 2

static void *symbol(void *library, const char *name, struct failure *failure)
{
	void *found = dlsym(library, name);

	if (!found)
		fail(failure, CRI_EPRECONDITION, 0, filter_step, LIBRARY ": %s", dlerror());
	return found;
}

int filter_library_load(struct filter_library *library, struct failure *failure)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		fail(failure, CRI_EPRECONDITION, 0, filter_step, "%s; install the package libseccomp2", dlerror());
		return CRI_EPRECONDITION;
	}
#define LOAD(member, name)                                                                                             \
	library->member = (__typeof__(library->member))symbol(handle, name, failure);                                  \
	if (!library->member)                                                                                          \
	return CRI_EPRECONDITION
	library->handle = handle;
	LOAD(version, "seccomp_version");
	LOAD(init, "seccomp_init");
	LOAD(attr_set, "seccomp_attr_set");
	LOAD(arch_native, "seccomp_arch_native");
	LOAD(arch_exist, "seccomp_arch_exist");
	LOAD(arch_add, "seccomp_arch_add");
	LOAD(arch_resolve_name, "seccomp_arch_resolve_name");
	LOAD(rule_add_array, "seccomp_rule_add_array");
	LOAD(resolve_name, "seccomp_syscall_resolve_name");
	LOAD(resolve_number, "seccomp_syscall_resolve_num_arch");
	LOAD(export_bpf, "seccomp_export_bpf");
#undef LOAD
	return 0;
}

int filter_add_architecture(struct filter *filter, uint32_t architecture)
{
	const struct filter_library *library = filter->library;
	int result;

	if (!architecture || library->arch_exist(filter->context, architecture) == 0)
		return 0;
	result = library->arch_add(filter->context, architecture);
	/* EEXIST: there by another name; EDOM, EINVAL: of another byte order, or of no kernel of this machine's. */
	if (result == 0 || result == -EEXIST || result == -EDOM || result == -EINVAL)
		return 0;
	return fail(filter->failure, code_of_errno(result), result, filter_step, "add an architecture");
}

int filter_add_rule(const struct filter *filter, uint32_t action, int number, const struct scmp_arg_cmp *arguments,
		    unsigned int n_arguments)
{
	int result = filter->library->rule_add_array(filter->context, action, number, n_arguments, arguments);

	/* EDOM: no architecture of the filter has it. */
	if (result == 0 || result == -EDOM || result == -EEXIST)
		return 0;
	return fail(filter->failure, result == -EINVAL ? CRI_EINVAL : code_of_errno(result), result, filter_step,
		    "a rule for system call %d", number);
}

static int fill(struct filter *filter, const struct order *order)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	int result;

	if (strcmp(order->seccomp, "default") == 0)
		return filter_fill_default(filter);
	result = fs_read(order->directory_fd, PROFILE_FILE, PROFILE_LIMIT, &content);
	if (result < 0)
		return fail(filter->failure, code_of_errno(result), result, filter_step, PROFILE_FILE);
	return filter_fill_profile(filter, content.data, content.length);
}

static int compile(const struct order *order, int program_fd, struct failure *failure)
{
	struct filter_library library;
	struct filter filter = { .library = &library, .capabilities = order->capabilities, .failure = failure };
	int result = filter_library_load(&library, failure);

	if (result)
		return result;
	result = fill(&filter, order);
	if (result)
		return result;
	/* Not known to old libraries, and no matter. */
	(void)library.attr_set(filter.context, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
	result = library.export_bpf(filter.context, program_fd);
	return result < 0 ? fail(failure, code_of_errno(result), result, filter_step, "export it") : 0;
}

/* The process ends with all that libseccomp allocated. `told` is shared. */
static int compile_apart(const struct order *order, int program_fd, struct failure *told, struct failure *failure)
{
	int status = -1;
	pid_t pid = fork();

	if (pid < 0)
		return fail(failure, code_of_errno(errno), errno, filter_step, "fork");
	if (pid == 0)
		_exit(compile(order, program_fd, told) < 0 ? 1 : 0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status == 0)
		return 0;
	if (told->code >= 0)
		return fail(failure, CRI_EINTERNAL, 0, filter_step, "its compiler ended with status %d", status);
	*failure = *told;
	return failure->code;
}

static int read_program(int program_fd, struct buffer *program, struct failure *failure)
{
	ssize_t length = -1;

	if (buffer_reserve(program, PROGRAM_LIMIT + 1) < 0)
		return fail(failure, CRI_ENOMEM, ENOMEM, filter_step, "read it");
	if (lseek(program_fd, 0, SEEK_SET) == 0)
		length = fs_read_full(program_fd, program->data, PROGRAM_LIMIT + 1);
	if (length < 0)
		return fail(failure, code_of_errno(errno), errno, filter_step, "read it");
	if ((size_t)length > PROGRAM_LIMIT)
		return fail(failure, CRI_EINVAL, E2BIG, filter_step, "it has more than %d instructions", BPF_MAXINSNS);
	program->length = (size_t)length;
	return 0;
}

static int make_program(const struct order *order, struct buffer *program, struct failure *failure)
{
	CLEANUP_CLOSE int program_fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct failure *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int result;

	if (program_fd < 0 || told == MAP_FAILED) {
		result = fail(failure, code_of_errno(errno), errno, filter_step, "prepare");
		if (told != MAP_FAILED)
			munmap(told, sizeof(*told));
		return result;
	}
	result = compile_apart(order, program_fd, told, failure);
	munmap(told, sizeof(*told));
	return result < 0 ? result : read_program(program_fd, program, failure);
}

/* Of the program that these versions make, for these capabilities. */
static int kept_path(const struct order *order, char path[PATH_MAX], struct failure *failure)
{
	struct filter_library library;
	const struct scmp_version *version;
	int result = filter_library_load(&library, failure);

	if (result)
		return result;
	version = library.version();
	result = fs_path(path, PATH_MAX, "%s/seccomp-" CRI_VERSION "-%u.%u.%u-%" PRIx64, order->state, version->major,
			 version->minor, version->micro, order->capabilities);
	dlclose(library.handle);
	return result < 0 ? fail(failure, CRI_EINVAL, result, filter_step, "%s", order->state) : 0;
}

/* Compiling the built-in profile takes longer than all the rest of a container's start, and the program depends on the
 * machine, the capabilities, and who compiles it alone: it is kept, until the machine restarts, in the state
 * directory, where one that was made before an upgrade has another name. */
static int default_program(const struct order *order, struct buffer *program, struct failure *failure)
{
	char path[PATH_MAX];
	int result = kept_path(order, path, failure);

	if (result < 0)
		return result;
	if (fs_read(AT_FDCWD, path, PROGRAM_LIMIT, program) == 0 && program->length &&
	    program->length % sizeof(struct sock_filter) == 0)
		return 0;
	program->length = 0;
	result = make_program(order, program, failure);
	if (result == 0)
		(void)fs_write_atomic(AT_FDCWD, path, program->data, program->length, 0600, false);
	return result;
}

static int append(const struct order *order, const struct buffer *program, struct failure *failure)
{
	CLEANUP_CLOSE int record = openat(order->directory_fd, "process", O_WRONLY | O_APPEND | O_CLOEXEC);
	const uint32_t head[] = { PROCESS_SECCOMP, (uint32_t)program->length };
	int result = record < 0 ? -errno : fs_write_full(record, head, sizeof(head));

	if (result == 0)
		result = fs_write_full(record, program->data, program->length);
	return result < 0 ? fail(failure, code_of_errno(result), result, filter_step, "write the process record") : 0;
}

int filter_add(const struct order *order, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer program = BUFFER_EMPTY;
	int result;

	if (!*order->seccomp)
		return 0;
	result = strcmp(order->seccomp, "default") == 0 ? default_program(order, &program, failure)
							: make_program(order, &program, failure);
	return result < 0 ? result : append(order, &program, failure);
}
