#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# usage: tests/consumer/run.sh SOURCE SCRATCH COMPILER
# Takes the library into a program in each supported way. SCRATCH is emptied first.
set -eu
source=$1 scratch=$2 compiler=$3
here=$source/tests/consumer
rm -rf "$scratch"
mkdir -p "$scratch"

step() { printf '%s ... ' "$1"; }
build() {  # folder, further options of cmake
  folder=$1
  shift
  {
    cmake -S "$here/$folder" -B "$scratch/$folder" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" "$@"
    cmake --build "$scratch/$folder"
  } >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  "$scratch/$folder/consumer"
}

step "install"
{
  cmake -S "$source" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_INSTALL_PREFIX="$scratch/first"
  cmake --install "$scratch/build"
} >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
(cd "$source/include" && find . -name '*.hpp' | sort) >"$scratch/wanted"
(cd "$scratch/first/include" && find . -type f | sort) >"$scratch/got"
diff "$scratch/wanted" "$scratch/got" || { echo "the installed headers are not those of include/"; exit 1; }
[ ! -e "$scratch/first/lib" ] || { echo "an architecture-independent library installs nothing into lib/"; exit 1; }
mv "$scratch/first" "$scratch/moved" # a package must not remember where it was installed
! grep -rl "$scratch" "$scratch/moved" || { echo "these installed files name the folder they were installed to"; exit 1; }
echo "ok"

step "find_package"
build find_package -DCMAKE_PREFIX_PATH="$scratch/moved"
step "add_subdirectory"
build add_subdirectory -DQUOIN_SOURCE="$source"
step "FetchContent"
build fetch_content -DQUOIN_SOURCE="$source" -DFETCHCONTENT_FULLY_DISCONNECTED=ON

if command -v pkg-config >/dev/null; then
  step "pkg-config"
  export PKG_CONFIG_PATH="$scratch/moved/share/pkgconfig"
  # shellcheck disable=SC2046
  "$compiler" -std=c++20 $(pkg-config --cflags quoin) "$here/main.cpp" -o "$scratch/pkg_config"
  "$scratch/pkg_config"
fi
