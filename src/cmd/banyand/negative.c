// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Negative trust anchors (RFC 7646): those of the configuration and those of the command `anchors negative`, which are kept in a file
 * beside the state of rolling anchors, so that a restart does not end them before their time. Workers read one list, which is
 * replaced as a whole. What the cache has of the names whose order begins, ends or changes is flushed.
 */
#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDED_MAX 256 /* each is a hole in what is proved; they are looked through one by one */
#define FILE_MAX      ((size_t)COMMANDED_MAX * (WIRE_NAME_TEXT_MAX + 64))
#define LIFETIME_S    86400 /* when the command does not say: whoever forgets it gets his protection back soon */
#define LIFETIME_MAX_S                                                                                                 \
	(366 * 86400) /* an order for good belongs in the configuration, with a date that somebody chose */
#define UNTIL     " until "
#define FILE_NAME "negative-anchors"

struct commanded {
	uint8_t name[WIRE_NAME_MAX]; /* lower case */
	int64_t until_s;
};

struct negatives {
	struct resolve_negatives list; /* configured ones first; points into this block */
	size_t n_configured;
	struct resolve_negative_anchor *item;
	uint8_t (*name)[WIRE_NAME_MAX];
};

struct commanded_list {
	size_t n;
	struct commanded item[COMMANDED_MAX];
};

/* ---- the list that workers read ---- */

static struct negatives *negatives_new(const struct config *config, const struct commanded_list *commanded)
{
	size_t n = config->resolver.n_negative_anchors, most = n + (commanded == NULL ? 0 : commanded->n);
	struct negatives *made = calloc(1, sizeof(*made) + most * (sizeof(*made->item) + sizeof(*made->name)));
	if (made == NULL)
		return NULL;
	made->item = (struct resolve_negative_anchor *)(made + 1);
	made->name = (uint8_t(*)[WIRE_NAME_MAX])(made->item + most);
	for (size_t i = 0; i < n; i++) {
		const struct config_negative_anchor *from = &config->resolver.negative_anchors[i];
		(void)!wire_name_parse(from->name, made->name[i]); /* the configuration has checked it */
		wire_name_lower(made->name[i], made->name[i]);
		made->item[i] = (struct resolve_negative_anchor){made->name[i], from->until_s};
	}
	for (size_t i = n; i < most; i++) {
		memcpy(made->name[i], commanded->item[i - n].name, WIRE_NAME_MAX);
		made->item[i] = (struct resolve_negative_anchor){made->name[i], commanded->item[i - n].until_s};
	}
	made->n_configured = n;
	made->list = (struct resolve_negatives){.n = most, .item = made->item};
	return made;
}

static bool list_has(const struct resolve_negatives *list, const struct resolve_negative_anchor *anchor)
{
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (wire_name_equal(list->item[i].name, anchor->name) && list->item[i].until_s == anchor->until_s)
			return true;
	return false;
}

static void tell(const struct resolve_negative_anchor *anchor, bool begins)
{
	char name[WIRE_NAME_TEXT_MAX], until[32];
	wire_name_text(anchor->name, name);
	clock_format(anchor->until_s, until);
	if (!begins)
		log_notice(STATION, "the negative trust anchor for %s until %s is gone", name, until);
	else if (anchor->until_s <= clock_wall_s())
		log_warning(STATION, "the negative trust anchor for %s is over since %s: it is validated", name, until);
	else
		log_notice(STATION, "answers at and below %s are not validated until %s: a negative trust anchor", name,
			   until);
}

/* What one list has and the other has not; the number of cache entries that went. */
static size_t settle(struct keeper *keeper, const struct resolve_negatives *list, const struct resolve_negatives *other,
		     bool begins)
{
	size_t flushed = 0;
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		if (list_has(other, &list->item[i]))
			continue;
		tell(&list->item[i], begins);
		flushed += resolve_cache_flush(keeper->workers.cache, list->item[i].name, true);
	}
	return flushed;
}

