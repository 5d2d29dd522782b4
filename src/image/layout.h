// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The byte tables of an image. Private to image/.
 *
 * An image is one block. A *reference* is an offset in units of 8 bytes from its start, as 32 bits: an image may
 * have 32 GiB, and 0, where the header stands, means "none". Numbers are in the machine's byte order; only the
 * bytes that go into messages (`data` below) are in network order.
 *
 *	header     one struct image_header, at 0
 *	proofs     one struct image_set for each NSEC or NSEC3 record, RRSIGs included
 *	slots      for each name that can be found: struct image_slot, then that name's struct image_set and image_extra
 *	denial     the sorted table of proofs: for NSEC n x uint64_t key, then n x uint32_t reference; for NSEC3
 *	           n x struct image_nsec3
 *	buckets    the hash table of names: a power of two of struct image_bucket, at most half of them used
 *
 * Names below a delegation or a DNAME have no slot: the longest suffix of a question's name that has one is its
 * closest encloser, its delegation or its DNAME.
 *
 * Templates. The data of a set are finished records. A compression pointer in them is written as if the question's name were
 * the set's *base* (the name of its slot, or the apex for proofs) and as if the set stood at once behind the question. For a longer
 * question name all such pointers grow by the same number, the difference of the two lengths; their places are
 * listed in `shift`. A question for the base itself needs no patch.
 */
#pragma once

#include <stdint.h>

#define IMAGE_MAGIC      UINT64_C(0x6e617962676d6900) /* "\0imgbyan" on a little-endian machine */
#define IMAGE_VERSION    1
#define IMAGE_BYTE_ORDER 0x01020304
#define IMAGE_UNIT       8 /* bytes that a reference counts */
#define IMAGE_BYTES_MAX  ((uint64_t)UINT32_MAX * IMAGE_UNIT)

enum image_denial { IMAGE_DENIAL_NONE, IMAGE_DENIAL_NSEC, IMAGE_DENIAL_NSEC3 };

/*	offset size
 *	     0    8  magic
 *	     8    4  version
 *	    12    4  byte order mark
 *	    16    8  length of the block in bytes
 *	    24    8  checksum: SipHash-2-4 under `key` of this header with the field 0, followed by that of all the rest
 *	    32   16  key of the hash table and the checksum, random for each image
 *	    48    4  serial of the zone
 *	    52    4  number of slots
 *	    56    4  reference of the apex's slot
 *	    60    4  reference of the SOA set for negative answers (RFC 2308 section 3)
 *	    64    4  reference of the buckets
 *	    68    4  number of buckets less one
 *	    72    4  reference of the denial table
 *	    76    4  entries of the denial table
 *	    80    1  kind of denial (enum image_denial)
 *	    81    1  length of the apex's name
 *	    82    1  labels of the apex's name
 *	    83    1  labels of the longest name that has a slot
 *	    84    2  NSEC3 iterations
 *	    86    1  length of the NSEC3 salt
 *	    87  255  NSEC3 salt
 *	   342    2  0
 */
struct image_header {
	uint64_t magic;
	uint32_t version, byte_order;
	uint64_t length, checksum;
	uint8_t key[16];
	uint32_t serial, n_slots, apex, soa_negative;
	uint32_t buckets, bucket_mask;
	uint32_t denial, n_denial;
	uint8_t denial_kind, apex_len, apex_labels, labels_max;
	uint16_t iterations;
	uint8_t salt_len;
	uint8_t salt[255];
	uint8_t pad[2];
};

/* `tag` is the upper half of the name's hash; the lower half, masked, is where the search begins (linear probing). */
struct image_bucket {
	uint32_t tag;
	uint32_t slot; /* 0 = free */
};

enum image_slot_flag {
	IMAGE_SLOT_CUT = 1,   /* a delegation: only NS, DS and NSEC are listed */
	IMAGE_SLOT_CNAME = 2, /* has a CNAME */
	IMAGE_SLOT_DNAME = 4, /* names below it are renamed */
};

struct image_type {
	uint16_t type;
	uint16_t pad;
	uint32_t set;
};

#define IMAGE_NO_TYPE 0xffff

/* Followed by `n_types` struct image_type in ascending order and the name in lower case. */
struct image_slot {
	uint8_t name_len, labels, flags;
	uint8_t provable; /* NSEC3: labels of the closest name, this or above, that an NSEC3 matches */
	uint16_t n_types;
	uint16_t any;         /* index of the type that ANY gets (RFC 8482), IMAGE_NO_TYPE = none */
	uint32_t wildcard;    /* slot of "*" + this name */
	uint32_t nodata[2];   /* proof that a type is not here; for a delegation that there is no DS */
	uint32_t encloser;    /* NSEC3 that matches the closest provable encloser */
	uint32_t no_wildcard; /* proof that "*" + the closest (provable) encloser is not there */
	uint32_t pad;
};

enum image_set_flag {
	IMAGE_SET_PROOF = 1,    /* base is the apex; the owner is written out */
	IMAGE_SET_SIG_SELF = 2, /* pointers in `sig` count from the start of this set's data */
	IMAGE_SET_OVERSIZE = 4, /* larger than a message: nothing is stored, TC is all there is to say */
	IMAGE_SET_WILDCARD = 8, /* pointers to the question's first label are owners: not moved when it is expanded */
};

/* Followed by n_shift + n_sig_shift uint16_t places of pointers (those of RRSIGs counted from where RRSIGs start), then
 * `len` bytes of records and `sig_len` bytes of their RRSIGs. */
struct image_set {
	uint32_t len, sig_len;
	uint32_t extra; /* what goes into the additional section */
	uint16_t n_rr, n_sig, n_shift, n_sig_shift;
	uint8_t base_len, flags;
	uint16_t pad;
};

enum image_extra_flag {
	IMAGE_EXTRA_KEEP = 1, /* also when minimal answers are wanted: addresses of name servers */
	IMAGE_EXTRA_SAME = 2, /* the variant with RRSIGs is the one without */
};

/* Addresses, in two variants: [0] without RRSIGs, [1] with them. Both begin with the in-domain glue, `must_len` bytes, which a
 * referral cannot go without (RFC 9471). Followed by the places of pointers of both variants, then the data of both;
 * IMAGE_EXTRA_SAME: of the first only. */
struct image_extra {
	uint32_t len[2];
	uint16_t n_rr[2], n_shift[2];
	uint32_t must_len;
	uint16_t must_rr;
	uint8_t base_len, flags;
};

struct image_nsec3 {
	uint8_t hash[20];
	uint32_t set;
};

_Static_assert(sizeof(struct image_header) == 344, "drawn above");
_Static_assert(sizeof(struct image_slot) == 32, "half a cache line");
_Static_assert(sizeof(struct image_set) == 24, "packed by hand");
_Static_assert(sizeof(struct image_extra) == 24, "packed by hand");
_Static_assert(sizeof(struct image_nsec3) == 24, "packed by hand");
