// SPDX-License-Identifier: GPL-3.0-or-later
/* POLICY and RPZ: what the operator says about names, for all clients or for those of a view. */
#include "scenario.h"

#define VIEWS_MAX 8
#define USES_MAX  8

struct policy_plan {
	unsigned n_views;
	struct policy_view view[VIEWS_MAX];
	char name[VIEWS_MAX][64];
	struct addr_prefix match[VIEWS_MAX][8];
	struct policy_rpz_use use[VIEWS_MAX][USES_MAX];
	unsigned n_zones;
	struct policy_rpz *zone[USES_MAX];
	uint8_t cname[USES_MAX][WIRE_NAME_MAX];
	struct policy_local *local[VIEWS_MAX];
	struct policy *policy;
};

static struct policy_plan *plan_of(struct scenario *s)
{
	if (s->policy == NULL) {
		s->policy = calloc(1, sizeof *s->policy);
		assert_non_null(s->policy);
		s->policy->n_views = 1;
		s->policy->view[0].name = "all";
	}
	return s->policy;
}

static unsigned view_of(struct scenario *s, const char *name)
{
	struct policy_plan *plan = plan_of(s);
	for (unsigned i = 1; i < plan->n_views; i++)
		if (strcmp(plan->name[i], name) == 0)
			return i;
	if (plan->n_views == VIEWS_MAX)
		bad(s, "too many views");
	unsigned i = plan->n_views++;
	snprintf(plan->name[i], sizeof plan->name[i], "%s", name);
	plan->view[i].name = plan->name[i];
	plan->view[i].match = plan->match[i];
	return i;
}

static void publish(struct scenario *s)
{
	struct policy_plan *plan = s->policy;
	policy_free(plan->policy);
	for (unsigned i = 0; i < plan->n_views; i++)
		plan->view[i].rpz = plan->use[i];
	assert_int_equal(policy_new(plan->view, plan->n_views, &plan->policy), 0);
	s->view.policy = s->world->policy = plan->policy;
}

static enum policy_zone_kind kind_of(struct scenario *s, const char *word)
{
	static const char *const kinds[POLICY_ZONE_KINDS] = {"static", "transparent", "type-transparent", "redirect",
							     "refuse", "drop",        "nxdomain",         "nodata",
							     "inform", "off"};
	unsigned i = 0;
	while (i < POLICY_ZONE_KINDS && strcmp(kinds[i], word) != 0)
		i++;
	if (i == POLICY_ZONE_KINDS)
		bad(s, "%s is no kind of zone", word);
	return (enum policy_zone_kind)i;
}

static void local_line(struct scenario *s, struct policy_local_builder *b, struct policy_view *view)
{
	uint8_t name[WIRE_NAME_MAX];
	struct zone_error error;
	const char *word = s->word[0], *rest = s->line + strspn(s->line, " \t") + strlen(word);
	int rc = 0;
	if (strcmp(word, "defaults") == 0) {
		rc = policy_local_defaults(b);
	} else if (strcmp(word, "zone") == 0) {
		text_name(s, s->word[1], name);
		rc = policy_local_zone(b, name, kind_of(s, s->word[2]));
	} else if (strcmp(word, "elsewhere") == 0) {
		text_name(s, s->word[1], name);
		rc = policy_local_elsewhere(b, name);
	} else if (strcmp(word, "data") == 0) {
		rest += strspn(rest, " \t"); /* no blank owner */
		rc = policy_local_text(b, "data", rest, strlen(rest), 300, &error);
	} else if (strcmp(word, "hosts") == 0) {
		rc = policy_local_hosts(b, "hosts", rest, strlen(rest), 300, &error);
	} else if (strcmp(word, "access") == 0) {
		view->access = strcmp(s->word[1], "allow") == 0    ? POLICY_ACCESS_ALLOW
			       : strcmp(s->word[1], "refuse") == 0 ? POLICY_ACCESS_REFUSE
								   : POLICY_ACCESS_DROP;
	} else {
		bad(s, "%s is unknown", word);
	}
	if (rc < 0)
		bad(s, "%s: %s", word, error_text(rc));
}

