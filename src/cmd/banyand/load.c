// SPDX-License-Identifier: GPL-3.0-or-later
/* From a configuration to a generation: each zone read, proved and compiled. */
#include "daemon.h"
#include "sync/push/push.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the proof of a zone has to say goes to the log, and the first fatal finding into the refusal. */
struct findings {
	const char *zone;
	unsigned count;
	char first[512];
};

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	struct findings *findings = ctx;
	char owner[WIRE_NAME_TEXT_MAX] = "", type[16] = "", where[32] = "";
	if (finding->owner != NULL)
		wire_name_text(finding->owner, owner);
	if (finding->type != 0)
		wire_type_text(finding->type, type);
	if (finding->line != 0)
		snprintf(where, sizeof(where), "line %lu: ", finding->line);
	if (finding->fatal && findings->first[0] == 0)
		snprintf(findings->first, sizeof(findings->first), "%s%.255s %s: %s", where, owner, type,
			 finding->text);
	if (findings->count++ >= LOAD_FINDINGS_MAX)
		return;
	log_write(finding->fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, STATION, "zone %s: %s: %s%s %s: %s",
		  findings->zone, reason_code(finding->reason), where, owner, type, finding->text);
}

static void anchors_done(struct dnssec_anchors *anchors)
{
	dnssec_anchors_done(anchors);
}

static int anchors_load(const struct config_zone *from, const uint8_t *apex, struct dnssec_anchors *anchors,
			char why[REFUSAL_TEXT_MAX])
{
	if (from->anchors.count == 0) {
		if (apex[0] == 0)
			return dnssec_anchors_builtin(anchors);
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s: it shall be proved, but no trust anchors are given for it",
			 from->name);
		return BANYAN_ECONFIG;
	}
	for (size_t i = 0; i < from->anchors.count; i++) {
		struct zone_error error;
		int rc = zone_anchors_read(from->anchors.item[i], anchors, &error);
		if (rc < 0) {
			snprintf(why, REFUSAL_TEXT_MAX, "zone %s: trust anchors: %.511s", from->name, error.text);
			return rc;
		}
	}
	return 0;
}

static enum config_prove prove_of(const struct config_zone *from, const uint8_t *apex)
{
	if (from->prove != CONFIG_PROVE_AUTO)
		return from->prove;
	return apex[0] == 0 || from->anchors.count > 0 ? CONFIG_PROVE_FULL : CONFIG_PROVE_STRUCTURE;
}

void proof_words(enum config_prove prove, const struct zone_proof *proof, char out[256])
{
	const struct dnssec_zone_result *d = &proof->dnssec;
	const char *zonemd = "without ZONEMD: delegations and glue stay unprotected";
	if (d->zonemd == DNSSEC_ZONEMD_PROVED)
		zonemd = "ZONEMD holds";
	switch (prove) {
	case CONFIG_PROVE_STRUCTURE:
		snprintf(out, 256, "structure is good; nothing else was to be proved");
		break;
	case CONFIG_PROVE_DIGEST:
		snprintf(out, 256, "%s",
			 d->zonemd == DNSSEC_ZONEMD_UNSIGNED_OK ? "ZONEMD holds; signatures were not to be checked"
								: "no ZONEMD; signatures were not to be checked");
		break;
	default:
		snprintf(out, 256, "proved by anchor %u: %zu signatures, %s", d->anchor_tag, d->signatures_good,
			 zonemd);
		break;
	}
}

