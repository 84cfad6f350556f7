/* SPDX-License-Identifier: Apache-2.0 */
/* cri-fetch: brings bytes and vouches for them (image/fetch_protocol.h). */
#include "fetch.h"

#include "base/json.h"
#include "base/socket.h"
#include "helpers/confine.h"
#include "helpers/helper.h"
#include "libcri/error.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

/* Two for each job, and the process's own. */
#define FILES_MAX (2 * FETCH_MAX_JOBS + 64)

#define STACK_SIZE ((size_t)256 * 1024)

/* No open among them: what a job reads and writes comes with its request. */
static const int system_calls[] = { SYS_read,         SYS_write,
				    SYS_close,        SYS_fcntl,
				    SYS_fstat,        SYS_newfstatat,
				    SYS_lseek,        SYS_recvmsg,
				    SYS_sendmsg,      SYS_sendto,
				    SYS_memfd_create, SYS_brk,
				    SYS_mmap,         SYS_munmap,
				    SYS_mremap,       SYS_mprotect,
				    SYS_madvise,      SYS_futex,
				    SYS_clone,        SYS_clone3,
				    SYS_rseq,         SYS_set_robust_list,
				    SYS_sched_yield,  SYS_sched_getaffinity,
				    SYS_getrandom,    SYS_clock_gettime,
				    SYS_rt_sigaction, SYS_rt_sigprocmask,
				    SYS_rt_sigreturn, SYS_sigaltstack,
				    SYS_getpid,       SYS_gettid,
				    SYS_tgkill,       SYS_exit,
				    SYS_exit_group };

static atomic_int running;

static int confine(void)
{
	int error = confine_resources(0, FILES_MAX);

	if (!error)
		error = confine_capabilities(0);
	if (!error)
		error = confine_system_calls(system_calls, sizeof(system_calls) / sizeof(system_calls[0]));
	return error;
}

static void *run_job(void *job)
{
	job_run(job);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static int start_job(struct job *job, const pthread_attr_t *attributes, struct failure *failure)
{
	pthread_t thread;

	if (atomic_fetch_add(&running, 1) >= FETCH_MAX_JOBS) {
		atomic_fetch_sub(&running, 1);
		return fail(failure, CRI_EEXHAUSTED, "more than %d jobs at once", FETCH_MAX_JOBS);
	}
	if (pthread_create(&thread, attributes, run_job, job)) {
		atomic_fetch_sub(&running, 1);
		return fail(failure, CRI_ENOMEM, "no thread for the job");
	}
	return 0;
}

static void handle(const char *text, size_t length, const int *fds, size_t n_fds, const pthread_attr_t *attributes)
{
	struct failure failure = { 0 };
	struct job *job;
	int64_t number = 0;
	cJSON *request;

	if (json_parse(text, length, FETCH_MESSAGE_MAX, &request)) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		fail(&failure, CRI_EINVAL, "the request is no JSON");
		reply_failure(0, &failure);
		return;
	}
	(void)json_int64(request, "job", &number);
	job = job_parse(request, fds, n_fds, &failure);
	if (job && start_job(job, attributes, &failure))
		job_free(job);
	if (failure.code)
		reply_failure(number, &failure);
}

int main(void)
{
	static char text[FETCH_MESSAGE_MAX];
	pthread_attr_t attributes;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t length;

	/* A reader that goes away is an answer to the write, not a reason to die. */
	if (helper_start() || signal(SIGPIPE, SIG_IGN) == SIG_ERR || digest_prepare() || confine())
		return 1;
	if (pthread_attr_init(&attributes) || pthread_attr_setstacksize(&attributes, STACK_SIZE) ||
	    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED))
		return 1;
	while ((length = socket_receive(REQUEST_FD, text, sizeof(text), fds, &n_fds, 0)) > 0)
		handle(text, (size_t)length, fds, n_fds, &attributes);
	/* The threads end with the process; nobody waits for what they do. */
	_exit(length < 0 ? 1 : 0);
}
