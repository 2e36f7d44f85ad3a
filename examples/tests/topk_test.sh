#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# topk_test.sh PROGRAM: it prints what sort | uniq -c | sort -rn | head prints, or says what is not certain.
. "$(dirname "$0")/support.sh"
export LC_ALL=C

pipeline() { # k file
  sort "$2" | uniq -c | sort -rn | head -n "$1"
}

# exact K FILE OPTIONS...: byte for byte, and nothing on stderr.
exact() {
  k=$1 file=$2
  shift 2
  pipeline "$k" "$file" >wanted
  "$program" -k "$k" "$@" <"$file" >got 2>err || fail "$file $k $*: ended with $?: $(cat err)"
  cmp -s wanted got || fail "$file $k $*: not what the pipeline prints: $(diff wanted got | head -n 5)"
  [ ! -s err ] || fail "$file $k $*: stderr is not empty: $(cat err)"
}

# --- exact ----------------------------------------------------------------------------------------

# Line i with a frequency like 1 / i: 200,000 lines, about 37,000 different ones.
awk 'BEGIN { srand(5); for (i = 0; i < 200000; i++) printf "page %d\n", exp(log(100000) * rand()) }' >skewed
awk 'BEGIN { srand(6); for (i = 0; i < 50000; i++) print "visitor " int(40000 * rand()) }' >even
: >nothing
printf '\n\n\nx\n' >empty_lines
printf 'b\na\nb\na\nc' >no_newline
printf 'a\r\na\nA\n a\na \n\303\244\n\344\n\303\244\n%%s\n\tx\n' >bytes
awk 'BEGIN { for (i = 0; i < 30; i++) { for (j = 0; j < 1000; j++) printf "0123456789"; print i % 3 } }' >long
awk 'BEGIN { for (i = 0; i < 100; i++) print i }' >ties
for file in skewed even nothing empty_lines no_newline bytes long ties; do
  for k in 1 10 1000; do
    exact $k $file
  done
  exact 100000 $file --capacity 50000
done
exact 20 skewed --capacity 4000  # the frequent ones come early, and stay
is 'several files' "$(printf 'c\n' | "$program" -k1 ties no_newline ties - no_newline)" '      4 b'
is 'the default' "$("$program" skewed | wc -l | tr -d ' ')" 10
printf 'a\0b\na\0c\na\0b\n' | "$program" -k 1 >got
printf '      2 a\0b\n' | cmp -s - got || fail 'lines with NUL'
is 'a line that comes in two pieces' "$( (printf 'one\ntw'; sleep 0.1; printf 'o\ntwo\n') | "$program" -k 1)" '      2 two'
is '--bounds' "$("$program" --bounds -k 1 no_newline)" '      2       2 b'

# --- not exact, and honest about it ---------------------------------------------------------------

# honest FILE K CAPACITY: counts are never too low nor by more than N/C too high, lower bounds never too high, a
# line that is left out never as frequent as the limit; what is called certain is so.
honest() {
  file=$1 k=$2 capacity=$3
  "$program" -k "$k" --capacity "$capacity" --bounds "$file" >got 2>err || fail "$file: ended with $?: $(cat err)"
  awk -v k="$k" -v capacity="$capacity" '
    BEGIN {
      while ((getline line < "err") > 0) {
        split(line, word, " ")
        if (line ~ /a count may be up to/) error = word[10]
        if (line ~ /are certainly among/) { sure = word[2]; unsure = 1 }
        if (line ~ /the order is certain/) { ordered = word[9]; disorder = 1 }
      }
      while ((getline line < "got") > 0) {
        n++
        most[n] = substr(line, 1, 7) + 0
        least[n] = substr(line, 9, 7) + 0
        text = substr(line, 17)
        place[text] = n
      }
    }
    function bad(what) { print what ": " $0; failed = 1 }
    {
      total += $1
      text = substr($0, 9)
      if (NR <= k && text in place) found++
      if (NR <= k) kth = $1
      if (text in place) {
        p = place[text]
        if ($1 > most[p] || $1 < least[p]) bad("not within " least[p] " and " most[p])
        if (most[p] - least[p] > error) bad("an error above the one announced, " error)
        count[p] = $1
      } else if ($1 > left_out) {
        left_out = $1
      }
    }
    END {
      $0 = ""
      if (n != k) bad(n " lines, not " k)
      if (error > total / capacity) bad("an error of " error)
      if (left_out > total / capacity && left_out > most[n]) bad("left out: " left_out)
      for (i = 1; i <= n; i++) certain += count[i] >= kth
      if (unsure ? certain < sure : certain < k) bad("only " certain " are among the most frequent")
      for (i = 1; i < (disorder ? ordered + 1 : n); i++) if (count[i] < count[i + 1]) bad("not in order at " i)
      exit failed
    }' "$file.counts" >why || fail "$file, k = $k, capacity $capacity: $(head -n 3 why); $(cat err)"
}
pipeline 1000000 skewed >skewed.counts
pipeline 1000000 even >even.counts
for capacity in 10 30 100 1000; do
  for k in 1 3 10; do
    honest skewed $k $capacity
    honest even $k $capacity
  done
done
"$program" --capacity 10 even >got 2>err
grep -q 'not exact: a count may be up to [0-9]* too high' err || fail "even: said $(cat err)"
grep -q '0 of the lines are certainly among the 10 most frequent' err || fail "even: said $(cat err)"
"$program" -k 50 --capacity 10 ties >got 2>err
grep -q 'not exact' err || fail "lines that miss: said '$(cat err)'"
[ "$(wc -l <got)" -lt 50 ] || fail 'more lines than there is memory for'

# --- errors ---------------------------------------------------------------------------------------

ends_with 0 '' --help
grep -q 'MAY BE TOO HIGH' out || fail '--help does not warn'
ends_with 2 "-k '0': not a whole number" -k 0
ends_with 2 "-k 'ten': not a whole number" -kten
ends_with 2 '-k needs a value' -k
ends_with 2 "--capacity '-1': not a whole number" --capacity -1
ends_with 2 'capacity = 9000000000000000, must be' --capacity 9000000000000000
ends_with 2 'there is no option -n' -n 10
ends_with 1 'none: No such file' none
ends_with 1 '.: Is a directory' .
ends_with 1 'long: line 1 of the input has more than 1000 bytes' --max-line 1000 long
notices_lost_output ties

finish
