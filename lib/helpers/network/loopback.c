/* SPDX-License-Identifier: Apache-2.0 */
/* The loopback plugin. */
#include "helpers/network/link.h"
#include "helpers/network/native.h"
#include "helpers/network/result.h"

#include <string.h>

struct addresses {
	struct prefix four, six;
	const struct prefix *strange;
	struct prefix other;
};

/* The first of each family. */
static void collect(const struct prefix *present, void *data)
{
	static const uint8_t six[16] = { [15] = 1 };
	struct addresses *addresses = data;
	const bool is_six = present->address.family == AF_INET6;
	struct prefix *kept = is_six ? &addresses->six : &addresses->four;

	if (!kept->address.family)
		*kept = *present;
	if (is_six ? memcmp(present->address.bytes, six, sizeof(six)) != 0 : present->address.bytes[0] != 127) {
		addresses->other = *present;
		addresses->strange = &addresses->other;
	}
}

static int answer(const struct pod *pod, const struct addresses *addresses, cJSON **result, struct failure *failure)
{
	const struct address none = { 0 };
	cJSON *made = result_new();

	if (!made || !result_add_interface(made, "lo", "00:00:00:00:00:00", pod->namespace_path) ||
	    (addresses->four.address.family && !result_add_address(made, &addresses->four, &none, 0)) ||
	    (addresses->six.address.family && !result_add_address(made, &addresses->six, &none, 0)) ||
	    !cJSON_AddObjectToObject(made, "dns")) {
		cJSON_Delete(made);
		return fail_memory(failure);
	}
	*result = made;
	return 0;
}

int loopback_run(struct pod *pod, const struct attachment *attachment, const cJSON *previous, cJSON **result,
		 struct failure *failure)
{
	struct addresses addresses = { 0 };
	struct netlink *inside;
	struct link link;
	char text[PREFIX_TEXT];
	int code;

	(void)attachment;
	/* It goes with the namespace; taking it down would wait for the kernel. */
	if (pod->command == COMMAND_DEL)
		return 0;
	code = nets_inside(pod, &inside, failure);
	if (code < 0)
		return code;
	code = link_find(inside, "lo", &link);
	if (code == 0 && !(link.flags & IFF_UP) && pod->command == COMMAND_CHECK)
		return fail(failure, CRI_EPRECONDITION, "loopback is down");
	if (code == 0 && !(link.flags & IFF_UP))
		code = link_set_up(inside, "lo");
	if (code < 0)
		return fail_errno(failure, code, "bring loopback up");
	if (pod->command == COMMAND_CHECK)
		return 0;
	code = link_addresses(inside, link.index, collect, &addresses);
	if (code < 0)
		return fail_errno(failure, code, "list the addresses of loopback");
	if (addresses.strange)
		return fail(failure, CRI_EPRECONDITION, "loopback has the address %s, which is none of it",
			    prefix_text(addresses.strange, text));
	if (!previous)
		return answer(pod, &addresses, result, failure);
	/* As the program does: what was there before is passed on. */
	*result = cJSON_Duplicate(previous, true);
	return *result ? 0 : fail_memory(failure);
}
