// SPDX-License-Identifier: GPL-3.0-or-later
/* Finds rows of the schema, and says in words what each allows. */
#include "schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 32

const char *schema_key(const struct config_option *option, const char *prefix)
{
	size_t len = strlen(prefix);
	const char *key = option->path;
	if (len > 0)
		key = strncmp(key, prefix, len) == 0 && key[len] == '.' ? key + len + 1 : NULL;
	return key == NULL || strchr(key, '.') != NULL ? NULL : key;
}

const char *schema_prefix(const struct config_option *option, char out[SCHEMA_PREFIX_MAX])
{
	snprintf(out, SCHEMA_PREFIX_MAX, "%s[]", option->path);
	return out;
}

const struct config_option *schema_find(const struct config_table *table, const char *prefix, const char *key)
{
	for (size_t i = 0; i < table->n_options; i++) {
		const char *known = schema_key(&table->options[i], prefix);
		if (known != NULL && strcmp(known, key) == 0)
			return &table->options[i];
	}
	return NULL;
}

/* The largest unit that divides the number: 86400 -> "1d". */
static const char *with_unit(uint64_t n, const uint64_t *factor, const char *const *unit, char out[NUMBER_MAX])
{
	size_t i = 0;
	while (factor[i] > 1 && (n == 0 || n % factor[i] != 0))
		i++;
	snprintf(out, NUMBER_MAX, "%" PRIu64 "%s", n / factor[i], unit[i]);
	return out;
}

static const char *limit_text(const struct config_option *option, uint64_t n, char out[NUMBER_MAX])
{
	static const uint64_t sizes[] = {(uint64_t)1 << 40, 1 << 30, 1 << 20, 1 << 10, 1};
	static const char *const size_units[] = {"T", "G", "M", "K", ""};
	static const uint64_t times[] = {86400000, 3600000, 60000, 1000, 1};
	static const char *const time_units[] = {"d", "h", "m", "s", "ms"};
	if (option->type == CONFIG_SIZE)
		return with_unit(n, sizes, size_units, out);
	if (option->type == CONFIG_DURATION_S)
		return n == 0 ? "0s" : with_unit(n * 1000, times, time_units, out);
	if (option->type == CONFIG_DURATION_MS)
		return with_unit(n, times, time_units, out);
	snprintf(out, NUMBER_MAX, "%" PRIu64, n);
	return out;
}

static const char *choice_words(const struct config_option *option, char out[SCHEMA_WORDS_MAX])
{
	size_t len = (size_t)snprintf(out, SCHEMA_WORDS_MAX, "one of ");
	for (size_t i = 0; option->choices[i] != NULL && len < SCHEMA_WORDS_MAX; i++)
		len += (size_t)snprintf(out + len, SCHEMA_WORDS_MAX - len, "%s%s", i > 0 ? ", " : "",
					option->choices[i]);
	return out;
}

/* "a list of 1 to 64 " or "a list of at most 16 ". */
static const char *list_words(const struct config_option *option, const char *items, char out[SCHEMA_WORDS_MAX])
{
	char low[NUMBER_MAX], high[NUMBER_MAX];
	limit_text(option, option->max, high);
	if (option->min == 0)
		snprintf(out, SCHEMA_WORDS_MAX, "a list of at most %s %s", high, items);
	else
		snprintf(out, SCHEMA_WORDS_MAX, "a list of %s to %s %s", limit_text(option, option->min, low), high,
			 items);
	return out;
}

/* "mappings with name and file": the options that must be given. */
static const char *maps_words(const struct config_table *table, const struct config_option *option, const char *noun,
			      char out[SCHEMA_WORDS_MAX])
{
	char prefix[SCHEMA_PREFIX_MAX];
	schema_prefix(option, prefix);
	size_t n = 0, len = (size_t)snprintf(out, SCHEMA_WORDS_MAX, "%s", noun);
	for (size_t i = 0; i < table->n_options && len < SCHEMA_WORDS_MAX; i++) {
		const char *key = schema_key(&table->options[i], prefix);
		if (key != NULL && table->options[i].fallback == NULL)
			len += (size_t)snprintf(out + len, SCHEMA_WORDS_MAX - len, "%s%s",
						n++ == 0 ? " with " : " and ", key);
	}
	return out;
}

static const char *range_words(const struct config_option *option, const char *what, const char *how,
			       char out[SCHEMA_WORDS_MAX])
{
	char low[NUMBER_MAX], high[NUMBER_MAX];
	snprintf(out, SCHEMA_WORDS_MAX, "%s from %s to %s%s", what, limit_text(option, option->min, low),
		 limit_text(option, option->max, high), how);
	return out;
}

const char *schema_allowed(const struct config_table *table, const struct config_option *option,
			   char out[SCHEMA_WORDS_MAX])
{
	switch (option->type) {
	case CONFIG_BOOL:
		return "true or false";
	case CONFIG_UINT:
		return range_words(option, "a whole number", "", out);
	case CONFIG_SIZE:
		return range_words(option, "a size", " (bytes, or with K, M, G or T)", out);
	case CONFIG_DURATION_MS:
		return range_words(option, "a time", " (a number with ms, s, m, h or d)", out);
	case CONFIG_DURATION_S:
		return range_words(option, "a time", " (a number with s, m, h or d)", out);
	case CONFIG_CHOICE:
		return choice_words(option, out);
	case CONFIG_TEXT:
		snprintf(out, SCHEMA_WORDS_MAX, "a text of at most %" PRIu64 " bytes", option->max);
		return out;
	case CONFIG_PATH:
		return option->min > 0 ? "a path" : "a path or an empty text";
	case CONFIG_NAME:
		return option->min > 0 ? "a domain name" : "a domain name or an empty text";
	case CONFIG_ADDRS:
		return list_words(option, "addresses (IP or IP@PORT)", out);
	case CONFIG_HOSTS:
		return list_words(option, "addresses without port", out);
	case CONFIG_PREFIXES:
		return list_words(option, "networks (IP/BITS or IP)", out);
	case CONFIG_PATHS:
		return list_words(option, "paths of files", out);
	case CONFIG_REROUTES:
		return list_words(option, "texts \"FROM -> TO@PORT\"", out);
	case CONFIG_UNTILS:
		return list_words(option, "texts \"NAME until DATE\"", out);
	case CONFIG_TEXTS:
		return list_words(option, "texts", out);
	case CONFIG_NAMES:
		return list_words(option, "domain names", out);
	case CONFIG_MAPS: {
		char items[SCHEMA_WORDS_MAX];
		return list_words(option, maps_words(table, option, "mappings", items), out);
	}
	case CONFIG_TYPE_COUNT:
		break;
	}
	return "nothing";
}

const char *schema_allowed_item(const struct config_table *table, const struct config_option *option,
				char out[SCHEMA_WORDS_MAX])
{
	switch (option->type) {
	case CONFIG_ADDRS:
		return "an address, as IP or IP@PORT with a port from 1 to 65535";
	case CONFIG_HOSTS:
		return "an address without port";
	case CONFIG_PREFIXES:
		return "a network, as IP/BITS or IP";
	case CONFIG_PATHS:
		return "the path of a file";
	case CONFIG_REROUTES:
		return "a text \"FROM -> TO@PORT\" of two addresses";
	case CONFIG_UNTILS:
		return "a text \"NAME until DATE\"";
	case CONFIG_TEXTS:
		return "a text";
	case CONFIG_NAMES:
		return "a domain name";
	case CONFIG_MAPS:
		return maps_words(table, option, "a mapping", out);
	default:
		return schema_allowed(table, option, out);
	}
}
