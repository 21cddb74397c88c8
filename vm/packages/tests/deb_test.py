#!/usr/bin/env python3
"""Makes the Debian packages of a release build, and uses them in a fresh Debian 12 (as root, with debootstrap):

    deb_test.py BUILD [--out FOLDER]

The packages are made twice and must have the same bytes; lintian must find no error.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess

from checks import check, end

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(TESTS)))
parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--out", help="where the packages are left (default: BUILD/deb)")
options = parser.parse_args()
out = os.path.abspath(options.out or os.path.join(options.build, "deb"))
chroot = os.path.join(os.path.abspath(options.build), "packages", "chroot")


def run(*command, **more):
    """The exit status and the output."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    return ran.returncode, ran.stdout


def check_run(name, *command, prints=None, **more):
    status, output = run(*command, **more)
    check(name, status == 0 and (prints is None or re.fullmatch(prints, output)), f"status {status}\n{output}")
    return output


def inside(name, *command, **more):
    """Runs a command in the fresh system."""
    return check_run(name, "chroot", chroot, *command, **more)


def has(program):
    """Whether a program is there; CI needs it."""
    found = shutil.which(program) is not None
    return check(f"{program} is installed", found) if os.environ.get("WARPBEAM_REQUIRE_PROGRAMS") == "1" else found


def make(folder):
    """The packages, by their names without a version."""
    epoch = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout
    shutil.rmtree(folder, ignore_errors=True)
    check_run("cpack", "cpack", "-G", "DEB", "-B", folder, "-D", "CPACK_PACKAGE_CONTACT=The Builder <builder@debian.org>",
              cwd=options.build, env={**os.environ, "SOURCE_DATE_EPOCH": epoch.strip() or "0"})
    shutil.rmtree(os.path.join(folder, "_CPack_Packages"), ignore_errors=True)
    return {os.path.basename(path).split("_")[0]: path for path in glob.glob(os.path.join(folder, "*.deb"))}


def check_packages(made):
    again = make(out + ".again")
    for name, path in made.items():
        with open(path, "rb") as first, open(again[name], "rb") as second:
            check(f"{name} has the same bytes twice", first.read() == second.read())
    shutil.rmtree(out + ".again")
    if has("lintian"):
        check_run("lintian", "lintian", "--allow-root", "--fail-on", "error", *made.values())
    listing = check_run("contents", "dpkg-deb", "-c", made["warpbeam"])
    pages = re.findall(r"man1/(\S+)\.1\.gz", listing)
    for page in ("warpbeam", "warpbeam-run", "warpbeam-sfv-tests"):
        check(f"there is a page about {page}", page in pages, listing)
    for shell in ("bash-completion/completions/warpbeam", "zsh/vendor-completions/_warpbeam",
                  "fish/vendor_completions.d/warpbeam.fish"):
        check(f"there are completions, {shell}", "./usr/share/" + shell + "\n" in listing, listing)
    check("there is a bill of materials", "./usr/share/doc/warpbeam/warpbeam.spdx.json.gz\n" in listing, listing)


def check_in_debian(made):
    if not os.path.exists(os.path.join(chroot, "usr", "bin", "g++")):
        shutil.rmtree(chroot, ignore_errors=True)
        check_run("debootstrap", "debootstrap", "--variant=minbase", "--include=g++,pkg-config", "bookworm", chroot)
    work = os.path.join(chroot, "work")
    shutil.rmtree(work, ignore_errors=True)
    os.mkdir(work)
    for path in [*made.values(), os.path.join(TESTS, "consumer", "consumer.cpp")]:
        shutil.copy(path, work)
    with open(os.path.join(ROOT, "docs", "c-api.md"), encoding="utf-8") as page, \
            open(os.path.join(work, "example.c"), "w", encoding="utf-8") as file:
        file.write(page.read().split("```c\n")[1].split("```")[0])
    names = [os.path.join("/work", os.path.basename(path)) for path in made.values()]
    before = inside("packages before", "dpkg-query", "-f", "${Package}\n", "-W")
    inside("install", "dpkg", "-i", *names)

    with open(os.path.join(work, "hello.wat"), "w", encoding="utf-8") as file:
        file.write('(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')
    inside("the command runs", "warpbeam", "run", "--invoke", "add", "/work/hello.wat", "2", "40", prints="42\n")
    inside("C++ with pkg-config", "sh", "-c", "cd /work && g++ -std=c++23 -DWITH_SFV consumer.cpp -o consumer $(pkg-config "
           "--cflags --libs warpbeam-wasi warpbeam-text warpbeam-debuginfo warpbeam-sfv)")
    inside("the program in C++ runs", "/work/consumer", prints="42\n")
    inside("C with pkg-config", "sh", "-c", "cd /work && gcc -std=c99 example.c -o example $(pkg-config --cflags --libs "
           "warpbeam-capi)")
    inside("the program in C runs", "/work/example", prints=r"42\n[\s\S]*unreachable[\s\S]*")

    inside("removal", "dpkg", "--purge", *made)
    check("the same packages as before", inside("packages after", "dpkg-query", "-f", "${Package}\n", "-W") == before)
    left = [path for path in glob.glob(os.path.join(chroot, "usr", "**"), recursive=True) if "warpbeam" in path]
    check("nothing is left", not left, "\n".join(left))


packages = make(out)
if check("three packages", sorted(packages) == ["libwarpbeam-capi0.1", "libwarpbeam-dev", "warpbeam"], packages):
    check_packages(packages)
    if os.geteuid() == 0 and has("debootstrap"):
        check_in_debian(packages)
    else:
        print("not tried in a fresh Debian: that needs root and debootstrap")
end()
