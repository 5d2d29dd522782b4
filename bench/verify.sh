#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs verify_floor on a plain-text root zone: the argument, BANYAN_BENCH_ZONE, or the one of the shared test data.
set -eu
program=$1
zone=${2:-${BANYAN_BENCH_ZONE:-}}
if [ -z "$zone" ]; then
	shared=${BANYAN_SHARED:-$(dirname "$0")/../../shared}/data
	packed=$shared/rootzones/signed/root-2026073102.zone.zst
	if [ ! -f "$packed" ]; then
		echo "bench-verify: skipped: no signed root zone; set BANYAN_BENCH_ZONE (and BANYAN_BENCH_AT)" >&2
		exit 0
	fi
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	zone=$folder/root.zone
	zstd -dqo "$zone" "$packed"
fi
"$program" "$zone"
