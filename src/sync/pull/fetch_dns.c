// SPDX-License-Identifier: GPL-3.0-or-later
/* From servers that speak DNS: the serial by one question, the zone by a transfer. */
#include "fetch.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_EXPIRE 9 /* RFC 7314 */
#define ASK_MAX       512
#define UDP_SIZE      1232
#define OPTIONS_MAX   (8 + WIRE_REGISTRATION_SIZE)

static void on_address(uv_timer_t *timer);
static void tcp_ask(struct pull_fetch *fetch);

/* Asked for three hours, and again with each probe: the server says how long it is. */
#define REGISTER_S 10800

/* ---- the question ---- */

static bool registers(const struct pull_fetch *fetch)
{
	return fetch->hears.family != 0;
}

static void registers_begin(struct pull_fetch *fetch)
{
	const struct pull_fetch_settings *s = &fetch->settings;
	fetch->hears = (struct addr){0};
	bool asks = s->mode == PULL_MODE_PROBE || s->mode == PULL_MODE_RELEASE;
	if (!asks || fetch->source.registers[0] == '\0' || s->hears == NULL ||
	    !s->hears(s->hears_ctx, &fetch->address[fetch->at], &fetch->hears))
		fetch->hears = (struct addr){0};
}

/* EDNS options of the question; their length. */
static size_t options_make(const struct pull_fetch *fetch, uint8_t out[OPTIONS_MAX])
{
	bool release = fetch->settings.mode == PULL_MODE_RELEASE;
	const struct wire_registration ask = {
		.port = fetch->hears.port, .release = release, .lifetime_s = release ? 0 : REGISTER_S};
	wire_put16(out, OPTION_EXPIRE);
	wire_put16(out + 2, 0); /* asked for by an empty one */
	if (!registers(fetch))
		return 4;
	wire_put16(out + 4, WIRE_OPTION_REGISTRATION);
	wire_put16(out + 6, WIRE_REGISTRATION_SIZE);
	wire_registration_write_question(&ask, out + 8);
	return OPTIONS_MAX;
}

static int question_make(struct pull_fetch *fetch, uint8_t out[ASK_MAX])
{
	uint8_t options[OPTIONS_MAX];
	size_t options_len = options_make(fetch, options);
	struct wire_writer writer;
	struct random random;
	if (fetch->settings.seed != 0)
		random_init_seed(&random, fetch->settings.seed++);
	else
		random_init_kernel(&random);
	fetch->id = random_u16(&random);
	int rc = wire_writer_init(&writer, out, ASK_MAX, fetch->id, 0);
	if (rc == 0)
		rc = wire_writer_question(&writer, fetch->apex, WIRE_TYPE_SOA, WIRE_CLASS_IN);
	if (rc == 0 && !fetch->plain)
		rc = wire_writer_reserve(&writer, 11 + options_len);
	if (rc == 0 && !fetch->plain)
		rc = wire_writer_edns(&writer, UDP_SIZE, 0, false, options, options_len);
	if (rc < 0)
		return rc;
	size_t len = wire_writer_finish(&writer);
	if (fetch->settings.key == NULL)
		return (int)len;
	wire_tsig_done(&fetch->tsig);
	fetch->tsig = (struct wire_tsig){.key = fetch->settings.key};
	return wire_tsig_sign(&fetch->tsig, out, len, ASK_MAX);
}

/* ---- the reply ---- */

enum taken { TAKEN_NOT, TAKEN_GOOD, TAKEN_BAD, TAKEN_BY_TCP, TAKEN_PLAINLY };

static uint32_t expire_of(const struct wire_reader *reader)
{
	size_t pos = reader->opt_pos, end = pos + reader->opt_len;
	while (reader->has_edns && end - pos >= 4) {
		uint16_t code = wire_get16(reader->msg + pos), len = wire_get16(reader->msg + pos + 2);
		pos += 4;
		if (len > end - pos)
			break;
		if (code == OPTION_EXPIRE && len == 4)
			return wire_get32(reader->msg + pos);
		pos += len;
	}
	return 0;
}

