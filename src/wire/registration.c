// SPDX-License-Identifier: GPL-3.0-or-later
/* The EDNS option with which a peer asks to be notified of new versions of a zone, and options of a finished message. */
#include "wire.h"

#include <string.h>

#define VERSION      1
#define FLAG_RELEASE 0x80
#define OPT_FIXED    11 /* an OPT without options (RFC 6891 section 6.1.2) */

/* Version, flags (question) or status (reply), port, lifetime. */
static void registration_write(uint8_t second, const struct wire_registration *from,
			       uint8_t out[WIRE_REGISTRATION_SIZE])
{
	out[0] = VERSION;
	out[1] = second;
	wire_put16(out + 2, from->port);
	wire_put32(out + 4, from->lifetime_s);
}

static int registration_read(const uint8_t *data, size_t len, uint8_t *ret_second, struct wire_registration *ret)
{
	if (len == 0)
		return BANYAN_EMALF;
	if (data[0] != VERSION)
		return BANYAN_EUNSUPP;
	if (len != WIRE_REGISTRATION_SIZE)
		return BANYAN_EMALF;
	*ret_second = data[1];
	*ret = (struct wire_registration){.port = wire_get16(data + 2), .lifetime_s = wire_get32(data + 4)};
	return 0;
}

void wire_registration_write_question(const struct wire_registration *from, uint8_t out[WIRE_REGISTRATION_SIZE])
{
	registration_write(from->release ? FLAG_RELEASE : 0, from, out);
}

void wire_registration_write_reply(const struct wire_registration *from, uint8_t out[WIRE_REGISTRATION_SIZE])
{
	registration_write(from->status, from, out);
}

int wire_registration_read_question(const uint8_t *data, size_t len, struct wire_registration *ret)
{
	uint8_t flags;
	int rc = registration_read(data, len, &flags, ret);
	if (rc == 0)
		ret->release = flags & FLAG_RELEASE;
	return rc;
}

int wire_registration_read_reply(const uint8_t *data, size_t len, struct wire_registration *ret)
{
	uint8_t status;
	int rc = registration_read(data, len, &status, ret);
	if (rc == 0)
		ret->status = status;
	return rc;
}

/* Where the last record begins, if it is an OPT; 0 = it is not. */
static size_t last_opt(const uint8_t *msg, size_t len)
{
	struct wire_reader reader;
	struct wire_record record;
	int rc = wire_reader_init(&reader, msg, len);
	bool is_opt = false;
	while (rc >= 0 && (rc = wire_reader_next(&reader, &record)) > 0)
		is_opt = record.type == WIRE_TYPE_OPT;
	return rc == 0 && is_opt && reader.pos == len ? reader.opt_pos - OPT_FIXED : 0;
}

int wire_edns_add(uint8_t *msg, size_t len, size_t cap, uint16_t code, const uint8_t *data, size_t data_len)
{
	size_t opt = last_opt(msg, len);
	if (opt == 0)
		return BANYAN_EINVAL;
	size_t options_len = len - opt - OPT_FIXED + 4 + data_len;
	if (len + 4 + data_len > cap || options_len > UINT16_MAX)
		return BANYAN_ESPACE;
	wire_put16(msg + len, code);
	wire_put16(msg + len + 2, (uint16_t)data_len);
	memcpy(msg + len + 4, data, data_len);
	wire_put16(msg + opt + 9, (uint16_t)options_len);
	return (int)(len + 4 + data_len);
}

const uint8_t *wire_edns_find(const uint8_t *options, size_t len, uint16_t code, uint16_t *ret_len)
{
	while (len >= 4) {
		uint16_t size = wire_get16(options + 2);
		if (size > len - 4)
			return NULL;
		if (wire_get16(options) == code) {
			*ret_len = size;
			return options + 4;
		}
		options += 4 + size;
		len -= 4U + size;
	}
	return NULL;
}
