"""Loads modules and texts by the C API of Warpbeam, in this process."""
import ctypes

# What other engines have, too, although it is not part of WebAssembly 3.0.
EXTRA_FEATURES = ("threads", "legacy-exceptions", "stack-switching", "custom-page-sizes", "wide-arithmetic", "custom-descriptors")


class Bytes(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


class Warpbeam:
    """An engine with the features of WebAssembly 3.0 and those that are named."""

    def __init__(self, library, features):
        self.library = ctypes.CDLL(library)
        for function in ("wasm_config_new", "wasm_engine_new_with_config", "wasm_store_new", "warpbeam_config_set_feature",
                         "warpbeam_module_new", "warpbeam_wat2wasm"):
            getattr(self.library, function).restype = ctypes.c_void_p
        self.library.warpbeam_error_message.restype = ctypes.c_char_p
        self.library.warpbeam_error_offset.restype = ctypes.c_size_t
        config = ctypes.c_void_p(self.library.wasm_config_new())
        for name in features:
            problem = self.error(self.library.warpbeam_config_set_feature(config, name.encode(), ctypes.c_bool(True)))
            if problem is not None:
                raise ValueError(problem)
        self.engine = ctypes.c_void_p(self.library.wasm_engine_new_with_config(config))
        self.store = ctypes.c_void_p(self.library.wasm_store_new(self.engine))

    def error(self, pointer):
        """The message of an error, which ends here; None if there is none."""
        if not pointer:
            return None
        pointer = ctypes.c_void_p(pointer)
        offset = self.library.warpbeam_error_offset(pointer)
        message = self.library.warpbeam_error_message(pointer).decode(errors="replace")
        self.library.warpbeam_error_delete(pointer)
        return message if offset == ctypes.c_size_t(-1).value else f"{message} (at {offset:#x})"

    def validate(self, binary):
        """Why the module is not valid; None if it is."""
        given = Bytes(len(binary), ctypes.cast(ctypes.c_char_p(binary), ctypes.c_void_p))
        module = ctypes.c_void_p()
        problem = self.error(self.library.warpbeam_module_new(self.store, ctypes.byref(given), ctypes.byref(module)))
        if module.value:
            self.library.wasm_module_delete(module)
        return problem

    def assemble(self, text):
        """A pair: the module that the text is in the binary format, and why it is none."""
        out = Bytes()
        problem = self.error(self.library.warpbeam_wat2wasm(text, ctypes.c_size_t(len(text)), ctypes.byref(out)))
        if problem is not None:
            return None, problem
        binary = ctypes.string_at(out.data, out.size) if out.size else b""
        self.library.wasm_byte_vec_delete(ctypes.byref(out))
        return binary, None
