/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of which tables are made: (struct, member, …, JSON path). For tables*.c alone. */
#ifndef LIBCRI_CONFIG_TABLE_ENTRIES_H
#define LIBCRI_CONFIG_TABLE_ENTRIES_H

#include "config/table.h"

#define TEXT(type, member, path)                                                                                       \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const char *, CONFIG_TEXT, path)                                            \
	}
#define SIGNAL(type, member, path)                                                                                     \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const char *, CONFIG_SIGNAL, path)                                          \
	}
#define BOOL(type, member, path)                                                                                       \
	{                                                                                                              \
		CONFIG_VALUE(type, member, bool, CONFIG_BOOL, path)                                                    \
	}
#define UINT16(type, member, path)                                                                                     \
	{                                                                                                              \
		CONFIG_VALUE(type, member, uint16_t, CONFIG_UINT16, path)                                              \
	}
#define INT32(type, member, path)                                                                                      \
	{                                                                                                              \
		CONFIG_VALUE(type, member, int32_t, CONFIG_INT32, path)                                                \
	}
#define INT64(type, member, path)                                                                                      \
	{                                                                                                              \
		CONFIG_VALUE(type, member, int64_t, CONFIG_INT64, path)                                                \
	}
#define UINT32(type, member, path)                                                                                     \
	{                                                                                                              \
		CONFIG_VALUE(type, member, uint32_t, CONFIG_UINT32, path)                                              \
	}
#define UINT64(type, member, path)                                                                                     \
	{                                                                                                              \
		CONFIG_VALUE(type, member, uint64_t, CONFIG_UINT64, path)                                              \
	}
#define ZERO_IS_MEANT(type, member, of, path)                                                                          \
	{                                                                                                              \
		CONFIG_VALUE(type, member, bool, CONFIG_ZERO_IS_MEANT, path), .has = CONFIG_OFFSET(type, of, int64_t)  \
	}
#define OPTIONAL(type, member, path)                                                                                   \
	{                                                                                                              \
		CONFIG_VALUE(type, member, int64_t, CONFIG_INT64, path), CONFIG_HAS(type, has_##member),               \
			.presence = CONFIG_OPTIONAL                                                                    \
	}
#define ENUM(type, member, of, names_, path)                                                                           \
	{                                                                                                              \
		CONFIG_VALUE(type, member, of, CONFIG_ENUM, path), .names = (names_)                                   \
	}
#define STRUCT(type, member, of, path)                                                                                 \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const cri_##of *, CONFIG_STRUCT, path), .table = &config_##of               \
	}
#define TEXTS(type, member, path)                                                                                      \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const char *const *, CONFIG_TEXTS, path), CONFIG_COUNT(type, n_##member)    \
	}
#define NAMED_TEXTS(type, member, path)                                                                                \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const char *const *, CONFIG_NAMED_TEXTS, path),                             \
			CONFIG_COUNT(type, n_##member)                                                                 \
	}
#define NULLABLE_TEXTS(type, member, path)                                                                             \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const char *const *, CONFIG_TEXTS, path), CONFIG_COUNT(type, n_##member),   \
			CONFIG_HAS(type, has_##member), .presence = CONFIG_NULLABLE                                    \
	}
#define INT64S(type, member, path)                                                                                     \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const int64_t *, CONFIG_INT64S, path), CONFIG_COUNT(type, n_##member)       \
	}
#define STRUCTS(type, member, of, path)                                                                                \
	{                                                                                                              \
		CONFIG_VALUE(type, member, const cri_##of *const *, CONFIG_STRUCTS, path),                             \
			CONFIG_COUNT(type, n_##member), .table = &config_##of                                          \
	}
#define MAP(type, member, path)                                                                                        \
	{                                                                                                              \
		CONFIG_VALUE(type, member, cri_key_values, CONFIG_MAP, path), CONFIG_COUNT(type, n_##member),          \
			.table = &config_key_value                                                                     \
	}
#define OPTIONAL_ENUM(type, member, of, names_, path)                                                                  \
	{                                                                                                              \
		CONFIG_VALUE(type, member, of, CONFIG_ENUM, path), CONFIG_HAS(type, has_##member),                     \
			.presence = CONFIG_OPTIONAL, .names = (names_)                                                 \
	}
#define OPAQUE(type, member, of)                                                                                       \
	{                                                                                                              \
		CONFIG_VALUE(type, member, of, CONFIG_OPAQUE, #member)                                                 \
	}
#define UNSUPPORTED(path_, why)                                                                                        \
	{                                                                                                              \
		.path = (path_), .kind = CONFIG_UNSUPPORTED, .refusal = (why)                                          \
	}

#endif
