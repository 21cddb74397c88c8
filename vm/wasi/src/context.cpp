#include "context_lock.hpp"
#include "rights_of.hpp"

namespace warpbeam::wasi {

Result<Filestat> Host::stat(Stream stream) const noexcept {
    Filestat result;
    result.type = is_terminal(stream) ? FileType::character_device : FileType::unknown;
    return result;
}
Result<Ready> Host::ready(Stream, Readiness) noexcept { return Ready{}; }
void Host::wait(std::span<const WaitFor> streams, uint64_t nanoseconds,
                const InterruptCheck& is_interrupted) noexcept {
    // Streams of the operating system become ready in its time, whatever the clocks of the program show.
    if (!streams.empty() || nanoseconds == UINT64_MAX)
        native_host().wait(streams, nanoseconds, is_interrupted);
    else
        sleep(nanoseconds);
}
int Host::native_descriptor(Stream) const noexcept { return -1; }

FileType HostStream::type() const noexcept {
    const auto found = host_->stat(stream_);
    return found ? found->type : FileType::unknown;
}
Result<size_t> HostStream::read(std::span<uint8_t> into) noexcept {
    return stream_ == Stream::in ? host_->read(into) : std::unexpected{Errno::badf};
}
Result<size_t> HostStream::write(std::span<const uint8_t> bytes) noexcept {
    return stream_ != Stream::in ? host_->write(stream_, bytes) : std::unexpected{Errno::badf};
}
Result<Ready> HostStream::ready(Readiness which) noexcept { return host_->ready(stream_, which); }

namespace {

std::unexpected<Error> no_memory_for_descriptors() noexcept {
    return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for WASI's file descriptors"}};
}
std::unexpected<Error> refused(Errno why) noexcept {
    if (why == Errno::mfile)
        return std::unexpected{
            Error{ErrorCode::limit, "the program has as many file descriptors as it may have"}};
    return no_memory_for_descriptors();
}

/// A stream can be read or written, but not both.
Rights stream_rights(Stream stream) noexcept {
    return stream == Stream::in ? ~rights::fd_write : ~rights::fd_read;
}

} // namespace

Context::Context(Host& host, Allocator& allocator) noexcept
    : host_{&host}, allocator_{allocator}, args_{allocator}, env_{allocator}, descriptors_{allocator},
      roots_{allocator}, streams_{allocator}, poll_starts_{allocator}, call_notes_{allocator} {
    for (const Stream stream : {Stream::in, Stream::out, Stream::err}) {
        Descriptor descriptor{allocator};
        const Ref<HostStream> file = create_file<HostStream>(allocator, host, stream);
        descriptor.file = Ref<File>::share(file.get());
        descriptor.rights = rights::stream & stream_rights(stream);
        descriptor.origin = Origin::stream;
        descriptor.root = static_cast<uint32_t>(stream);
        if (!file || !descriptors_.add(std::move(descriptor)))
            break;
    }
}

Context::~Context() {
    if (lock_ != nullptr)
        destroy(allocator_, lock_);
}

std::expected<void, Error> Context::share() noexcept {
    if (recorder_ != nullptr || replayed_ != nullptr)
        return std::unexpected{Error{
            ErrorCode::usage, "a context whose calls are recorded or replayed can't be shared by threads"}};
    if (lock_ == nullptr)
        lock_ = create<ContextLock>(allocator_);
    if (lock_ == nullptr)
        return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for WASI's lock"}};
    return {};
}

std::optional<Context::Waits> Context::take_waits() noexcept {
    if (!std::exchange(has_waits_, false))
        return std::nullopt;
    return Waits{{streams_.data(), streams_.size()}, nanoseconds_};
}

void Context::set_waits(std::span<const WaitFor> streams, uint64_t nanoseconds) noexcept {
    streams_.clear();
    has_waits_ = true;
    // Without the streams, the owner makes the call again at once.
    nanoseconds_ = streams_.append(streams) ? nanoseconds : 0;
}

std::expected<void, Error> Context::add_directory(std::string_view name, Ref<Directory> directory,
                                                  Access access) noexcept {
    if (name.empty() || name.find('\0') != std::string_view::npos || !directory)
        return std::unexpected{
            Error{ErrorCode::usage, "a directory for WASI needs a name without a zero byte"}};
    Descriptor descriptor{allocator_};
    descriptor.file = Ref<File>::share(directory.get());
    descriptor.rights = rights::directory;
    descriptor.inheriting = rights::directory | rights::regular_file;
    if (access == Access::read_only) {
        descriptor.rights &= rights::read_only;
        descriptor.inheriting &= rights::read_only;
    }
    descriptor.origin = Origin::root;
    descriptor.root = static_cast<uint32_t>(roots_.size());
    if (!descriptor.name.append({name.data(), name.size()}) ||
        !roots_.push({std::move(directory), descriptor.rights, descriptor.inheriting}))
        return no_memory_for_descriptors();
    if (const auto number = descriptors_.add(std::move(descriptor)); !number) {
        roots_.pop();
        return refused(number.error());
    }
    return {};
}

std::expected<uint32_t, Error> Context::add_file(Ref<File> file) noexcept {
    Descriptor descriptor{allocator_};
    descriptor.rights = rights_of(*file);
    descriptor.file = std::move(file);
    const auto number = descriptors_.add(std::move(descriptor));
    if (!number)
        return refused(number.error());
    return *number;
}

std::expected<void, Error> Context::add_env(std::string_view name, std::string_view value) noexcept {
    // The program would see another variable.
    if (name.empty() || name.contains('='))
        return std::unexpected{
            Error{ErrorCode::usage, "the name of an environment variable is empty or contains '='"}};
    return env_.add(name, "=", value);
}

std::expected<void, Error> Context::set_stream(Stream stream, Ref<File> file) noexcept {
    Descriptor* const descriptor = descriptors_.find(static_cast<uint32_t>(stream));
    if (descriptor == nullptr)
        return no_memory_for_descriptors();
    descriptor->rights = rights_of(*file) & (file->as_directory() ? ~Rights{0} : stream_rights(stream));
    descriptor->file = std::move(file);
    return {};
}

} // namespace warpbeam::wasi
