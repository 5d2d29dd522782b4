// SPDX-License-Identifier: GPL-3.0-or-later
/* What a zone says of its edition: read strictly, written so that it is read as the same, and what a proof makes of it. */
#include "../test.h"

#include "signer.h"

#include <stdio.h>

#define APEX "$TTL 3600\n@ SOA ns h 7 1800 900 604800 86400\n@ NS ns\nns A 192.0.2.1\n"

static struct zone *zone_of(const char *txt)
{
	char text[2048];
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\7example"};
	struct zone_error error;
	struct zone *zone;
	int len = snprintf(text, sizeof text, APEX "%s", txt);
	if (zone_read_text("test", text, (size_t)len, &settings, NULL, NULL, &zone, &error) != 0)
		fail_msg("%s", error.text);
	return zone;
}

static int edition_of(const char *txt, struct zone_edition *ret, const char **why)
{
	struct zone *zone = zone_of(txt);
	int rc = zone_edition(zone, ret, why);
	zone_free(zone);
	return rc;
}

static void reads(const char *txt, const char *name, int64_t from, int64_t until)
{
	struct zone_edition edition;
	const char *why = "";
	if (edition_of(txt, &edition, &why) != 0)
		fail_msg("%s: %s", txt, why);
	assert_string_equal(edition.name, name);
	assert_int_equal(edition.valid_from, from);
	assert_int_equal(edition.valid_until, until);
}

static void refuses(const char *txt, const char *word)
{
	struct zone_edition edition = {.name = "untouched"};
	const char *why = NULL;
	assert_int_equal(edition_of(txt, &edition, &why), BANYAN_EMALF);
	if (strstr(why, word) == NULL)
		fail_msg("%s: %s", txt, why);
	assert_string_equal(edition.name, "untouched");
}

static void what_is_read(void **state)
{
	reads("", "", 0, 0);
	reads("@ TXT \"v=spf1 -all\" \"Edition=Big\" \"\"\n@ TXT valid\nwww TXT edition=other\n", "", 0, 0);
	reads("@ TXT edition=open-1.x_Y\n", "open-1.x_Y", 0, 0);
	reads("@ TXT edition=a \"valid-from=20261122000000\" \"valid-until=20261124000000\"\n", "a", 1795305600,
	      1795478400);
	reads("@ TXT \"valid-until=20261124000000\"\n@ TXT words edition=a\n@ TXT \"valid-from=20261122000000\"\n", "a",
	      1795305600, 1795478400);
	/* dates without a name: the plain zone on a schedule */
	reads("@ TXT \"valid-from=20261122000000\" \"valid-until=20261124000000\"\n", "", 1795305600, 1795478400);
	reads("@ TXT edition=012345678901234567890123456789012345678901234567890123456789012\n",
	      "012345678901234567890123456789012345678901234567890123456789012", 0, 0);
}

static void what_is_refused(void **state)
{
	refuses("@ TXT edition=\n", "followed by a name");
	refuses("@ TXT \"edition=two words\"\n", "followed by a name");
	refuses("@ TXT edition=0123456789012345678901234567890123456789012345678901234567890123\n",
		"followed by a name");
	refuses("@ TXT edition=a edition=a\n", "more than once");
	refuses("@ TXT edition=a\n@ TXT edition=b\n", "more than once");
	refuses("@ TXT edition=a\\000b\n", "byte of value 0");
	refuses("@ TXT edition=a valid-from=20261122000000\n", "together");
	refuses("@ TXT valid-until=20261122000000\n", "together");
	refuses("@ TXT valid-from=20261122000000 valid-until=20261122000000\n", "later than");
	refuses("@ TXT valid-from=20261123000000 valid-until=20261122000000\n", "later than");
	refuses("@ TXT valid-from=20261122000000 valid-from=20261122000000\n", "more than once");
	refuses("@ TXT valid-from=2026112200000 valid-until=20261124000000\n", "YYYYMMDDHHmmSS");
	refuses("@ TXT valid-from=20261322000000 valid-until=20261124000000\n", "YYYYMMDDHHmmSS");
	refuses("@ TXT valid-from=2026-11-22 valid-until=20261124000000\n", "YYYYMMDDHHmmSS");
	refuses("@ TXT valid-from=19691231235959 valid-until=20261124000000\n", "YYYYMMDDHHmmSS");
}

