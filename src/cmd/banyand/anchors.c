// SPDX-License-Identifier: GPL-3.0-or-later
/* Trust anchors of the daemon: read as configured, rolled by the leading engine, kept on disk, shown to the operator. */
#include "daemon.h"

#include "zone/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- as configured ---- */

static int xml_part_read(const char *path, const char *what, uint8_t **ret, size_t *ret_len, char why[REFUSAL_TEXT_MAX])
{
	errno = 0;
	int rc = file_read(path, DNSSEC_XML_MAX, ret, ret_len);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "trust anchors: %s %.300s: %s", what, path,
			 rc == BANYAN_ELIMIT ? "it is larger than 1 MiB"
			 : errno != 0        ? strerror(errno)
					     : error_text(rc));
	return rc;
}

static int xml_check(const struct config *config, const uint8_t *xml, size_t len, char why[REFUSAL_TEXT_MAX])
{
	_cleanup_(base_free) uint8_t *signature = NULL, *ca = NULL;
	struct dnssec_text_error error;
	size_t signature_len, ca_len;
	int rc = xml_part_read(config->root.anchors_xml_signature, "root.anchors-xml-signature", &signature,
			       &signature_len, why);
	if (rc == 0)
		rc = xml_part_read(config->root.anchors_xml_authority, "root.anchors-xml-authority", &ca, &ca_len, why);
	if (rc < 0)
		return rc;
	const char *signer = config->root.anchors_xml_signer;
	struct dnssec_anchors_signature check = {.source = config->root.anchors_xml,
						 .data = xml,
						 .len = len,
						 .signature = signature,
						 .signature_len = signature_len,
						 .ca = ca,
						 .ca_len = ca_len,
						 .email = signer[0] != 0 ? signer : NULL,
						 .now = clock_wall_s()};
	rc = dnssec_anchors_check_signature(&check, &error);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "trust anchors: %.511s", error.text);
	return rc;
}

static int xml_read(const struct config *config, struct dnssec_anchors *ret, char why[REFUSAL_TEXT_MAX])
{
	_cleanup_(base_free) uint8_t *xml = NULL;
	struct dnssec_text_error error;
	size_t len;
	if (config->root.anchors_xml[0] == 0)
		return 0;
	int rc = xml_part_read(config->root.anchors_xml, "root.anchors-xml", &xml, &len, why);
	if (rc == 0 && config->root.anchors_xml_signature[0] != 0)
		rc = xml_check(config, xml, len, why);
	if (rc < 0)
		return rc;
	rc = dnssec_anchors_parse_xml(config->root.anchors_xml, (const char *)xml, len, clock_wall_s(), ret, &error);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "trust anchors: %.511s", error.text);
	return rc;
}

static bool anchors_has(const struct dnssec_anchors *anchors, const uint8_t *zone)
{
	for (size_t i = 0; i < anchors->count; i++)
		if (wire_name_equal(anchors->item[i].owner, zone))
			return true;
	return false;
}

int anchors_read(const struct config *config, struct dnssec_anchors *ret, char why[REFUSAL_TEXT_MAX])
{
	static const uint8_t root[1] = {0};
	for (size_t i = 0; i < config->root.anchors.count; i++) {
		struct zone_error error;
		int rc = zone_anchors_read(config->root.anchors.item[i], ret, &error);
		if (rc < 0) {
			snprintf(why, REFUSAL_TEXT_MAX, "trust anchors: %.511s", error.text);
			return rc;
		}
	}
	int rc = xml_read(config, ret, why);
	if (rc < 0)
		return rc;
	if (config->root.anchors_built_in == CONFIG_BUILT_IN_ON ||
	    (config->root.anchors_built_in == CONFIG_BUILT_IN_AUTO && !anchors_has(ret, root) &&
	     config->root.edition[0] == 0))
		rc = dnssec_anchors_builtin(ret);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "trust anchors: there are more than %d", DNSSEC_ANCHORS_MAX);
	return rc;
}

