// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * tld - writes a zone "bench." shaped like a TLD, and questions for it: tld DELEGATIONS nsec|nsec3 ZONE QUESTIONS COUNT.
 *
 * Of the delegations 3 of 4 go to servers elsewhere, 15 % to servers in other delegated names of the zone, 10 % to servers of their own;
 * some servers are much more wanted than others. 5 % are signed. NSEC3 is opt-out without salt and iterations. Names stand in canonical
 * order, NSEC3 records behind them in that of their hashes. Signatures have the right form, length and number, but are random bytes:
 * the zone is for programs that load and serve it and not for those that validate it. Same arguments, same files.
 */
#include "dnssec/dnssec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LABEL_MAX     20 /* bytes of a delegated label */
#define OWN_SHARE     10 /* per cent of the delegations with servers in their own name */
#define SIBLING_SHARE 15 /* ... with servers below a host in this zone */
#define SIGNED_SHARE  5  /* ... with DS */
#define HOST_EACH     50 /* every so many-th delegation hosts others */
#define ELSEWHERE     40 /* delegations for one host outside the zone */
#define SIG_BYTES     64 /* ECDSA P-256 */

struct label {
	char text[LABEL_MAX + 1];
	bool is_signed;
};

struct nsec3 {
	uint8_t hash[20];
	bool apex;
};

struct tld {
	FILE *out;
	uint64_t state;
	size_t n;
	struct label *label;
	size_t n_nsec3;
	struct nsec3 *nsec3; /* NULL = NSEC */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* splitmix64: the same everywhere */
static uint64_t next(struct tld *t)
{
	uint64_t z = t->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Below n; small numbers are much more likely than large ones. */
static size_t popular(struct tld *t, size_t n)
{
	double u = (double)(next(t) >> 11) / (double)(UINT64_C(1) << 53);
	return (size_t)((double)n * u * u * u);
}

static void label_random(struct tld *t, char out[LABEL_MAX + 1])
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz", inner[] = "aeioutnrslmdcpaeiostnr0123456789-";
	unsigned len = 4 + (unsigned)(next(t) % 7) + (unsigned)(next(t) % 9);
	for (unsigned i = 0; i < len; i++)
		out[i] = i == 0 || i + 1 == len ? first[next(t) % (sizeof first - 1)]
						: inner[next(t) % (sizeof inner - 1)];
	out[len] = '\0';
}

static int label_cmp(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->text, ((const struct label *)b)->text);
}

static void labels_make(struct tld *t)
{
	size_t made = 0;
	t->label = calloc(t->n, sizeof *t->label);
	if (t->label == NULL)
		die("labels");
	while (made < t->n) {
		for (; made < t->n; made++)
			label_random(t, t->label[made].text);
		qsort(t->label, t->n, sizeof *t->label, label_cmp);
		size_t kept = 1;
		for (size_t i = 1; i < t->n; i++)
			if (strcmp(t->label[i].text, t->label[kept - 1].text) != 0)
				t->label[kept++] = t->label[i];
		made = kept;
	}
	for (size_t i = 0; i < t->n; i++)
		t->label[i].is_signed = next(t) % 100 < SIGNED_SHARE;
}

static int nsec3_cmp(const void *a, const void *b)
{
	return memcmp(((const struct nsec3 *)a)->hash, ((const struct nsec3 *)b)->hash, 20);
}

static void nsec3_add(struct tld *t, const char *text, bool apex)
{
	uint8_t name[WIRE_NAME_MAX];
	struct nsec3 *entry = &t->nsec3[t->n_nsec3++];
	entry->apex = apex;
	if (wire_name_parse(text, name) < 0 || dnssec_nsec3_hash(name, 0, NULL, 0, entry->hash) < 0)
		die("nsec3");
}

static void nsec3_make(struct tld *t)
{
	t->nsec3 = calloc(t->n + 1, sizeof *t->nsec3);
	if (t->nsec3 == NULL)
		die("nsec3");
	nsec3_add(t, "bench.", true);
	for (size_t i = 0; i < t->n; i++) {
		char text[LABEL_MAX + 16];
		snprintf(text, sizeof text, "%s.bench.", t->label[i].text);
		if (t->label[i].is_signed)
			nsec3_add(t, text, false);
	}
	qsort(t->nsec3, t->n_nsec3, sizeof *t->nsec3, nsec3_cmp);
}

