// SPDX-License-Identifier: GPL-3.0-or-later
/* Questions to the nodes of a fleet, and what they reply: from anybody, so within limits. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UDP_SIZE 1232 /* what passes everywhere without fragments (RFC 9715) */

static const struct {
	const char *name; /* of a CHAOS question, wire form */
	uint16_t type;    /* of one for the zone */
} asks[FLEET_ASKS] = {
	[FLEET_SOA] = {NULL, WIRE_TYPE_SOA},
	[FLEET_ZONEMD] = {NULL, WIRE_TYPE_ZONEMD},
	[FLEET_DNSKEY] = {NULL, WIRE_TYPE_DNSKEY},
	[FLEET_EDITION] = {NULL, WIRE_TYPE_TXT},
	[FLEET_DATA] = {NULL, 0}, /* the question says which */
	[FLEET_ID] = {"\2id\6server", WIRE_TYPE_TXT},
	[FLEET_HOSTNAME] = {"\10hostname\4bind", WIRE_TYPE_TXT},
	[FLEET_VERSION] = {"\7version\4bind", WIRE_TYPE_TXT},
	[FLEET_REGISTER] = {NULL, WIRE_TYPE_TXT},
};

/* ---- questions ---- */

/* PAGE.register.banyan.ZONE; BANYAN_ESPACE: the zone's name is too long for it. */
static int register_name(const struct fleet_question *question, uint8_t out[WIRE_NAME_MAX])
{
	static const uint8_t middle[16] = "\10register\6banyan";
	char head[32];
	int digits = snprintf(head + 1, sizeof head - 1, "%u", question->page);
	head[0] = (char)digits;
	size_t len = (size_t)digits + 1, zone = wire_name_len(question->apex);
	memcpy(out, head, len);
	memcpy(out + len, middle, sizeof middle);
	len += sizeof middle;
	if (len + zone > WIRE_NAME_MAX)
		return BANYAN_ESPACE;
	memcpy(out + len, question->apex, zone);
	return 0;
}

static bool is_chaos(enum fleet_ask ask)
{
	return ask >= FLEET_ID;
}

static int question_name(const struct fleet_question *question, uint8_t out[WIRE_NAME_MAX])
{
	if (question->ask == FLEET_REGISTER)
		return register_name(question, out);
	const uint8_t *name = question->ask == FLEET_DATA        ? question->name
			      : asks[question->ask].name == NULL ? question->apex
								 : (const uint8_t *)asks[question->ask].name;
	memcpy(out, name, wire_name_len(name));
	return 0;
}

static uint16_t question_type(const struct fleet_question *question)
{
	return question->ask == FLEET_DATA ? question->type : asks[question->ask].type;
}

int fleet_question_write(const struct fleet_question *question, uint8_t out[FLEET_QUESTION_SIZE])
{
	static const uint8_t nsid[4] = {0, WIRE_OPTION_NSID, 0, 0};
	struct wire_writer writer;
	uint8_t name[WIRE_NAME_MAX];
	bool chaos = is_chaos(question->ask);
	int rc = question_name(question, name);
	if (rc == 0)
		rc = wire_writer_init(&writer, out, FLEET_QUESTION_SIZE, question->id, 0);
	if (rc == 0)
		rc = wire_writer_question(&writer, name, question_type(question),
					  chaos ? WIRE_CLASS_CH : WIRE_CLASS_IN);
	if (rc == 0)
		rc = wire_writer_edns(&writer, UDP_SIZE, 0, !chaos, nsid, question->ask == FLEET_SOA ? sizeof nsid : 0);
	return rc < 0 ? rc : (int)wire_writer_finish(&writer);
}

/* ---- texts ---- */

/* What others send is shown to a person: printable ASCII, the rest as dots; the end of a long one is cut. */
static void text_take(const uint8_t *data, size_t len, char out[FLEET_TEXT_MAX])
{
	size_t n = len < FLEET_TEXT_MAX - 1 ? len : FLEET_TEXT_MAX - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
	out[n] = 0;
}

