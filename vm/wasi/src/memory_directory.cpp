#include "memory_directory.hpp"

#include "resolve.hpp"

namespace warpbeam::wasi {

MemoryDirectory::MemoryDirectory(Ref<MemoryFileSystem> system, Ref<Directory> lower, unsigned depth) noexcept
    : node_{std::move(system), FileType::directory}, entries_{node_.system().allocator()},
      lower_path_{node_.system().allocator()}, has_lower_{lower}, depth_{depth} {
    if (!lower)
        return;
    if (const Result<Filestat> stat = lower->stat(); stat) {
        node_.stat().accessed = stat->accessed;
        node_.stat().modified = stat->modified;
        node_.stat().changed = stat->changed;
    }
    node_.system().keep_open(open_lower_, std::move(lower));
}

MemoryDirectory::~MemoryDirectory() {
    node_.system().forget(open_lower_);
    (void)entries_.all_of([&](const MemoryEntry& entry) {
        node_.system().give_back(size_of(entry.name.size()));
        return true;
    });
}

Result<> MemoryDirectory::set_times(const NewTimes& times) noexcept {
    node_.set_times(times);
    return {};
}

// ---- Looking ----

Result<Ref<File>> MemoryDirectory::open(std::string_view name, const OpenMode& mode) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there) {
        if (there.error() != Errno::noent || !mode.create)
            return failed(there.error());
        return create_entry(name, [&] { return make_file(); });
    }
    if (mode.exclusive)
        return failed(Errno::exist);
    if (there->type == FileType::symbolic_link)
        return failed(Errno::loop);
    if (there->type == FileType::directory) {
        if (mode.write || mode.create || mode.truncate)
            return failed(Errno::isdir);
        const auto directory = enter(name);
        if (!directory)
            return failed(directory.error());
        return Ref<File>::share(directory->get());
    }
    if (mode.directory)
        return failed(Errno::notdir);
    if (entries_.find(name) == nullptr && !mode.write && !mode.truncate) {
        const auto below = lower();
        if (!below || !*below)
            return failed(below ? Errno::noent : below.error());
        return open_lower(**below, name);
    }
    if (const Result<> copied = copy_up(name, *there); !copied)
        return failed(copied.error());
    const Ref<File> file = entries_.find(name)->node;
    if (mode.truncate)
        if (const Result<> cut = file->set_size(0); !cut)
            return failed(cut.error());
    return file;
}

Result<Ref<Directory>> MemoryDirectory::enter(std::string_view name) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (there->type == FileType::symbolic_link)
        return failed(Errno::loop);
    if (there->type != FileType::directory)
        return failed(Errno::notdir);
    if (const Result<> copied = copy_up(name, *there); !copied)
        return failed(copied.error());
    return Ref<Directory>::share(entries_.find(name)->node->as_directory());
}

Result<Filestat> MemoryDirectory::stat_entry(std::string_view name) noexcept {
    if (name.size() > max_name)
        return failed(Errno::nametoolong);
    if (const MemoryEntry* const entry = entries_.find(name); entry != nullptr)
        return entry->node ? entry->node->stat() : failed(Errno::noent);
    const auto below = lower();
    if (!below)
        return failed(below.error());
    return *below ? (*below)->stat_entry(name) : failed(Errno::noent);
}

Result<Vec<char>> MemoryDirectory::read_link(std::string_view name) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (there->type != FileType::symbolic_link)
        return failed(Errno::inval);
    if (const MemoryEntry* const entry = entries_.find(name); entry != nullptr)
        return copy(static_cast<MemoryLink&>(*entry->node).target());
    const auto below = lower();
    if (!below || !*below)
        return failed(below ? Errno::noent : below.error());
    return (*below)->read_link(name);
}

Result<> MemoryDirectory::list(Vec<DirectoryEntry>& entries) noexcept {
    const auto below = lower();
    if (!below)
        return failed(below.error());
    if (*below) {
        if (const Result<> listed = (*below)->list(entries); !listed)
            return listed;
        const auto hidden = std::remove_if(entries.begin(), entries.end(), [&](const auto& entry) {
            return entries_.find({entry.name.data(), entry.name.size()}) != nullptr;
        });
        entries.truncate(static_cast<size_t>(hidden - entries.begin()));
    }
    const bool has_memory = entries_.all_of([&](const MemoryEntry& entry) {
        if (!entry.node)
            return true;
        auto name = copy(entry.view());
        const Result<Filestat> stat = entry.node->stat();
        return name && stat && entries.push({std::move(*name), stat->inode, stat->type});
    });
    return has_memory ? Result<>{} : failed(Errno::nomem);
}

