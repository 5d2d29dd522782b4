// SPDX-License-Identifier: GPL-3.0-or-later
/* Names as text inside an expression; the last eight stay valid. */
#pragma once

#include "wire/wire.h"

static uint8_t *n(const char *text)
{
	static uint8_t names[8][WIRE_NAME_MAX];
	static unsigned next;
	uint8_t *name = names[next++ % 8];
	if (wire_name_parse(text, name) < 0)
		fail_msg("bad name %s", text);
	return name;
}
