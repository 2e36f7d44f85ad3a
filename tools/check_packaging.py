#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks the package recipes without the package managers.

The Conan recipe runs against stand-ins for the few Conan functions it calls and must pack exactly
the headers of include/; every file that repeats the version must agree with version.hpp.
"""
import json
import pathlib
import py_compile
import re
import runpy
import shutil
import sys
import tempfile
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent


def version():
    text = (ROOT / "include/quoin/version.hpp").read_text(encoding="utf-8")
    return ".".join(re.findall(r"#define QUOIN_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))


def stand_in_for_conan():
    """Modules with the functions of Conan 2 that conanfile.py imports."""

    def copy(_recipe, pattern, src, dst):
        for path in pathlib.Path(src).rglob(pattern):
            target = pathlib.Path(dst) / path.relative_to(src)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    members = {
        "conan": {"ConanFile": object},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": None},
        "conan.tools.files": {"copy": copy, "load": lambda _, path: pathlib.Path(path).read_text(encoding="utf-8")},
        "conan.tools.layout": {"basic_layout": lambda *_, **__: None},
    }
    for name, attributes in members.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(attributes)


def files_below(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def problems():
    stand_in_for_conan()
    recipe = runpy.run_path(str(ROOT / "conanfile.py"))["QuoinConan"]()
    recipe.recipe_folder = recipe.source_folder = str(ROOT)
    recipe.set_version()
    if recipe.version != version():
        yield f"conanfile.py: version {recipe.version}, version.hpp says {version()}"
    with tempfile.TemporaryDirectory() as folder:
        recipe.package_folder = folder
        recipe.package()
        if files_below(pathlib.Path(folder) / "include") != files_below(ROOT / "include"):
            yield "conanfile.py: does not pack the headers of include/"
        if not (pathlib.Path(folder) / "licenses" / "LICENSE").exists():
            yield "conanfile.py: does not pack the licence"
        test_recipe = ROOT / recipe.test_package_folder / "conanfile.py"
        py_compile.compile(str(test_recipe), cfile=folder + "/compiled", doraise=True)

    for name in ("vcpkg.json", "packaging/vcpkg/quoin/vcpkg.json"):
        stated = json.loads((ROOT / name).read_text(encoding="utf-8"))["version"]
        if stated != version():
            yield f"{name}: version {stated}, version.hpp says {version()}"
    text = (ROOT / "include/quoin/version.hpp").read_text(encoding="utf-8")
    if f"#define QUOIN_ABI v{'_'.join(version().split('.')[:2])}\n" not in text:
        yield "version.hpp: QUOIN_ABI is not v<major>_<minor>"
    if not re.search(rf"^## \[?{re.escape(version())}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M):
        yield f"CHANGELOG.md: has no section for {version()}"
    example = (ROOT / "tests/consumer/main.cpp").read_bytes()
    if (ROOT / "packaging/conan/test_package/main.cpp").read_bytes() != example:
        yield "packaging/conan/test_package/main.cpp is not tests/consumer/main.cpp"


def main():
    found = list(problems())
    print("\n".join(found) if found else "packaging: recipes agree with the sources")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
