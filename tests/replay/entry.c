// SPDX-License-Identifier: GPL-3.0-or-later
/* ENTRY: what a server says to some questions instead of what its zones hold. */
#include "scenario.h"

#define ENTRY_DELAY_MS 20

/* ---- reading ---- */

static void read_flags(struct scenario *s, struct entry *entry)
{
	static const struct {
		const char *word;
		uint16_t flag;
	} flags[] = {{"AA", WIRE_AA},
		     {"TC", WIRE_TC},
		     {"RA", WIRE_RA},
		     {"AD", WIRE_AD},
		     {"NOERROR", 0},
		     {"NXDOMAIN", WIRE_RCODE_NXDOMAIN},
		     {"REFUSED", WIRE_RCODE_REFUSED},
		     {"SERVFAIL", WIRE_RCODE_SERVFAIL},
		     {"FORMERR", WIRE_RCODE_FORMERR},
		     {"NOTIMP", WIRE_RCODE_NOTIMP},
		     {"YXDOMAIN", WIRE_RCODE_YXDOMAIN},
		     {"NOTAUTH", WIRE_RCODE_NOTAUTH}};
	for (unsigned i = 1; i < s->n_words; i++) {
		size_t f = 0;
		while (f < ARRAY_SIZE(flags) && strcmp(flags[f].word, s->word[i]) != 0)
			f++;
		if (f < ARRAY_SIZE(flags))
			entry->flags |= flags[f].flag;
		else if (strcmp(s->word[i], "BADVERS") == 0 || strcmp(s->word[i], "BADCOOKIE") == 0)
			entry->ext_rcode = s->word[i][3] == 'V' ? WIRE_RCODE_BADVERS : WIRE_RCODE_BADCOOKIE;
		else if (strcmp(s->word[i], "silence") == 0)
			entry->silence = true;
		else if (strcmp(s->word[i], "unreachable") == 0)
			entry->unreachable = true;
		else
			bad(s, "reply: %s is unknown", s->word[i]);
	}
}

/* "SECTION RECORD", or "SECTION SIGNED owner type [of origin] [as name]". */
static void read_item(struct scenario *s, enum wire_section section, const char *text, struct entry *entry)
{
	static struct item item[ITEMS_MAX];
	unsigned n = 1;
	memset(item, 0, sizeof item);
	if (strcmp(s->word[1], "SIGNED") == 0) {
		item[0].from_zone = true;
		const char *owner = s->word[2], *type = s->word[3];
		uint8_t name[WIRE_NAME_MAX];
		bool hash = strncmp(owner, "hash:", 5) == 0;
		item[0].covers = strncmp(owner, "cover:", 6) == 0;
		text_name(s, hash ? owner + 5 : item[0].covers ? owner + 6 : owner, name);
		const struct zone_plan *plan = zones_holding(s, name);
		for (unsigned i = 4; i + 1 < s->n_words; i += 2) {
			bool as = strcmp(s->word[i], "as") == 0;
			text_name(s, s->word[i + 1], as ? item[0].as : item[0].origin);
			item[0].renamed |= as;
			if (!as)
				plan = zones_find(s, item[0].origin);
		}
		if (plan == NULL)
			bad(s, "there is no zone of %s", owner);
		memcpy(item[0].origin, plan->origin, sizeof plan->origin);
		memcpy(item[0].owner, name, sizeof name);
		if (hash || item[0].covers)
			chain_hash_owner(plan, name, item[0].owner);
		item[0].type = text_type(s, type);
	} else {
		n = text_record(s, text, item, ITEMS_MAX);
	}
	entry->item = realloc(entry->item, (entry->n_items + n) * sizeof *item);
	assert_non_null(entry->item);
	for (unsigned i = 0; i < n; i++) {
		item[i].section = section;
		if (entry->has_ttl)
			item[i].ttl = entry->ttl;
		entry->item[entry->n_items++] = item[i];
	}
}

static enum wire_section section_read(struct scenario *s, const char *word)
{
	if (strcmp(word, "answer") == 0)
		return WIRE_ANSWER;
	if (strcmp(word, "authority") == 0)
		return WIRE_AUTHORITY;
	if (strcmp(word, "additional") != 0)
		bad(s, "%s is no section", word);
	return WIRE_ADDITIONAL;
}

static void read_option(struct scenario *s, struct entry *entry, uint16_t code, const char *hex)
{
	uint8_t *at = entry->options + entry->options_len;
	if (entry->options_len + 4 + strlen(hex) / 2 > sizeof entry->options)
		bad(s, "too many options");
	size_t len = text_hex(s, hex, at + 4, sizeof entry->options - entry->options_len - 4);
	wire_put16(at, code);
	wire_put16(at + 2, (uint16_t)len);
	entry->options_len += 4 + (unsigned)len;
}

