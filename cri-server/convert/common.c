/* SPDX-License-Identifier: Apache-2.0 */
/* What many messages have: maps, arrays of texts, numbers that may be absent. */
#include "convert/convert.h"

#include <ctype.h>
#include <string.h>

cri_key_values pairs_from_wire(struct conversion *conversion, Cri__StringPair *const *pairs, size_t n)
{
	const cri_key_value **result = memory_array(&conversion->memory, n, sizeof(*result));
	cri_key_value *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!result || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		all[i] = (cri_key_value){ CRI_KEY_VALUE_INIT, .key = pairs[i]->key, .value = pairs[i]->value };
		result[i] = &all[i];
	}
	return result;
}

char *text_to_wire(const char *text)
{
	return (char *)(text ? text : protobuf_c_empty_string);
}

static Cri__StringPair *new_pair(struct conversion *conversion, const char *key, const char *value)
{
	Cri__StringPair *pair = message_new(conversion, &cri__string_pair__descriptor);

	if (pair) {
		pair->key = text_to_wire(key);
		pair->value = text_to_wire(value);
	}
	return pair;
}

Cri__StringPair **pairs_to_wire(struct conversion *conversion, cri_key_values pairs, size_t n)
{
	Cri__StringPair **result = memory_array(&conversion->memory, n, sizeof(*result));

	for (size_t i = 0; result && i < n; i++)
		result[i] = new_pair(conversion, pairs[i]->key, pairs[i]->value);
	return result;
}

char **texts_to_wire(struct conversion *conversion, const char *const *texts, size_t n)
{
	/* A copy of the array, because texts in it may be replaced when they are not UTF-8. */
	char **result = memory_array(&conversion->memory, n, sizeof(*result));

	for (size_t i = 0; result && i < n; i++)
		result[i] = text_to_wire(texts[i]);
	return result;
}

/* The end of a JSON string, at whose opening quote `at` is; NULL when it has none. */
static const char *string_end(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && !*++at)
			return NULL;
	return *at ? at + 1 : NULL;
}

static const char *skip_space(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* The end of a JSON value: the comma or the brace behind it. */
static const char *value_end(const char *at)
{
	size_t depth = 0;

	while (*at) {
		if (*at == '"') {
			at = string_end(at);
			if (!at)
				return NULL;
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (depth && (*at == '}' || *at == ']'))
			depth--;
		else if (!depth && (*at == ',' || *at == '}'))
			return at;
		at++;
	}
	return NULL;
}

/* Values are taken as they are written: cJSON would make doubles of the numbers, and of times in nanoseconds others.
 * The texts come from libcri, which writes keys without escapes. */
size_t json_to_wire(struct conversion *conversion, const char *json, Cri__StringPair ***pairs)
{
	struct memory *memory = &conversion->memory;
	const char *at = skip_space(json), *end;
	size_t limit = 1, n = 0;

	if (*at != '{')
		return 0;
	for (const char *comma = strchr(json, ','); comma; comma = strchr(comma + 1, ','))
		limit++;
	*pairs = memory_array(memory, limit, sizeof(**pairs));
	at = skip_space(at + 1);
	while (*pairs && n < limit && *at == '"') {
		const char *key = at + 1, *value;

		end = string_end(at);
		if (!end || *(at = skip_space(end)) != ':')
			break;
		at = skip_space(at + 1);
		value = at;
		at = value_end(value);
		if (!at)
			break;
		(*pairs)[n] = new_pair(conversion, memory_text(memory, key, (size_t)(end - 1 - key)),
				       memory_text(memory, value, (size_t)(at - value)));
		n += (*pairs)[n] ? 1 : 0;
		at = skip_space(*at == ',' ? at + 1 : at);
	}
	return n;
}

bool message_is_empty(const ProtobufCMessage *message)
{
	return !message || protobuf_c_message_get_packed_size(message) == 0;
}

Cri__UInt64Value *number_to_wire(struct conversion *conversion, uint64_t value)
{
	Cri__UInt64Value *message = message_new(conversion, &cri__uint64_value__descriptor);

	if (message)
		message->value = value;
	return message;
}

Cri__Int64Value *signed_number_to_wire(struct conversion *conversion, int64_t value)
{
	Cri__Int64Value *message = message_new(conversion, &cri__int64_value__descriptor);

	if (message)
		message->value = value;
	return message;
}