// ---- Changing. What may fail comes first: a call that fails changes nothing. ----

Result<> MemoryDirectory::make_directory(std::string_view name) noexcept {
    if (depth_ + 1 > max_depth)
        return failed(Errno::nametoolong);
    return without_value(create_entry(name, [&] { return make_node<MemoryDirectory>(nullptr, depth_ + 1); }));
}

Result<> MemoryDirectory::remove_directory(std::string_view name) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (there->type != FileType::directory)
        return failed(Errno::notdir);
    if (const Result<> empty = check_empty(name, *there); !empty)
        return empty;
    const Result<bool> below = is_below(name);
    if (!below)
        return failed(below.error());
    static_cast<MemoryDirectory&>(*entries_.find(name)->node).is_removed_ = true; // it may be open
    take_out(name, *below);
    return {};
}

Result<> MemoryDirectory::unlink(std::string_view name) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (there->type == FileType::directory)
        return failed(Errno::isdir);
    const MemoryEntry* const entry = entries_.find(name);
    if (entry == nullptr)
        return put(name, nullptr);
    const Result<bool> below = is_below(name);
    if (!below)
        return failed(below.error());
    --node_of(*entry->node).stat().links;
    take_out(name, *below);
    return {};
}

Result<> MemoryDirectory::symlink(std::string_view target, std::string_view name) noexcept {
    return without_value(create_entry(name, [&] { return make_link(target); }));
}

Result<> MemoryDirectory::link(std::string_view name, Directory& to, std::string_view to_name) noexcept {
    MemoryDirectory* const into = same_system(to);
    if (into == nullptr)
        return failed(Errno::xdev);
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (const Result<Filestat> other = into->stat_entry(to_name); other || other.error() != Errno::noent)
        return failed(other ? Errno::exist : other.error());
    if (into->is_removed_)
        return failed(Errno::noent);
    if (there->type == FileType::directory)
        return failed(Errno::perm);
    if (const Result<> copied = copy_up(name, *there); !copied)
        return copied;
    const Ref<File> node = entries_.find(name)->node;
    if (const Result<> linked = into->put(to_name, node); !linked)
        return linked;
    ++node_of(*node).stat().links;
    node_of(*node).touch(false);
    return {};
}

Result<> MemoryDirectory::rename(std::string_view name, Directory& to, std::string_view to_name) noexcept {
    MemoryDirectory* const into = same_system(to);
    if (into == nullptr)
        return failed(Errno::xdev);
    if (to_name.size() > max_name)
        return failed(Errno::nametoolong);
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (into->is_removed_)
        return failed(Errno::noent);
    if (const Result<> copied = copy_up(name, *there); !copied)
        return copied;
    const Ref<File> node = entries_.find(name)->node;
    const bool is_directory = there->type == FileType::directory;
    if (is_directory) {
        auto& moved = static_cast<MemoryDirectory&>(*node);
        if (moved.contains(*into))
            return failed(Errno::inval);
        if (into->depth_ + 1 + moved.height() > max_depth)
            return failed(Errno::nametoolong);
    }
    if (const MemoryEntry* const other = into->entries_.find(to_name);
        other != nullptr && other->node && other->node->type() == FileType::directory &&
        static_cast<MemoryDirectory&>(*other->node).contains(*this))
        return failed(Errno::notempty);
    const Result<Way> way = into->find_way(to_name, *node);
    if (!way || way->is_same)
        return without_value(way);
    const Result<bool> below = is_below(name);
    if (!below)
        return failed(below.error());
    if (const Result<> put = into->put(to_name, node); !put)
        return put;
    if (way->old && is_directory)
        static_cast<MemoryDirectory&>(*way->old).is_removed_ = true; // it may be open
    else if (way->old)
        --node_of(*way->old).stat().links;
    if (is_directory)
        static_cast<MemoryDirectory&>(*node).set_depth(into->depth_ + 1);
    node_of(*node).touch(false);
    take_out(name, *below);
    return {};
}

Result<> MemoryDirectory::set_entry_times(std::string_view name, const NewTimes& times) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return failed(there.error());
    if (const Result<> copied = copy_up(name, *there); !copied)
        return copied;
    return entries_.find(name)->node->set_times(times);
}

// ---- Nodes and entries ----

MemoryNode& MemoryDirectory::node_of(File& file) noexcept {
    switch (file.type()) {
    case FileType::directory:
        return static_cast<MemoryDirectory&>(file).node_;
    case FileType::symbolic_link:
        return static_cast<MemoryLink&>(file).node();
    default:
        return static_cast<MemoryFile&>(file).node();
    }
}

MemoryDirectory* MemoryDirectory::same_system(Directory& other) const noexcept {
    if (other.kind() != kind())
        return nullptr;
    auto& directory = static_cast<MemoryDirectory&>(other);
    return &directory.node_.system() == &node_.system() ? &directory : nullptr;
}

Result<Vec<char>> MemoryDirectory::copy(std::string_view text) const noexcept {
    Vec<char> result{node_.system().allocator()};
    if (!result.append({text.data(), text.size()}))
        return failed(Errno::nomem);
    return result;
}

Result<Ref<File>> MemoryDirectory::make_link(std::string_view target) noexcept {
    auto text = copy(target);
    if (!text)
        return failed(text.error());
    if (!node_.system().take(target.size()))
        return failed(Errno::nospc);
    auto made = make_node<MemoryLink>(std::move(*text));
    if (!made)
        node_.system().give_back(target.size());
    return made;
}

/// Sets what a name stands for.
Result<> MemoryDirectory::put(std::string_view name, Ref<File> node, bool is_change) noexcept {
    if (MemoryEntry* const entry = entries_.find(name)) {
        entry->node = std::move(node);
    } else {
        auto text = copy(name);
        if (!text)
            return failed(text.error());
        if (!node_.system().take(size_of(name.size())))
            return failed(Errno::nospc);
        if (!entries_.add({std::move(*text), std::move(node)})) {
            node_.system().give_back(size_of(name.size()));
            return failed(Errno::nomem);
        }
    }
    if (is_change)
        node_.touch(true);
    return {};
}

/// Whether the directory below has that name.
Result<bool> MemoryDirectory::is_below(std::string_view name) noexcept {
    const auto below = lower();
    if (!below)
        return failed(below.error());
    return *below && (*below)->stat_entry(name).has_value();
}

/// Removes an entry of this directory; what has its name below stays hidden.
void MemoryDirectory::take_out(std::string_view name, bool is_below) noexcept {
    node_.touch(true);
    if (is_below) {
        entries_.find(name)->node = nullptr;
        return;
    }
    node_.system().give_back(size_of(name.size()));
    entries_.remove(name);
}

Result<MemoryDirectory::Way> MemoryDirectory::find_way(std::string_view name, File& node) noexcept {
    const Result<Filestat> there = stat_entry(name);
    if (!there)
        return there.error() == Errno::noent ? Result<Way>{} : failed(there.error());
    const MemoryEntry* entry = entries_.find(name);
    if (entry != nullptr && entry->node.get() == &node)
        return Way{true, nullptr};
    const bool moves_directory = node.as_directory() != nullptr;
    if (moves_directory != (there->type == FileType::directory))
        return failed(moves_directory ? Errno::notdir : Errno::isdir);
    if (moves_directory)
        if (const Result<> empty = check_empty(name, *there); !empty)
            return failed(empty.error());
    entry = entries_.find(name);
    return Way{false, entry != nullptr ? entry->node : nullptr};
}

/// Copies a directory up, and fails if it is not empty.
Result<> MemoryDirectory::check_empty(std::string_view name, const Filestat& there) noexcept {
    if (const Result<> copied = copy_up(name, there); !copied)
        return copied;
    auto& directory = static_cast<MemoryDirectory&>(*entries_.find(name)->node);
    if (!directory.entries_.all_of([](const MemoryEntry& entry) { return !entry.node; }))
        return failed(Errno::notempty);
    if (!directory.has_lower_)
        return {};
    Vec<DirectoryEntry> entries{node_.system().allocator()};
    if (const Result<> listed = directory.list(entries); !listed)
        return listed;
    return entries.empty() ? Result<>{} : failed(Errno::notempty);
}

// ---- The directory below ----

/// The directory below; null if there is none, or no longer. It may be closed as soon as the Ref is gone:
/// only the last few are kept open.
Result<Ref<Directory>> MemoryDirectory::lower() noexcept {
    if (!has_lower_)
        return nullptr;
    if (lower_path_.empty())
        return node_.system().lower();
    if (open_lower_.directory)
        return open_lower_.directory;
    auto opened =
        with_path(*node_.system().lower(), {lower_path_.data(), lower_path_.size()}, false,
                  node_.system().allocator(), [](Resolver& at) -> Result<Ref<Directory>> {
                      return at.name().empty() ? failed(Errno::inval) : at.directory().enter(at.name());
                  });
    if (opened) {
        node_.system().keep_open(open_lower_, *opened);
        return opened;
    }
    switch (opened.error()) {
    case Errno::noent:
    case Errno::notdir:
    case Errno::loop:
        has_lower_ = false; // it was removed from outside
        return nullptr;
    default:
        return opened;
    }
}

