#include "functions.hpp"
#include "resolve.hpp"
#include "rights_of.hpp"

#include <algorithm>

/// What a program does with the entries of a directory. https://pubs.opengroup.org/onlinepubs/9799919799/
/// says what the errors are; where a path ends with a slash, as Linux has them.

namespace warpbeam::wasi {

namespace {

constexpr std::unexpected<Errno> fails(Errno error) noexcept { return std::unexpected{error}; }

/// Whether links are followed; nothing for flags that are not known.
std::optional<bool> follows(uint32_t lookup_flags) noexcept {
    constexpr uint32_t follow = 1;
    return (lookup_flags & ~follow) == 0 ? std::optional{lookup_flags == follow} : std::nullopt;
}

/// The directory of a descriptor, and a path from the guest.
struct Place {
    Directory* directory = nullptr;
    Path path;

    Errno read(const Call& call, const Descriptor& descriptor, Ptr address, Size size) noexcept {
        directory = descriptor.file->as_directory();
        return directory != nullptr ? call.get_path(address, size, path) : Errno::notdir;
    }
    template <typename Operation>
    auto resolve(const Call& call, bool follow, Operation operation) noexcept {
        return with_path(*directory, path.view(), follow, call.context.allocator(), operation);
    }
    /// For an operation that makes, moves or removes the entry itself.
    template <typename Operation>
    auto resolve_entry(const Call& call, Operation operation, bool is_exact = false) noexcept {
        return with_path(*directory, path.view(), false, call.context.allocator(), operation,
                         {.is_exact = is_exact, .is_for_entry = true});
    }
};

/// The attributes of what a path leads to: `loop` for a symbolic link that is to be followed.
Result<Filestat> stat_at(Resolver& at, bool follow) noexcept {
    if (at.name().empty())
        return at.directory().stat();
    Result<Filestat> stat = at.directory().stat_entry(at.name());
    if (stat && follow && stat->type == FileType::symbolic_link)
        return fails(Errno::loop);
    if (stat && at.is_directory() && stat->type != FileType::directory)
        return fails(Errno::notdir);
    return stat;
}

/// For a name that is to be made and not a directory: a slash at its end is an error.
Result<> check_new_name(Resolver& at) noexcept {
    if (at.name().empty())
        return fails(Errno::exist);
    if (!at.is_directory())
        return {};
    const auto there = at.directory().stat_entry(at.name());
    return fails(there ? Errno::exist : there.error());
}

/// What a new descriptor may be used for: no more than was asked for, than the directory lends, and than
/// makes sense.
Rights granted(File& file, Rights wanted, Rights inheriting) noexcept {
    return wanted & inheriting & rights_of(file);
}

/// Writes the components of a path to `to`, which has as much room as it. Those that lead nowhere are left
/// out, since a program can add them without end; `..` is not, since what it follows may be a symbolic link.
std::string_view without_dots(std::string_view path, char* to) noexcept {
    size_t size = 0;
    while (!path.empty()) {
        const std::string_view component = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(component.size() + 1, path.size()));
        if (component.empty() || component == ".")
            continue;
        if (size != 0)
            to[size++] = '/';
        size = static_cast<size_t>(std::ranges::copy(component, to + size).out - to);
    }
    return {to, size};
}

/// `path` as seen from the preopened directory: "." for that itself.
Errno join(Vec<char>& to, const Descriptor& from, std::string_view path) noexcept {
    char text[Path::max_size];
    const std::string_view more = without_dots(path, text);
    std::string_view before{from.path.data(), from.path.size()};
    if (before == ".")
        before = {};
    const std::string_view parts[] = {before, before.empty() || more.empty() ? "" : "/",
                                      before.empty() && more.empty() ? "." : more};
    const size_t size = parts[0].size() + parts[1].size() + parts[2].size();
    if (size > Descriptor::max_path)
        return Errno::nametoolong;
    if (!to.reserve(size))
        return Errno::nomem;
    for (const std::string_view part : parts)
        (void)to.append({part.data(), part.size()});
    return Errno::success;
}

Result<Ref<File>> open_at(Resolver& at, OpenMode mode) noexcept {
    if (at.name().empty()) {
        if (mode.exclusive)
            return fails(Errno::exist);
        if (mode.write || mode.create || mode.truncate)
            return fails(Errno::isdir);
        return at.directory().reopen();
    }
    if (at.is_directory() && mode.create) {
        const auto there = at.directory().stat_entry(at.name());
        return fails(!there || there->type == FileType::directory ? Errno::isdir : Errno::notdir);
    }
    mode.directory |= at.is_directory();
    return at.directory().open(at.name(), mode);
}

} // namespace

