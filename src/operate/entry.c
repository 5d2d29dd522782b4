// SPDX-License-Identifier: GPL-3.0-or-later
/* Entries of the cache as lines: master-file text with what is known of it behind a semicolon, or JSON. */
#include "json.h"
#include "operate.h"

#include <inttypes.h>

static const char *const kinds[] = {"set", "nodata", "nxdomain", "delegation", "failure"};

static int note(const struct resolve_entry *entry, struct buffer *out)
{
	char addr[ADDR_TEXT_MAX];
	int rc = buffer_printf(out, " ; %s, %" PRId64 " s old", entry->security, entry->age_s);
	if (rc >= 0 && entry->ttl_s < 0)
		rc = buffer_printf(out, ", expired for %" PRId64 " s", -entry->ttl_s);
	if (rc >= 0 && entry->server.family != 0)
		rc = buffer_printf(out, ", from %s", addr_format(&entry->server, entry->server.port != 53, addr));
	else if (rc >= 0 && entry->root_serial != 0)
		rc = buffer_printf(out, ", from the root %" PRIu32, entry->root_serial);
	if (rc >= 0 && entry->algorithm != 0)
		rc = buffer_printf(out, ", proved by key %u/%u", entry->algorithm, entry->key_tag);
	return rc < 0 ? rc : buffer_printf(out, "\n");
}

static int records(const struct resolve_entry *entry, struct buffer *out)
{
	for (size_t i = 0; i < entry->n_sets; i++) {
		const struct wire_rrset *set = &entry->set[i];
		for (uint32_t r = 0; r < set->count; r++) {
			int rc = wire_record_text(set->owner, set->ttl, set->rclass, set->type, &set->rdata[r], out);
			if (rc >= 0)
				rc = note(entry, out);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int operate_entry_text(const struct resolve_entry *entry, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX], type[16];
	wire_name_text(entry->name, name);
	wire_type_text(entry->type, type);
	int64_t ttl_s = entry->ttl_s < 0 ? 0 : entry->ttl_s;
	int rc = 0;
	switch (entry->kind) {
	case RESOLVE_ENTRY_SET:
	case RESOLVE_ENTRY_DELEGATION:
		return records(entry, out);
	case RESOLVE_ENTRY_NODATA:
		rc = buffer_printf(out, "; %s %" PRId64 " has no %s", name, ttl_s, type);
		break;
	case RESOLVE_ENTRY_NXDOMAIN:
		rc = buffer_printf(out, "; %s %" PRId64 " does not exist", name, ttl_s);
		break;
	case RESOLVE_ENTRY_FAILURE:
		rc = buffer_printf(out, "; %s %" PRId64 " %s failed: %s", name, ttl_s, type,
				   reason_code(entry->reason));
		break;
	}
	return rc < 0 ? rc : note(entry, out);
}

static void json_records(struct json *json, const struct resolve_entry *entry)
{
	json_open(json, "records", '[');
	for (size_t i = 0; i < entry->n_sets; i++)
		for (uint32_t r = 0; r < entry->set[i].count; r++) {
			_cleanup_(buffer_done) struct buffer text = {0};
			if (wire_rdata_text(entry->set[i].type, &entry->set[i].rdata[r], &text) < 0 ||
			    buffer_append(&text, "", 1) < 0) {
				json->error = BANYAN_ENOMEM;
				return;
			}
			char type[16];
			wire_type_text(entry->set[i].type, type);
			json_open(json, NULL, '{');
			json_text(json, "type", type);
			json_text(json, "data", (const char *)text.data);
			json_close(json, '}');
		}
	json_close(json, ']');
}

int operate_entry_json(const struct resolve_entry *entry, struct buffer *out)
{
	struct json json = {.out = out};
	char name[WIRE_NAME_TEXT_MAX], type[16], addr[ADDR_TEXT_MAX];
	wire_type_text(entry->type, type);
	json_open(&json, NULL, '{');
	json_text(&json, "kind", kinds[entry->kind]);
	json_text(&json, "name", wire_name_text(entry->name, name));
	if (entry->kind != RESOLVE_ENTRY_NXDOMAIN)
		json_text(&json, "type", type);
	json_number(&json, "ttl", entry->ttl_s);
	json_number(&json, "age", entry->age_s);
	json_text(&json, "security", entry->security);
	if (entry->server.family != 0)
		json_text(&json, "server", addr_format(&entry->server, entry->server.port != 53, addr));
	if (entry->root_serial != 0)
		json_number(&json, "root_serial", entry->root_serial);
	if (entry->algorithm != 0) {
		json_number(&json, "algorithm", entry->algorithm);
		json_number(&json, "key_tag", entry->key_tag);
	}
	if (entry->kind == RESOLVE_ENTRY_FAILURE)
		json_text(&json, "reason", reason_code(entry->reason));
	if (entry->n_sets > 0)
		json_records(&json, entry);
	json_close(&json, '}');
	return json.error < 0 ? json.error : buffer_append(out, "\n", 1);
}
