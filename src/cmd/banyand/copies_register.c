// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sources with register=on (docs/registration.md). Each probe registers anew; whoever goes says so, so that nobody sends notifications to where
 * nobody is any more, or where somebody else is. That is one question, and nothing waits for it but the end of the process, for a second.
 */
#include "copies.h"

#include <stdlib.h>
#include <string.h>

#define RELEASE_MAX_MS 1000 /* to say good-bye must not hold up the end */

struct release {
	struct wire_tsig_key *key;
	struct addr at;
	struct pull_fetch *fetch;
};

void copy_registered(struct copy_source *source, const struct pull_fetch_result *probed)
{
	bool answered = probed->fetched == PULL_GOT || probed->fetched == PULL_UNCHANGED;
	if (!answered || source->source.registers[0] == '\0') /* until its time is over it may know us still */
		return;
	source->registered.until_ms =
		probed->registered_s > 0 ? clock_mono_ms() + (int64_t)probed->registered_s * 1000 : 0;
	source->registered.by = probed->from;
	source->registered.at = probed->registered_at;
}

/* What we said good-bye to, or what has ended without that, knows us no more, or for no longer than it has said: we ask anew. */
void copy_register_begin(struct copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (copy->source[i]->source.registers[0] != '\0' && copy->source[i]->probe == NULL)
			copy_tell(copy, &(struct pull_event){.kind = PULL_EVENT_CHANGED, .source = i});
}

/* ---- the end ---- */

/* It is known by its address and port, whatever the configuration says by now. */
static bool hears_there(void *ctx, const struct addr *from, struct addr *ret)
{
	const struct release *release = ctx;
	*ret = release->at;
	return release->at.family == from->family;
}

static void on_released(void *ctx, const struct pull_fetch_result *result)
{
	struct release *release = ctx;
	wire_tsig_key_free(release->key);
	free(release);
}

void copy_register_end(struct copy_source *source)
{
	struct copy *copy = source->copy;
	bool knows_us = source->registered.until_ms > clock_mono_ms() && source->registered.by.family != 0;
	source->registered.until_ms = 0;
	struct release *release = knows_us ? calloc(1, sizeof *release) : NULL;
	struct pull_source *to = release != NULL ? malloc(sizeof *to) : NULL;
	if (to == NULL) {
		free(release);
		return;
	}
	*release = (struct release){.key = source->key, .at = source->registered.at};
	*to = source->source;
	to->n_addresses = 1;
	to->address[0] = source->registered.by;
	struct pull_fetch_settings settings = {
		.source = to,
		.apex = copy->apex,
		.mode = PULL_MODE_RELEASE,
		.key = release->key,
		.time_max_ms = RELEASE_MAX_MS,
		.idle_ms = RELEASE_MAX_MS,
		.fd = -1,
		.hears = hears_there,
		.hears_ctx = release,
		.done = on_released,
		.ctx = release,
	};
	if (pull_fetch_start(&copy->keeper->loop, &settings, &release->fetch) == 0)
		source->key = NULL; /* it is freed with the release */
	else
		free(release);
	free(to);
}
