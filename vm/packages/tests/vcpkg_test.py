#!/usr/bin/env python3
"""Builds and uses the port of vm/packages/vcpkg with the scripts of vcpkg itself, as its program does:

    vcpkg_test.py VCPKG WORK      VCPKG is a checkout of github.com/microsoft/vcpkg, which need not be bootstrapped
"""
import json
import os
import shutil
import subprocess
import sys

TESTS = os.path.dirname(os.path.abspath(__file__))
PORT = os.path.join(os.path.dirname(TESTS), "vcpkg", "warpbeam")
vcpkg, work = (os.path.abspath(path) for path in sys.argv[1:])
TRIPLET = "x64-linux-release"
installed = os.path.join(work, "packages", f"warpbeam_{TRIPLET}")


def run(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode != 0:
        print(ran.stdout)
        print("0 passed, 1 failed")
        sys.exit(1)
    return ran.stdout


shutil.rmtree(work, ignore_errors=True)
os.makedirs(os.path.join(work, "installed", TRIPLET))
configs = [os.path.join(vcpkg, "ports", port, "vcpkg-port-config.cmake") for port in ("vcpkg-cmake", "vcpkg-cmake-config")]
with open(os.path.join(PORT, "vcpkg.json"), encoding="utf-8") as file:
    version = json.load(file)["version"]
values = {
    "CMD": "BUILD", "PORT": "warpbeam", "VERSION": version, "FEATURES": "core", "ALL_FEATURES": "c-api",
    "CURRENT_PORT_DIR": PORT, "VCPKG_PORT_CONFIGS": ";".join(configs), "VCPKG_ROOT_DIR": vcpkg,
    "TARGET_TRIPLET": TRIPLET, "_HOST_TRIPLET": TRIPLET,
    "TARGET_TRIPLET_FILE": os.path.join(vcpkg, "triplets", "community", TRIPLET + ".cmake"),
    "_VCPKG_INSTALLED_DIR": os.path.join(work, "installed"), "BUILDTREES_DIR": os.path.join(work, "buildtrees"),
    "PACKAGES_DIR": os.path.join(work, "packages"), "DOWNLOADS": os.path.join(work, "downloads"),
    "VCPKG_CONCURRENCY": str(os.cpu_count()), "VCPKG_BASE_VERSION": "2999-12-31", "NINJA": shutil.which("ninja"),
    "GIT": shutil.which("git"), "Z_VCPKG_CHAINLOAD_TOOLCHAIN_FILE": os.path.join(vcpkg, "scripts", "toolchains", "linux.cmake"),
}
run("cmake", *(f"-D{name}={value}" for name, value in values.items()), "-P", os.path.join(vcpkg, "scripts", "ports.cmake"))
build = os.path.join(work, "consumer")
run("cmake", "-G", "Ninja", "-S", os.path.join(TESTS, "consumer"), "-B", build, "-DWAY=find_package", f"-DCMAKE_PREFIX_PATH={installed}")
run("cmake", "--build", build)
good = run(os.path.join(build, "consumer")) == "42\n"
for path in ("share/warpbeam/copyright", "share/warpbeam/usage", "share/warpbeam/warpbeam-config.cmake"):
    if not os.path.exists(os.path.join(installed, path)):
        print(f"{path} is missing")
        good = False
print("1 passed, 0 failed" if good else "0 passed, 1 failed")
sys.exit(not good)
