// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cache_file - the cache as bytes, so that it outlives the process.
 *
 *   file:   u64 magic, u32 version, u32 rules, u64 context, u64 checksum of these; then blocks
 *   block:  u32 magic, u32 length of the body, u64 checksum of the body; body
 *   body:   entries: u16 key length, u8 rank, u8 kind, u8 asked, u24 value length, u64 stored, u32 life (ms), key, value
 *
 * Times are of the wall clock; all numbers are big-endian. Keys are stored, not their hashes, so that each process has its own
 * secret. A block that is torn or not true costs its own entries: the next one is found by its magic. The checksum tells whole from torn;
 * it keeps no one out, so each entry is looked at as if it came from the network, and what is of no known sort is left out.
 * The form of keys and values is that of cache.c and cache_value.c: who changes it raises CACHE_FILE_VERSION, and lets the older ones be
 * read: a daemon that was upgraded begins with what the one before it knew. The versions there have been:
 *
 *   1  no rules (0), and a context that had them in it
 *   2  this
 */
#pragma once

#include "cache.h"

#define CACHE_FILE_MAGIC       UINT64_C(0x62616e79616e6361) /* "banyanca" */
#define CACHE_FILE_VERSION     2
#define CACHE_FILE_VERSION_MIN 1 /* the oldest that is read */
#define CACHE_FILE_HEAD        RESOLVE_CACHE_HEAD
#define CACHE_BLOCK_MAGIC      UINT32_C(0x62c0ffe1)
#define CACHE_BLOCK_HEAD       16
#define CACHE_BLOCK_MAX        ((size_t)4 << 20) /* longer is not true: what is read is held in memory for a moment */
#define CACHE_BLOCK_WISH                                                                                               \
	((size_t)64 << 10) /* a block ends when it has so many bytes: a torn one costs some hundred entries */
#define CACHE_ENTRY_HEAD  20
#define CACHE_ENTRY_USUAL 96 /* bytes of an entry: a small set without signatures takes 60, with one 160 */
#define CACHE_TORN_MAX                                                                                                 \
	64 /* blocks with a wrong checksum; then the rest is not looked at: the disk has written nonsense */

/* No secret: it tells accidents from data. */
static inline uint64_t cache_file_sum(const uint8_t *data, size_t len)
{
	return hash_sip(data, len, (const uint8_t *)"banyan's blocks");
}