/* Lines of one word and of a word with a number; false: another line. */
static bool read_simple(struct scenario *s, struct entry *entry)
{
	struct {
		const char *word;
		bool *flag;
	} flags[] = {{"noedns", &entry->noedns}, {"do-only", &entry->do_only}, {"zone", &entry->zone},
		     {"noopt", &entry->noopt},   {"garbage", &entry->garbage}, {"below", &entry->below}};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(s->word[0], flags[i].word) != 0)
			continue;
		*flags[i].flag = true;
		return true;
	}
	if (strcmp(s->word[0], "delay") == 0)
		entry->delay_ms = (int64_t)text_number(s, s->word[1]);
	else if (strcmp(s->word[0], "only") == 0)
		entry->only = (unsigned)text_number(s, s->word[1]);
	else if (strcmp(s->word[0], "ttl") == 0) {
		entry->has_ttl = true;
		entry->ttl = (uint32_t)text_number(s, s->word[1]);
	} else if (strcmp(s->word[0], "after") == 0)
		entry->after = (unsigned)text_number(s, s->word[1]);
	else
		return false;
	return true;
}

static void read_line(struct scenario *s, struct entry *entry)
{
	const char *rest = s->line + strspn(s->line, " \t");
	rest += strcspn(rest, " \t");
	rest += strspn(rest, " \t");
	text_split(s, s->line);
	const char *word = s->word[0];
	if (read_simple(s, entry))
		return;
	if (strcmp(word, "reply") == 0) {
		read_flags(s, entry);
	} else if (strcmp(word, "without") == 0) {
		if (entry->n_without == ARRAY_SIZE(entry->without))
			bad(s, "too many lines without");
		entry->without_section[entry->n_without] = (uint8_t)section_read(s, s->word[1]);
		entry->without[entry->n_without++] =
			strcmp(s->word[2], "*") == 0 ? WIRE_TYPE_ANY : text_type(s, s->word[2]);
	} else if (strcmp(word, "forge") == 0) {
		snprintf(entry->forge, sizeof entry->forge, "%s", s->word[1]);
		entry->forge_n = (unsigned)text_number(s, s->word[2]);
	} else if (strcmp(word, "option") == 0) {
		read_option(s, entry, (uint16_t)text_number(s, s->word[1]), s->word[2]);
	} else if (strcmp(word, "ecs") == 0) {
		entry->ecs = true;
		entry->ecs_len = strcmp(s->word[1], "none") == 0
					 ? 0
					 : text_hex(s, s->word[1], entry->ecs_data, sizeof entry->ecs_data);
	} else if (strcmp(word, "cookie") == 0) {
		entry->cookie = true;
		entry->server_cookie_len = (unsigned)text_hex(s, s->word[1], entry->server_cookie, 32);
	} else {
		read_item(s, section_read(s, word), rest, entry);
	}
}

void entry_read(struct scenario *s)
{
	if (s->n_entries == ENTRIES_MAX)
		bad(s, "too many entries");
	struct entry *entry = s->entry[s->n_entries++] = calloc(1, sizeof *entry);
	assert_non_null(entry);
	entry->delay_ms = ENTRY_DELAY_MS;
	entry->any_addr = strcmp(s->word[1], "*") == 0;
	if (!entry->any_addr) {
		entry->addr = text_addr(s, s->word[1]);
		zones_server(s, &entry->addr);
	}
	entry->any_name = strcmp(s->word[2], "*") == 0;
	entry->any_type = strcmp(s->word[3], "*") == 0;
	if (!entry->any_name)
		text_name(s, s->word[2], entry->qname);
	if (!entry->any_type)
		entry->qtype = text_type(s, s->word[3]);
	entry->udp = strcmp(s->word[4], "tcp") != 0;
	entry->tcp = strcmp(s->word[4], "udp") != 0;
	while (text_line(s)) {
		if (strcmp(s->line, "END") == 0)
			return;
		read_line(s, entry);
	}
	bad(s, "END is missing");
}

/* ---- playing ---- */

static bool name_fits(const struct entry *entry, const uint8_t *name)
{
	if (entry->any_name)
		return true;
	return entry->below ? wire_name_under(name, entry->qname) : wire_name_equal(entry->qname, name);
}

static bool ecs_fits(const struct entry *entry, const struct wire_question *q)
{
	return !entry->ecs || (q->edns.ecs_len == entry->ecs_len &&
			       (entry->ecs_len == 0 || memcmp(q->edns.ecs, entry->ecs_data, entry->ecs_len) == 0));
}

static bool matches(const struct entry *entry, const struct addr *to, bool tcp, const struct wire_question *q)
{
	return (entry->any_addr || addr_equal(&entry->addr, to)) && (tcp ? entry->tcp : entry->udp) &&
	       name_fits(entry, q->lower) && (entry->any_type || entry->qtype == q->qtype) &&
	       (!entry->noedns || q->edns.present) && (!entry->do_only || q->edns.do_bit) && ecs_fits(entry, q);
}

