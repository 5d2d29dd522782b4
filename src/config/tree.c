// SPDX-License-Identifier: GPL-3.0-or-later
/* Builds the tree from libyaml's events, so that depth, aliases and size are refused where they stand. */
#include "tree.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct builder {
	struct arena *arena;
	struct tree_error *error;
	struct tree_node *open[CONFIG_DEPTH_MAX]; /* lists and mappings that have not ended */
	size_t depth, nodes, documents;
	struct tree_node *root;
	struct tree_node *key; /* of the innermost mapping, waiting for its value */
};

_printf_(3, 4) static int fail(struct builder *b, yaml_mark_t mark, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(b->error->text, sizeof b->error->text, format, args);
	va_end(args);
	b->error->line = (unsigned)mark.line + 1;
	b->error->column = (unsigned)mark.column + 1;
	return BANYAN_ECONFIG;
}

static void append(struct tree_node *parent, struct tree_node *node)
{
	if (parent->last == NULL)
		parent->child = node;
	else
		parent->last->next = node;
	parent->last = node;
	parent->count++;
}

/* Hangs a new node where the events say it belongs: under a key, into a list, or at the root. */
static int place(struct builder *b, const yaml_event_t *event, struct tree_node *node)
{
	struct tree_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	if (parent == NULL)
		b->root = node;
	else if (parent->kind == TREE_LIST)
		append(parent, node);
	else if (b->key != NULL) {
		b->key->value = node;
		b->key = NULL;
	} else {
		if (node->kind == TREE_LIST || node->kind == TREE_MAP)
			return fail(b, event->start_mark, "a list or mapping cannot be a key");
		append(parent, node);
		b->key = node;
	}
	return 0;
}

/* NULL on failure; `*ret_rc` tells which. */
static struct tree_node *node_new(struct builder *b, const yaml_event_t *event, enum tree_kind kind, int *ret_rc)
{
	if (++b->nodes > CONFIG_NODES_MAX) {
		*ret_rc = fail(b, event->start_mark, "more than %d values", CONFIG_NODES_MAX);
		return NULL;
	}
	struct tree_node *node = arena_alloc0(b->arena, sizeof *node);
	if (node == NULL) {
		*ret_rc = BANYAN_ENOMEM;
		return NULL;
	}
	node->kind = kind;
	node->text = "";
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	return node;
}

/* What YAML 1.1 calls null when it is not quoted. */
static bool is_null(const char *text)
{
	return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
	       strcmp(text, "NULL") == 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	int rc;
	if (event->data.scalar.anchor != NULL)
		return fail(b, event->start_mark, "anchors (&) and aliases (*) are not used here; write the value out");
	if (event->data.scalar.tag != NULL)
		return fail(b, event->start_mark, "tags (!) are not used here");
	if (memchr(text, '\0', len) != NULL)
		return fail(b, event->start_mark, "a text holds a NUL byte");
	struct tree_node *node = node_new(b, event, plain ? is_null(text) ? TREE_NULL : TREE_PLAIN : TREE_QUOTED, &rc);
	if (node == NULL)
		return rc;
	node->text = arena_dup(b->arena, text, len + 1);
	if (node->text == NULL)
		return BANYAN_ENOMEM;
	return place(b, event, node);
}

static int on_open(struct builder *b, const yaml_event_t *event, enum tree_kind kind, const void *anchor,
		   const void *tag)
{
	int rc;
	if (anchor != NULL)
		return fail(b, event->start_mark, "anchors (&) and aliases (*) are not used here; write the value out");
	if (tag != NULL)
		return fail(b, event->start_mark, "tags (!) are not used here");
	if (b->depth == CONFIG_DEPTH_MAX)
		return fail(b, event->start_mark, "more than %d lists and mappings inside each other",
			    CONFIG_DEPTH_MAX);
	struct tree_node *node = node_new(b, event, kind, &rc);
	if (node == NULL || (rc = place(b, event, node)) < 0)
		return rc;
	b->open[b->depth++] = node;
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ > 0)
			return fail(b, event->start_mark, "a second YAML document begins; one file holds one");
		return 0;
	case YAML_ALIAS_EVENT:
		return fail(b, event->start_mark, "anchors (&) and aliases (*) are not used here; write the value out");
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, event, TREE_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, event, TREE_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

/* libyaml's own refusal, in words that say where. Reader errors know an offset only. */
static int fail_syntax(struct builder *b, const yaml_parser_t *parser)
{
	const char *problem = parser->problem != NULL ? parser->problem : "unreadable";
	if (parser->error == YAML_MEMORY_ERROR)
		return BANYAN_ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return fail(b, parser->mark, "not YAML: %s at byte %zu", problem, parser->problem_offset);
	if (parser->context != NULL)
		return fail(b, parser->problem_mark, "not YAML: %s %s (which begins in line %zu)", problem,
			    parser->context, parser->context_mark.line + 1);
	return fail(b, parser->problem_mark, "not YAML: %s", problem);
}

static int parse_all(struct builder *b, yaml_parser_t *parser)
{
	for (;;) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event))
			return fail_syntax(b, parser);
		bool last = event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT;
		int rc = on_event(b, &event);
		yaml_event_delete(&event);
		if (rc < 0 || last)
			return rc;
	}
}

int tree_read(struct arena *arena, const char *text, size_t len, struct tree_node **ret, struct tree_error *ret_error)
{
	struct tree_error error = {0};
	struct builder b = {.arena = arena, .error = &error};
	yaml_parser_t parser;
	if (len > CONFIG_FILE_MAX) {
		ret_error->line = ret_error->column = 0;
		snprintf(ret_error->text, sizeof ret_error->text, "larger than %d bytes", CONFIG_FILE_MAX);
		return BANYAN_ELIMIT;
	}
	if (!yaml_parser_initialize(&parser))
		return BANYAN_ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	int rc = parse_all(&b, &parser);
	yaml_parser_delete(&parser);
	if (rc == 0 && b.root == NULL) {
		b.root = arena_alloc0(arena, sizeof *b.root);
		if (b.root == NULL)
			return BANYAN_ENOMEM;
		b.root->text = "";
		b.root->line = b.root->column = 1;
	}
	if (rc < 0) {
		*ret_error = error;
		return rc;
	}
	*ret = b.root;
	return 0;
}
