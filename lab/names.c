// SPDX-License-Identifier: GPL-3.0-or-later
/* The lab's names: TLDs from the Public Suffix List, sites from two lists of words. */
#include "world.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX_LIST_MAX (16u << 20) /* the list has 0.25 MB */

static const char *const firsts[] = {
	"amber",  "ancient", "autumn",  "azure",    "bright", "bronze",  "calm",    "cedar",   "clear",  "clever",
	"copper", "coral",   "crimson", "crystal",  "dapper", "distant", "early",   "emerald", "fair",   "fern",
	"frosty", "gentle",  "golden",  "granite",  "green",  "happy",   "hazel",   "hidden",  "honest", "humble",
	"indigo", "iron",    "ivory",   "jolly",    "kind",   "lively",  "lucky",   "lunar",   "maple",  "marble",
	"merry",  "misty",   "noble",   "northern", "olive",  "opal",    "patient", "pearl",   "plum",   "polar",
	"proud",  "quick",   "quiet",   "rapid",    "royal",  "rustic",  "sandy",   "scarlet", "silver", "sunny",
	"swift",  "velvet",  "violet",  "winter",
};
static const char *const seconds[] = {
	"anchor",  "apple",  "arbour",  "bakery",   "barn",    "basket",  "beacon", "bridge",  "brook",  "candle",
	"castle",  "cellar", "cliff",   "clock",    "cottage", "creek",   "dairy",  "desk",    "dune",   "engine",
	"falcon",  "farm",   "ferry",   "field",    "forge",   "garden",  "gate",   "glacier", "grove",  "guild",
	"harvest", "heron",  "hill",    "island",   "kettle",  "lantern", "ledger", "library", "meadow", "mill",
	"mirror",  "needle", "orchard", "otter",    "paper",   "pier",    "pilot",  "quarry",  "reef",   "sail",
	"shelf",   "spring", "stable",  "summit",   "table",   "tower",   "trail",  "tunnel",  "valley", "village",
	"violin",  "wharf",  "window",  "workshop",
};

_Static_assert(ARRAY_SIZE(firsts) * ARRAY_SIZE(seconds) >= 2 * LAB_SITES_MAX, "too few words");

const char *lab_names_site(struct lab_world *world, uint32_t n)
{
	/* an odd multiplier modulo the (even) number of pairs visits each pair once, in an order the seed shifts */
	const uint32_t pairs = ARRAY_SIZE(firsts) * ARRAY_SIZE(seconds);
	uint32_t pair = (n * 1237u + (uint32_t)world->settings->seed % pairs) % pairs;
	return lab_text(world, "%s%s", firsts[pair / ARRAY_SIZE(seconds)], seconds[pair % ARRAY_SIZE(seconds)]);
}

const char *lab_names_ascii(struct lab_world *world, const char *utf8)
{
	char *ascii;
	int rc = idn2_to_ascii_8z(utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return NULL;
	const char *copy = lab_text(world, "%s", ascii);
	idn2_free(ascii);
	return copy;
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One rule of the list ("uk", "*.ck", "!www.ck", "co.uk"): its last label is a TLD. */
static void names_add_rule(struct lab_world *world, char *rule, struct lab_table *seen, struct lab_list *list)
{
	const char *dot = strrchr(rule, '.');
	const char *ascii = lab_names_ascii(world, dot == NULL ? rule : dot + 1);
	if (ascii == NULL || strlen(ascii) > 63 || strcmp(ascii, "onion") == 0) /* RFC 7686: never in the root */
		return;
	if (lab_table_get(seen, ascii) != NULL || list->count == LAB_TLD_NAMES_MAX)
		return;
	lab_table_put(seen, ascii, world);
	lab_list_add(list, (void *)ascii);
}

int lab_names_tlds(struct lab_world *world, const char *path, struct lab_list *ret)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	int rc = file_read(path, SUFFIX_LIST_MAX, &text, &len);
	if (rc < 0) {
		log_error("lab", "%s: cannot be read (Debian package publicsuffix): %s", path, error_text(rc));
		return rc;
	}
	struct lab_table seen = {0};
	struct lab_list list = {0};
	bool icann = false;
	char *save = NULL;
	for (char *line = strtok_r((char *)text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "===BEGIN ICANN DOMAINS===") != NULL)
			icann = true;
		else if (strstr(line, "===END ICANN DOMAINS===") != NULL)
			icann = false;
		line[strcspn(line, " \t\r")] = '\0'; /* a rule ends at the first white space */
		if (icann && line[0] != '\0' && strncmp(line, "//", 2) != 0)
			names_add_rule(world, line, &seen, &list);
	}
	free(seen.slot);
	if (list.count == 0) {
		log_error("lab", "%s: has no ICANN section: is it the Public Suffix List?", path);
		free(list.item);
		return BANYAN_EMALF;
	}
	qsort(list.item, list.count, sizeof(*list.item), name_cmp);
	*ret = list;
	return 0;
}