static int zone_prove_as_asked(const struct zone *zone, const struct dnssec_anchors *given, const char *edition,
			       struct loaded *loaded, struct dated *dated, char why[REFUSAL_TEXT_MAX])
{
	const struct config_zone *from = loaded->from;
	_cleanup_(anchors_done) struct dnssec_anchors anchors = {0};
	struct findings findings = {.zone = from->name};
	if (loaded->prove == CONFIG_PROVE_FULL && given == NULL) {
		int rc = anchors_load(from, zone->apex, &anchors, why);
		if (rc < 0)
			return rc;
	}
	struct zone_prove_settings settings = {
		.anchors = given != NULL ? given : &anchors,
		.now = clock_wall_s(),
		.digest_only = loaded->prove == CONFIG_PROVE_DIGEST,
		.structure_only = loaded->prove == CONFIG_PROVE_STRUCTURE,
		.require_zonemd = from->require_zonemd && loaded->prove != CONFIG_PROVE_STRUCTURE,
		.known_only = given != NULL,
		.edition = edition,
		.dates = edition != NULL,
		.report = on_finding,
		.report_ctx = &findings,
	};
	struct zone_proof proof;
	int rc = zone_prove(zone, &settings, &proof);
	if (rc == 0 && !proof.proved)
		rc = BANYAN_EPROOF;
	if (rc < 0) {
		enum reason reason = rc == BANYAN_EPROOF ? proof.reason : REASON_NONE;
		if (rc == BANYAN_EPROOF)
			clock_judge(zone, &settings, &proof, dated);
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s (%s): not proved: %s: %s%s%.300s%s", from->name, from->file,
			 reason_code(reason), rc == BANYAN_EPROOF ? reason_words(reason) : error_text(rc),
			 findings.first[0] != 0 ? ": " : "", findings.first, dated->words);
		return rc;
	}
	loaded->proved = true;
	loaded->edition = proof.edition;
	loaded->first_expiry = proof.dnssec.signatures_good > 0 ? proof.dnssec.first_expiry : 0;
	loaded->last_inception = proof.dnssec.signatures_good > 0 ? proof.dnssec.last_inception : 0;
	proof_words(loaded->prove, &proof, loaded->proof);
	return 0;
}

static void zone_done(struct zone **zone)
{
	if (*zone != NULL)
		zone_free(*zone);
}

/* RFC 1035 section 3.3.13: the last but one of the five numbers at the end. */
static uint32_t soa_expire_s(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_SOA);
	if (soa == NULL || soa->count == 0 || soa->rdata[0].len < 20)
		return 0;
	return wire_get32(soa->rdata[0].data + soa->rdata[0].len - 8);
}

/* Only the root of a lab delegates to this machine. */
bool zone_names_loopback(const struct zone *zone)
{
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		struct addr addr = {.family = set->type == WIRE_TYPE_A ? 4 : 6};
		if (set->type != WIRE_TYPE_A && set->type != WIRE_TYPE_AAAA)
			continue;
		for (uint32_t k = 0; k < set->count; k++) {
			memcpy(addr.ip, set->rdata[k].data, addr.family == 4 ? 4 : 16);
			if (addr_is_loopback(&addr))
				return true;
		}
	}
	return false;
}

static int load_into(const struct config *config, const struct dnssec_anchors *given, const char *edition,
		     struct loaded *loaded, struct dated *dated, char why[REFUSAL_TEXT_MAX])
{
	const struct config_zone *from = loaded->from;
	uint8_t origin[WIRE_NAME_MAX];
	int rc = wire_name_parse(from->name, origin);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s: this is no domain name", from->name);
		return rc;
	}
	wire_name_lower(origin, origin);
	_cleanup_(zone_done) struct zone *zone = NULL;
	struct zone_read_settings settings = {.origin = origin};
	struct zone_error error;
	rc = zone_read_file(from->file, &settings, NULL, NULL, &zone, &error);
	if (rc < 0) {
		zone = NULL;
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s: %.511s", from->name, error.text);
		return rc;
	}
	if (zone->rclass != WIRE_CLASS_IN) {
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s (%s): its class is not IN", from->name, from->file);
		return BANYAN_EUNSUPP;
	}
	loaded->prove = prove_of(from, origin);
	rc = zone_prove_as_asked(zone, given, edition, loaded, dated, why);
	if (rc < 0)
		return rc;
	rc = image_compile(zone, &loaded->image);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s (%s): it cannot be compiled: %s", from->name, from->file,
			 error_text(rc));
		return rc;
	}
	if (from->publish && zone_write_wire(zone, &loaded->wire) < 0) {
		image_free(loaded->image);
		snprintf(why, REFUSAL_TEXT_MAX, "zone %s (%s): out of memory", from->name, from->file);
		return BANYAN_ENOMEM;
	}
	if (transfers_wanted(config, from)) {
		struct push_version *version;
		struct transfers_journal journal;
		transfers_journal_of(config, &journal);
		rc = transfers_make(&journal, from->name, zone, &version, why);
		if (rc < 0) {
			image_free(loaded->image);
			buffer_done(&loaded->wire);
			return rc;
		}
		loaded->push = version;
	}
	loaded->serial = zone->serial;
	loaded->expire_s = soa_expire_s(zone);
	loaded->on_loopback = zone_names_loopback(zone);
	loaded->records = zone->n_records;
	return 0;
}

