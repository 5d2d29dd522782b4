// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads and compares the values of options, one function a type. */
#include "value.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int value_fail(const struct config_reader *r, const struct tree_node *node, const char *format, ...)
{
	struct config_error *e = r->error;
	va_list args;
	int len;
	e->line = node != NULL ? node->line : 0;
	e->column = node != NULL ? node->column : 0;
	if (e->line > 0)
		len = snprintf(e->text, sizeof e->text, "%.200s:%u:%u: ", r->name, e->line, e->column);
	else
		len = snprintf(e->text, sizeof e->text, "%.200s: ", r->name);
	va_start(args, format);
	vsnprintf(e->text + len, sizeof e->text - (size_t)len, format, args);
	va_end(args);
	return BANYAN_ECONFIG;
}

const char *value_found(const struct tree_node *node, char out[VALUE_FOUND_MAX])
{
	enum { SHOWN = 40 }; /* bytes of a text that a message repeats; each may take four */
	static_assert(SHOWN + 24 < VALUE_FOUND_MAX, "room for quotes and dots");
	if (node->kind == TREE_NULL)
		return "nothing";
	if (node->kind == TREE_LIST)
		return "a list";
	if (node->kind == TREE_MAP)
		return "a mapping";
	char quote = node->kind == TREE_QUOTED ? '"' : '\'';
	size_t n = 0, i = 0;
	out[n++] = quote;
	for (; node->text[i] != '\0' && n < SHOWN; i++) {
		unsigned char c = (unsigned char)node->text[i];
		if (c >= 0x20 && c != 0x7f)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
	}
	/* do not cut a UTF-8 sequence in two */
	if (node->text[i] != '\0')
		while (n > 1 && ((unsigned char)node->text[i] & 0xc0) == 0x80 && i > 0)
			n--, i--;
	snprintf(out + n, VALUE_FOUND_MAX - n, "%s%c%s", node->text[i] != '\0' ? "..." : "", quote,
		 node->kind == TREE_QUOTED ? " in quotes" : "");
	return out;
}

int value_refuse(const struct config_reader *r, const struct tree_node *node, const char *path, const char *why,
		 const char *allowed)
{
	char found[VALUE_FOUND_MAX];
	return value_fail(r, node, "%s: found %s%s%s%s; allowed is %s", path, value_found(node, found),
			  why != NULL ? " (" : "", why != NULL ? why : "", why != NULL ? ")" : "", allowed);
}

/* ---- scalars ---- */

static bool is_scalar(const struct tree_node *node)
{
	return node->kind == TREE_PLAIN || node->kind == TREE_QUOTED;
}

static bool bool_parse(const char *text, bool *ret)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i % 2;
			return true;
		}
	return false;
}

