// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan priming: what the answer to a priming question weighs, for any names, addresses and signatures. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "planner.h"

static const char help[] =
	"usage: banyan plan priming [OPTIONS]\n"
	"\n"
	"Answers priming questions with the server's own code and takes the messages apart.\n"
	"\n"
	"which root:\n"
	"  --names PATTERN      of its servers, % is a letter: a, b, ... z, aa (%.root-servers.net)\n"
	"  --servers N          how many (13)\n"
	"  --addresses A,AAAA   of each server (1,1)\n"
	"  --server NAME[=ADDRESS,...]  one server, as it is; may be repeated, in place of --names\n"
	"  --from FILE          the servers of a zone or of a hints file, in place of --names\n"
	"  --edition FILE       those that the description of an edition has, and its keys\n"
	"  --cut LABELS         so many last labels of the names are delegated by the root: their\n"
	"                       addresses are glue; 0: they are the root's own, and signed\n"
	"                       (1 for names of several labels, 0 for others)\n"
	"  --sign ALGORITHM     who signs: rsa2048, ecdsa256, ecdsa384, ed25519, ed448, a number of bytes,\n"
	"                       or none; may be repeated (as the file has it, else rsa2048)\n"
	"  --scheme SECTION     one of RSSAC028's: 5.1 to 5.6, in place of --names and --cut\n"
	"  --schemes            all six, side by side\n"
	"  --zone FILE          a root zone as it stands, signatures and all\n"
	"  --seeds              the known figures of the root, found again, and the six schemes\n"
	"what is asked:\n"
	"  --sizes LIST         EDNS sizes (512,1232,1410,4096)\n"
	"  --against ADDRESS[@PORT]  ask this server the same and explain each byte of the difference\n"
	"what is written:\n"
	"  --records            each record: its place, its bytes, how its names are compressed\n"
	"  --json               one JSON object\n"
	"  --svg FILE           a picture: bytes against the number of servers\n"
	"  --write-zones DIR    the root and the zones beside it as master files, the root's trust\n"
	"                       anchors as root.anchors, and stop\n"
	"  --help               this\n";

enum {
	OPTION_NAMES = 256,
	OPTION_SERVERS,
	OPTION_ADDRESSES,
	OPTION_SERVER,
	OPTION_FROM,
	OPTION_EDITION,
	OPTION_CUT,
	OPTION_SIGN,
	OPTION_SCHEME,
	OPTION_SCHEMES,
	OPTION_ZONE,
	OPTION_SEEDS,
	OPTION_SIZES,
	OPTION_AGAINST,
	OPTION_RECORDS,
	OPTION_JSON,
	OPTION_SVG,
	OPTION_WRITE,
	OPTION_HELP
};

static const struct option table[] = {
	{"names", required_argument, NULL, OPTION_NAMES},
	{"servers", required_argument, NULL, OPTION_SERVERS},
	{"addresses", required_argument, NULL, OPTION_ADDRESSES},
	{"server", required_argument, NULL, OPTION_SERVER},
	{"from", required_argument, NULL, OPTION_FROM},
	{"edition", required_argument, NULL, OPTION_EDITION},
	{"cut", required_argument, NULL, OPTION_CUT},
	{"sign", required_argument, NULL, OPTION_SIGN},
	{"scheme", required_argument, NULL, OPTION_SCHEME},
	{"schemes", no_argument, NULL, OPTION_SCHEMES},
	{"zone", required_argument, NULL, OPTION_ZONE},
	{"seeds", no_argument, NULL, OPTION_SEEDS},
	{"sizes", required_argument, NULL, OPTION_SIZES},
	{"against", required_argument, NULL, OPTION_AGAINST},
	{"records", no_argument, NULL, OPTION_RECORDS},
	{"json", no_argument, NULL, OPTION_JSON},
	{"svg", required_argument, NULL, OPTION_SVG},
	{"write-zones", required_argument, NULL, OPTION_WRITE},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

struct planner {
	const char *names, *from, *edition, *zone, *svg, *folder;
	const struct plan_scheme *scheme;
	size_t n_servers, n_signers, n_size;
	unsigned n_a, n_aaaa, cut_labels;
	bool all_schemes, seeds, records, json, none_signs, against, counted; /* counted: by --servers or --addresses */
	struct plan_signer signer[PLAN_SIGNERS_MAX];
	uint16_t size[PLANNER_SIZES_MAX];
	struct planner_peer peer;
	struct plan_set listed; /* by --server */
	struct plan_keys *keys; /* of all editions of one run: they have the same signers */
};

static void planner_done(struct planner *p)
{
	plan_set_done(&p->listed);
	plan_keys_free(p->keys);
}

_printf_(1, 2) static int complain(const char *format, ...)
{
	va_list args;
	fprintf(stderr, "banyan plan: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CMD_ERROR;
}

/* ---- options ---- */

static bool number(const char *option, const char *text, unsigned long least, unsigned long most, unsigned long *ret)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == 0 && errno == 0 && value >= least && value <= most) {
		*ret = value;
		return true;
	}
	complain("--%s: '%s' is not a number from %lu to %lu", option, text, least, most);
	return false;
}

