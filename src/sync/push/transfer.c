// SPDX-License-Identifier: GPL-3.0-or-later
/* The reply to a question for AXFR or IXFR, message by message, all of one version. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct push_transfer {
	struct push_version *version;
	enum push_kind kind;
	uint16_t id, flags, qtype;
	bool tcp, ended;
	uint32_t from; /* the client's serial, of IXFR */
	size_t udp_max;
	uint8_t qname[WIRE_NAME_MAX]; /* case as sent */
	size_t opt_len;
	uint8_t opt[PUSH_OPT_MAX];
	bool is_signed;
	struct wire_tsig tsig;
	unsigned n_messages;
	uint64_t bytes;
	size_t pos; /* PUSH_WHOLE: in the version's messages */
	/* otherwise lists of records one after the other: the SOA, the steps from `step` on, the SOA */
	struct wire_packer *packer;
	size_t step, list, list_pos;
};

/* ---- what is asked ---- */

/* The serial that the client has: in the authority section (RFC 1995 section 3). */
static int client_serial(const uint8_t *msg, size_t len, const uint8_t *apex, uint32_t *ret)
{
	uint8_t soa[2 * WIRE_NAME_MAX + 20];
	struct wire_reader reader;
	struct wire_record record;
	if (wire_reader_init(&reader, msg, len) < 0)
		return BANYAN_EMALF;
	while (wire_reader_next(&reader, &record) > 0) {
		if (record.section != WIRE_AUTHORITY || record.type != WIRE_TYPE_SOA ||
		    !wire_name_equal(record.owner, apex))
			continue;
		int size = wire_record_rdata(&reader, &record, soa, sizeof soa);
		if (size < 22)
			return BANYAN_EMALF;
		*ret = wire_get32(soa + size - 20);
		return 0;
	}
	return BANYAN_EMALF;
}

