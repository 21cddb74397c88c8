"""The recipe for Conan 2: `conan create vm/packages/conan` in a checkout builds and tests the package."""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

# Each part with the part that it needs.
PARTS = {"memory": None, "loader": "memory", "text": "loader", "debuginfo": "loader", "vm": "loader", "wasi": "vm", "sfv": None}

# Where accesses to 64 bits are calls of a library, as the check in CMakeLists.txt finds.
ATOMIC_CALLS = ("x86", "armv6", "mips", "ppc32", "riscv32")


class Warpbeam(ConanFile):
    name = "warpbeam"
    description = "A WebAssembly interpreter to embed, without dependencies"
    license = "Apache-2.0 WITH LLVM-exception"
    topics = ("webassembly", "wasm", "interpreter", "wasi", "structured-fields")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False}

    @property
    def checkout(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self.checkout, "vm", "include", "warpbeam", "version.hpp"))
        self.version = ".".join(re.findall(r"define WARPBEAM_VERSION_\w+ (\d+)", text))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "CHANGELOG.md", "memory/*", "loader/*", "vm/*", "sfv/*"):
            copy(self, pattern, self.checkout, self.export_sources_folder, excludes=("*/build/*", "*/__pycache__/*"))

    def layout(self):
        cmake_layout(self)

    def validate(self):
        check_min_cppstd(self, 23)
        if self.settings.os == "Windows" and self.options.shared:
            raise ConanInvalidConfiguration("the shared library is not there for Windows")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.variables["WARPBEAM_TESTS"] = False
        toolchain.variables["WARPBEAM_INSTALL"] = True
        toolchain.variables["WARPBEAM_TOOLS"] = False
        toolchain.variables["WARPBEAM_CAPI"] = False # this package is for C++
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install(component="warpbeam_libraries")
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for folder in ("lib/cmake", "lib/pkgconfig", "share"): # Conan makes its own
            rmdir(self, os.path.join(self.package_folder, *folder.split("/")))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "warpbeam")
        for part, needed in PARTS.items():
            component = self.cpp_info.components[part]
            component.set_property("cmake_target_name", f"warpbeam::{part}")
            component.set_property("pkg_config_name", f"warpbeam-{part}")
            component.requires = [needed] if needed else []
            if self.options.shared:
                component.libs = ["warpbeam_sfv" if part == "sfv" else "warpbeam"]
                component.defines = ["WARPBEAM_SFV_SHARED" if part == "sfv" else "WARPBEAM_SHARED"]
            else:
                component.libs = [f"warpbeam_{part}"]
            if part == "memory" and self.settings.os in ("Linux", "FreeBSD"):
                component.system_libs = ["pthread"]
                if self.settings.arch in ATOMIC_CALLS:
                    component.system_libs.append("atomic")
