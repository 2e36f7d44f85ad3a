#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks what including a header costs: the text that the compiler has to read, as a ratio to <vector>.

Size after the preprocessor is the same on a busy machine and on an idle one, which seconds are not;
for our headers the two go together. A header may come to 1.5 times <vector>; one that keeps strings in
vectors to 2 times (the two alone are 1.5); one that needs <chrono> or <atomic> to 2.5 times, <chrono>
(2.1 alone) beside <atomic> or vectors to 3 times; one with SIMD kernels to 2.75 times on top of the
processor's intrinsics, whatever those come to (with g++ 12 alone 2.7 times), or with <chrono> to 3 times;
one with those of SSE2 alone (a quarter) and <chrono> by them more than without.
"""
import argparse
import concurrent.futures
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
HEAVY = {"chrono", "atomic"}
INTRINSICS = "arm_neon.h" if platform.machine() == "aarch64" else "immintrin.h"
SSE2 = "emmintrin.h"
LIMIT, STRINGS_LIMIT, HEAVY_LIMIT, HEAVIEST_LIMIT, ABOVE_INTRINSICS = 1.5, 2, 2.5, 3, 2.75


def all_includes(header, seen):
    """What `header` (relative to include/) includes, through our own headers."""
    if header not in seen:
        seen.add(header)
        path = ROOT / "include" / header
        if path.exists():
            for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
                all_includes(target, seen)
    return seen


def preprocessed_bytes(compiler, header):
    command = [compiler, "-std=c++20", "-E", "-P", "-I", str(ROOT / "include"), "-x", "c++", "-"]
    run = subprocess.run(command, input=f"#include <{header}>\n".encode(), stdout=subprocess.PIPE, check=True)
    return len(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("--private", action="store_true", help="show detail/ too, to find a cause")
    arguments = parser.parse_args()

    include = ROOT / "include"
    headers = [p.relative_to(include).as_posix() for p in sorted(include.glob("quoin/*/*.hpp"))]
    if not arguments.private:
        headers = [h for h in headers if not h.startswith("quoin/detail/")]
    asked = ["vector", INTRINSICS, *([SSE2] if INTRINSICS == "immintrin.h" else []), *headers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        size = dict(zip(asked, pool.map(lambda h: preprocessed_bytes(arguments.compiler, h), asked)))

    failed = False
    for header in headers:
        included = all_includes(header, set())
        heavy = (HEAVY | {INTRINSICS}) & included
        strings = {"string", "vector"} <= included
        limit = HEAVY_LIMIT if heavy else STRINGS_LIMIT if strings else LIMIT
        if "chrono" in included and {"atomic", "vector"} & included:
            limit = HEAVIEST_LIMIT
        elif "chrono" in included and SSE2 in included and SSE2 in size:
            limit += size[SSE2] / size["vector"]
        if INTRINSICS in heavy:
            above = HEAVIEST_LIMIT if "chrono" in included else ABOVE_INTRINSICS
            limit = size[INTRINSICS] / size["vector"] + above
        ratio = size[header] / size["vector"]
        private = header.startswith("quoin/detail/")
        failed |= ratio > limit and not private
        verdict = "private" if private else "TOO MUCH" if ratio > limit else "ok"
        print(f"{header:48} {ratio:5.2f} of {limit:.1f} x <vector>  {verdict}  {' '.join(sorted(heavy))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
