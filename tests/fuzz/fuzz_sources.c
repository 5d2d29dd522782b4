// SPDX-License-Identifier: GPL-3.0-or-later
/* Sources and publication lists: any text. A source that is taken is taken again as the same from its own words; a list is tried as it is, and
 * once more with the checksum that it should have, since guessing that is not what is tried here. And the begin of a zone, where its serial is looked
 * for. */
#include "sync/pull/fetch.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_source(const struct pull_source *source)
{
	struct pull_source again;
	char why[PULL_WHY_MAX];
	if (pull_source_parse(source->text, &again, why) < 0 || again.kind != source->kind ||
	    strcmp(again.text, source->text) != 0 || strcmp(again.place, source->place) != 0 ||
	    strcmp(again.host, source->host) != 0 || again.n_addresses != source->n_addresses) {
		fprintf(stderr, "'%s' is another source when it is read again\n", source->text);
		abort();
	}
	for (size_t i = 0; i < source->n_addresses; i++)
		if (source->address[i].family == 0 || source->address[i].port == 0)
			abort();
	if ((source->kind == PULL_SOURCE_XFR || source->kind == PULL_SOURCE_HTTP) != (source->host[0] != '\0') &&
	    source->kind != PULL_SOURCE_XOT && source->kind != PULL_SOURCE_LIST)
		abort();
}

static void check_list(const char *text, size_t len)
{
	struct pull_list_settings settings = {.now = 1790000000};
	struct pull_list list;
	char why[PULL_WHY_MAX] = "";
	if (pull_list_parse(text, len, &settings, &list, why) < 0) {
		if (why[0] == '\0')
			abort();
		return;
	}
	if (list.sources.n == 0 || list.sources.n > PULL_SOURCES_MAX)
		abort();
	for (size_t i = 0; i < list.sources.n; i++) {
		enum pull_source_kind kind = list.sources.item[i].kind;
		if (kind != PULL_SOURCE_XFR && kind != PULL_SOURCE_XOT && kind != PULL_SOURCE_HTTP)
			abort(); /* a list that reaches into the machine that reads it */
		check_source(&list.sources.item[i]);
	}
	pull_list_done(&list);
}

static void check_list_with_checksum(const uint8_t *data, size_t len)
{
	uint8_t digest[32];
	char *text = malloc(len + 128);
	if (text == NULL)
		return;
	memcpy(text, data, len);
	EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL);
	len += (size_t)sprintf(text + len, "----\nSHA256\n");
	for (size_t i = 0; i < sizeof digest; i++)
		len += (size_t)sprintf(text + len, "%02x", digest[i]);
	check_list(text, len);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pull_source source;
	char why[PULL_WHY_MAX] = "", *text = malloc(len + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (pull_source_parse(text, &source, why) == 0)
		check_source(&source);
	else if (why[0] == '\0')
		abort();
	free(text);
	text = malloc(len > 0 ? len : 1); /* exactly as long, so that reading on is seen */
	if (text == NULL)
		return 0;
	uint32_t serial;
	memcpy(text, data, len);
	check_list(text, len);
	(void)pull_serial_hint((uint8_t *)text, len, (const uint8_t *)"", &serial);
	free(text);
	check_list_with_checksum(data, len);
	return 0;
}
