// SPDX-License-Identifier: GPL-3.0-or-later
/* The sources of a copy: out of the configuration, the built-in ones, and those of publication lists, which are fetched themselves. */
#include "copies.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIST_LOOK_S 3600 /* a list that is due later than this is looked at again */

static void source_free(struct copy_source *source)
{
	copy_fetch_end(&source->probe);
	copy_register_end(source);
	wire_tsig_key_free(source->key);
	for (size_t i = 0; i < source->n_refused; i++)
		free(source->refused[i]);
	free(source);
}

static void lists_free(struct copy *copy, bool all)
{
	for (struct copy_list **at = &copy->lists; *at != NULL;) {
		struct copy_list *list = *at;
		if (!all && list->wanted) {
			at = &list->next;
			continue;
		}
		*at = list->next;
		copy_fetch_end(&list->fetch);
		if (list->fd >= 0)
			close(list->fd);
		pull_list_done(&list->state.list);
		free(list);
	}
}

void copy_sources_done(struct copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		source_free(copy->source[i]);
	free(copy->source);
	copy->source = NULL;
	copy->n_sources = 0;
	lists_free(copy, true);
}

/* The oldest makes room. */
void copy_source_refused(struct copy_source *source, const char *tag)
{
	char *text = tag[0] == 0 ? NULL : strdup(tag);
	if (text == NULL)
		return;
	if (source->n_refused == COPY_REFUSED_MAX) {
		free(source->refused[0]);
		memmove(source->refused, source->refused + 1, (COPY_REFUSED_MAX - 1) * sizeof source->refused[0]);
		source->n_refused--;
	}
	source->refused[source->n_refused++] = text;
}

/* ---- lists: expanded by what is known of them ---- */

static const char *list_folder(const struct copy *copy)
{
	return copy->store;
}

static struct copy_list *list_find(struct copy *copy, const struct pull_source *source)
{
	struct copy_list *list = copy->lists;
	while (list != NULL && strcmp(list->source.text, source->text) != 0)
		list = list->next;
	return list;
}

static int list_add(struct copy *copy, const struct pull_source *source, struct copy_list **ret)
{
	struct copy_list *list = calloc(1, sizeof *list);
	if (list == NULL)
		return BANYAN_ENOMEM;
	list->copy = copy;
	list->source = *source;
	list->fd = -1;
	list->next = copy->lists;
	copy->lists = list;
	if (pull_list_load(list_folder(copy), source, copy->zone, clock_wall_s(), &list->state) < 0)
		list->state.have = false;
	if (!list->state.have && list->state.why[0] != 0)
		log_write(source->here ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, STATION, "copy of %s: %s: %s", copy->zone,
			  source->text, list->state.why);
	*ret = list;
	return 0;
}

static int add_all(struct pull_sources *out, const struct pull_source *source, size_t n)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = pull_sources_add(out, &source[i]);
	return rc == BANYAN_ELIMIT ? 0 : rc; /* those of a list that are too many are left out */
}

static int add_list(struct copy *copy, const struct pull_source *source, struct pull_sources *out)
{
	struct copy_list *list = list_find(copy, source);
	int rc = list == NULL ? list_add(copy, source, &list) : 0;
	if (rc == 0)
		list->wanted = true;
	bool good = rc == 0 && list->state.have &&
		    (list->state.list.expires == 0 || clock_wall_s() < list->state.list.expires);
	return good ? add_all(out, list->state.list.sources.item, list->state.list.sources.n) : rc;
}

static int add_builtin(struct pull_sources *out, char why[PULL_WHY_MAX])
{
	struct pull_source source;
	const char *text;
	int rc = 0;
	for (size_t i = 0; rc == 0 && (text = pull_source_builtin(i)) != NULL; i++) {
		rc = pull_source_parse(text, &source, why);
		if (rc == 0)
			rc = pull_sources_add(out, &source);
	}
	return rc;
}

