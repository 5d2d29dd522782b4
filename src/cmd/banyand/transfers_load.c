// SPDX-License-Identifier: GPL-3.0-or-later
/* Transfers, as a generation has them: who may, with which keys; and the versions of zones that go out, with what led to them. */
#include "transfers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL_FILE_MAX ((size_t)4 << 30) /* bytes */

/* ---- the shelf: versions that secondaries have been given, the start of the next differences ---- */

struct shelf_item {
	struct shelf_item *next;
	struct push_version *version;
};

/* One for the process, as zones are; reloads and copies look into it from threads of the pool. */
static struct {
	pthread_mutex_t lock;
	struct shelf_item *first;
} shelf = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct push_version *shelf_take(const uint8_t *apex)
{
	struct push_version *found = NULL;
	pthread_mutex_lock(&shelf.lock);
	for (struct shelf_item *item = shelf.first; item != NULL && found == NULL; item = item->next)
		if (wire_name_equal(push_version_apex(item->version), apex))
			found = push_version_hold(item->version);
	pthread_mutex_unlock(&shelf.lock);
	return found;
}

static void items_free(struct shelf_item *first)
{
	while (first != NULL) {
		struct shelf_item *next = first->next;
		push_version_release(first->version);
		free(first);
		first = next;
	}
}

static struct push_version *version_of(const struct generation *g, const struct transfer_zone *zone)
{
	const struct loaded *loaded = zone->at == TRANSFER_ROOT ? g->root : g->zone[zone->at];
	return loaded == NULL ? NULL : atomic_load(&loaded->push);
}

void transfers_adopt(const struct generation *g)
{
	struct shelf_item *fresh = NULL;
	for (size_t i = 0; i < g->transfers->n_zones; i++) {
		struct push_version *version = version_of(g, &g->transfers->zone[i]);
		struct shelf_item *item = version == NULL ? NULL : malloc(sizeof *item);
		if (item == NULL)
			continue;
		*item = (struct shelf_item){.next = fresh, .version = push_version_hold(version)};
		fresh = item;
	}
	pthread_mutex_lock(&shelf.lock);
	struct shelf_item *old = shelf.first;
	shelf.first = fresh;
	pthread_mutex_unlock(&shelf.lock);
	items_free(old);
}

void transfers_end(void)
{
	pthread_mutex_lock(&shelf.lock);
	struct shelf_item *old = shelf.first;
	shelf.first = NULL;
	pthread_mutex_unlock(&shelf.lock);
	items_free(old);
}

/* ---- on disk ---- */

/* journal.example.org. in the folder; false: there is none, or no room. */
static bool path_of(const struct transfers_journal *journal, const uint8_t *apex, char out[PATH_MAX])
{
	const char *folder = getenv("STATE_DIRECTORY"); /* systemd.exec(5): several are separated by colons */
	char name[WIRE_NAME_TEXT_MAX];
	wire_name_text(apex, name);
	for (char *c = name; *c != 0; c++)
		if (*c == '/')
			*c = '%'; /* no file name; what is inside says which zone it is of */
	if (journal->folder[0] != 0)
		return snprintf(out, PATH_MAX, "%s/journal.%s", journal->folder, name) < PATH_MAX;
	return folder != NULL && folder[0] == '/' &&
	       snprintf(out, PATH_MAX, "%.*s/journal.%s", (int)strcspn(folder, ":"), folder, name) < PATH_MAX;
}

static struct push_version *file_take(const struct transfers_journal *journal, const uint8_t *apex)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	struct push_version *version = NULL;
	char path[PATH_MAX];
	size_t len;
	if (!path_of(journal, apex, path))
		return NULL;
	errno = 0;
	int rc = file_read(path, JOURNAL_FILE_MAX, &data, &len);
	if (rc < 0 && errno == ENOENT)
		return NULL;
	if (rc == 0)
		rc = push_version_read(data, len, &version);
	if (rc == 0 && !wire_name_equal(push_version_apex(version), apex)) {
		push_version_release(version);
		version = NULL;
		rc = BANYAN_EMALF;
	}
	if (rc < 0)
		log_warning(STATION, "%s is no journal that can be used (%s); secondaries get the whole zone once",
			    path, error_text(rc));
	return version;
}

static void file_put(const struct transfers_journal *journal, const struct push_version *version)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	char path[PATH_MAX];
	if (!path_of(journal, push_version_apex(version), path))
		return;
	errno = 0;
	int rc = push_version_write(version, &out);
	if (rc == 0)
		rc = file_write_atomic(path, out.data, out.len);
	if (rc < 0)
		log_warning(
			STATION,
			"the journal %s cannot be written: %s%s; after a restart, secondaries get the whole zone once",
			path, rc == BANYAN_EIO && errno != 0 ? strerror(errno) : error_text(rc), file_advice(errno));
}

/* ---- a version ---- */

bool transfers_wanted(const struct config *config, const struct config_zone *from)
{
	return from->transfer.count > 0 || (strcmp(from->name, ".") == 0 && config->root.transfer.count > 0);
}

void transfers_journal_of(const struct config *config, struct transfers_journal *ret)
{
	ret->versions_max = config->transfers.journal_versions;
	ret->bytes_max = config->transfers.journal_size;
	snprintf(ret->folder, sizeof ret->folder, "%s", config->transfers.journal_folder);
}