/* What the server says of the registration that was asked for. */
static uint32_t registered_of(const struct wire_reader *reader)
{
	uint16_t len;
	struct wire_registration got;
	const uint8_t *data = !reader->has_edns ? NULL
						: wire_edns_find(reader->msg + reader->opt_pos, reader->opt_len,
								 WIRE_OPTION_REGISTRATION, &len);
	if (data == NULL || wire_registration_read_reply(data, len, &got) < 0 ||
	    got.status != WIRE_REGISTRATION_GRANTED)
		return 0;
	return got.lifetime_s;
}

static enum taken bad(char why[PULL_WHY_MAX], const char *words)
{
	snprintf(why, PULL_WHY_MAX, "%s", words);
	return TAKEN_BAD;
}

static enum taken records_take(struct pull_fetch *fetch, struct wire_reader *reader, char why[PULL_WHY_MAX])
{
	uint8_t data[600];
	struct wire_record record;
	bool found = false;
	int rc;
	while ((rc = wire_reader_next(reader, &record)) > 0) {
		if (found || record.section != WIRE_ANSWER || record.type != WIRE_TYPE_SOA ||
		    record.rclass != WIRE_CLASS_IN || !wire_name_equal(record.owner, fetch->apex))
			continue;
		int len = wire_record_rdata(reader, &record, data, sizeof data);
		if (len < 22)
			return bad(why, "its SOA is malformed");
		found = true;
		fetch->result.serial = wire_get32(data + len - 20);
	}
	if (rc < 0)
		return bad(why, "its reply is malformed");
	if (!found)
		return bad(why, "it gives no SOA for the zone");
	fetch->result.has_serial = true;
	fetch->result.expire_s = expire_of(reader);
	if (registers(fetch))
		fetch->result.registered_s = registered_of(reader);
	fetch->result.registered_at = fetch->hears;
	return TAKEN_GOOD;
}

static enum taken reply_take(struct pull_fetch *fetch, const uint8_t *msg, size_t len, bool tcp, char why[PULL_WHY_MAX])
{
	struct wire_reader reader;
	if (wire_reader_init(&reader, msg, len) < 0 || reader.id != fetch->id || (reader.flags & WIRE_QR) == 0 ||
	    (reader.flags & WIRE_OPCODE_MASK) != 0 ||
	    (reader.counts[0] == 1 && (reader.qtype != WIRE_TYPE_SOA || !wire_name_equal(reader.qname, fetch->apex))))
		return tcp ? bad(why, "what it sent is no reply to the question for SOA") : TAKEN_NOT;
	uint16_t rcode = reader.flags & WIRE_RCODE_MASK;
	/* servers from before EDNS, and those that take no options (RFC 6891 section 7) */
	if (!fetch->plain && (rcode == WIRE_RCODE_FORMERR || rcode == WIRE_RCODE_NOTIMP))
		return TAKEN_PLAINLY;
	if ((reader.flags & WIRE_TC) != 0)
		return tcp ? bad(why, "its reply is truncated, by TCP") : TAKEN_BY_TCP;
	if (fetch->settings.key != NULL && wire_tsig_take(&fetch->tsig, msg, len) < 0) {
		if (!tcp && rcode == WIRE_RCODE_NOERROR)
			return TAKEN_NOT; /* anybody can send that */
		return bad(
			why,
			"its reply is not signed with the key: compare name, algorithm and secret on both sides, and "
			"the clocks");
	}
	if (rcode != WIRE_RCODE_NOERROR) {
		snprintf(why, PULL_WHY_MAX, "it answers %s to the question for SOA", wire_rcode_text(rcode));
		return TAKEN_BAD;
	}
	return records_take(fetch, &reader, why);
}

/* ---- one address after the other ---- */

static void give_up(struct pull_fetch *fetch, const char *why)
{
	char addr[ADDR_TEXT_MAX];
	size_t len = strlen(fetch->result.why);
	fetch->result.from = fetch->address[fetch->at];
	snprintf(fetch->result.why + len, sizeof fetch->result.why - len, "%s%s: %s", len > 0 ? "; " : "",
		 addr_format(&fetch->address[fetch->at], true, addr), why);
	net_datagram_close(fetch->datagram);
	net_client_close(fetch->client);
	fetch->datagram = NULL;
	fetch->client = NULL;
	fetch->at++;
	pull_fetch_next(fetch, on_address);
}

