// SPDX-License-Identifier: GPL-3.0-or-later
/* A new version of one zone comes into use: the generation of this moment with that one exchanged. */
#include "copies.h"
#include "publisher.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The places of all zones anew; what they hold stays shared. */
static struct generation *shell_new(const struct generation *from)
{
	size_t n = from->config->n_zones;
	struct generation *g = malloc(sizeof *g);
	struct loaded **zone = calloc(n + 1, sizeof *zone);
	struct answer_zone *answer_zone = calloc(n + 1, sizeof *answer_zone);
	if (g == NULL || zone == NULL || answer_zone == NULL) {
		free(g);
		free(zone);
		free(answer_zone);
		return NULL;
	}
	*g = *from;
	memcpy(zone, from->zone, n * sizeof *zone);
	memcpy(answer_zone, from->answer_zone, n * sizeof *answer_zone);
	g->zone = zone;
	g->view.zone = g->answer_zone = answer_zone;
	g->view.identity = g->identity; /* what points into the struct itself */
	if (g->root != NULL && g->root->from == &from->root_from)
		g->root->from = &g->root_from;
	return g;
}

static void shell_free(struct generation *g)
{
	free(g->zone);
	free(g->answer_zone);
	free(g);
}

static void root_set(struct generation *g, struct loaded *loaded)
{
	g->root = loaded;
	g->view.root = loaded_image(loaded);
	g->view.root_from_s = loaded->last_inception;
	g->view.root_until_s = loaded->first_expiry;
	g->view.root_on_loopback = loaded->on_loopback;
	g->view.root_signed = loaded->proved && loaded->first_expiry > 0;
	g->root_failure[0] = 0;
}

/* Those that are there now come back, to be released. */
struct places {
	struct loaded *root, *zone;
};

static struct places place(struct generation *g, const struct copy *copy, struct loaded *loaded)
{
	struct places was = {0};
	if (copy->for_resolver) {
		was.root = g->root;
		loaded->users++;
		root_set(g, loaded);
	}
	for (size_t i = 0; !copy->is_root && i < g->config->n_zones; i++)
		if (strcasecmp(g->config->zones[i].name, copy->zone) == 0) {
			was.zone = g->zone[i];
			loaded->users++;
			g->zone[i] = loaded;
		}
	for (size_t i = 0; !copy->is_root && i < g->config->n_zones; i++)
		if (wire_name_equal(g->answer_zone[i].apex, copy->apex)) {
			g->answer_zone[i].image = loaded_image(loaded);
			g->answer_zone[i].expire_s = loaded->expire_s;
			g->answer_zone[i].expires_at_s = &loaded->until_s;
		}
	return was;
}

static enum reason trouble_of_root(const struct generation *g, enum reason trouble)
{
	if (trouble == REASON_COPY_EMPTY)
		return g->root != NULL ? REASON_NONE : REASON_ROOT_EMPTY;
	if (trouble == REASON_COPY_EARLY)
		return REASON_ROOT_EARLY;
	return trouble == REASON_COPY_EXPIRED ? REASON_ROOT_EXPIRED : trouble;
}

/* That there is no copy is no trouble while a file stands in for it. */
static void trouble_set(struct generation *g, const struct copy *copy)
{
	if (copy->for_resolver)
		g->view.root_trouble = trouble_of_root(g, copy->trouble);
	for (size_t i = 0; !copy->is_root && i < g->config->n_zones; i++) {
		struct answer_zone *zone = &g->answer_zone[i];
		if (wire_name_equal(zone->apex, copy->apex))
			zone->trouble =
				copy->trouble == REASON_COPY_EMPTY && zone->image != NULL ? REASON_NONE : copy->trouble;
	}
}

/* The generation and the copy each hold one. */
int copy_publish(struct copy *copy, struct loaded *fresh)
{
	struct keeper *keeper = copy->keeper;
	struct loaded *loaded = fresh != NULL ? fresh : copy->current;
	const struct generation *now = swap_read(&keeper->swap);
	if (now == NULL)
		return 0;
	struct generation *g = shell_new(now);
	if (g == NULL) {
		loaded_release(fresh);
		return BANYAN_ENOMEM;
	}
	if (fresh != NULL)
		copy->ended = !copy_dates_hold(copy, fresh);
	struct places was = {0};
	if (loaded != NULL) {
		loaded->ended = copy->ended || !copy_edition_fits(copy, loaded);
		was = place(g, copy, loaded);
	}
	trouble_set(g, copy);
	copy->trouble_told = copy->trouble;
	shell_free(swap_publish(&keeper->swap, g));
	loaded_release(was.root);
	loaded_release(was.zone);
	if (fresh != NULL) {
		loaded_release(copy->current);
		copy->current = fresh;
		copy_newest_look(copy);
		transfers_adopt(swap_read(&keeper->swap));
		copy_give_look(copy);
		if (fresh->wire.len > 0)
			copy->offered = keep_current(copy->keep);
		publisher_offer_wire(keeper, swap_read(&keeper->swap)->config, copy->apex, &fresh->wire);
		notifies_adopt(keeper); /* peers hear of it */
	}
	return 0;
}

void copy_publish_look(struct copy *copy)
{
	char why[KEEP_WHY_MAX];
	if (!copy->publish || copy->current == NULL || copy->storing || copy->offered == copy->newest ||
	    (copy->ended && copy->newest == keep_current(copy->keep)))
		return;
	int wire = keep_open_wire(copy->keep, copy->newest, why);
	if (wire < 0) {
		log_warning(STATION, "copy of %s: it is not published: %s", copy->zone, why);
		return;
	}
	copy->offered = copy->newest;
	publisher_offer_kept(copy->keeper, copy->apex, wire);
}
