# SPDX-License-Identifier: BSL-1.0
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class QuoinConan(ConanFile):
    name = "quoin"
    description = "Distributed-systems primitives as header-only C++20"
    license = "BSL-1.0"
    topics = ("header-only", "bloom-filter", "hyperloglog", "consistent-hashing", "merkle-tree", "rate-limiter")
    package_type = "header-library"
    # Only for validate(): the package is the same for all.
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True
    exports_sources = "include/*", "LICENSE"
    test_package_folder = "packaging/conan/test_package"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include", "quoin", "version.hpp"))
        self.version = ".".join(re.findall(r"#define QUOIN_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))

    def layout(self):
        basic_layout(self, src_folder=".")

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", src=os.path.join(self.source_folder, "include"),
             dst=os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "quoin")
        self.cpp_info.set_property("cmake_target_name", "quoin::quoin")
        self.cpp_info.set_property("pkg_config_name", "quoin")
