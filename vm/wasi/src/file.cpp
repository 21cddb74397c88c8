#include <warpbeam/wasi/file.hpp>

namespace warpbeam::wasi {

namespace {

constexpr std::unexpected<Errno> refuses(Errno error) noexcept { return std::unexpected{error}; }

} // namespace

File::~File() = default;

Result<Filestat> File::stat() noexcept {
    Filestat stat;
    stat.type = type();
    return stat;
}
Result<size_t> File::read_at(std::span<uint8_t>, uint64_t) noexcept { return refuses(Errno::spipe); }
Result<size_t> File::write_at(std::span<const uint8_t>, uint64_t) noexcept { return refuses(Errno::spipe); }
Result<size_t> File::append(std::span<const uint8_t>) noexcept { return refuses(Errno::spipe); }
Result<> File::set_size(uint64_t) noexcept { return refuses(Errno::inval); }
Result<> File::allocate(uint64_t, uint64_t) noexcept { return refuses(Errno::notsup); }
Result<> File::set_times(const NewTimes&) noexcept { return refuses(Errno::notsup); }
Result<> File::sync(bool) noexcept { return {}; }
Result<size_t> File::read(std::span<uint8_t>) noexcept { return refuses(Errno::badf); }
Result<size_t> File::write(std::span<const uint8_t>) noexcept { return refuses(Errno::badf); }
Result<Ready> File::ready(Readiness) noexcept { return Ready{}; }
Result<Ref<File>> File::accept() noexcept { return refuses(Errno::notsock); }
Result<File::Received> File::receive(std::span<uint8_t>, bool) noexcept { return refuses(Errno::notsock); }
Result<> File::shut_down(bool, bool) noexcept { return refuses(Errno::notsock); }

Result<Ref<Directory>> Directory::descend(std::string_view) noexcept { return refuses(Errno::nosys); }
Result<Ref<File>> Directory::reopen() noexcept { return Ref<File>::share(this); }
Result<> Directory::save(SnapshotSink&) noexcept { return {}; }
Result<> Directory::restore(SnapshotSource&) noexcept { return {}; }
Result<> Directory::make_directory(std::string_view) noexcept { return refuses(Errno::rofs); }
Result<> Directory::remove_directory(std::string_view) noexcept { return refuses(Errno::rofs); }
Result<> Directory::unlink(std::string_view) noexcept { return refuses(Errno::rofs); }
Result<> Directory::symlink(std::string_view, std::string_view) noexcept { return refuses(Errno::rofs); }
Result<> Directory::link(std::string_view, Directory&, std::string_view) noexcept {
    return refuses(Errno::rofs);
}
Result<> Directory::rename(std::string_view, Directory&, std::string_view) noexcept {
    return refuses(Errno::rofs);
}
Result<> Directory::set_entry_times(std::string_view, const NewTimes&) noexcept {
    return refuses(Errno::rofs);
}

} // namespace warpbeam::wasi