/* ---- the zone ---- */

static void put_random_base64(struct tld *t, size_t bytes)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[128];
	size_t n = bytes / 3 * 4, i = 0;
	for (uint64_t bits = 0; i < n; i++, bits >>= 6) {
		if (i % 10 == 0)
			bits = next(t);
		text[i] = alphabet[bits & 63];
	}
	memcpy(text + i, bytes % 3 == 1 ? "AA==" : bytes % 3 == 2 ? "AAA=" : "", 5);
	fputs_unlocked(text, t->out);
}

static void put_sig(struct tld *t, const char *owner, const char *type, unsigned labels, unsigned ttl)
{
	fprintf(t->out, "%s\t%u\tIN\tRRSIG\t%s 13 %u %u 20400101000000 20260101000000 12345 bench. ", owner, ttl, type,
		labels, ttl);
	put_random_base64(t, SIG_BYTES);
	fputc_unlocked('\n', t->out);
}

static void put_apex(struct tld *t)
{
	fputs("bench.\t86400\tIN\tSOA\ta.nic.bench. hostmaster.nic.bench. 2026010100 1800 900 604800 900\n", t->out);
	put_sig(t, "bench.", "SOA", 1, 86400);
	for (char c = 'a'; c <= 'd'; c++)
		fprintf(t->out, "bench.\t172800\tIN\tNS\t%c.nic.bench.\n", c);
	put_sig(t, "bench.", "NS", 1, 172800);
	for (unsigned flags = 256; flags <= 257; flags++) {
		fprintf(t->out, "bench.\t86400\tIN\tDNSKEY\t%u 3 13 ", flags);
		put_random_base64(t, SIG_BYTES);
		fputc('\n', t->out);
	}
	put_sig(t, "bench.", "DNSKEY", 1, 86400);
	if (t->nsec3 != NULL) {
		fputs("bench.\t0\tIN\tNSEC3PARAM\t1 0 0 -\n", t->out);
		put_sig(t, "bench.", "NSEC3PARAM", 1, 0);
	} else {
		fprintf(t->out, "bench.\t900\tIN\tNSEC\t%s.bench. NS SOA RRSIG NSEC DNSKEY\n", t->label[0].text);
		put_sig(t, "bench.", "NSEC", 1, 900);
	}
}

static void put_glue(struct tld *t, const char *owner, unsigned k)
{
	uint64_t r = next(t);
	fprintf(t->out, "ns%u.%s\t172800\tIN\tA\t198.%u.%u.%u\n", k, owner, 18 + (unsigned)(r & 1),
		(unsigned)(r >> 8 & 255), (unsigned)(r >> 16 & 255));
	if (r >> 60 < 8)
		fprintf(t->out, "ns%u.%s\t172800\tIN\tAAAA\t2001:db8:%x:%x::%u\n", k, owner,
			(unsigned)(r >> 24 & 0xffff), (unsigned)(r >> 40 & 0xffff), k);
}

static void put_delegation(struct tld *t, size_t i)
{
	char owner[LABEL_MAX + 16], host[80];
	struct label *label = &t->label[i];
	uint64_t kind = next(t) % 100, number = next(t) % 20;
	unsigned servers = number == 0 ? 4 : number < 3 ? 3 : 2;
	bool own = i % HOST_EACH == 0 || kind < OWN_SHARE;
	snprintf(owner, sizeof owner, "%s.bench.", label->text);
	if (own)
		snprintf(host, sizeof host, "%s", owner);
	else if (kind < OWN_SHARE + SIBLING_SHARE)
		snprintf(host, sizeof host, "%s.bench.",
			 t->label[popular(t, (t->n + HOST_EACH - 1) / HOST_EACH) * HOST_EACH].text);
	else
		snprintf(host, sizeof host, "host%zu.example.", popular(t, t->n / ELSEWHERE + 1));
	for (unsigned k = 1; k <= servers; k++)
		fprintf(t->out, "%s\t172800\tIN\tNS\tns%u.%s\n", owner, k, host);
	if (label->is_signed) {
		fprintf(t->out, "%s\t86400\tIN\tDS\t%u 13 2 ", owner, (unsigned)(next(t) & 0xffff));
		for (int k = 0; k < 4; k++)
			fprintf(t->out, "%016llX", (unsigned long long)next(t));
		fputc('\n', t->out);
		put_sig(t, owner, "DS", 2, 86400);
	}
	if (t->nsec3 == NULL) {
		fprintf(t->out, "%s\t900\tIN\tNSEC\t%s%sbench. NS %sRRSIG NSEC\n", owner,
			i + 1 < t->n ? t->label[i + 1].text : "", i + 1 < t->n ? "." : "",
			label->is_signed ? "DS " : "");
		put_sig(t, owner, "NSEC", 2, 900);
	}
	for (unsigned k = 1; own && k <= 4; k++) /* hosts have as many as anybody may ask for */
		if (k <= servers || i % HOST_EACH == 0)
			put_glue(t, owner, k);
}

