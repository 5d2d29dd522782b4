// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * push - zones on their way out.
 *
 * A version that is proved and in use here is told of, transferred and published from here. Nothing in this room decides
 * whether a version is good. Called by cmd/ and by the simulator.
 */
#pragma once

#include "notify.h"   /* NOTIFY out, and who registers for it */
#include "transfer.h" /* AXFR and IXFR out */
