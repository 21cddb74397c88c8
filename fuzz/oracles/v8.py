"""Loads modules in V8, in a process of Node.js that answers as long as this one lives."""
import json
import struct
import subprocess

# The features of `ours.EXTRA_FEATURES` that V8 has, and their option if they are not on by default.
OPTIONS = {"threads": None, "legacy-exceptions": None, "stack-switching": "--experimental-wasm-wasmfx",
           "custom-descriptors": "--experimental-wasm-custom-descriptors"}

SCRIPT = r"""
const fs = require('fs');
const read = n => {
  const bytes = Buffer.allocUnsafe(n);
  for (let at = 0; at < n;) {
    const got = fs.readSync(0, bytes, at, n - at);
    if (got === 0) process.exit(0);
    at += got;
  }
  return bytes;
};
for (;;) {
  const valid = [];
  for (let n = read(4).readUInt32LE(0); n > 0; --n) {
    const bytes = read(read(4).readUInt32LE(0));
    let problem = null;
    if (!WebAssembly.validate(bytes)) {
      problem = 'not valid';
      try { new WebAssembly.Module(bytes); } catch (e) { problem = e.message; }
    }
    valid.push(problem);
  }
  const out = Buffer.from(JSON.stringify(valid) + '\n');
  for (let at = 0; at < out.length;) at += fs.writeSync(1, out, at);
}
"""


# Before this version, what needs an option is an earlier draft.
DRAFTS_BEFORE = (14, 6)
# Old and new exceptions in one module.
MIXED_EXCEPTIONS = "--wasm-allow-mixed-eh-for-testing"


def version_of(node):
    return subprocess.run([node, "-p", "process.versions.v8"], text=True, capture_output=True, check=True).stdout.strip()


def features_of(node):
    """The names in `OPTIONS` of what this version has."""
    is_new = tuple(map(int, version_of(node).split(".")[:2])) >= DRAFTS_BEFORE
    return [name for name, option in OPTIONS.items() if is_new or option is None]


def options_of(node):
    """The options that switch all of that on."""
    options = [OPTIONS[name] for name in features_of(node) if OPTIONS[name] is not None] + [MIXED_EXCEPTIONS]
    return [option for option in options
            if subprocess.run([node, option, "-e", "0"], capture_output=True, check=False).returncode == 0]


class V8:
    def __init__(self, node):
        self.version = version_of(node)
        self.process = subprocess.Popen([node, *options_of(node), "-e", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def validate(self, binaries):
        """For each module why it is not valid; None if it is."""
        parts = [struct.pack("<I", len(binaries))]
        for binary in binaries:
            parts += [struct.pack("<I", len(binary)), binary]
        self.process.stdin.write(b"".join(parts))
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())
