#pragma once

#include "wasi_tree.hpp"

#include <limits>

/// What WASI's functions do to descriptors and a tree, in the plainest way. Each function says what the
/// outcome is, and does it unless `is_dry`.

namespace warpbeam::fuzz {

using wasi::Rights;
namespace rights = wasi::rights;
namespace fdflags = wasi::fdflags;
namespace oflags = wasi::oflags;

struct ModelDescriptor {
    NodeRef node;
    Rights rights = 0;
    Rights inheriting = 0;
    uint16_t flags = 0;
    uint64_t offset = 0;
    std::string path = {}; ///< from the root
    bool is_root = false;
    bool writes = false; ///< it was opened for that
    /// Names and types that fd_readdir shows.
    std::optional<std::vector<std::pair<std::string, FileType>>> seen = {};
};

class Model {
public:
    /// Larger files are not made: file systems have different limits.
    static constexpr uint64_t max_file = 1 << 18;

    /// The tree is given twice: as descriptor 3, and as 4, which is only read.
    explicit Model(NodeRef tree) : root{std::move(tree)} {
        const Rights inherited = rights::directory | rights::regular_file;
        open_[3] = {root, rights::directory, inherited};
        open_[4] = {root, rights::directory & rights::read_only, inherited & rights::read_only};
        open_[3].is_root = open_[4].is_root = true;
    }

    NodeRef root;
    /// Nothing is changed.
    bool is_dry = false;

    [[nodiscard]] ModelDescriptor* find(uint32_t number) {
        const auto found = open_.find(number);
        return found != open_.end() ? &found->second : nullptr;
    }
    [[nodiscard]] const std::map<uint32_t, ModelDescriptor>& open() const { return open_; }

    // ---- Descriptors ----

    Errno close(uint32_t fd) {
        if (!find(fd))
            return Errno::badf;
        return commit([&] { open_.erase(fd); });
    }
    Errno renumber(uint32_t from, uint32_t to) {
        if (!find(from) || !find(to))
            return Errno::badf;
        return commit([&] {
            if (from == to)
                return;
            open_[to] = open_[from];
            open_.erase(from);
        });
    }
    Errno set_rights(uint32_t fd, Rights base, Rights inheriting) {
        ModelDescriptor* const at = find(fd);
        if (!at)
            return Errno::badf;
        if ((base & ~at->rights) != 0 || (inheriting & ~at->inheriting) != 0)
            return Errno::notcapable;
        return commit([&] {
            at->rights = base;
            at->inheriting = inheriting;
        });
    }
    Errno set_flags(uint32_t fd, uint32_t flags) {
        if (const Errno wrong = needs(fd, rights::fd_fdstat_set_flags); wrong != Errno::success)
            return wrong;
        if (flags > fdflags::all)
            return Errno::inval;
        ModelDescriptor& at = *find(fd);
        if (((flags ^ at.flags) & ~uint32_t{fdflags::append | fdflags::nonblock}) != 0)
            return Errno::notsup;
        return commit([&] { at.flags = static_cast<uint16_t>(flags); });
    }
    /// For functions that only ask.
    Errno needs(uint32_t fd, Rights needed) {
        const ModelDescriptor* const at = find(fd);
        return !at ? Errno::badf : (at->rights & needed) != needed ? Errno::notcapable : Errno::success;
    }
    Errno advise(uint32_t fd, uint32_t advice) {
        const ModelDescriptor* const at = find(fd);
        if (!at)
            return Errno::badf;
        if (!at->node->is_directory() && (at->rights & rights::fd_advise) == 0)
            return Errno::notcapable;
        return advice > 5 ? Errno::inval : Errno::success;
    }

    // ---- Contents ----

