// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Is the clock right? The signatures of the proved root, some thousand of them, say between which dates "now" must lie. A clock that is outside
 * makes good signatures fail, and no server is to blame: so this is said beside the failure.
 */
#include "trust.h"

const char *resolve_clock_words(const struct resolve *engine, struct arena *arena)
{
	char span[32];
	if (engine->root_until_s == 0)
		return "";
	int64_t off = dnssec_clock_off(engine->root_from_s, engine->root_until_s, engine->wall_ms / 1000);
	const char *words = "";
	if (off < 0)
		words = arena_printf(arena, "; by the root copy the clock here is behind by %s at least",
				     clock_span(-off, span));
	else if (off > 0)
		words = arena_printf(arena,
				     "; by the root copy the clock here is ahead by %s at least, if that copy is "
				     "not outdated",
				     clock_span(off, span));
	return words == NULL ? "" : words;
}
