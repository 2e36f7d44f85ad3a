#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# usage: tools/fuzz.sh BUILD_FOLDER SECONDS [TARGET...]
# Runs libFuzzer targets for SECONDS each, JOBS (default 1) at a time, from the committed corpus. New inputs go to the
# build folder.
set -eu
build=$1 seconds=$2
shift 2

if [ "${1:-}" = --one ]; then
  target=$2
  corpus=fuzz/corpus/$(echo "$target" | tr . /)
  new=$build/corpus/$target
  mkdir -p "$new"
  log=$build/$target.log
  if "$build/fuzz.$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$build/finding-" \
    -timeout=20 -rss_limit_mb=3000 "$new" "$corpus" >"$log" 2>&1; then
    printf '%-44s %9s runs, no finding\n' "$target" "$(awk '/number_of_executed_units/ {print $2}' "$log")"
    exit 0
  fi
  tail -n 40 "$log"
  echo "$target: a finding; the input is $build/finding-*. Reproduce: $build/fuzz.$target INPUT" >&2
  exit 255 # xargs starts nothing more
fi

if [ $# -eq 0 ]; then
  for program in "$build"/fuzz.*; do
    [ -x "$program" ] && set -- "$@" "${program##*/fuzz.}"
  done
fi
[ $# -gt 0 ] || { echo "no fuzz target has been built in $build" >&2; exit 1; }
printf '%s\n' "$@" | xargs -n 1 -P "${JOBS:-1}" "$0" "$build" "$seconds" --one