static void take(struct pull_fetch *fetch, const uint8_t *msg, size_t len, bool tcp)
{
	char why[PULL_WHY_MAX] = "";
	switch (reply_take(fetch, msg, len, tcp, why)) {
	case TAKEN_NOT:
		break;
	case TAKEN_GOOD:
		fetch->result.why[0] = '\0';
		fetch->result.from = fetch->address[fetch->at];
		fetch->result.round_trip_ms = (uint32_t)(clock_mono_ms() - fetch->asked_ms);
		fetch->result.bytes += len;
		pull_fetch_tell(fetch, pull_fetch_compare(fetch, fetch->result.serial));
		break;
	case TAKEN_BAD:
		give_up(fetch, why);
		break;
	case TAKEN_PLAINLY:
		fetch->plain = true;
		tcp_ask(fetch);
		break;
	case TAKEN_BY_TCP:
		tcp_ask(fetch);
		break;
	}
}

static void on_message(void *ctx, const uint8_t *msg, size_t len)
{
	take(ctx, msg, len, true);
}

static void on_over(void *ctx, int error)
{
	struct pull_fetch *fetch = ctx;
	char why[PULL_WHY_MAX];
	snprintf(why, sizeof why, "%s", net_client_why(fetch->client));
	fetch->client = NULL; /* gone already */
	give_up(fetch, why[0] != '\0'             ? why
		       : error == BANYAN_ETIMEOUT ? "it does not answer"
						  : "the connection was refused, cannot be made, or was closed");
}

static void tcp_ask(struct pull_fetch *fetch)
{
	uint8_t out[ASK_MAX];
	struct net_client_settings settings = {
		.idle_ms = PULL_PROBE_IDLE_MS,
		.whole_ms = PULL_PROBE_IDLE_MS, /* a byte now and then is no answer */
		.trust = fetch->trust,
		.from = fetch->hears, /* a peer is registered at the address that it asks from */
		.message = on_message,
		.over = on_over,
		.ctx = fetch,
	};
	net_datagram_close(fetch->datagram);
	net_client_close(fetch->client);
	fetch->datagram = NULL;
	fetch->client = NULL;
	fetch->asked_ms = clock_mono_ms();
	int len = question_make(fetch, out);
	int rc = len < 0 ? len : net_client_open(fetch->loop, &fetch->address[fetch->at], &settings, &fetch->client);
	if (rc == 0)
		rc = net_client_send(fetch->client, out, (size_t)len);
	if (rc < 0)
		give_up(fetch, sync_unreachable_text(rc));
}

static void on_datagram(void *ctx, const uint8_t *msg, size_t len)
{
	take(ctx, msg, len, false);
}

static void on_silence(void *ctx, int error)
{
	struct pull_fetch *fetch = ctx;
	fetch->datagram = NULL; /* gone already */
	tcp_ask(fetch);         /* UDP may be blocked on the way */
}

static void on_address(uv_timer_t *timer)
{
	struct pull_fetch *fetch = timer->data;
	uint8_t out[ASK_MAX];
	struct net_datagram_settings settings = {
		.again_ms = PULL_PROBE_AGAIN_MS,
		.whole_ms = PULL_PROBE_UDP_MS,
		.message = on_datagram,
		.over = on_silence,
		.ctx = fetch,
	};
	if (fetch->at == fetch->n_addresses) {
		pull_fetch_tell(fetch, PULL_FAILED);
		return;
	}
	fetch->plain = false;
	registers_begin(fetch);
	/* nothing is asked beside a session; and who registers has to show where he is */
	if (fetch->trust != NULL || registers(fetch)) {
		tcp_ask(fetch);
		return;
	}
	fetch->asked_ms = clock_mono_ms();
	int len = question_make(fetch, out);
	int rc = len < 0 ? len
			 : net_datagram_open(fetch->loop, &fetch->address[fetch->at], out, (size_t)len, &settings,
					     &fetch->datagram);
	if (rc < 0)
		give_up(fetch, sync_unreachable_text(rc));
}

