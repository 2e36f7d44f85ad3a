#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# quantile_test.sh PROGRAM: its percentiles are those of the sorted numbers, as nearly as it says.
. "$(dirname "$0")/support.sh"

percentiles=0,1,10,25,50,75,90,99,99.9,100

# exact FILE COLUMN: the percentiles by sorting.
exact() {
  awk -v column="$2" '{ print $column }' "$1" | LC_ALL=C sort -g | awk -v list=$percentiles '
    { x[NR - 1] = $1 }
    END { n = split(list, p, ","); for (i = 1; i <= n; i++) print p[i], x[int(p[i] / 100 * (NR - 1))] }'
}

# agrees ACCURACY FILE COLUMN: with the exact ones, both ends exactly; bounds contain them.
agrees() {
  accuracy=$1 file=$2 column=$3
  exact "$file" "$column" >wanted
  "$program" -p $percentiles --accuracy "$accuracy" --column "$column" <"$file" >got 2>err ||
    fail "$file: ended with $?: $(cat err)"
  [ ! -s err ] || fail "$file: said $(cat err)"
  paste -d ' ' wanted got | awk -v a="$accuracy" '
    function abs(x) { return x < 0 ? -x : x }
    $1 != $3 || abs($4 - $2) > a * abs($2) * (1 + 1e-6) + abs($2) * a * 1e-4 { print; bad = 1 }
    ($1 == 0 || $1 == 100) && $4 != $2 { print; bad = 1 }
    END { exit bad || NR != 10 }' >bad || fail "$file, $accuracy: wanted, got: $(cat bad)"
  "$program" --bounds -p $percentiles --accuracy "$accuracy" --column "$column" "$file" >got
  paste -d ' ' wanted got | awk '!($5 <= $2 && $2 <= $6) { print; bad = 1 } END { exit bad }' >bad ||
    fail "$file, $accuracy: not within its bounds: $(cat bad)"
}

# --- the percentiles ------------------------------------------------------------------------------

awk 'BEGIN { srand(7); for (i = 0; i < 30000; i++) print exp(8 * rand()), int(1000 * rand()), -1 / (rand() + 1e-9) }' >three
awk 'BEGIN { srand(8); for (i = 0; i < 30000; i++) printf "%.3f\n", 2000 * rand() - 1000 }' >signs
awk 'BEGIN { for (i = 1; i <= 1000; i++) printf " \t%de-3\t \r\n", i }' >blanks
for a in 0.1 0.01 0.001 0.0001; do
  for column in 1 2 3; do
    agrees $a three $column
  done
  agrees $a signs 1
  agrees $a blanks 1
done
printf '5\n' >one
is 'one number' "$("$program" -p 0,50,100 one)" '0 5
50 5
100 5'
printf '1\n2\n3' >no_newline
is 'the last line without a newline' "$("$program" -p100 -- no_newline)" '100 3'
is 'several files' "$(printf '9\n' | "$program" -p 0,100 one no_newline -)" '0 1
100 9'
printf -- '-12\n+3.5\n.5\n5.\n1e3\n0\n-inf\ninf\n123456789012345678901234567890\n' >forms
is 'forms of numbers' "$("$program" -p 0,100 forms)" '0 -inf
100 inf'
for number in 0.1 +0.1 1e22 123456789012345678 9007199254740993 2.2250738585072014e-308 -17 1.7976931348623157e308 000000000000000012.5; do
  is "$number" "$(echo $number | "$program" -p 100 | awk '{ print ($2 == '"$number"') }')" 1
done
: >nothing
is 'no numbers' "$("$program" -p 50 nothing)" '50 nan'
is 'the default' "$("$program" one | wc -l | tr -d ' ')" 8
printf '1e300\n1e-300\n1e-200\n2e300\n3e300\n' >far
"$program" -p 25,75 --bounds far >got 2>err || fail "far: $(cat err)"
grep -q '2 numbers are too small' err || fail "far: $(cat err)"
awk '$1 == 25 && !($3 <= 1e-200 && 1e-200 <= $4) { exit 1 }' got || fail "far: $(cat got)"

# --- lines that hold no number --------------------------------------------------------------------

printf '1\nabc\n3\n\n5 x\n' >bad_lines
ends_with 1 "bad_lines:2: 'abc' is not a number (--skip-bad)" bad_lines
ends_with 1 "bad_lines:2: 'abc' is not a number" one bad_lines
ends_with 1 'bad_lines:1: there is no field 2' --column 2 bad_lines
printf '1\n\n' >empty_line
ends_with 1 'empty_line:2: there is no field 1' empty_line
is 'skipping' "$("$program" --skip-bad -p 0,100 bad_lines 2>err)" '0 1
100 5'
grep -q '2 of 5 lines hold no number' err || fail "--skip-bad: $(cat err)"
for text in nan 0x10 1e 1.2.3 - + . e5 1e999 -1e999 1_000 1,5 infinity '--1' '+-1' '1-1'; do
  printf '%s\n' "$text" >text
  ends_with 1 "text:1: '$text' is not a number" text
done
printf '\033[31mred\n' >escape
ends_with 1 "escape:1: '?[31mred' is not a number" escape
awk 'BEGIN { for (i = 0; i < 100000; i++) print i; print "x" }' >late
ends_with 1 "late:100001: 'x'" late

# --- keeping --------------------------------------------------------------------------------------

head -n 10000 signs >first
tail -n 20000 signs >second
"$program" --save first.kept first >out || fail 'saving'
"$program" --save second.kept second >out || fail 'saving again'
whole=$("$program" signs)
is '--merge' "$("$program" --merge first.kept second.kept)" "$whole"
is '--load' "$("$program" --load second.kept first)" "$whole"
is '--load --save' "$("$program" --load first.kept --save all.kept second; "$program" --merge all.kept)" "$whole
$whole"
"$program" --accuracy 0.1 --save coarse.kept first >out
ends_with 1 'coarse.kept: not of the same accuracy as first.kept' --merge first.kept coarse.kept
head -c 100 first.kept >"cut"
ends_with 1 'cut: quoin: ' --load cut
ends_with 1 'one: quoin: not a native form' --load one
ends_with 1 '/dev/null: not a regular file' --save /dev/null
cp all.kept before
ends_with 1 "bad_lines:2: 'abc'" --load first.kept --save all.kept bad_lines
cmp -s all.kept before || fail 'a run that failed changed the saved file'

# --- errors ---------------------------------------------------------------------------------------

ends_with 0 '' --help
grep -q 'WITH A RELATIVE ERROR' out || fail '--help does not warn'
ends_with 2 "-p '50,abc': 'abc' is not a number from 0 to 100" -p 50,abc
ends_with 2 "-p '101': '101' is not" -p 101
ends_with 2 "-p '': '' is not" -p ''
ends_with 2 "-p '50,': '' is not" -p50,
ends_with 2 '-p needs a value' -p
ends_with 2 'relative_accuracy = 0, must be in' --accuracy 0
ends_with 2 'relative_accuracy = nan, must be in' --accuracy nan
ends_with 2 "--accuracy '1%': not a number" --accuracy 1%
ends_with 2 "--column '0': not a whole number" --column 0
ends_with 2 'what was kept brings its accuracy' --load first.kept --accuracy 0.1
ends_with 2 '--merge needs the files' --merge
ends_with 2 'there is no option --frequency' --frequency
ends_with 1 'none: No such file' none
ends_with 1 '.: Is a directory' .
notices_lost_output one

finish