/* POLICY [VIEW prefix...] ... END */
void policy_read(struct scenario *s)
{
	struct policy_plan *plan = plan_of(s);
	unsigned v = s->n_words > 1 ? view_of(s, s->word[1]) : 0;
	struct policy_view *view = &plan->view[v];
	view->n_match = 0;
	for (unsigned i = 2; i < s->n_words && i < 10; i++)
		assert_int_equal(addr_prefix_parse(s->word[i], &plan->match[v][view->n_match++]), 0);
	struct policy_local_builder *b = policy_local_builder_new();
	while (text_line(s) && strcmp(s->line, "END") != 0) {
		text_split(s, s->line);
		local_line(s, b, view);
	}
	policy_local_free(plan->local[v]);
	assert_int_equal(policy_local_build(b, 1, &plan->local[v]), 0);
	view->local = plan->local[v];
	publish(s);
}

static void use_word(struct scenario *s, struct policy_rpz_use *use, uint8_t cname[WIRE_NAME_MAX], const char *word)
{
	static const char *const overrides[] = {"given",  "disabled", "passthru", "nxdomain",
						"nodata", "drop",     "tcp-only", "refuse"};
	for (unsigned i = 0; i < ARRAY_SIZE(overrides); i++)
		if (strcmp(word, overrides[i]) == 0) {
			use->override = (enum policy_override)i;
			return;
		}
	if (strncmp(word, "cname=", 6) == 0) {
		text_name(s, word + 6, cname);
		use->override = POLICY_OVERRIDE_CNAME;
		use->cname = cname;
	} else if (strcmp(word, "keep-signed") == 0) {
		use->break_dnssec = false;
	} else if (strcmp(word, "soa") == 0) {
		use->add_soa = true;
	} else if (strcmp(word, "censored") == 0) {
		use->reason = REASON_POLICY_CENSORED;
	} else if (strcmp(word, "filtered") == 0) {
		use->reason = REASON_POLICY_FILTERED;
	} else if (strcmp(word, "forged") == 0) {
		use->reason = REASON_POLICY_FORGED;
	} else {
		bad(s, "RPZ: %s is unknown", word);
	}
}

/* RPZ origin [view=NAME] [word...] ... END */
void policy_read_rpz(struct scenario *s)
{
	struct policy_plan *plan = plan_of(s);
	struct zone_error error;
	struct zone *zone;
	struct buffer text = {0};
	uint8_t origin[WIRE_NAME_MAX];
	unsigned only = VIEWS_MAX, n = plan->n_zones++;
	assert_true(n < USES_MAX);
	text_name(s, s->word[1], origin);
	struct policy_rpz_use use = {.reason = REASON_POLICY_BLOCKED, .break_dnssec = true};
	for (unsigned i = 2; i < s->n_words; i++)
		if (strncmp(s->word[i], "view=", 5) == 0)
			only = view_of(s, s->word[i] + 5);
		else
			use_word(s, &use, plan->cname[n], s->word[i]);
	char *block = text_block(s);
	assert_true(buffer_printf(&text, "@ 60 SOA rpz. rpz. 1 1 1 1 30\n%s", block) >= 0);
	free(block);
	struct zone_read_settings settings = {.origin = origin, .default_ttl = 60};
	if (zone_read_text("RPZ", (char *)text.data, text.len, &settings, NULL, NULL, &zone, &error) < 0)
		bad(s, "%s", error.text);
	buffer_done(&text);
	assert_int_equal(policy_rpz_compile(zone, 1, NULL, NULL, &plan->zone[n]), 0);
	zone_free(zone);
	use.rpz = plan->zone[n];
	for (unsigned v = 0; v < plan->n_views; v++)
		if (only == VIEWS_MAX || only == v)
			plan->use[v][plan->view[v].n_rpz++] = use;
	publish(s);
}

void policy_done(struct scenario *s)
{
	struct policy_plan *plan = s->policy;
	if (plan == NULL)
		return;
	policy_free(plan->policy);
	for (unsigned i = 0; i < VIEWS_MAX; i++)
		policy_local_free(plan->local[i]);
	for (unsigned i = 0; i < plan->n_zones; i++)
		policy_rpz_free(plan->zone[i]);
	free(plan);
}
