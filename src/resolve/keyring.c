// SPDX-License-Identifier: GPL-3.0-or-later
/* The trust anchors that all engines share: set by configuration, restored from what was kept, read by every engine. */
#include "keyring.h"

#include <stdlib.h>
#include <string.h>

int resolve_anchors_new(struct resolve_anchors **ret)
{
	struct resolve_anchors *anchors = calloc(1, sizeof *anchors);
	if (anchors == NULL)
		return BANYAN_ENOMEM;
	if (pthread_mutex_init(&anchors->lock, NULL) != 0) {
		free(anchors);
		return BANYAN_ENOMEM;
	}
	*ret = anchors;
	return 0;
}

void resolve_anchors_free(struct resolve_anchors *anchors)
{
	if (anchors == NULL)
		return;
	for (size_t i = 0; i < anchors->n; i++)
		free(anchors->zone[i].rollover);
	dnssec_anchors_done(&anchors->configured);
	dnssec_anchors_done(&anchors->trusted);
	pthread_mutex_destroy(&anchors->lock);
	free(anchors);
}

/* ---- lists of anchors ---- */

static int anchors_append(struct dnssec_anchors *to, const struct dnssec_anchors *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct dnssec_anchor *item = &from->item[i];
		size_t before = to->count;
		int rc = dnssec_anchors_add(to, item->owner, item->type, &(struct wire_rdata){item->rdata, item->len});
		if (rc < 0)
			return rc;
		if (to->count > before)
			to->item[before].fixed = item->fixed;
	}
	return 0;
}

static struct keyring_zone *entry_find(struct resolve_anchors *anchors, const uint8_t *name)
{
	for (size_t i = 0; i < anchors->n; i++)
		if (wire_name_equal(anchors->zone[i].name, name))
			return &anchors->zone[i];
	return NULL;
}

/* The zone's entry, a new one if there is none. There are never more zones than anchors. */
static struct keyring_zone *entry_have(struct resolve_anchors *anchors, const uint8_t *name)
{
	struct keyring_zone *zone = entry_find(anchors, name);
	if (zone != NULL || anchors->n == ARRAY_SIZE(anchors->zone))
		return zone;
	zone = &anchors->zone[anchors->n++];
	*zone = (struct keyring_zone){.rollover = NULL};
	wire_name_lower(name, zone->name);
	return zone;
}

static bool has_zone(const struct dnssec_anchors *anchors, const uint8_t *name)
{
	for (size_t i = 0; i < anchors->count; i++)
		if (wire_name_equal(anchors->item[i].owner, name))
			return true;
	return false;
}

