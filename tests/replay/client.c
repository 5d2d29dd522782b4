// SPDX-License-Identifier: GPL-3.0-or-later
/* Clients: their questions go through answer/ as those of real ones, and so do the replies. */
#include "scenario.h"

#define UDP_SIZE 1232

uint64_t client_number(struct scenario *s)
{
	unsigned long client = text_number(s, s->word[1]);
	if (client >= WORLD_CLIENTS_MAX)
		bad(s, "there is no client %s", s->word[1]);
	return client;
}

/* ---- replies ---- */

static void read_options(const struct wire_reader *reader, struct got *got)
{
	const uint8_t *p = reader->msg + reader->opt_pos, *end = p + reader->opt_len;
	while (end - p >= 4 && end - p >= 4 + wire_get16(p + 2)) {
		if (wire_get16(p) == WIRE_OPTION_EDE && wire_get16(p + 2) >= 2 && got->ede < 0) {
			got->ede = wire_get16(p + 4);
			snprintf(got->says, sizeof got->says, "%.*s", wire_get16(p + 2) - 2, (const char *)p + 6);
		}
		if (wire_get16(p) == WIRE_OPTION_ECS && wire_get16(p + 2) <= sizeof got->ecs) {
			got->ecs_len = wire_get16(p + 2);
			memcpy(got->ecs, p + 4, got->ecs_len);
		}
		p += 4 + wire_get16(p + 2);
	}
}

/* "owner TTL IN TYPE data"; of RRSIG what it covers and by whom, of DNSKEY all but the key. */
static void record_text(struct wire_record *record, const struct wire_rdata *rdata, struct buffer *out)
{
	char owner[WIRE_NAME_TEXT_MAX], signer[WIRE_NAME_TEXT_MAX], type[16];
	size_t start = out->len;
	wire_name_lower(record->owner, record->owner); /* as the question has it */
	if (record->type == WIRE_TYPE_RRSIG)
		assert_true(buffer_printf(out, "%s %u IN RRSIG %s %s", wire_name_text(record->owner, owner),
					  record->ttl, wire_type_text(wire_get16(rdata->data), type),
					  wire_name_text(rdata->data + 18, signer)) >= 0);
	else if (record->type == WIRE_TYPE_DNSKEY)
		assert_true(buffer_printf(out, "%s %u IN DNSKEY %u %u %u", wire_name_text(record->owner, owner),
					  record->ttl, wire_get16(rdata->data), rdata->data[2], rdata->data[3]) >= 0);
	else
		assert_true(wire_record_text(record->owner, record->ttl, record->rclass, record->type, rdata, out) >=
			    0);
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] == '\t')
			out->data[i] = ' ';
	assert_true(buffer_printf(out, "\n") >= 0);
}

static void read_reply(struct got *got, const uint8_t *msg, size_t len)
{
	static uint8_t data[WIRE_MESSAGE_MAX];
	struct wire_reader reader;
	struct wire_record record;
	int rc;
	assert_int_equal(wire_reader_init(&reader, msg, len), 0);
	for (int i = 0; i < 4; i++) {
		buffer_done(&got->text[i]);
		got->text[i] = (struct buffer){0};
		assert_true(buffer_printf(&got->text[i], "%s", "") >= 0);
	}
	got->ede = -1;
	got->says[0] = 0;
	while ((rc = wire_reader_next(&reader, &record)) > 0) {
		if (record.type == WIRE_TYPE_OPT)
			continue;
		int size = wire_record_rdata(&reader, &record, data, sizeof data);
		assert_true(size >= 0);
		struct wire_rdata rdata = {data, (uint16_t)size};
		record_text(&record, &rdata, &got->text[record.section]);
	}
	assert_int_equal(rc, 0);
	got->flags = reader.flags;
	got->rcode = wire_reader_rcode(&reader);
	got->edns = reader.has_edns;
	got->do_bit = reader.edns_do;
	got->udp_size = reader.edns_udp_size;
	got->len = len;
	if (reader.has_edns)
		read_options(&reader, got);
}

static void reply_with(struct scenario *s, uint64_t client, const struct resolve_result *result)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	struct got *got = &s->got[client];
	int len = answer_from_result(&s->view, &got->pending, result, out, sizeof out);
	assert_true(len > 0 || (len == 0 && result->drop));
	if (result->drop)
		return;
	got->times++;
	got->reason = result->reason;
	read_reply(got, out, (size_t)len);
}

static void on_result(void *ctx, uint64_t client, const struct resolve_result *result)
{
	result = dns64_take(ctx, client, result);
	if (result != NULL)
		reply_with(ctx, client, result);
}

/* ---- questions ---- */

