// SPDX-License-Identifier: GPL-3.0-or-later
/* A NOTIFY as it goes out, and what comes back (RFC 1996 section 3). */
#include "notify_private.h"

#include <stdlib.h>

#define EDNS_SIZE 1232 /* bytes: what a reply may have; it never comes near */

void notify_forget(struct peer *peer)
{
	if (peer->tsig == NULL)
		return;
	wire_tsig_done(peer->tsig);
	free(peer->tsig);
	peer->tsig = NULL;
}

/* Signed, when the peer has a key. A peer whose key is gone is not told at all: BANYAN_ENOENT. */
static int notify_sign(const struct push_notify *notify, struct peer *peer, uint8_t *out, size_t len, size_t cap)
{
	const struct push_notify_settings *settings = notify->settings;
	const struct wire_tsig_key *key = settings->key == NULL ? NULL : settings->key(settings->key_ctx, peer->key);
	if (key == NULL)
		return BANYAN_ENOENT;
	peer->tsig = calloc(1, sizeof *peer->tsig);
	if (peer->tsig == NULL)
		return BANYAN_ENOMEM;
	peer->tsig->key = key;
	return wire_tsig_sign(peer->tsig, out, len, cap);
}

int notify_write(struct push_notify *notify, struct peer *peer, uint8_t *out, size_t cap)
{
	struct wire_writer writer;
	uint16_t flags = WIRE_AA | WIRE_OPCODE_NOTIFY << WIRE_OPCODE_SHIFT;
	const struct wire_rdata soa = {.data = notify->soa, .len = notify->soa_len};
	notify_forget(peer);
	if (peer->tries == 0) /* a late reply to one of the copies before is as good */
		peer->id = random_u16(notify->settings->random);
	int rc = wire_writer_init(&writer, out, cap, peer->id, flags);
	if (rc == 0)
		rc = wire_writer_question(&writer, notify->apex, WIRE_TYPE_SOA, WIRE_CLASS_IN);
	if (rc == 0 && notify->soa_len > 0)
		rc = wire_writer_record(&writer, WIRE_ANSWER, notify->apex, WIRE_TYPE_SOA, WIRE_CLASS_IN, 0, &soa);
	if (rc == 0 && !peer->plain)
		rc = wire_writer_edns(&writer, EDNS_SIZE, 0, false, NULL, 0);
	if (rc < 0)
		return rc;
	size_t len = wire_writer_finish(&writer);
	return peer->key == 0 ? (int)len : notify_sign(notify, peer, out, len, cap);
}

/* RFC 1996 section 3.6: matching ID, QNAME and source; the caller has found the peer by its source. */
bool notify_check(const struct push_notify *notify, struct peer *peer, const uint8_t *msg, size_t len,
		  uint16_t *ret_rcode)
{
	struct wire_reader reader;
	struct wire_record record;
	if (len < WIRE_HEADER_SIZE || wire_get16(msg) != peer->id || wire_reader_init(&reader, msg, len) < 0)
		return false;
	if (!(reader.flags & WIRE_QR) || (reader.flags & WIRE_OPCODE_MASK) >> WIRE_OPCODE_SHIFT != WIRE_OPCODE_NOTIFY ||
	    reader.counts[0] > 1)
		return false;
	/* a FORMERR may come without the question */
	if (reader.counts[0] == 1 ? reader.qtype != WIRE_TYPE_SOA || !wire_name_equal(reader.qname, notify->apex)
				  : (reader.flags & WIRE_RCODE_MASK) == WIRE_RCODE_NOERROR)
		return false;
	int rc;
	while ((rc = wire_reader_next(&reader, &record)) > 0)
		;
	if (rc < 0 || (peer->key != 0 && peer->tsig == NULL))
		return false;
	if (peer->tsig != NULL && wire_tsig_take(peer->tsig, msg, len) < 0) {
		peer->tsig->held.len = 0; /* somebody else's: the right one may still come */
		return false;
	}
	*ret_rcode = wire_reader_rcode(&reader);
	return true;
}
