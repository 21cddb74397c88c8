"""Builds the consumer of vm/packages/tests with the package, and runs it."""
import io
import os

from conan import ConanFile
from conan.errors import ConanException
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class Consumer(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "CMakeToolchain"

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires(self.tested_reference_str)

    def build(self):
        cmake = CMake(self)
        cmake.configure(variables={"WAY": "find_package"},
                        build_script_folder=os.path.join(self.recipe_folder, "..", "..", "tests", "consumer"))
        cmake.build()

    def test(self):
        if can_run(self):
            printed = io.StringIO()
            self.run(os.path.join(self.cpp.build.bindir, "consumer"), printed, env="conanrun")
            if printed.getvalue().strip() != "42":
                raise ConanException(f"the consumer printed {printed.getvalue()!r}")
