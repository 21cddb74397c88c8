"""Builds programs for WebAssembly, and for this machine to compare with, with Debian's compilers and sources."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, *[".."] * 4))
RUNTIME = os.path.join(HERE, "runtime")

# Debian packages, and a file or command that shows that they are installed.
SHOWS = {
    "clang-19": "clang-19",
    "lld-19": "wasm-ld-19",
    "libclang-rt-19-dev-wasm32": "/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a",
    "clang-22": "clang-22",
    "lld-22": "wasm-ld-22",
    "libclang-rt-22-dev-wasm32": "/usr/lib/llvm-22/lib/clang/22/lib/wasi/libclang_rt.builtins-wasm32.a",
    "wasi-libc": "/usr/include/wasm32-wasi/wasi/api.h",
    "libc++-19-dev-wasm32": "/usr/include/wasm32-wasi/c++/v1/vector",
    "libc++abi-19-dev-wasm32": "/usr/lib/wasm32-wasi/libc++abi.a",
    "g++": "g++",
    "make": "make",
    "tcl": "tclsh",
}
C = ("clang-19", "lld-19", "libclang-rt-19-dev-wasm32", "wasi-libc")
C22 = ("clang-19", "clang-22", "lld-22", "libclang-rt-22-dev-wasm32", "wasi-libc")
CPP = ("libc++-19-dev-wasm32", "libc++abi-19-dev-wasm32", "g++")

# The stack is 64 KiB unless one asks for more. (clang 22 has another name for the target, where Debian has no library.)
WASI = ("--target=wasm32-wasi", "-Wno-deprecated", "-Wl,-z,stack-size=1048576")
# For sources of ours.
WARNINGS = ("-Wall", "-Wextra", "-Werror")
# Exceptions and jumps. clang 19 writes only the legacy instructions.
FINAL = ("-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=false")
LEGACY = ("-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=true")
# Programs that were written for Unix.
UNIX = ("-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_GETPID",
        "-D_WASI_EMULATED_MMAN", "-include", os.path.join(RUNTIME, "unix.h"))
UNIX_LIBRARIES = ("-lwasi-emulated-signal", "-lwasi-emulated-process-clocks", "-lwasi-emulated-getpid",
                  "-lwasi-emulated-mman")
JUMPS = ("-mllvm", "-wasm-enable-sjlj", "-I" + RUNTIME)


class Missing(Exception):
    """Something that is not on this machine; the message says how to get it."""


def own(name):
    """The path of a file in this folder."""
    return os.path.join(HERE, name)


def require(*packages):
    missing = [package for package in packages
               if not (os.path.exists(SHOWS[package]) if "/" in SHOWS[package] else shutil.which(SHOWS[package]))]
    if missing:
        raise Missing("these Debian packages are not installed: " + " ".join(missing))


def source(name):
    """The directory of a Debian source package."""
    found = subprocess.run([os.path.join(ROOT, ".ci", "sources"), "find", name], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        raise Missing(f"the source of {name} was not fetched: run ./.ci/sources fetch (Debian package dpkg-dev)")
    return found.stdout.strip()


def newest(path):
    """The time of the newest file that the path is or has below it."""
    times = [os.lstat(path).st_mtime]
    for folder, _, names in os.walk(path):
        times += [os.lstat(os.path.join(folder, name)).st_mtime for name in names]
    return max(times)


class Builder:
    """Keeps what it has built in a directory, for all presets; builds again what is older than its inputs."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def make(self, name, inputs, command, cwd=None):
        """The path of the output NAME, which the command writes where it has {out}. It appears when it is complete."""
        output = os.path.join(self.directory, name)
        # The flags are in the test and in this file.
        inputs = [*inputs, RUNTIME, __file__, sys.argv[0]]
        if os.path.exists(output) and os.stat(output).st_mtime > max(map(newest, inputs)):
            return output
        with tempfile.TemporaryDirectory(dir=self.directory) as part:
            partial = os.path.join(part, name)
            ran = subprocess.run([word.replace("{out}", partial) for word in command], cwd=cwd, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
            if ran.returncode != 0:
                raise RuntimeError(f"{name} was not built:\n{ran.stdout}")
            os.replace(partial, output)
        return output

    def both(self, name, sources, flags=(), wasm_flags=(), wasm_sources=(), compiler="clang-19", libraries=(),
             inputs=()):
        """Builds the program for WebAssembly and for this machine; returns both paths. For C++, this machine's compiler
        is g++, whose library is Debian's usual one. INPUTS are files and directories that the sources include."""
        plus = "++" if sources[0].endswith(".cpp") else ""
        wasm_compiler = compiler.replace("clang", "clang" + plus)
        inputs = [*sources, *inputs]
        wasm = self.make(name + ".wasm", inputs,
                         [wasm_compiler, *WASI, "-O2", *flags, *wasm_flags, *sources, *wasm_sources, "-o", "{out}",
                          "-lm", *libraries])
        native = self.make(name, inputs,
                           ["g++" if plus else "clang-19", "-O1", *flags, *sources, "-o", "{out}", "-lm"])
        return wasm, native
