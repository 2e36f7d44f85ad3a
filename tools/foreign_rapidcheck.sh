#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# usage: tools/foreign_rapidcheck.sh DEBIAN_ARCHITECTURE FOLDER
# Unpacks Debian's RapidCheck for another architecture (arm64, s390x, i386) into FOLDER/usr. It keeps apt's lists for
# that architecture in FOLDER too, so that the system's own configuration stays as it is. Needs no root.
set -eu
architecture=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
[ ! -e "$folder/usr/lib/librapidcheck.a" ] || exit 0
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
: >"$folder/status"
cat >"$folder/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State::Lists "$folder/lists";
Dir::State::Status "$folder/status";
Dir::Cache "$folder/cache";
CONF
export APT_CONFIG="$folder/apt.conf"
apt-get update -q >"$folder/log" 2>&1 </dev/null || true  # one list of several may fail; the download decides
cd "$folder"
apt-get download -q librapidcheck-dev >>log 2>&1 </dev/null
dpkg-deb -x librapidcheck-dev_*.deb .
# One place whatever the multiarch name.
mv usr/lib/*-linux-gnu/librapidcheck.a usr/lib/
rm -rf lists cache ./*.deb
