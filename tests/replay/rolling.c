// SPDX-License-Identifier: GPL-3.0-or-later
/* Trust anchors that roll (RFC 5011): ROLL, CHECK_KEY, CHECK_TOLD; and what a restart leaves of them. */
#include "scenario.h"

#include "resolve/keyring.h"

static struct kept *kept_of(struct scenario *s, const uint8_t *zone)
{
	for (unsigned i = 0; i < s->n_kept; i++)
		if (wire_name_equal(s->kept[i].zone, zone))
			return &s->kept[i];
	if (s->n_kept == KEPT_MAX)
		bad(s, "there are states of too many zones");
	struct kept *kept = &s->kept[s->n_kept++];
	wire_name_lower(zone, kept->zone);
	return kept;
}

static void told(struct scenario *s, const char *text)
{
	assert_true(buffer_printf(&s->told, "%s\n", text) >= 0);
}

/* What the daemon does with it: keeps the state as text, and tells what happened. */
static void on_anchors(void *ctx, const struct resolve_action *action)
{
	struct scenario *s = ctx;
	char text[160];
	const struct dnssec_rollover_report *report = action->anchors.report;
	if (report == NULL) {
		told(s, reason_words(action->anchors.reason));
		return;
	}
	struct kept *kept = kept_of(s, action->anchors.state->zone);
	kept->text.len = 0;
	assert_int_equal(dnssec_rollover_write(action->anchors.state, &kept->text), 0);
	if (!report->proved)
		told(s, report->text);
	for (size_t i = 0; i < report->n; i++)
		told(s, dnssec_rollover_change_text(&report->change[i], text));
}

/* ROLL: the anchors of the scenario roll. ROLL off: they are shared, and do not. */
void rolling_read(struct scenario *s)
{
	if (s->started)
		bad(s, "ROLL stands before the first step");
	s->roll = s->n_words < 2 || strcmp(s->word[1], "off") != 0;
	assert_int_equal(resolve_anchors_new(&s->shared), 0);
	s->world->anchors_fn = on_anchors;
	s->world->anchors_ctx = s;
}

/* A new set for a new engine, with what was kept on disk. */
void rolling_begin(struct scenario *s)
{
	static struct dnssec_rollover state;
	if (s->shared == NULL)
		return;
	for (unsigned i = 0; i < s->n_kept; i++) {
		struct dnssec_text_error error;
		if (dnssec_rollover_read("kept", (const char *)s->kept[i].text.data, s->kept[i].text.len,
					 s->kept[i].zone, &state, &error) < 0)
			bad(s, "%s", error.text);
		assert_int_equal(resolve_anchors_restore(s->shared, &state), 0);
	}
	assert_int_equal(resolve_anchors_set(s->shared, &s->anchors, s->roll), 0);
	s->settings.shared_anchors = s->shared;
	s->settings.anchors_lead = true;
}

/* RESTART [forget]: the program ends and starts again. */
void rolling_restart(struct scenario *s)
{
	if (s->n_words > 1 && strcmp(s->word[1], "forget") == 0) {
		for (unsigned i = 0; i < s->n_kept; i++)
			buffer_done(&s->kept[i].text);
		s->n_kept = 0;
	}
	if (s->shared == NULL)
		return;
	resolve_anchors_free(s->shared); /* the engine is idle and goes next */
	assert_int_equal(resolve_anchors_new(&s->shared), 0);
	rolling_begin(s);
}

static const struct key *key_named(struct scenario *s, const struct zone_plan *plan, const char *name)
{
	for (unsigned i = 0; plan != NULL && i < plan->n_keys; i++)
		if (plan->key[i].number == strtoul(name + 1, NULL, 10))
			return &plan->key[i];
	bad(s, "the zone has no such key now");
	return NULL;
}

/* CHECK_KEY origin k1 STATE: what became of this key of the zone; "unknown" = nothing is known of it. */
void rolling_check_key(struct scenario *s)
{
	static struct dnssec_rollover state;
	uint8_t origin[WIRE_NAME_MAX];
	const char *found = "unknown";
	if (s->shared == NULL)
		bad(s, "CHECK_KEY needs ROLL");
	text_name(s, s->word[1], origin);
	const struct key *key = key_named(s, zones_find(s, origin), s->word[2]);
	for (size_t i = 0; i < resolve_anchors_zones(s->shared); i++) {
		if (resolve_anchors_zone(s->shared, i, &state) != 1 || !wire_name_equal(state.zone, origin))
			continue;
		for (size_t k = 0; k < state.n; k++)
			if (state.key[k].len == key->len &&
			    memcmp(state.key[k].rdata + 2, key->rdata + 2, key->len - 2u) == 0)
				found = dnssec_rollover_state_text(state.key[k].state);
	}
	if (strcmp(found, s->word[3]) != 0)
		bad(s, "key %s is %s (told:\n%s)", s->word[2], found,
		    s->told.data == NULL ? "" : (const char *)s->told.data);
}

/* CHECK_TOLD text: the operator was told so since the last such check; "nothing": was told nothing. */
void rolling_check_told(struct scenario *s)
{
	const char *text = strstr(s->line, s->word[0]) + strlen(s->word[0]);
	text += strspn(text, " \t");
	const char *all = s->told.data == NULL || s->told.len == 0 ? "" : (const char *)s->told.data;
	if (strcmp(text, "nothing") == 0 ? all[0] != '\0' : strstr(all, text) == NULL)
		bad(s, "not told \"%s\", but:\n%s", text, all);
	s->told.len = 0;
}

void rolling_free(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_kept; i++)
		buffer_done(&s->kept[i].text);
	buffer_done(&s->told);
	resolve_anchors_free(s->shared);
}