struct asking {
	struct addr from;
	uint16_t flags, size, rclass, questions;
	uint8_t version;
	bool edns, dnssec, tcp, cold, trace, two_opts, trailing, cut;
	uint8_t options[128];
	size_t options_len;
};

/* option=CODE:HEX */
static void read_option(struct scenario *s, const char *word, struct asking *ask)
{
	char *colon;
	unsigned long code = strtoul(word, &colon, 10);
	uint8_t *at = ask->options + ask->options_len;
	if (*colon != ':' || ask->options_len + 4 + strlen(colon + 1) / 2 > sizeof ask->options)
		bad(s, "\"%s\" is no option", word);
	size_t len = text_hex(s, colon + 1, at + 4, sizeof ask->options - ask->options_len - 4);
	wire_put16(at, (uint16_t)code);
	wire_put16(at + 2, (uint16_t)len);
	ask->options_len += 4 + len;
}

/* What a careful client would not send; false: another word. */
static bool read_odd_word(struct scenario *s, const char *word, struct asking *ask)
{
	if (strncmp(word, "class=", 6) == 0)
		ask->rclass = (uint16_t)text_number(s, word + 6);
	else if (strncmp(word, "opcode=", 7) == 0)
		ask->flags |= (uint16_t)(text_number(s, word + 7) << WIRE_OPCODE_SHIFT);
	else if (strncmp(word, "version=", 8) == 0)
		ask->version = (uint8_t)text_number(s, word + 8);
	else if (strncmp(word, "questions=", 10) == 0)
		ask->questions = (uint16_t)text_number(s, word + 10);
	else if (strncmp(word, "option=", 7) == 0)
		read_option(s, word + 7, ask);
	else
		return false;
	return true;
}

static void read_words(struct scenario *s, struct asking *ask)
{
	const struct {
		const char *word;
		bool *at;
		bool value;
	} flags[] = {{"do", &ask->dnssec, true},         {"noedns", &ask->edns, false},
		     {"tcp", &ask->tcp, true},           {"cold", &ask->cold, true},
		     {"trace", &ask->trace, true},       {"two-opts", &ask->two_opts, true},
		     {"trailing", &ask->trailing, true}, {"cut", &ask->cut, true}};
	for (unsigned i = 4; i < s->n_words; i++) {
		const char *word = s->word[i];
		size_t f = 0;
		while (f < ARRAY_SIZE(flags) && strcmp(flags[f].word, word) != 0)
			f++;
		if (f < ARRAY_SIZE(flags))
			*flags[f].at = flags[f].value;
		else if (strcmp(word, "cd") == 0)
			ask->flags |= WIRE_CD;
		else if (strcmp(word, "ad") == 0)
			ask->flags |= WIRE_AD;
		else if (strcmp(word, "nord") == 0)
			ask->flags &= (uint16_t)~WIRE_RD;
		else if (strcmp(word, "qr") == 0)
			ask->flags |= WIRE_QR;
		else if (strncmp(word, "size=", 5) == 0)
			ask->size = (uint16_t)text_number(s, word + 5);
		else if (strncmp(word, "from=", 5) == 0)
			ask->from = text_addr(s, word + 5);
		else if (!read_odd_word(s, word, ask))
			bad(s, "QUERY: %s is unknown", word);
	}
}

static size_t write_question(struct scenario *s, const struct asking *ask, uint8_t *out)
{
	struct wire_writer writer;
	uint8_t qname[WIRE_NAME_MAX];
	text_name(s, s->word[2], qname);
	assert_int_equal(wire_writer_init(&writer, out, 512, 0x4242, ask->flags), 0);
	for (unsigned i = 0; i < ask->questions; i++)
		assert_int_equal(wire_writer_question(&writer, qname, text_type(s, s->word[3]), ask->rclass), 0);
	size_t before = writer.len;
	for (unsigned i = 0; i < (ask->edns ? 1U + ask->two_opts : 0U); i++)
		assert_int_equal(wire_writer_edns(&writer, ask->size, 0, ask->dnssec, ask->options, ask->options_len),
				 0);
	size_t len = wire_writer_finish(&writer);
	if (ask->edns)
		out[before + 6] = ask->version; /* root owner, type, class, extended rcode, version */
	if (ask->trailing)
		out[len++] = 0;
	return ask->cut ? len - 3 : len;
}

/* As answer_recurse() does. */
static void recurse(struct scenario *s, uint64_t client, const struct asking *ask)
{
	const struct answer_pending *pending = &s->got[client].pending;
	const struct waiting *waiting = &s->got[client].waiting;
	struct resolve_event event = {.kind = RESOLVE_QUESTION};
	event.question.client = client;
	event.question.qname = waiting->dns64 == DNS64_PTR ? waiting->mapped : pending->qname;
	event.question.qtype = waiting->dns64 == DNS64_A ? WIRE_TYPE_A : pending->qtype;
	event.question.dnssec = pending->dnssec;
	event.question.from = pending->peer;
	event.question.tcp = pending->tcp;
	event.question.checking_disabled = (pending->flags & WIRE_CD) != 0;
	event.question.additional = !pending->minimal;
	answer_ecs_ask(&s->view, pending, &event);
	event.question.no_cache = ask->cold;
	event.question.trace = ask->trace;
	world_event(s->world, &event);
}

