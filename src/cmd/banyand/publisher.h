// SPDX-License-Identifier: GPL-3.0-or-later
/* The publisher of the daemon: versions of zones become published files (sync/files), which its own listener, if any, serves. */
#pragma once

#include "daemon.h"

/* Opens the listener, if one is configured: before rights are dropped. */
int publisher_open(struct keeper *keeper, const struct config *config, char why[REFUSAL_TEXT_MAX]) _must_use_;
/* From now on requests are replied to, and pointers written anew before they are too old. */
int publisher_start(struct keeper *keeper) _must_use_;
/* A generation is in use: what of it is to be published and is not yet, is. */
void publisher_offer(struct keeper *keeper, struct generation *generation);
/* The same for one version of a zone that was proved; `wire` is taken over. */
void publisher_offer_wire(struct keeper *keeper, const struct config *config, const uint8_t *apex, struct buffer *wire);
/* The same for a generation of a copy, if its zone is to be published: `wire_fd`, its wire form, is taken over. */
void publisher_offer_kept(struct keeper *keeper, const uint8_t *apex, int wire_fd);
void publisher_stop(struct keeper *keeper); /* what is under way ends before the loop does */
void publisher_free(struct keeper *keeper); /* after the loop */
/* Counters of the listener's thread, or NULL. */
struct counters *publisher_counters(const struct keeper *keeper);
