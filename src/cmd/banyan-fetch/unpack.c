// SPDX-License-Identifier: GPL-3.0-or-later
/* The begin of a packed file, unpacked: the serial of a zone stands there. It happens here since what a server sends is read by no other process. */
#include "fetch.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_WINDOW (15 + 16) /* the largest, in a gzip file (RFC 1952) and nothing else */

static size_t gzip_begin(const uint8_t *data, size_t len, uint8_t *out, size_t max)
{
	z_stream stream = {
		.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)max};
	if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return 0;
	(void)inflate(&stream, Z_SYNC_FLUSH); /* as far as it goes */
	inflateEnd(&stream);
	return max - stream.avail_out;
}

static size_t zstd_begin(const uint8_t *data, size_t len, uint8_t *out, size_t max)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_inBuffer in = {data, len, 0};
	ZSTD_outBuffer to = {out, max, 0};
	if (ctx == NULL)
		return 0;
	while (in.pos < in.size && to.pos < to.size)
		if (ZSTD_isError(ZSTD_decompressStream(ctx, &to, &in)))
			break;
	ZSTD_freeDCtx(ctx);
	return to.pos;
}

static bool is_zstd(const uint8_t *data, size_t len)
{
	return len >= 6 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0;
}

size_t unpack_begin(const uint8_t *data, size_t len, uint8_t *out, size_t max)
{
	if (is_zstd(data, len))
		return zstd_begin(data, len, out, max);
	return len >= 2 && data[0] == 0x1f && data[1] == 0x8b ? gzip_begin(data, len, out, max) : 0;
}

/* RFC 8878 section 3.1.1: a frame's header says how long it is, a block's how long the block is; nothing comes out of less than a block. */
uint64_t unpack_need(const uint8_t *data, size_t len)
{
	static const uint8_t dictionary[] = {0, 1, 2, 4}, content[] = {0, 2, 4, 8};
	if (!is_zstd(data, len))
		return 0;
	uint8_t descriptor = data[4];
	bool single = (descriptor & 0x20) != 0;
	size_t head = (size_t)5 + !single + dictionary[descriptor & 3] + content[descriptor >> 6];
	if (single && descriptor >> 6 == 0)
		head++;
	if (len < head + 3)
		return 0;
	uint32_t block = (uint32_t)data[head] | (uint32_t)data[head + 1] << 8 | (uint32_t)data[head + 2] << 16;
	uint32_t size = block >> 3;
	bool one_byte = (block >> 1 & 3) == 1; /* RLE */
	return size > UNPACK_BLOCK_MAX ? 0 : head + 3 + (one_byte ? 1 : size);
}
