#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks who includes whom.

detail <- hash <- families <- interop <- quoin.hpp; families never include one another. Also refuses
the standard headers that cost every user more than they are worth.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
FAMILIES = {"filter", "sketch", "placement", "merkle", "causality", "id", "limit", "suggest", "geo"}
BANNED = {"iostream", "functional", "random", "ranges", "regex", "memory", "format"}


def may_include(folder):
    """The folders that a header in `folder` may include from."""
    if folder == "detail":
        return {"detail"}
    if folder == "hash":
        return {"detail", "hash"}
    if folder in FAMILIES:
        return {"detail", "hash", folder}
    return {"detail", "hash", "interop"} | FAMILIES


def problems(root):
    include = root / "include"
    for path in sorted(include.glob("quoin/**/*.hpp")):
        name = path.relative_to(include)
        folder = name.parts[1] if len(name.parts) > 2 else ""
        if folder and folder not in FAMILIES | {"detail", "hash", "interop"}:
            yield f"{name}: the folder {folder}/ has no place in the layering"
        for mark, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if not target.startswith("quoin/"):
                if target in BANNED:
                    yield f"{name}: includes <{target}>, which no public header may"
                if mark == '"':
                    yield f'{name}: includes "{target}"; write <...>'
                continue
            if mark == '"':
                yield f'{name}: includes "{target}"; write <{target}>'
            if not (include / target).exists():
                yield f"{name}: includes <{target}>, which does not exist"
            parts = target.split("/")
            if target == "quoin/version.hpp" or (folder == "" and name.name == "quoin.hpp"):
                continue
            if len(parts) < 3 or parts[1] not in may_include(folder):
                yield f"{name}: {folder or 'the top'} may not include <{target}>"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print("\n".join(found) if found else "layering: every include points downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
