// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Files of publish/keys: requests and responses of an offline KSK, and states of keys; any text. What is taken is written again and read as the
 * same; what is refused is refused with words. A state that is taken goes through ten years of the machine.
 */
#include "publish/keys/request.h"

#include <stdlib.h>
#include <string.h>

#define YEARS 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void request(const char *text, size_t len)
{
	_cleanup_(buffer_done) struct buffer written = {0}, twice = {0};
	struct keys_request first, again;
	char why[KEYS_WHY_MAX] = "";
	if (keys_request_read("input", text, len, &first, why) != 0) {
		if (why[0] == '\0')
			abort();
		return;
	}
	if (keys_request_write(&first, &written) != 0 ||
	    keys_request_read("again", (const char *)written.data, written.len, &again, why) != 0 ||
	    keys_request_write(&again, &twice) != 0 || written.len != twice.len ||
	    memcmp(written.data, twice.data, twice.len) != 0 || first.n != again.n)
		abort();
	/* each key of each bundle is tried, and none of this is a signature */
	for (size_t b = 0; b < first.n && b < 4; b++)
		for (size_t k = 0; k < first.bundle[b].n_keys && k < 4; k++)
			(void)keys_bundle_signed_by(&first, &first.bundle[b], &first.bundle[b].key[k],
						    first.bundle[b].from);
	keys_request_done(&first);
	keys_request_done(&again);
}

/* The same with the right sum: mutations would never find it. */
static void request_summed(const uint8_t *data, size_t len)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char sum[KEYS_SUM_MAX];
	const uint8_t *end = NULL;
	for (size_t i = 0; i + 5 <= len; i++)
		if (memcmp(data + i, "\nsum ", 5) == 0)
			end = data + i + 1;
	if (end == NULL)
		return;
	keys_sum(data, (size_t)(end - data), sum);
	if (buffer_append(&text, data, (size_t)(end - data)) == 0 && buffer_printf(&text, "sum %s\n", sum) >= 0)
		request((const char *)text.data, text.len);
}

static void add_wanted(struct keys_state *state, const struct keys_actions *actions, int64_t now)
{
	for (size_t i = 0; i < actions->n; i++) {
		uint8_t rdata[36] = {1, actions->item[i].role != KEYS_ZSK, 3, actions->item[i].algorithm};
		struct keys_key *key;
		if (actions->item[i].kind != KEYS_DO_GENERATE)
			continue;
		wire_put64(rdata + 4, (uint64_t)now);
		(void)!keys_add(state, actions->item[i].role, rdata, sizeof rdata, "", now, &key);
	}
}

static void state(const char *text, size_t len)
{
	static struct keys_state read, again;
	_cleanup_(buffer_done) struct buffer written = {0};
	struct keys_policy policy, policy_again;
	struct keys_actions actions;
	char why[KEYS_WHY_MAX] = "";
	if (keys_state_read("input", text, len, &read, &policy, why) != 0) {
		if (why[0] == '\0')
			abort();
		return;
	}
	if (keys_state_write(&read, &policy, &written) != 0 ||
	    keys_state_read("again", (const char *)written.data, written.len, &again, &policy_again, why) != 0 ||
	    again.n != read.n || memcmp(&policy, &policy_again, sizeof policy) != 0)
		abort();
	for (int64_t now = 1790000000; now < 1790000000 + YEARS * 31536000LL; now += 86400 * 17) {
		keys_step(&read, &policy, NULL, now, &actions);
		add_wanted(&read, &actions, now);
		keys_state_offered(&read, now);
		(void)keys_next(&read, &policy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	request((const char *)data, len);
	request_summed(data, len);
	state((const char *)data, len);
	return 0;
}
