#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# seen_test.sh PROGRAM: it prints what awk '!x[$0]++' prints, and says no in the right way.
set -u
seen=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() { # text
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# like_awk NAME FILE OPTIONS...: the same lines as awk's.
like_awk() {
  name=$1 input=$2
  shift 2
  LC_ALL=C awk '!x[$0]++' "$input" >wanted
  "$seen" "$@" <"$input" >got 2>err || fail "$name: ended with $?: $(cat err)"
  cmp -s wanted got || fail "$name: not what awk prints"
  [ ! -s err ] || fail "$name: stderr is not empty: $(cat err)"
}

# ends_with CODE MESSAGE ARGUMENTS...: the exit code, and a message on stderr (none if empty).
ends_with() {
  wanted=$1 message=$2
  shift 2
  "$seen" "$@" </dev/null >out 2>err
  code=$?
  [ $code -eq "$wanted" ] || fail "seen $* ended with $code, not $wanted"
  if [ -n "$message" ]; then
    grep -qF -e "$message" err || fail "seen $* said '$(cat err)', not '$message'"
  else
    [ ! -s err ] || fail "seen $* said '$(cat err)'"
  fi
}

# --- the lines ------------------------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 200000; i++) { x = (x * 1103515245 + 12345) % 2147483648; print "line " int(x / 65536) } }' >random
: >nothing
printf '\n\n\n' >empty_lines
printf 'a\nb\na\nc' >no_newline
printf 'a\r\na\nA\n a\na \n\303\244\n\344\n\303\244\n' >bytes
awk 'BEGIN { for (i = 0; i < 3; i++) { for (j = 0; j < 100000; j++) printf "0123456789"; print i % 2 } }' >long
for input in random nothing empty_lines no_newline bytes long; do
  like_awk "$input" "$input"
done
like_awk 'small filter, tiny rate' random --capacity 40000 --false-positive-rate 1e-7

printf 'a\0b\na\0c\na\0b\n' | "$seen" >got
printf 'a\0b\na\0c\n' | cmp -s - got || fail 'lines with NUL'
(printf 'one\ntw'; sleep 0.1; printf 'o\none\n') | "$seen" >got
printf 'one\ntwo\n' | cmp -s - got || fail 'a line that comes in two pieces'
printf 'a\nb\n' >first
printf 'b\nc\n' >second
[ "$(printf 'c\nd\n' | "$seen" first second - | tr '\n' ' ')" = 'a b c d ' ] || fail 'several files'
[ "$("$seen" --count random)" -eq "$(LC_ALL=C sort -u random | wc -l)" ] || fail '--count'

# A filter for 10 lines has no bit left to set long before the thousandth comes.
awk 'BEGIN { for (i = 0; i < 1000; i++) print i }' >numbers
[ "$("$seen" --capacity 10 --false-positive-rate 0.5 --count numbers 2>err)" -lt 1000 ] || fail 'a filter that loses nothing'
[ "$(grep -c 'more than 10 distinct lines' err)" -eq 1 ] || fail "overfull: $(cat err)"
grep -q 'the false-positive rate is' err || fail "overfull, at the end: $(cat err)"

# --- keeping what was seen ------------------------------------------------------------------------

"$seen" --save kept first >out || fail 'saving'
[ "$("$seen" --load kept --save kept second)" = c ] || fail 'loading and saving again'
[ "$("$seen" --load=kept --count first second)" = 0 ] || fail 'all was seen'
[ "$(find . -name 'kept*' | wc -l)" -eq 1 ] || fail 'something was left behind beside the saved file'
head -c 1000 kept >"cut"
ends_with 1 'cut: quoin: input ends within the payload' --load cut
ends_with 1 'first: quoin: not a native form' --load first
ends_with 1 'nothing: quoin: input too short' --load nothing
ends_with 1 'none: No such file' --load none
[ ! -c /dev/zero ] || ends_with 1 '/dev/zero: quoin: not a native form' --load /dev/zero
ends_with 1 'none/kept: No such file' --save none/kept
ends_with 1 '/dev/null: not a regular file' --save /dev/null
cp kept before
ends_with 1 'none: No such file' --load kept --save kept second none
cmp -s kept before || fail 'a run that failed changed the saved file'

# --- errors ---------------------------------------------------------------------------------------

ends_with 0 '' --help
grep -q 'A NEW LINE MAY BE LEFT OUT' out || fail '--help does not warn'
ends_with 2 "--capacity '0': not a whole number" --capacity 0
ends_with 2 "--capacity '1e6': not a whole number" --capacity=1e6
ends_with 2 '--capacity needs a value' --capacity
ends_with 2 "--bits-per-key 'ten': not a number" --bits-per-key ten
ends_with 2 'false_positive_rate = 2, must be in (0, 1)' --false-positive-rate 2
ends_with 2 'must be in (0, 1)' --false-positive-rate nan
ends_with 2 'bits_per_key = 65' --bits-per-key 65
ends_with 2 'one of --bits-per-key and' --bits-per-key 8 --false-positive-rate 0.1
ends_with 2 '--load brings' --load kept --capacity 5
ends_with 2 'there is no option --frequency' --frequency
# (AddressSanitizer ends the program there.)
grep -q __asan_init "$seen" || ends_with 1 'not enough memory' --capacity 200000000000000000
ends_with 1 'none: No such file' none
ends_with 1 '.: Is a directory' .
ends_with 1 'long: line 1 of the input has more than 1000 bytes' --max-line 1000 long
ends_with 1 'long: line 1 of the input has more than 300000 bytes' --max-line 300000 long
if [ -c /dev/full ]; then
  "$seen" first >/dev/full 2>err && fail 'a full disk is not noticed'
  grep -q 'standard output: No space left' err || fail "a full disk: $(cat err)"
fi
(
  trap '' PIPE
  "$seen" random 2>err
  echo $? >code
) | true
grep -q 'standard output: Broken pipe' err || fail "a broken pipe: $(cat err)"
[ "$(cat code)" -eq 1 ] || fail "a broken pipe: ended with $(cat code)"

[ $failures -eq 0 ] && echo "seen: all as it should be"
exit $((failures > 0))
