#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# city_directory_test.sh PROGRAM: it tells its account, and says what is wrong with its data.
set -u
program=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() { # text
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# refuses WANTED_MESSAGE ARGUMENTS...: exit code 1 and the message on stderr.
refuses() {
  wanted=$1
  shift
  "$program" "$@" >"$folder/out" 2>"$folder/err"
  code=$?
  [ $code -eq 1 ] || fail "$* ended with $code, not 1"
  grep -qF "$wanted" "$folder/err" || fail "$* said '$(cat "$folder/err")', not '$wanted'"
}

# The program checks its own claims; here only that it came to its end.
"$program" >"$folder/account" 2>&1 || fail "the account ended with an error: $(tail -n 1 "$folder/account")"
for text in '24,307 places' 'checksum mismatch' 'equal bit for bit to one filter of all' \
  'Countries: 209 by std::unordered_set, 209.00 by the sketch' 'equal bit for bit to one sketch of all names' \
  'equal bit for bit to one of all words' 'merging adds none' 'equal bit for bit to one of all,' 'three replicas in three zones' \
  '24,307 queries in 12.2 s, 12,253 passed' '24,307 ids, no two the same' 'All 24,307 codes lead back' 'Every figure above'; do
  grep -qF "$text" "$folder/account" || fail "the account lacks '$text'"
done
# Characters, not bytes: what continues one in UTF-8 does not count.
[ "$(LC_ALL=C tr -d '\200-\277' <"$folder/account" | awk '{ if (length($0) > longest) longest = length($0) } END { print longest }')" -le 100 ] ||
  fail "the account has lines of more than 100 characters"

header='name	country	lat	lng	population'
refuses 'No such file' "$folder/none.tsv"
: >"$folder/empty.tsv"
refuses 'empty.tsv: no places in it' "$folder/empty.tsv"
printf 'Bern,CH\n' >"$folder/comma.tsv"
refuses 'comma.tsv:1: not the header line' "$folder/comma.tsv"
printf '%s\nBern\tCH\t46.9\t7.4\t121631\nUri\tCH\t46.9\n' "$header" >"$folder/short.tsv"
refuses 'short.tsv:3: not five fields' "$folder/short.tsv"
printf '%s\nBern\tCH\t146.9\t7.4\t121631\n' "$header" >"$folder/far.tsv"
refuses "far.tsv:2: the latitude is '146.9'" "$folder/far.tsv"

[ $failures -eq 0 ] && echo "city_directory: all as it should be"
exit $((failures > 0))