/* `given`: the anchors to prove it with; NULL = its own. `edition`: what it must be, within its dates; NULL = any, at any time: an authority
 * serves what it is told to serve. */
static int load(const struct config *config, const struct config_zone *from, const struct dnssec_anchors *given,
		const char *edition, struct dated *dated, struct loaded **ret, char why[REFUSAL_TEXT_MAX])
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	if (loaded == NULL)
		return BANYAN_ENOMEM;
	int64_t start = clock_mono_ms();
	loaded->from = from;
	int rc = load_into(config, given, edition, loaded, dated, why);
	if (rc < 0) {
		free(loaded);
		return rc;
	}
	loaded->users = 1;
	loaded->loaded_at = clock_wall_s();
	log_notice(STATION, "zone %s: serial %u, %zu names, %zu records, %s; %lld ms", from->name, loaded->serial,
		   image_names(loaded->image), loaded->records, loaded->proof, (long long)(clock_mono_ms() - start));
	*ret = loaded;
	return 0;
}

void loaded_release(struct loaded *loaded)
{
	if (loaded == NULL || --loaded->users > 0)
		return;
	image_free(loaded->image);
	buffer_done(&loaded->wire);
	push_version_release(loaded->push);
	keep_unmap(&loaded->mapped);
	free(loaded);
}

const struct image *loaded_image(const struct loaded *loaded)
{
	return loaded->ended ? NULL : loaded->image;
}

/* A zone whose first copy has not come yet. */
static int load_nothing(const struct config_zone *from, struct loaded **ret)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	if (loaded == NULL)
		return BANYAN_ENOMEM;
	loaded->from = from;
	loaded->users = 1;
	loaded->copied = true;
	loaded->prove = CONFIG_PROVE_STRUCTURE;
	snprintf(loaded->proof, sizeof(loaded->proof), "no copy has come yet");
	*ret = loaded;
	return 0;
}

/* ---- the generation ---- */

static bool list_equal(const struct config_list *a, const struct config_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	return true;
}

/* A zone "." without anchors of its own, or with those of the root copy, is proved with what the daemon trusts. */
static const struct dnssec_anchors *given_for(const struct generation *g, const struct config_zone *from)
{
	bool same = from->anchors.count == 0 || list_equal(&from->anchors, &g->config->root.anchors);
	return same && strcmp(from->name, ".") == 0 ? &g->trusted : NULL;
}

/* What is trusted: the configured anchors, and what became of them by RFC 5011. */
static int anchors_fill(struct generation *g, struct resolve_anchors *shared, char why[REFUSAL_TEXT_MAX])
{
	int rc = anchors_read(g->config, &g->anchors, why);
	if (rc < 0)
		return rc;
	if (shared == NULL) { /* no resolver, nothing rolls */
		for (size_t i = 0; rc == 0 && i < g->anchors.count; i++) {
			const struct dnssec_anchor *item = &g->anchors.item[i];
			rc = dnssec_anchors_add(&g->trusted, item->owner, item->type,
						&(struct wire_rdata){item->rdata, item->len});
		}
		return rc;
	}
	anchors_restore(shared, g->config, &g->anchors);
	return resolve_anchors_trusted(shared, &g->anchors, g->config->root.anchors_roll, &g->trusted);
}

/* The root copy may be a zone that is served too: then it is read and proved once. */
static struct loaded *root_among_zones(const struct generation *g)
{
	for (size_t i = 0; i < g->config->n_zones; i++) {
		const struct config_zone *from = g->zone[i]->from;
		if (g->zone[i]->image != NULL && !g->zone[i]->copied && image_apex(g->zone[i]->image)[0] == 0 &&
		    g->zone[i]->prove == CONFIG_PROVE_FULL && strcmp(from->file, g->root_from.file) == 0 &&
		    given_for(g, from) != NULL && strcmp(g->zone[i]->edition.name, g->config->root.edition) == 0 &&
		    g->zone[i]->edition.valid_until == 0 && (from->require_zonemd || !g->root_from.require_zonemd) &&
		    (from->publish || !g->root_from.publish))
			return g->zone[i];
	}
	return NULL;
}

