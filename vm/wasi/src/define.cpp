#include "functions.hpp"
#include "recording.hpp"

#include <tuple>

/// The functions by name, and how they get their arguments.

namespace warpbeam::wasi {

namespace {

// ---- Arguments ----

/// The type of an argument in WebAssembly.
template <typename T, bool wide>
struct WasmArgument {
    using type = T;
};
template <Rights needed, bool wide>
struct WasmArgument<Fd<needed>, wide> {
    using type = uint32_t;
};
template <bool wide>
struct WasmArgument<Ptr, wide> {
    using type = std::conditional_t<wide, uint64_t, uint32_t>;
};
template <bool wide>
struct WasmArgument<Size, wide> : WasmArgument<Ptr, wide> {};

template <typename T>
constexpr bool is_address = std::is_same_v<T, Ptr> || std::is_same_v<T, Size>;

template <typename T>
struct Convert {
    static T from(const Call&, auto value, Errno&) noexcept {
        if constexpr (is_address<T>)
            return T{value};
        else
            return value;
    }
};
template <Rights needed>
struct Convert<Fd<needed>> {
    static Fd<needed> from(const Call& call, uint32_t number, Errno& errno_) noexcept {
        Descriptor* const descriptor = call.context.descriptors().find(number);
        if (errno_ == Errno::success && descriptor == nullptr)
            errno_ = Errno::badf;
        else if (errno_ == Errno::success && !descriptor->allows(needed))
            errno_ = Errno::notcapable;
        return {{number, descriptor}};
    }
};

/// Whether a function uses the descriptors, or files, or what the context remembers of a call.
template <typename... A>
constexpr bool uses_files(Errno (*function)(Call&, A...) noexcept) noexcept {
    if constexpr (std::is_same_v<decltype(function), decltype(&poll_oneoff)>)
        if (function == &poll_oneoff)
            return true;
    return (std::is_base_of_v<OpenFd, A> || ...);
}

// ---- The table ----

using Defined = std::expected<void, Error>;
struct Row {
    std::string_view name;
    bool is_in_unstable;
    int address; ///< which parameter is the first address or size; -1: none
    Defined (*define)(Linker& linker, std::string_view module, std::string_view name, Context& context,
                      Abi abi, uint8_t place) noexcept;
};

template <bool wide, typename... A>
Defined define_function(Linker& linker, std::string_view module, std::string_view name, Context& context,
                        Abi abi, uint8_t place, Errno (*function)(Call&, A...) noexcept) noexcept {
    return linker.func(
        module, name,
        [&context, abi, place, function, locks = uses_files(function)](
            Caller& caller, typename WasmArgument<A, wide>::type... args) -> std::expected<uint32_t, Trap> {
            // Without a memory, every address is out of bounds.
            const std::optional<Memory> memory = caller.memory();
            Call call{context, caller, memory ? memory->data() : std::span<uint8_t>{}, abi,
                      locks ? context.lock() : nullptr};
            if (!context.is_shared())
                context.forget_waits();
            // The last one is none: an array can't be empty.
            const uint64_t numbers[] = {static_cast<uint64_t>(args)..., 0};
            const std::span all{numbers, sizeof...(A)};
            if (context.replayed() != nullptr) [[unlikely]]
                return replay_call(call, place, all);
            Errno errno_ = Errno::success;
            const std::tuple<A...> arguments{Convert<A>::from(call, args, errno_)...};
            if (errno_ == Errno::success)
                errno_ = std::apply([&](const A&... each) { return function(call, each...); }, arguments);
            if (call.notes != nullptr) [[unlikely]]
                return record_call(call, place, all, errno_);
            if (call.stopped) [[unlikely]]
                return std::unexpected{std::move(*call.stopped)};
            return static_cast<uint32_t>(errno_);
        });
}

template <typename... A>
constexpr int first_address(Errno (*)(Call&, A...) noexcept) noexcept {
    int index = 0;
    int found = -1;
    ((found = found < 0 && is_address<A> ? index : found, ++index), ...);
    return found;
}

template <auto function>
constexpr Row row(std::string_view name, bool is_in_unstable = true) noexcept {
    return {name, is_in_unstable, first_address(function),
            [](Linker& linker, std::string_view module, std::string_view as, Context& context, Abi abi,
               uint8_t place) noexcept {
                return abi.is_wide
                           ? define_function<true>(linker, module, as, context, abi, place, function)
                           : define_function<false>(linker, module, as, context, abi, place, function);
            }};
}

#define WARPBEAM_WASI_FUNCTION(name) row<&name>(#name)
// Records of calls have the places in this table.
constexpr Row rows[] = {
    WARPBEAM_WASI_FUNCTION(args_get),
    WARPBEAM_WASI_FUNCTION(args_sizes_get),
    WARPBEAM_WASI_FUNCTION(clock_res_get),
    WARPBEAM_WASI_FUNCTION(clock_time_get),
    WARPBEAM_WASI_FUNCTION(environ_get),
    WARPBEAM_WASI_FUNCTION(environ_sizes_get),
    WARPBEAM_WASI_FUNCTION(fd_advise),
    WARPBEAM_WASI_FUNCTION(fd_allocate),
    WARPBEAM_WASI_FUNCTION(fd_close),
    WARPBEAM_WASI_FUNCTION(fd_datasync),
    WARPBEAM_WASI_FUNCTION(fd_fdstat_get),
    WARPBEAM_WASI_FUNCTION(fd_fdstat_set_flags),
    WARPBEAM_WASI_FUNCTION(fd_fdstat_set_rights),
    WARPBEAM_WASI_FUNCTION(fd_filestat_get),
    WARPBEAM_WASI_FUNCTION(fd_filestat_set_size),
    WARPBEAM_WASI_FUNCTION(fd_filestat_set_times),
    WARPBEAM_WASI_FUNCTION(fd_pread),
    WARPBEAM_WASI_FUNCTION(fd_prestat_dir_name),
    WARPBEAM_WASI_FUNCTION(fd_prestat_get),
    WARPBEAM_WASI_FUNCTION(fd_pwrite),
    WARPBEAM_WASI_FUNCTION(fd_read),
    WARPBEAM_WASI_FUNCTION(fd_readdir),
    WARPBEAM_WASI_FUNCTION(fd_renumber),
    WARPBEAM_WASI_FUNCTION(fd_seek),
    WARPBEAM_WASI_FUNCTION(fd_sync),
    WARPBEAM_WASI_FUNCTION(fd_tell),
    WARPBEAM_WASI_FUNCTION(fd_write),
    WARPBEAM_WASI_FUNCTION(path_create_directory),
    WARPBEAM_WASI_FUNCTION(path_filestat_get),
    WARPBEAM_WASI_FUNCTION(path_filestat_set_times),
    WARPBEAM_WASI_FUNCTION(path_link),
    WARPBEAM_WASI_FUNCTION(path_open),
    WARPBEAM_WASI_FUNCTION(path_readlink),
    WARPBEAM_WASI_FUNCTION(path_remove_directory),
    WARPBEAM_WASI_FUNCTION(path_rename),
    WARPBEAM_WASI_FUNCTION(path_symlink),
    WARPBEAM_WASI_FUNCTION(path_unlink_file),
    WARPBEAM_WASI_FUNCTION(poll_oneoff),
    WARPBEAM_WASI_FUNCTION(proc_raise),
    WARPBEAM_WASI_FUNCTION(random_get),
    WARPBEAM_WASI_FUNCTION(sched_yield),
    row<&sock_accept>("sock_accept", false),
    WARPBEAM_WASI_FUNCTION(sock_recv),
    WARPBEAM_WASI_FUNCTION(sock_send),
    WARPBEAM_WASI_FUNCTION(sock_shutdown),
};
#undef WARPBEAM_WASI_FUNCTION
// With proc_exit, which returns no errno, these are all that there are.
constexpr size_t function_count = 46;
static_assert(std::size(rows) + 1 == function_count);

constexpr std::string_view preview1 = "wasi_snapshot_preview1";
constexpr std::string_view unstable = "wasi_unstable";

Defined define_module(Linker& linker, std::string_view module, Context& context, Abi abi) noexcept {
    for (const Row& row : rows) {
        const auto place = static_cast<uint8_t>(&row - rows);
        if (row.is_in_unstable || !abi.is_unstable)
            if (auto defined = row.define(linker, module, row.name, context, abi, place); !defined)
                return defined;
    }
    return linker.func(module, "proc_exit",
                       [](uint32_t status) { return Trap::exit(static_cast<int32_t>(status)); });
}

} // namespace

std::string_view function_name(uint64_t place) noexcept {
    return place < std::size(rows) ? rows[place].name : "an unknown function";
}

Pointers pointers_of(const Module& module) noexcept {
    for (const Import& import : module.imports()) {
        if (import.type.kind != ExternKind::func || (import.module != preview1 && import.module != unstable))
            continue;
        const FuncType& type = module.type_registry().func(import.type.func);
        for (const Row& row : rows)
            if (row.name == import.name && row.address >= 0 &&
                static_cast<size_t>(row.address) < type.params.size())
                return type.params[static_cast<size_t>(row.address)] == ValType::i64 ? Pointers::bits64
                                                                                     : Pointers::bits32;
    }
    return Pointers::bits32;
}

std::expected<void, Error> define(Linker& linker, Context& context, Pointers pointers) noexcept {
    const bool is_wide = pointers == Pointers::bits64;
    if (auto defined = define_module(linker, preview1, context, {is_wide, false}); !defined)
        return defined;
    return define_module(linker, unstable, context, {is_wide, true});
}

} // namespace warpbeam::wasi