static void written(void **state)
{
	struct zone_edition edition = {.name = "e"}, again = {0};
	uint8_t rdata[ZONE_EDITION_RDATA];
	const char *why;
	size_t len;
	assert_int_equal(zone_edition_write(&edition, rdata, &len), 0);
	assert_int_equal(len, 10);
	assert_memory_equal(rdata, "\tedition=e", 10);
	memset(edition.name, 'x', sizeof edition.name - 1);
	edition.valid_from = 1795305600;
	assert_int_equal(zone_edition_write(&edition, rdata, &len), BANYAN_EINVAL);
	edition.valid_until = 1795305600;
	assert_int_equal(zone_edition_write(&edition, rdata, &len), BANYAN_EINVAL);
	edition.valid_until++;
	assert_int_equal(zone_edition_write(&edition, rdata, &len), 0);
	assert_int_equal(zone_edition_take(rdata, len, &again, &why), 0);
	assert_memory_equal(&again, &edition, sizeof edition);
	edition.name[0] = ' ';
	assert_int_equal(zone_edition_write(&edition, rdata, &len), BANYAN_EINVAL);
	edition.name[0] = '\0';
	assert_int_equal(zone_edition_write(&edition, rdata, &len), BANYAN_EINVAL);
}

/* ---- what a proof makes of it ---- */

struct proving {
	enum reason fatal, remark; /* the last of each */
	struct zone_proof proof;
};

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	struct proving *p = ctx;
	*(finding->fatal ? &p->fatal : &p->remark) = finding->reason;
}

static struct proving prove(const char *txt, const char *edition, bool dates, int64_t now)
{
	struct proving p = {0};
	struct zone *zone = zone_of(txt);
	struct zone_prove_settings settings = {.structure_only = true,
					       .edition = edition,
					       .dates = dates,
					       .now = now,
					       .report = on_finding,
					       .report_ctx = &p};
	assert_int_equal(zone_prove(zone, &settings, &p.proof), 0);
	zone_free(zone);
	assert_int_equal(p.proof.proved, p.fatal == REASON_NONE);
	assert_int_equal(p.proof.reason, p.fatal);
	return p;
}

static void names(void **state)
{
	assert_int_equal(prove("", NULL, false, 0).fatal, REASON_NONE);
	assert_int_equal(prove("", "", false, 0).fatal, REASON_NONE);
	assert_int_equal(prove("", "a", false, 0).fatal, REASON_EDITION_OTHER);
	assert_int_equal(prove("@ TXT edition=a\n", NULL, false, 0).fatal, REASON_NONE);
	assert_int_equal(prove("@ TXT edition=a\n", "", false, 0).fatal, REASON_EDITION_OTHER);
	assert_int_equal(prove("@ TXT edition=a\n", "A", false, 0).fatal, REASON_EDITION_OTHER);
	struct proving p = prove("@ TXT edition=a\n", "a", false, 0);
	assert_int_equal(p.fatal, REASON_NONE);
	assert_string_equal(p.proof.edition.name, "a");
	/* malformed words are no reason to refuse a zone of which nothing of the kind is expected */
	p = prove("@ TXT \"edition=my first\"\n", NULL, true, 0);
	assert_int_equal(p.fatal, REASON_NONE);
	assert_int_equal(p.remark, REASON_EDITION_MALFORMED);
	assert_string_equal(p.proof.edition.name, "");
	assert_int_equal(prove("@ TXT \"edition=my first\"\n", "", true, 0).fatal, REASON_EDITION_MALFORMED);
}

static void dates(void **state)
{
	const char *txt = "@ TXT valid-from=20261122000000 valid-until=20261124000000\n";
	assert_int_equal(prove(txt, "", false, 0).fatal, REASON_NONE);
	assert_int_equal(prove(txt, "", true, 1795305599).fatal, REASON_EDITION_EARLY);
	assert_int_equal(prove(txt, "", true, 1795305600).fatal, REASON_NONE);
	assert_int_equal(prove(txt, NULL, true, 1795478399).fatal, REASON_NONE);
	assert_int_equal(prove(txt, NULL, true, 1795478400).fatal, REASON_EDITION_ENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read), cmocka_unit_test(what_is_refused), cmocka_unit_test(written),
		cmocka_unit_test(names),        cmocka_unit_test(dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
