#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs verify_floor on a signed root zone: the argument, BANYAN_BENCH_ZONE (with BANYAN_BENCH_AT and BANYAN_BENCH_ANCHOR), the
# real one of the shared test data, or else that of the lab, which has its shape.
set -eu
program=$1
banyan=$2
zone=${3:-${BANYAN_BENCH_ZONE:-}}
if [ -z "$zone" ]; then
	packed=${BANYAN_SHARED:-$(dirname "$0")/../../shared}/data/rootzones/signed/root-2026073102.zone.zst
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	if [ -f "$packed" ]; then
		zone=$folder/root.zone
		zstd -dqo "$zone" "$packed"
	else
		"$banyan" lab make "$folder/lab" >/dev/null
		zone=$folder/lab/zones/root.zone
		export BANYAN_BENCH_AT="$(date +%s)" BANYAN_BENCH_ANCHOR="$folder/lab/root/root.ds"
	fi
fi
"$program" "$zone"