static int expand(struct copy *copy, const struct config_list *texts, struct pull_sources *out,
		  char why[REFUSAL_TEXT_MAX])
{
	struct pull_source *source = malloc(sizeof *source);
	char word[PULL_WHY_MAX] = "out of memory, or too many sources";
	int rc = source == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; rc == 0 && i < texts->count; i++) {
		rc = pull_source_parse(texts->item[i], source, word);
		if (rc == 0 && source->kind == PULL_SOURCE_BUILTIN)
			rc = add_builtin(out, word);
		else if (rc == 0 && source->kind == PULL_SOURCE_LIST)
			rc = add_list(copy, source, out);
		else if (rc == 0)
			rc = pull_sources_add(out, source);
	}
	free(source);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "sources of zone %.300s: %s", copy->zone, word);
	return rc;
}

/* ---- the ones before them stay what they were ---- */

static size_t source_find(const struct copy *copy, const char *text)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (copy->source[i] != NULL && strcmp(copy->source[i]->source.text, text) == 0)
			return i;
	return PULL_NO_SOURCE;
}

static int source_make(struct copy *copy, const struct config *config, const struct pull_source *from,
		       struct copy_source **ret, char why[REFUSAL_TEXT_MAX])
{
	struct copy_source *source = calloc(1, sizeof *source);
	if (source == NULL)
		return BANYAN_ENOMEM;
	source->copy = copy;
	source->source = *from;
	bool keyed = from->kind == PULL_SOURCE_XFR || from->kind == PULL_SOURCE_XOT;
	char name[WIRE_NAME_TEXT_MAX];
	size_t len = strlen(from->key);
	snprintf(name, sizeof name, "%.1000s%s", from->key, len > 0 && from->key[len - 1] == '.' ? "" : ".");
	int rc = keyed && len > 0 ? key_load(config, name, &source->key, why) : 0;
	if (rc < 0) {
		free(source);
		return rc;
	}
	*ret = source;
	return 0;
}

static void source_carry(struct copy_source *fresh, struct copy_source *was)
{
	memcpy(fresh->tag, was->tag, sizeof fresh->tag);
	fresh->tag_serial = was->tag_serial;
	fresh->kept_newest = was->kept_newest;
	fresh->kept_until = was->kept_until;
	fresh->seen = was->seen;
	fresh->told = was->told;
	fresh->registered = was->registered;
	was->registered.until_ms = 0;
}

static int take(struct copy *copy, const struct config *config, const struct pull_sources *all,
		char why[REFUSAL_TEXT_MAX])
{
	struct copy_source **fresh = calloc(all->n + 1, sizeof *fresh);
	struct pull_copy_source *traits = calloc(all->n + 1, sizeof *traits);
	size_t *was = calloc(all->n + 1, sizeof *was);
	int rc = fresh == NULL || traits == NULL || was == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; rc == 0 && i < all->n; i++) {
		traits[i] = pull_source_traits(&all->item[i]);
		was[i] = source_find(copy, all->item[i].text);
		rc = source_make(copy, config, &all->item[i], &fresh[i], why);
	}
	if (rc == 0 && copy->machine != NULL)
		rc = pull_copy_sources(copy->machine, traits, was, all->n);
	for (size_t i = 0; rc == 0 && i < all->n; i++)
		if (was[i] != PULL_NO_SOURCE)
			source_carry(fresh[i], copy->source[was[i]]);
	size_t from = PULL_NO_SOURCE; /* of what is being stored: it may stand elsewhere now, or nowhere */
	for (size_t i = 0; rc == 0 && i < all->n; i++)
		from = was[i] != PULL_NO_SOURCE && was[i] == copy->from ? i : from;
	struct copy_source **gone = rc == 0 ? copy->source : fresh;
	size_t n_gone = rc == 0 ? copy->n_sources : all->n;
	for (size_t i = 0; gone != NULL && i < n_gone; i++)
		if (gone[i] != NULL)
			source_free(gone[i]);
	free(gone);
	if (rc == 0) {
		copy->source = fresh;
		copy->n_sources = all->n;
		copy->from = from;
		copy_tags_read(copy);
	}
	free(traits);
	free(was);
	return rc;
}