/* When no worker can use the list before it any more. */
static size_t replace(struct keeper *keeper, struct negatives *next)
{
	struct negatives *old = keeper->negatives;
	const struct resolve_negatives *before = old == NULL ? NULL : &old->list;
	size_t flushed = settle(keeper, before, &next->list, false) + settle(keeper, &next->list, before, true);
	keeper->negatives = next;
	free(old);
	return flushed;
}

struct negatives *negatives_prepare(struct keeper *keeper, struct generation *generation)
{
	struct negatives *next =
		keeper->workers.cache == NULL ? NULL : negatives_new(generation->config, keeper->commanded_negatives);
	atomic_store(&generation->view.negatives, next == NULL ? NULL : &next->list);
	return next;
}

void negatives_adopt(struct keeper *keeper, struct negatives *prepared)
{
	if (prepared != NULL)
		(void)replace(keeper, prepared);
}

void negatives_done(struct keeper *keeper)
{
	free(keeper->negatives);
	free(keeper->commanded_negatives);
	keeper->negatives = NULL;
	keeper->commanded_negatives = NULL;
}

void negatives_tell_context(const struct keeper *keeper, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX];
	for (size_t i = 0; keeper->negatives != NULL && i < keeper->negatives->list.n; i++)
		(void)!buffer_printf(out, "\nnegative %s", wire_name_text(keeper->negatives->list.item[i].name, name));
}

bool negatives_show(const struct keeper *keeper, size_t index, struct operate_negative_anchor *ret)
{
	if (keeper->negatives == NULL || index >= keeper->negatives->list.n)
		return false;
	const struct resolve_negative_anchor *anchor = &keeper->negatives->list.item[index];
	wire_name_text(anchor->name, ret->name);
	ret->until = anchor->until_s;
	ret->configured = index < keeper->negatives->n_configured;
	return true;
}

/* ---- those of the command, on disk ---- */

static bool path_of(const struct config *config, char out[PATH_MAX])
{
	char folder[PATH_MAX];
	anchors_folder(config, folder);
	return folder[0] != 0 && snprintf(out, PATH_MAX, "%s/" FILE_NAME, folder) < PATH_MAX;
}

/* "NAME until DATE" */
static bool line_read(char *line, struct commanded *ret)
{
	char *until = strstr(line, UNTIL);
	if (until == NULL)
		return false;
	*until = 0;
	if (wire_name_parse(line, ret->name) < 0 || clock_parse(until + strlen(UNTIL), &ret->until_s) < 0)
		return false;
	wire_name_lower(ret->name, ret->name);
	return true;
}

void negatives_restore(struct keeper *keeper, const struct config *config)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char path[PATH_MAX], *rest = NULL;
	size_t len;
	if (keeper->workers.cache == NULL)
		return;
	struct commanded_list *list = keeper->commanded_negatives = calloc(1, sizeof(*list));
	if (list == NULL || !path_of(config, path))
		return;
	errno = 0;
	int rc = file_read(path, FILE_MAX, &text, &len);
	char *lines = rc < 0 ? NULL : strndup((const char *)text, len);
	if (rc < 0 && errno != ENOENT)
		log_error(STATION, "the negative trust anchors in %s cannot be read: %s; they do not hold", path,
			  errno != 0 ? strerror(errno) : error_text(rc));
	for (char *line = lines == NULL ? NULL : strtok_r(lines, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (list->n < COMMANDED_MAX && line_read(line, &list->item[list->n]))
			list->n++;
		else
			log_error(STATION, "%s: this is no negative trust anchor, and it is left out: %.300s", path,
				  line);
	}
	free(lines);
}

static int keep(const struct commanded_list *list, const struct config *config, char path[PATH_MAX])
{
	_cleanup_(buffer_done) struct buffer out = {0};
	char name[WIRE_NAME_TEXT_MAX], until[32];
	int rc = 0;
	if (!path_of(config, path))
		return BANYAN_ENOENT;
	for (size_t i = 0; rc >= 0 && i < list->n; i++)
		rc = buffer_printf(&out, "%s" UNTIL "%s\n", wire_name_text(list->item[i].name, name),
				   clock_format(list->item[i].until_s, until));
	return rc < 0 ? rc : file_write_atomic(path, out.data, out.len);
}

