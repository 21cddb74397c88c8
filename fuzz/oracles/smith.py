"""Modules of wasm-smith, by `wasm-tools smith`: they end by themselves, and their NaNs are canonical."""
import subprocess

HOST = """(module
  (import "host" "count" (func (result i32)))
  (import "host" "numbers" (func (param i32 i64 f32 f64)))
  (import "host" "half" (func (param f64) (result f64)))
  (import "host" "both" (func (param i64) (result i32 i64))))
"""

OFF = ("threads", "compact-imports", "custom-descriptors", "custom-page-sizes", "relaxed-simd", "shared-everything-threads",
       "acquire-release-atomics", "multibyte-array-access", "wide-arithmetic")
ON = ("gc", "exceptions", "tail-call", "memory64", "simd", "bulk-memory", "multi-value", "reference-types", "extended-const")
BOUNDS = {"max-types": 12, "max-funcs": 8, "min-funcs": 1, "max-instructions": 400, "max-globals": 6, "max-memories": 3,
          "max-tables": 3, "max-tags": 4, "max-imports": 4, "max-table-elements": 1000, "max-memory32-bytes": 262144,
          "max-memory64-bytes": 262144, "memory-max-size-required": "true", "table-max-size-required": "true",
          "max-data-segments": 4, "max-element-segments": 4, "max-nesting-depth": 30}

# What a module may use: all, or less of it so that more is left for the rest.
KINDS = (
    {},
    {},
    {"gc": False, "simd": False, "reference-types": True},
    {"gc": False, "exceptions": False, "simd": False, "memory64": False, "max-types": 5},
    {"gc": False, "exceptions": False, "max-memories": 1, "max-tables": 0},
    {"threads": True, "gc": False},
    {"simd": False, "max-memories": 0, "max-types": 20},
)


class Smith:
    def __init__(self, tool, imports_path):
        self.tool = tool
        self.imports = imports_path
        with open(imports_path, "w", encoding="utf-8") as file:
            file.write(HOST)

    def module(self, rng):
        """A valid module; None if its random bytes made none."""
        options = dict(BOUNDS)
        options.update({f"{name}-enabled": "true" for name in ON})
        options.update({f"{name}-enabled": "false" for name in OFF})
        options["disallow-traps"] = rng.choice(("true", "false"))
        for name, value in rng.choice(KINDS).items():
            if isinstance(value, bool):
                options[f"{name}-enabled"] = str(value).lower()
            else:
                options[name] = value
        command = [self.tool, "smith", "--ensure-termination", "--canonicalize-nans", "true", "--export-everything", "true",
                   "--available-imports", self.imports]
        for name, value in options.items():
            command += ["--" + name, str(value)]
        size = rng.choice((300, 1000, 2000, 4000))
        made = subprocess.run(command, input=rng.randbytes(size), capture_output=True)
        return made.stdout if made.returncode == 0 else None