/* What is trusted of the zones in `configured`. */
static int trusted_of(struct resolve_anchors *anchors, const struct dnssec_anchors *configured, bool roll,
		      struct dnssec_anchors *ret)
{
	for (size_t i = 0; i < configured->count; i++) {
		const uint8_t *name = configured->item[i].owner;
		const struct keyring_zone *zone = entry_find(anchors, name);
		int rc = 0;
		if (has_zone(ret, name))
			continue;
		if (roll && zone != NULL && zone->rollover != NULL && dnssec_rollover_wanted(configured, name) &&
		    dnssec_rollover_fits(zone->rollover, configured)) {
			rc = dnssec_rollover_anchors(zone->rollover, configured, ret);
		} else {
			for (size_t k = i; rc == 0 && k < configured->count; k++) {
				const struct dnssec_anchor *item = &configured->item[k];
				if (wire_name_equal(item->owner, name))
					rc = dnssec_anchors_add(ret, item->owner, item->type,
								&(struct wire_rdata){item->rdata, item->len});
			}
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int resolve_keyring_renew(struct resolve_anchors *anchors)
{
	struct dnssec_anchors trusted = {0};
	int rc = trusted_of(anchors, &anchors->configured, anchors->roll, &trusted);
	if (rc < 0) {
		dnssec_anchors_done(&trusted);
		return rc;
	}
	dnssec_anchors_done(&anchors->trusted);
	anchors->trusted = trusted;
	atomic_fetch_add(&anchors->version, 1);
	return 0;
}

bool resolve_keyring_copy(struct resolve_anchors *anchors, uint32_t *version, struct dnssec_anchors *copy)
{
	if (atomic_load_explicit(&anchors->version, memory_order_relaxed) == *version)
		return false;
	struct dnssec_anchors fresh = {0};
	pthread_mutex_lock(&anchors->lock);
	uint32_t now = atomic_load(&anchors->version);
	int rc = anchors_append(&fresh, &anchors->trusted);
	pthread_mutex_unlock(&anchors->lock);
	if (rc < 0) { /* no memory: tried again in the next step */
		dnssec_anchors_done(&fresh);
		return false;
	}
	dnssec_anchors_done(copy);
	*copy = fresh;
	*version = now;
	return true;
}

/* ---- what the daemon does ---- */

static int rollover_have(struct keyring_zone *zone)
{
	if (zone->rollover != NULL)
		return 0;
	zone->rollover = malloc(sizeof *zone->rollover);
	if (zone->rollover == NULL)
		return BANYAN_ENOMEM;
	dnssec_rollover_init(zone->rollover, zone->name);
	return 0;
}

/* The zones of the configured anchors, and no others. */
static int entries_fit(struct resolve_anchors *anchors)
{
	const struct dnssec_anchors *configured = &anchors->configured;
	for (size_t i = anchors->n; i-- > 0;) {
		if (has_zone(configured, anchors->zone[i].name))
			continue;
		free(anchors->zone[i].rollover);
		anchors->zone[i] = anchors->zone[--anchors->n];
	}
	for (size_t i = 0; i < configured->count; i++) {
		struct keyring_zone *zone = entry_have(anchors, configured->item[i].owner);
		if (zone == NULL)
			return BANYAN_ELIMIT;
		if (!anchors->roll || !dnssec_rollover_wanted(configured, zone->name)) {
			free(zone->rollover);
			zone->rollover = NULL;
		} else if (rollover_have(zone) < 0) {
			return BANYAN_ENOMEM;
		} else if (!dnssec_rollover_fits(zone->rollover, configured)) {
			dnssec_rollover_init(zone->rollover, zone->name);
			zone->asked = false;
		}
	}
	return 0;
}

int resolve_anchors_set(struct resolve_anchors *anchors, const struct dnssec_anchors *configured, bool roll)
{
	struct dnssec_anchors copy = {0};
	int rc = anchors_append(&copy, configured);
	if (rc < 0) {
		dnssec_anchors_done(&copy);
		return rc;
	}
	pthread_mutex_lock(&anchors->lock);
	dnssec_anchors_done(&anchors->configured);
	anchors->configured = copy;
	anchors->roll = roll;
	rc = entries_fit(anchors);
	if (rc == 0)
		rc = resolve_keyring_renew(anchors);
	pthread_mutex_unlock(&anchors->lock);
	return rc;
}

int resolve_anchors_restore(struct resolve_anchors *anchors, const struct dnssec_rollover *state)
{
	int rc = BANYAN_ELIMIT;
	pthread_mutex_lock(&anchors->lock);
	struct keyring_zone *zone = entry_have(anchors, state->zone);
	if (zone != NULL)
		rc = rollover_have(zone);
	if (rc == 0)
		*zone->rollover = *state;
	pthread_mutex_unlock(&anchors->lock);
	return rc;
}

int resolve_anchors_trusted(struct resolve_anchors *anchors, const struct dnssec_anchors *configured, bool roll,
			    struct dnssec_anchors *ret)
{
	pthread_mutex_lock(&anchors->lock);
	int rc = trusted_of(anchors, configured, roll, ret);
	pthread_mutex_unlock(&anchors->lock);
	return rc;
}

bool resolve_anchors_has(struct resolve_anchors *anchors, const uint8_t *name)
{
	pthread_mutex_lock(&anchors->lock);
	const struct keyring_zone *zone = entry_find(anchors, name);
	bool has = zone != NULL && zone->rollover != NULL;
	pthread_mutex_unlock(&anchors->lock);
	return has;
}

size_t resolve_anchors_zones(struct resolve_anchors *anchors)
{
	pthread_mutex_lock(&anchors->lock);
	size_t n = anchors->n;
	pthread_mutex_unlock(&anchors->lock);
	return n;
}

int resolve_anchors_zone(struct resolve_anchors *anchors, size_t index, struct dnssec_rollover *ret)
{
	int rc = BANYAN_ENOENT;
	pthread_mutex_lock(&anchors->lock);
	if (index < anchors->n) {
		const struct keyring_zone *zone = &anchors->zone[index];
		rc = zone->rollover != NULL;
		if (rc == 1)
			*ret = *zone->rollover;
		else
			dnssec_rollover_init(ret, zone->name);
	}
	pthread_mutex_unlock(&anchors->lock);
	return rc;
}
