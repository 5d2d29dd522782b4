// SPDX-License-Identifier: GPL-3.0-or-later
/* Questions for transfers: any message, as it came, and once more with a signature that holds, since guessing that is not what is tried here.
 * The first byte chooses transport and size. Each message of a reply is well formed and within its limits, the whole begins and ends with the SOA
 * of the version, and whoever has the version before it comes to this one. */
#include "sync/push/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MESSAGES_MAX 100 /* of a reply: these zones are small */

static const uint8_t apex[] = "\7example";
static const char first[] = "@ 60 SOA ns h 3 7200 3600 86400 30\n@ NS ns\nns A 192.0.2.1\na A 192.0.2.1\nb A "
			    "192.0.2.2\nc CNAME target\nd TXT \"a text that "
			    "takes some room, so that differences are smaller\"\ne TXT \"a text that takes some room, "
			    "so that differences are smaller\"\n";
static const char second[] = "@ 60 SOA ns h 4 7200 3600 86400 30\n@ NS ns\nns A 192.0.2.1\na A 192.0.2.9\nb A "
			     "192.0.2.2\nc CNAME target\nd TXT \"a text that "
			     "takes some room, so that differences are smaller\"\ne TXT \"a text that takes some room, "
			     "so that differences are smaller\"\n";
static struct push_version *version;
static struct wire_tsig_key *key;

static struct zone *zone_of(const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 60};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("fuzz", text, len, &settings, NULL, NULL, &zone, &error) < 0)
		abort();
	return zone;
}

static void world_make(void)
{
	static const struct push_limits limits = {.steps_max = 10, .bytes_max = 1 << 20};
	struct zone *older = zone_of(first, sizeof first - 1), *newer = zone_of(second, sizeof second - 1);
	struct push_version *before;
	if (push_version_new(older, NULL, &limits, &before) < 0 ||
	    push_version_new(newer, before, &limits, &version) < 0 || push_version_steps(version) != 1 ||
	    wire_tsig_key_new("hmac-sha256", "k.example.", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", &key) < 0)
		abort();
	push_version_release(before);
	zone_free(older);
	zone_free(newer);
}

/* ---- one reply ---- */

struct heard {
	size_t records, messages;
	bool begins, ends; /* with the SOA */
};

static void message_check(const uint8_t *msg, size_t len, struct heard *heard)
{
	struct wire_reader reader;
	struct wire_record record;
	int rc;
	if (wire_reader_init(&reader, msg, len) < 0)
		abort();
	while ((rc = wire_reader_next(&reader, &record)) > 0) {
		if (record.section != WIRE_ANSWER)
			continue;
		bool soa = record.type == WIRE_TYPE_SOA;
		if (heard->records++ == 0)
			heard->begins = soa;
		heard->ends = soa;
	}
	if (rc < 0)
		abort(); /* we sent what cannot be read */
}

static void reply_check(struct push_transfer *transfer, const struct push_transfer_settings *settings, size_t cap)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	struct heard heard = {0};
	int n;
	while ((n = push_transfer_next(transfer, out, sizeof out)) > 0) {
		if (++heard.messages > MESSAGES_MAX || (!settings->tcp && ((size_t)n > cap || heard.messages > 1)))
			abort();
		message_check(out, (size_t)n, &heard);
	}
	if (n < 0 && settings->tcp)
		abort(); /* a reply that is not whole */
	if (n < 0)
		return;
	bool one = push_transfer_kind(transfer) == PUSH_CURRENT || push_transfer_kind(transfer) == PUSH_RETRY;
	if (!heard.begins || !heard.ends || (heard.records == 1) != one)
		abort();
}

static void ask(const uint8_t *msg, size_t len, bool tcp, size_t cap, const struct wire_tsig *tsig)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
	struct push_transfer_settings settings = {.version = version,
						  .question = msg,
						  .question_len = len,
						  .tcp = tcp,
						  .udp_max = cap,
						  .opt = opt,
						  .opt_len = sizeof opt,
						  .tsig = tsig};
	struct push_transfer *transfer;
	if (push_transfer_new(&settings, &transfer) < 0)
		return;
	reply_check(transfer, &settings, cap);
	push_transfer_free(transfer);
}

/* As the daemon does it: the signature is looked at first, and what it was put to is answered. */
static void ask_signed(const uint8_t *msg, size_t len, bool tcp, size_t cap)
{
	static uint8_t plain[WIRE_MESSAGE_MAX], reply[WIRE_MESSAGE_MAX];
	const struct wire_tsig_key *keys[] = {key};
	struct wire_tsig tsig = {0};
	struct wire_question q;
	uint16_t error = 0;
	size_t plain_len = 0;
	if (wire_question_parse(msg, len, &q) != WIRE_ANSWERABLE || !q.tsig)
		return;
	int rc = wire_tsig_check_any(keys, 1, msg, len, &tsig, plain, &plain_len, &error);
	if (rc == 0 && error != 0) {
		uint8_t head[WIRE_HEADER_SIZE] = {msg[0], msg[1], 0x80, 9};
		memcpy(reply, head, sizeof head);
		if (wire_tsig_refuse(&tsig, error, msg, len, reply, sizeof head, sizeof reply) < 0)
			abort(); /* a refusal that cannot be told */
	} else if (rc == 0 && wire_question_parse(plain, plain_len, &q) == WIRE_ANSWERABLE) {
		ask(plain, plain_len, tcp, cap, tsig.key == NULL ? NULL : &tsig);
	}
	wire_tsig_done(&tsig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t copy[WIRE_MESSAGE_MAX];
	if (version == NULL)
		world_make();
	if (len < 1 || len - 1 > sizeof copy - 1024)
		return 0;
	bool tcp = data[0] & 1;
	size_t cap = 512 + (size_t)(data[0] >> 1) * 8;
	data++;
	len--;
	ask(data, len, tcp, cap, NULL);
	ask_signed(data, len, tcp, cap);
	if (len < WIRE_HEADER_SIZE)
		return 0;
	memcpy(copy, data, len);
	struct wire_tsig tsig = {.key = key};
	int n = wire_tsig_sign(&tsig, copy, len, sizeof copy);
	wire_tsig_done(&tsig);
	if (n > 0)
		ask_signed(copy, (size_t)n, tcp, cap);
	return 0;
}
