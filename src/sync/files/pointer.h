// SPDX-License-Identifier: GPL-3.0-or-later
/* files, private: keys, signatures and base64 of pointers. */
#pragma once

#include "files.h"

#define FILES_BASE64_MAX 96 /* a signature, and the NUL */

void files_base64(const uint8_t *data, size_t len, char out[FILES_BASE64_MAX]);
/* Exactly `len` bytes in the one form that files_base64() writes; their number or -1. */
int files_unbase64(const char *text, uint8_t *out, size_t len);
int files_key_sign(const struct files_key *key, const uint8_t *data, size_t len, uint8_t out[FILES_SIGNATURE_SIZE])
	_must_use_;
bool files_key_check(const uint8_t *key, const uint8_t *data, size_t len, const uint8_t *signature);
