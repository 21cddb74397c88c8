#include "byte_stream.hpp"
#include "resolve.hpp"

#include <warpbeam/wasi/saved_files.hpp>

#include <limits.h>

namespace warpbeam::wasi {

namespace {

constexpr std::string_view magic{"wbfiles\1", 8};
constexpr size_t max_name = 4096;
constexpr Rights writing = rights::fd_write | rights::fd_allocate | rights::fd_filestat_set_size;

std::string_view view(const Vec<char>& text) noexcept { return {text.data(), text.size()}; }

std::unexpected<Error> no_memory_for_files() noexcept {
    return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for WASI's file descriptors"}};
}
std::unexpected<Error> damaged() noexcept {
    return std::unexpected{Error{ErrorCode::malformed, "the saved file descriptors are damaged"}};
}
std::unexpected<Error> unusable(uint32_t number, std::string_view path, const char* why) noexcept {
    return std::unexpected{Error{ErrorCode::usage, "file descriptor %u (%.*s) %s", number,
                                 static_cast<int>(path.size()), path.data(), why}};
}

/// The directory of a descriptor, or the one that its path starts from.
Directory* root_of(const Context& context, const Descriptor& descriptor) noexcept {
    return descriptor.root < context.roots().size() ? context.roots()[descriptor.root].directory.get()
                                                    : nullptr;
}

Result<Filestat> stat_path(Directory& root, std::string_view path, Allocator& allocator) noexcept {
    return with_path(root, path, true, allocator, [](Resolver& at) -> Result<Filestat> {
        if (at.name().empty())
            return at.directory().stat();
        const auto stat = at.directory().stat_entry(at.name());
        return stat && stat->type == FileType::symbolic_link ? std::unexpected{Errno::loop} : stat;
    });
}

Result<Ref<File>> open_path(Directory& root, std::string_view path, const OpenMode& mode,
                            Allocator& allocator) noexcept {
    return with_path(root, path, true, allocator, [&](Resolver& at) {
        return at.name().empty() ? at.directory().reopen() : at.directory().open(at.name(), mode);
    });
}

/// Whether a descriptor can be saved.
std::expected<void, Error> check_saved(const Context& context, uint32_t number, const Descriptor& descriptor,
                                       const Filestat& stat) noexcept {
    if (descriptor.origin == Origin::other)
        return unusable(number, view(descriptor.path), "can't be saved: it was not opened by a path");
    if (descriptor.origin != Origin::path)
        return {};
    const auto there = stat_path(*root_of(context, descriptor), view(descriptor.path), context.allocator());
    if (!there && there.error() == Errno::nomem)
        return no_memory_for_files();
    if (!there || there->inode != stat.inode || there->device != stat.device)
        return unusable(number, view(descriptor.path), "can't be saved: the file was removed or renamed");
    return {};
}

void write_descriptor(ByteWriter& out, const Descriptor& descriptor, const Filestat& stat) noexcept {
    out.number(static_cast<uint8_t>(descriptor.origin));
    out.number(descriptor.root);
    out.text(view(descriptor.name));
    out.text(view(descriptor.path));
    out.number(descriptor.rights);
    out.number(descriptor.inheriting);
    out.number(descriptor.flags);
    out.number(descriptor.offset);
    out.number(static_cast<uint8_t>(stat.type));
    out.number(stat.size);
    out.number(stat.modified);
    out.number(static_cast<uint8_t>(descriptor.has_entries));
    out.number(static_cast<uint32_t>(descriptor.entries.size()));
    for (const DirectoryEntry& entry : descriptor.entries) {
        out.text(view(entry.name));
        out.number(entry.inode);
        out.number(static_cast<uint8_t>(entry.type));
    }
}

/// A standard stream of the new process.
struct StreamNow {
    Ref<File> file;
    Rights rights = 0;
    Rights inheriting = 0;
};

class Restorer {
public:
    Restorer(Context& context, SnapshotSource& source, const RestoreFiles& how) noexcept
        : context_{context}, source_{source}, in_{source}, how_{how}, streams_{context.allocator()} {}

