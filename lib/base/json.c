/* SPDX-License-Identifier: Apache-2.0 */
/* cJSON is lenient (control bytes are blanks, "01" is a number, \u0000 cuts a text) and has one answer for "malformed"
 * and "out of memory". So the text is first checked against RFC 8259 and our bounds; what cJSON then refuses is memory.
 */
#include "json.h"

#include "text.h"

#include <string.h>

/* cJSON copies a number into 64 bytes. */
#define NUMBER_MAX 63
#define EXACT_MAX (INT64_C(1) << 53)
/* Below, cJSON prints all digits; above it may write 1e+15, which readers of integers refuse. */
#define PLAIN_MAX INT64_C(1000000000000000)

struct scanner {
	const char *at, *end;
	/* The values that are open: '{' or '['. */
	char open[JSON_MAX_DEPTH];
	size_t depth;
};

static void skip_blanks(struct scanner *scanner)
{
	while (scanner->at < scanner->end && strchr(" \t\r\n", *scanner->at) && *scanner->at)
		scanner->at++;
}

static bool take(struct scanner *scanner, char expected)
{
	if (scanner->at == scanner->end || *scanner->at != expected)
		return false;
	scanner->at++;
	return true;
}

static bool take_digits(struct scanner *scanner)
{
	const char *start = scanner->at;

	while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
		scanner->at++;
	return scanner->at > start;
}

static bool scan_number(struct scanner *scanner)
{
	const char *start = scanner->at;

	take(scanner, '-');
	if (!take(scanner, '0') && !take_digits(scanner))
		return false;
	if (take(scanner, '.') && !take_digits(scanner))
		return false;
	if (take(scanner, 'e') || take(scanner, 'E')) {
		if (!take(scanner, '+'))
			take(scanner, '-');
		if (!take_digits(scanner))
			return false;
	}
	return scanner->at - start <= NUMBER_MAX;
}

