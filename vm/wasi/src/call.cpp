#include "call.hpp"

#include <algorithm>

namespace warpbeam::wasi {

Errno Call::get_path(Ptr address, Size size, Path& path) const noexcept {
    if (!has(address, size.value))
        return Errno::fault;
    if (size.value > Path::max_size)
        return Errno::nametoolong;
    if (size.value == 0)
        return Errno::noent;
    const std::span<char> text = path.take(static_cast<size_t>(size.value));
    note_input(*bytes(address, size.value));
    std::ranges::copy(*bytes(address, size.value), reinterpret_cast<uint8_t*>(text.data()));
    return std::ranges::find(text, '\0') == text.end() ? Errno::success : Errno::inval;
}

bool Call::wait_with(OpenFd& fd, std::span<const WaitFor> streams, uint64_t nanoseconds,
                     Errno& why) noexcept {
    // Another thread may close the descriptor: its number must not come to mean another stream.
    const Ref<File> file = fd.descriptor->file;
    if (!wait(streams, nanoseconds)) {
        why = stop();
        return false;
    }
    fd.descriptor = context.descriptors().find(fd.number);
    if (fd.descriptor != nullptr && fd.descriptor->file == file)
        return true;
    why = Errno::badf;
    return false;
}

bool Call::wait_for(OpenFd& fd, Readiness which, Errno& why) noexcept {
    for (;;) {
        const Result<Ready> ready = fd.file().ready(which);
        if (!ready) {
            why = ready.error();
            return false;
        }
        if (ready->now)
            return true;
        if ((fd->flags & fdflags::nonblock) != 0) {
            why = Errno::again;
            return false;
        }
        const WaitFor stream{fd.file().native_descriptor(), which};
        const bool is_native = stream.descriptor >= 0;
        if (!is_native && !may_suspend())
            return true; // there is nothing to wait with: it says itself that it can't go on
        if (!wait_with(fd, {&stream, is_native ? size_t{1} : size_t{0}}, UINT64_MAX, why))
            return false;
    }
}

bool Call::wait_again(OpenFd& fd, Readiness which, Errno& why) noexcept {
    constexpr uint64_t short_time = 1'000'000;
    const WaitFor stream{fd.file().native_descriptor(), which};
    const bool is_native = stream.descriptor >= 0;
    if (caller.is_interrupted()) {
        why = stop();
        return false;
    }
    if ((fd->flags & fdflags::nonblock) != 0 || (!is_native && !may_suspend())) {
        why = Errno::again;
        return false;
    }
    const Result<Ready> ready = fd.file().ready(which);
    const bool is_ready = !ready || ready->now;
    return wait_with(fd, {&stream, is_native && !is_ready ? size_t{1} : size_t{0}},
                     is_ready ? short_time : UINT64_MAX, why);
}

bool Call::wait(std::span<const WaitFor> streams, uint64_t nanoseconds) noexcept {
    const InterruptCheck check{
        [](const void* by) noexcept { return static_cast<const Caller*>(by)->is_interrupted(); }, &caller};
    if (check())
        return false;
    if (may_suspend()) {
        context.set_waits(streams, nanoseconds);
        return false;
    }
    held_.give();
    context.host().wait(streams, nanoseconds, check);
    held_.take();
    return !check();
}

} // namespace warpbeam::wasi
