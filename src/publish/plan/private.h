// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of this room share. */
#pragma once

#include "plan.h"

int plan_keys_sign(const struct plan_keys *keys, const struct zone *plain, struct zone **ret) _must_use_;
/* Of a zone below that has the same keys. */
int plan_keys_ds(const struct plan_keys *keys, const uint8_t *owner, struct zone_maker *maker) _must_use_;
