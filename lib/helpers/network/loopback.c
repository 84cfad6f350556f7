/* SPDX-License-Identifier: Apache-2.0 */
/* The loopback plugin. */
#include "helpers/network/link.h"
#include "helpers/network/native.h"
#include "helpers/network/result.h"

#include <string.h>

int loopback_run(struct pod *pod, const struct attachment *attachment, const cJSON *previous, cJSON **result,
		 struct failure *failure)
{
	struct netlink *inside;
	struct link link;
	struct prefix four, six;
	const struct address none = { 0 };
	cJSON *made;
	int code;

	(void)attachment;
	/* It goes with the namespace. */
	if (pod->command == COMMAND_DEL)
		return 0;
	code = nets_inside(pod, &inside, failure);
	if (code < 0)
		return code;
	code = link_find(inside, "lo", &link);
	if (code == 0 && !(link.flags & IFF_UP) && pod->command == COMMAND_CHECK)
		return fail(failure, CRI_EPRECONDITION, "loopback is down");
	if (code == 0 && !(link.flags & IFF_UP))
		code = link_set_up(inside, link.index, true);
	if (code < 0)
		return fail_errno(failure, code, "bring loopback up");
	if (pod->command == COMMAND_CHECK)
		return 0;
	/* As the program does: what was there before is passed on. */
	made = previous ? cJSON_Duplicate(previous, true) : result_new();
	(void)prefix_parse("127.0.0.1/8", &four);
	(void)prefix_parse("::1/128", &six);
	if (!made ||
	    (!previous && (!result_add_interface(made, "lo", "00:00:00:00:00:00", pod->namespace_path) ||
			   !result_add_address(made, &four, &none, 0) || !result_add_address(made, &six, &none, 0) ||
			   !cJSON_AddObjectToObject(made, "dns")))) {
		cJSON_Delete(made);
		return fail_memory(failure);
	}
	*result = made;
	return 0;
}