void pull_fetch_probe_dns(struct pull_fetch *fetch)
{
	fetch->at = 0;
	on_address(&fetch->step);
}

/* ---- transfers ---- */

/* The name in the certificate is the one that was given, or the host's if it is a name; a pin may do without. Who names an authority
 * wants it looked at in any case, if need be with the address in the certificate. */
int pull_fetch_trust(struct pull_fetch *fetch)
{
	const struct pull_source *source = &fetch->source;
	char why[NET_TLS_WHY_MAX];
	struct net_tls_pin pin;
	struct addr addr;
	uint8_t raw[36];
	bool may_lack = addr_parse(source->host, 0, &addr) == 0 || source->pin[0] != '\0';
	const char *name = source->name[0] != '\0'             ? source->name
			   : may_lack && source->ca[0] == '\0' ? NULL
							       : source->host;
	struct net_tls_trust_settings settings = {.name = name,
						  .ca_file = source->ca[0] != '\0' ? source->ca : NULL,
						  .any_alpn = source->alpn[0] != '\0'};
	if (source->pin[0] != '\0') {
		if (EVP_DecodeBlock(raw, (const uint8_t *)source->pin, 44) != 33) {
			pull_fetch_fail(fetch, "pin=%s is not 32 bytes in base64", source->pin);
			return BANYAN_EINVAL;
		}
		memcpy(pin.sha256, raw, sizeof pin.sha256);
		settings.n_pins = 1;
		settings.pin = &pin;
	}
	int rc = net_tls_trust_new(&settings, &fetch->trust, why);
	if (rc < 0)
		pull_fetch_fail(fetch, "%.230s", why);
	return rc;
}

static int changes_keep(struct pull_fetch *fetch, const struct sync_transfer *transfer)
{
	_cleanup_(buffer_done) struct buffer changes = {0};
	int rc = sync_changes_write(transfer, &changes);
	return rc < 0 ? rc : pull_fd_write(fetch->settings.fd, changes.data, changes.len);
}

static void on_pulled(void *ctx, const struct sync_pull_result *pulled)
{
	struct pull_fetch *fetch = ctx;
	fetch->pull = NULL; /* frees itself */
	fetch->result.from = *pulled->from;
	if (pulled->progress == SYNC_FAILED) {
		pull_fetch_fail(fetch, "%s", pulled->why);
		return;
	}
	fetch->result.has_serial = true;
	fetch->result.serial = sync_transfer_serial(pulled->transfer);
	fetch->result.bytes = sync_transfer_bytes(pulled->transfer);
	fetch->result.expire_s = sync_transfer_expire_s(pulled->transfer);
	if (pulled->progress == SYNC_CURRENT) {
		pull_fetch_tell(fetch, PULL_UNCHANGED);
		return;
	}
	int rc = changes_keep(fetch, pulled->transfer);
	fetch->result.form = PULL_CHANGES;
	if (rc < 0)
		pull_fetch_fail(fetch, "what came cannot be written: %s", error_text(rc));
	else
		pull_fetch_tell(fetch, PULL_GOT);
}

void pull_fetch_transfer(struct pull_fetch *fetch)
{
	const struct pull_fetch_settings *s = &fetch->settings;
	struct sync_pull_settings settings = {
		.transfer =
			{
				.apex = fetch->apex,
				.have = s->have,
				.serial = s->serial,
				.whole = s->mode == PULL_MODE_WHOLE,
				.key = s->key,
				.bytes_max = pull_fetch_bytes_max(fetch),
				.seed = s->seed,
			},
		.n_primaries = fetch->n_addresses,
		.primary = fetch->address,
		.idle_ms = s->idle_ms,
		.whole_ms = pull_fetch_left_ms(fetch),
		.rate_min = s->rate_min,
		.trust = fetch->trust,
		.done = on_pulled,
		.ctx = fetch,
	};
	if (settings.transfer.seed == 0) {
		struct random random;
		random_init_kernel(&random);
		settings.transfer.seed = random_u64(&random);
	}
	int rc = sync_pull_start(fetch->loop, &settings, &fetch->pull);
	if (rc < 0)
		pull_fetch_fail(fetch, "%s", error_text(rc));
}