static bool take_addresses(struct planner *p, char *text)
{
	unsigned long a, aaaa;
	char *rest = text, *first = strsep(&rest, ",");
	if (first == NULL || rest == NULL) {
		complain("--addresses: two numbers are wanted, of A and of AAAA: 1,1");
		return false;
	}
	if (!number("addresses", first, 0, PLAN_ADDRESSES_MAX, &a) ||
	    !number("addresses", rest, 0, PLAN_ADDRESSES_MAX, &aaaa))
		return false;
	p->n_a = (unsigned)a;
	p->n_aaaa = (unsigned)aaaa;
	p->counted = true;
	return true;
}

static bool take_server(struct planner *p, char *text)
{
	struct addr address[2 * PLAN_ADDRESSES_MAX];
	char *rest = text, *name = strsep(&rest, "=");
	size_t n = 0;
	for (char *word; (word = strsep(&rest, ",")) != NULL; n++) {
		if (n == ARRAY_SIZE(address)) {
			complain("--server %s: more than %zu addresses", name, ARRAY_SIZE(address));
			return false;
		}
		if (strchr(word, '@') != NULL || addr_parse(word, 53, &address[n]) < 0) {
			complain("--server %s: '%s' is no address; say --server NAME=192.0.2.1,2001:db8::1", name,
				 word);
			return false;
		}
	}
	int rc = plan_set_add(&p->listed, name, address, n);
	if (rc == BANYAN_EINVAL)
		complain("--server: '%s' is no name of a server", name);
	else if (rc == BANYAN_EEXIST)
		complain(
			"--server %s: this server, or one of its addresses, is listed twice; names that differ in case "
			"alone are one (RFC 4343)",
			name);
	else if (rc == BANYAN_ELIMIT)
		complain("--server %s: more than %d servers", name, PLAN_SERVERS_MAX);
	else if (rc != 0)
		complain("--server %s: %s", name, error_text(rc));
	return rc == 0;
}

static bool take_sign(struct planner *p, const char *text)
{
	if (strcmp(text, "none") == 0) {
		p->none_signs = true;
		return true;
	}
	if (p->n_signers == PLAN_SIGNERS_MAX) {
		complain("--sign: more than %d", PLAN_SIGNERS_MAX);
		return false;
	}
	if (plan_signer_parse(text, &p->signer[p->n_signers]) == 0) {
		p->n_signers++;
		return true;
	}
	complain("--sign: '%s' is unknown; rsa512 to rsa4096, ecdsa256, ecdsa384, ed25519, ed448, bytes of a signature "
		 "from 17 to %d, or none are known",
		 text, PLAN_SIGNATURE_MAX);
	return false;
}

static bool take_scheme(struct planner *p, const char *text)
{
	for (size_t i = 0; i < PLAN_SCHEMES; i++)
		if (strcmp(plan_schemes[i].section, text) == 0)
			p->scheme = &plan_schemes[i];
	if (p->scheme == NULL)
		complain("--scheme: there is no '%s'; RSSAC028 has 5.1 to 5.6", text);
	return p->scheme != NULL;
}

static bool take_sizes(struct planner *p, char *text)
{
	unsigned long value;
	char *rest = text;
	p->n_size = 0;
	for (char *word; (word = strsep(&rest, ",")) != NULL;) {
		if (p->n_size == PLANNER_SIZES_MAX) {
			complain("--sizes: more than %d", PLANNER_SIZES_MAX);
			return false;
		}
		if (!number("sizes", word, 512, WIRE_MESSAGE_MAX, &value))
			return false;
		p->size[p->n_size++] = (uint16_t)value;
	}
	return true;
}

