#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks who includes whom.

detail <- hash <- families <- interop <- quoin.hpp; families never include one another. A private
header detail/<folder>_*.hpp belongs to that folder: it may include what lies below the folder, and
only the folder and interop may include it; detail/keys.hpp stands on hash and serves all families. Also refuses the standard headers that cost every user
more than they are worth.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
FAMILIES = {"filter", "sketch", "placement", "merkle", "causality", "id", "limit", "suggest", "geo"}
BANNED = {"iostream", "functional", "random", "ranges", "regex", "memory", "format"}


def layer(header):
    """("detail", owner) of a private header, where owner may be None; (folder, folder) of any other."""
    parts = header.split("/")
    folder = parts[1] if len(parts) > 2 else ""
    if folder != "detail":
        return folder, folder
    owner = parts[2].split("_")[0].removesuffix(".hpp")
    return folder, owner if owner in FAMILIES | {"hash", "keys"} else None


def may_include(header, target):
    folder, owner = layer(header)
    to_folder, to_owner = layer(target)
    if target == "quoin/version.hpp" or header == "quoin/quoin.hpp":
        return True
    if folder == "":
        return False
    if to_folder == "detail":
        return to_owner in (None, owner) or folder == "interop" or (to_owner == "keys" and owner in FAMILIES)
    if folder == "detail":
        return to_folder == "hash" and owner in FAMILIES | {"keys"}
    if to_folder == "hash":
        return folder in FAMILIES | {"hash", "interop"}
    if to_folder in FAMILIES:
        return folder in (to_folder, "interop")
    return to_folder == folder == "interop"


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
            if not may_include(name.as_posix(), target):
                yield f"{name}: may not include <{target}>"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print("\n".join(found) if found else "layering: every include points downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
