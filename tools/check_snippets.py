#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that the ```cpp blocks of README.md and docs/ compile.

A block with main() stands alone. Any other is a function body after `#include <quoin/quoin.hpp>`;
a line `<!-- given: std::string url; -->` right above it declares what it takes for granted.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^(?:<!-- given: (?P<given>[^\n]*?) -->\n\n?)?```cpp\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
HEADERS = ("cstdint", "cstdio", "optional", "span", "string", "string_view", "unordered_set", "utility", "vector")


def program(given, code):
    if "int main(" in code:
        return code
    includes = "".join(f"#include <{h}>\n" for h in ("quoin/quoin.hpp", *HEADERS))
    body = ""
    for line in code.splitlines(keepends=True):
        if line.lstrip().startswith("#include"):
            includes += line
        else:
            body += line
    return f"{includes}{given or ''}\n[[maybe_unused]] static void snippet() {{\n{body}}}\n"


def main():
    compiler = os.environ.get("CXX", "g++")
    command = [compiler, "-std=c++20", "-fsyntax-only", "-I", str(ROOT / "include"), "-x", "c++", "-"]
    checked = failed = 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            checked += 1
            source = program(block["given"], block["code"])
            result = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
            if result.returncode != 0:
                failed += 1
                line = text.count("\n", 0, block.start("code")) + 1
                print(f"{path.relative_to(ROOT)}:{line}: this block does not compile:\n{result.stderr}")
    print(f"snippets: {checked - failed} of {checked} compile")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
