/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <signal.h>

/* Paths and a page or two of text; sanitizers take more. */
#define STACK_SIZE ((size_t)256 << 10)

int thread_start(pthread_t *thread, void *(*function)(void *), void *argument)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	if (!error)
		error = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!error) {
		error = pthread_create(thread, &attributes, function, argument);
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	(void)pthread_attr_destroy(&attributes);
	return -error;
}