/* Digits, then a suffix that the caller looks at. No sign, no blank, no overflow. */
static bool number_parse(const char *text, uint64_t *ret, const char **ret_suffix)
{
	uint64_t n = 0;
	size_t i = 0;
	for (; text[i] >= '0' && text[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
			return false;
	*ret = n;
	*ret_suffix = text + i;
	return i > 0;
}

struct unit {
	const char *suffix;
	uint64_t factor;
};

static bool suffix_parse(const char *text, const struct unit *units, uint64_t *ret)
{
	uint64_t n;
	const char *suffix;
	if (!number_parse(text, &n, &suffix))
		return false;
	for (const struct unit *u = units; u->suffix != NULL; u++)
		if (strcmp(suffix, u->suffix) == 0)
			return !__builtin_mul_overflow(n, u->factor, ret);
	*ret = 0;
	return n == 0 && *suffix == '\0'; /* nothing is nothing in every unit */
}

static bool scalar_number(const struct config_option *option, const struct tree_node *node, uint64_t *ret)
{
	static const struct unit none[] = {{"", 1}, {NULL, 0}};
	static const struct unit sizes[] = {{"", 1},        {"K", 1 << 10},           {"M", 1 << 20},
					    {"G", 1 << 30}, {"T", (uint64_t)1 << 40}, {NULL, 0}};
	static const struct unit times_ms[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
					       {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
	static const struct unit times_s[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
	bool flag = false;
	switch (option->type) {
	case CONFIG_BOOL:
		if (node->kind != TREE_PLAIN || !bool_parse(node->text, &flag))
			return false;
		*ret = flag;
		return true;
	case CONFIG_UINT:
		return node->kind == TREE_PLAIN && suffix_parse(node->text, none, ret);
	case CONFIG_SIZE:
		return suffix_parse(node->text, sizes, ret);
	case CONFIG_DURATION_MS:
		return suffix_parse(node->text, times_ms, ret);
	case CONFIG_DURATION_S:
		return suffix_parse(node->text, times_s, ret);
	case CONFIG_CHOICE:
		for (*ret = 0; option->choices[*ret] != NULL; ++*ret)
			if (strcmp(option->choices[*ret], node->text) == 0)
				return true;
		return false;
	default:
		return false;
	}
}

static void number_store(const struct config_option *option, uint64_t n, void *to)
{
	if (option->type == CONFIG_BOOL)
		*(bool *)to = n != 0;
	else if (option->width == sizeof(uint16_t))
		*(uint16_t *)to = (uint16_t)n;
	else if (option->width == sizeof(uint32_t))
		*(uint32_t *)to = (uint32_t)n;
	else
		*(uint64_t *)to = n;
}

static int number_read(const struct config_reader *r, const struct config_option *option, const char *path,
		       const struct tree_node *node, void *to)
{
	char words[SCHEMA_WORDS_MAX];
	uint64_t n = 0;
	if (!is_scalar(node) || !scalar_number(option, node, &n) || n < option->min || n > option->max)
		return value_refuse(r, node, path, NULL, schema_allowed(r->table, option, words));
	number_store(option, n, to);
	return 0;
}

static bool has_control_bytes(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* A domain name in presentation form (RFC 1035 section 5.1): labels of 1 to 63 octets, 255 in all. */
static bool is_name(const char *text)
{
	size_t label = 0, total = 1;
	if (strcmp(text, ".") == 0)
		return true;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (*p == '\\') {
			unsigned value = 0, digits = 0;
			for (p++; digits < 3 && *p >= '0' && *p <= '9'; digits++)
				value = value * 10 + (unsigned)(*p++ - '0');
			if (digits == 0 ? *p == '\0' : digits != 3 || value > 255)
				return false;
			if (digits == 3)
				p--;
		}
		total += label == 0 ? 2 : 1; /* a label's first octet brings its length along */
		if (++label > 63 || total > 255)
			return false;
	}
	return total > 1;
}

/* Ends with a dot that is not escaped: an even number of backslashes stands before it. */
static bool is_absolute(const char *name)
{
	size_t len = strlen(name), slashes = 0;
	if (len == 0 || name[len - 1] != '.')
		return false;
	while (slashes + 1 < len && name[len - 2 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

static char *path_join(const struct config_reader *r, const char *text)
{
	return arena_printf(r->arena, "%s%s", text[0] == '/' || text[0] == '\0' ? "" : r->folder, text);
}

static int text_read(const struct config_reader *r, const struct config_option *option, const char *path,
		     const struct tree_node *node, void *to)
{
	char words[SCHEMA_WORDS_MAX];
	size_t len = strlen(node->text);
	if (!is_scalar(node) || len < option->min || len > option->max)
		return value_refuse(r, node, path, NULL, schema_allowed(r->table, option, words));
	if (has_control_bytes(node->text))
		return value_refuse(r, node, path, "with control characters", schema_allowed(r->table, option, words));
	if (option->type == CONFIG_NAME && len > 0 && !is_name(node->text))
		return value_refuse(r, node, path, NULL, schema_allowed(r->table, option, words));
	char *text;
	if (option->type == CONFIG_PATH)
		text = path_join(r, node->text);
	else if (option->type == CONFIG_NAME && len > 0)
		text = arena_printf(r->arena, "%s%s", node->text, is_absolute(node->text) ? "" : ".");
	else
		text = arena_dup(r->arena, node->text, len + 1);
	if (text == NULL)
		return BANYAN_ENOMEM;
	*(char **)to = text;
	return 0;
}

/* ---- items of lists: each returns 0, BANYAN_ENOMEM, or BANYAN_EINVAL with perhaps a reason why ---- */

static int addr_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	struct addr addr;
	if (addr_parse(text, 53, &addr) < 0 || addr.port == 0)
		return BANYAN_EINVAL;
	*(struct addr *)to = addr;
	return 0;
}

static int host_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	struct addr addr;
	if (strchr(text, '@') != NULL || addr_parse(text, 0, &addr) < 0)
		return BANYAN_EINVAL;
	*(struct addr *)to = addr;
	return 0;
}

static int prefix_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	struct addr_prefix prefix;
	struct addr whole;
	char ip[ADDR_TEXT_MAX];
	if (addr_prefix_parse(text, &prefix) < 0)
		return BANYAN_EINVAL;
	/* 10.1.2.3/8 is more likely a slip than a wish */
	snprintf(ip, sizeof ip, "%.*s", (int)strcspn(text, "/"), text);
	if (addr_parse(ip, 0, &whole) == 0 && memcmp(whole.ip, prefix.addr.ip, sizeof whole.ip) != 0) {
		*ret_why = "bits are set behind the prefix";
		return BANYAN_EINVAL;
	}
	*(struct addr_prefix *)to = prefix;
	return 0;
}

static int path_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	if (text[0] == '\0' || has_control_bytes(text))
		return BANYAN_EINVAL;
	char *path = path_join(r, text);
	if (path == NULL)
		return BANYAN_ENOMEM;
	*(char **)to = path;
	return 0;
}

static int text_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	if (has_control_bytes(text)) {
		*ret_why = "with control characters";
		return BANYAN_EINVAL;
	}
	char *copy = arena_printf(r->arena, "%s", text);
	if (copy == NULL)
		return BANYAN_ENOMEM;
	*(char **)to = copy;
	return 0;
}

static int name_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	if (!is_name(text))
		return BANYAN_EINVAL;
	char *name = arena_printf(r->arena, "%s%s", text, is_absolute(text) ? "" : ".");
	if (name == NULL)
		return BANYAN_ENOMEM;
	*(char **)to = name;
	return 0;
}

static int reroute_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	struct config_reroute route;
	char from[ADDR_TEXT_MAX];
	const char *arrow = strstr(text, "->");
	if (arrow == NULL)
		return BANYAN_EINVAL;
	size_t len = (size_t)(arrow - text);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len >= sizeof from)
		return BANYAN_EINVAL;
	memcpy(from, text, len);
	from[len] = '\0';
	const char *behind = arrow + 2 + strspn(arrow + 2, " ");
	if (strchr(from, '@') != NULL) {
		*ret_why = "FROM is an address without port";
		return BANYAN_EINVAL;
	}
	if (addr_parse(from, 0, &route.from) < 0 || addr_parse(behind, 0, &route.to) < 0)
		return BANYAN_EINVAL;
	if (route.to.port == 0) {
		*ret_why = "TO needs a port";
		return BANYAN_EINVAL;
	}
	*(struct config_reroute *)to = route;
	return 0;
}