static bool take_against(struct planner *p, const char *text)
{
	p->against = addr_parse(text, 53, &p->peer.addr) == 0 && p->peer.addr.port != 0;
	if (!p->against)
		complain("--against: '%s' is no address; say 192.0.2.1 or 192.0.2.1@5300", text);
	return p->against;
}

static bool take_flag(struct planner *p, int option)
{
	p->all_schemes |= option == OPTION_SCHEMES;
	p->seeds |= option == OPTION_SEEDS;
	p->records |= option == OPTION_RECORDS;
	p->json |= option == OPTION_JSON;
	return true;
}

static bool take(struct planner *p, int option, char *text)
{
	unsigned long value;
	switch (option) {
	case OPTION_NAMES:
		p->names = text;
		return true;
	case OPTION_SERVERS:
		if (!number("servers", text, 1, PLAN_SERVERS_MAX, &value))
			return false;
		p->n_servers = value;
		p->counted = true;
		return true;
	case OPTION_ADDRESSES:
		return take_addresses(p, text);
	case OPTION_SERVER:
		return take_server(p, text);
	case OPTION_FROM:
		p->from = text;
		return true;
	case OPTION_EDITION:
		p->edition = text;
		return true;
	case OPTION_CUT:
		if (!number("cut", text, 0, 126, &value))
			return false;
		p->cut_labels = (unsigned)value;
		return true;
	case OPTION_SIGN:
		return take_sign(p, text);
	case OPTION_SCHEME:
		return take_scheme(p, text);
	case OPTION_ZONE:
		p->zone = text;
		return true;
	case OPTION_SIZES:
		return take_sizes(p, text);
	case OPTION_AGAINST:
		return take_against(p, text);
	case OPTION_SVG:
		p->svg = text;
		return true;
	case OPTION_WRITE:
		p->folder = text;
		return true;
	default:
		return take_flag(p, option);
	}
}

/* Only one of those that say which root it is. */
static bool agree(const struct planner *p)
{
	unsigned ways = (p->names != NULL) + (p->from != NULL) + (p->edition != NULL) + (p->zone != NULL) +
			(p->listed.n > 0) + (p->scheme != NULL) + p->all_schemes + p->seeds;
	bool many = p->all_schemes || p->seeds;
	if (ways > 1)
		complain("--names, --server, --from, --edition, --zone, --scheme, --schemes and --seeds each say which "
			 "root; take "
			 "one");
	else if (p->cut_labels != PLAN_CUT_BY_NAME && (p->scheme != NULL || many || p->zone != NULL))
		complain("--cut goes with --names, --server, --from or --edition");
	else if (p->counted && (p->from != NULL || p->edition != NULL || p->zone != NULL || p->listed.n > 0))
		complain("--servers and --addresses go with --names and the schemes; those of --server, --from, "
			 "--edition and "
			 "--zone are as many as they are");
	else if (p->none_signs && p->n_signers > 0)
		complain("--sign none goes with no other --sign");
	else if (p->zone != NULL && (p->n_signers > 0 || p->none_signs || p->svg != NULL || p->folder != NULL))
		complain("--zone takes a zone as it stands: no --sign, --svg, --write-zones with it; --from takes its "
			 "servers alone");
	else if (many && (p->against || p->records || p->folder != NULL))
		complain("--against, --records and --write-zones are about one root; take --scheme");
	else if (p->seeds && (p->n_signers > 0 || p->none_signs || p->svg != NULL))
		complain("--seeds are roots that are known; no --sign or --svg with it");
	else
		return true;
	return false;
}

/* ---- one root ---- */

static int find_servers(const struct planner *p, const struct plan_scheme *scheme, struct planner_found *ret)
{
	if (p->from != NULL)
		return planner_from_zone(p->from, ret);
	if (p->edition != NULL)
		return planner_from_edition(p->edition, ret);
	const char *pattern = scheme != NULL ? scheme->pattern : p->names != NULL ? p->names : "%.root-servers.net";
	/* more than are asked about: how many fit is asked too */
	int rc = plan_set_pattern(pattern, p->n_servers, PLAN_SERVERS_MAX, p->n_a, p->n_aaaa, &ret->set);
	if (rc == BANYAN_EINVAL || rc == BANYAN_ELIMIT)
		complain("--names: no name of a server comes of '%s', or not %zu: a name has labels of 1 to 63 bytes "
			 "and 255 "
			 "in all",
			 pattern, p->n_servers);
	else if (rc != 0)
		complain("%s", error_text(rc));
	return rc;
}