Errno path_create_directory(Call& call, Fd<rights::path_create_directory> fd, Ptr path, Size size) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    return errno_of(place.resolve_entry(call, [](Resolver& at) -> Result<> {
        if (at.name().empty())
            return fails(Errno::exist);
        return at.directory().make_directory(at.name());
    }));
}

Errno path_filestat_get(Call& call, Fd<rights::path_filestat_get> fd, uint32_t flags, Ptr path, Size size,
                        Ptr result) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    const auto follow = follows(flags);
    if (!follow)
        return Errno::inval;
    if (!call.has(result, filestat_size(call.abi)))
        return Errno::fault;
    const auto stat = place.resolve(call, *follow, [&](Resolver& at) { return stat_at(at, *follow); });
    return stat ? put_filestat(call, result, *stat) : stat.error();
}

Errno path_filestat_set_times(Call& call, Fd<rights::path_filestat_set_times> fd, uint32_t flags, Ptr path,
                              Size size, uint64_t accessed, uint64_t modified, uint32_t what) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    const auto follow = follows(flags);
    const auto times = new_times(accessed, modified, what);
    if (!follow || !times)
        return Errno::inval;
    return errno_of(place.resolve(call, *follow, [&](Resolver& at) -> Result<> {
        if (const auto stat = stat_at(at, *follow); !stat)
            return fails(stat.error());
        return at.name().empty() ? at.directory().set_times(*times)
                                 : at.directory().set_entry_times(at.name(), *times);
    }));
}

Errno path_link(Call& call, Fd<rights::path_link_source> old_fd, uint32_t old_flags, Ptr old_path,
                Size old_size, Fd<rights::path_link_target> new_fd, Ptr new_path, Size new_size) noexcept {
    Place from;
    Place to;
    if (const Errno wrong = from.read(call, *old_fd, old_path, old_size); wrong != Errno::success)
        return wrong;
    if (const Errno wrong = to.read(call, *new_fd, new_path, new_size); wrong != Errno::success)
        return wrong;
    const auto follow = follows(old_flags);
    if (!follow)
        return Errno::inval;
    // A link lets its directory do with the file what that may; so this must be no more than before.
    if ((new_fd->inheriting & ~old_fd->inheriting) != 0)
        return Errno::notcapable;
    Result<> linked;
    const Result<> found = from.resolve(call, *follow, [&](Resolver& old) -> Result<> {
        if (const auto stat = stat_at(old, *follow); !stat)
            return fails(stat.error());
        if (old.name().empty())
            return fails(Errno::perm);
        // Kept apart: an error of the new name must not make the old one be followed.
        linked = to.resolve_entry(call, [&](Resolver& at) -> Result<> {
            if (const Result<> fine = check_new_name(at); !fine)
                return fine;
            return old.directory().link(old.name(), at.directory(), at.name());
        });
        return {};
    });
    return errno_of(found ? linked : found);
}

