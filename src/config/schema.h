// SPDX-License-Identifier: GPL-3.0-or-later
/* One row an option: everything that parser, checks, manual page and sample file know about it. */
#pragma once

#include "config.h"

enum config_type {
	CONFIG_BOOL,
	CONFIG_UINT,        /* uint16_t or uint32_t, see width */
	CONFIG_SIZE,        /* uint64_t bytes; K, M, G, T */
	CONFIG_DURATION_MS, /* uint32_t; ms, s, m, h, d */
	CONFIG_DURATION_S,  /* uint32_t; s, m, h, d */
	CONFIG_TEXT,
	CONFIG_PATH, /* relative ones start at the configuration file's folder */
	CONFIG_NAME, /* of a zone; ends with a dot once read */
	CONFIG_CHOICE,
	CONFIG_ADDRS,    /* IP or IP@PORT */
	CONFIG_HOSTS,    /* IP without port */
	CONFIG_PREFIXES, /* IP/BITS or IP */
	CONFIG_PATHS,
	CONFIG_REROUTES, /* FROM -> TO@PORT */
	CONFIG_UNTILS,   /* NAME until DATE */
	CONFIG_TEXTS,
	CONFIG_NAMES, /* of zones; each ends with a dot once read */
	CONFIG_MAPS,  /* mappings; the options of "zones" are the rows "zones[].x", which offset into its items */
	CONFIG_TYPE_COUNT,
};

/* What a reload does with a changed value. */
enum config_scope { CONFIG_LIVE, CONFIG_RESTART };

struct config_option {
	const char *path; /* "server.udp-size", "zones[].file" */
	enum config_type type;
	enum config_scope scope;
	uint16_t width;       /* bytes of a number, a choice or a truth value */
	size_t offset;        /* into struct config, or into an item of the list for "list[].x" */
	const char *fallback; /* default as YAML text; NULL = must be given */
	uint64_t min, max;    /* of the number, of the bytes of a text, or of the items of a list */
	const char *const *choices;
	const char *help;
	size_t item_size;    /* CONFIG_MAPS: of one item */
	const char *example; /* CONFIG_MAPS: YAML lines for the sample file, each ended by a newline */
};

/* A section of the file, with its words for the manual and the sample. */
struct config_section {
	const char *name, *help;
};

/* All list fields of struct config look like this. */
struct config_any_list {
	size_t count;
	void *item;
};

/* All of one file: its sections and options. */
struct config_table {
	const struct config_option *options;
	size_t n_options;
	const struct config_section *sections; /* ended by one without name */
};

extern const struct config_table config_table; /* the daemon's */
extern const struct config_option config_options[];
extern const size_t config_options_count;
extern const struct config_section config_sections[]; /* ended by one without name */

/* The prefix of the options of a list of mappings: "zones" -> "zones[]". Returns out. */
#define SCHEMA_PREFIX_MAX 64
const char *schema_prefix(const struct config_option *option, char out[SCHEMA_PREFIX_MAX]);
/* The option `key` of `prefix` ("server", "zones[]", "" for the top), or NULL. */
const struct config_option *schema_find(const struct config_table *table, const char *prefix, const char *key);
/* The part of the path behind `prefix` and a dot, or NULL when the option is not in that prefix. */
const char *schema_key(const struct config_option *option, const char *prefix);
/* What is allowed, in words: "a whole number from 512 to 4096". Returns out. */
#define SCHEMA_WORDS_MAX 200
const char *schema_allowed(const struct config_table *table, const struct config_option *option,
			   char out[SCHEMA_WORDS_MAX]);
/* The same for one item of a list. */
const char *schema_allowed_item(const struct config_table *table, const struct config_option *option,
				char out[SCHEMA_WORDS_MAX]);
