// SPDX-License-Identifier: GPL-3.0-or-later
/* Names of the counters. */
#include "base.h"

static const struct {
	const char *name, *help;
} counters[COUNTER_COUNT] = {
#define COUNTER(id, name, help) [COUNTER_##id] = {name, help},
#include "counters.def"
#undef COUNTER
};

const char *counter_name(enum counter counter)
{
	return counters[counter].name;
}

const char *counter_help(enum counter counter)
{
	return counters[counter].help;
}
