#!/usr/bin/env python3
"""Checks the bill of materials against what the build system compiles:

    sbom_test.py BUILD      BUILD is a build folder of ninja with the command
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

from checks import check, end

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SBOM = os.path.join(ROOT, "vm", "packages", "sbom.py")


def made(folder, name):
    path = os.path.join(folder, name)
    subprocess.run([sys.executable, SBOM, path, "--epoch", "1700000000"], check=True)
    with open(path, "rb") as file:
        return file.read()


with tempfile.TemporaryDirectory() as temporary:
    content = made(temporary, "first")
    check("the same bytes twice", content == made(temporary, "second"))
document = json.loads(content)
checksums = {}
for entry in document["files"]:
    path = os.path.normpath(os.path.join(ROOT, entry["fileName"]))
    with open(path, "rb") as file:
        text = file.read()
    checksums[path] = hashlib.sha1(text).hexdigest()
    expected = {"SHA1": checksums[path], "SHA256": hashlib.sha256(text).hexdigest()}
    check(f"checksums of {entry['fileName']}",
          {sum["algorithm"]: sum["checksumValue"] for sum in entry["checksums"]} == expected)
package = document["packages"][0]
check("the verification code", package["packageVerificationCode"]["packageVerificationCodeValue"] ==
      hashlib.sha1("".join(sorted(checksums.values())).encode()).hexdigest())
check("the package has all files", package["hasFiles"] == [entry["SPDXID"] for entry in document["files"]])

build = os.path.abspath(sys.argv[1])
inputs = subprocess.run(["ninja", "-C", build, "-t", "inputs", "warpbeam", "warpbeam_capi_shared"], check=True,
                        capture_output=True, text=True).stdout.split()
compiled = {os.path.normpath(os.path.join(build, name)) for name in inputs if name.endswith((".cpp", ".c"))}
compiled = {path for path in compiled if not path.startswith(build + os.sep)}  # made from others
check("something is compiled", len(compiled) > 100, str(len(compiled)))
for path in sorted(compiled):
    check(f"{os.path.relpath(path, ROOT)} is listed", path in checksums)
end()