/* The newest difference that leads from there: a serial may come round again. */
static bool find_step(const struct push_version *version, uint32_t from, size_t *ret)
{
	for (size_t i = version->n_steps; i-- > 0;) {
		if (version->step[i]->from == from) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static enum push_kind kind_of(struct push_transfer *t)
{
	if (t->qtype == WIRE_TYPE_AXFR)
		return PUSH_WHOLE;
	if (t->from == t->version->serial || sync_serial_newer(t->from, t->version->serial))
		return PUSH_CURRENT; /* RFC 1995 section 2 */
	if (find_step(t->version, t->from, &t->step))
		return PUSH_DIFFERENCES;
	return t->tcp ? PUSH_WHOLE : PUSH_RETRY;
}

static int take_question(struct push_transfer *t, const struct push_transfer_settings *settings)
{
	struct wire_question q;
	if (wire_question_parse(settings->question, settings->question_len, &q) != WIRE_ANSWERABLE ||
	    q.qclass != WIRE_CLASS_IN || (q.qtype != WIRE_TYPE_AXFR && q.qtype != WIRE_TYPE_IXFR) ||
	    !wire_name_equal(q.lower, t->version->apex))
		return BANYAN_EMALF;
	if (q.qtype == WIRE_TYPE_AXFR && !settings->tcp)
		return BANYAN_EUNSUPP; /* RFC 5936 section 4.2 */
	t->id = q.id;
	t->flags = (uint16_t)(WIRE_QR | WIRE_AA | (q.flags & WIRE_RD));
	t->qtype = q.qtype;
	memcpy(t->qname, q.qname, q.qname_len);
	return q.qtype == WIRE_TYPE_AXFR
		       ? 0
		       : client_serial(settings->question, settings->question_len, t->version->apex, &t->from);
}

int push_transfer_new(const struct push_transfer_settings *settings, struct push_transfer **ret)
{
	if (settings->opt_len > PUSH_OPT_MAX)
		return BANYAN_EINVAL;
	struct push_transfer *t = calloc(1, sizeof *t);
	if (t == NULL)
		return BANYAN_ENOMEM;
	t->version = push_version_hold(settings->version);
	t->tcp = settings->tcp;
	t->udp_max = settings->udp_max;
	t->opt_len = settings->opt_len;
	if (settings->opt_len > 0)
		memcpy(t->opt, settings->opt, settings->opt_len);
	t->is_signed = settings->tsig != NULL;
	if (t->is_signed) {
		t->tsig = *settings->tsig;
		t->tsig.held = (struct buffer){0};
	}
	int rc = take_question(t, settings);
	if (rc == 0)
		t->kind = kind_of(t);
	if (rc == 0 && t->kind != PUSH_WHOLE)
		rc = wire_packer_new(&t->packer);
	if (rc < 0) {
		push_transfer_free(t);
		return rc;
	}
	*ret = t;
	return 0;
}

void push_transfer_free(struct push_transfer *t)
{
	if (t == NULL)
		return;
	push_version_release(t->version);
	wire_packer_free(t->packer);
	wire_tsig_done(&t->tsig);
	free(t);
}

/* ---- messages ---- */

static size_t put_question(const struct push_transfer *t, uint8_t *out)
{
	size_t pos = WIRE_HEADER_SIZE, len = t->version->apex_len;
	memcpy(out + pos, t->qname, len);
	wire_put16(out + pos + len, t->qtype);
	wire_put16(out + pos + len + 2, WIRE_CLASS_IN);
	return pos + len + 4;
}

/* One that stands ready. */
static int next_whole(struct push_transfer *t, uint8_t *out)
{
	const uint8_t *msg;
	size_t len;
	if (!push_message_next(t->version, &t->pos, &msg, &len))
		return BANYAN_EOTHER;
	memcpy(out, msg, len);
	if (t->n_messages == 0)
		(void)put_question(t, out);
	t->ended = t->pos == t->version->messages.len;
	return (int)len;
}

/* The list of this place; false: there is none. */
static bool list_at(const struct push_transfer *t, size_t list, const uint8_t **ret, size_t *ret_len)
{
	size_t steps = t->kind == PUSH_DIFFERENCES ? t->version->n_steps - t->step : 0;
	size_t last = steps > 0 ? steps + 1 : 0;
	if (list > last)
		return false;
	bool soa = list == 0 || list == last;
	const struct push_step *step = soa ? NULL : t->version->step[t->step + list - 1];
	*ret = soa ? t->version->soa.data : step->data;
	*ret_len = soa ? t->version->soa.len : step->len;
	return true;
}

/* As many records as fit. BANYAN_ESPACE: not one does. */
static int pack(struct push_transfer *t)
{
	const uint8_t *data;
	size_t len;
	for (; list_at(t, t->list, &data, &len); t->list++, t->list_pos = 0) {
		struct push_record record;
		for (size_t pos = t->list_pos; push_record_next(data, len, &pos, &record); t->list_pos = pos) {
			int rc = wire_packer_add(t->packer, record.owner, record.type, WIRE_CLASS_IN, record.ttl,
						 record.data, record.len);
			if (rc == BANYAN_ESPACE && wire_packer_count(t->packer) > 0)
				return 0;
			if (rc < 0)
				return rc;
		}
	}
	t->ended = true;
	return 0;
}

static int next_packed(struct push_transfer *t, uint8_t *out)
{
	size_t tail = t->opt_len + (t->is_signed ? wire_tsig_room(t->tsig.key) : 0);
	size_t cap = t->tcp ? PUSH_MESSAGE : t->udp_max > tail ? t->udp_max - tail : 0;
	memset(out, 0, WIRE_HEADER_SIZE);
	size_t start = t->n_messages == 0 ? put_question(t, out) : WIRE_HEADER_SIZE;
	if (cap < start)
		return BANYAN_ESPACE;
	wire_put16(out + 4, t->n_messages == 0);
	wire_packer_begin(t->packer, out, start, cap);
	int rc = pack(t);
	if (rc == BANYAN_ESPACE && t->tcp) { /* one large record */
		wire_packer_begin(t->packer, out, start, WIRE_MESSAGE_MAX - PUSH_ROOM);
		rc = pack(t);
	}
	if (rc < 0 && !(rc == BANYAN_ESPACE && !t->tcp && t->kind == PUSH_DIFFERENCES))
		return rc;
	if (!t->tcp && !t->ended) { /* RFC 1995 section 2: what does not fit is asked for by TCP */
		t->kind = PUSH_RETRY;
		t->list = t->list_pos = 0;
		wire_packer_begin(t->packer, out, start, cap);
		rc = pack(t);
		if (rc < 0)
			return rc;
	}
	wire_put16(out + 6, (uint16_t)wire_packer_count(t->packer));
	return (int)wire_packer_len(t->packer);
}

int push_transfer_next(struct push_transfer *t, uint8_t *out, size_t cap)
{
	if (t->ended)
		return 0;
	if (cap < WIRE_MESSAGE_MAX)
		return BANYAN_ESPACE;
	int len = t->kind == PUSH_WHOLE ? next_whole(t, out) : next_packed(t, out);
	if (len < 0)
		return len;
	wire_put16(out, t->id);
	wire_put16(out + 2, t->flags);
	if (t->opt_len > 0) { /* RFC 5936 section 2.2.5: in each message */
		memcpy(out + len, t->opt, t->opt_len);
		len += (int)t->opt_len;
		wire_put16(out + 10, 1);
	}
	if (t->is_signed) /* all of them (RFC 8945 section 5.3.1) */
		len = (t->n_messages == 0 ? wire_tsig_sign : wire_tsig_sign_next)(&t->tsig, out, (size_t)len, cap);
	if (len < 0)
		return len;
	t->n_messages++;
	t->bytes += (size_t)len;
	return len;
}

/* ---- what it is ---- */

enum push_kind push_transfer_kind(const struct push_transfer *t)
{
	return t->kind;
}

bool push_transfer_asked_ixfr(const struct push_transfer *t)
{
	return t->qtype == WIRE_TYPE_IXFR;
}

uint32_t push_transfer_from(const struct push_transfer *t)
{
	return t->from;
}

uint64_t push_transfer_bytes(const struct push_transfer *t)
{
	return t->bytes;
}

unsigned push_transfer_messages(const struct push_transfer *t)
{
	return t->n_messages;
}
