#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# distinct_test.sh PROGRAM: it prints what sort -u | wc -l prints, as nearly as it says.
. "$(dirname "$0")/support.sh"

exact() { # file
  LC_ALL=C sort -u "$1" | wc -l | tr -d ' '
}

# within WHAT GOT WANTED PERCENT
within() {
  awk -v got="$2" -v wanted="$3" -v percent="$4" \
    'BEGIN { d = got - wanted; if (d < 0) d = -d; exit !(d <= wanted * percent / 100) }' ||
    fail "$1: $2, not within $4 % of $3"
}

# --- the number -----------------------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 200000; i++) { x = (x * 1103515245 + 12345) % 2147483648; print "line " int(x / 65536) } }' >random
awk 'BEGIN { for (i = 0; i < 300000; i++) print "visitor " i }' >many
: >nothing
printf '\n\n\n' >empty_lines
printf 'a\nb\na\nc' >no_newline
printf 'a\r\na\nA\n a\na \n\303\244\n\344\n\303\244\n' >bytes
awk 'BEGIN { for (i = 0; i < 3; i++) { for (j = 0; j < 100000; j++) printf "0123456789"; print i % 2 } }' >long
awk 'BEGIN { for (i = 0; i < 2000; i++) print i % 700 }' >some
for input in nothing empty_lines no_newline bytes long some; do
  is "$input" "$("$program" <$input)" "$(exact $input)"
done
printf 'a\0b\na\0c\na\0b\n' >nul
is 'lines with NUL' "$("$program" nul)" 2
is 'a line that comes in two pieces' "$( (printf 'one\ntw'; sleep 0.1; printf 'o\none\n') | "$program")" 2
is 'several files' "$(printf 'c\nd\n' | "$program" some no_newline -)" 704

# Four standard errors of one run, 0.84 / sqrt(2^P): chance would exceed them once in 16,000 times,
# but the hash of a line is always the same, so that it happens always or never.
for file in random many; do
  within "$file" "$("$program" $file)" "$(exact $file)" 1.32
  within "$file, P = 10" "$("$program" --precision 10 $file)" "$(exact $file)" 10.5
  within "$file, P = 20" "$("$program" --precision=20 $file)" "$(exact $file)" 0.33
done
"$program" --interval many | {
  read -r estimate low high
  [ "$low" -lt "$estimate" ] && [ "$estimate" -lt "$high" ] || exit 1
  [ "$low" -le 300000 ] && [ 300000 -le "$high" ] || exit 1
  [ $((high - low)) -lt 5000 ] && [ $((high - low)) -gt 1000 ]
} || fail "--interval: $("$program" --interval many)"
is '--interval, few lines' "$("$program" --interval no_newline)" '3 3 3'

# --- keeping counts -------------------------------------------------------------------------------

head -n 200000 many >first
tail -n 200000 many >second
"$program" --save first.kept first >out || fail 'saving'
within 'saving prints, too' "$(cat out)" 200000 1.32
"$program" --save second.kept second >out || fail 'saving again'
"$program" --save all.kept many >out || fail 'saving all'
together=$("$program" --merge first.kept second.kept)
within '--merge' "$together" 300000 1.63  # four standard errors, combined
is '--merge in another order' "$("$program" --merge second.kept first.kept first.kept)" "$together"
within '--load' "$("$program" --load first.kept second)" 300000 1.32
is '--load of all there is' "$("$program" --load all.kept nothing)" "$("$program" many)"
is '--load twice' "$("$program" --load first.kept --load second.kept nothing)" "$together"
within '--load --save' "$("$program" --load first.kept --save sum.kept second)" 300000 1.32
is 'what was saved' "$("$program" --merge sum.kept)" "$("$program" --load first.kept second)"
"$program" --precision 12 --save coarse.kept second >out
within '--merge of two precisions' "$("$program" --merge first.kept coarse.kept)" 300000 6.5
is '--merge of two precisions in another order' "$("$program" --merge coarse.kept first.kept)" \
  "$("$program" --merge first.kept coarse.kept)"
is 'few lines, kept and put together' "$("$program" --save few.kept some; "$program" --load few.kept no_newline)" '700
703'
is 'files left' "$(find . -name 'sum*' | wc -l | tr -d ' ')" 1

head -c 1000 first.kept >"cut"
ends_with 1 'cut: quoin: ' --load cut
ends_with 1 'many: quoin: not a native form' --load many
ends_with 1 'many: quoin: not a native form' --merge first.kept many
ends_with 1 'nothing: quoin: input too short' --merge nothing
ends_with 1 'none: No such file' --load none
[ ! -c /dev/zero ] || ends_with 1 '/dev/zero: quoin: not a native form' --load /dev/zero
ends_with 1 'none/kept: No such file' --save none/kept
ends_with 1 '/dev/null: not a regular file' --save /dev/null
cp sum.kept before
ends_with 1 'none: No such file' --load first.kept --save sum.kept second none
cmp -s sum.kept before || fail 'a run that failed changed the saved file'

# --- for Redis ------------------------------------------------------------------------------------

"$program" --redis few.redis some >out || fail '--redis'
"$program" --redis many.redis many >out || fail '--redis again'
is 'what Redis knows its own by' "$(head -c 4 few.redis)$(head -c 4 many.redis)" HYLLHYLL
if command -v redis-server >/dev/null && command -v redis-cli >/dev/null; then
  redis-server --port 0 --unixsocket "$folder/socket" --save '' --dir "$folder" --loglevel warning >redis.log 2>&1 &
  server=$!
  ask() { redis-cli -s "$folder/socket" "$@"; }
  tries=0
  until [ "$(ask PING 2>/dev/null)" = PONG ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done
  for file in few many; do
    ask -x SET $file <$file.redis >out
    is "SET $file" "$(cat out)" OK
  done
  is 'PFCOUNT of few' "$(ask PFCOUNT few)" "$(sort -u some | xargs redis-cli -s "$folder/socket" PFADD own >out; ask PFCOUNT own)"
  within 'PFCOUNT of many' "$(ask PFCOUNT many)" 300000 3.25  # four standard errors
  kill $server
  wait $server
else
  echo 'distinct: no redis-server here, its part is left out'
fi
ends_with 2 '--redis needs all lines' --redis file --load first.kept

# --- errors ---------------------------------------------------------------------------------------

ends_with 0 '' --help
grep -q 'THE RESULT IS AN ESTIMATE' out || fail '--help does not warn'
for precision in 3 22 0 14.5 ten; do
  ends_with 2 "--precision '$precision': not a whole number" --precision $precision
done
ends_with 2 '--precision needs a value' --precision
ends_with 2 'kept counts bring their precision' --load first.kept --precision 12
ends_with 2 '--merge needs the files' --merge
ends_with 2 'there is no option -c' -c
ends_with 2 'there is no option --interval=95' --interval=95
ends_with 1 'none: No such file' none
ends_with 1 '.: Is a directory' .
ends_with 1 'long: line 1 of the input has more than 1000 bytes' --max-line 1000 long
notices_lost_output some

finish
