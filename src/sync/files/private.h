// SPDX-License-Identifier: GPL-3.0-or-later
/* files, private: what the publisher and the checker share. */
#pragma once

#include "files.h"

/* Takes and makes the whole. `max` bounds what comes out. */
int files_unpack(const uint8_t *data, size_t len, size_t max, struct buffer *out) _must_use_;
int files_hash(const uint8_t *data, size_t len, uint8_t out[32]) _must_use_;
/* An object's file, unpacked. */
int files_load(const char *path, struct buffer *out) _must_use_;

/* All that the pointer says of the zone itself. */
void files_pointer_about(const struct zone *zone, struct files_pointer *ret);
void files_why(char why[FILES_WHY_MAX], const char *format, ...) _printf_(2, 3);
/* Removes what the pointer does not name any more and nobody fetches; returns the number of files. */
unsigned files_sweep(const char *folder, const struct files_pointer *pointer, unsigned deltas, uint32_t hold_s,
		     int64_t now);
/* Serials of the versions in a zone's folder that are older than `serial`, the newest first; returns their number. */
size_t files_versions(const char *folder, uint32_t serial, uint32_t *out, size_t max);
