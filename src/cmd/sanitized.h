// SPDX-License-Identifier: GPL-3.0-or-later
/* Is this a build with AddressSanitizer? It needs what confined processes have not: all of the address space, and their environment. */
#pragma once

#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif
