// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * prover - a candidate read, proved, and written as wire form and image, in a child of the attendant.
 *
 * The keeper writes a request with prove_request_write(), asks the attendant (ATTENDANT_PROVE) with the descriptors of enum prove_fd, and reads
 * the reply with prove_reply_read(). The reply of a child is bytes from somebody who has read what came from outside: it is held
 * against its form, and no more is believed than it can say.
 */
#pragma once

#include "config/config.h"
#include "zone/zone.h"

#define PROVE_WORDS_MAX 768 /* bytes of a sentence */

enum prove_form {
	PROVE_TEXT,    /* a master file, or a wire form: by content, also .gz and .zst */
	PROVE_WIRE,    /* the same: told apart by content */
	PROVE_CHANGES, /* sync_changes_write() of a transfer; differences need the base */
	PROVE_DELTA,   /* zone_delta_make(); needs the base */
};

/* The place in attendant_job_settings.fd. */
enum prove_fd {
	PROVE_FD_CANDIDATE, /* read from its begin */
	PROVE_FD_BASE,      /* wire form of the version that is there; -1 = none */
	PROVE_FD_WIRE,      /* written */
	PROVE_FD_IMAGE,     /* written; -1 = not wanted */
};

struct prove_settings {
	enum prove_form form;
	const uint8_t *apex;     /* lower case */
	enum config_prove prove; /* not AUTO */
	bool require_zonemd, known_only, refuse_sha1;
	const char *edition;                  /* it must be this one, "" = the plain zone; NULL = any */
	const struct dnssec_anchors *anchors; /* NULL = none */
	int64_t now;                          /* UNIX seconds */
	unsigned threads;                     /* 0 = one: it works beside those who answer */
	uint64_t bytes_max;                   /* of a candidate, decompressed; 0 = ZONE_FILE_MAX */
};
int prove_request_write(const struct prove_settings *settings, struct buffer *out) _must_use_;

struct prove_reply {
	int error; /* 0 = proved. BANYAN_EPROOF: not; BANYAN_EMALF, BANYAN_ELIMIT, BANYAN_EINVAL: cannot be read as this zone;
			     * BANYAN_ELIMIT also when
		   * it needs more memory than the job may have. BANYAN_EAGAIN: changes or delta do not fit the base; others: this machine is in trouble, not the candidate */
	enum reason reason;          /* EPROOF, EMALF, ELIMIT */
	char words[PROVE_WORDS_MAX]; /* error: why, with the first finding, and with what the clock has to do with it */
	uint32_t serial, refresh_s, retry_s, expire_s; /* as soon as it could be read (also with EPROOF), else 0 */
	int64_t first_expiry, last_inception;          /* of its signatures; 0 = it has none that were checked */
	int64_t dated_from,
		dated_until; /* good but for its dates: when its signatures hold; 0 = that is not what is wrong */
	uint64_t records, names, wire_len, image_len;
	uint8_t zonemd[64]; /* the digest that holds */
	uint8_t zonemd_len, zonemd_scheme, zonemd_algorithm;
	bool on_loopback; /* has addresses of this machine */
	struct zone_edition edition;
	char proof[256]; /* how it was proved */
};
/* BANYAN_EMALF: that is no reply. */
int prove_reply_read(const uint8_t *reply, size_t len, struct prove_reply *ret) _must_use_;

/* In the child: what attendant_settings.prove is. */
int prover_run(const uint8_t *request, size_t len, const int fd[], int reply_fd);
