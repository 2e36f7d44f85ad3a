#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# rate_gate_test.sh PROGRAM: all lines pass, never sooner than they may, and it says no in the right way.
. "$(dirname "$0")/support.sh"

# takes SECONDS COMMAND...: it takes so long, at least.
takes() {
  least=$1
  shift
  begin=$(date +%s%N)
  "$@"
  taken=$((($(date +%s%N) - begin) / 1000000))
  [ $taken -ge "$least" ] || fail "$* took $taken ms, less than $least"
}

awk 'BEGIN { for (i = 1; i <= 40; i++) print "line " i }' >lines
printf 'a\n\n\0b\r\n  c' >odd
: >nothing

# --- delayed --------------------------------------------------------------------------------------

takes 390 "$program" --rate 100 lines >got
cmp -s lines got || fail 'not all lines passed'
takes 190 "$program" --rate 100 --burst 21 lines >got
cmp -s lines got || fail 'not all lines passed after a burst'
"$program" --rate 1/d --burst 40 <lines >got
cmp -s lines got || fail 'not all of a burst passed'
takes 290 "$program" --rate 1000 --bytes --burst 20 lines >got  # 311 bytes
cmp -s lines got || fail 'not all bytes passed'
"$program" --rate 1000 odd >got
printf 'a\n\n\0b\r\n  c\n' | cmp -s - got || fail 'odd lines'
is 'several files' "$("$program" --rate 6000/m nothing odd - <lines | wc -l)" 44
ends_with 0 '' --rate 1 nothing
is 'a line before the next one may pass' "$("$program" --rate 300/m lines 2>err | { read -r first && echo "$first"; })" 'line 1'

# --- dropped --------------------------------------------------------------------------------------

"$program" --rate 7/d --burst 7 --drop lines >got 2>err || fail "--drop: $?"
head -n 7 lines | cmp -s - got || fail 'others than the first seven'
is 'what was dropped' "$(cat err)" 'rate_gate: dropped 33 of 40 lines'
is 'a second at once' "$("$program" --rate 300/m --drop lines 2>err | wc -l)" 5
printf 'a\nlonger than ten\nb\n' | "$program" --rate 1/d --burst 10 --bytes --drop >got 2>err
is 'what is longer never passes' "$(tr '\n' ' ' <got)" 'a b '

# --- errors ---------------------------------------------------------------------------------------

ends_with 0 '' --help
ends_with 2 'give a --rate'
for rate in 0 -1 1.5 1/y 1/ /s x 99999999999999999999; do
  ends_with 2 "--rate '$rate': not a rate" --rate $rate
done
ends_with 2 "--burst '0': not a whole number" --rate 1 --burst 0
ends_with 2 'burst = 99999999999999999, must be at most' --rate 1 --burst 99999999999999999
ends_with 2 'there is no option --key' --rate 1 --key k
ends_with 1 'none: No such file' --rate 1 none
ends_with 1 'has more than 5 bytes' --rate 1 --max-line 5 lines
finish
