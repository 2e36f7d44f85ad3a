#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# ids_test.sh PROGRAM: what is in ids that others made, and ids that nobody has.
. "$(dirname "$0")/support.sh"

# --- what is in them ------------------------------------------------------------------------------

# tells FORMAT ID WANTED
tells() {
  is "$1 $2" "$("$program" --decode "$1" "$2")" "$2	$3"
}

tells twitter 1541815603606036480 '2022-06-28 16:07:40.105 UTC  worker 378  sequence 0'
tells twitter-original 1541815603606036480 '2022-06-28 16:07:40.105 UTC  datacenter 11  worker 26  sequence 0'
tells twitter-original 1227238262110117894 '2020-02-11 14:29:37.328 UTC  datacenter 11  worker 22  sequence 6'
tells discord 937847820382261308 '2022-01-31 23:12:24.749 UTC  datacenter 1  worker 5  sequence 60'
tells instagram 0 '2011-08-24 21:07:01.721 UTC  worker 0  sequence 0'
tells sonyflake 0 '2025-01-01 00:00:00.000 UTC  worker 0  sequence 0'
tells js-safe 4097 '2025-01-01 00:00:00.001 UTC  worker 0  sequence 1'
tells uuid7 017F22E2-79B0-7CC3-98C4-DC0C0C07398F 'version 7  2022-02-22 19:22:22.000 UTC'
tells uuid4 C232AB00-9414-11EC-B3C8-9F6BDECED846 'version 1  2022-02-22 19:22:22.000 UTC'
tells uuid4 00000000-0000-0000-0000-000000000000 nil
tells uuid4 ffffffffffffffffffffffffffffffff max
tells ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV '2016-07-30 23:54:10.259 UTC'
tells ksuid 0ujtsYcgvSTl8PAuAdqWYSMnLOv '2017-10-10 04:00:47.000 UTC'
is 'several' "$("$program" --decode twitter 1 2 3 | wc -l)" 3

# --- ones that nobody has -------------------------------------------------------------------------

before=$(date -u +%Y-%m-%d)
for format in twitter twitter-original discord instagram sonyflake js-safe uuid4 uuid7 ulid ksuid; do
  "$program" -n 500 $format >made || fail "$format: $?"
  is "$format: how many" "$(sort -u made | wc -l)" 500
  case $format in
    uuid4 | ksuid) ;;
    uuid7 | ulid) LC_ALL=C sort -c made || fail "$format is not in order" ;;
    *) sort -n -c made || fail "$format is not in order" ;;
  esac
  # shellcheck disable=SC2046
  "$program" --decode $format $(head -n 20 made) >told || fail "$format is not what it says"
  case $(cat told) in
    *"$before"* | *"$(date -u +%Y-%m-%d)"*) ;;
    *) [ $format = uuid4 ] || fail "$format is not of today: $(head -n 1 told)" ;;
  esac
done
is 'one' "$("$program" --worker 7 twitter | wc -l)" 1
# shellcheck disable=SC2046
"$program" --decode twitter $("$program" --worker 7 twitter) | grep -q 'worker 7 ' || fail 'another worker'

# --- a mark that outlives the process -------------------------------------------------------------

"$program" --mark mark -n 10 twitter >first
"$program" --mark mark -n 10 twitter >second
cat first second | sort -n -c || fail 'a later run is not later'
"$program" --mark mark -n 100000000 twitter >killed &
pid=$!
while [ ! -s killed ]; do sleep 0.01; done
kill -9 $pid
wait $pid 2>/dev/null
"$program" --mark mark -n 10 twitter >third
# The last line may be cut short.
sed '$d' killed | tail -n 1 | cat - third | sort -n -c || fail 'an id came again after a kill'
echo $(($(date +%s) * 1000 + 1000)) >mark  # as if the clock had been set back by a second
"$program" --mark mark twitter >fourth
[ "$(cat fourth)" -ge $((($(date +%s) * 1000 - 1000 - 1288834974657) << 22)) ] || fail 'an id of the past'
is 'nothing but the mark is left' "$(ls mark*)" mark
echo nonsense >mark
ends_with 1 'mark: not a mark' --mark mark twitter

# --- errors ---------------------------------------------------------------------------------------

ends_with 2 'give a format'
ends_with 2 "there is no format 'base62'" base62
ends_with 2 'give the ids to decode' --decode twitter
ends_with 2 'to take ids apart, say --decode' twitter 5
ends_with 2 'worker = 1024, must be' --worker 1024 twitter
ends_with 2 "--worker 'x': not a whole number" --worker x twitter
ends_with 2 '--mark is for twitter' --mark mark ulid
ends_with 2 '--worker is for twitter' --worker 5 uuid4
ends_with 2 '--datacenter is for twitter' --datacenter 3 ulid
ends_with 2 '-n is not for --decode' --decode -n 3 ulid 01G65Z755AFWAKHE12NY0CQ9FH
ends_with 2 '--mark is not for --decode' --decode --mark mark twitter 5
ends_with 2 '--worker is not for --decode' --decode --worker 1 twitter 5
ends_with 1 "'x': not a whole number up to" --decode twitter x
ends_with 1 'not a whole number up to 9007199254740991' --decode js-safe 9007199254740992
ends_with 1 '(character 9)' --decode uuid7 017F22E2x79B0-7CC3-98C4-DC0C0C07398F
ends_with 1 '(character 27)' --decode ksuid 0ujtsYcgvSTl8PAuAdqWYSMnLO-
ends_with 1 "'01ARZ3NDEKTSV4RRFFQ69G5FAU':" --decode ulid 01ARZ3NDEKTSV4RRFFQ69G5FAU
finish