void anchors_warn(const struct config *config, const struct dnssec_anchors *anchors)
{
	if (config->resolver.enabled && config->resolver.validate && anchors->count == 0)
		log_warning(STATION, "there are no trust anchors (root.anchors-built-in is off, and no file has any): "
				     "nothing can be "
				     "proved, and every answer counts as insecure. Name a file in root.anchors, or say "
				     "resolver.validate: false if this is meant");
}

bool anchors_equal(const struct dnssec_anchors *a, const struct dnssec_anchors *b)
{
	bool equal = a->count == b->count;
	for (size_t i = 0; equal && i < a->count; i++)
		equal = wire_name_equal(a->item[i].owner, b->item[i].owner) && a->item[i].type == b->item[i].type &&
			a->item[i].fixed == b->item[i].fixed && a->item[i].len == b->item[i].len &&
			memcmp(a->item[i].rdata, b->item[i].rdata, a->item[i].len) == 0;
	return equal;
}

/* ---- on disk ---- */

/* The folder: as configured, or that of the service manager (systemd.exec(5): several are separated by colons). "" = none. */
void anchors_folder(const struct config *config, char out[PATH_MAX])
{
	const char *folder = getenv("STATE_DIRECTORY");
	if (config->root.anchors_state[0] != 0)
		snprintf(out, PATH_MAX, "%s", config->root.anchors_state);
	else if (folder != NULL && folder[0] == '/')
		snprintf(out, PATH_MAX, "%.*s", (int)strcspn(folder, ":"), folder);
	else
		out[0] = 0;
}

/* trust-anchor.state for the root, trust-anchor.example.org.state for others; false: there is no folder, or no room. */
static bool path_of(const char *folder, const uint8_t *zone, char out[PATH_MAX])
{
	char name[WIRE_NAME_TEXT_MAX];
	wire_name_text(zone, name);
	for (char *c = name; *c != 0; c++)
		if (*c == '/')
			*c = '%'; /* no file name; a label with % beside one with / is too odd to be told apart */
	return folder[0] != 0 &&
	       snprintf(out, PATH_MAX, "%s/trust-anchor.%sstate", folder, zone[0] == 0 ? "" : name) < PATH_MAX;
}

/* What does not read as a state is laid aside, so that it can be looked at, and so that it is told once. */
static void broken_tell(const char *path, const uint8_t *text, size_t len, const char *error)
{
	char aside[PATH_MAX];
	bool kept = snprintf(aside, sizeof(aside), "%s.broken", path) < (int)sizeof(aside) &&
		    file_write_atomic(aside, text, len) == 0;
	log_error(STATION,
		  "the state of rolling trust anchors is not used: %s; the configured anchors count, and it is "
		  "written anew%s%s",
		  error, kept ? "; a copy is in " : "", kept ? aside : "");
}

static void state_read(struct resolve_anchors *shared, const char *folder, const struct dnssec_anchors *anchors,
		       const uint8_t *zone)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	_cleanup_(base_free) struct dnssec_rollover *state = malloc(sizeof(*state));
	struct dnssec_text_error error;
	char path[PATH_MAX], date[32];
	size_t len;
	if (state == NULL || !path_of(folder, zone, path))
		return;
	errno = 0;
	int rc = file_read(path, DNSSEC_ROLLOVER_TEXT_MAX, &text, &len);
	if (rc < 0) {
		if (errno != ENOENT)
			log_error(STATION,
				  "the state of rolling trust anchors in %s cannot be read: %s; the configured "
				  "anchors count",
				  path, errno != 0 ? strerror(errno) : error_text(rc));
		return;
	}
	if (dnssec_rollover_read(path, (const char *)text, len, zone, state, &error) < 0) {
		broken_tell(path, text, len, error.text);
		return;
	}
	if (!dnssec_rollover_fits(state, anchors)) {
		char words[PATH_MAX + 64];
		snprintf(words, sizeof(words), "%s: none of its keys is named by a configured anchor", path);
		broken_tell(path, text, len, words);
		return;
	}
	if (resolve_anchors_restore(shared, state) == 0)
		log_info(STATION, "trust anchors: %zu keys from %s, last proved %s", state->n, path,
			 state->proved > 0 ? clock_format(state->proved, date) : "never");
}

