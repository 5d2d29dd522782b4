// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of this room share. */
#pragma once

#include "edition.h"

/* Is it one of the words by which an edition says what it is (TXT at the apex)? */
bool edition_is_word(const struct wire_rdata *txt);
/* One record of a set, under this TTL. */
int edition_add(struct zone_maker *maker, const struct wire_rrset *set, uint32_t index, uint32_t ttl) _must_use_;
/* Writes the sentence and returns `rc`. */
int edition_why(char why[EDITION_WHY_MAX], int rc, const char *format, ...) _printf_(3, 4);
