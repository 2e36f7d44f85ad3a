#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# redis_gate_test.sh PROGRAM: processes share a rate through a server of the test's own, and it says no in the right way.
. "$(dirname "$0")/support.sh"

awk 'BEGIN { for (i = 1; i <= 40; i++) print "line " i }' >lines

# --- without a server -----------------------------------------------------------------------------

ends_with 0 '' --help
ends_with 2 'give a --rate' --key k
ends_with 2 'give a --key' --rate 1
ends_with 2 "--rate '1/y': not a rate" --rate 1/y --key k
ends_with 2 'burst = 2251800, must be at most 2251799' --rate 1 --burst 2251800 --key k
ends_with 2 'there is no option --frequency' --frequency
ends_with 1 'redis server ./none: No such file' --rate 1 --key k --server ./none lines
ends_with 1 'redis server 127.0.0.1:1: Connection refused' --rate 1 --key k --server 127.0.0.1:1 lines
"$program" --rate 1/d --key k --server ./none --fail-open lines >got 2>err || fail "--fail-open: $?"
cmp -s lines got || fail '--fail-open: not all lines passed'
is '--fail-open' "$(cat err)" 'redis_gate: redis server ./none: No such file or directory; from here on everything passes'

# --- with one -------------------------------------------------------------------------------------

# The tools of the server are the same program, which goes by its name; Debian has them in a package of their own.
installed=$(command -v redis-server || command -v redis-check-rdb)
if [ -z "$installed" ]; then
  [ $failures -eq 0 ] && echo 'redis_gate: redis-server is not installed; tested without it'
  exit $((failures > 0))
fi
ln -s "$installed" redis-server
./redis-server --port 0 --unixsocket "$folder/socket" --save '' --appendonly no --daemonize no --dir "$folder" \
  --logfile /dev/null >server.log 2>&1 &
server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
tries=0
until [ -S socket ] || [ $tries -eq 500 ]; do
  sleep 0.02
  tries=$((tries + 1))
done
[ -S socket ] || fail 'redis-server does not start'

gate() { # KEY OPTION...
  key=$1
  shift
  "$program" --server ./socket --key "$key" "$@"
}

begin=$(date +%s%N)
gate delayed --rate 200 lines >one 2>err_one &
first=$!
gate delayed --rate 200 lines >two 2>err_two &
second=$!
wait $first || fail "the first ended with $?: $(cat err_one)"
wait $second || fail "the second ended with $?: $(cat err_two)"
taken=$((($(date +%s%N) - begin) / 1000000))
[ $taken -ge 390 ] || fail "two processes took $taken ms, less than 390"
cmp -s lines one || fail 'not all lines passed the first'
cmp -s lines two || fail 'not all lines passed the second'

for process in 1 2 3; do
  gate dropped --rate 1/d --burst 10 --drop lines >"got$process" 2>/dev/null &
  processes="${processes-} $!"
done
for process in $processes; do
  wait "$process" || fail "--drop ended with $?"
done
is 'three processes with ten lines in all' "$(cat got1 got2 got3 | wc -l)" 10
is 'another key' "$(gate other --rate 1/d --burst 10 --drop lines 2>/dev/null | wc -l)" 10
gate bytes --rate 1/d --burst 20 --bytes --drop lines >got 2>err
is 'bytes' "$(wc -l <got)" 2
is 'what was dropped' "$(cat err)" 'redis_gate: dropped 38 of 40 lines'
if command -v redis-cli >/dev/null; then
  redis-cli -s ./socket SET text x >/dev/null
  ends_with 1 'ERR not a bucket' --rate 1 --key text --server ./socket lines
fi
finish
