// SPDX-License-Identifier: GPL-3.0-or-later
/* What the resolver found out, written as the client's reply. */
#include "private.h"

#include <stdio.h>
#include <string.h>

#define OPT_FIXED   11  /* bytes of an OPT record without options: RFC 6891 section 6.1.2 */
#define NSID_MAX    255 /* bytes of identity that a reply spends */
#define OPTIONS_MAX 1024
#define ROTATE_MAX  256 /* records of a set that is rotated: larger ones do not balance anything */

/* Appends one EDNS option. */
static size_t option_put(uint8_t *out, size_t pos, uint16_t code, const void *data, size_t len)
{
	wire_put16(out + pos, code);
	wire_put16(out + pos + 2, (uint16_t)len);
	memcpy(out + pos + 4, data, len);
	return pos + 4 + len;
}

/* Nobody could be asked, and the copy of the root cannot help: then that is worth a second error (RFC 8914 section 2 allows several). A copy that
 * is only held does help. */
static bool is_of_root(const struct answer_view *view, enum reason reason)
{
	if (view->root_trouble != REASON_ROOT_EXPIRED && view->root_trouble != REASON_ROOT_EMPTY &&
	    view->root_trouble != REASON_ROOT_EARLY)
		return false;
	return reason == REASON_NO_ROOT || reason == REASON_NO_SERVERS || reason == REASON_NETWORK_ERROR ||
	       reason == REASON_TIME_LIMIT;
}

/* Where the sentence does not fit the number goes alone, or nothing. */
static size_t word_put(uint8_t *out, size_t len, size_t room, enum reason reason, const char *detail)
{
	uint8_t word[ANSWER_WORD_MAX];
	size_t size = ede_write(reason, detail, word);
	if (len + 4 + size > room)
		size = 2;
	return len + 4 + size > room ? len : option_put(out, len, WIRE_OPTION_EDE, word, size);
}

/* NSID (RFC 5001) for who asks, and the reason of a failure as an extended error (RFC 8914), if there is room for it. */
static size_t options_write(const struct answer_view *view, const struct answer_pending *pending,
			    const struct resolve_result *result, size_t room, uint8_t out[OPTIONS_MAX])
{
	size_t len = 0;
	if (pending->has_cookie)
		len = option_put(out, len, WIRE_OPTION_COOKIE, pending->cookie, ANSWER_COOKIE_SIZE);
	if (pending->keepalive) {
		uint8_t units[2];
		wire_put16(units, edns_keepalive(view));
		len = option_put(out, len, WIRE_OPTION_KEEPALIVE, units, 2);
	}
	if (pending->ecs_len > 0) {
		uint8_t ecs[ANSWER_ECS_MAX];
		size_t size = ecs_reply(pending, result->subnet_scope, ecs);
		len = option_put(out, len, WIRE_OPTION_ECS, ecs, size);
	}
	if (pending->nsid && view->identity[0] != 0)
		len = option_put(out, len, WIRE_OPTION_NSID, view->identity, strnlen(view->identity, NSID_MAX));
	int ede = result->reason == REASON_NONE ? -1 : reason_ede(result->reason);
	if (ede < 0)
		return len;
	len = word_put(out, len, room, result->reason, result->detail);
	if (result->rcode == WIRE_RCODE_SERVFAIL && is_of_root(view, result->reason))
		len = word_put(out, len, room, view->root_trouble, NULL);
	return len;
}

/* DNSSEC records go to who understands them or asks for them (RFC 4035 section 3.2.1). */
static bool is_wanted(const struct answer_pending *pending, uint16_t type)
{
	if (type != WIRE_TYPE_RRSIG && type != WIRE_TYPE_NSEC && type != WIRE_TYPE_NSEC3)
		return true;
	return pending->dnssec || pending->qtype == type || pending->qtype == WIRE_TYPE_ANY;
}

/* The set, beginning with another record each time; the ID is as good as chance and needs no memory. */
static int rotated_write(struct wire_writer *writer, enum wire_section section, const struct wire_rrset *set,
			 uint16_t id)
{
	struct wire_rdata rdata[ROTATE_MAX];
	struct wire_rrset turned = *set;
	uint32_t start = id % set->count;
	for (uint32_t i = 0; i < set->count; i++)
		rdata[i] = set->rdata[(start + i) % set->count];
	turned.rdata = rdata;
	return wire_writer_rrset(writer, section, &turned, set->ttl);
}

