#pragma once

#include <string>
#include <string_view>

/// The text of a program that passes calls on to WASI.

namespace warpbeam::wasi::testing {

/// What a function takes: `i` and `l` are numbers of 32 and 64 bits, `p` is an address or a size.
struct Signature {
    std::string_view name;
    std::string_view params;
    bool is_in_unstable = true;
};
/// All functions but proc_exit, which returns nothing.
inline constexpr Signature signatures[] = {
    {"args_get", "pp"},
    {"args_sizes_get", "pp"},
    {"clock_res_get", "ip"},
    {"clock_time_get", "ilp"},
    {"environ_get", "pp"},
    {"environ_sizes_get", "pp"},
    {"fd_advise", "illi"},
    {"fd_allocate", "ill"},
    {"fd_close", "i"},
    {"fd_datasync", "i"},
    {"fd_fdstat_get", "ip"},
    {"fd_fdstat_set_flags", "ii"},
    {"fd_fdstat_set_rights", "ill"},
    {"fd_filestat_get", "ip"},
    {"fd_filestat_set_size", "il"},
    {"fd_filestat_set_times", "illi"},
    {"fd_pread", "ipplp"},
    {"fd_prestat_dir_name", "ipp"},
    {"fd_prestat_get", "ip"},
    {"fd_pwrite", "ipplp"},
    {"fd_read", "ippp"},
    {"fd_readdir", "ipplp"},
    {"fd_renumber", "ii"},
    {"fd_seek", "ilip"},
    {"fd_sync", "i"},
    {"fd_tell", "ip"},
    {"fd_write", "ippp"},
    {"path_create_directory", "ipp"},
    {"path_filestat_get", "iippp"},
    {"path_filestat_set_times", "iipplli"},
    {"path_link", "iippipp"},
    {"path_open", "iippillip"},
    {"path_readlink", "ippppp"},
    {"path_remove_directory", "ipp"},
    {"path_rename", "ippipp"},
    {"path_symlink", "ppipp"},
    {"path_unlink_file", "ipp"},
    {"poll_oneoff", "pppp"},
    {"proc_raise", "i"},
    {"random_get", "pp"},
    {"sched_yield", ""},
    {"sock_accept", "iip", false},
    {"sock_recv", "ippipp"},
    {"sock_send", "ippip"},
    {"sock_shutdown", "ii"},
};

/// How a program was compiled.
struct GuestAbi {
    bool is_wide = false;
    bool is_unstable = false;
};

/// A module that exports what it imports, and a memory of one page.
inline std::string guest_text(GuestAbi abi) {
    const auto module = abi.is_unstable ? "wasi_unstable" : "wasi_snapshot_preview1";
    std::string imports;
    std::string functions;
    for (const Signature& signature : signatures) {
        if (abi.is_unstable && !signature.is_in_unstable)
            continue;
        const std::string name{signature.name};
        std::string type;
        std::string arguments;
        for (size_t i = 0; i < signature.params.size(); ++i) {
            const char kind = signature.params[i];
            type += kind == 'l' || (kind == 'p' && abi.is_wide) ? " i64" : " i32";
            arguments += " (local.get " + std::to_string(i) + ")";
        }
        type = "(param" + type + ") (result i32)";
        imports.append("(import \"").append(module).append("\" \"" + name + "\" ");
        imports += "(func $" + name + " " + type + "))\n";
        functions += "(func (export \"" + name + "\") " + type + " (call $" + name + arguments + "))\n";
    }
    return "(module\n" + imports + "(memory (export \"memory\") " + (abi.is_wide ? "i64 " : "") + "1)\n" +
           functions + ")";
}

} // namespace warpbeam::wasi::testing