static void take_signers(const struct planner *p, const struct planner_found *found, struct plan_edition *edition)
{
	bool told = p->n_signers > 0 || p->none_signs;
	edition->n_signers = told ? p->n_signers : found->n_signers;
	memcpy(edition->signer, told ? p->signer : found->signer, sizeof edition->signer);
	if (!told && found->n_signers == 0 && plan_signer_parse("rsa2048", &edition->signer[0]) == 0)
		edition->n_signers = 1; /* as the root is */
}

/* No keys of an algorithm that is to come: then its signatures are bytes. */
static int take_keys(struct planner *p, struct plan_edition *edition)
{
	int rc = 0;
	if (p->keys == NULL && edition->n_signers > 0)
		rc = plan_keys_new(edition->signer, edition->n_signers, clock_wall_s(), &p->keys);
	edition->keys = p->keys;
	return rc == BANYAN_EUNSUPP || rc == BANYAN_EINVAL ? 0 : rc;
}

/* `found`: where the servers go, unless they were listed. */
static int edition_of(struct planner *p, const struct plan_scheme *scheme, struct planner_found *found,
		      struct planner_plan *plan)
{
	struct plan_edition *edition = &plan->edition;
	int rc = p->listed.n > 0 ? 0 : find_servers(p, scheme, found);
	if (rc != 0)
		return rc;
	edition->set = p->listed.n > 0 ? &p->listed : &found->set;
	edition->n = p->listed.n > 0 || p->from != NULL || p->edition != NULL ? edition->set->n : p->n_servers;
	edition->cut_labels = p->cut_labels;
	take_signers(p, found, edition);
	rc = take_keys(p, edition);
	if (scheme == NULL || rc != 0)
		return rc == 0 ? 0 : complain("keys: %s", error_text(rc));
	edition->cut_labels = scheme->cut_labels;
	edition->child_labels = scheme->child_labels;
	edition->child_signed = scheme->child_signed;
	plan->section = scheme->section;
	plan->title = scheme->title;
	plan->words = scheme->words;
	return 0;
}

static void zones_free(struct zone **zone, int n)
{
	while (n > 0)
		zone_free(zone[--n]);
}

/* The root and what is beside it; how many zones. */
static int zones_of(const struct plan_edition *edition, struct zone *zone[PLANNER_CHILDREN_MAX + 1])
{
	int rc = plan_zone(edition, &zone[0]);
	if (rc != 0)
		return rc;
	int n = plan_children(edition, zone + 1, PLANNER_CHILDREN_MAX);
	if (n < 0)
		zone_free(zone[0]);
	return n < 0 ? n : n + 1;
}

/* What proves the zones that were written: `banyan verify --anchor`. */
static int write_anchors(const struct planner *p, const struct zone *root)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	const struct wire_rrset *set = zone_node_set(root, zone_find(root, root->apex), WIRE_TYPE_DNSKEY);
	char path[4096];
	int rc = 0;
	for (uint32_t i = 0; set != NULL && i < set->count && rc == 0; i++) {
		if (set->rdata[i].len < 2 || (set->rdata[i].data[1] & 1) == 0) /* SEP, RFC 4034 section 2.1.1 */
			continue;
		rc = wire_record_text(set->owner, set->ttl, set->rclass, set->type, &set->rdata[i], &text);
		if (rc == 0)
			rc = buffer_append(&text, "\n", 1);
	}
	snprintf(path, sizeof path, "%s/root.anchors", p->folder);
	return rc != 0 || text.len == 0 ? rc : file_write_atomic(path, text.data, text.len);
}

static int write_zones(const struct planner *p, const struct plan_edition *edition)
{
	struct zone *zone[PLANNER_CHILDREN_MAX + 1];
	int n = zones_of(edition, zone), rc = n < 0 ? n : 0;
	if (rc == 0 && mkdir(p->folder, 0777) != 0 && errno != EEXIST)
		rc = error_from_errno(errno);
	for (int i = 0; i < n && rc == 0; i++) {
		_cleanup_(buffer_done) struct buffer text = {0};
		char name[WIRE_NAME_TEXT_MAX], path[4096];
		wire_name_text(zone[i]->apex, name);
		snprintf(path, sizeof path, "%s/%szone", p->folder, i == 0 ? "root." : name);
		rc = zone_write_text(zone[i], &text);
		if (rc == 0)
			rc = file_write_atomic(path, text.data, text.len);
		if (rc == 0)
			printf("%s %s\n", name, path);
	}
	if (rc == 0)
		rc = write_anchors(p, zone[0]);
	zones_free(zone, n);
	return rc == 0 ? CMD_OK : complain("%s: %s", p->folder, error_text(rc));
}

