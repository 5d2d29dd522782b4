// SPDX-License-Identifier: GPL-3.0-or-later
/* The command `cache`: look at entries, flush some, dump all, piece by piece. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct showing {
	struct resolve_cache *cache;
	bool all, subtree, json, flush;
	bool any;      /* something was shown */
	uint16_t type; /* 0 = all */
	uint8_t name[WIRE_NAME_MAX];
	struct resolve_cache_cursor cursor;
	struct buffer *out;
	int error;
};

static void entry_show(void *ctx, const struct resolve_entry *entry)
{
	struct showing *showing = ctx;
	bool typed = entry->kind != RESOLVE_ENTRY_NXDOMAIN;
	if (showing->error < 0 || (showing->type != 0 && typed && entry->type != showing->type))
		return;
	int rc = showing->json ? operate_entry_json(entry, showing->out) : operate_entry_text(entry, showing->out);
	showing->error = rc < 0 ? rc : 0;
	showing->any = true;
}

static int show_more(void *ctx, struct buffer *out)
{
	struct showing *showing = ctx;
	showing->out = out;
	bool more = resolve_cache_entries(showing->cache, clock_wall_ms(), showing->all ? NULL : showing->name,
					  showing->subtree, &showing->cursor, entry_show, showing);
	if (!more && !showing->any && !showing->json && buffer_printf(out, "; the cache has nothing of this\n") < 0)
		return BANYAN_ENOMEM;
	return showing->error < 0 ? showing->error : more;
}

static const char usage[] =
	"usage: cache look NAME [TYPE] [subtree] [json], cache flush NAME [TYPE] [subtree], cache flush all, "
	"cache dump [json]";

/* NAME [TYPE]; false: `why` says what is wrong. */
static bool name_parse(struct showing *showing, int argc, char **argv, char why[REFUSAL_TEXT_MAX])
{
	if (argc < 3 || argc > 4) {
		snprintf(why, REFUSAL_TEXT_MAX, "%s", usage);
		return false;
	}
	int type = argc == 4 ? wire_type_parse(argv[3]) : 0;
	if (wire_name_parse(argv[2], showing->name) < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "%.300s is no domain name", argv[2]);
	else if (type < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "%.300s is no record type; such are A, AAAA, MX, TYPE65280", argv[3]);
	else
		why[0] = 0;
	showing->type = (uint16_t)(type < 0 ? 0 : type);
	return why[0] == 0;
}

static bool request_parse(struct showing *what, int argc, char **argv, char why[REFUSAL_TEXT_MAX])
{
	const char *verb = argc > 1 ? argv[1] : "";
	snprintf(why, REFUSAL_TEXT_MAX, "%s", usage);
	what->flush = strcmp(verb, "flush") == 0;
	if (strcmp(verb, "dump") == 0) {
		what->all = true;
		return argc == 2;
	}
	if (!what->flush && strcmp(verb, "look") != 0)
		return false;
	what->all = what->flush && argc == 3 && strcmp(argv[2], "all") == 0;
	return what->all || name_parse(what, argc, argv, why);
}

static void flush(struct operate_call *call, const struct showing *what)
{
	size_t n = resolve_cache_flush_type(what->cache, what->all ? NULL : what->name, what->type, what->subtree);
	(void)!buffer_printf(operate_call_reply(call), "%zu %s flushed\n", n, n == 1 ? "entry" : "entries");
	operate_call_done(call, true);
}

void control_cache(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct keeper *keeper = ctx;
	struct showing what = {.cache = keeper->workers.cache};
	char why[REFUSAL_TEXT_MAX];
	what.json = control_take_word(&argc, argv, "json");
	what.subtree = control_take_word(&argc, argv, "subtree");
	if (what.cache == NULL) {
		control_fail(call, "there is no cache: resolver.enabled is no");
		return;
	}
	if (!request_parse(&what, argc, argv, why)) {
		control_fail(call, why);
		return;
	}
	if (what.flush) {
		flush(call, &what);
		return;
	}
	struct showing *showing = malloc(sizeof(*showing));
	if (showing == NULL) {
		control_fail(call, "out of memory");
		return;
	}
	*showing = what;
	operate_call_stream(call, show_more, free, showing);
}