    /// Without an error, or with no descriptor open.
    std::expected<void, Error> run() noexcept {
        auto restored = restore_all();
        if (!restored)
            context_.descriptors().clear();
        return restored;
    }

private:
    std::expected<void, Error> restore_all() noexcept {
        uint8_t head[magic.size()];
        in_.raw(head);
        if (!in_.ok() || !std::ranges::equal(head, magic))
            return damaged();
        if (const auto roots = restore_roots(); !roots)
            return roots;
        // The standard streams are those of the new process.
        for (uint32_t number = 0; number < 3; ++number) {
            const Descriptor* const stream = context_.descriptors().find(number);
            if (!streams_.push(stream != nullptr ? StreamNow{stream->file, stream->rights, stream->inheriting}
                                                 : StreamNow{}))
                return no_memory_for_files();
        }
        context_.descriptors().clear();
        const auto count = in_.number<uint32_t>();
        for (uint32_t i = 0; i < count && in_.ok(); ++i)
            if (const auto restored = restore_descriptor(); !restored)
                return restored;
        return in_.ok() ? std::expected<void, Error>{} : failure();
    }

    [[nodiscard]] std::expected<void, Error> failure() const noexcept {
        return in_.out_of_memory() ? no_memory_for_files() : damaged();
    }

    std::expected<void, Error> restore_roots() noexcept {
        const auto count = in_.number<uint32_t>();
        if (!in_.ok())
            return damaged();
        if (count != context_.roots().size())
            return std::unexpected{Error{ErrorCode::usage,
                                         "the program had %u directories, and not %zu as it has now", count,
                                         context_.roots().size()}};
        for (const Root& root : context_.roots()) {
            const bool is_saved = in_.number<uint8_t>() != 0;
            if (in_.ok() && is_saved != root.directory->is_saved())
                return std::unexpected{
                    Error{ErrorCode::usage, is_saved ? "a directory of the program was in memory"
                                                     : "a directory of the program was not in "
                                                       "memory"}};
            if (!is_saved || !in_.ok())
                continue;
            if (const Result<> restored = root.directory->restore(source_); !restored) {
                if (restored.error() == Errno::nomem)
                    return no_memory_for_files();
                if (restored.error() == Errno::nospc)
                    return std::unexpected{
                        Error{ErrorCode::limit, "the files in memory take more than the quota"}};
                return damaged();
            }
        }
        return {};
    }

    std::expected<void, Error> restore_descriptor() noexcept {
        Allocator& allocator = context_.allocator();
        Descriptor descriptor{allocator};
        const auto number = in_.number<uint32_t>();
        const auto origin = in_.number<uint8_t>();
        descriptor.root = in_.number<uint32_t>();
        descriptor.name = in_.text(max_name, allocator);
        descriptor.path = in_.text(Descriptor::max_path, allocator);
        descriptor.rights = in_.number<uint64_t>();
        descriptor.inheriting = in_.number<uint64_t>();
        descriptor.flags = in_.number<uint16_t>();
        descriptor.offset = in_.number<uint64_t>();
        Filestat was;
        was.type = static_cast<FileType>(in_.number<uint8_t>());
        was.size = in_.number<uint64_t>();
        was.modified = in_.number<uint64_t>();
        read_entries(descriptor);
        if (!in_.ok())
            return failure();
        if (origin >= static_cast<uint8_t>(Origin::other) || descriptor.flags > fdflags::all ||
            descriptor.offset > INT64_MAX || context_.descriptors().find(number) != nullptr)
            return damaged();
        descriptor.origin = static_cast<Origin>(origin);
        if (const auto opened = open(number, descriptor, was); !opened)
            return opened;
        if (const Result<> put = context_.descriptors().put(number, std::move(descriptor)); !put)
            return put.error() == Errno::nomem ? no_memory_for_files() : damaged();
        return {};
    }

    void read_entries(Descriptor& descriptor) noexcept {
        descriptor.has_entries = in_.number<uint8_t>() != 0;
        const auto count = in_.number<uint32_t>();
        for (uint32_t i = 0; i < count && in_.ok(); ++i) {
            DirectoryEntry entry{in_.text(max_name, context_.allocator()), in_.number<uint64_t>(),
                                 static_cast<FileType>(in_.number<uint8_t>())};
            if (in_.ok() && !descriptor.entries.push(std::move(entry)))
                in_.fail();
        }
    }

