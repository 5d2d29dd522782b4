// SPDX-License-Identifier: GPL-3.0-or-later
/* NSEC and NSEC3 records from text; see denial.h. */
#include "../test.h"

#include "denial.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

void test_hash_text(const uint8_t hash[20], char out[33])
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = 0;
		for (unsigned b = 0; b < 5; b++)
			value = value << 1 | (hash[(i * 5 + b) / 8] >> (7 - (i * 5 + b) % 8) & 1U);
		out[i] = digits[value];
	}
	out[32] = '\0';
}

static void hash_read(const char *text, uint8_t out[20])
{
	assert_int_equal(strlen(text), 32);
	memset(out, 0, 20);
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = (unsigned)(strchr(digits, text[i]) - digits);
		for (unsigned b = 0; b < 5; b++)
			out[(i * 5 + b) / 8] |= (uint8_t)(((value >> (4 - b)) & 1U) << (7 - (i * 5 + b) % 8));
	}
}

/* Writes the bitmap of the types left in the text. */
static size_t bitmap_write(char **rest, uint8_t *out)
{
	uint8_t map[256][32] = {{0}};
	size_t len = 0;
	for (char *word; (word = strtok_r(NULL, " ", rest)) != NULL;) {
		int type = wire_type_parse(word);
		assert_true(type >= 0);
		map[type >> 8][(type & 255) / 8] |= (uint8_t)(0x80 >> (type & 7));
	}
	for (unsigned w = 0; w < 256; w++) {
		unsigned size = 32;
		while (size > 0 && map[w][size - 1] == 0)
			size--;
		if (size == 0)
			continue;
		out[len] = (uint8_t)w;
		out[len + 1] = (uint8_t)size;
		memcpy(out + len + 2, map[w], size);
		len += size + 2;
	}
	return len;
}

static size_t nsec3_write(char **rest, uint8_t *out)
{
	out[0] = (uint8_t)strtoul(strtok_r(NULL, " ", rest), NULL, 10);
	out[1] = (uint8_t)strtoul(strtok_r(NULL, " ", rest), NULL, 10);
	wire_put16(out + 2, (uint16_t)strtoul(strtok_r(NULL, " ", rest), NULL, 10));
	const char *salt = strtok_r(NULL, " ", rest);
	size_t salt_len = strcmp(salt, "-") == 0 ? 0 : strlen(salt) / 2;
	out[4] = (uint8_t)salt_len;
	for (size_t i = 0; i < salt_len; i++) {
		unsigned byte;
		assert_int_equal(sscanf(salt + 2 * i, "%2x", &byte), 1);
		out[5 + i] = (uint8_t)byte;
	}
	out[5 + salt_len] = 20;
	hash_read(strtok_r(NULL, " ", rest), out + 6 + salt_len);
	return 26 + salt_len;
}

void test_denial_init(struct test_denial *denial, const char *zone)
{
	memset(denial, 0, sizeof *denial);
	assert_true(wire_name_parse(zone, denial->zone) > 0);
	denial->denial = (struct dnssec_denial){.zone = denial->zone, .set = denial->set, .labels = denial->labels};
}

void test_denial_add(struct test_denial *denial, const char *text)
{
	char copy[4096], *rest = NULL;
	size_t i = denial->denial.n++, len;
	assert_true(i < TEST_RECORDS_MAX);
	bool expanded = *text == '!';
	snprintf(copy, sizeof copy, "%s", text + expanded);
	assert_true(wire_name_parse(strtok_r(copy, " ", &rest), denial->owner[i]) > 0);
	uint8_t *out = denial->data[i];
	bool nsec3 = strcmp(strtok_r(NULL, " ", &rest), "NSEC3") == 0;
	if (nsec3) {
		len = nsec3_write(&rest, out);
	} else {
		int n = wire_name_parse(strtok_r(NULL, " ", &rest), out);
		assert_true(n > 0);
		len = (size_t)n;
	}
	len += bitmap_write(&rest, out + len);
	denial->rdata[i] = (struct wire_rdata){out, (uint16_t)len};
	denial->labels[i] = (uint8_t)(wire_name_labels(denial->owner[i]) -
				      (denial->owner[i][0] == 1 && denial->owner[i][1] == '*') - expanded);
	denial->set[i] = (struct wire_rrset){.owner = denial->owner[i],
					     .type = nsec3 ? WIRE_TYPE_NSEC3 : WIRE_TYPE_NSEC,
					     .rclass = WIRE_CLASS_IN,
					     .ttl = 300,
					     .count = 1,
					     .rdata = &denial->rdata[i]};
}