/* An NSID is bytes (RFC 5001 section 2.3): as text if it is one, else in hexadecimal. */
static void nsid_take(const uint8_t *data, size_t len, char out[FLEET_TEXT_MAX])
{
	bool readable = true;
	for (size_t i = 0; i < len; i++)
		readable = readable && data[i] >= 0x20 && data[i] < 0x7f;
	if (readable) {
		text_take(data, len, out);
		return;
	}
	size_t n = len < (FLEET_TEXT_MAX - 3) / 2 ? len : (FLEET_TEXT_MAX - 3) / 2;
	snprintf(out, FLEET_TEXT_MAX, "0x");
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 + 2 * i, 3, "%02x", data[i]);
}

/* The first character-string of a TXT: where it begins, and its length; false: there is none. */
static bool string_first(const struct wire_rdata *rdata, const uint8_t **ret, size_t *ret_len)
{
	if (rdata->len < 1 || (size_t)rdata->data[0] + 1 > rdata->len)
		return false;
	*ret = rdata->data + 1;
	*ret_len = rdata->data[0];
	return true;
}

/* ---- a register: "peers=TOTAL pages=N" first, then "ADDRESS@PORT registered" ---- */

static bool number_take(const char **text, const char *name, uint32_t max, uint32_t *ret)
{
	char *end;
	size_t len = strlen(name);
	if (strncmp(*text, name, len) != 0 || (*text)[len] < '0' || (*text)[len] > '9')
		return false;
	unsigned long long n = strtoull(*text + len, &end, 10);
	*text = end;
	*ret = n > max ? max : (uint32_t)n;
	return true;
}

static bool peer_take(const char *text, struct fleet_peer *ret)
{
	char addr[ADDR_TEXT_MAX];
	size_t len = strcspn(text, " ");
	if (len >= sizeof addr)
		return false;
	memcpy(addr, text, len);
	addr[len] = 0;
	if (addr_parse(addr, 53, &ret->addr) < 0 || ret->addr.port == 0)
		return false;
	ret->registered = strcmp(text + len, " registered") == 0;
	return ret->registered || strcmp(text + len, " configured") == 0;
}

static int register_take(struct fleet_reply *reply)
{
	char text[256];
	const uint8_t *string;
	size_t len;
	for (uint32_t i = 0; i < reply->set.count; i++) {
		if (!string_first(&reply->rdata[i], &string, &len) || memchr(string, 0, len) != NULL)
			return BANYAN_EMALF;
		memcpy(text, string, len);
		text[len] = 0;
		const char *at = text;
		if (strncmp(text, "peers=", 6) == 0) {
			if (!number_take(&at, "peers=", FLEET_NODES_MAX, &reply->total) ||
			    !number_take(&at, " pages=", FLEET_PAGES_MAX, &reply->pages) || *at != 0)
				return BANYAN_EMALF;
			reply->has_text = true;
		} else if (reply->n_peers == FLEET_PEERS_MAX || !peer_take(text, &reply->peer[reply->n_peers++])) {
			return BANYAN_EMALF;
		}
	}
	return 0;
}

/* ---- records ---- */

static int rdata_take(const struct wire_reader *reader, const struct wire_record *record, struct fleet_reply *reply,
		      struct wire_rdata *ret)
{
	uint8_t *out = reply->bytes + reply->used;
	int len = wire_record_rdata(reader, record, out, sizeof reply->bytes - reply->used);
	if (len < 0)
		return BANYAN_EMALF;
	*ret = (struct wire_rdata){.data = out, .len = (uint16_t)len};
	reply->used += (size_t)len;
	return 0;
}