static bool scan_hex(struct scanner *scanner, unsigned int *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++) {
		char digit = scanner->at < scanner->end ? *scanner->at++ : '\0';

		if (digit >= '0' && digit <= '9')
			*value = *value * 16 + (unsigned int)(digit - '0');
		else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			*value = *value * 16 + (unsigned int)((digit | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* Behind the backslash. Surrogates come in pairs. */
static bool scan_escape(struct scanner *scanner)
{
	unsigned int code;

	if (scanner->at == scanner->end)
		return false;
	if (*scanner->at != 'u') {
		char letter = *scanner->at++;

		return letter && strchr("\"\\/bfnrt", letter);
	}
	scanner->at++;
	if (!scan_hex(scanner, &code) || !code || (code >= 0xdc00 && code <= 0xdfff))
		return false;
	if (code < 0xd800 || code > 0xdbff)
		return true;
	return take(scanner, '\\') && take(scanner, 'u') && scan_hex(scanner, &code) && code >= 0xdc00 &&
	       code <= 0xdfff;
}

static bool scan_string(struct scanner *scanner)
{
	if (!take(scanner, '"'))
		return false;
	while (scanner->at < scanner->end) {
		unsigned char byte = (unsigned char)*scanner->at++;

		if (byte == '"')
			return true;
		if (byte < 0x20 || (byte == '\\' && !scan_escape(scanner)))
			return false;
	}
	return false;
}

static bool scan_word(struct scanner *scanner, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0)
		return false;
	scanner->at += length;
	return true;
}

static bool scan_scalar(struct scanner *scanner)
{
	switch (scanner->at < scanner->end ? *scanner->at : '\0') {
	case '"':
		return scan_string(scanner);
	case 't':
		return scan_word(scanner, "true");
	case 'f':
		return scan_word(scanner, "false");
	case 'n':
		return scan_word(scanner, "null");
	default:
		return scan_number(scanner);
	}
}

static bool scan_key(struct scanner *scanner)
{
	skip_blanks(scanner);
	if (!scan_string(scanner))
		return false;
	skip_blanks(scanner);
	return take(scanner, ':');
}

/* Behind a value: closes what ends here. 1: another value follows; 0: the outermost value ended; -EINVAL. */
static int scan_value_end(struct scanner *scanner)
{
	while (scanner->depth) {
		char open = scanner->open[scanner->depth - 1];

		skip_blanks(scanner);
		if (take(scanner, ','))
			return open == '[' || scan_key(scanner) ? 1 : -EINVAL;
		if (!take(scanner, open == '[' ? ']' : '}'))
			return -EINVAL;
		scanner->depth--;
	}
	return 0;
}

/* Opens an array or object. 1: its first value follows; 0: it was empty, and ended; -EINVAL, -ELOOP. */
static int scan_open(struct scanner *scanner, char open)
{
	if (scanner->depth == JSON_MAX_DEPTH)
		return -ELOOP;
	scanner->open[scanner->depth++] = open;
	skip_blanks(scanner);
	if (take(scanner, open == '[' ? ']' : '}')) {
		scanner->depth--;
		return 0;
	}
	return open == '[' || scan_key(scanner) ? 1 : -EINVAL;
}

static int check_syntax(const char *text, size_t length)
{
	struct scanner scanner = { .at = text, .end = text + length };
	int more = 1;

	while (more > 0) {
		skip_blanks(&scanner);
		if (take(&scanner, '['))
			more = scan_open(&scanner, '[');
		else if (take(&scanner, '{'))
			more = scan_open(&scanner, '{');
		else
			more = scan_scalar(&scanner) ? 0 : -EINVAL;
		if (!more)
			more = scan_value_end(&scanner);
	}
	if (more < 0)
		return more;
	skip_blanks(&scanner);
	return scanner.at == scanner.end ? 0 : -EINVAL;
}

int json_parse(const char *text, size_t length, size_t limit, cJSON **value)
{
	cJSON *parsed;
	int error;

	if (length > limit)
		return -EFBIG;
	if (!text_is_utf8(text, length))
		return -EINVAL;
	error = check_syntax(text, length);
	if (error)
		return error;
	parsed = cJSON_ParseWithLength(text, length);
	if (!parsed)
		return -ENOMEM;
	*value = parsed;
	return 0;
}

/* 0, -ENOENT or -EINVAL as the header says. */
static int find_member(const cJSON *object, const char *key, const cJSON **member)
{
	if (!object)
		return -ENOENT;
	if (!cJSON_IsObject(object))
		return -EINVAL;
	*member = cJSON_GetObjectItemCaseSensitive(object, key);
	return !*member || cJSON_IsNull(*member) ? -ENOENT : 0;
}

int json_string(const cJSON *object, const char *key, const char **value)
{
	const cJSON *member;
	int error = find_member(object, key, &member);

	if (error)
		return error;
	if (!cJSON_IsString(member))
		return -EINVAL;
	*value = member->valuestring;
	return 0;
}

int json_int64(const cJSON *object, const char *key, int64_t *value)
{
	const cJSON *member;
	double number;
	int error = find_member(object, key, &member);

	if (error)
		return error;
	/* Raw: what json_add_int64 made. */
	if (cJSON_IsString(member) || cJSON_IsRaw(member))
		return text_to_int64(member->valuestring, value) ? -EINVAL : 0;
	if (!cJSON_IsNumber(member))
		return -EINVAL;
	number = member->valuedouble;
	if (number > (double)EXACT_MAX || number < -(double)EXACT_MAX || (double)(int64_t)number != number)
		return -EINVAL;
	*value = (int64_t)number;
	return 0;
}

int json_uint64(const cJSON *object, const char *key, uint64_t *value)
{
	const cJSON *member;
	int64_t number;
	int error = find_member(object, key, &member);

	if (error)
		return error;
	if (cJSON_IsString(member))
		return text_to_uint64(member->valuestring, value) ? -EINVAL : 0;
	error = json_int64(object, key, &number);
	if (error)
		return error;
	if (number < 0)
		return -EINVAL;
	*value = (uint64_t)number;
	return 0;
}

int json_bool(const cJSON *object, const char *key, bool *value)
{
	const cJSON *member;
	int error = find_member(object, key, &member);

	if (error)
		return error;
	if (!cJSON_IsBool(member))
		return -EINVAL;
	*value = cJSON_IsTrue(member);
	return 0;
}

int json_object(const cJSON *object, const char *key, const cJSON **value)
{
	const cJSON *member;
	int error = find_member(object, key, &member);

	if (error)
		return error;
	if (!cJSON_IsObject(member))
		return -EINVAL;
	*value = member;
	return 0;
}

int json_array(const cJSON *object, const char *key, const cJSON **value)
{
	const cJSON *member;
	int error = find_member(object, key, &member);

	if (error)
		return error;
	if (!cJSON_IsArray(member))
		return -EINVAL;
	*value = member;
	return 0;
}

int json_add_int64(cJSON *object, const char *key, int64_t value)
{
	char digits[32];
	const cJSON *added;

	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	if (value > EXACT_MAX || value < -EXACT_MAX)
		added = cJSON_AddStringToObject(object, key, digits);
	else if (value >= PLAIN_MAX || value <= -PLAIN_MAX)
		added = cJSON_AddRawToObject(object, key, digits);
	else
		added = cJSON_AddNumberToObject(object, key, (double)value);
	return added ? 0 : -ENOMEM;
}
