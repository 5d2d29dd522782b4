// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan sign: options. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

#define DAY        86400
/* As dnssec-signzone and most signers have them: a month, made anew when a quarter is left, spread over a tenth. */
#define VALIDITY_S (30 * DAY)
#define REFRESH_S  (7 * DAY + 43200)
#define JITTER_S   (3 * DAY)
#define BEFORE_S   3600

static int wrong(const char *option, const char *must, const char *text)
{
	fprintf(stderr, "banyan sign: --%s takes %s, not '%s'\n", option, must, text);
	return SIGN_OPTIONS_WRONG;
}

/* "14d", "12h", "3600": seconds. */
static bool duration_read(const char *text, uint32_t *ret)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY}, {'w', 7 * DAY}};
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10), factor = 1;
	if (end == text || text[0] == '-' || errno != 0 || value > UINT32_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units) && *end != 0; i++) {
		if (*end == units[i].letter && end[1] == 0) {
			factor = units[i].seconds;
			end++;
		}
	}
	if (*end != 0 || value * factor > INT32_MAX)
		return false;
	*ret = (uint32_t)(value * factor);
	return true;
}

static bool number_read(const char *text, unsigned most, unsigned *ret)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (end == text || *end != 0 || text[0] == '-' || errno != 0 || value > most)
		return false;
	*ret = (unsigned)value;
	return true;
}

static bool salt_read(const char *text, struct sign_options *options)
{
	size_t len = strlen(text);
	if (strcmp(text, "-") == 0)
		len = 0;
	if (len % 2 != 0 || len / 2 > MAKE_NSEC3_SALT_MAX || strspn(text, "0123456789abcdefABCDEF") < len)
		return false;
	for (size_t i = 0; i < len / 2; i++) {
		char byte[3] = {text[2 * i], text[2 * i + 1], 0};
		options->salt[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	options->signing.nsec3.salt = options->salt;
	options->signing.nsec3.salt_len = (uint8_t)(len / 2);
	return true;
}

static bool zonemd_read(const char *text, unsigned *ret)
{
	static const struct {
		const char *word;
		unsigned bits;
	} words[] = {{"none", 0},
		     {"sha384", MAKE_ZONEMD_SHA384},
		     {"sha512", MAKE_ZONEMD_SHA512},
		     {"both", MAKE_ZONEMD_SHA384 | MAKE_ZONEMD_SHA512}};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, text) == 0) {
			*ret = words[i].bits;
			return true;
		}
	}
	return false;
}

static const struct option table[] = {{"origin", required_argument, NULL, 'o'},
				      {"before", required_argument, NULL, 'b'},
				      {"output", required_argument, NULL, 'f'},
				      {"at", required_argument, NULL, 'a'},
				      {"validity", required_argument, NULL, 'v'},
				      {"validity-keys", required_argument, NULL, 'k'},
				      {"inception-before", required_argument, NULL, 'i'},
				      {"refresh", required_argument, NULL, 'r'},
				      {"jitter", required_argument, NULL, 'j'},
				      {"nsec3", no_argument, NULL, '3'},
				      {"iterations", required_argument, NULL, 't'},
				      {"salt", required_argument, NULL, 's'},
				      {"opt-out", no_argument, NULL, 'p'},
				      {"zonemd", required_argument, NULL, 'z'},
				      {"dnskey-ttl", required_argument, NULL, 'T'},
				      {"threads", required_argument, NULL, 'n'},
				      {"wire", no_argument, NULL, 'w'},
				      {"no-proof", no_argument, NULL, 'P'},
				      {"quiet", no_argument, NULL, 'q'},
				      {"help", no_argument, NULL, 'h'},
				      {NULL, 0, NULL, 0}};

/* What NSEC3 takes. */
static int nsec3_set(struct sign_options *o, int c)
{
	unsigned number = 0;
	o->signing.denial = MAKE_NSEC3;
	if (c == 't' && !number_read(optarg, DNSSEC_NSEC3_ITERATIONS_MAX, &number))
		return wrong("iterations", "a number up to 50 (RFC 9276 asks for 0)", optarg);
	if (c == 't')
		o->signing.nsec3.iterations = (uint16_t)number;
	if (c == 's' && !salt_read(optarg, o))
		return wrong("salt", "up to 255 bytes in hexadecimal, or -", optarg);
	o->signing.nsec3.opt_out |= c == 'p';
	return SIGN_OPTIONS_GOOD;
}

