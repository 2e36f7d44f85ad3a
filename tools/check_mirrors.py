#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks that every public header has its test, benchmark, fuzz target with corpus, its line in
CMakeLists.txt and in quoin.hpp, and that every header keeps the habits a script can see."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LONGEST = 600


def problems(root):
    include = root / "include" / "quoin"
    cmake = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    registered = set(re.findall(r"^quoin_component\((\S+?)[\s)]", cmake, re.MULTILINE))
    umbrella = include / "quoin.hpp"
    umbrella_text = umbrella.read_text(encoding="utf-8") if umbrella.exists() else ""
    public = [p for p in sorted(include.glob("*/*.hpp")) if p.parent.name != "detail"]

    for path in public:
        name = path.relative_to(include).with_suffix("").as_posix()
        for mirror in (f"tests/{name}_test.cpp", f"bench/{name}_bench.cpp", f"fuzz/{name}_fuzz.cpp"):
            if not (root / mirror).exists():
                yield f"{name}.hpp: {mirror} is missing"
        corpus = root / "fuzz" / "corpus" / name
        if not corpus.is_dir() or not any(corpus.iterdir()):
            yield f"{name}.hpp: fuzz/corpus/{name}/ has no seed input"
        if name not in registered:
            yield f"{name}.hpp: CMakeLists.txt lacks quoin_component({name})"
        if f"#include <quoin/{name}.hpp>" not in umbrella_text:
            yield f"{name}.hpp: quoin.hpp does not include it"
    for name in sorted(registered - {p.relative_to(include).with_suffix("").as_posix() for p in public}):
        yield f"CMakeLists.txt: quoin_component({name}) has no header"

    for path in sorted(include.glob("**/*.hpp")):
        name = path.relative_to(include.parent).as_posix()
        text = path.read_text(encoding="utf-8")
        guard = re.sub(r"[^A-Z0-9]", "_", name.upper())
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            yield f"{name}: the include guard is not {guard}"
        lines = text.count("\n")
        if lines > LONGEST:
            yield f"{name}: {lines} lines, more than {LONGEST}"

    for folder in ("include", "tests", "bench", "fuzz", "examples"):
        for path in sorted((root / folder).glob("**/*.[ch]pp")):
            first = path.read_text(encoding="utf-8").partition("\n")[0]
            if first != "// SPDX-License-Identifier: BSL-1.0":
                yield f"{path.relative_to(root).as_posix()}: the first line is not the SPDX line"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print("\n".join(found) if found else "mirrors: every public header has its own")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
