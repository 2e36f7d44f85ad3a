#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# base62_test.sh PROGRAM: both ways, in each alphabet, and only what is right.
. "$(dirname "$0")/support.sh"

# --- both ways ------------------------------------------------------------------------------------

printf '0\n11157\n2009215674938\n18446744073709551615\n' >numbers
printf '0\n2TX\nzn9edcu\nlYGhA16ahyf\n' >texts
"$program" numbers | cmp -s texts - || fail "encoded: $("$program" numbers)"
"$program" --decode texts | cmp -s numbers - || fail "decoded: $("$program" --decode texts)"
is 'from standard input, no newline at the end' "$(printf 61 | "$program")" Z
is 'another order' "$("$program" --alphabet Aa numbers | tail -n 1)" LygHa16AHYF
is 'letters first' "$(echo 61 | "$program" --alphabet letters)" 9
is 'a width' "$(echo 11157 | "$program" --width 7)" 00002TX
is 'a width, back' "$(echo 00002TX | "$program" --width=7 --decode)" 11157
is 'a long one' "$(echo 1 | "$program" --width 20 | "$program" --width 20 --decode)" 1
awk 'BEGIN { for (i = 0; i < 20000; i++) print i * 7919 }' >many
"$program" many | "$program" --decode | cmp -s many - || fail 'twenty thousand, there and back'
for alphabet in Aa letters; do
  "$program" --alphabet $alphabet many - <numbers | "$program" --alphabet $alphabet --decode | cat >back
  cat many numbers | cmp -s back - || fail "there and back in $alphabet"
done
"$program" --alphabet Aa --width 7 many | LC_ALL=C sort -c || fail 'a width sorts as the numbers do'
notices_lost_output numbers

# --- errors ---------------------------------------------------------------------------------------

# refuses WANTED_MESSAGE TEXT ARGUMENTS...
refuses() {
  wanted=$1
  printf '%s\n' "$2" >bad
  shift 2
  ends_with 1 "bad:1: $wanted" "$@" bad
}

for text in x '' -1 1.5 '1 ' 0x1; do refuses 'not a whole number' "$text"; done
refuses 'a number above 2^64 - 1' 18446744073709551616
refuses 'more than 2 characters' 3844 --width 2
refuses 'not a character of the alphabet (character 3)' 2T-X --decode
refuses 'a zero in front of a minimal form (character 1)' 02TX --decode
refuses 'the number is too large (character 11)' lYGhA16ahyg --decode
refuses 'no digits (character 1)' '' --decode
refuses 'too few digits' 2TX --decode --width 7
refuses 'too many digits' 00002TX --decode --width 6
printf '1\n2\nx\n' | "$program" >out 2>err && fail 'a bad line is not noticed'
is 'what came before a bad line' "$(tr '\n' ' ' <out)" '1 2 '
is 'where it is' "$(cat err)" 'base62: standard input:3: not a whole number'
ends_with 0 ''
ends_with 2 'not aA, Aa or letters' --alphabet zZ
ends_with 2 'not a whole number from 1 to 64' --width 65
ends_with 2 'not a whole number from 1' --width 0
ends_with 2 'there is no option --encode' --encode
ends_with 1 'none: No such file' none
finish