/* What is a length of time. */
static int duration_set(struct sign_options *o, int c, const char *name)
{
	struct make_signing *s = &o->signing;
	uint32_t *to = c == 'v'   ? &s->validity_s
		       : c == 'k' ? &s->validity_dnskey_s
		       : c == 'i' ? &s->inception_before_s
		       : c == 'r' ? &s->refresh_s
		       : c == 'j' ? &s->jitter_s
				  : &s->dnskey_ttl;
	return duration_read(optarg, to) ? SIGN_OPTIONS_GOOD
					 : wrong(name, "a time in seconds or as 30d, 12h, 5m", optarg);
}

static int option_set(struct sign_options *o, int c, const char *name)
{
	switch (c) {
	case 'o':
		return wire_name_parse(optarg, o->origin) >= 0 ? SIGN_OPTIONS_GOOD
							       : wrong(name, "a domain name", optarg);
	case 'b':
		o->before = optarg;
		return SIGN_OPTIONS_GOOD;
	case 'f':
		o->output = optarg;
		return SIGN_OPTIONS_GOOD;
	case 'a':
		return clock_parse(optarg, &o->signing.now) >= 0
			       ? SIGN_OPTIONS_GOOD
			       : wrong(name, "UNIX seconds or a time like 2026-08-01T01:00:00Z", optarg);
	case '3':
	case 't':
	case 's':
	case 'p':
		return nsec3_set(o, c);
	case 'z':
		return zonemd_read(optarg, &o->signing.zonemd) ? SIGN_OPTIONS_GOOD
							       : wrong(name, "none, sha384, sha512 or both", optarg);
	case 'n':
		return number_read(optarg, 1024, &o->signing.threads) ? SIGN_OPTIONS_GOOD
								      : wrong(name, "a number", optarg);
	case 'w':
		o->wire = true;
		return SIGN_OPTIONS_GOOD;
	case 'P':
		o->no_proof = true;
		return SIGN_OPTIONS_GOOD;
	case 'q':
		o->quiet = true;
		return SIGN_OPTIONS_GOOD;
	default:
		return duration_set(o, c, name);
	}
}

int sign_options_read(int argc, char **argv, struct sign_options *options)
{
	int index = 0;
	*options = (struct sign_options){.output = "-",
					 .signing = {.now = clock_wall_s(),
						     .validity_s = VALIDITY_S,
						     .refresh_s = REFRESH_S,
						     .jitter_s = JITTER_S,
						     .inception_before_s = BEFORE_S,
						     .zonemd = MAKE_ZONEMD_SHA384}};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", table, &index)) != -1;) {
		if (c == 'h' || c == '?')
			return c == 'h' ? SIGN_OPTIONS_HELP : SIGN_OPTIONS_WRONG;
		int good = option_set(options, c, table[index].name);
		if (good != SIGN_OPTIONS_GOOD)
			return good;
	}
	if (optind >= argc) {
		fprintf(stderr, "banyan sign: which zone file? `banyan sign --help` tells more\n");
		return SIGN_OPTIONS_WRONG;
	}
	options->path = argv[optind++];
	for (; optind < argc; optind++) {
		if (options->signing.n_keys == MAKE_ZONE_KEYS_MAX) {
			fprintf(stderr, "banyan sign: more than %d keys; validators look at no more\n",
				MAKE_ZONE_KEYS_MAX);
			return SIGN_OPTIONS_WRONG;
		}
		if (sign_key_load(argv[optind], &options->key[options->signing.n_keys].key) < 0)
			return SIGN_OPTIONS_WRONG;
		options->signing.n_keys++;
	}
	options->signing.key = options->key;
	sign_keys_assign(options->key, options->signing.n_keys);
	return SIGN_OPTIONS_GOOD;
}

void sign_options_done(struct sign_options *options)
{
	for (size_t i = 0; i < options->signing.n_keys; i++)
		make_key_free(options->key[i].key);
}
