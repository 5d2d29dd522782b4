// SPDX-License-Identifier: GPL-3.0-or-later
/* What the operator says about names: from the configuration and its files to the views that questions are looked at with. */
#include "policy_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define REMARKS_MAX 10 /* of one policy zone, in the log */

/* ---- policy zones ---- */

struct remarks {
	const char *zone;
	unsigned count;
};

static void on_remark(void *ctx, const uint8_t *owner, const char *text)
{
	struct remarks *remarks = ctx;
	char name[WIRE_NAME_TEXT_MAX];
	if (++remarks->count <= REMARKS_MAX)
		log_warning(STATION, "policy zone %s: %s is left out: %s", remarks->zone, wire_name_text(owner, name),
			    text);
}

struct policy_zone *policy_zone_make(const struct zone *zone, char why[REFUSAL_TEXT_MAX])
{
	char name[WIRE_NAME_TEXT_MAX];
	struct remarks remarks = {.zone = wire_name_text(zone->apex, name)};
	struct random random;
	struct policy_zone *made = calloc(1, sizeof *made);
	random_init_kernel(&random);
	int rc = made == NULL ? BANYAN_ENOMEM
			      : policy_rpz_compile(zone, random_u64(&random), on_remark, &remarks, &made->rpz);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "policy zone %.400s (%.400s): %s", name, zone->source,
			 rc == BANYAN_EMALF ? "it has no SOA; add one" : error_text(rc));
		free(made);
		return NULL;
	}
	const struct policy_rpz_stats *stats = policy_rpz_stats(made->rpz);
	size_t rules = 0;
	for (unsigned i = 0; i < POLICY_TRIGGERS; i++)
		rules += stats->rules[i];
	if (remarks.count > REMARKS_MAX)
		log_warning(STATION, "policy zone %s: so are %u more", name, remarks.count - REMARKS_MAX);
	log_notice(STATION, "policy zone %s: serial %u, %zu rule%s, %zu record%s left out, %zu KiB", name,
		   stats->serial, rules, rules == 1 ? "" : "s", stats->ignored, stats->ignored == 1 ? "" : "s",
		   stats->bytes / 1024);
	made->users = 1;
	made->loaded_at = clock_wall_s();
	(void)!sync_timers_of(zone, &made->timers); /* it has a SOA, or it would not be here */
	return made;
}

void policy_zone_release(struct policy_zone *zone)
{
	if (zone == NULL || --zone->users > 0)
		return;
	policy_rpz_free(zone->rpz);
	free(zone);
}

/* ---- where they come from ---- */

static int source_load(const struct config *config, const struct config_rpz *from, struct policy_source **ret,
		       char why[REFUSAL_TEXT_MAX])
{
	struct policy_source *source = calloc(1, sizeof *source);
	if (source == NULL)
		return BANYAN_ENOMEM;
	source->users = 1;
	int rc = wire_name_parse(from->zone, source->apex);
	if (rc >= 0) {
		wire_name_lower(source->apex, source->apex);
		rc = from->key[0] == '\0' ? 0 : key_load(config, from->key, &source->key, why);
	}
	if (rc < 0) {
		policy_source_release(source);
		return rc;
	}
	*ret = source;
	return 0;
}

void policy_source_release(struct policy_source *source)
{
	if (source == NULL || --source->users > 0)
		return;
	wire_tsig_key_free(source->key);
	free(source);
}

/* Out of a file. */
static struct policy_zone *zone_read(const struct config_rpz *from, char why[REFUSAL_TEXT_MAX])
{
	uint8_t origin[WIRE_NAME_MAX];
	struct zone_error error;
	struct zone *zone;
	if (wire_name_parse(from->zone, origin) < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "rpz %.300s: this is no domain name", from->zone);
		return NULL;
	}
	struct zone_read_settings settings = {.origin = origin};
	if (zone_read_file(from->file, &settings, NULL, NULL, &zone, &error) < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "policy zone %.300s: %.511s", from->zone, error.text);
		return NULL;
	}
	struct policy_zone *made = policy_zone_make(zone, why);
	zone_free(zone);
	return made;
}

