// SPDX-License-Identifier: GPL-3.0-or-later
/* Lists of sources, and the public ones of the root zone that are known today. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

/* Who lets everybody transfer the root zone, or has it as a file; with both families, so that no resolver is needed to find them. A name is what it
 * is called, for people. The list is that of the operators' own pages and of other resolvers' defaults (docs/sources.md); `banyan sources` tells which
 * of them answer. Files first need their host's address, so the one that is in the list comes last. */
static const char *const builtin[] = {
	"xfr:b.root-servers.net address=2801:1b8:10::b address=170.247.170.2",
	"xfr:c.root-servers.net address=2001:500:2::c address=192.33.4.12",
	"xfr:d.root-servers.net address=2001:500:2d::d address=199.7.91.13",
	"xfr:f.root-servers.net address=2001:500:2f::f address=192.5.5.241",
	"xfr:g.root-servers.net address=2001:500:12::d0d address=192.112.36.4",
	"xfr:k.root-servers.net address=2001:7fd::1 address=193.0.14.129",
	"xfr:xfr.lax.dns.icann.org address=2620:0:2d0:202::132 address=192.0.32.132",
	"xfr:xfr.cjr.dns.icann.org address=2620:0:2830:202::132 address=192.0.47.132",
	"https://www.internic.net/domain/root.zone",
};

const char *pull_source_builtin(size_t index)
{
	return index < ARRAY_SIZE(builtin) ? builtin[index] : NULL;
}

void pull_sources_done(struct pull_sources *sources)
{
	free(sources->item);
	*sources = (struct pull_sources){0};
}

/* Whom it trusts belongs to it: two pins of one host, while its key is rolled, are two sources. */
static bool same_place(const struct pull_source *a, const struct pull_source *b)
{
	return a->kind == b->kind && a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->place, b->place) == 0 && strcmp(a->key, b->key) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->pin, b->pin) == 0 && strcmp(a->ca, b->ca) == 0;
}

int pull_sources_add(struct pull_sources *sources, const struct pull_source *source)
{
	for (size_t i = 0; i < sources->n; i++)
		if (same_place(&sources->item[i], source))
			return 0;
	if (sources->n == PULL_SOURCES_MAX)
		return BANYAN_ELIMIT;
	struct pull_source *item = realloc(sources->item, (sources->n + 1) * sizeof *item);
	if (item == NULL)
		return BANYAN_ENOMEM;
	item[sources->n++] = *source;
	sources->item = item;
	return 0;
}