static int run_edition(struct planner *p, const struct plan_asker *asker, struct planner_plan *plan)
{
	struct zone *zone[PLANNER_CHILDREN_MAX + 1];
	plan->n_size = p->n_size;
	memcpy(plan->size, p->size, sizeof plan->size);
	int n = zones_of(&plan->edition, zone), rc = n < 0 ? n : 0;
	if (rc == 0)
		rc = asker->load(asker->ctx, zone, (size_t)n);
	if (rc == 0)
		rc = planner_run(asker, zone[0], p->against ? &p->peer : NULL, true, plan);
	zones_free(zone, n);
	return rc;
}

static int run_zone(struct planner *p, const struct plan_asker *asker, struct planner_plan *plan, struct plan_set *set)
{
	struct zone *zone;
	plan->n_size = p->n_size;
	memcpy(plan->size, p->size, sizeof plan->size);
	int rc = planner_zone_read(p->zone, &zone);
	if (rc != 0)
		return rc;
	const struct zone_node *apex = zone_find(zone, zone->apex);
	if (apex == NULL || zone_node_set(zone, apex, WIRE_TYPE_SOA) == NULL) {
		zone_free(zone);
		complain("%s: there is no SOA of the root, so this is no zone; --from takes the servers of a file of "
			 "hints",
			 p->zone);
		return BANYAN_ENOENT;
	}
	rc = plan_set_from_zone(zone, set);
	if (rc == 0)
		rc = asker->load(asker->ctx, &zone, 1);
	plan->edition = (struct plan_edition){.set = set, .n = set->n};
	if (rc == 0)
		rc = planner_run(asker, zone, p->against ? &p->peer : NULL, false, plan);
	if (rc != 0 && p->peer.why[0] == 0)
		complain("%s: %s", p->zone,
			 rc == BANYAN_ENOENT ? "there are no NS records of the root" : error_text(rc));
	zone_free(zone);
	return rc;
}

/* ---- pictures ---- */

static void label(struct plan_curve *curve, const struct planner_plan *plan, const char *words)
{
	char name[WIRE_NAME_TEXT_MAX];
	wire_name_text(plan->edition.set->server[0].name, name);
	if (plan->section != NULL)
		snprintf(curve->label, sizeof curve->label, "%s %.40s%s", plan->section, plan->title, words);
	else
		snprintf(curve->label, sizeof curve->label, "%.36s%s", name, words);
}

/* Of one root a curve for each kind of question; of several one each, with signatures. */
static int draw(const struct planner *p, const struct plan_asker *asker, const struct planner_plan *plan, size_t n)
{
	static const struct {
		struct plan_question question;
		const char *words;
	} kinds[] = {
		{{.size = 0}, ", no EDNS"},
		{{.size = 1232}, ", EDNS"},
		{{.size = 1232, .dnssec = true}, ", signed"},
		{{.size = 1232, .dnssec = true, .cookie = true}, ", signed, cookie"},
	};
	static size_t points[PLAN_CURVES_MAX][PLAN_SERVERS_MAX];
	struct plan_curve curve[PLAN_CURVES_MAX];
	_cleanup_(buffer_done) struct buffer out = {0};
	size_t n_curves = n == 1 ? ARRAY_SIZE(kinds) : n;
	size_t most = p->size[0];
	int rc = 0;
	for (size_t i = 0; i < p->n_size; i++)
		most = p->size[i] > most ? p->size[i] : most;
	for (size_t i = 0; i < n_curves && rc == 0; i++) {
		const struct planner_plan *drawn = n == 1 ? plan : &plan[i];
		size_t kind = n == 1 ? i : 2;
		curve[i] = (struct plan_curve){.n = PLAN_SERVERS_MAX, .bytes = points[i]};
		label(&curve[i], drawn, n == 1 ? kinds[kind].words : "");
		rc = plan_curve(asker, &drawn->edition, &kinds[kind].question, most, &curve[i]);
	}
	if (rc == 0)
		rc = plan_svg(curve, n_curves, p->size, p->n_size, &out);
	if (rc == 0)
		rc = file_write_atomic(p->svg, out.data, out.len);
	return rc == 0 ? CMD_OK : complain("%s: %s", p->svg, error_text(rc));
}