/* ---- the command ---- */

/* "90m", "2d", or a date. */
static bool until_parse(const char *text, int64_t now, int64_t *ret)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	char *end;
	if (clock_parse(text, ret) == 0)
		return *ret > now && *ret - now <= LIFETIME_MAX_S;
	unsigned long n = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
	for (size_t i = 0; n > 0 && n <= LIFETIME_MAX_S && i < ARRAY_SIZE(units); i++) {
		if (end[0] != units[i].letter || end[1] != 0)
			continue;
		*ret = now + (int64_t)n * units[i].seconds;
		return *ret - now <= LIFETIME_MAX_S;
	}
	return false;
}

static void drop(struct commanded_list *list, const uint8_t *name, int64_t now, bool *ret_had)
{
	size_t n = 0;
	*ret_had = false;
	for (size_t i = 0; i < list->n; i++) {
		bool is = wire_name_equal(list->item[i].name, name);
		*ret_had |= is;
		if (!is && list->item[i].until_s > now)
			list->item[n++] = list->item[i];
	}
	list->n = n;
}

static const char usage[] =
	"usage: anchors negative NAME [DURATION | DATE], anchors negative NAME remove; "
	"a DURATION is a number with s, m, h, d or w, up to 366d; a DATE one to come, as 2026-12-31 or "
	"2026-12-31T12:00:00Z";

/* The changed list takes the place of the one before it, and workers use it at once. */
static void apply(struct keeper *keeper, struct operate_call *call, const struct commanded_list *changed)
{
	struct generation *g = atomic_load(&keeper->swap.current);
	struct negatives *next = negatives_new(g->config, changed);
	char path[PATH_MAX] = "";
	if (next == NULL) {
		control_fail(call, "out of memory");
		return;
	}
	*keeper->commanded_negatives = *changed;
	atomic_store(&g->view.negatives, &next->list);
	swap_wait();
	size_t flushed = replace(keeper, next);
	errno = 0;
	int rc = keep(changed, g->config, path);
	struct buffer *out = operate_call_reply(call);
	(void)!buffer_printf(out, "done; %zu cache entr%s flushed\n", flushed, flushed == 1 ? "y" : "ies");
	if (rc == BANYAN_ENOENT && path[0] == 0)
		(void)!buffer_printf(out, "this ends with the daemon: there is no folder to keep it in "
					  "(root.anchors-state)\n");
	else if (rc < 0)
		(void)!buffer_printf(out, "this ends with the daemon: %s cannot be written: %s\n", path,
				     errno != 0 ? strerror(errno) : error_text(rc));
	operate_call_done(call, true);
}

void control_negative(struct keeper *keeper, struct operate_call *call, int argc, char **argv)
{
	struct commanded one;
	int64_t now = clock_wall_s();
	bool had, remove = argc == 4 && strcmp(argv[3], "remove") == 0;
	one.until_s = now + LIFETIME_S;
	if (argc < 3 || argc > 4 || wire_name_parse(argv[2], one.name) < 0 ||
	    (argc == 4 && !remove && !until_parse(argv[3], now, &one.until_s))) {
		control_fail(call, usage);
		return;
	}
	if (keeper->commanded_negatives == NULL) {
		control_fail(call, "out of memory");
		return;
	}
	_cleanup_(base_free) struct commanded_list *changed = malloc(sizeof(*changed));
	if (changed == NULL) {
		control_fail(call, "out of memory");
		return;
	}
	*changed = *keeper->commanded_negatives;
	wire_name_lower(one.name, one.name);
	drop(changed, one.name, now, &had);
	if (remove && !had) {
		control_fail(call, "there is no negative trust anchor of this command for that name; those of "
				   "resolver.negative-anchors end by banyan reload");
		return;
	}
	if (!remove && changed->n == COMMANDED_MAX) {
		control_fail(call, "there are 256 of them already: remove some, or name a zone above them");
		return;
	}
	if (!remove)
		changed->item[changed->n++] = one;
	apply(keeper, call, changed);
}