void anchors_path(const struct config *config, const uint8_t *zone, char out[PATH_MAX])
{
	char folder[PATH_MAX];
	anchors_folder(config, folder);
	if (!path_of(folder, zone, out))
		out[0] = 0;
}

void anchors_restore(struct resolve_anchors *shared, const struct config *config, const struct dnssec_anchors *anchors)
{
	char folder[PATH_MAX];
	anchors_folder(config, folder);
	if (!config->root.anchors_roll || folder[0] == 0)
		return;
	for (size_t i = 0; i < anchors->count; i++) {
		const uint8_t *zone = anchors->item[i].owner;
		bool before = false;
		for (size_t k = 0; k < i; k++)
			before = before || wire_name_equal(anchors->item[k].owner, zone);
		if (!before && dnssec_rollover_wanted(anchors, zone) && !resolve_anchors_has(shared, zone))
			state_read(shared, folder, anchors, zone);
	}
}

/* ---- what the leading engine says; from its worker's thread ---- */

struct anchors_job {
	struct keeper *keeper;
	uint8_t zone[WIRE_NAME_MAX];
	struct buffer text;
};

static void job_free(struct anchors_job *job)
{
	buffer_done(&job->text);
	free(job);
}

static void job_write(void *ctx) /* keeper */
{
	struct anchors_job *job = ctx;
	char path[PATH_MAX];
	anchors_path(swap_read(&job->keeper->swap)->config, job->zone, path);
	errno = 0;
	if (path[0] != 0 && file_write_atomic(path, job->text.data, job->text.len) < 0)
		log_error(STATION,
			  "the state of rolling trust anchors cannot be written to %s: %s; a restart begins with "
			  "what was written before",
			  path, strerror(errno));
	job_free(job);
}

static void state_keep(struct keeper *keeper, const struct dnssec_rollover *state)
{
	struct anchors_job *job = calloc(1, sizeof(*job));
	if (job == NULL)
		return;
	job->keeper = keeper;
	wire_name_lower(state->zone, job->zone);
	if (dnssec_rollover_write(state, &job->text) < 0 || keeper_post(keeper, job_write, job) < 0) {
		log_warning(STATION, "no memory to keep the state of rolling trust anchors");
		job_free(job);
	}
}

void anchors_told(void *ctx, const struct resolve_action *action)
{
	struct worker *worker = ctx;
	const struct dnssec_rollover *state = action->anchors.state;
	const struct dnssec_rollover_report *report = action->anchors.report;
	char zone[WIRE_NAME_TEXT_MAX], text[160], date[32];
	wire_name_text(state->zone, zone);
	if (report == NULL) {
		log_warning(
			STATION, "trust anchors of %s: its keys could not be asked for: %s; tried again at %s", zone,
			action->anchors.detail != NULL ? action->anchors.detail : reason_words(action->anchors.reason),
			clock_format(state->next, date));
		return;
	}
	for (size_t i = 0; i < report->n; i++)
		log_notice(STATION, "trust anchors of %s: %s", zone,
			   dnssec_rollover_change_text(&report->change[i], text));
	if (!report->proved)
		log_write(report->outdated ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, STATION, "%s", report->text);
	if (report->deleted)
		log_error(STATION, "all trust anchors of %s are revoked: its names are not proved any more", zone);
	state_keep(worker->keeper, state);
	if (report->n > 0) /* without memory for it, copies see it at their next look */
		(void)!keeper_post(worker->keeper, copies_anchors_changed, worker->keeper);
}

/* ---- a configuration takes over ---- */

int anchors_adopt(struct keeper *keeper, const struct generation *before, const struct generation *generation)
{
	if (keeper->workers.shared_anchors == NULL)
		return 0;
	if (before != NULL && !anchors_equal(&before->anchors, &generation->anchors)) {
		log_notice(STATION, "the trust anchors have changed: the cache is emptied");
		resolve_cache_flush(keeper->workers.cache, NULL, true);
	}
	anchors_warn(generation->config, &generation->anchors);
	return resolve_anchors_set(keeper->workers.shared_anchors, &generation->anchors,
				   generation->config->root.anchors_roll);
}
