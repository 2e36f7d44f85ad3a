#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# Installs those of the named Debian packages that are missing, and says what each is for.
# A name with a leading '?' may be done without. On other systems it only says what is needed.
set -eu

why() {
  case $1 in
    g++) echo "compiles the C++ sources" ;;
    clang) echo "compiles them a second time, with sanitizers and libFuzzer" ;;
    clang-format-14) echo "checks the formatting" ;;
    cmake) echo "configures the build" ;;
    ninja-build) echo "runs the build" ;;
    ccache) echo "spares the second compilation of the same file" ;;
    libgtest-dev | googletest) echo "runs the tests" ;;
    librapidcheck-dev) echo "runs the property tests" ;;
    libxxhash-dev) echo "is what the hash functions are compared with" ;;
    libbenchmark-dev) echo "runs the benchmarks" ;;
    libbloom-dev | libleveldb-dev) echo "is a peer in the benchmarks" ;;
    libsimde-dev) echo "stands in for instruction sets that this processor lacks" ;;
    gcovr) echo "reports which lines the tests executed" ;;
    redis-tools) echo "is what its HyperLogLog is compared with, live" ;;
    libgmp-dev) echo "is what base62 is compared with" ;;
    libmemcached-dev) echo "is what ketama rings are compared with" ;;
    python3) echo "runs the checks in tools/" ;;
    pkg-config) echo "is one of the ways in which the library is found" ;;
    qemu-user) echo "runs programs of other processors" ;;
    g++-*-linux-gnu) echo "compiles for another processor" ;;
    libclang-rt-*) echo "holds the sanitizers' runtime" ;;
    *) echo "is needed" ;;
  esac
}

missing='' wanted=''
for package; do
  name=${package#\?}
  wanted="$wanted $name"
  if ! command -v dpkg-query >/dev/null || ! dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed'; then
    missing="$missing $package"
  fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "This is not a Debian-like system; the build goes on and expects what these Debian packages hold:"
  echo "  $wanted"
  exit 0
fi

echo "Missing Debian packages:"
for package in $missing; do
  printf '  %-24s %s\n' "${package#\?}" "$(why "${package#\?}")"
done
as_root=''
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  if ! command -v sudo >/dev/null; then
    echo "There is no sudo to install them with. As root, run:" >&2
    echo "  apt-get update && apt-get install -y$(echo "$missing" | tr -d '?')" >&2
    exit 1
  fi
fi

echo "Installing them with apt-get (its own output follows) ..."
export DEBIAN_FRONTEND=noninteractive
install() { $as_root apt-get install -y --no-install-recommends -q "$@" </dev/null; }
$as_root apt-get update -q </dev/null || echo "apt-get update failed; trying with the package lists there are." >&2
# shellcheck disable=SC2046,SC2086
if install $(printf ' %s' $missing | tr -d '?'); then exit 0; fi

echo "Not all could be had together; trying one by one." >&2
for package in $missing; do
  install "${package#\?}" && continue
  case $package in
    \?*) echo "Going on without ${package#\?}, which $(why "${package#\?}")." >&2 ;;
    *)
      echo "The package $package, which $(why "$package"), cannot be installed. Run by hand, as root:" >&2
      echo "  apt-get install $package" >&2
      echo "and look at what apt-get says: most often the network or /etc/apt/sources.list is at fault." >&2
      echo "Then repeat the make command; what is already installed stays." >&2
      exit 1
      ;;
  esac
done