static int set_write(struct wire_writer *writer, const struct answer_view *view, const struct answer_pending *pending,
		     enum wire_section section, const struct wire_rrset *set)
{
	if (view->rotate && set->count > 1 && set->count <= ROTATE_MAX && set->type != WIRE_TYPE_RRSIG)
		return rotated_write(writer, section, set, pending->id);
	return wire_writer_rrset(writer, section, set, set->ttl);
}

/* RFC 8482 section 4.1: who asks for everything over UDP gets one RRset, with its signatures: it is nearly always someone
 * who wants large replies to go elsewhere. */
static size_t answers_for(const struct answer_pending *pending, const struct resolve_result *result)
{
	if (pending->qtype != WIRE_TYPE_ANY || pending->tcp || result->n_answer < 2)
		return result->n_answer;
	return result->answer[1].type == WIRE_TYPE_RRSIG ? 2 : 1;
}

/* Writes the wanted sets of a section until one does not fit; false then. */
static bool section_write(struct wire_writer *writer, const struct answer_view *view,
			  const struct answer_pending *pending, enum wire_section section, const struct wire_rrset *set,
			  size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_wanted(pending, set[i].type) && set_write(writer, view, pending, section, &set[i]) < 0)
			return false;
	return true;
}

/* Is the answer whole? The authority section belongs to it only where it carries the proof of a negative answer or of
 * a wildcard; for all else it may be left out without TC (RFC 2181 section 9). */
static bool sections_write(struct wire_writer *writer, const struct answer_view *view,
			   const struct answer_pending *pending, const struct resolve_result *result)
{
	if (!section_write(writer, view, pending, WIRE_ANSWER, result->answer, answers_for(pending, result)))
		return false;
	bool needed = result->n_answer == 0 || result->rcode == WIRE_RCODE_NXDOMAIN || pending->dnssec;
	if (!section_write(writer, view, pending, WIRE_AUTHORITY, result->authority, result->n_authority))
		return !needed;
	if (!pending->minimal || result->policy_soa) /* as much as there is room for */
		(void)section_write(writer, view, pending, WIRE_ADDITIONAL, result->additional, result->n_additional);
	return true;
}

static uint16_t header_flags(const struct answer_pending *pending, const struct resolve_result *result, uint16_t rcode)
{
	uint16_t flags = WIRE_QR | WIRE_RA | (pending->flags & (WIRE_RD | WIRE_CD)) | (rcode & WIRE_RCODE_MASK);
	/* RFC 6840 section 5.7: AD only for those who show that they know what it means */
	if (result->authoritative)
		flags |= WIRE_AA;
	if (result->truncated)
		flags |= WIRE_TC;
	if (result->authentic && (pending->dnssec || (pending->flags & WIRE_AD) != 0))
		flags |= WIRE_AD;
	return flags;
}

int answer_from_result(const struct answer_view *view, const struct answer_pending *pending,
		       const struct resolve_result *result, uint8_t *out, size_t cap)
{
	uint8_t options[OPTIONS_MAX];
	if (result->drop)
		return 0;
	uint16_t rcode = result->rcode > WIRE_RCODE_MASK && !pending->edns ? WIRE_RCODE_SERVFAIL : result->rcode;
	if (!pending->tcp && cap > pending->udp_size)
		cap = pending->udp_size;
	size_t bare = WIRE_HEADER_SIZE + pending->qname_len + 4 + OPT_FIXED;
	size_t room = cap > bare ? cap - bare : 0;
	size_t options_len =
		pending->edns ? options_write(view, pending, result, room < OPTIONS_MAX ? room : OPTIONS_MAX, options)
			      : 0;
	struct wire_writer writer;
	int rc = wire_writer_init(&writer, out, cap, pending->id, header_flags(pending, result, rcode));
	if (rc == 0)
		rc = wire_writer_question(&writer, pending->qname, pending->qtype, pending->qclass);
	if (rc == 0 && pending->edns)
		rc = wire_writer_reserve(&writer, OPT_FIXED + options_len);
	if (rc < 0)
		return rc;
	if (!sections_write(&writer, view, pending, result))
		wire_put16(out + 2, wire_get16(out + 2) | WIRE_TC);
	if (pending->edns)
		rc = wire_writer_edns(&writer, view->udp_size, rcode, pending->dnssec, options, options_len);
	return rc < 0 ? rc : (int)wire_writer_finish(&writer);
}
