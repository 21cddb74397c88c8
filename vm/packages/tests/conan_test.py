#!/usr/bin/env python3
"""Makes the package of vm/packages/conan, and the program that uses it, with an own cache of Conan in WORK:

    conan_test.py WORK      the status is 77 if Conan 2 is not installed (`pip install conan`)
"""
import os
import shutil
import subprocess
import sys

from checks import check, end

RECIPE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conan")
work = os.path.abspath(sys.argv[1])


def conan(*arguments):
    ran = subprocess.run(["conan", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                         env={**os.environ, "CONAN_HOME": work})
    check("conan " + arguments[0], ran.returncode == 0, ran.stdout)
    return ran.stdout


if shutil.which("conan") is None:
    print("conan is not installed: pip install conan")
    sys.exit(77)
shutil.rmtree(work, ignore_errors=True)
conan("profile", "detect")
made = conan("create", RECIPE, "--settings", "compiler.cppstd=23")
# The test package fails unless its program prints the right answer.
check("the program ran", "Running test()" in made and "RUN: ./consumer" in made, made[-2000:])
listed = conan("list", "warpbeam/*")
check("the package is in the cache", "warpbeam/" in listed, listed)
end()