static void put_set(struct wire_writer *writer, const struct item *item, const struct wire_rrset *set)
{
	const uint8_t *owner = item->renamed ? item->as : item->owner;
	for (uint32_t i = 0; set != NULL && i < set->count; i++)
		assert_int_equal(wire_writer_record(writer, item->section, owner, set->type, WIRE_CLASS_IN, set->ttl,
						    &set->rdata[i]),
				 0);
}

/* The NSEC3 record whose span holds this hashed owner: the last one before it, or the last of all. */
static const struct zone_node *covering(const struct zone *zone, const uint8_t *owner)
{
	const struct zone_node *found = NULL, *last = NULL;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		if (zone_node_set(zone, node, WIRE_TYPE_NSEC3) == NULL)
			continue;
		if (wire_name_cmp(node->name, owner) < 0)
			found = node;
		last = node;
	}
	return found != NULL ? found : last;
}

/* A set out of a zone as it stands there, with its signatures. */
static void put_from_zone(struct scenario *s, struct wire_writer *writer, const struct item *item)
{
	const struct zone *zone = zones_find(s, item->origin)->made->zone;
	const struct zone_node *node = item->covers ? covering(zone, item->owner) : zone_find(zone, item->owner);
	const struct wire_rrset *set = node == NULL ? NULL : zone_node_set(zone, node, item->type);
	char name[WIRE_NAME_TEXT_MAX];
	if (set == NULL)
		bad(s, "the zone has no such set at %s", wire_name_text(item->owner, name));
	struct item at = *item;
	if (item->covers)
		wire_name_lower(node->name, at.owner);
	put_set(writer, &at, set);
	put_set(writer, &at, zone_node_sigs(zone, node, item->type));
}

static bool is_without(const struct entry *entry, const struct wire_record *record, uint16_t covered)
{
	for (unsigned i = 0; i < entry->n_without; i++)
		if (entry->without_section[i] == record->section &&
		    (entry->without[i] == WIRE_TYPE_ANY || entry->without[i] == record->type ||
		     (record->type == WIRE_TYPE_RRSIG && entry->without[i] == covered)))
			return true;
	return false;
}

/* The records that the server's zones give, less some; returns the flags. */
static uint16_t put_zone(struct scenario *s, const struct entry *entry, const struct addr *to, bool tcp,
			 const uint8_t *msg, size_t msg_len, struct wire_writer *writer, enum wire_section section)
{
	static uint8_t base[WIRE_MESSAGE_MAX], data[WIRE_MESSAGE_MAX];
	struct wire_reader reader;
	struct wire_record record;
	struct world_server *server = zones_server(s, to);
	unsigned asked = server->asked, asked_tcp = server->asked_tcp;
	int len = world_server_answer(s->world, server, tcp, msg, msg_len, base);
	server->asked = asked;
	server->asked_tcp = asked_tcp;
	assert_true(len > 0);
	assert_int_equal(wire_reader_init(&reader, base, (size_t)len), 0);
	while (wire_reader_next(&reader, &record) > 0) {
		if (record.section != section || record.type == WIRE_TYPE_OPT)
			continue;
		len = wire_record_rdata(&reader, &record, data, sizeof data);
		assert_true(len >= 0);
		if (is_without(entry, &record, wire_get16(data)))
			continue;
		struct wire_rdata rdata = {data, (uint16_t)len};
		assert_int_equal(wire_writer_record(writer, section, record.owner, record.type, WIRE_CLASS_IN,
						    record.ttl, &rdata),
				 0);
	}
	return reader.flags;
}

static void put_opt(const struct entry *entry, const struct wire_question *q, struct wire_writer *writer)
{
	uint8_t options[512];
	size_t len = entry->options_len;
	if (!q->edns.present || entry->noopt)
		return;
	memcpy(options, entry->options, len);
	if (entry->cookie && q->edns.cookie != NULL) {
		wire_put16(options + len, WIRE_OPTION_COOKIE);
		wire_put16(options + len + 2, (uint16_t)(8 + entry->server_cookie_len));
		memcpy(options + len + 4, q->edns.cookie, 8);
		memcpy(options + len + 12, entry->server_cookie, entry->server_cookie_len);
		len += 12 + entry->server_cookie_len;
	}
	uint16_t rcode = entry->ext_rcode != 0 ? entry->ext_rcode : entry->flags & WIRE_RCODE_MASK;
	assert_int_equal(wire_writer_edns(writer, 1232, rcode, q->edns.do_bit, options, len), 0);
}

/* What a reply is about: it may be forged. */
struct about {
	const struct wire_question *q;
	const uint8_t *qname;
	uint16_t id;
	bool evil;
};

