// SPDX-License-Identifier: GPL-3.0-or-later
/* The words of choices, in the order of their enums; for schema.c alone. */
#pragma once

#include <stddef.h>

static const char *const log_levels[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const nxdomain_cuts[] = {"off", "secure", "all", NULL};
static const char *const refuse_sha1[] = {"off", "signatures", "all", NULL};
static const char *const minimise_modes[] = {"off", "relaxed", "strict", NULL};
static const char *const cookie_modes[] = {"off", "on", "require", NULL};
static const char *const local_kinds[] = {"static",   "transparent", "type-transparent", "redirect", "refuse", "drop",
					  "nxdomain", "nodata",      "inform",           "off",      NULL};
static const char *const accesses[] = {"default", "allow", "refuse", "drop", NULL};
static const char *const choices[] = {"default", "no", "yes", NULL};
static const char *const rpz_actions[] = {"given", "disabled", "passthru", "nxdomain", "nodata",
					  "drop",  "tcp-only", "refuse",   "cname",    NULL};
static const char *const rpz_reasons[] = {"blocked", "censored", "filtered", "forged", NULL};
static const char *const key_algorithms[] = {"hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224",
					     "hmac-sha1",   "hmac-md5",    NULL};
static const char *const auto_on_off[] = {"auto", "on", "off", NULL};
static const char *const prove_modes[] = {"auto", "full", "digest", "structure", NULL};
