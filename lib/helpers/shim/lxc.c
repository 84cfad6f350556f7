/* SPDX-License-Identifier: Apache-2.0 */
#include "lxc.h"

#include <dlfcn.h>
#include <lxc/lxccontainer.h>
#include <malloc.h>

static const char load_step[] = "load liblxc";
static const char step[] = "start with liblxc";

#define LIBRARY "liblxc.so.1"

static struct lxc_container *(*new_container)(const char *name, const char *path);

int lxc_load(struct failure *failure)
{
	void *library;

	if (new_container)
		return 0;
	library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	if (!library)
		return fail(failure, CRI_EPRECONDITION, 0, load_step, "%s; install the package liblxc1", dlerror());
	new_container = (struct lxc_container * (*)(const char *, const char *)) dlsym(library, "lxc_container_new");
	if (!new_container)
		return fail(failure, CRI_EPRECONDITION, 0, load_step, LIBRARY ": %s", dlerror());
	return 0;
}

static int configure(struct lxc_container *container, const struct order *order, struct failure *failure)
{
	/* lxc_container_new may have read a configuration that happens to be at lxc_path. */
	container->clear_config(container);
	if (!container->load_config(container, order->lxc_config))
		return fail(failure, CRI_EINTERNAL, 0, step, "liblxc refuses %s", order->lxc_config);
	/* A foreground start in this process, which has no other thread. */
	if (!container->want_daemonize(container, false))
		return fail(failure, CRI_EINTERNAL, 0, step, "liblxc does not start in the foreground");
	return 0;
}

int lxc_run(struct order *order, const char *program, int *status, struct failure *failure)
{
	char *const arguments[] = { (char *)program, NULL };
	struct lxc_container *container = new_container(order->id, order->lxc_path);
	int result;

	if (!container)
		return fail(failure, CRI_EINTERNAL, 0, step, "liblxc does not take the name %s", order->id);
	result = configure(container, order, failure);
	if (result < 0)
		return result;
	order_forget(order);
	/* From here on this process sits still as long as the container lives. */
	malloc_trim(0);
	if (!container->start(container, 0, arguments))
		return fail(failure, CRI_EINTERNAL, 0, step, "%s",
			    container->error_string ? container->error_string : "the container could not be started");
	*status = container->error_num;
	return 0;
}