    /// Finds or opens the file of a descriptor, and takes away what it must not do.
    std::expected<void, Error> open(uint32_t number, Descriptor& descriptor, const Filestat& was) noexcept {
        if (descriptor.origin == Origin::stream) {
            if (descriptor.root >= streams_.size())
                return damaged();
            const StreamNow& stream = streams_[descriptor.root];
            descriptor.file = stream.file;
            descriptor.rights &= stream.rights;
            descriptor.inheriting &= stream.inheriting;
            return descriptor.file ? std::expected<void, Error>{}
                                   : unusable(number, "a standard stream", "is closed here");
        }
        if (descriptor.root >= context_.roots().size())
            return damaged();
        const Root& root = context_.roots()[descriptor.root];
        if (descriptor.origin == Origin::root) {
            descriptor.file = Ref<File>::share(root.directory.get());
            descriptor.rights &= root.rights;
            descriptor.inheriting &= root.inheriting;
            return {};
        }
        descriptor.rights &= root.inheriting;
        descriptor.inheriting &= root.inheriting;
        const bool writes = (descriptor.rights & writing) != 0;
        const OpenMode mode{.read = (descriptor.rights & rights::fd_read) != 0 || !writes,
                            .write = writes,
                            .directory = was.type == FileType::directory,
                            .flags = descriptor.flags};
        auto opened = open_path(*root.directory, view(descriptor.path), mode, context_.allocator());
        if (!opened && opened.error() == Errno::nomem)
            return no_memory_for_files(); // it is not lost
        LostFile lost{number, view(descriptor.path), descriptor.root, Errno::stale, nullptr};
        if (!opened)
            lost.why = opened.error();
        else if (is_same(**opened, was))
            descriptor.file = std::move(*opened);
        else
            lost.found = std::move(*opened);
        if (!descriptor.file && how_.replace != nullptr)
            descriptor.file = how_.replace(how_.data, lost);
        if (descriptor.file)
            return {};
        return unusable(number, view(descriptor.path),
                        lost.why == Errno::stale ? "can't be restored: the file was changed"
                                                 : "can't be restored: the file can't be opened");
    }
    static bool is_same(File& file, const Filestat& was) noexcept {
        if (was.type != FileType::regular_file)
            return file.type() == was.type;
        const Result<Filestat> now = file.stat();
        return now && now->type == was.type && now->size == was.size && now->modified == was.modified;
    }

    Context& context_;
    SnapshotSource& source_;
    ByteReader in_;
    const RestoreFiles& how_;
    Vec<StreamNow> streams_;
};

} // namespace

std::expected<void, Error> save_files(const Context& context, SnapshotSink& sink) noexcept {
    ByteWriter out{sink};
    out.raw({reinterpret_cast<const uint8_t*>(magic.data()), magic.size()});
    out.number(static_cast<uint32_t>(context.roots().size()));
    for (const Root& root : context.roots()) {
        out.number(static_cast<uint8_t>(root.directory->is_saved()));
        if (!root.directory->is_saved() || !out.ok())
            continue;
        if (const Result<> saved = root.directory->save(sink); !saved) {
            if (saved.error() == Errno::nomem)
                return no_memory_for_files();
            return std::unexpected{Error{ErrorCode::limit, "the sink refused bytes of WASI's files"}};
        }
    }
    const auto all = context.descriptors().all();
    out.number(static_cast<uint32_t>(std::ranges::count_if(all, &Descriptor::is_open)));
    for (uint32_t number = 0; number < all.size(); ++number) {
        const Descriptor& descriptor = all[number];
        if (!descriptor.is_open())
            continue;
        const Filestat stat = descriptor.file->stat().value_or(Filestat{});
        if (auto checked = check_saved(context, number, descriptor, stat); !checked)
            return checked;
        out.number(number);
        write_descriptor(out, descriptor, stat);
    }
    if (!out.ok())
        return std::unexpected{Error{ErrorCode::limit, "the sink refused bytes of WASI's files"}};
    return {};
}

std::expected<void, Error> restore_files(Context& context, SnapshotSource& source,
                                         const RestoreFiles& how) noexcept {
    return Restorer{context, source, how}.run();
}

} // namespace warpbeam::wasi
