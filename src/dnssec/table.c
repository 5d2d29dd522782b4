// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tables of multiples of P-256 keys that check again and again: those of large TLDs, of zones under attack.
 *
 *   a worker: 500 checks by one key -> wanted -> dnssec_tables_make() on a slow thread -> all who hold it have it
 *
 * Shared by all threads, few, and bounded: each takes 150 kB and some 25 ms to make. One whose last key is gone stays until another
 * key needs its place, so that the next parsed copy of the same key finds it made.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_GROUP_precompute_mult(): there is nothing else for this in libcrypto */

#include "dnssec.h"
#include "ecdsa.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <string.h>

#define TABLE_POINT_SIZE 64

struct ecdsa_table {
	uint8_t point[TABLE_POINT_SIZE];
	unsigned refs;
	bool used;                 /* the point is set */
	bool failed;               /* no memory when it was made */
	_Atomic(EC_GROUP *) group; /* NULL = wanted */
};

static struct {
	pthread_mutex_t lock;
	struct ecdsa_table table[DNSSEC_TABLES_MAX];
	void (*wanted)(void *ctx);
	void *ctx;
} tables = {.lock = PTHREAD_MUTEX_INITIALIZER};

void dnssec_tables_setup(void (*wanted)(void *ctx), void *ctx)
{
	tables.wanted = wanted;
	tables.ctx = ctx;
}

/* Under the lock. */
static struct ecdsa_table *table_place(const uint8_t *point)
{
	struct ecdsa_table *place = NULL;
	for (size_t i = 0; i < DNSSEC_TABLES_MAX; i++) {
		struct ecdsa_table *table = &tables.table[i];
		if (table->used && memcmp(table->point, point, TABLE_POINT_SIZE) == 0)
			return table;
		/* rather a place that never held one */
		if (table->refs == 0 && (place == NULL || (place->used && !table->used)))
			place = table;
	}
	return place;
}

struct ecdsa_table *ecdsa_table_get(const uint8_t *point)
{
	EC_GROUP *old = NULL;
	bool wanted = false;
	if (tables.wanted == NULL)
		return NULL;
	pthread_mutex_lock(&tables.lock);
	struct ecdsa_table *table = table_place(point);
	if (table != NULL && (!table->used || memcmp(table->point, point, TABLE_POINT_SIZE) != 0)) {
		old = atomic_exchange(&table->group, NULL);
		memcpy(table->point, point, TABLE_POINT_SIZE);
		table->used = wanted = true;
		table->failed = false;
	}
	if (table != NULL)
		table->refs++;
	pthread_mutex_unlock(&tables.lock);
	EC_GROUP_free(old);
	if (wanted)
		tables.wanted(tables.ctx);
	return table;
}

void ecdsa_table_release(struct ecdsa_table *table)
{
	if (table == NULL)
		return;
	pthread_mutex_lock(&tables.lock);
	table->refs--;
	pthread_mutex_unlock(&tables.lock);
}

const EC_GROUP *ecdsa_table_group(const struct ecdsa_table *table)
{
	return atomic_load_explicit(&table->group, memory_order_acquire);
}

/* ---- making ---- */

static EC_GROUP *group_make(const uint8_t *coordinates)
{
	uint8_t octets[1 + TABLE_POINT_SIZE] = {POINT_CONVERSION_UNCOMPRESSED};
	memcpy(octets + 1, coordinates, TABLE_POINT_SIZE);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
	BN_CTX *ctx = BN_CTX_new();
	bool made = point != NULL && ctx != NULL && EC_POINT_oct2point(group, point, octets, sizeof octets, ctx) &&
		    EC_GROUP_set_generator(group, point, EC_GROUP_get0_order(group), BN_value_one()) &&
		    EC_GROUP_precompute_mult(group, ctx);
	BN_CTX_free(ctx);
	EC_POINT_free(point);
	if (!made) {
		ERR_clear_error();
		EC_GROUP_free(group);
		group = NULL;
	}
	return group;
}

/* One that is wanted; held, so that its place stays its own. */
static struct ecdsa_table *table_wanted(uint8_t point[TABLE_POINT_SIZE])
{
	struct ecdsa_table *found = NULL;
	pthread_mutex_lock(&tables.lock);
	for (size_t i = 0; i < DNSSEC_TABLES_MAX && found == NULL; i++) {
		struct ecdsa_table *table = &tables.table[i];
		if (table->used && !table->failed && atomic_load(&table->group) == NULL) {
			found = table;
			found->refs++;
			memcpy(point, found->point, TABLE_POINT_SIZE);
		}
	}
	pthread_mutex_unlock(&tables.lock);
	return found;
}

size_t dnssec_tables_make(void)
{
	size_t made = 0;
	uint8_t point[TABLE_POINT_SIZE];
	struct ecdsa_table *table;
	while ((table = table_wanted(point)) != NULL) {
		EC_GROUP *group = group_make(point);
		table->failed = group == NULL;
		atomic_store_explicit(&table->group, group, memory_order_release);
		ecdsa_table_release(table);
		made += group != NULL;
	}
	return made;
}
