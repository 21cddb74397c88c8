#include "functions.hpp"

namespace warpbeam::wasi {

namespace {

struct MissingFunction {
    const char* name;
    /// `i` for an i32 and `I` for an i64. All functions return an errno.
    std::string_view params;
};

constexpr MissingFunction missing[] = {
    {"fd_advise", "iIIi"},
    {"fd_allocate", "iII"},
    {"fd_datasync", "i"},
    {"fd_fdstat_set_rights", "iII"},
    {"fd_filestat_get", "ii"},
    {"fd_filestat_set_size", "iI"},
    {"fd_filestat_set_times", "iIIi"},
    {"fd_pread", "iiiIi"},
    {"fd_pwrite", "iiiIi"},
    {"fd_readdir", "iiiIi"},
    {"fd_renumber", "ii"},
    {"fd_sync", "i"},
    {"path_create_directory", "iii"},
    {"path_filestat_get", "iiiii"},
    {"path_filestat_set_times", "iiiiIIi"},
    {"path_link", "iiiiiii"},
    {"path_open", "iiiiiIIii"},
    {"path_readlink", "iiiiii"},
    {"path_remove_directory", "iii"},
    {"path_rename", "iiiiii"},
    {"path_symlink", "iiiii"},
    {"path_unlink_file", "iii"},
    {"proc_raise", "i"},
    {"sock_accept", "iii"},
    {"sock_recv", "iiiiii"},
    {"sock_send", "iiiii"},
    {"sock_shutdown", "ii"},
};

constexpr size_t max_params = 9;

} // namespace

std::expected<void, Error> define_missing(Linker& linker) noexcept {
    for (const MissingFunction& function : missing) {
        ValType params[max_params];
        for (size_t i = 0; i < function.params.size(); ++i)
            params[i] = function.params[i] == 'I' ? ValType::i64 : ValType::i32;
        const ValType result{ValType::i32};
        const FuncType type{{params, function.params.size()}, {&result, 1}};
        const auto defined = linker.func(
            "wasi_snapshot_preview1", function.name, type,
            [](Caller&, std::span<const Value>, std::span<Value> results) -> std::expected<void, Trap> {
                results[0] = static_cast<uint32_t>(Errno::nosys);
                return {};
            });
        if (!defined)
            return defined;
    }
    return {};
}

} // namespace warpbeam::wasi
