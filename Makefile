# SPDX-License-Identifier: BSL-1.0
# A thin front for CMake: each target installs what it needs (Debian; asks for root or sudo), builds below build/,
# and runs. `make help` lists them. The work itself is in CMakeLists.txt, CMakePresets.json and .ci/run.
SHELL := /bin/sh
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
TARGET ?=
SECONDS ?= 60
PREFIX ?= /usr/local

BUILD_TOOLS := g++ cmake ninja-build
TEST_TOOLS := $(BUILD_TOOLS) libgtest-dev googletest ?librapidcheck-dev ?libxxhash-dev ?libgmp-dev ?libsimde-dev ?python3 ?pkg-config ?ccache ?redis-tools ?libmemcached-dev
CLANG_TOOLS := $(TEST_TOOLS) clang ?libclang-rt-14-dev

# $(call build,preset[,targets]): configures quietly, builds with ninja's progress line.
build = cmake --preset $(1) --log-level=NOTICE >/dev/null && cmake --build --preset $(1) -j $(JOBS) $(if $(2),--target $(2))
run_tests = $(call build,$(1)) && ctest --preset $(1) -j $(JOBS)

.PHONY: help demo test bench fuzz asan tsan coverage ci format format-check lint install clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build the example program and run it on real data (under five minutes on a bare Debian)
	@tools/need.sh $(BUILD_TOOLS)
	@$(call build,demo,city_directory)
	@build/demo/examples/city_directory

test: ## build and run all tests with the default compiler
	@tools/need.sh $(TEST_TOOLS)
	@$(call run_tests,dev)

bench: ## build and run the benchmarks; TARGET=filter.blocked_bloom_filter runs one, ARGS=… goes to it
	@tools/need.sh $(BUILD_TOOLS) libbenchmark-dev ?libxxhash-dev ?libgmp-dev ?libbloom-dev ?libleveldb-dev ?libmemcached-dev ?uuid-dev
	@$(call build,release,$(if $(TARGET),bench.$(TARGET),benchmarks))
	@for b in build/release/bench.$(or $(TARGET),*); do echo "== $$b"; $$b $(ARGS) || exit 1; done

fuzz: ## fuzz every target for SECONDS=60 seconds each; TARGET=filter.bloom_filter fuzzes one
	@tools/need.sh $(BUILD_TOOLS) clang ?libclang-rt-14-dev
	@$(call build,fuzz,$(if $(TARGET),fuzz.$(TARGET),fuzzers))
	@JOBS=$(JOBS) tools/fuzz.sh build/fuzz $(SECONDS) $(TARGET)

asan: ## the tests, but for random and statistical ones and live servers, under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/need.sh $(CLANG_TOOLS)
	@$(call run_tests,asan)

tsan: ## the tests of concurrent types under ThreadSanitizer
	@tools/need.sh $(CLANG_TOOLS)
	@$(call run_tests,tsan)

coverage: ## which lines of include/quoin the tests execute; fails below 98 %
	@tools/need.sh $(TEST_TOOLS) gcovr
	@rm -rf build/coverage && $(call run_tests,coverage)
	@gcovr --root . --filter include/quoin --exclude-unreachable-branches --fail-under-line 98 build/coverage

ci: ## everything that must pass before a change is merged (over half an hour on two cores)
	@.ci/run

format: ## reformat all C++ files
	@tools/need.sh clang-format-14
	@git ls-files '*.hpp' '*.cpp' | xargs clang-format-14 -i

format-check: ## fail when a C++ file is not formatted
	@tools/need.sh clang-format-14
	@bad=0; for f in $$(git ls-files '*.hpp' '*.cpp'); do clang-format-14 "$$f" | diff -u "$$f" - || bad=1; done; exit $$bad

lint: ## layering, mirrors, recipes, snippets of the documentation, cost of includes
	@tools/need.sh g++ python3
	@for check in layers mirrors packaging snippets include_cost; do python3 tools/check_$$check.py || exit 1; done

install: ## install headers, CMake package and pkg-config file below PREFIX=/usr/local
	@tools/need.sh $(BUILD_TOOLS)
	@cmake -S . -B build/install -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null && cmake --install build/install

clean: ## remove build/
	@rm -rf build
