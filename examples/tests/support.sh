# SPDX-License-Identifier: BSL-1.0
# What the tests of programs share; each begins with `. "$(dirname "$0")/support.sh"` and ends with `finish`.
# They run in a folder of their own, on $program, the first argument.
set -u
program=$1
name=$(basename "$0" _test.sh)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() { # text
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# is WHAT GOT WANTED
is() {
  [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"
}

# ends_with CODE MESSAGE ARGUMENTS...: the exit code, and a message on stderr (none if empty).
ends_with() {
  wanted=$1 message=$2
  shift 2
  "$program" "$@" </dev/null >out 2>err
  code=$?
  [ $code -eq "$wanted" ] || fail "$name $* ended with $code, not $wanted"
  if [ -n "$message" ]; then
    grep -qF -e "$message" err || fail "$name $* said '$(cat err)', not '$message'"
    [ ! -s out ] || fail "$name $* printed '$(head -n 1 out)' though it failed"
  else
    [ ! -s err ] || fail "$name $* said '$(cat err)'"
  fi
}

# notices_lost_output INPUT: a full disk and a reader that went away.
notices_lost_output() {
  if [ -c /dev/full ]; then
    "$program" "$1" >/dev/full 2>err && fail 'a full disk is not noticed'
    grep -q 'standard output: No space left' err || fail "a full disk: $(cat err)"
  fi
  rm -f err code gone
  mkfifo gone
  (
    trap '' PIPE
    exec 3>gone
    while [ ! -e closed ]; do sleep 0.01; done
    "$program" "$1" >&3 2>err
    echo $? >code
  ) &
  : <gone
  : >closed
  wait
  grep -q 'standard output: Broken pipe' err || fail "a broken pipe: $(cat err)"
  is 'a broken pipe: exit status' "$(cat code)" 1
  "$program" "$1" >&- 2>err && fail 'a closed output is not noticed'
  grep -q 'standard output: Bad file descriptor' err || fail "a closed output: $(cat err)"
}

finish() {
  [ $failures -eq 0 ] && echo "$name: all as it should be"
  exit $((failures > 0))
}
