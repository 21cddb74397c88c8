#include "functions.hpp"

#include <optional>
#include <thread>

namespace warpbeam::wasi {

namespace {

/// Defines functions until one definition fails.
class Definitions {
public:
    Definitions(Linker& linker, Context& context) noexcept : linker_{linker}, context_{context} {}

    template <typename... A>
    Definitions& add(const char* name,
                     Errno (*function)(Context&, const MemoryView&, A...) noexcept) noexcept {
        return add_callable(name, [&context = context_, function](Caller& caller, A... args) -> uint32_t {
            const std::optional<Memory> memory = caller.memory();
            const Errno answer = memory ? function(context, MemoryView{*memory}, args...) : Errno::fault;
            return static_cast<uint32_t>(answer);
        });
    }
    template <typename F>
    Definitions& add_callable(const char* name, F callable) noexcept {
        if (result_)
            result_ = linker_.func("wasi_snapshot_preview1", name, callable);
        return *this;
    }
    [[nodiscard]] std::expected<void, Error> result() const noexcept { return result_; }

private:
    Linker& linker_;
    Context& context_;
    std::expected<void, Error> result_;
};

} // namespace

Errno sched_yield(Context&, const MemoryView&) noexcept {
    std::this_thread::yield();
    return Errno::success;
}

Errno random_get(Context& context, const MemoryView& memory, uint32_t buffer, uint32_t size) noexcept {
    const auto bytes = memory.at(buffer, size);
    if (!bytes)
        return Errno::fault;
    const auto filled = context.host().random(*bytes);
    return filled ? Errno::success : filled.error();
}

std::expected<void, Error> define(Linker& linker, Context& context) noexcept {
    const auto defined =
        Definitions{linker, context}
            .add("args_get", args_get)
            .add("args_sizes_get", args_sizes_get)
            .add("environ_get", environ_get)
            .add("environ_sizes_get", environ_sizes_get)
            .add("clock_res_get", clock_res_get)
            .add("clock_time_get", clock_time_get)
            .add("poll_oneoff", poll_oneoff)
            .add("fd_close", fd_close)
            .add("fd_fdstat_get", fd_fdstat_get)
            .add("fd_fdstat_set_flags", fd_fdstat_set_flags)
            .add("fd_prestat_get", fd_prestat_get)
            .add("fd_prestat_dir_name", fd_prestat_dir_name)
            .add("fd_read", fd_read)
            .add("fd_seek", fd_seek)
            .add("fd_tell", fd_tell)
            .add("fd_write", fd_write)
            .add("random_get", random_get)
            .add("sched_yield", sched_yield)
            .add_callable("proc_exit",
                          [](uint32_t status) { return Trap::exit(static_cast<int32_t>(status)); })
            .result();
    if (!defined)
        return defined;
    return define_missing(linker);
}

} // namespace warpbeam::wasi