static int until_item(const struct config_reader *r, const char *text, void *to, const char **ret_why)
{
	static const char word[] = " until ";
	const char *until = strstr(text, word);
	struct config_negative_anchor anchor;
	if (until == NULL)
		return BANYAN_EINVAL;
	char *name = arena_printf(r->arena, "%.*s", (int)(until - text), text);
	if (name == NULL)
		return BANYAN_ENOMEM;
	int rc = name_item(r, name, &anchor.name, ret_why);
	if (rc < 0)
		return rc;
	if (clock_parse(until + sizeof word - 1, &anchor.until_s) < 0) {
		*ret_why = "DATE is not one like 2026-12-31 or 2026-12-31T12:00:00Z";
		return BANYAN_EINVAL;
	}
	*(struct config_negative_anchor *)to = anchor;
	return 0;
}

static const struct {
	size_t size; /* of an item; 0 = the type is no list of these */
	int (*item)(const struct config_reader *r, const char *text, void *to, const char **ret_why);
} list_types[CONFIG_TYPE_COUNT] = {
	[CONFIG_ADDRS] = {sizeof(struct addr), addr_item},
	[CONFIG_HOSTS] = {sizeof(struct addr), host_item},
	[CONFIG_PREFIXES] = {sizeof(struct addr_prefix), prefix_item},
	[CONFIG_PATHS] = {sizeof(char *), path_item},
	[CONFIG_REROUTES] = {sizeof(struct config_reroute), reroute_item},
	[CONFIG_UNTILS] = {sizeof(struct config_negative_anchor), until_item},
	[CONFIG_TEXTS] = {sizeof(char *), text_item},
	[CONFIG_NAMES] = {sizeof(char *), name_item},
};