/* ---- running ---- */

static int fail(const struct planner *p, int rc)
{
	if (p->peer.why[0] != 0)
		return complain("%s", p->peer.why);
	return complain("%s", error_text(rc));
}

static int run_many(struct planner *p, const struct plan_asker *asker, struct planner_plan *plan)
{
	struct planner_found found[PLAN_SCHEMES] = {0};
	struct planner_seed seed[PLANNER_SEEDS] = {0};
	int status = CMD_OK, rc = p->seeds ? planner_seeds(asker, clock_wall_s(), seed) : 0;
	for (size_t i = 0; i < PLAN_SCHEMES && rc == 0; i++) {
		rc = edition_of(p, &plan_schemes[i], &found[i], &plan[i]);
		if (rc == 0)
			rc = run_edition(p, asker, &plan[i]);
	}
	if (rc != 0)
		status = fail(p, rc);
	else if (p->json)
		planner_json(p->seeds ? seed : NULL, plan, PLAN_SCHEMES);
	if (rc == 0 && !p->json) {
		if (p->seeds)
			planner_print_seeds(seed);
		planner_print_schemes(plan, PLAN_SCHEMES);
	}
	for (size_t i = 0; i < PLANNER_SEEDS && p->seeds && rc == 0; i++)
		if (seed[i].found != seed[i].expected)
			status = CMD_NO;
	if (rc == 0 && p->svg != NULL)
		status = draw(p, asker, plan, PLAN_SCHEMES);
	for (size_t i = 0; i < PLANNER_SEEDS; i++)
		plan_message_done(&seed[i].message);
	for (size_t i = 0; i < PLAN_SCHEMES; i++) {
		planner_plan_done(&plan[i]);
		plan_set_done(&found[i].set);
	}
	return status;
}

static void found_done(struct planner_found *found)
{
	plan_set_done(&found->set);
}

static int run_one(struct planner *p, const struct plan_asker *asker, struct planner_plan *plan)
{
	_cleanup_(found_done) struct planner_found found = {0};
	int status = CMD_OK;
	if (p->zone != NULL) {
		if (run_zone(p, asker, plan, &found.set) != 0)
			return p->peer.why[0] != 0 ? fail(p, 0) : CMD_ERROR;
	} else {
		if (edition_of(p, p->scheme, &found, plan) != 0)
			return CMD_ERROR;
		if (p->folder != NULL)
			return write_zones(p, &plan->edition);
		int rc = run_edition(p, asker, plan);
		if (rc != 0) {
			planner_plan_done(plan);
			return fail(p, rc);
		}
	}
	if (p->json)
		planner_json(NULL, plan, 1);
	else
		planner_print(plan);
	if (p->records && !p->json)
		planner_print_records(plan);
	if (p->svg != NULL)
		status = draw(p, asker, plan, 1);
	planner_plan_done(plan);
	return status;
}

static int run(struct planner *p)
{
	struct planner_server *server;
	_cleanup_(base_free) struct planner_plan *plan = calloc(PLAN_SCHEMES, sizeof *plan);
	if (plan == NULL || planner_server_new(&server) != 0)
		return complain("out of memory");
	struct plan_asker asker = planner_server_asker(server);
	int status = p->all_schemes || p->seeds ? run_many(p, &asker, plan) : run_one(p, &asker, plan);
	planner_server_free(server);
	return status;
}

int cmd_plan(int argc, char **argv)
{
	_cleanup_(planner_done) struct planner p = {.n_servers = 13,
						    .n_a = 1,
						    .n_aaaa = 1,
						    .cut_labels = PLAN_CUT_BY_NAME,
						    .n_size = 4,
						    .size = {512, 1232, 1410, 4096}};
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return CMD_OK;
	}
	if (argc < 2 || strcmp(argv[1], "priming") != 0) {
		fputs(help, stderr);
		return CMD_ERROR;
	}
	argc--;
	argv++;
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		if (option == OPTION_HELP || option == '?') {
			fputs(help, option == OPTION_HELP ? stdout : stderr);
			return option == OPTION_HELP ? CMD_OK : CMD_ERROR;
		}
		if (!take(&p, option, optarg))
			return CMD_ERROR;
	}
	if (optind != argc)
		return complain("'%s' is not understood; `banyan plan priming --help`", argv[optind]);
	return agree(&p) ? run(&p) : CMD_ERROR;
}