/// Makes an entry of the directory below, which `there` describes, one of this directory.
Result<> MemoryDirectory::copy_up(std::string_view name, const Filestat& there) noexcept {
    if (entries_.find(name) != nullptr)
        return {};
    const auto below = lower();
    if (!below || !*below)
        return failed(below ? Errno::noent : below.error());
    const auto made = copy_node(**below, name, there);
    if (!made)
        return failed(made.error());
    const Result<> added = put(name, *made, false);
    if (added)
        (void)(*made)->set_times(
            {NewTimes::Change::set, NewTimes::Change::set, there.accessed, there.modified});
    return added;
}

Result<Ref<File>> MemoryDirectory::copy_node(Directory& below, std::string_view name,
                                             const Filestat& there) noexcept {
    switch (there.type) {
    case FileType::directory: {
        if (depth_ + 1 > max_depth)
            return failed(Errno::nametoolong);
        auto entered = below.enter(name);
        if (!entered)
            return failed(entered.error());
        auto made = make_node<MemoryDirectory>(std::move(*entered), depth_ + 1);
        if (made && !static_cast<MemoryDirectory&>(**made).set_lower_path(lower_path_, name))
            return failed(Errno::nomem);
        return made;
    }
    case FileType::symbolic_link: {
        const auto target = below.read_link(name);
        if (!target)
            return failed(target.error());
        return make_link({target->data(), target->size()});
    }
    case FileType::regular_file: {
        const auto from = open_lower(below, name);
        if (!from)
            return from;
        auto made = make_file();
        if (made)
            if (const Result<> copied = copy_contents(**from, **made); !copied)
                return failed(copied.error());
        return made;
    }
    default:
        return failed(Errno::notsup); // devices and the like
    }
}

Result<> MemoryDirectory::copy_contents(File& from, File& to) noexcept {
    uint8_t bytes[16'384];
    for (uint64_t offset = 0;;) {
        const Result<size_t> read = from.read_at(bytes, offset);
        if (!read)
            return failed(read.error());
        if (*read == 0)
            return {};
        if (const Result<size_t> written = to.write_at({bytes, *read}, offset); !written)
            return failed(written.error());
        offset += *read;
    }
}

/// A file of the directory below, in order to read it. Something else may have its name by now.
Result<Ref<File>> MemoryDirectory::open_lower(Directory& below, std::string_view name) noexcept {
    auto opened = below.open(name, {.read = true});
    if (!opened)
        return failed(opened.error());
    if ((*opened)->type() != FileType::regular_file)
        return failed(Errno::notsup);
    const Ref<LowerFile> file = create_file<LowerFile>(node_.system().allocator(), std::move(*opened));
    if (!file)
        return failed(Errno::nomem);
    return Ref<File>{file};
}

bool MemoryDirectory::set_lower_path(const Vec<char>& parent, std::string_view name) noexcept {
    constexpr char slash = '/';
    return lower_path_.append({parent.data(), parent.size()}) &&
           (parent.empty() || lower_path_.append({&slash, 1})) &&
           lower_path_.append({name.data(), name.size()});
}

// ---- Trees ----

bool MemoryDirectory::contains(const MemoryDirectory& other) noexcept {
    bool found = this == &other;
    each_directory([&](MemoryDirectory& inner) { found = found || inner.contains(other); });
    return found;
}

unsigned MemoryDirectory::height() noexcept {
    unsigned highest = 0;
    each_directory([&](MemoryDirectory& inner) { highest = std::max(highest, inner.height() + 1); });
    return highest;
}

void MemoryDirectory::set_depth(unsigned depth) noexcept {
    depth_ = depth;
    each_directory([&](MemoryDirectory& inner) { inner.set_depth(depth + 1); });
}

// ---- File systems ----

Result<Ref<Directory>> layered_directory(Ref<Directory> lower, const MemoryQuota& quota,
                                         uint64_t (*now)() noexcept, Allocator& allocator) noexcept {
    const auto system =
        Ref<MemoryFileSystem>::adopt(create<MemoryFileSystem>(allocator, quota, now, lower, allocator));
    if (!system)
        return std::unexpected{Errno::nomem};
    if (!system->take(MemoryNode::size))
        return std::unexpected{Errno::nospc};
    const Ref<MemoryDirectory> root = create_file<MemoryDirectory>(allocator, system, std::move(lower), 0u);
    if (!root)
        return std::unexpected{Errno::nomem};
    return Ref<Directory>::share(root.get());
}

Result<Ref<Directory>> memory_directory(const MemoryQuota& quota, uint64_t (*now)() noexcept,
                                        Allocator& allocator) noexcept {
    return layered_directory(nullptr, quota, now, allocator);
}

} // namespace warpbeam::wasi