static void hash_text(const uint8_t hash[20], char out[33])
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
	for (unsigned i = 0; i < 32; i++) {
		unsigned at = i * 5, byte = at / 8;
		unsigned two = (unsigned)hash[byte] << 8 | (byte + 1 < 20 ? hash[byte + 1] : 0U);
		out[i] = alphabet[two >> (11 - at % 8) & 31];
	}
	out[32] = '\0';
}

static void put_nsec3(struct tld *t)
{
	for (size_t i = 0; i < t->n_nsec3; i++) {
		char hash[33], after[33], owner[48];
		hash_text(t->nsec3[i].hash, hash);
		hash_text(t->nsec3[(i + 1) % t->n_nsec3].hash, after);
		snprintf(owner, sizeof owner, "%s.bench.", hash);
		fprintf(t->out, "%s\t900\tIN\tNSEC3\t1 1 0 - %s %s\n", owner, after,
			t->nsec3[i].apex ? "NS SOA RRSIG DNSKEY NSEC3PARAM" : "NS DS RRSIG");
		put_sig(t, owner, "NSEC3", 2, 900);
	}
}

/* Names are asked for alike: what is not in the processor's cache shall show. */
static void put_questions(struct tld *t, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char label[LABEL_MAX + 1];
		const char *name = t->label[next(t) % t->n].text;
		uint64_t kind = next(t) % 100;
		if (kind < 20) {
			label_random(t, label);
			fprintf(t->out, "%s.bench. 1\n", label);
		} else if (kind < 30) {
			fprintf(t->out, "%s.bench. 43\n", name);
		} else if (kind < 33) {
			fprintf(t->out, "bench. %u\n", kind == 30 ? 6U : kind == 31 ? 2U : 48U);
		} else {
			fprintf(t->out, "%s%s.bench. %u\n", kind < 66 ? "www." : "", name, kind % 3 == 0 ? 28U : 1U);
		}
	}
}

static void open_out(struct tld *t, const char *path)
{
	t->out = fopen(path, "we");
	if (t->out == NULL)
		die(path);
}

static void close_out(struct tld *t)
{
	if (fclose(t->out) != 0)
		die("write");
}

int main(int argc, char **argv)
{
	struct tld t = {.state = 1};
	if (argc != 6 || (strcmp(argv[2], "nsec") != 0 && strcmp(argv[2], "nsec3") != 0)) {
		fprintf(stderr, "usage: tld DELEGATIONS nsec|nsec3 ZONE QUESTIONS COUNT\n");
		return 2;
	}
	t.n = strtoull(argv[1], NULL, 10);
	if (t.n == 0)
		return 2;
	labels_make(&t);
	if (strcmp(argv[2], "nsec3") == 0)
		nsec3_make(&t);
	open_out(&t, argv[3]);
	put_apex(&t);
	for (char c = 'a'; c <= 'd'; c++) {
		char owner[16];
		snprintf(owner, sizeof owner, "%c.nic.bench.", c);
		fprintf(t.out, "%s\t172800\tIN\tA\t192.0.2.%d\n", owner, c);
		put_sig(&t, owner, "A", 3, 172800);
	}
	for (size_t i = 0; i < t.n; i++)
		put_delegation(&t, i);
	put_nsec3(&t);
	close_out(&t);
	open_out(&t, argv[4]);
	put_questions(&t, strtoull(argv[5], NULL, 10));
	close_out(&t);
	free(t.label);
	free(t.nsec3);
	return 0;
}
