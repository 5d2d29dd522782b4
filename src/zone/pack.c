// SPDX-License-Identifier: GPL-3.0-or-later
/* What is packed once and fetched by many: as small as zstd makes it, in a daemon that has few megabytes. */
#include <zstd.h>

#include "zone.h"

#define LEVEL       19
#define LEVEL_LARGE 9 /* above LARGE: else it takes minutes */
#define LARGE       ((size_t)16 << 20)

/*
 * Level 19 would take tables for 34 to 50 MiB for a root zone, nearly all of them empty: most of its bytes are signatures, in which nothing
 * is found twice. With these they take 6.3 MiB; of a root as text the same bytes come out, of its wire form 0.07 % more.
 */
#define WINDOW_LOG 21
#define CHAIN_LOG  20
#define HASH_LOG   18

int zone_pack(const uint8_t *data, size_t len, struct buffer *out)
{
	size_t bound = ZSTD_compressBound(len);
	if (buffer_reserve(out, bound) < 0)
		return BANYAN_ENOMEM;
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	if (ctx == NULL)
		return BANYAN_ENOMEM;
	(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, len > LARGE ? LEVEL_LARGE : LEVEL);
	if (len <= LARGE) { /* these are within zstd's bounds, so they are taken */
		(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, WINDOW_LOG);
		(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_chainLog, CHAIN_LOG);
		(void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_hashLog, HASH_LOG);
	}
	size_t n = ZSTD_compress2(ctx, out->data + out->len, bound, data, len);
	ZSTD_freeCCtx(ctx);
	if (ZSTD_isError(n))
		return BANYAN_ENOMEM;
	out->len += n;
	return 0;
}
