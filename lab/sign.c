// SPDX-License-Identifier: GPL-3.0-or-later
/* Signs the lab's zones with ldns-signzone, a few processes at a time. */
#include "world.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNERS_PER_CPU 2  /* starting a process waits for the disk now and then */
#define SIGNER_ARGS_MAX 24 /* the longest command line has 20 */

struct signing {
	pid_t pid;
	const struct lab_zone *zone;
};

static int signer_start(const struct lab_world *world, const struct lab_zone *zone, pid_t *ret_pid)
{
	const struct lab_settings *s = world->settings;
	char file[300], from[4096], to[4096], keys[2][4096], inception[24], expiration[24];
	lab_write_file_name(zone, file);
	snprintf(from, sizeof(from), "%s/unsigned/%s", s->dir, file);
	snprintf(to, sizeof(to), "%s/zones/%s", s->dir, file);
	snprintf(inception, sizeof(inception), "%lld", (long long)s->at - LAB_INCEPTION_BEFORE_S);
	snprintf(expiration, sizeof(expiration), "%lld", (long long)s->at + LAB_EXPIRATION_AFTER_S);
	const char *argv[SIGNER_ARGS_MAX] = {s->signer, "-o", zone->name, "-i", inception, "-e", expiration, "-f", to};
	size_t n = 9;
	if (zone->security.denial != LAB_NSEC) {
		/* RFC 9276: no further iterations, no salt */
		static const char *const nsec3[] = {"-n", "-t", "0", "-s", ""};
		for (size_t i = 0; i < ARRAY_SIZE(nsec3); i++)
			argv[n++] = nsec3[i];
		if (zone->security.denial == LAB_OPT_OUT)
			argv[n++] = "-p";
	}
	if (zone->security.zonemd) {
		argv[n++] = "-z";
		argv[n++] = "1:1"; /* SIMPLE, SHA-384 */
	}
	argv[n++] = from;
	for (size_t i = 0; i < zone->n_keys; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%s/keys/%s", s->dir, zone->key[i].base);
		argv[n++] = keys[i];
	}
	int err = posix_spawnp(ret_pid, s->signer, NULL, NULL, (char *const *)argv, environ);
	if (err == 0)
		return 0;
	log_error("lab", "%s cannot be started (Debian package ldnsutils): %s", s->signer, strerror(err));
	return error_from_errno(err);
}

/* What opt-out leaves outside of the chain comes behind the signed part. */
static int signer_append_tail(const struct lab_world *world, const struct lab_zone *zone)
{
	char file[300], path[4096];
	if (zone->tail.len == 0)
		return 0;
	snprintf(path, sizeof(path), "%s/zones/%s", world->settings->dir, lab_write_file_name(zone, file));
	return lab_write_file(path, zone->tail.data, zone->tail.len, true);
}

static int signer_wait(const struct lab_world *world, struct signing *running, size_t *n_running)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0) {
			*n_running = 0; /* someone else reaped them: there is nothing left to wait for */
			return error_from_errno(errno);
		}
		size_t i = 0;
		while (i < *n_running && running[i].pid != pid)
			i++;
		if (i == *n_running)
			continue;
		const struct lab_zone *zone = running[i].zone;
		running[i] = running[--*n_running];
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return signer_append_tail(world, zone);
		log_error("lab", "%s: %s failed (wait status %d)", zone->name, world->settings->signer, status);
		return BANYAN_EOTHER;
	}
}

int lab_sign(struct lab_world *world)
{
	struct signing running[256];
	size_t n_running = 0, most = SIGNERS_PER_CPU * (size_t)cpu_count();
	int rc = 0;
	if (most > ARRAY_SIZE(running))
		most = ARRAY_SIZE(running);
	/* the root is the first zone and by far the largest, so it runs beside all the others */
	for (size_t i = 0; i < world->zones.count && rc == 0; i++) {
		const struct lab_zone *zone = world->zones.item[i];
		if (zone->security.algorithm == 0)
			continue;
		if (n_running == most)
			rc = signer_wait(world, running, &n_running);
		if (rc == 0)
			rc = signer_start(world, zone, &running[n_running].pid);
		if (rc == 0)
			running[n_running++].zone = zone;
	}
	while (n_running > 0) {
		int error = signer_wait(world, running, &n_running);
		rc = rc == 0 ? error : rc;
	}
	return rc;
}
