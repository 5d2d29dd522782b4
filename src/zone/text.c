// SPDX-License-Identifier: GPL-3.0-or-later
/* The text of a zone file: read, decompressed, line ends made plain. */
#include "private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define TEXT_STEP ((size_t)1 << 20) /* bytes of room made at a time while decompressing */

void zone_error_set(struct zone_error *error, enum reason reason, unsigned long line, const char *format, ...)
{
	va_list args;
	if (error == NULL)
		return;
	error->reason = reason;
	error->line = line;
	va_start(args, format);
	vsnprintf(error->text, sizeof error->text, format, args);
	va_end(args);
}

/* Both decompress into `out` up to `max` bytes. */
static int text_unzstd(const uint8_t *data, size_t len, size_t max, struct buffer *out)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = {.src = data, .size = len};
	size_t left = 1;
	int rc = stream != NULL ? 0 : BANYAN_ENOMEM;
	/* when the input is used up, the decoder may still hold something */
	while (rc == 0 && (in.pos < in.size || left != 0)) {
		bool used_up = in.pos == in.size;
		if (buffer_reserve(out, TEXT_STEP) < 0) {
			rc = BANYAN_ENOMEM;
			break;
		}
		ZSTD_outBuffer to = {.dst = out->data + out->len, .size = TEXT_STEP};
		left = ZSTD_decompressStream(stream, &to, &in);
		out->len += to.pos;
		if (ZSTD_isError(left) || (used_up && to.pos == 0 && left != 0))
			rc = BANYAN_EMALF; /* damaged, or cut off */
		else if (out->len > max)
			rc = BANYAN_ELIMIT;
	}
	ZSTD_freeDStream(stream);
	return rc;
}

static int text_gunzip(const uint8_t *data, size_t len, size_t max, struct buffer *out)
{
	z_stream z = {0};
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return BANYAN_ENOMEM;
	int rc = 0, state = Z_OK;
	size_t pos = 0;
	while (rc == 0 && state != Z_STREAM_END) {
		size_t some = len - pos < TEXT_STEP ? len - pos : TEXT_STEP;
		if (buffer_reserve(out, TEXT_STEP) < 0) {
			rc = BANYAN_ENOMEM;
			break;
		}
		z.next_in = (Bytef *)(uintptr_t)(data + pos);
		z.avail_in = (uInt)some;
		z.next_out = out->data + out->len;
		z.avail_out = (uInt)TEXT_STEP;
		state = inflate(&z, Z_NO_FLUSH);
		pos += some - z.avail_in;
		size_t made = TEXT_STEP - z.avail_out;
		out->len += made;
		if (out->len > max)
			rc = BANYAN_ELIMIT;
		else if (state == Z_STREAM_END && pos < len && inflateReset(&z) == Z_OK)
			state = Z_OK; /* gzip files may be joined (RFC 1952 section 2.2) */
		else if ((state != Z_OK && state != Z_STREAM_END) || (state == Z_OK && made == 0 && pos == len))
			rc = BANYAN_EMALF;
	}
	inflateEnd(&z);
	return rc;
}

void zone_text_plain_lines(struct buffer *text)
{
	uint8_t *from = text->len > 0 ? memchr(text->data, '\r', text->len) : NULL;
	if (from == NULL)
		return;
	uint8_t *to = from, *end = text->data + text->len;
	for (; from < end; from++)
		if (*from != '\r' || from + 1 == end || from[1] != '\n')
			*to++ = *from;
	text->len = (size_t)(to - text->data);
}

static bool is_zstd(const void *text, size_t len)
{
	static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
	return len >= sizeof magic && memcmp(text, magic, sizeof magic) == 0;
}

static bool is_gzip(const void *text, size_t len)
{
	static const uint8_t magic[3] = {0x1f, 0x8b, 8};
	return len >= sizeof magic && memcmp(text, magic, sizeof magic) == 0;
}

bool zone_text_is_compressed(const void *text, size_t len)
{
	return is_zstd(text, len) || is_gzip(text, len);
}

int zone_text_load(const char *path, size_t max, char **ret_text, size_t *ret_len, struct zone_error *ret_error)
{
	struct buffer raw = {0}, text = {0};
	int rc = file_read(path, max, &raw.data, &raw.len);
	if (rc < 0) {
		zone_error_set(ret_error, rc == BANYAN_ELIMIT ? REASON_TOO_LARGE : REASON_SYNTAX, 0,
			       "%s: cannot be read: %s; give the path of a zone file, or - for standard input", path,
			       rc == BANYAN_EINVAL   ? "it is a folder"
			       : rc == BANYAN_ELIMIT ? "it is larger than the limit"
			       : errno != 0          ? strerror(errno)
						     : error_text(rc));
		return rc;
	}
	if (is_zstd(raw.data, raw.len)) {
		rc = text_unzstd(raw.data, raw.len, max, &text);
	} else if (is_gzip(raw.data, raw.len)) {
		rc = text_gunzip(raw.data, raw.len, max, &text);
	} else {
		text = raw;
		raw.data = NULL;
	}
	buffer_done(&raw);
	if (rc < 0) {
		buffer_done(&text);
		zone_error_set(ret_error, rc == BANYAN_ELIMIT ? REASON_TOO_LARGE : REASON_SYNTAX, 0,
			       rc == BANYAN_ELIMIT
				       ? "%s: decompressed, it has more than %zu bytes, which is the limit"
				       : "%s: the compressed data are damaged or cut off; fetch the file anew",
			       path, max);
		return rc;
	}
	if (!zone_is_wire(text.data, text.len))
		zone_text_plain_lines(&text);
	*ret_text = (char *)text.data;
	*ret_len = text.len;
	return 0;
}