/* A record of the answer that is of what was asked for, or a signature over that; others are passed over. */
static int record_take(const struct wire_reader *reader, const struct wire_record *record, const uint8_t *name,
		       struct fleet_reply *reply)
{
	struct wire_rdata rdata;
	if (record->section != WIRE_ANSWER || record->rclass != reader->qclass || !wire_name_equal(record->owner, name))
		return 0;
	if (record->type == reader->qtype) {
		if (reply->set.count == FLEET_SET_MAX)
			return BANYAN_EMALF;
		reply->set.ttl = record->ttl;
		return rdata_take(reader, record, reply, &reply->rdata[reply->set.count++]);
	}
	if (record->type != WIRE_TYPE_RRSIG || reply->n_sigs == FLEET_SIGS_MAX)
		return 0;
	int rc = rdata_take(reader, record, reply, &rdata);
	if (rc == 0 && rdata.len > 18 && wire_get16(rdata.data) == reader->qtype)
		reply->sig[reply->n_sigs++] = rdata;
	return rc;
}

/* What wire_name_equal() and the proofs are given lives as long as the question. */
static int records_take(struct wire_reader *reader, const uint8_t *name, struct fleet_reply *reply)
{
	struct wire_record record;
	int rc = 0;
	while (rc == 0 && (rc = wire_reader_next(reader, &record)) > 0)
		rc = record_take(reader, &record, name, reply);
	if (rc < 0)
		return BANYAN_EMALF;
	uint16_t len;
	const uint8_t *nsid = !reader->has_edns ? NULL
						: wire_edns_find(reader->msg + reader->opt_pos, reader->opt_len,
								 WIRE_OPTION_NSID, &len);
	if (nsid != NULL)
		nsid_take(nsid, len, reply->nsid);
	return 0;
}

static int text_of(const struct fleet_question *question, struct fleet_reply *reply)
{
	const uint8_t *string;
	size_t len;
	if (question->ask == FLEET_REGISTER)
		return register_take(reply);
	if (reply->set.count == 0)
		return 0;
	if (!string_first(&reply->rdata[0], &string, &len))
		return BANYAN_EMALF;
	text_take(string, len, reply->text);
	reply->has_text = true;
	return 0;
}

int fleet_reply_read(const struct fleet_question *question, const uint8_t *msg, size_t len, struct fleet_reply *ret)
{
	struct wire_reader reader;
	uint8_t name[WIRE_NAME_MAX];
	bool chaos = is_chaos(question->ask);
	if (len < WIRE_HEADER_SIZE || wire_get16(msg) != question->id || (msg[2] & 0x80) == 0 ||
	    question_name(question, name) < 0)
		return BANYAN_ENOENT;
	ret->truncated = ret->authoritative = ret->has_text = false;
	ret->n_sigs = ret->n_peers = ret->used = 0;
	ret->pages = ret->total = 0;
	ret->nsid[0] = ret->text[0] = 0;
	ret->msg = msg;
	ret->len = len;
	ret->set = (struct wire_rrset){.owner = question->apex,
				       .type = question_type(question),
				       .rclass = chaos ? WIRE_CLASS_CH : WIRE_CLASS_IN,
				       .rdata = ret->rdata};
	if (wire_reader_init(&reader, msg, len) < 0)
		return BANYAN_EMALF;
	/* a server that cannot read the question may leave it out (RFC 1035 section 4.1.1 asks for none) */
	bool echoed = reader.counts[0] == 1 && wire_name_equal(reader.qname, name) && reader.qtype == ret->set.type &&
		      reader.qclass == ret->set.rclass;
	uint16_t rcode = reader.flags & WIRE_RCODE_MASK;
	if (!echoed && (reader.counts[0] != 0 || rcode == WIRE_RCODE_NOERROR))
		return BANYAN_ENOENT;
	ret->truncated = (reader.flags & WIRE_TC) != 0;
	ret->authoritative = (reader.flags & WIRE_AA) != 0;
	/* what is said of a name is read in fleet_data.c */
	bool whole = ret->truncated || question->ask == FLEET_DATA;
	int rc = whole ? 0 : records_take(&reader, name, ret);
	ret->rcode = ret->truncated ? rcode : wire_reader_rcode(&reader);
	return rc == 0 && chaos && !ret->truncated && rcode == WIRE_RCODE_NOERROR ? text_of(question, ret) : rc;
}
