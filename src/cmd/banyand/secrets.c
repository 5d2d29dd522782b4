// SPDX-License-Identifier: GPL-3.0-or-later
/* The secrets of DNS cookies: of the operator's file, which a fleet shares, or drawn when the daemon starts. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX 65536
#define SECRET_DIGITS  32 /* 128 bits in hexadecimal */

/* Without a file: the same for all generations of this process, so that a reload does not devalue clients' cookies. */
static void own_secret(uint8_t out[16])
{
	static uint8_t secret[16];
	static bool drawn;
	if (!drawn) {
		struct random random;
		random_init_kernel(&random);
		random_bytes(&random, secret, sizeof(secret));
		drawn = true;
	}
	memcpy(out, secret, sizeof(secret));
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool secret_parse(const char *text, uint8_t out[16])
{
	if (strlen(text) != SECRET_DIGITS)
		return false;
	for (size_t i = 0; i < SECRET_DIGITS; i += 2) {
		int high = digit(text[i]), low = digit(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int refuse(const char *path, unsigned line, const char *what, char why[REFUSAL_TEXT_MAX])
{
	snprintf(why, REFUSAL_TEXT_MAX, "%s:%u: %s", path, line, what);
	return BANYAN_ECONFIG;
}

/* One secret a line, the one in use first; empty lines and what is behind a # do not count. */
static int secrets_parse(char *text, const char *path, struct answer_cookies *cookies, char why[REFUSAL_TEXT_MAX])
{
	unsigned number = 0;
	for (char *line = text, *next; line != NULL; line = next) {
		number++;
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = 0;
		line[strcspn(line, "#\r")] = 0;
		line += strspn(line, " \t");
		line[strcspn(line, " \t")] = 0;
		if (*line == 0)
			continue;
		if (cookies->n_secrets == ANSWER_SECRETS_MAX)
			return refuse(path, number,
				      "there are more than 8 secrets; remove those that are no longer used", why);
		if (!secret_parse(line, cookies->secret[cookies->n_secrets]))
			return refuse(
				path, number,
				"this is not a secret of 32 hexadecimal digits, as 'openssl rand -hex 16' makes it",
				why);
		cookies->n_secrets++;
	}
	return cookies->n_secrets > 0 ? 0 : refuse(path, number, "there is no secret in this file", why);
}

bool secret_is_everybodys(const char *path, char why[REFUSAL_TEXT_MAX])
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IROTH | S_IWOTH)) == 0)
		return false;
	snprintf(why, REFUSAL_TEXT_MAX,
		 "%s: everybody on this machine may read or write this secret: `chmod o= FILE`, and make another one "
		 "if somebody may have",
		 path);
	return true;
}

int secrets_load(const struct config *config, struct answer_cookies *ret, char why[REFUSAL_TEXT_MAX])
{
	struct answer_cookies cookies = {.required = config->server.cookies == CONFIG_COOKIES_REQUIRE};
	const char *path = config->server.cookie_secrets;
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	int rc = 0;
	if (config->server.cookies == CONFIG_COOKIES_OFF) {
		/* none are made */
	} else if (path[0] == 0) {
		own_secret(cookies.secret[0]);
		cookies.n_secrets = 1;
	} else if (secret_is_everybodys(path, why)) {
		rc = BANYAN_EACCES;
	} else {
		rc = file_read(path, FILE_BYTES_MAX, &text, &len);
		if (rc < 0)
			snprintf(why, REFUSAL_TEXT_MAX, "%s: cannot read the secrets of cookies: %s", path,
				 error_text(rc));
		else
			rc = secrets_parse((char *)text, path, &cookies, why);
	}
	if (rc == 0)
		*ret = cookies;
	return rc;
}
