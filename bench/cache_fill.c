// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cache_fill - writes a cache file with an address for each of so many names: host-00000000.bench. and so on. So a daemon is full in
 * seconds, not after as many questions.
 *
 *   cache_fill FILE NAMES [SECONDS]      FILE: one that the daemon has written with the same configuration; it is replaced
 */
#include "resolve/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TTL_S      86400
#define NAME_BYTES 120 /* of an entry, tables included, with some to spare */
#define PIECE      ((size_t)1 << 20)
#define DIGITS     8

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t wall_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static struct resolve_cache_head head_read(const char *path)
{
	uint8_t bytes[RESOLVE_CACHE_HEAD];
	struct resolve_cache_head head;
	FILE *file = fopen(path, "re");
	if (file == NULL || fread(bytes, 1, sizeof bytes, file) != sizeof bytes)
		die(path);
	fclose(file);
	if (resolve_cache_load_head(bytes, sizeof bytes, &head) < 0) {
		fprintf(stderr, "cache_fill: %s is no cache file\n", path);
		exit(1);
	}
	return head;
}

static struct resolve_cache *cache_make(uint32_t names, int64_t now_ms, uint32_t ttl_s)
{
	static const uint8_t pack[6] = {0, 4, 192, 0, 2, 1};
	uint8_t name[] = "\15host-00000000\5bench";
	struct resolve_cache *cache;
	if (resolve_cache_new((size_t)names * NAME_BYTES + ((size_t)16 << 20), &cache) < 0)
		die("cache");
	for (uint32_t i = 0; i < names; i++) {
		uint32_t n = i;
		for (unsigned digit = 0; digit < DIGITS; digit++, n /= 10)
			name[sizeof "\15host-" - 1 + DIGITS - 1 - digit] = (uint8_t)('0' + n % 10);
		struct rrset set = {.owner = name,
				    .type = WIRE_TYPE_A,
				    .count = 1,
				    .rank = RANK_AUTHORITY,
				    .security = SECURITY_INSECURE,
				    .expires_ms = now_ms + INT64_C(1000) * ttl_s,
				    .origin.server = {.family = 4, .port = 53, .ip = {127, 0, 0, 30}},
				    .pack = pack,
				    .size = sizeof pack};
		if (resolve_cache_put_set(cache, now_ms, &set) < 0)
			die("put");
	}
	return cache;
}

static void write_out(FILE *file, struct buffer *out)
{
	if (fwrite(out->data, 1, out->len, file) != out->len)
		die("write");
	out->len = 0;
}

static void cache_write(struct resolve_cache *cache, int64_t now_ms, const struct resolve_cache_head *head,
			const char *path)
{
	struct resolve_cache_cursor cursor = {0};
	struct buffer out = {0};
	FILE *file = fopen(path, "we");
	int more = 1;
	if (file == NULL || resolve_cache_save_head(head->context, head->rules, &out) < 0)
		die(path);
	while (more > 0) {
		more = resolve_cache_save(cache, now_ms, 0, &cursor, &out);
		if (more < 0)
			die("save");
		if (out.len > PIECE || more == 0)
			write_out(file, &out);
	}
	if (fclose(file) != 0)
		die(path);
	buffer_done(&out);
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: cache_fill FILE NAMES [SECONDS]\n");
		return 2;
	}
	int64_t now_ms = wall_ms();
	struct resolve_cache_head head = head_read(argv[1]);
	struct resolve_cache *cache = cache_make((uint32_t)strtoul(argv[2], NULL, 10), now_ms,
						 argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : TTL_S);
	cache_write(cache, now_ms, &head, argv[1]);
	printf("%zu names, %zu bytes\n", resolve_cache_count(cache), resolve_cache_bytes(cache));
	resolve_cache_free(cache);
	return 0;
}