    Errno seek(uint32_t fd, int64_t offset, uint32_t whence, uint64_t& position) {
        ModelDescriptor* const at = find(fd);
        if (!at)
            return Errno::badf;
        if (at->node->is_directory())
            return Errno::isdir;
        const Rights needed = offset == 0 && whence == 1 ? rights::fd_tell : rights::fd_seek;
        if ((at->rights & needed) == 0)
            return Errno::notcapable;
        if (whence > 2)
            return Errno::inval;
        const uint64_t base = whence == 0 ? 0 : whence == 1 ? at->offset : at->node->bytes.size();
        // Both are below 2^63, so the sum of a positive offset is below 2^64.
        const uint64_t sum = base + static_cast<uint64_t>(offset);
        if (offset < 0 && base < uint64_t{0} - static_cast<uint64_t>(offset))
            return Errno::inval;
        if (sum > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return Errno::overflow;
        position = sum;
        return commit([&] { at->offset = sum; });
    }
    Errno tell(uint32_t fd, uint64_t& position) { return seek(fd, 0, 1, position); }

    /// With an offset, as fd_pread.
    Errno read(uint32_t fd, std::optional<uint64_t> offset, uint64_t size, std::string& bytes) {
        if (const Errno wrong = check_transfer(fd, rights::fd_read, offset); wrong != Errno::success)
            return wrong;
        ModelDescriptor& at = *find(fd);
        const std::string& all = at.node->bytes;
        const uint64_t from = offset.value_or(at.offset);
        if (from > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) && size != 0)
            return Errno::inval;
        bytes = from < all.size() ? all.substr(from, size) : "";
        return commit([&] { at.offset += offset ? 0 : bytes.size(); });
    }
    /// Where a write would end.
    uint64_t end_of_write(uint32_t fd, std::optional<uint64_t> offset, uint64_t size) {
        const ModelDescriptor* const at = find(fd);
        if (!at)
            return 0;
        const bool appends = !offset && (at->flags & fdflags::append) != 0;
        return (appends ? at->node->bytes.size() : offset.value_or(at->offset)) + size;
    }
    Errno write(uint32_t fd, std::optional<uint64_t> offset, const std::string& bytes) {
        if (const Errno wrong = check_transfer(fd, rights::fd_write, offset); wrong != Errno::success)
            return wrong;
        if (bytes.empty())
            return Errno::success;
        ModelDescriptor& at = *find(fd);
        if (offset.value_or(0) > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return Errno::inval;
        const uint64_t end = end_of_write(fd, offset, bytes.size());
        return commit([&] {
            std::string& all = at.node->bytes;
            all.resize(std::max<size_t>(all.size(), end));
            all.replace(end - bytes.size(), bytes.size(), bytes);
            at.node->modified.reset();
            if (!offset)
                at.offset = end;
        });
    }
    Errno set_size(uint32_t fd, uint64_t size) {
        if (const Errno wrong = check_file(fd, rights::fd_filestat_set_size); wrong != Errno::success)
            return wrong;
        if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return Errno::fbig;
        return commit([&] { resize(*find(fd)->node, size); });
    }
    Errno allocate(uint32_t fd, uint64_t offset, uint64_t size) {
        if (const Errno wrong = check_file(fd, rights::fd_allocate); wrong != Errno::success)
            return wrong;
        if (size == 0)
            return Errno::inval;
        constexpr uint64_t most = std::numeric_limits<int64_t>::max();
        if (offset > most || size > most || offset + size > most)
            return Errno::fbig;
        return commit([&] {
            Node& node = *find(fd)->node;
            resize(node, std::max<uint64_t>(node.bytes.size(), offset + size));
        });
    }
    Errno set_times(uint32_t fd, uint64_t modified, uint32_t flags) {
        if (const Errno wrong = needs(fd, rights::fd_filestat_set_times); wrong != Errno::success)
            return wrong;
        return set_node_times(find(fd)->node.get(), modified, flags);
    }
    Errno read_directory(uint32_t fd, uint64_t cookie) {
        if (const Errno wrong = needs(fd, rights::fd_readdir); wrong != Errno::success)
            return wrong;
        ModelDescriptor& at = *find(fd);
        if (!at.node->is_directory())
            return Errno::notdir;
        auto seen = at.seen;
        if (cookie == 0 || !seen) {
            seen = {{".", FileType::directory}, {"..", FileType::directory}};
            for (const auto& [name, node] : at.node->entries)
                seen->emplace_back(name, node->type);
        }
        (void)commit([&] { at.seen = seen; });
        return cookie > seen->size() ? Errno::inval : Errno::success;
    }

    // ---- Paths ----

    Errno make_directory(uint32_t fd, const std::string& path) {
        Place at;
        if (const Errno wrong = go(fd, rights::path_create_directory, path, Last::entry, at);
            wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_new(at); wrong != Errno::success)
            return wrong;
        return commit([&] { at.directory->add(at.name, make_node(FileType::directory)); });
    }
    Errno remove_directory(uint32_t fd, const std::string& path) {
        Place at;
        if (const Errno wrong = go(fd, rights::path_remove_directory, path, Last::entry, at);
            wrong != Errno::success)
            return wrong;
        if (at.name.empty())
            return Errno::inval;
        if (const Errno wrong = check_there(at); wrong != Errno::success)
            return wrong;
        if (!at.node()->is_directory())
            return Errno::notdir;
        if (!at.node()->entries.empty())
            return Errno::notempty;
        return commit([&] {
            at.node()->is_removed = true;
            at.directory->remove(at.name);
        });
    }
    Errno unlink(uint32_t fd, const std::string& path) {
        Place at;
        if (const Errno wrong = go(fd, rights::path_unlink_file, path, Last::entry, at);
            wrong != Errno::success)
            return wrong;
        if (at.name.empty())
            return Errno::isdir;
        if (const Errno wrong = check_there(at); wrong != Errno::success)
            return wrong;
        if (at.node()->is_directory())
            return Errno::isdir;
        if (at.needs_directory)
            return Errno::notdir;
        return commit([&] {
            --at.node()->links;
            at.directory->remove(at.name);
        });
    }
    Errno stat(uint32_t fd, uint32_t lookup, const std::string& path, NodeRef& found) {
        Place at;
        if (const Errno wrong = go_to_existing(fd, rights::path_filestat_get, lookup, path, at);
            wrong != Errno::success)
            return wrong;
        found = at.shared();
        return Errno::success;
    }
    Errno set_path_times(uint32_t fd, uint32_t lookup, const std::string& path, uint64_t modified,
                         uint32_t flags) {
        if (const Errno wrong = check_path(fd, rights::path_filestat_set_times, path);
            wrong != Errno::success)
            return wrong;
        if (lookup > 1 || set_node_times(nullptr, modified, flags) != Errno::success)
            return Errno::inval;
        Place at;
        if (const Errno wrong = go_to_existing(fd, rights::path_filestat_set_times, lookup, path, at);
            wrong != Errno::success)
            return wrong;
        return set_node_times(at.node(), modified, flags);
    }
    Errno read_link(uint32_t fd, const std::string& path, std::string& target) {
        Place at;
        if (const Errno wrong = go(fd, rights::path_readlink, path, Last::keep, at); wrong != Errno::success)
            return wrong;
        if (at.name.empty())
            return Errno::inval;
        if (const Errno wrong = check_there(at); wrong != Errno::success)
            return wrong;
        if (at.needs_directory && !at.node()->is_directory())
            return Errno::notdir;
        if (!at.node()->is_link())
            return Errno::inval;
        target = at.node()->bytes;
        return Errno::success;
    }
    Errno symlink(const std::string& target, uint32_t fd, const std::string& path) {
        if (const Errno wrong = needs(fd, rights::path_symlink); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_text(target); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_path(fd, rights::path_symlink, path); wrong != Errno::success)
            return wrong;
        if (target[0] == '/')
            return Errno::notcapable;
        Place at;
        if (const Errno wrong = go(fd, rights::path_symlink, path, Last::entry, at); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_new_name(at); wrong != Errno::success)
            return wrong;
        if (leads_out(target, depth_of(*find(fd)) + at.depth))
            return Errno::notcapable;
        if (const Errno wrong = check_new(at); wrong != Errno::success)
            return wrong;
        return commit([&] { at.directory->add(at.name, make_node(FileType::symbolic_link, target)); });
    }
    Errno link(uint32_t old_fd, uint32_t lookup, const std::string& old_path, uint32_t new_fd,
               const std::string& new_path) {
        if (const Errno wrong = check_two(old_fd, rights::path_link_source, old_path, new_fd,
                                          rights::path_link_target, new_path, lookup > 1);
            wrong != Errno::success)
            return wrong;
        Place old;
        Place at;
        if (const Errno wrong = go_to_existing(old_fd, 0, lookup, old_path, old); wrong != Errno::success)
            return wrong;
        if (old.name.empty())
            return Errno::perm;
        if (const Errno wrong = go(new_fd, 0, new_path, Last::entry, at); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_new_name(at); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_new(at); wrong != Errno::success)
            return wrong;
        if (old.node()->is_directory())
            return Errno::perm;
        return commit([&] {
            at.directory->add(at.name, old.shared());
            ++old.node()->links;
        });
    }
    Errno rename(uint32_t old_fd, const std::string& old_path, uint32_t new_fd, const std::string& new_path) {
        if (const Errno wrong = check_two(old_fd, rights::path_rename_source, old_path, new_fd,
                                          rights::path_rename_target, new_path, false);
            wrong != Errno::success)
            return wrong;
        Place old;
        Place at;
        if (const Errno wrong = go(old_fd, 0, old_path, Last::entry, old); wrong != Errno::success)
            return wrong;
        if (old.name.empty())
            return Errno::busy;
        if (const Errno wrong = go(new_fd, 0, new_path, Last::entry, at); wrong != Errno::success)
            return wrong;
        if (at.name.empty())
            return Errno::busy;
        const bool needs_directory = old.needs_directory || at.needs_directory;
        if (old.name.size() > max_name_size || (at.name.size() > max_name_size && !needs_directory))
            return Errno::nametoolong;
        if (old.node() == nullptr)
            return Errno::noent;
        Node& moved = *old.node();
        if (needs_directory && !moved.is_directory())
            return Errno::notdir;
        if (at.name.size() > max_name_size)
            return Errno::nametoolong;
        if (at.directory->is_removed)
            return Errno::noent;
        if (moved.contains(*at.directory))
            return Errno::inval;
        Node* const replaced = at.node();
        if (replaced == &moved)
            return Errno::success;
        if (replaced != nullptr) {
            if (replaced->contains(*old.directory))
                return Errno::notempty;
            if (moved.is_directory() != replaced->is_directory())
                return moved.is_directory() ? Errno::notdir : Errno::isdir;
            if (!replaced->entries.empty())
                return Errno::notempty;
        }
        return commit([&] {
            if (replaced != nullptr) {
                --replaced->links;
                replaced->is_removed = replaced->is_directory();
            }
            const NodeRef node = old.shared();
            old.directory->remove(old.name);
            at.directory->add(at.name, node);
        });
    }

    struct Opening {
        uint32_t lookup = 0;
        uint32_t how = 0;
        Rights base = 0;
        Rights inheriting = 0;
        uint32_t flags = 0;
    };
    Errno open(uint32_t fd, const std::string& path, const Opening& as, uint32_t& number) {
        if (const Errno wrong = check_path(fd, rights::path_open, path); wrong != Errno::success)
            return wrong;
        const bool creates = (as.how & oflags::creat) != 0;
        const bool truncates = (as.how & oflags::trunc) != 0;
        const bool is_exclusive = creates && (as.how & oflags::excl) != 0; // means nothing by itself
        bool needs_directory = (as.how & oflags::directory) != 0;
        if (as.lookup > 1 || as.how > oflags::all || as.flags > fdflags::all || (creates && needs_directory))
            return Errno::inval;
        const ModelDescriptor from = *find(fd);
        if ((as.base & ~from.inheriting & (rights::fd_read | rights::fd_write)) != 0 ||
            (creates && (from.rights & rights::path_create_file) == 0) ||
            (truncates && (from.rights & rights::path_filestat_set_size) == 0))
            return Errno::notcapable;
        const Rights wanted = as.base & from.inheriting;
        const bool writes =
            (wanted & (rights::fd_write | rights::fd_allocate | rights::fd_filestat_set_size)) != 0;
        Place at;
        if (const Errno wrong =
                go(fd, 0, path, as.lookup == 1 && !is_exclusive ? Last::follow : Last::keep, at);
            wrong != Errno::success)
            return wrong;
        Node* const there = at.node();
        needs_directory = needs_directory || at.needs_directory;
        if (at.name.empty()) {
            if (is_exclusive)
                return Errno::exist;
        } else if (at.name.size() > max_name_size && !(creates && at.needs_directory)) {
            return Errno::nametoolong;
        } else if (creates && at.needs_directory) {
            return there == nullptr || there->is_directory() ? Errno::isdir : Errno::notdir;
        } else if (there == nullptr && (!creates || at.directory->is_removed)) {
            return Errno::noent;
        } else if (there != nullptr && is_exclusive) {
            return Errno::exist;
        } else if (there != nullptr && there->is_link()) {
            return Errno::loop;
        } else if (there != nullptr && needs_directory && !there->is_directory()) {
            return Errno::notdir;
        }
        if (there != nullptr && there->is_directory() && (writes || creates || truncates))
            return Errno::isdir;
        return commit([&] {
            if (there == nullptr)
                at.directory->add(at.name, make_node(FileType::regular_file));
            const NodeRef node = at.shared();
            if (truncates)
                resize(*node, 0);
            const bool is_directory = node->is_directory();
            ModelDescriptor opened{node, wanted & (is_directory ? rights::directory : rights::regular_file),
                                   is_directory ? as.inheriting & from.inheriting : 0,
                                   static_cast<uint16_t>(as.flags)};
            opened.path = from.path.empty() ? path : from.path + "/" + path;
            opened.writes = writes;
            for (number = 0; open_.contains(number);)
                ++number;
            open_[number] = std::move(opened);
        });
    }

private:
    template <typename Change>
    Errno commit(Change change) {
        if (!is_dry)
            change();
        return Errno::success;
    }
    static void resize(Node& node, uint64_t size) {
        node.bytes.resize(size);
        node.modified.reset();
    }
    static Errno check_text(const std::string& text) {
        constexpr size_t max_path = 4095;
        return text.size() > max_path                 ? Errno::nametoolong
               : text.empty()                         ? Errno::noent
               : text.find('\0') != std::string::npos ? Errno::inval
                                                      : Errno::success;
    }
    Errno check_path(uint32_t fd, Rights needed, const std::string& path) {
        if (const Errno wrong = needs(fd, needed); wrong != Errno::success)
            return wrong;
        return find(fd)->node->is_directory() ? check_text(path) : Errno::notdir;
    }
    Errno check_two(uint32_t first, Rights of_first, const std::string& first_path, uint32_t second,
                    Rights of_second, const std::string& second_path, bool has_bad_flags) {
        if (const Errno wrong = needs(first, of_first); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = needs(second, of_second); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_path(first, of_first, first_path); wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_path(second, of_second, second_path); wrong != Errno::success)
            return wrong;
        if (has_bad_flags)
            return Errno::inval;
        return (find(second)->inheriting & ~find(first)->inheriting) != 0 ? Errno::notcapable
                                                                          : Errno::success;
    }
    Errno go(uint32_t fd, Rights needed, const std::string& path, Last last, Place& at) {
        if (const Errno wrong = check_path(fd, needed, path); wrong != Errno::success)
            return wrong;
        auto found = walk(find(fd)->node, path, last);
        if (!found)
            return found.error();
        at = std::move(*found);
        return Errno::success;
    }
    static Errno check_there(const Place& at) {
        return at.name.size() > max_name_size ? Errno::nametoolong
               : at.node() == nullptr         ? Errno::noent
                                              : Errno::success;
    }
    Errno go_to_existing(uint32_t fd, Rights needed, uint32_t lookup, const std::string& path, Place& at) {
        if (const Errno wrong = check_path(fd, needed, path); wrong != Errno::success)
            return wrong;
        if (lookup > 1)
            return Errno::inval;
        if (const Errno wrong = go(fd, needed, path, lookup == 1 ? Last::follow : Last::keep, at);
            wrong != Errno::success)
            return wrong;
        if (const Errno wrong = check_there(at); wrong != Errno::success)
            return wrong;
        return at.needs_directory && !at.node()->is_directory() ? Errno::notdir : Errno::success;
    }
    /// For what is no directory: a slash can't follow.
    static Errno check_new_name(const Place& at) {
        if (at.name.empty())
            return Errno::exist;
        if (!at.needs_directory)
            return Errno::success;
        const Errno there = check_there(at);
        return there == Errno::success ? Errno::exist : there;
    }
    static Errno check_new(const Place& at) {
        return at.name.empty()                  ? Errno::exist
               : at.name.size() > max_name_size ? Errno::nametoolong
               : at.node() != nullptr           ? Errno::exist
               : at.directory->is_removed       ? Errno::noent
                                                : Errno::success;
    }
    Errno check_file(uint32_t fd, Rights needed) {
        const ModelDescriptor* const at = find(fd);
        return !at                               ? Errno::badf
               : at->node->is_directory()        ? Errno::isdir
               : (at->rights & needed) != needed ? Errno::notcapable
                                                 : Errno::success;
    }
    Errno check_transfer(uint32_t fd, Rights needed, std::optional<uint64_t> offset) {
        const Errno wrong = check_file(fd, needed);
        if (wrong == Errno::notcapable)
            return Errno::badf; // as in POSIX, for a file that was opened otherwise
        if (wrong == Errno::success && offset)
            return check_file(fd, rights::fd_seek);
        return wrong;
    }
    Errno set_node_times(Node* node, uint64_t modified, uint32_t flags) {
        if (flags > 15 || (flags & 3) == 3 || (flags & 12) == 12)
            return Errno::inval;
        return commit([&] {
            if (node != nullptr && (flags & 4) != 0)
                node->modified = modified;
            else if (node != nullptr && (flags & 8) != 0)
                node->modified.reset();
        });
    }
    /// How deep a directory lies, as far as its path still tells; otherwise no link may lead above it.
    size_t depth_of(const ModelDescriptor& of) const {
        if (of.path.empty())
            return 0;
        const auto at = walk(root, of.path, Last::follow);
        if (!at || at->node() != of.node.get())
            return 0;
        return at->depth + (at->name.empty() ? 0 : 1);
    }

    std::map<uint32_t, ModelDescriptor> open_;
};

} // namespace warpbeam::fuzz
