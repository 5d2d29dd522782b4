// SPDX-License-Identifier: GPL-3.0-or-later
/* The zones of a scenario: what their lines say, and images made of it when the first step comes. */
#include "scenario.h"

#include "image/image.h"

#define SIGNED_BEFORE_S 3600 /* defaults of SIGN: inception and expiration around the present time */
#define SIGNED_AFTER_S  (30 * 86400)

/* ---- finding ---- */

struct zone_plan *zones_find(struct scenario *s, const uint8_t *origin)
{
	for (size_t i = 0; i < s->n_zones; i++)
		if (wire_name_equal(s->zone[i].origin, origin))
			return &s->zone[i];
	return NULL;
}

struct zone_plan *zones_holding(struct scenario *s, const uint8_t *name)
{
	struct zone_plan *best = NULL;
	for (size_t i = 0; i < s->n_zones; i++)
		if (wire_name_under(name, s->zone[i].origin) &&
		    (best == NULL || wire_name_labels(s->zone[i].origin) > wire_name_labels(best->origin)))
			best = &s->zone[i];
	return best;
}

struct world_server *zones_server(struct scenario *s, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];
	struct world *w = s->world;
	for (size_t i = 0; i < w->n_servers; i++)
		if (addr_equal(&w->server[i].addr, addr))
			return &w->server[i];
	return world_server(w, addr_format(addr, true, text), 0, 20);
}

/* ---- reading ---- */

static bool has_record(const struct test_zone *records, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < records->n; i++)
		if (records->record[i].type == type && wire_name_equal(records->record[i].owner, owner))
			return true;
	return false;
}

