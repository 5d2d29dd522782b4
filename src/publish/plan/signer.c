// SPDX-License-Identifier: GPL-3.0-or-later
/* Who signs: how long the signatures of an algorithm are. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN      512 /* RFC 5702 section 2.1 */
#define RSA_BITS_MAX      4096
#define ALGORITHM_TO_COME 253 /* PRIVATEDNS: of what has no number yet */

/* RFC 5702 section 3, RFC 6605 section 4, RFC 8080 section 4 */
static const struct {
	const char *name;
	uint8_t algorithm;
	uint16_t size; /* 0: that of an RSA modulus */
} algorithms[] = {
	{"rsa", 8, 0},        {"rsasha512-", 10, 0}, {"ecdsa256", 13, 64},
	{"ecdsa384", 14, 96}, {"ed25519", 15, 64},   {"ed448", 16, 114},
};

static bool number(const char *text, unsigned long least, unsigned long most, unsigned long *ret)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	unsigned long value = strtoul(text, &end, 10);
	if (*end != 0 || value < least || value > most)
		return false;
	*ret = value;
	return true;
}

static bool take_rsa(uint8_t algorithm, const char *bits, struct plan_signer *ret)
{
	unsigned long value;
	if (!number(bits, RSA_BITS_MIN, RSA_BITS_MAX, &value))
		return false;
	*ret = (struct plan_signer){algorithm, (uint16_t)value, (uint16_t)((value + 7) / 8)};
	return true;
}

/* "8/2048", "13" */
static bool by_number(const char *text, struct plan_signer *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		char prefix[8];
		size_t len = (size_t)snprintf(prefix, sizeof prefix, algorithms[i].size == 0 ? "%u/" : "%u",
					      algorithms[i].algorithm);
		if (algorithms[i].size == 0 && strncmp(text, prefix, len) == 0)
			return take_rsa(algorithms[i].algorithm, text + len, ret);
		if (algorithms[i].size > 0 && strcmp(text, prefix) == 0) {
			*ret = (struct plan_signer){algorithms[i].algorithm, 0, algorithms[i].size};
			return true;
		}
	}
	return false;
}

int plan_signer_parse(const char *text, struct plan_signer *ret)
{
	unsigned long size;
	if (by_number(text, ret))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		size_t len = strlen(algorithms[i].name);
		if (algorithms[i].size == 0 && strncmp(text, algorithms[i].name, len) == 0)
			return take_rsa(algorithms[i].algorithm, text + len, ret) ? 0 : BANYAN_EINVAL;
		if (algorithms[i].size > 0 && strcmp(text, algorithms[i].name) == 0) {
			*ret = (struct plan_signer){algorithms[i].algorithm, 0, algorithms[i].size};
			return 0;
		}
	}
	if (!number(text, 17, PLAN_SIGNATURE_MAX, &size)) /* up to 16 it is the number of an algorithm */
		return BANYAN_EINVAL;
	*ret = (struct plan_signer){ALGORITHM_TO_COME, 0, (uint16_t)size};
	return 0;
}

char *plan_signer_text(const struct plan_signer *signer, char out[32])
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (algorithms[i].algorithm != signer->algorithm)
			continue;
		if (algorithms[i].size == 0)
			snprintf(out, 32, "%s%u", algorithms[i].name, signer->bits);
		else
			snprintf(out, 32, "%s", algorithms[i].name);
		return out;
	}
	snprintf(out, 32, "%u bytes", signer->size);
	return out;
}

/* RFC 4034 section 3.1: algorithm at 2, the signer's name at 18, the signature behind it. */
static bool signer_of(const struct wire_rdata *rdata, struct plan_signer *ret)
{
	if (rdata->len <= 19)
		return false;
	size_t at = 18 + wire_name_len(rdata->data + 18);
	if (at >= rdata->len || rdata->len - at > PLAN_SIGNATURE_MAX)
		return false;
	*ret = (struct plan_signer){.algorithm = rdata->data[2], .size = (uint16_t)(rdata->len - at)};
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (algorithms[i].algorithm == ret->algorithm && algorithms[i].size == 0)
			ret->bits = (uint16_t)(8 * ret->size);
	return true;
}

size_t plan_signers_of_zone(const struct zone *zone, struct plan_signer ret[PLAN_SIGNERS_MAX])
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *sigs = apex != NULL ? zone_node_sigs(zone, apex, WIRE_TYPE_NS) : NULL;
	size_t n = 0;
	for (uint32_t i = 0; sigs != NULL && i < sigs->count && n < PLAN_SIGNERS_MAX; i++)
		n += signer_of(&sigs->rdata[i], &ret[n]);
	return n;
}
