#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# bench/xdp.py in namespaces of its own: nothing leaves, and nothing is left.
exec unshare -n -m /usr/bin/python3 "$(dirname "$0")/xdp.py" "$@"