/* Without a copy, and without a file from before its time: the sources will see to it. */
static bool root_comes_later(const struct config *config)
{
	return copies_root_wanted(config) && access(config->root.file, R_OK) < 0;
}

static int root_load(struct generation *g, bool need_root, struct keeper *copies, char why[REFUSAL_TEXT_MAX])
{
	static char dot[] = ".";
	const struct config *config = g->config;
	g->root_from = (struct config_zone){.name = dot,
					    .file = config->root.file,
					    .prove = CONFIG_PROVE_FULL,
					    .anchors = config->root.anchors,
					    .require_zonemd = config->root.require_zonemd,
					    .publish = config->root.publish,
					    .transfer = config->root.transfer};
	if (!g->view.recursion)
		return 0;
	struct dated dated = {0};
	struct loaded *shared = NULL;
	g->root = copies != NULL && copies_root_wanted(config) ? copies_kept(copies, NULL) : NULL;
	if (g->root != NULL && strcmp(g->root->edition.name, config->root.edition) != 0) {
		loaded_release(g->root); /* the copy sees to it */
		g->root = NULL;
	}
	if (g->root == NULL && (config->root.file[0] == 0 || root_comes_later(config)))
		return 0;
	if (g->root == NULL)
		shared = root_among_zones(g);
	if (shared != NULL) {
		shared->users++;
		g->root = shared;
	} else if (g->root == NULL) {
		int rc = load(config, &g->root_from, &g->trusted, config->root.edition, &dated, &g->root, why);
		if (rc < 0 && ((need_root && !copies_root_wanted(config)) || rc == BANYAN_ENOMEM))
			return rc;
		if (rc < 0) {
			g->root = NULL;
			g->view.root_from_s = dated.from;
			g->view.root_until_s = dated.until;
			memcpy(g->root_failure, why, sizeof(g->root_failure));
			log_warning(STATION, "no root copy: %s; %s until a reload finds one", why,
				    config->root.fallback ? "the root servers are asked" : "nothing can be resolved");
		}
	}
	if (g->root != NULL) {
		g->view.root = loaded_image(g->root);
		g->view.root_from_s = g->root->last_inception;
		g->view.root_until_s = g->root->first_expiry;
		g->view.root_on_loopback = g->root->on_loopback;
	}
	g->view.root_signed = g->root != NULL && g->root->proved && g->root->first_expiry > 0;
	return 0;
}

/* What is served as the root ends questions of the resolver's clients, too: not out of another namespace. */
static int edition_check(const struct generation *g, const struct loaded *zone, char why[REFUSAL_TEXT_MAX])
{
	const char *wanted = g->config->root.edition, *is = zone->edition.name;
	if (zone->image == NULL || zone->copied || image_apex(zone->image)[0] != 0 || wanted[0] == 0 ||
	    !g->config->resolver.enabled || strcmp(is, wanted) == 0)
		return 0;
	snprintf(
		why, REFUSAL_TEXT_MAX,
		"zone . (%s): it is %s%.64s, and the resolver here is one of edition %.64s (root.edition): their names "
		"would mix. Serve that edition, or another one by a server without a resolver",
		zone->from->file, is[0] == 0 ? "no edition" : "edition ", is, wanted);
	return BANYAN_ECONFIG;
}

/* From its file, unless a copy is there already. */
static int zone_load(struct generation *g, size_t i, struct keeper *copies, char why[REFUSAL_TEXT_MAX])
{
	const struct config_zone *from = &g->config->zones[i];
	struct dated dated = {0};
	bool sources = from->copy.sources.count > 0;
	g->zone[i] = sources && copies != NULL ? copies_kept(copies, from->name) : NULL;
	int rc = 0;
	if (g->zone[i] == NULL && from->file[0] != 0)
		rc = load(g->config, from, given_for(g, from), NULL, &dated, &g->zone[i], why);
	else if (g->zone[i] == NULL)
		rc = load_nothing(from, &g->zone[i]);
	if (rc == 0)
		rc = edition_check(g, g->zone[i], why);
	if (rc < 0)
		return rc;
	g->answer_zone[i].image = loaded_image(g->zone[i]);
	g->answer_zone[i].expire_s = g->zone[i]->expire_s;
	g->answer_zone[i].expires_at_s = &g->zone[i]->until_s;
	g->answer_zone[i].apex = sources ? copies_door_apex(g, from->name) : image_apex(g->zone[i]->image);
	return 0;
}