/* What primaries gave before the daemon started is no reason not to start. */
static int zone_load(const struct config_rpz *from, policy_kept_fn kept, void *kept_ctx, struct policy_zone **ret,
		     char why[REFUSAL_TEXT_MAX])
{
	struct policy_zone *zone = NULL;
	if (from->primaries.count == 0) {
		*ret = zone_read(from, why);
		return *ret == NULL ? BANYAN_ECONFIG : 0;
	}
	if (kept != NULL)
		zone = kept(kept_ctx, from);
	if (zone == NULL && from->file[0] != '\0' && access(from->file, F_OK) == 0) {
		zone = zone_read(from, why);
		if (zone == NULL)
			log_warning(STATION, "the copy of a policy zone cannot be used and is fetched again: %s", why);
	}
	*ret = zone;
	return 0;
}

/* ---- putting it together ---- */

static bool holds_in(const struct config_rpz *rpz, const char *view)
{
	for (size_t i = 0; i < rpz->views.count; i++)
		if (strcmp(rpz->views.item[i], view) == 0)
			return true;
	return rpz->views.count == 0;
}

static struct policy_rpz_use use_of(const struct policies *p, size_t i)
{
	static const enum reason reasons[] = {
		[CONFIG_RPZ_BLOCKED] = REASON_POLICY_BLOCKED,
		[CONFIG_RPZ_CENSORED] = REASON_POLICY_CENSORED,
		[CONFIG_RPZ_FILTERED] = REASON_POLICY_FILTERED,
		[CONFIG_RPZ_FORGED] = REASON_POLICY_FORGED,
	};
	const struct config_rpz *from = &p->config->rpz[i];
	return (struct policy_rpz_use){
		.rpz = p->zone[i]->rpz,
		.override = (enum policy_override)from->action,
		.cname = p->cname[i],
		.reason = reasons[from->reason],
		.log = from->log || from->action == CONFIG_RPZ_DISABLED,
		.break_dnssec = from->rewrite_signed,
		.add_soa = from->add_soa,
	};
}

static const struct policy_local *local_of(const struct policy_table *table)
{
	return table == NULL ? NULL : table->local;
}

static void view_fill(struct policies *p, size_t v)
{
	const struct config_view *from = v == 0 ? NULL : &p->config->views[v - 1];
	struct policy_rpz_use *use = p->use + v * p->config->n_rpz;
	struct policy_view *view = &p->view[v];
	*view = (struct policy_view){
		.name = from == NULL ? "default" : from->name,
		.local = local_of(p->own[v]),
		.common = local_of(from == NULL || from->common ? p->common : p->bare),
		.rpz = use,
	};
	if (from != NULL) {
		view->n_match = from->clients.count;
		view->match = from->clients.item;
		view->access = (enum policy_access)from->access;
		view->minimal_responses = (enum policy_choice)from->minimal_responses;
	}
	for (size_t i = 0; i < p->config->n_rpz; i++)
		if (p->zone[i] != NULL && holds_in(&p->config->rpz[i], view->name))
			use[view->n_rpz++] = use_of(p, i);
}

/* From the tables and zones to the policy; none when nothing is said to anybody. */
static int assemble(struct policies *p)
{
	bool any = p->n_views > 1;
	for (size_t v = 0; v < p->n_views; v++) {
		view_fill(p, v);
		any |= p->view[v].local != NULL || p->view[v].common != NULL || p->view[v].n_rpz > 0;
	}
	return any ? policy_new(p->view, p->n_views, &p->policy) : 0;
}

