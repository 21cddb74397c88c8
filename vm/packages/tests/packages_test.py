#!/usr/bin/env python3
"""Builds consumer/consumer.cpp in the ways that other projects use the library, and checks the results.

    packages_test.py installed|subproject|shared|definitions --build RELEASE_BUILD --cmake ... --cxx ...
    packages_test.py shared ... --update    writes the lists of exported symbols instead of comparing them

`installed` installs the build that it belongs to; `subproject` builds static libraries within a consumer without
optimisation, and `shared` shared ones as a unity build. Nothing else builds the library. `definitions` only configures a
build that lacks a part: programs must see the headers as the library did.
"""
import argparse
import json
import os
import re
import shutil
import subprocess

from checks import check, end

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(TESTS)))
CONSUMER = os.path.join(TESTS, "consumer")
EXPORTED = os.path.join(ROOT, "vm", "packages", "exported")

parser = argparse.ArgumentParser()
parser.add_argument("way", choices=["installed", "subproject", "shared", "definitions"])
for name in ("cmake", "cxx", "nm", "readelf", "build"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--linker-flags", default="")
parser.add_argument("--update", action="store_true")
options = parser.parse_args()
work = os.path.join(options.build, "packages", options.way)
prefix = os.path.join(work, "prefix")


def run(*command, **env):
    """Returns whether a command succeeds, and its output."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **env})
    return ran.returncode == 0, ran.stdout


def check_run(name, *command, **env):
    good, output = run(*command, **env)
    check(name, good, output)
    return output if good else None


def check_answer(name, program, **env):
    output = check_run(name, program, **env)
    if output is not None:
        check(name, output == "42\n", output)


def configure(source, build, build_type, *more):
    return run(options.cmake, "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_CXX_COMPILER={options.cxx}",
               f"-DCMAKE_EXE_LINKER_FLAGS={options.linker_flags}", f"-DCMAKE_BUILD_TYPE={build_type}",
               "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *more)


def check_configure(name, *arguments):
    good, output = configure(*arguments)
    return check(name, good, output)


def build(directory, *targets):
    """The output of the build, a line for each command; None if it fails."""
    return check_run(f"build of {' '.join(targets)}", options.cmake, "--build", directory, "-j", "2",
                     "--verbose", "--target", *targets)


def install(directory):
    check_run("install", options.cmake, "--install", directory, "--prefix", prefix, "--component", "warpbeam_libraries")


def commands(directory):
    """The compile command of each source file."""
    with open(os.path.join(directory, "compile_commands.json"), encoding="utf-8") as file:
        return {entry["file"]: entry["command"].split() for entry in json.load(file)}


def library_dir():
    """The directory of the libraries in the prefix."""
    for folder, _, files in os.walk(prefix):
        if any(re.match(r"libwarpbeam.*\.(a|so)$", file) for file in files):
            return folder
    return prefix


def check_find_package():
    everything = "-DCOMPONENTS=memory;loader;vm;wasi;text;debuginfo;sfv"
    arguments = (CONSUMER, os.path.join(work, "consumer"), "Debug", "-DWAY=find_package", f"-DCMAKE_PREFIX_PATH={prefix}")
    if check_configure("find_package", *arguments, everything):
        build(arguments[1], "consumer")
        check_answer("consumer by find_package", os.path.join(arguments[1], "consumer"))
        compiled = commands(arguments[1])[os.path.join(CONSUMER, "consumer.cpp")]
        check("headers of the system", "-isystem" in compiled, compiled)
    for what, wrong, message in (("another version", "-DVERSION=0.99", "version"),
                                 ("an unknown component", "-DCOMPONENTS=vm;jit", "jit")):
        refused = os.path.join(work, "refused")
        shutil.rmtree(refused, ignore_errors=True)
        good, output = configure(arguments[0], refused, *arguments[2:], wrong)
        check(f"find_package refuses {what}", not good and message in output, output)


def check_pkg_config(name, *flags):
    env = {"PKG_CONFIG_PATH": os.path.join(library_dir(), "pkgconfig")}
    found = check_run("pkg-config", "pkg-config", "--cflags", "--libs", "warpbeam-wasi", "warpbeam-text", "warpbeam-debuginfo",
                      "warpbeam-sfv", **env)
    if found is not None:
        program = os.path.join(work, name.replace(" ", "-"))
        if check_run(name, options.cxx, "-std=c++23", "-DWITH_SFV", *flags, os.path.join(CONSUMER, "consumer.cpp"),
                     "-o", program, *found.split(), *options.linker_flags.split()) is not None:
            check_answer(name, program, LD_LIBRARY_PATH=library_dir())


def installed():
    install(options.build)
    check("a license is installed", os.path.exists(os.path.join(prefix, "share", "licenses", "warpbeam", "LICENSE")))
    check_find_package()
    check_pkg_config("consumer by pkg-config")
    # It uses the type information of objects made by the library, which is otherwise built without it.
    check_pkg_config("consumer with UBSan", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")


def subproject():
    directory = os.path.join(work, "consumer")
    # Without debug information, which would double the time. Precompiled headers make it faster, but compiler
    # caches can't use them.
    quicker = ["-DCMAKE_CXX_FLAGS_DEBUG=-O0"]
    if "CMAKE_CXX_COMPILER_LAUNCHER" not in os.environ:
        quicker.append("-DWARPBEAM_PCH=ON")
    arguments = (CONSUMER, directory, "Debug", f"-DWARPBEAM={ROOT}", *quicker)
    if not check_configure("add_subdirectory", *arguments, "-DWAY=add_subdirectory"):
        return
    build(directory, "all")
    check_answer("consumer by add_subdirectory", os.path.join(directory, "consumer"))
    for file, compiled in commands(directory).items():
        if file.startswith(CONSUMER):
            check("headers of the system", "-isystem" in compiled, compiled)
            check("the consumer is not optimised", "-O2" not in compiled, compiled)
        elif "pch" not in file: # that of tools is listed but not built
            check(f"{file} is optimised", [flag for flag in compiled if flag.startswith("-O")][-1:] == ["-O2"], compiled)
    parts = os.path.join(directory, "_deps", "warpbeam-build")
    check("what is not linked is not built", not os.path.exists(os.path.join(parts, "sfv", "libwarpbeam_sfv.a")))
    # The same library in the same folder: only the consumer's own files are built.
    if check_configure("FetchContent", *arguments, "-DWAY=FetchContent"):
        output = build(directory, "all") or ""
        check("FetchContent builds the same library", ROOT + "/vm/src" not in output, output)
        check_answer("consumer by FetchContent", os.path.join(directory, "consumer"))


def exported(library):
    """The library's exported symbols as qualified names, which unlike signatures do not depend on the compiler."""
    output = check_run(f"symbols of {library}", options.nm, "-DC", "--defined-only", library) or ""
    names = set()
    for line in output.splitlines():
        kind, name = line.split(maxsplit=2)[1:]
        name = name.split("(")[0]
        # The compiler exports some instances of standard library templates.
        if kind not in "WVu" or "std::" not in name:
            names.add(name)
    return sorted(names)


def check_symbols(name):
    library = os.path.join(library_dir(), f"lib{name}.so")
    found = exported(library)
    path = os.path.join(EXPORTED, name + ".txt")
    if options.update:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(symbol + "\n" for symbol in found)
    with open(path, encoding="utf-8") as file:
        stated = file.read().splitlines()
    difference = [f"+ {symbol}" for symbol in found if symbol not in stated]
    difference += [f"- {symbol}" for symbol in stated if symbol not in found]
    check(f"lib{name}.so exports what vm/packages/exported/{name}.txt states", not difference, "\n".join(difference))
    # A slot in the procedure linkage table would mean an indirect call within the library.
    slots = [line for line in (check_run("relocations", options.readelf, "-rW", library) or "").splitlines()
             if "JUMP_SLO" in line and ("warpbeam" in line or "wb_sfv" in line)]
    check(f"calls within lib{name}.so are direct", not slots, "\n".join(slots))


def shared():
    directory = os.path.join(work, "library")
    if not check_configure("shared unity build", ROOT, directory, "Release", "-DBUILD_SHARED_LIBS=ON",
                           "-DCMAKE_UNITY_BUILD=ON", "-DWARPBEAM_TESTS=OFF",
                           f"-DCMAKE_SHARED_LINKER_FLAGS={options.linker_flags}"):
        return
    if build(directory, "warpbeam_shared", "warpbeam_sfv_shared") is None:
        return
    install(directory)
    for name in ("warpbeam", "warpbeam_sfv"):
        check_symbols(name)
    check_find_package()
    check_pkg_config("consumer of the shared library")


def definitions():
    directory = os.path.join(work, "library")
    if not check_configure("a build without a part", ROOT, directory, "Release", "-DWARPBEAM_TESTS=OFF",
                           "-DWARPBEAM_SMALL=ON", "-DWARPBEAM_GC=OFF"):
        return
    exports = ""
    for folder, _, files in os.walk(os.path.join(directory, "vm", "packages", "CMakeFiles", "Export")):
        for file in files:
            with open(os.path.join(folder, file), encoding="utf-8") as export:
                exports += export.read()
    for part in ("memory", "loader", "vm", "wasi", "text"):
        of_part = re.search(rf"set_target_properties\(warpbeam::{part} .*?\)\n", exports, re.DOTALL)
        flags = check_run(f"pkg-config warpbeam-{part}", "pkg-config", "--cflags",
                          os.path.join(directory, "vm", "packages", f"warpbeam-{part}.pc"),
                          PKG_CONFIG_PATH=os.path.join(directory, "vm", "packages"))
        for definition in ("WARPBEAM_SMALL=1", "WARPBEAM_GC=0"):
            check(f"find_package gives {part} {definition}", of_part and definition in of_part[0], exports)
            check(f"pkg-config gives {part} {definition}", f"-D{definition}" in (flags or "").split(), flags)


shutil.rmtree(prefix, ignore_errors=True)
{"installed": installed, "subproject": subproject, "shared": shared, "definitions": definitions}[options.way]()
end()