static int zones_load(struct generation *g, struct keeper *copies, char why[REFUSAL_TEXT_MAX])
{
	const struct config *config = g->config;
	g->zone = calloc(config->n_zones + 1, sizeof(struct loaded *));
	g->answer_zone = calloc(config->n_zones + 1, sizeof(*g->answer_zone));
	if (g->zone == NULL || g->answer_zone == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < config->n_zones; i++) {
		int rc = zone_load(g, i, copies, why);
		if (rc < 0)
			return rc;
	}
	answer_view_sort(g->answer_zone, config->n_zones);
	return 0;
}

static struct answer_networks networks_of(const struct config_prefixes *prefixes)
{
	return (struct answer_networks){.n = prefixes->count, .item = prefixes->item};
}

static void limits_fill(struct generation *g)
{
	const struct config *config = g->config;
	g->view.limits = (struct answer_limits){
		.client_rate = config->resolver.client_rate,
		.client_pulse = (uint32_t)config->resolver.client_pulse,
		.client_exempt = networks_of(&config->resolver.client_exempt),
		.rrl = {[ANSWER_DATA] = config->rrl.rate,
			[ANSWER_NXDOMAIN] = config->rrl.nxdomains,
			[ANSWER_REFERRAL] = config->rrl.referrals,
			[ANSWER_ERROR] = config->rrl.errors},
		.rrl_window_s = config->rrl.window_s,
		.rrl_slip = config->rrl.slip,
		.rrl_leak = config->rrl.leak,
		.rrl_ipv4_bits = (uint8_t)config->rrl.ipv4_prefix,
		.rrl_ipv6_bits = (uint8_t)config->rrl.ipv6_prefix,
		.rrl_exempt = networks_of(&config->rrl.exempt),
	};
	g->view.ecs.enabled = config->resolver.enabled && config->ecs.zones.count > 0;
	g->view.ecs.trust = networks_of(&config->ecs.trust);
}

static int dns64_fill(struct generation *g, char why[REFUSAL_TEXT_MAX])
{
	const struct config *config = g->config;
	g->view.dns64 = (struct answer_dns64){.prefixes = networks_of(&config->dns64.prefixes),
					      .clients = networks_of(&config->dns64.clients),
					      .exclude = networks_of(&config->dns64.exclude)};
	for (size_t i = 0; i < config->dns64.prefixes.count; i++) {
		const struct addr_prefix *prefix = &config->dns64.prefixes.item[i];
		uint8_t bits = prefix->bits;
		bool fits = bits == 96 ? prefix->addr.ip[8] == 0 : bits >= 32 && bits <= 64 && bits % 8 == 0;
		char text[ADDR_TEXT_MAX];
		if (prefix->addr.family == 6 && fits)
			continue;
		snprintf(why, REFUSAL_TEXT_MAX,
			 "%s: dns64.prefixes: found %s/%u; allowed are IPv6 prefixes of 32, 40, 48, 56, 64 or 96 bits, "
			 "whose "
			 "bits 64 to 71 are zero (RFC 6052 section 2.2)",
			 config->path, addr_format(&prefix->addr, false, text), bits);
		return BANYAN_ECONFIG;
	}
	return 0;
}

static void view_fill(struct generation *g, bool resolver)
{
	const struct config *config = g->config;
	snprintf(g->identity, sizeof(g->identity), "%s", config->server.identity);
	if (strcmp(config->server.identity, "auto") == 0 && gethostname(g->identity, sizeof(g->identity) - 1) < 0)
		g->identity[0] = 0;
	g->view.n_zones = config->n_zones;
	g->view.zone = g->answer_zone;
	g->view.recursion = resolver && config->resolver.enabled;
	g->view.allow = networks_of(&config->resolver.allow);
	g->view.deny = networks_of(&config->resolver.deny);
	g->view.drop = networks_of(&config->resolver.drop);
	limits_fill(g);
	g->view.tcp_idle_ms = config->server.tcp_idle_ms;
	g->view.identity = g->identity;
	g->view.version = config->server.version;
	g->view.udp_size = (uint16_t)config->server.udp_size;
	g->view.minimal_responses = config->server.minimal_responses;
	g->view.minimal_results = config->resolver.minimal_responses == CONFIG_CHOICE_DEFAULT
					  ? config->server.minimal_responses
					  : config->resolver.minimal_responses == CONFIG_CHOICE_YES;
	g->view.rotate = config->resolver.rotate;
	settings_fill(config, &g->view.live);
}