static int room_make(const struct config *config, struct policies *ret)
{
	size_t views = config->n_views + 1;
	*ret = (struct policies){
		.config = config,
		.n_views = views,
		.own = calloc(views, sizeof(struct policy_table *)),
		.zone = calloc(config->n_rpz + 1, sizeof(struct policy_zone *)),
		.source = calloc(config->n_rpz + 1, sizeof(struct policy_source *)),
		.cname = calloc(config->n_rpz + 1, sizeof(*ret->cname)),
		.use = calloc(views * config->n_rpz + 1, sizeof(*ret->use)),
		.view = calloc(views, sizeof(*ret->view)),
	};
	bool good = ret->own != NULL && ret->zone != NULL && ret->source != NULL && ret->cname != NULL &&
		    ret->use != NULL && ret->view != NULL;
	return good ? 0 : BANYAN_ENOMEM;
}

static int tables_load(struct policies *p, const struct forward_list *elsewhere, char why[REFUSAL_TEXT_MAX])
{
	const struct config *config = p->config;
	bool bare = false;
	int rc = policy_table_make(config, "local", &config->local.data, elsewhere, &p->common, why);
	for (size_t v = 1; v < p->n_views && rc == 0; v++) {
		const struct config_view *from = &config->views[v - 1];
		char where[32];
		snprintf(where, sizeof where, "views[%zu]", v - 1);
		bare |= !from->common;
		rc = policy_table_make(config, where, &from->local, NULL, &p->own[v], why);
	}
	if (rc == 0 && bare)
		rc = policy_table_make(config, "local", NULL, elsewhere, &p->bare, why);
	return rc;
}

int policies_load(const struct config *config, const struct forward_list *elsewhere, policy_kept_fn kept,
		  void *kept_ctx, struct policies *ret, char why[REFUSAL_TEXT_MAX])
{
	struct policies p;
	snprintf(why, REFUSAL_TEXT_MAX, "%s", error_text(BANYAN_ENOMEM));
	int rc = room_make(config, &p);
	if (rc == 0)
		rc = tables_load(&p, elsewhere, why);
	for (size_t i = 0; i < config->n_rpz && rc == 0; i++) {
		if (config->rpz[i].cname[0] != '\0' && wire_name_parse(config->rpz[i].cname, p.cname[i]) < 0)
			rc = BANYAN_ECONFIG;
		else
			rc = zone_load(&config->rpz[i], kept, kept_ctx, &p.zone[i], why);
		if (rc == 0 && config->rpz[i].primaries.count > 0)
			rc = source_load(config, &config->rpz[i], &p.source[i], why);
	}
	if (rc == 0)
		rc = assemble(&p);
	if (rc < 0) {
		policies_done(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

static struct policy_table *table_use(struct policy_table *table)
{
	if (table != NULL)
		table->users++;
	return table;
}

int policies_with(const struct policies *from, size_t at, struct policy_zone *zone, struct policies *ret)
{
	struct policies p;
	int rc = room_make(from->config, &p);
	if (rc == 0) {
		p.common = table_use(from->common);
		p.bare = table_use(from->bare);
		for (size_t v = 0; v < p.n_views; v++)
			p.own[v] = table_use(from->own[v]);
		memcpy(p.cname, from->cname, from->config->n_rpz * sizeof(*p.cname));
		for (size_t i = 0; i < from->config->n_rpz; i++) {
			p.zone[i] = i == at ? zone : from->zone[i];
			if (p.zone[i] != NULL)
				p.zone[i]->users++;
			p.source[i] = from->source[i];
			if (p.source[i] != NULL)
				p.source[i]->users++;
		}
		rc = assemble(&p);
	}
	if (rc < 0) {
		policies_done(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

void policies_done(struct policies *p)
{
	policy_free(p->policy);
	policy_table_release(p->common);
	policy_table_release(p->bare);
	for (size_t v = 0; p->own != NULL && v < p->n_views; v++)
		policy_table_release(p->own[v]);
	for (size_t i = 0; p->zone != NULL && i < p->config->n_rpz; i++)
		policy_zone_release(p->zone[i]);
	for (size_t i = 0; p->source != NULL && i < p->config->n_rpz; i++)
		policy_source_release(p->source[i]);
	free(p->source);
	free(p->own);
	free(p->zone);
	free(p->cname);
	free(p->use);
	free(p->view);
	*p = (struct policies){0};
}