/* The zone's own text, without what it inherits of defaults and children. */
static void read_text(struct scenario *s, struct zone_plan *plan, const char *text)
{
	struct zone *zone;
	struct zone_error error;
	struct zone_read_settings settings = {.origin = plan->origin, .default_ttl = 300};
	if (zone_read_text(plan->name, text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		bad(s, "zone %s: line %lu: %s", plan->name, error.line, error.text);
	test_zone_free(&plan->records);
	test_zone_from(zone, &plan->records);
	zone_free(zone);
	plan->auto_soa = !has_record(&plan->records, plan->origin, WIRE_TYPE_SOA);
	plan->auto_ns = !has_record(&plan->records, plan->origin, WIRE_TYPE_NS);
}

static struct zone_plan *plan_of(struct scenario *s, const uint8_t *origin)
{
	struct zone_plan *plan = zones_find(s, origin);
	if (plan != NULL)
		return plan;
	if (s->n_zones == ZONES_MAX)
		bad(s, "too many zones");
	plan = &s->zone[s->n_zones++];
	memcpy(plan->origin, origin, wire_name_len(origin));
	wire_name_text(origin, plan->name);
	return plan;
}

void zones_read_zone(struct scenario *s, bool root)
{
	uint8_t origin[WIRE_NAME_MAX];
	text_name(s, root ? "." : s->word[1], origin);
	wire_name_lower(origin, origin);
	struct zone_plan *plan = plan_of(s, origin);
	plan->n_addrs = 0;
	plan->undelegated = false;
	for (unsigned i = root ? 1 : 2; i < s->n_words; i++) {
		if (strcmp(s->word[i], "undelegated") == 0)
			plan->undelegated = true;
		else if (plan->n_addrs < ZONE_ADDR_MAX)
			plan->addr[plan->n_addrs++] = text_addr(s, s->word[i]);
		else
			bad(s, "too many addresses");
	}
	for (unsigned i = 0; i < plan->n_addrs; i++)
		zones_server(s, &plan->addr[i]);
	char *text = text_block(s);
	read_text(s, plan, text);
	free(text);
	s->dirty = true;
}

/* "k1", "z2@8", "k3-": see README.md. */
static void read_key(struct scenario *s, struct zone_plan *plan, uint8_t algorithm, const char *word)
{
	char *end;
	if (plan->n_keys == KEYS_MAX)
		bad(s, "too many keys");
	struct key *key = &plan->key[plan->n_keys++];
	*key = (struct key){.kind = word[0], .algorithm = algorithm, .signs = true};
	key->number = (unsigned)strtoul(word + 1, &end, 10);
	if (*end == '@')
		key->algorithm = (uint8_t)strtoul(end + 1, &end, 10);
	if (*end == '-') {
		key->signs = false;
		end++;
	}
	if (strchr("kzrnx", key->kind) == NULL || key->number == 0 || *end != '\0')
		bad(s, "\"%s\" is no key", word);
}

static void read_keys(struct scenario *s, struct zone_plan *plan, uint8_t algorithm, char *words)
{
	char *save = NULL;
	plan->n_keys = 0;
	for (char *w = strtok_r(words, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		read_key(s, plan, algorithm, w);
}

static void read_ds_word(struct scenario *s, struct zone_plan *plan, const char *word)
{
	if (plan->n_ds == DS_MAX)
		bad(s, "too many DS");
	struct ds_plan *ds = &plan->ds[plan->n_ds++];
	*ds = (struct ds_plan){.digest = 2};
	if (strcmp(word, "wrong") == 0)
		ds->wrong = true;
	else if (strcmp(word, "zsk") == 0)
		ds->zsk = true;
	else if (strcmp(word, "unknown-algorithm") == 0)
		ds->algorithm = 200;
	else if (strcmp(word, "unknown-digest") == 0)
		ds->digest = 200;
	else if (strcmp(word, "unknown-tag") == 0)
		ds->unknown_tag = true;
	else if (word[0] == 'k' || word[0] == 'r')
		ds->key = (unsigned)text_number(s, word + 1);
	else
		ds->digest = (uint8_t)text_number(s, word);
}

static void read_ds(struct scenario *s, struct zone_plan *plan, char *words)
{
	char *save = NULL;
	plan->n_ds = 0;
	if (strcmp(words, "none") == 0)
		return;
	for (char *w = strtok_r(words, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		read_ds_word(s, plan, w);
}

static void sign_defaults(struct scenario *s, struct zone_plan *plan)
{
	int64_t now = (s->start_ms + s->world->now_ms + s->world->wall_off_ms) / 1000;
	plan->is_signed = true;
	plan->denial = DENIAL_NSEC;
	plan->opt_out = false;
	plan->iterations = 0;
	plan->salt_len = 0;
	plan->collide = plan->junk_sigs = 0;
	plan->inception = now - SIGNED_BEFORE_S;
	plan->expiration = now + SIGNED_AFTER_S;
	plan->n_ds = 1;
	plan->ds[0] = (struct ds_plan){.digest = 2};
}

/* One option of SIGN with its value, if it takes one; how many words. */
static unsigned sign_option(struct scenario *s, struct zone_plan *plan, const char *word, char *value,
			    uint8_t *algorithm, char **keys)
{
	int64_t now = (s->start_ms + s->world->now_ms + s->world->wall_off_ms) / 1000;
	if (strcmp(word, "nsec") == 0 || strcmp(word, "nsec3") == 0 || strcmp(word, "optout") == 0) {
		plan->denial = word[0] == 'n' && word[4] == '\0' ? DENIAL_NSEC : DENIAL_NSEC3;
		plan->opt_out |= word[0] == 'o';
		return 1;
	}
	if (strcmp(word, "nodenial") == 0) {
		plan->denial = DENIAL_NONE;
		return 1;
	}
	if (strcmp(word, "split") == 0) {
		static char split[] = "k1,z1";
		*keys = split;
		return 1;
	}
	if (strcmp(word, "algorithm") == 0)
		*algorithm = (uint8_t)text_number(s, value);
	else if (strcmp(word, "iterations") == 0)
		plan->iterations = (uint16_t)text_number(s, value);
	else if (strcmp(word, "salt") == 0)
		plan->salt_len = (uint8_t)text_hex(s, value, plan->salt, sizeof plan->salt);
	else if (strcmp(word, "from") == 0)
		plan->inception = now + text_seconds(s, value);
	else if (strcmp(word, "until") == 0)
		plan->expiration = now + text_seconds(s, value);
	else if (strcmp(word, "keys") == 0)
		*keys = value;
	else if (strcmp(word, "ds") == 0)
		read_ds(s, plan, value);
	else if (strcmp(word, "collide") == 0)
		plan->collide = (unsigned)text_number(s, value);
	else if (strcmp(word, "junk-signatures") == 0)
		plan->junk_sigs = (unsigned)text_number(s, value);
	else
		bad(s, "SIGN: %s is unknown", word);
	return 2;
}

void zones_read_sign(struct scenario *s)
{
	uint8_t origin[WIRE_NAME_MAX], algorithm = DNSSEC_ED25519;
	char one[] = "k1", copy[256], *keys = one;
	text_name(s, s->word[1], origin);
	struct zone_plan *plan = zones_find(s, origin);
	if (plan == NULL)
		bad(s, "SIGN: there is no zone %s", s->word[1]);
	sign_defaults(s, plan);
	for (unsigned i = 2; i < s->n_words;)
		i += sign_option(s, plan, s->word[i], s->word[i + 1], &algorithm, &keys);
	snprintf(copy, sizeof copy, "%s", keys);
	read_keys(s, plan, algorithm, copy);
	for (unsigned i = 0; i < plan->n_keys; i++)
		keys_make(s, plan, &plan->key[i]);
	s->dirty = true;
}

static void fault_owner(struct scenario *s, const struct zone_plan *plan, const char *word, struct fault *fault)
{
	fault->any_owner = strcmp(word, "any") == 0;
	if (fault->any_owner)
		return;
	if (strncmp(word, "hash:", 5) == 0) {
		uint8_t name[WIRE_NAME_MAX];
		text_name(s, word + 5, name);
		chain_hash_owner(plan, name, fault->owner);
		return;
	}
	text_name(s, word, fault->owner);
	wire_name_lower(fault->owner, fault->owner);
}

/* FAULT zone kind owner type [value]; FAULT zone add|nsec RECORD; FAULT zone none. */
void zones_read_fault(struct scenario *s)
{
	static const char *const kinds[] = {"strip",   "corrupt", "expired",     "future",     "labels",
					    "origttl", "signer",  "algorithm",   "tag",        "by",
					    "drop",    "ttl",     "nsec3-flags", "nsec3-hash", "bitmap"};
	uint8_t origin[WIRE_NAME_MAX];
	text_name(s, s->word[1], origin);
	struct zone_plan *plan = zones_find(s, origin);
	if (plan == NULL || !plan->is_signed)
		bad(s, "FAULT: there is no signed zone %s", s->word[1]);
	s->dirty = true;
	if (strcmp(s->word[2], "none") == 0) {
		plan->n_faults = 0;
		return;
	}
	if (plan->n_faults == FAULTS_MAX)
		bad(s, "too many faults");
	struct fault *fault = &plan->fault[plan->n_faults++];
	*fault = (struct fault){0};
	snprintf(fault->kind, sizeof fault->kind, "%s", s->word[2]);
	if (strcmp(fault->kind, "add") == 0 || strcmp(fault->kind, "nsec") == 0) {
		const char *text = strstr(s->line, s->word[2]) + strlen(s->word[2]);
		snprintf(fault->text, sizeof fault->text, "%s", text + strspn(text, " \t"));
		return;
	}
	size_t k = 0;
	while (k < ARRAY_SIZE(kinds) && strcmp(kinds[k], fault->kind) != 0)
		k++;
	if (k == ARRAY_SIZE(kinds))
		bad(s, "FAULT: %s is unknown", fault->kind);
	fault_owner(s, plan, s->word[3], fault);
	fault->any_type = strcmp(s->word[4], "any") == 0;
	if (!fault->any_type)
		fault->type = text_type(s, s->word[4]);
	snprintf(fault->text, sizeof fault->text, "%s", s->word[5]);
	fault->number = strtoul(s->word[5], NULL, 10);
}

/* The DS records that a parent would have of this zone, as anchors. */
static void add_anchors(struct scenario *s, const struct zone_plan *plan)
{
	struct test_zone records = {0};
	sign_ds(s, plan, &records);
	for (size_t i = 0; i < records.n; i++) {
		struct wire_rdata rdata = {records.record[i].rdata, records.record[i].len};
		assert_int_equal(dnssec_anchors_add(&s->anchors, plan->origin, WIRE_TYPE_DS, &rdata), 0);
	}
	test_zone_free(&records);
}

/* ANCHOR owner: the keys of this zone; ANCHOR owner RECORD...: this DS or DNSKEY; ANCHOR none. */
void zones_read_anchor(struct scenario *s)
{
	struct item item = {0};
	s->own_anchors = true;
	if (strcmp(s->word[1], "none") == 0)
		return;
	if (s->n_words > 2) {
		text_record(s, strstr(s->line, s->word[1]), &item, 1);
		struct wire_rdata rdata = {item.data, item.len};
		assert_int_equal(dnssec_anchors_add(&s->anchors, item.owner, item.type, &rdata), 0);
		return;
	}
	text_name(s, s->word[1], item.owner);
	const struct zone_plan *plan = zones_find(s, item.owner);
	if (plan == NULL || !plan->is_signed)
		bad(s, "ANCHOR: there is no signed zone %s", s->word[1]);
	add_anchors(s, plan);
}

/* NEGATIVE-ANCHOR owner [until time | off] */
void zones_read_negative_anchor(struct scenario *s)
{
	size_t n = s->negatives.n;
	uint8_t name[WIRE_NAME_MAX];
	text_name(s, s->word[1], name);
	wire_name_lower(name, name);
	if (s->n_words > 2 && strcmp(s->word[2], "off") == 0) {
		for (size_t i = 0; i < n; i++)
			if (wire_name_equal(s->negative_name[i], name))
				s->negative[i].until_s = 0;
		return;
	}
	if (n == NEGATIVE_MAX)
		bad(s, "there are at most %d negative anchors", NEGATIVE_MAX);
	memcpy(s->negative_name[n], name, sizeof name);
	int64_t now = (s->start_ms + s->world->now_ms + s->world->wall_off_ms) / 1000;
	s->negative[n].name = s->negative_name[n];
	s->negative[n].until_s = now + (s->n_words > 3 ? text_seconds(s, s->word[3]) : 86400);
	s->negatives = (struct resolve_negatives){.n = n + 1, .item = s->negative};
	s->world->negatives = &s->negatives;
}

/* ---- making ---- */

static void add_text(struct scenario *s, struct test_zone *records, const char *text)
{
	struct item item = {0};
	text_record(s, text, &item, 1);
	test_zone_add(records, item.owner, item.type, item.ttl, item.data, item.len);
}

/* "ns" under the zone's own name, with all the zone's addresses. */
static void add_servers(struct scenario *s, const struct zone_plan *plan, struct test_zone *records, bool apex)
{
	char text[4096], addr[ADDR_TEXT_MAX];
	const char *suffix = strcmp(plan->name, ".") == 0 ? "root." : plan->name;
	snprintf(text, sizeof text, "%s 3600 NS ns.%s", plan->name, suffix);
	if (apex || !plan->undelegated)
		add_text(s, records, text);
	for (unsigned i = 0; i < plan->n_addrs; i++) {
		snprintf(text, sizeof text, "ns.%s 3600 %s %s", suffix, plan->addr[i].family == 4 ? "A" : "AAAA",
			 addr_format(&plan->addr[i], false, addr));
		add_text(s, records, text);
	}
}

static void add_soa(struct scenario *s, const struct zone_plan *plan, struct test_zone *records)
{
	char text[4096];
	const char *suffix = strcmp(plan->name, ".") == 0 ? "root." : plan->name;
	snprintf(text, sizeof text, "%s 900 SOA ns.%s h.%s 1 7200 3600 86400 300", plan->name, suffix, suffix);
	add_text(s, records, text);
}

static const struct zone_plan *parent_of(struct scenario *s, const struct zone_plan *plan)
{
	return plan->origin[0] == 0 ? NULL : zones_holding(s, wire_name_skip(plan->origin, 1));
}

static void add_children(struct scenario *s, const struct zone_plan *plan, struct test_zone *records)
{
	for (size_t i = 0; i < s->n_zones; i++) {
		const struct zone_plan *child = &s->zone[i];
		if (parent_of(s, child) != plan || child->undelegated)
			continue;
		bool there = has_record(records, child->origin, WIRE_TYPE_NS);
		if (child->auto_ns && !there)
			add_servers(s, child, records, false);
		/* DS where the delegation stands, unless the text has its own */
		there = has_record(records, child->origin, WIRE_TYPE_NS);
		if (there && child->is_signed && plan->is_signed && !has_record(records, child->origin, WIRE_TYPE_DS))
			sign_ds(s, child, records);
	}
}

static void records_copy(const struct test_zone *from, struct test_zone *to)
{
	*to = (struct test_zone){0};
	memcpy(to->apex, from->apex, sizeof to->apex);
	for (size_t i = 0; i < from->n; i++)
		test_zone_add(to, from->record[i].owner, from->record[i].type, from->record[i].ttl,
			      from->record[i].rdata, from->record[i].len);
}

static void serve(struct scenario *s, const struct zone_plan *plan, const struct image *old)
{
	for (size_t i = 0; i < s->world->n_servers; i++) {
		struct world_server *server = &s->world->server[i];
		bool has = false, wanted = false;
		for (unsigned a = 0; a < plan->n_addrs; a++)
			wanted |= addr_equal(&server->addr, &plan->addr[a]);
		for (size_t k = 0; k < server->n_zones; k++) {
			if (old != NULL && server->image[k] == old) {
				server->image[k] = plan->made->image;
				has = true;
			}
		}
		if (wanted && !has)
			world_serve(server, plan->made->image);
	}
}

/* An image of more iterations than it serves has no chain: entries must give the proofs. */
static struct image *make_image(const struct zone_plan *plan, struct test_zone *records, const struct zone *zone)
{
	struct image *image;
	if (plan->denial != DENIAL_NSEC3 || plan->iterations <= DNSSEC_NSEC3_ITERATIONS_MAX) {
		assert_int_equal(image_compile(zone, &image), 0);
		return image;
	}
	test_zone_remove(records, plan->name, WIRE_TYPE_NSEC3PARAM, 0);
	struct zone *plain = test_zone_build(records);
	assert_int_equal(image_compile(plain, &image), 0);
	zone_free(plain);
	return image;
}

static void make(struct scenario *s, struct zone_plan *plan)
{
	struct test_zone records;
	struct zone *zone;
	struct image *old = NULL;
	records_copy(&plan->records, &records);
	if (plan->auto_soa)
		add_soa(s, plan, &records);
	if (plan->auto_ns)
		add_servers(s, plan, &records, true);
	add_children(s, plan, &records);
	if (plan->is_signed)
		sign_records(s, plan, &records);
	zone = test_zone_build(&records);
	struct image *image = make_image(plan, &records, zone);
	test_zone_free(&records);
	if (plan->made == NULL) {
		assert_true(s->world->n_zones < WORLD_ZONES_MAX);
		plan->made = &s->world->zone[s->world->n_zones++];
	} else {
		old = plan->made->image;
		zone_free(plan->made->zone);
	}
	plan->made->zone = zone;
	plan->made->image = image;
	serve(s, plan, old);
	if (plan->origin[0] == 0) {
		if (s->world->root == s->root)
			s->world->root = image;
		s->root = image;
		s->world->root_from_s = plan->is_signed ? plan->inception : 0;
		s->world->root_until_s = plan->is_signed ? plan->expiration : 0;
	}
	image_free(old);
}

/* The root's keys are the anchors, unless the scenario has its own. */
static void make_anchors(struct scenario *s)
{
	const struct zone_plan *root = zones_find(s, (const uint8_t *)"");
	if (!s->own_anchors && root != NULL && root->is_signed)
		add_anchors(s, root);
}

void zones_make(struct scenario *s)
{
	if (!s->dirty)
		return;
	s->dirty = false;
	for (size_t i = 0; i < s->n_zones; i++)
		make(s, &s->zone[i]);
	if (!s->started)
		make_anchors(s);
}

void zones_free(struct scenario *s)
{
	for (size_t i = 0; i < s->n_zones; i++)
		test_zone_free(&s->zone[i].records);
	dnssec_anchors_done(&s->anchors);
}