int transfers_make(const struct transfers_journal *journal, const char *name, const struct zone *zone,
		   struct push_version **ret, char why[REFUSAL_TEXT_MAX])
{
	const struct push_limits limits = {.steps_max = journal->versions_max, .bytes_max = journal->bytes_max};
	bool kept = limits.steps_max > 0 && limits.bytes_max > 0;
	struct push_version *before = shelf_take(zone->apex);
	bool first = before == NULL;
	if (first && kept)
		before = file_take(journal, zone->apex);
	int rc = push_version_new(zone, before, &limits, ret);
	push_version_release(before);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s: it cannot be made ready for transfers: %s", name,
			 rc == BANYAN_ESPACE ? "it has a record that fits no message" : error_text(rc));
		return rc;
	}
	if (kept)
		file_put(journal, *ret);
	log_info(STATION,
		 "zone %s: ready for transfers: %zu messages, %zu bytes; differences from %zu version%s before", name,
		 push_version_messages(*ret), push_version_bytes(*ret), push_version_steps(*ret),
		 push_version_steps(*ret) == 1 ? "" : "s");
	return 0;
}

/* ---- rules ---- */

static int rule_word(const struct config *config, const struct keys *keys, const char *word, struct transfer_rule *rule)
{
	const char *key = config_transfer_key(word);
	if (config_transfer_tls(word)) {
		rule->tls = true;
		return 0;
	}
	if (key == NULL) {
		rule->has_prefix = true;
		return addr_prefix_parse(word, &rule->prefix);
	}
	size_t at = config_key_index(config, key);
	if (at == SIZE_MAX || at >= keys->n)
		return BANYAN_ECONFIG;
	rule->key = keys->key[at];
	return 0;
}

/* The configuration has checked it; what it would not be is no rule at all. */
static int rule_make(const struct config *config, const struct keys *keys, const char *text, struct transfer_rule *rule)
{
	char copy[WIRE_NAME_TEXT_MAX + ADDR_TEXT_MAX], *rest = NULL;
	int rc = snprintf(copy, sizeof copy, "%s", text) < (int)sizeof copy ? 0 : BANYAN_ECONFIG;
	for (char *word = rc < 0 ? NULL : strtok_r(copy, " ", &rest); word != NULL && rc == 0;
	     word = strtok_r(NULL, " ", &rest))
		rc = rule_word(config, keys, word, rule);
	return rc == 0 && !rule->has_prefix && rule->key == NULL ? BANYAN_ECONFIG : rc;
}

static int zone_add(const struct config *config, const struct keys *keys, struct transfers *transfers, const char *name,
		    size_t at, const struct config_list *texts)
{
	struct transfer_zone *zone = &transfers->zone[transfers->n_zones++];
	*zone = (struct transfer_zone){.at = at, .rule = calloc(texts->count, sizeof *zone->rule)};
	int rc = zone->rule == NULL ? BANYAN_ENOMEM : wire_name_parse(name, zone->apex);
	if (rc < 0)
		return rc;
	wire_name_lower(zone->apex, zone->apex);
	for (size_t i = 0; i < texts->count; i++) {
		rc = rule_make(config, keys, texts->item[i], &zone->rule[zone->n_rules++]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int order(const void *a, const void *b)
{
	return wire_name_cmp(((const struct transfer_zone *)a)->apex, ((const struct transfer_zone *)b)->apex);
}

static int zones_add(const struct config *config, const struct keys *keys, struct transfers *transfers)
{
	bool root = config->root.transfer.count > 0;
	int rc = 0;
	transfers->zone = calloc(config->n_zones + 1, sizeof *transfers->zone);
	if (transfers->zone == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < config->n_zones && rc == 0; i++) {
		const struct config_zone *zone = &config->zones[i];
		if (zone->transfer.count == 0)
			continue;
		rc = zone_add(config, keys, transfers, zone->name, i, &zone->transfer);
		root = root && strcmp(zone->name, ".") != 0; /* what is served goes before the copy */
	}
	transfers->gives_copy = root;
	if (root && rc == 0)
		rc = zone_add(config, keys, transfers, ".", TRANSFER_ROOT, &config->root.transfer);
	if (transfers->n_zones > 1)
		qsort(transfers->zone, transfers->n_zones, sizeof *transfers->zone, order);
	return rc;
}

int transfers_load(const struct config *config, const struct keys *keys, struct transfers **ret,
		   char why[REFUSAL_TEXT_MAX])
{
	struct transfers *transfers = calloc(1, sizeof *transfers);
	int rc = transfers == NULL ? BANYAN_ENOMEM : zones_add(config, keys, transfers);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "%s: who may have transfers: %s", config->path, error_text(rc));
		transfers_free(transfers);
		return rc;
	}
	transfers->flow = (struct net_flow_settings){.whole_ms = config->transfers.time_max_ms,
						     .rate_min = config->transfers.rate_min};
	transfers->tls_only = config->transfers.tls_only;
	transfers->pass = ANSWER_PASS_TRANSFERS | (keys->n > 0 ? ANSWER_PASS_SIGNED : 0) |
			  (transfers->gives_copy ? ANSWER_PASS_ROOT : 0);
	*ret = transfers;
	return 0;
}

void transfers_free(struct transfers *transfers)
{
	if (transfers == NULL)
		return;
	for (size_t i = 0; i < transfers->n_zones; i++)
		free(transfers->zone[i].rule);
	free(transfers->zone);
	free(transfers);
}
