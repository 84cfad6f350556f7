/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of configs, as messages and as the JSON that libcri reads. */
#ifndef TESTS_UNIT_CONVERT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONVERT_CONFIG_FIXTURE_H

#include "convert_fixture.h"

#include <cjson/cJSON.h>

static Cri__StringPair pair_one = { PROTOBUF_C_MESSAGE_INIT(&cri__string_pair__descriptor), "one", "1" };
static Cri__StringPair pair_two = { PROTOBUF_C_MESSAGE_INIT(&cri__string_pair__descriptor), "two", "" };
static Cri__StringPair *two_pairs[] = { &pair_one, &pair_two }, *one_pair[] = { &pair_one };
static char *texts[] = { "first", "second" };
static int64_t groups[] = { 7, 0, 4294967294 };

static Cri__IDMapping mapping = { PROTOBUF_C_MESSAGE_INIT(&cri__idmapping__descriptor), 65536, 0, 4096 };
static Cri__IDMapping *mappings[] = { &mapping };

static inline void expect_same_json(const char *got, const char *expected)
{
	cJSON *one = cJSON_Parse(got), *other = cJSON_Parse(expected);
	char *printed;

	assert_non_null(one);
	assert_non_null(other);
	printed = cJSON_Print(other);
	if (!cJSON_Compare(one, other, true))
		fail_msg("got %s\nnot %s", got, printed);
	free(printed);
	cJSON_Delete(one);
	cJSON_Delete(other);
}

static inline void fill_resources(Cri__LinuxContainerResources *resources)
{
	static Cri__HugepageLimit limit = { PROTOBUF_C_MESSAGE_INIT(&cri__hugepage_limit__descriptor), "2MB", 4194304 };
	static Cri__HugepageLimit *limits[] = { &limit };

	resources->cpu_period = 100000;
	resources->cpu_quota = 50000;
	resources->cpu_shares = 512;
	resources->memory_limit_in_bytes = 1 << 26;
	resources->oom_score_adj = -998;
	resources->cpuset_cpus = "0-1";
	resources->cpuset_mems = "0";
	resources->hugepage_limits = limits;
	resources->n_hugepage_limits = 1;
	resources->unified = one_pair;
	resources->n_unified = 1;
	resources->memory_swap_limit_in_bytes = 1 << 27;
}

#define RESOURCES                                                                                                      \
	"{\"cpu_period\":100000,\"cpu_quota\":50000,\"cpu_shares\":512,\"memory_limit_in_bytes\":67108864,"            \
	"\"oom_score_adj\":-998,\"cpuset_cpus\":\"0-1\",\"cpuset_mems\":\"0\","                                        \
	"\"hugepage_limits\":[{\"page_size\":\"2MB\",\"limit\":4194304}],\"unified\":{\"one\":\"1\"},"                 \
	"\"memory_swap_limit_in_bytes\":134217728}"

static inline void expect_refusal(struct fixture *fixture, const char *text)
{
	assert_false(conversion_succeeded(&fixture->conversion));
	assert_int_equal(fixture->status.code, STATUS_INVALID_ARGUMENT);
	if (!strstr(fixture->status.message, text))
		fail_msg("\"%s\" is not in \"%s\"", text, fixture->status.message);
	end(fixture);
}

#endif
