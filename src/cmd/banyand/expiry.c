// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The local root must not be used for ever: not when its signatures have expired, and not when it was proved longer ago than
 * its SOA allows (RFC 8806 section 4). The wall clock is looked at again and again, since it may jump.
 */
#include "daemon.h"

#define LOOK_MS 1000

static void root_look(uv_timer_t *timer)
{
	struct keeper *keeper = timer->data;
	struct generation *g = atomic_load_explicit(&keeper->swap.current, memory_order_acquire);
	char until[32];
	if (g != NULL)
		clock_look(keeper);
	copies_look(keeper);
	notifies_look(keeper);
	if (g == NULL || g->root == NULL || g->root->copied)
		return;
	int64_t now = clock_wall_s();
	bool usable = loaded_until(g->root) > now && now >= g->root->edition.valid_from,
	     used = atomic_load(&g->view.root) != NULL;
	if (usable == used)
		return;
	atomic_store(&g->view.root, usable ? g->root->image : NULL);
	if (usable)
		log_notice(STATION, "the root copy is used again: by the clock it is not expired");
	else if (now < g->root->edition.valid_from)
		log_error(STATION, "the time of the root copy begins at %s, and it is not used before: set the clock",
			  clock_format(g->root->edition.valid_from, until));
	else
		log_error(STATION, "the root copy expired at %s and is not used any more: load a newer one",
			  clock_format(loaded_until(g->root), until));
}

int64_t loaded_until(const struct loaded *loaded)
{
	int64_t until = loaded->loaded_at + loaded->expire_s;
	if (loaded->edition.valid_until != 0 && loaded->edition.valid_until < until)
		until = loaded->edition.valid_until;
	return loaded->first_expiry != 0 && loaded->first_expiry < until ? loaded->first_expiry : until;
}

void expiry_watch(struct keeper *keeper)
{
	uv_timer_start(&keeper->expiry, root_look, LOOK_MS, LOOK_MS);
}
