#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks what including a header costs: compiler CPU time, as a ratio to <vector>.

A header may cost 2.5 times <vector>; one that needs <chrono> or <atomic> five times; one with SIMD
kernels four times on top of the processor's intrinsics, whatever those cost (with g++ 12 alone
3.5 times <vector>), and 1.5 times more if it needs <chrono> too. Best of several interleaved runs,
so that a busy machine cannot fail a good header.
"""
import argparse
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
HEAVY = {"chrono", "atomic"}
INTRINSICS = "arm_neon.h" if platform.machine() == "aarch64" else "immintrin.h"
LIMIT, HEAVY_LIMIT, ABOVE_INTRINSICS, CHRONO = 2.5, 5.0, 4.0, 1.5


def all_includes(header, seen):
    """What `header` (relative to include/) includes, through our own headers."""
    if header not in seen:
        seen.add(header)
        path = ROOT / "include" / header
        if path.exists():
            for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
                all_includes(target, seen)
    return seen


def cpu_seconds(compiler, header):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-I", str(ROOT / "include"), "-x", "c++", "-"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=f"#include <{header}>\n", text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--private", action="store_true", help="show detail/ too, to find a cause")
    arguments = parser.parse_args()

    include = ROOT / "include"
    headers = [p.relative_to(include).as_posix() for p in sorted(include.glob("quoin/*/*.hpp"))]
    if not arguments.private:
        headers = [h for h in headers if not h.startswith("quoin/detail/")]
    best = {}
    for _ in range(arguments.runs):
        for header in ["vector", INTRINSICS, *headers]:
            seconds = cpu_seconds(arguments.compiler, header)
            best[header] = min(seconds, best.get(header, seconds))

    failed = False
    for header in headers:
        included = all_includes(header, set())
        heavy = (HEAVY | {INTRINSICS}) & included
        limit = HEAVY_LIMIT if heavy else LIMIT
        if INTRINSICS in heavy:
            limit = best[INTRINSICS] / best["vector"] + ABOVE_INTRINSICS + CHRONO * ("chrono" in heavy)
        ratio = best[header] / best["vector"]
        private = header.startswith("quoin/detail/")
        failed |= ratio > limit and not private
        verdict = "private" if private else "TOO MUCH" if ratio > limit else "ok"
        print(f"{header:48} {ratio:5.2f} of {limit:.1f} x <vector>  {verdict}  {' '.join(sorted(heavy))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