/* Who asked for it shall hear that nothing comes of it. */
static void keep_unchanged_check(const struct copy *copy)
{
	bool any = !copy->keep_unchanged;
	for (size_t i = 0; i < copy->n_sources && !any; i++)
		any = copy->source[i]->source.tree && copy->source[i]->source.key[0] != '\0';
	if (!any)
		log_warning(STATION,
			    "copy of %s: keep-unchanged has no effect: none of its sources is a published folder with "
			    "the key of its publisher (https://HOST/root/ key=BASE64)",
			    copy->zone);
}

int copy_sources_set(struct copy *copy, const struct config *config, const struct config_list *texts,
		     char why[REFUSAL_TEXT_MAX])
{
	struct pull_sources all = {0};
	for (struct copy_list *list = copy->lists; list != NULL; list = list->next)
		list->wanted = false;
	int rc = expand(copy, texts, &all, why);
	if (rc == 0 && !copy->storing) /* a change that comes while a version is stored waits for the next look */
		copy_abandon(copy);
	if (rc == 0)
		rc = take(copy, config, &all, why);
	pull_sources_done(&all);
	if (rc == 0) {
		lists_free(copy, false);
		keep_unchanged_check(copy);
	}
	if (rc == 0 && copy->machine != NULL)
		copy_tell_kind(copy, PULL_EVENT_SOURCES);
	return rc;
}

/* ---- fetching a list ---- */

/* The configuration of this moment has the texts. */
static void expand_again(struct copy *copy)
{
	const struct config *config = swap_read(&copy->keeper->swap)->config;
	struct copy_plan plan;
	char why[REFUSAL_TEXT_MAX];
	for (size_t i = 0; copies_plan(config, i, &plan); i++)
		if (plan.is_root == copy->is_root && strcmp(plan.zone, copy->zone) == 0 &&
		    copy_configure(copy, config, &plan, why) < 0)
			log_warning(STATION, "copy of %s: its sources stay as they were: %s", copy->zone, why);
}

static void list_taken(struct copy_list *list, const struct pull_fetch_result *result)
{
	struct copy *copy = list->copy;
	_cleanup_(base_free) char *text = calloc(1, PULL_LIST_BYTES_MAX + 1);
	ssize_t len = result->fetched == PULL_GOT && text != NULL ? pread(list->fd, text, PULL_LIST_BYTES_MAX, 0) : -1;
	int rc = pull_list_take(list_folder(copy), &list->source, copy->zone, clock_wall_s(), len >= 0 ? text : NULL,
				len >= 0 ? (size_t)len : 0, &list->state);
	if (rc < 0 || len < 0)
		log_warning(STATION, "copy of %s: the list %s: %s", copy->zone, list->source.text,
			    result->fetched == PULL_FAILED ? result->why : list->state.why);
	else
		log_notice(STATION, "copy of %s: the list %s has %zu sources", copy->zone, list->source.text,
			   list->state.list.sources.n);
}

static void on_list(void *ctx, const struct pull_fetch_result *result)
{
	struct copy_list *list = ctx;
	list->fetch = NULL;
	list_taken(list, result);
	close(list->fd);
	list->fd = -1;
	expand_again(list->copy);
}

static void list_fetch(struct copy_list *list)
{
	struct copy *copy = list->copy;
	struct pull_fetch_settings settings = {
		.source = &list->source,
		.apex = copy->apex,
		.mode = PULL_MODE_WHOLE,
		.bytes_max = PULL_LIST_BYTES_MAX,
		.helper = copies_helper(copy->keeper),
		.done = on_list,
		.ctx = list,
	};
	list->fd = settings.fd = memfd_create("list", MFD_CLOEXEC);
	list->state.due = clock_wall_s() + LIST_LOOK_S; /* until it is known better */
	if (list->fd < 0 || pull_fetch_start(&copy->keeper->loop, &settings, &list->fetch) < 0) {
		list->fetch = NULL;
		if (list->fd >= 0)
			close(list->fd);
		list->fd = -1;
	}
}

void copy_lists_look(struct copy *copy)
{
	for (struct copy_list *list = copy->lists; list != NULL; list = list->next)
		if (!list->source.here && list->fetch == NULL && list->state.due <= clock_wall_s())
			list_fetch(list);
}
