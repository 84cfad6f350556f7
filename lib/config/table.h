/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a config_table: what copy.c, json_read.c, json_write.c and init.c walk over. */
#ifndef LIBCRI_CONFIG_TABLE_H
#define LIBCRI_CONFIG_TABLE_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAX_BYTES ((size_t)1 << 20) /* of one struct with all that it points to, and of its JSON */
#define CONFIG_MAX_ELEMENTS 4096
#define CONFIG_MAX_FIELDS 64 /* of one table: json_read.c keeps a bit for each */

enum config_kind {
	CONFIG_TEXT,
	CONFIG_SIGNAL, /* a text; in JSON also CRI's Signal, by name or number */
	CONFIG_BOOL,
	/* bool `has_x` of an integer x of which 0 means "not given"; true in copies whenever x is not 0. Not in the
	   CRI: its JSON key is its own name, written only when it tells something. */
	CONFIG_ZERO_IS_MEANT,
	CONFIG_INT32,
	CONFIG_INT64,
	CONFIG_UINT16,
	CONFIG_UINT32,
	CONFIG_UINT64,
	CONFIG_ENUM,
	CONFIG_STRUCT,      /* a pointer, NULL when not given */
	CONFIG_TEXTS,       /* an array of texts */
	CONFIG_NAMED_TEXTS, /* the same; in JSON each is an object {"name": text} */
	CONFIG_INT64S,
	CONFIG_STRUCTS,     /* an array of pointers to structs */
	CONFIG_MAP,         /* key-value pairs that are a map in the CRI: sorted by key in copies, each key once */
	CONFIG_OPAQUE,      /* a pointer of the caller's: copied as it is, never in JSON */
	CONFIG_UNSUPPORTED, /* only in JSON: a key of the CRI for which the struct has no member; must be empty */
};

enum config_presence {
	CONFIG_PLAIN,    /* no has_ member, or one that another entry describes (CONFIG_ZERO_IS_MEANT) */
	CONFIG_OPTIONAL, /* counts only with has_; in JSON a wrapper {"value": N} or a plain N */
	CONFIG_NULLABLE, /* an array of which has_ tells empty from not given; in JSON: whether the key is there */
};

struct config_name {
	const char *name; /* CRI's spelling; NULL ends the list */
	int value;
};

struct config_field {
	const char *path; /* CRI's field names from the message that the struct stands for, joined by '.' */
	uint8_t kind, presence;
	uint16_t offset, count, has; /* of the member, of its n_ member, of its has_ member (or of x, ZERO_IS_MEANT) */
	union {
		const struct config_table *table; /* STRUCT, STRUCTS, MAP */
		const struct config_name *names;  /* ENUM */
		const char *refusal;              /* UNSUPPORTED */
	};
};

struct config_table {
	const char *name; /* "cri_mount" */
	size_t size;
	/* End of the last member that the first version of the struct had: never changes. What is added later must not
	   lie in the padding that the first version had behind it, which callers may leave uninitialised. */
	size_t minimum;
	const void *defaults; /* the INIT macro as an object */
	const struct config_field *fields;
	size_t n_fields;
};

extern const struct config_table config_key_value, config_id_mapping, config_user_namespace, config_port_mapping,
	config_dns_config, config_selinux_option, config_security_profile, config_hugepage_limit, config_mount,
	config_device, config_registry_options, config_handler_options, config_auth;

/* offsetof, and a compile error when the member's type is not the one that the entry's kind reads and writes. */
#define CONFIG_OFFSET(type, member, expected)                                                                          \
	(offsetof(type, member) +                                                                                      \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), expected) ? 1 : -1]))

#define CONFIG_VALUE(type, member, expected, kind_, path_)                                                             \
	.path = (path_), .kind = (kind_), .offset = CONFIG_OFFSET(type, member, expected)
#define CONFIG_COUNT(type, member) .count = CONFIG_OFFSET(type, member, size_t)
#define CONFIG_HAS(type, member) .has = CONFIG_OFFSET(type, member, bool)

#define CONFIG_TABLE(type, last_of_first_version, defaults_, fields_)                                                  \
	{                                                                                                              \
		.name = #type, .size = sizeof(type),                                                                   \
		.minimum = offsetof(type, last_of_first_version) + sizeof(((type *)0)->last_of_first_version),         \
		.defaults = (defaults_), .fields = (fields_), .n_fields = sizeof(fields_) / sizeof((fields_)[0]),      \
	}

/* The bytes of the member itself. */
size_t config_member_size(const struct config_field *field);

/* The name of a value, or NULL: out of range. */
const char *config_enum_name(const struct config_name *names, int value);

/* CRI's Signal: the number's or name's ("SIGNAL_SIGTERM") signal as base/signals.h knows it, "" for the runtime's
 * default, NULL for none; and back, -1 for a text that is no such signal. Static. */
const char *config_signal_of_number(int64_t number);
const char *config_signal_of_name(const char *name);
int config_signal_number(const char *signal);

/* Where in a config something is, for texts: "linux.resources.hugepage_limits[2].page_size". Lives on the stack. */
struct config_place {
	const struct config_place *parent;
	const char *name;
	int name_length; /* as printf's precision: -1 is all of it */
	bool indexed;
	size_t index;
};

#define CONFIG_PLACE(parent_, name_)                                                                                   \
	(struct config_place)                                                                                          \
	{                                                                                                              \
		.parent = (parent_), .name = (name_), .name_length = -1                                                \
	}
#define CONFIG_PLACE_AT(parent_, name_, index_)                                                                        \
	(struct config_place)                                                                                          \
	{                                                                                                              \
		.parent = (parent_), .name = (name_), .name_length = -1, .indexed = true, .index = (index_)            \
	}

/* call_fail with the place in front of the text. */
int config_fail(cri_call *call, int code, const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Parses the JSON object that a config is; and prints one, freed with free(). Both refuse more than CONFIG_MAX_BYTES.
 */
int config_parse(const char *json, size_t length, cJSON **object, cri_call *call);
int config_print(const cJSON *object, char **json, cri_call *call);

/* A JSON object of texts as pairs, in the arena, in the object's order; and back, NULL: memory ran out. */
int config_pairs_read(struct arena *arena, const cJSON *object, const struct config_place *place,
		      const cri_key_value *const **pairs, size_t *n_pairs, cri_call *call);
cJSON *config_pairs_object(cri_key_values pairs, size_t n_pairs);

/* Sorts pairs by key; the index of one whose key was there before, or -1. */
ptrdiff_t config_pairs_sort(const cri_key_value **pairs, size_t n_pairs);

#endif