Errno path_open(Call& call, Fd<rights::path_open> fd, uint32_t lookup, Ptr path, Size size, uint32_t how,
                uint64_t base, uint64_t inheriting, uint32_t flags, Ptr result) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    const auto follow = follows(lookup);
    const bool creates = (how & oflags::creat) != 0;
    const bool is_exclusive = creates && (how & oflags::excl) != 0; // `excl` means nothing by itself
    const bool truncates = (how & oflags::trunc) != 0;
    const bool wants_directory = (how & oflags::directory) != 0;
    if (!follow || (how & ~uint32_t{oflags::all}) != 0 || (flags & ~uint32_t{fdflags::all}) != 0 ||
        (creates && wants_directory))
        return Errno::inval;
    if (!call.has(result, sizeof(uint32_t)))
        return Errno::fault;
    constexpr Rights reading = rights::fd_read | rights::fd_readdir;
    constexpr Rights writing = rights::fd_write | rights::fd_allocate | rights::fd_filestat_set_size;
    // Programs ask for rights that they never use; but what a file is opened for must be allowed.
    if ((base & ~fd->inheriting & (rights::fd_read | rights::fd_write)) != 0 ||
        (creates && !fd->allows(rights::path_create_file)) ||
        (truncates && !fd->allows(rights::path_filestat_set_size)))
        return Errno::notcapable;
    const Rights wanted = base & fd->inheriting;
    const bool writes = (wanted & writing) != 0;
    const OpenMode mode{.read = (wanted & reading) != 0 || !writes,
                        .write = writes,
                        .create = creates,
                        .exclusive = is_exclusive,
                        .truncate = truncates,
                        .directory = wants_directory,
                        .flags = static_cast<uint16_t>(flags)};
    // What could fail otherwise comes first: an open that fails must not make a file, or make one empty.
    Descriptor opened{call.context.allocator()};
    if (const Errno wrong = join(opened.path, *fd, place.path.view()); wrong != Errno::success)
        return wrong;
    if (const Result<> room = call.context.descriptors().reserve(); !room)
        return room.error();
    // The table may have moved.
    const Descriptor& from = *call.context.descriptors().find(fd.number);
    auto file =
        place.resolve(call, *follow && !is_exclusive, [&](Resolver& at) { return open_at(at, mode); });
    if (!file)
        return file.error();

    opened.rights = granted(**file, wanted, from.inheriting);
    opened.inheriting = (*file)->as_directory() != nullptr ? inheriting & from.inheriting : 0;
    opened.file = std::move(*file);
    opened.flags = static_cast<uint16_t>(flags);
    opened.origin = from.origin == Origin::root ? Origin::path : from.origin;
    opened.root = from.root;
    const Result<uint32_t> number = call.context.descriptors().add(std::move(opened));
    return number ? call.put(result, *number) : number.error();
}

Errno path_readlink(Call& call, Fd<rights::path_readlink> fd, Ptr path, Size size, Ptr buffer,
                    Size buffer_size, Ptr result) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    if (!call.has(buffer, buffer_size.value) || !call.has_pointer(result))
        return Errno::fault;
    const auto target = place.resolve(call, false, [](Resolver& at) -> Result<Vec<char>> {
        if (at.name().empty())
            return fails(Errno::inval);
        if (at.is_directory()) // what is no directory has another error there
            if (const auto stat = stat_at(at, false); !stat)
                return fails(stat.error());
        return at.directory().read_link(at.name());
    });
    if (!target)
        return target.error();
    // What does not fit is cut off, as by POSIX.
    const uint64_t part = std::min<uint64_t>(target->size(), buffer_size.value);
    const std::span<uint8_t> text = *call.bytes(buffer, part);
    std::copy_n(target->data(), text.size(), text.data());
    call.note_output(text);
    return call.put_pointer(result, part);
}

Errno path_remove_directory(Call& call, Fd<rights::path_remove_directory> fd, Ptr path, Size size) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    return errno_of(place.resolve_entry(call, [](Resolver& at) -> Result<> {
        if (at.name().empty())
            return fails(Errno::inval);
        return at.directory().remove_directory(at.name());
    }));
}