/* Below forward and stub zones the root copy does not have the last word. */
static int elsewhere_fill(struct generation *g)
{
	int rc = forward_list_make(g->config, &g->forwards);
	if (rc < 0)
		return rc;
	g->elsewhere = calloc(g->forwards.count + 1, sizeof(*g->elsewhere));
	if (g->elsewhere == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < g->forwards.count; i++)
		g->elsewhere[i] = g->forwards.name[i];
	g->view.n_elsewhere = g->forwards.count;
	g->view.elsewhere = g->elsewhere;
	return 0;
}

int generation_load(struct config *config, struct resolve_anchors *anchors, bool need_root, policy_kept_fn kept,
		    void *kept_ctx, struct keeper *copies, struct generation **ret, char why[REFUSAL_TEXT_MAX])
{
	struct generation *g = calloc(1, sizeof(*g));
	if (g == NULL) {
		config_free(config);
		return BANYAN_ENOMEM;
	}
	g->config = config;
	snprintf(why, REFUSAL_TEXT_MAX, "%s", error_text(BANYAN_ENOMEM));
	int rc = anchors_fill(g, anchors, why);
	if (rc == 0)
		rc = copies_doors_make(config, &g->door, &g->n_doors, why);
	if (rc == 0)
		rc = zones_load(g, copies, why);
	if (rc == 0) {
		view_fill(g, anchors != NULL);
		rc = secrets_load(config, &g->view.cookies, why);
	}
	if (rc == 0)
		rc = keys_load(config, &g->keys, why);
	if (rc == 0)
		rc = transfers_load(config, &g->keys, &g->transfers, why);
	if (rc == 0)
		rc = registers_load(config, &g->keys, &g->registers);
	if (rc == 0)
		rc = register_rule_make(&g->keys, &config->server.fleet, &g->shown_to);
	if (rc == 0)
		rc = dns64_fill(g, why);
	if (rc == 0) {
		rc = elsewhere_fill(g);
	}
	if (rc == 0 && g->view.recursion)
		rc = policies_load(config, &g->forwards, kept, kept_ctx, &g->policies, why);
	if (rc == 0) {
		g->view.policy = g->policies.policy;
		rc = root_load(g, need_root, copies, why);
	}
	if (rc < 0) {
		generation_free(g);
		return rc;
	}
	g->loaded_at = clock_wall_s();
	*ret = g;
	(void)malloc_trim(0); /* what parsing and proving took goes back to the system: megabytes for the root */
	return 0;
}

void generation_free(struct generation *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; g->zone != NULL && i < g->config->n_zones; i++)
		loaded_release(g->zone[i]);
	loaded_release(g->root);
	policies_done(&g->policies);
	registers_free(g->registers);
	register_rule_free(g->shown_to);
	keys_done(&g->keys);
	transfers_free(g->transfers);
	copies_doors_free(g->door, g->n_doors);
	config_free(g->config);
	dnssec_anchors_done(&g->anchors);
	dnssec_anchors_done(&g->trusted);
	free(g->zone);
	free(g->answer_zone);
	forward_list_done(&g->forwards);
	free(g->elsewhere);
	free(g);
}

struct generation *generation_with(const struct generation *from, struct policies *policies)
{
	struct generation *g = malloc(sizeof(*g));
	if (g == NULL)
		return NULL;
	*g = *from;
	g->policies = *policies;
	g->view.policy = policies->policy;
	/* what points into the struct itself */
	g->view.identity = g->identity;
	if (g->root != NULL && g->root->from == &from->root_from)
		g->root->from = &g->root_from;
	return g;
}

void generation_shell_free(struct generation *g)
{
	policies_done(&g->policies);
	free(g);
}