static int list_read(const struct config_reader *r, const struct config_option *option, const char *path,
		     const struct tree_node *node, void *to)
{
	char words[SCHEMA_WORDS_MAX];
	struct config_any_list list = {0};
	size_t size = list_types[option->type].size;
	if (node->kind != TREE_LIST)
		return value_refuse(r, node, path, NULL, schema_allowed(r->table, option, words));
	if (node->count < option->min || node->count > option->max)
		return value_fail(r, node, "%s: found a list of %zu; allowed is %s", path, node->count,
				  schema_allowed(r->table, option, words));
	if (node->count > 0 && (list.item = arena_alloc0(r->arena, node->count * size)) == NULL)
		return BANYAN_ENOMEM;
	for (const struct tree_node *n = node->child; n != NULL; n = n->next, list.count++) {
		const char *why = NULL;
		int rc = BANYAN_EINVAL;
		if (is_scalar(n))
			rc = list_types[option->type].item(r, n->text, (char *)list.item + list.count * size, &why);
		if (rc == BANYAN_ENOMEM)
			return rc;
		if (rc < 0)
			return value_refuse(r, n, path, why, schema_allowed_item(r->table, option, words));
	}
	*(struct config_any_list *)to = list;
	return 0;
}

/* ---- any ---- */

int value_read(const struct config_reader *r, const struct config_option *option, const char *path,
	       const struct tree_node *node, void *base)
{
	void *to = (char *)base + option->offset;
	if (list_types[option->type].size > 0)
		return list_read(r, option, path, node, to);
	if (option->type == CONFIG_TEXT || option->type == CONFIG_PATH || option->type == CONFIG_NAME)
		return text_read(r, option, path, node, to);
	return number_read(r, option, path, node, to);
}

int value_default(const struct config_reader *r, const struct config_option *option, void *base)
{
	if (option->fallback == NULL || strcmp(option->fallback, "[]") == 0)
		return 0; /* the struct is zeroed; who must be given a value is told so elsewhere */
	struct tree_node scalar = {.kind = TREE_PLAIN, .text = option->fallback};
	struct tree_node *node = &scalar;
	struct tree_error error;
	/* YAML costs a parser: only where quotes or brackets ask for one */
	if (strpbrk(option->fallback, "[\"") != NULL) {
		int rc = tree_read(r->arena, option->fallback, strlen(option->fallback), &node, &error);
		if (rc < 0)
			return rc;
	}
	return value_read(r, option, option->path, node, base);
}

static bool item_equal(enum config_type type, const void *a, const void *b)
{
	const struct addr_prefix *prefix_a = a, *prefix_b = b;
	const struct config_reroute *route_a = a, *route_b = b;
	const struct config_negative_anchor *until_a = a, *until_b = b;
	switch (type) {
	case CONFIG_PATHS:
	case CONFIG_TEXTS:
	case CONFIG_NAMES:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	case CONFIG_PREFIXES:
		return prefix_a->bits == prefix_b->bits && addr_equal(&prefix_a->addr, &prefix_b->addr);
	case CONFIG_REROUTES:
		return addr_equal(&route_a->from, &route_b->from) && addr_equal(&route_a->to, &route_b->to);
	case CONFIG_UNTILS:
		return until_a->until_s == until_b->until_s && strcmp(until_a->name, until_b->name) == 0;
	default:
		return addr_equal(a, b);
	}
}

static bool list_equal(enum config_type type, const struct config_any_list *a, const struct config_any_list *b)
{
	size_t size = list_types[type].size;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!item_equal(type, (const char *)a->item + i * size, (const char *)b->item + i * size))
			return false;
	return true;
}

/* Two lists of mappings: every option of every item. */
static bool maps_equal(const struct config_option *option, const struct config_any_list *a,
		       const struct config_any_list *b)
{
	char prefix[SCHEMA_PREFIX_MAX];
	schema_prefix(option, prefix);
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < config_options_count; i++) {
		if (schema_key(&config_options[i], prefix) == NULL)
			continue;
		for (size_t at = 0; at < a->count * option->item_size; at += option->item_size)
			if (!value_equal(&config_options[i], (const char *)a->item + at, (const char *)b->item + at))
				return false;
	}
	return true;
}

bool value_equal(const struct config_option *option, const void *base_a, const void *base_b)
{
	const char *a = (const char *)base_a + option->offset, *b = (const char *)base_b + option->offset;
	switch (option->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_NAME:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	case CONFIG_ADDRS:
	case CONFIG_HOSTS:
	case CONFIG_PREFIXES:
	case CONFIG_PATHS:
	case CONFIG_REROUTES:
	case CONFIG_UNTILS:
	case CONFIG_TEXTS:
	case CONFIG_NAMES:
		return list_equal(option->type, (const void *)a, (const void *)b);
	case CONFIG_MAPS:
		return maps_equal(option, (const void *)a, (const void *)b);
	default:
		return memcmp(a, b, option->width) == 0;
	}
}
