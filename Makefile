# SPDX-License-Identifier: GPL-3.0-or-later
# A thin front over Meson. `make demo` and `make test` are all that a newcomer needs.
BUILD ?= build
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export BANYAN_BUILD := $(abspath $(BUILD))

.PHONY: all build demo demo-publish test run install fuzz bench bench-budget attacks live localroot soak simulate lint clean format

all: build

# what the build needs, installed; then build/banyand and build/banyan
build:
	@tools/install-needed build
	@tools/build $(BUILD)

# the lab's small Internet, banyand on its proved root, a dozen names and how each was found
demo:
	@tools/install-needed demo
	@tools/build $(BUILD)
	@tools/demo $(BUILD)

# three editions of one root, 50 changes of the source, rolls of a ZSK and a KSK in quick time, and resolvers that follow; some minutes
demo-publish:
	@tools/install-needed test
	@tools/build $(BUILD)
	@tools/demo-publish $(BUILD)

# every test
test:
	@tools/install-needed test
	@tools/build $(BUILD)
	@tools/run-tests $(BUILD)

# banyand on the real root (needs the Internet)
run:
	@tools/install-needed run
	@tools/build $(BUILD)
	@tools/run-on-real-root $(BUILD)

install: build
	meson install -C $(BUILD) --no-rebuild

# each fuzz target for FUZZ_SECONDS seconds
fuzz:
	@tools/install-needed fuzz
	@tools/fuzz $(FUZZ_SECONDS)

# beside peers and floors, in one run: about eight minutes
bench:
	@tools/install-needed bench
	@tools/build $(BUILD)-release --buildtype=release
	@tools/bench $(BUILD)-release

# one of them (bench/README.md has the list), or all: make bench-auth, make bench-resolver ... make bench-all
bench-%:
	@tools/install-needed bench
	@tools/build $(BUILD)-release --buildtype=release
	@tools/bench $(BUILD)-release $(if $(filter all,$*),all,$@)

# instructions of a question on each path, against bench/budget.txt
bench-budget:
	@tools/install-needed budget
	@tools/build $(BUILD)-release --buildtype=release
	@ninja -C $(BUILD)-release bench/paths >/dev/null
	@bench/budget $(BUILD)-release/bench/paths

# every attack on banyand and on unbound; the table of docs/attacks.md is made anew
attacks:
	@tools/install-needed test
	@tools/build $(BUILD)
	@tools/attacks $(BUILD)

# 200 versions of the root, signed anew, through publisher, nginx, NSD, Knot DNS and three peers while these fail; about five minutes
live:
	@tools/install-needed test
	@tools/build $(BUILD)
	@tools/live $(BUILD)

# ten million questions in virtual time; constant memory, no wrong answer, none lost
soak:
	@tools/install-needed build
	@tools/build $(BUILD)-release --buildtype=release
	@tools/soak $(BUILD)-release

# what the localroot draft asks, tried on banyand, unbound, BIND and PowerDNS Recursor; the table of docs/localroot.md is made anew
localroot:
	@tools/install-needed test bench
	@tools/build $(BUILD)
	@tools/localroot $(BUILD)

# how a version spreads over 1,000 to 1,000,000 resolvers, in virtual time: the table of docs/simulation.md, and the curves
simulate:
	@tools/install-needed build
	@tools/build $(BUILD)-release --buildtype=release
	@tools/simulate $(BUILD)-release

# format, clang-tidy, arrows, lengths, manuals; both compilers with -Werror
lint:
	@tools/install-needed lint
	@tools/lint

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-*
