#!/usr/bin/env python3
"""Writes the software bill of materials of Warpbeam as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), in JSON.

    sbom.py FILE [--epoch SECONDS]

It names every source file of the libraries, the command and the Erlang binding with its checksum, and no dependency, since they have none.
The same sources and the same time give the same bytes.
"""
import argparse
import datetime
import hashlib
import json
import os
import re
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARIES = ["memory", "loader", "loader/text", "vm", "vm/wasi", "vm/debuginfo", "vm/capi", "sfv", "vm/coredump",
             "spectest", "sfv/tools"]
FOLDERS = [os.path.join(library, kind) for library in LIBRARIES for kind in ("include", "src")] + ["vm/cli", "vm/serve", "vm/erlang/native"]
LICENSE = "Apache-2.0 WITH LLVM-exception"

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--epoch", type=int, default=int(os.environ.get("SOURCE_DATE_EPOCH", time.time())),
                    help="when it was made, in seconds since 1970 (default: SOURCE_DATE_EPOCH, or now)")
options = parser.parse_args()


def sources():
    """The files that they consist of, by paths in the repository."""
    for part in FOLDERS:
        for folder, folders, files in os.walk(os.path.join(ROOT, part)):
            folders[:] = sorted(set(folders) - {"tests", "runtime", "build"})
            for name in sorted(files):
                if re.search(r"\.(cpp|hpp|h|inc)$", name):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def checksums(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        content = file.read()
    return [{"algorithm": name, "checksumValue": hashlib.new(name.lower(), content).hexdigest()}
            for name in ("SHA1", "SHA256")]


def version():
    with open(os.path.join(ROOT, "vm", "include", "warpbeam", "version.hpp"), encoding="utf-8") as file:
        return ".".join(re.findall(r"define WARPBEAM_VERSION_\w+ (\d+)", file.read()))


files = [{"SPDXID": f"SPDXRef-File-{number}", "fileName": "./" + path, "fileTypes": ["SOURCE"],
          "checksums": checksums(path), "licenseConcluded": LICENSE, "copyrightText": "NOASSERTION"}
         for number, path in enumerate(sources())]
# As the specification says: of the checksums of all files, sorted.
verification = hashlib.sha1("".join(sorted(file["checksums"][0]["checksumValue"] for file in files)).encode()).hexdigest()
made = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
document = {
    "spdxVersion": "SPDX-2.3",
    "dataLicense": "CC0-1.0",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": f"warpbeam-{version()}",
    "documentNamespace": f"https://spdx.org/spdxdocs/warpbeam-{version()}-{verification}",
    "creationInfo": {"created": made, "creators": ["Tool: warpbeam-sbom.py"]},
    "packages": [{
        "SPDXID": "SPDXRef-Package", "name": "warpbeam", "versionInfo": version(),
        "downloadLocation": "NOASSERTION", "filesAnalyzed": True, "licenseConcluded": LICENSE,
        "licenseDeclared": LICENSE, "licenseInfoFromFiles": [LICENSE], "copyrightText": "NOASSERTION",
        "packageVerificationCode": {"packageVerificationCodeValue": verification},
        "primaryPackagePurpose": "LIBRARY",
        "hasFiles": [file["SPDXID"] for file in files],
    }],
    "files": files,
    "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                       "relatedSpdxElement": "SPDXRef-Package"}],
}
with open(options.file, "w", encoding="utf-8") as file:
    json.dump(document, file, indent=1)
    file.write("\n")