static int write_reply(struct scenario *s, const struct entry *entry, const struct addr *to, bool tcp,
		       const uint8_t *msg, size_t len, const struct about *about, uint8_t *out)
{
	struct wire_writer writer;
	uint16_t flags = WIRE_QR | entry->flags;
	if (entry->ext_rcode != 0)
		flags |= entry->ext_rcode & WIRE_RCODE_MASK;
	assert_int_equal(wire_writer_init(&writer, out, 65000, about->id, flags), 0);
	assert_int_equal(wire_writer_question(&writer, about->qname, about->q->qtype, WIRE_CLASS_IN), 0);
	for (int section = WIRE_ANSWER; section <= WIRE_ADDITIONAL; section++) {
		if (entry->zone)
			flags |= put_zone(s, entry, to, tcp, msg, len, &writer, (enum wire_section)section);
		for (size_t i = 0; i < entry->n_items; i++) {
			const struct item *item = &entry->item[i];
			if ((int)item->section != section)
				continue;
			if (item->from_zone) {
				put_from_zone(s, &writer, item);
				continue;
			}
			struct wire_rdata rdata = {
				about->evil && item->type == WIRE_TYPE_A ? world_evil_ip : item->data, item->len};
			assert_int_equal(wire_writer_record(&writer, item->section, item->owner, item->type,
							    WIRE_CLASS_IN, item->ttl, &rdata),
					 0);
		}
	}
	put_opt(entry, about->q, &writer);
	int made = (int)wire_writer_finish(&writer);
	wire_put16(out + 2, flags);
	if (entry->garbage)
		out[7] = 200;
	return made;
}

static void forge(struct scenario *s, const struct entry *entry, const struct addr *to, bool tcp, const uint8_t *msg,
		  size_t msg_len, const struct wire_question *q)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	for (unsigned i = 0; i < entry->forge_n; i++) {
		struct addr from = *to;
		uint8_t qname[WIRE_NAME_MAX];
		struct about about = {.q = q, .qname = qname, .id = q->id, .evil = true};
		memcpy(qname, q->qname, q->qname_len);
		if (strcmp(entry->forge, "id") == 0)
			about.id = (uint16_t)(q->id + 1 + i);
		else if (strcmp(entry->forge, "case") == 0)
			qname[1] ^= 0x20;
		else if (strcmp(entry->forge, "name") == 0)
			qname[1] = '-';
		else if (strcmp(entry->forge, "port") == 0)
			from.port = 5353;
		else
			from.ip[3] ^= 1;
		int len = write_reply(s, entry, to, tcp, msg, msg_len, &about, out);
		world_inject(s->world, 1, &from, out, (size_t)len);
	}
}

static void remember(struct scenario *s, const struct addr *to, bool tcp, const uint8_t *msg, size_t len)
{
	if (s->n_sent == s->cap_sent) {
		s->cap_sent = s->cap_sent * 2 + 256;
		s->sent = realloc(s->sent, s->cap_sent * sizeof *s->sent);
		assert_non_null(s->sent);
	}
	struct sent *sent = &s->sent[s->n_sent++];
	*sent = (struct sent){.to = *to, .tcp = tcp, .len = (uint16_t)len};
	assert_true(len <= sizeof sent->msg);
	memcpy(sent->msg, msg, len);
}

/* The last entry that fits and is not used up. */
static struct entry *choose(struct scenario *s, const struct addr *to, bool tcp, const struct wire_question *q)
{
	for (size_t i = s->n_entries; i-- > 0;) {
		struct entry *entry = s->entry[i];
		if (!matches(entry, to, tcp, q) || (entry->only > 0 && entry->used >= entry->after + entry->only))
			continue;
		entry->used++;
		if (entry->used > entry->after)
			return entry;
	}
	return NULL;
}

int entry_answer(void *ctx, const struct addr *to, bool tcp, const uint8_t *msg, size_t len, uint8_t *out,
		 int64_t *delay_ms)
{
	struct scenario *s = ctx;
	struct wire_question q;
	assert_int_equal(wire_question_parse(msg, len, &q), WIRE_ANSWERABLE);
	remember(s, to, tcp, msg, len);
	const struct entry *entry = choose(s, to, tcp, &q);
	if (entry == NULL)
		return WORLD_NOT_MINE;
	struct about about = {.q = &q, .qname = q.qname, .id = q.id};
	zones_server(s, to)->asked++;
	*delay_ms = entry->delay_ms;
	if (entry->forge_n > 0 && !tcp)
		forge(s, entry, to, tcp, msg, len, &q);
	if (entry->silence)
		return 0;
	return entry->unreachable ? BANYAN_EIO : write_reply(s, entry, to, tcp, msg, len, &about, out);
}