Errno path_rename(Call& call, Fd<rights::path_rename_source> old_fd, Ptr old_path, Size old_size,
                  Fd<rights::path_rename_target> new_fd, Ptr new_path, Size new_size) noexcept {
    Place from;
    Place to;
    if (const Errno wrong = from.read(call, *old_fd, old_path, old_size); wrong != Errno::success)
        return wrong;
    if (const Errno wrong = to.read(call, *new_fd, new_path, new_size); wrong != Errno::success)
        return wrong;
    if ((new_fd->inheriting & ~old_fd->inheriting) != 0)
        return Errno::notcapable; // as for links
    return errno_of(from.resolve_entry(call, [&](Resolver& old) -> Result<> {
        if (old.name().empty())
            return fails(Errno::busy);
        return to.resolve_entry(call, [&](Resolver& at) -> Result<> {
            if (at.name().empty())
                return fails(Errno::busy);
            if (old.is_directory() || at.is_directory()) {
                const auto stat = old.directory().stat_entry(old.name());
                if (!stat)
                    return fails(stat.error());
                if (stat->type != FileType::directory)
                    return fails(Errno::notdir);
            }
            return old.directory().rename(old.name(), at.directory(), at.name());
        });
    }));
}

namespace {

/// Whether the text of a link leads out of the tree, if the link lies `depth` directories below its root.
bool leads_out(std::string_view target, size_t depth) noexcept {
    while (!target.empty()) {
        const size_t size = std::min(target.find('/'), target.size());
        const std::string_view component = target.substr(0, size);
        target.remove_prefix(std::min(size + 1, target.size()));
        if (component == ".." && depth == 0)
            return true;
        if (component == "..")
            --depth;
        else if (!component.empty() && component != ".")
            ++depth;
    }
    return false;
}

/// How deep the directory of a descriptor lies, if the path still leads there by which it was opened;
/// otherwise 0. Names in that path say nothing, since each may be a link.
Result<size_t> depth_of(const Call& call, const Descriptor& descriptor) noexcept {
    const auto roots = call.context.roots();
    if (descriptor.path.empty() || descriptor.root >= roots.size())
        return 0;
    const Result<Filestat> self = descriptor.file->stat();
    if (!self)
        return fails(self.error());
    const auto depth =
        with_path(*roots[descriptor.root].directory, {descriptor.path.data(), descriptor.path.size()}, true,
                  call.context.allocator(),
                  [&](Resolver& at) -> Result<size_t> {
                      const Result<Filestat> there = stat_at(at, true);
                      if (!there)
                          return fails(there.error());
                      if (there->device != self->device || there->inode != self->inode)
                          return 0; // it was moved
                      return at.depth() + (at.name().empty() ? 0 : 1);
                  },
                  {.is_exact = true});
    return !depth && depth.error() != Errno::nomem ? 0 : depth;
}

} // namespace

Errno path_symlink(Call& call, Ptr target, Size target_size, Fd<rights::path_symlink> fd, Ptr path,
                   Size size) noexcept {
    Path to;
    Place place;
    if (const Errno wrong = call.get_path(target, target_size, to); wrong != Errno::success)
        return wrong;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    // Not followed here in any case; but others who use the tree may do so.
    if (to.view().front() == '/')
        return Errno::notcapable;
    return errno_of(place.resolve_entry(
        call,
        [&](Resolver& at) -> Result<> {
            if (const Result<> fine = check_new_name(at); !fine)
                return fine;
            if (leads_out(to.view(), at.depth())) {
                const Result<size_t> above = depth_of(call, *fd);
                if (!above || leads_out(to.view(), at.depth() + *above))
                    return fails(above ? Errno::notcapable : above.error());
            }
            return at.directory().symlink(to.view(), at.name());
        },
        true));
}

Errno path_unlink_file(Call& call, Fd<rights::path_unlink_file> fd, Ptr path, Size size) noexcept {
    Place place;
    if (const Errno wrong = place.read(call, *fd, path, size); wrong != Errno::success)
        return wrong;
    return errno_of(place.resolve_entry(call, [](Resolver& at) -> Result<> {
        if (at.name().empty())
            return fails(Errno::isdir);
        if (at.is_directory()) {
            const auto stat = at.directory().stat_entry(at.name());
            return fails(!stat                               ? stat.error()
                         : stat->type == FileType::directory ? Errno::isdir
                                                             : Errno::notdir);
        }
        return at.directory().unlink(at.name());
    }));
}

} // namespace warpbeam::wasi