/* Behind each event: what DNS64 wants to know next. */
static void ask_again(void *ctx)
{
	static const struct asking plainly;
	struct scenario *s = ctx;
	while (s->n_again > 0)
		recurse(s, s->again[--s->n_again], &plainly);
}

void client_init(struct scenario *s)
{
	static const struct addr_prefix everybody[] = {{.addr.family = 4}, {.addr.family = 6}};
	s->view = (struct answer_view){.recursion = true,
				       .allow = {.n = ARRAY_SIZE(everybody), .item = everybody},
				       .identity = "",
				       .version = "",
				       .udp_size = UDP_SIZE};
	s->world->result_fn = on_result;
	s->world->after_fn = ask_again;
	s->world->result_ctx = s;
}

/* With BANYAN_REPLAY_BOTH what goes the short way (resolve_hit()) goes the long way as well, and both must say the same. Not always, since
 * to ask twice is to ask more often. */
static bool both_ways(void)
{
	return getenv("BANYAN_REPLAY_BOTH") != NULL;
}

static void got_done(struct got *got)
{
	for (int i = 0; i < 4; i++)
		buffer_done(&got->text[i]);
}

/* Names are compared as they are: which case they have depends on what they are compressed against. */
static bool text_equal(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len && strncasecmp((const char *)a->data, (const char *)b->data, a->len) == 0;
}

static void compare(struct scenario *s, const struct got *a, const struct got *b)
{
	if (b->times != 1)
		bad(s, "QUERY: the short way answers, the long one does not");
	if (a->flags != b->flags || a->rcode != b->rcode || a->ede != b->ede || a->edns != b->edns ||
	    a->do_bit != b->do_bit || a->udp_size != b->udp_size)
		bad(s, "QUERY: the short way has flags %04x, rcode %u, EDE %d; the long one %04x, %u, %d", a->flags,
		    a->rcode, a->ede, b->flags, b->rcode, b->ede);
	for (int i = 0; i < 4; i++)
		if (!text_equal(&a->text[i], &b->text[i]))
			bad(s, "QUERY: section %d the short way:\n%.*sthe long way:\n%.*s", i, (int)a->text[i].len,
			    (const char *)a->text[i].data, (int)b->text[i].len, (const char *)b->text[i].data);
}

void client_query(struct scenario *s)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	uint8_t msg[512];
	struct asking ask = {.flags = WIRE_RD, .size = UDP_SIZE, .rclass = WIRE_CLASS_IN, .questions = 1, .edns = true};
	uint64_t client = client_number(s);
	struct got *got = &s->got[client];
	ask.from = text_addr(s, "127.0.0.1");
	read_words(s, &ask);
	for (int i = 0; i < 4; i++)
		buffer_done(&got->text[i]);
	*got = (struct got){0};
	s->world->answer[client] = (struct world_answer){0};
	struct world *world = s->world;
	struct answer_request request = {.msg = msg,
					 .peer = ask.from,
					 .tcp = ask.tcp,
					 .out = out,
					 .engine = ask.cold || ask.trace ? NULL : world->engine,
					 .now_ms = world->now_ms,
					 .wall_ms = WORLD_EPOCH_MS + world->now_ms + world->wall_off_ms};
	request.len = write_question(s, &ask, msg);
	uint64_t hits = counter_read(&world->counters, COUNTER_CACHE_HITS);
	size_t len = 0;
	enum answer_outcome outcome = answer_question(&s->view, &world->counters, &request, &got->pending, &len);
	bool hit = counter_read(&world->counters, COUNTER_CACHE_HITS) != hits;
	_cleanup_(got_done) struct got short_way = {0};
	if (hit && both_ways()) {
		read_reply(&short_way, out, len);
		request.engine = NULL;
		outcome = answer_question(&s->view, &world->counters, &request, &got->pending, &len);
	}
	switch (outcome) {
	case ANSWER_SEND:
		got->times = 1;
		got->at_once = !hit;
		read_reply(got, out, len);
		break;
	case ANSWER_PASSED:
	case ANSWER_SILENT:
		break;
	case ANSWER_RECURSE: {
		const struct resolve_result *known = dns64_start(s, got);
		if (known != NULL)
			reply_with(s, client, known);
		else
			recurse(s, client, &ask);
		break;
	}
	}
	if (hit && both_ways())
		compare(s, &short_way, got);
}
