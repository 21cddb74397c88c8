#pragma once

#include "byte_stream.hpp"
#include "memory_file.hpp"

#include <algorithm>

/// Directories in memory, which may lie over others that are only read: what is changed is copied up first.

namespace warpbeam::wasi {

inline constexpr char memory_kind = 0;

class MemoryDirectory final : public Directory {
public:
    /// How deep directories may lie in each other: a tree is destroyed by recursion.
    static constexpr unsigned max_depth = 1000;
    static constexpr size_t max_name = 255;
    static constexpr size_t max_lower_path = (max_depth + 1) * (max_name + 1);

    MemoryDirectory(Ref<MemoryFileSystem> system, Ref<Directory> lower, unsigned depth) noexcept
        : node_{std::move(system), FileType::directory}, entries_{node_.system().allocator()},
          lower_{std::move(lower)}, lower_path_{node_.system().allocator()}, depth_{depth} {
        if (!lower_)
            return;
        if (const Result<Filestat> stat = lower_->stat(); stat) {
            node_.stat().accessed = stat->accessed;
            node_.stat().modified = stat->modified;
            node_.stat().changed = stat->changed;
        }
    }
    ~MemoryDirectory() override {
        for (const Entry& entry : entries_)
            node_.system().give_back(size_of(entry.name.size()));
    }

    const void* kind() const noexcept override { return &memory_kind; }
    Result<Filestat> stat() noexcept override { return node_.stat(); }
    Result<> set_times(const NewTimes& times) noexcept override {
        node_.set_times(times);
        return {};
    }

    Result<Ref<File>> open(std::string_view name, const OpenMode& mode) noexcept override {
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
        const Entry* entry = find(name);
        if (entry == nullptr && !mode.write && !mode.truncate)
            return open_lower(name);
        if (const Result<> copied = copy_up(name, *there); !copied)
            return failed(copied.error());
        entry = find(name);
        if (mode.truncate)
            if (const Result<> cut = entry->node->set_size(0); !cut)
                return failed(cut.error());
        return entry->node;
    }

    Result<Ref<Directory>> enter(std::string_view name) noexcept override {
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        if (there->type == FileType::symbolic_link)
            return failed(Errno::loop);
        if (there->type != FileType::directory)
            return failed(Errno::notdir);
        if (const Result<> copied = copy_up(name, *there); !copied)
            return failed(copied.error());
        return Ref<Directory>::share(find(name)->node->as_directory());
    }

    Result<Filestat> stat_entry(std::string_view name) noexcept override {
        if (const Entry* const entry = find(name); entry != nullptr)
            return entry->node ? entry->node->stat() : failed(Errno::noent);
        return lower_ ? lower_->stat_entry(name) : failed(Errno::noent);
    }

    Result<Vec<char>> read_link(std::string_view name) noexcept override {
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        if (there->type != FileType::symbolic_link)
            return failed(Errno::inval);
        const Entry* const entry = find(name);
        if (entry == nullptr)
            return lower_->read_link(name);
        return copy(static_cast<MemoryLink&>(*entry->node).target());
    }

    Result<> list(Vec<DirectoryEntry>& entries) noexcept override {
        if (lower_) {
            if (const Result<> listed = lower_->list(entries); !listed)
                return listed;
            const auto hidden = std::remove_if(entries.begin(), entries.end(), [&](const auto& entry) {
                return find({entry.name.data(), entry.name.size()}) != nullptr;
            });
            entries.truncate(static_cast<size_t>(hidden - entries.begin()));
        }
        for (const Entry& entry : entries_) {
            if (!entry.node)
                continue;
            auto name = copy({entry.name.data(), entry.name.size()});
            const Result<Filestat> stat = entry.node->stat();
            if (!name || !stat || !entries.push({std::move(*name), stat->inode, stat->type}))
                return failed(Errno::nomem);
        }
        return {};
    }

    Result<> make_directory(std::string_view name) noexcept override {
        if (depth_ + 1 > max_depth)
            return failed(Errno::nametoolong);
        return without_value(
            create_entry(name, [&] { return make_node<MemoryDirectory>(nullptr, depth_ + 1); }));
    }

    Result<> remove_directory(std::string_view name) noexcept override {
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        if (there->type != FileType::directory)
            return failed(Errno::notdir);
        if (const Result<> empty = check_empty(name, *there); !empty)
            return empty;
        const Ref<File> directory = find(name)->node;
        if (const Result<> removed = remove(name); !removed)
            return removed;
        static_cast<MemoryDirectory&>(*directory).is_removed_ = true; // it may be open
        return {};
    }

    Result<> unlink(std::string_view name) noexcept override {
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        if (there->type == FileType::directory)
            return failed(Errno::isdir);
        if (const Entry* const entry = find(name))
            --node_of(*entry->node).stat().links;
        return remove(name);
    }

    Result<> symlink(std::string_view target, std::string_view name) noexcept override {
        return without_value(create_entry(name, [&] { return make_link(target); }));
    }

    Result<> link(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        if (to.kind() != kind() || &static_cast<MemoryDirectory&>(to).node_.system() != &node_.system())
            return failed(Errno::xdev);
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        auto& into = static_cast<MemoryDirectory&>(to);
        if (into.is_removed_)
            return failed(Errno::noent);
        if (const Result<Filestat> other = into.stat_entry(to_name); other)
            return failed(Errno::exist);
        if (there->type == FileType::directory)
            return failed(Errno::perm);
        if (const Result<> copied = copy_up(name, *there); !copied)
            return copied;
        const Ref<File> node = find(name)->node;
        const Result<> linked =
            without_value(into.create_entry(to_name, [&] { return Result<Ref<File>>{node}; }));
        if (linked) {
            ++node_of(*node).stat().links;
            node_of(*node).touch(false);
        }
        return linked;
    }

    Result<> rename(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        if (to.kind() != kind() || &static_cast<MemoryDirectory&>(to).node_.system() != &node_.system())
            return failed(Errno::xdev);
        auto& into = static_cast<MemoryDirectory&>(to);
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        if (into.is_removed_)
            return failed(Errno::noent);
        if (const Result<> copied = copy_up(name, *there); !copied)
            return copied;
        const Ref<File> node = find(name)->node;
        if (there->type == FileType::directory) {
            auto& moved = static_cast<MemoryDirectory&>(*node);
            if (moved.contains(into))
                return failed(Errno::inval);
            if (into.depth_ + 1 + moved.height() > max_depth)
                return failed(Errno::nametoolong);
        }
        if (const Entry* const other = into.find(to_name);
            other != nullptr && other->node && other->node->type() == FileType::directory &&
            static_cast<MemoryDirectory&>(*other->node).contains(*this))
            return failed(Errno::notempty);
        const Result<Way> way = into.find_way(to_name, *node);
        if (!way || way->is_same)
            return without_value(way);
        // First the new name, which may fail.
        if (const Result<> put = into.put(to_name, node); !put)
            return put;
        if (way->old && there->type == FileType::directory)
            static_cast<MemoryDirectory&>(*way->old).is_removed_ = true; // it may be open
        else if (way->old)
            --node_of(*way->old).stat().links;
        if (there->type == FileType::directory)
            static_cast<MemoryDirectory&>(*node).set_depth(into.depth_ + 1);
        node_of(*node).touch(false);
        return remove(name);
    }

    bool is_saved() const noexcept override { return true; }
    Result<> save(SnapshotSink& sink) noexcept override;
    Result<> restore(SnapshotSource& source) noexcept override;

    Result<> set_entry_times(std::string_view name, const NewTimes& times) noexcept override {
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return failed(there.error());
        if (const Result<> copied = copy_up(name, *there); !copied)
            return copied;
        return find(name)->node->set_times(times);
    }

private:
    [[nodiscard]] static std::unexpected<Errno> failed(Errno error) noexcept {
        return std::unexpected{error};
    }

    struct Entry {
        Vec<char> name;
        Ref<File> node; ///< null: the entry of the directory below is gone
    };
    [[nodiscard]] static std::string_view name_of(const Entry& entry) noexcept {
        return {entry.name.data(), entry.name.size()};
    }
    [[nodiscard]] Entry* place_of(std::string_view name) noexcept {
        return std::ranges::lower_bound(entries_, name, {}, name_of);
    }
    [[nodiscard]] Entry* find(std::string_view name) noexcept {
        Entry* const place = place_of(name);
        return place != entries_.end() && name_of(*place) == name ? place : nullptr;
    }
    [[nodiscard]] static MemoryNode& node_of(File& file) noexcept {
        switch (file.type()) {
        case FileType::directory:
            return static_cast<MemoryDirectory&>(file).node_;
        case FileType::symbolic_link:
            return static_cast<MemoryLink&>(file).node();
        default:
            return static_cast<MemoryFile&>(file).node();
        }
    }
    template <typename T>
    [[nodiscard]] static Result<> without_value(const Result<T>& result) noexcept {
        return result ? Result<>{} : failed(result.error());
    }

    // ---- New nodes ----

    [[nodiscard]] Result<Vec<char>> copy(std::string_view text) const noexcept {
        Vec<char> result{node_.system().allocator()};
        if (!result.append({text.data(), text.size()}))
            return failed(Errno::nomem);
        return result;
    }
    template <typename T, typename... A>
    [[nodiscard]] Result<Ref<File>> make_node(A&&... args) noexcept {
        if (!node_.system().take(MemoryNode::size))
            return failed(Errno::nospc);
        const Ref<T> made =
            create_file<T>(node_.system().allocator(), node_.shared_system(), std::forward<A>(args)...);
        if (made)
            return Ref<File>::share(made.get());
        node_.system().give_back(MemoryNode::size);
        return failed(Errno::nospc);
    }
    [[nodiscard]] Result<Ref<File>> make_file() noexcept { return make_node<MemoryFile>(); }
    [[nodiscard]] Result<Ref<File>> make_link(std::string_view target) noexcept {
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

    // ---- Entries ----

    /// What an entry takes from the quota.
    [[nodiscard]] static uint64_t size_of(size_t name_size) noexcept { return name_size + 64; }

    /// Adds an entry for what `make` makes, under a name that is free.
    template <typename Make>
    [[nodiscard]] Result<Ref<File>> create_entry(std::string_view name, Make make) noexcept {
        if (is_removed_)
            return failed(Errno::noent);
        if (const Result<Filestat> there = stat_entry(name); there || there.error() != Errno::noent)
            return failed(there ? Errno::exist : there.error());
        const Result<Ref<File>> made = make();
        if (!made)
            return made;
        if (const Result<> added = put(name, *made); !added)
            return failed(added.error());
        return made;
    }
    /// Sets what a name stands for.
    [[nodiscard]] Result<> put(std::string_view name, Ref<File> node, bool is_change = true) noexcept {
        if (name.size() > max_name)
            return failed(Errno::nametoolong);
        if (Entry* const entry = find(name)) {
            entry->node = std::move(node);
            if (is_change)
                node_.touch(true);
            return {};
        }
        auto text = copy(name);
        if (!text)
            return failed(text.error());
        if (!node_.system().take(size_of(name.size())))
            return failed(Errno::nospc);
        const size_t at = static_cast<size_t>(place_of(name) - entries_.begin());
        if (!entries_.push({std::move(*text), std::move(node)})) {
            node_.system().give_back(size_of(name.size()));
            return failed(Errno::nospc);
        }
        std::rotate(entries_.begin() + at, entries_.end() - 1, entries_.end());
        if (is_change)
            node_.touch(true);
        return {};
    }
    /// Removes an entry, be it from here or from below.
    [[nodiscard]] Result<> remove(std::string_view name) noexcept {
        if (lower_ && lower_->stat_entry(name))
            return put(name, nullptr);
        Entry* const entry = find(name);
        node_.system().give_back(size_of(name.size()));
        std::rotate(entry, entry + 1, entries_.end());
        entries_.pop();
        node_.touch(true);
        return {};
    }
    /// Makes an entry of the directory below, which `there` describes, one of this directory.
    [[nodiscard]] Result<> copy_up(std::string_view name, const Filestat& there) noexcept {
        if (find(name) != nullptr)
            return {};
        Result<Ref<File>> made = failed(Errno::notsup); // devices and the like
        if (there.type == FileType::directory) {
            auto below = lower_->enter(name);
            if (!below)
                return failed(below.error());
            if (depth_ + 1 > max_depth)
                return failed(Errno::nametoolong);
            made = make_node<MemoryDirectory>(std::move(*below), depth_ + 1);
            if (made && !static_cast<MemoryDirectory&>(**made).set_lower_path(lower_path_, name))
                return failed(Errno::nomem);
        } else if (there.type == FileType::symbolic_link) {
            const auto target = lower_->read_link(name);
            if (!target)
                return failed(target.error());
            made = make_link({target->data(), target->size()});
        } else if (there.type == FileType::regular_file) {
            made = make_file();
            if (made)
                if (const Result<> copied = copy_contents(name, **made); !copied)
                    return copied;
        }
        if (!made)
            return failed(made.error());
        const Result<> added = put(name, *made, false);
        if (added)
            (void)(*made)->set_times(
                {NewTimes::Change::set, NewTimes::Change::set, there.accessed, there.modified});
        return added;
    }
    [[nodiscard]] bool set_lower_path(const Vec<char>& parent, std::string_view name) noexcept {
        constexpr char slash = '/';
        return lower_path_.append({parent.data(), parent.size()}) &&
               (parent.empty() || lower_path_.append({&slash, 1})) &&
               lower_path_.append({name.data(), name.size()});
    }
    /// A file of the directory below, in order to read it. Something else may have its name by now.
    [[nodiscard]] Result<Ref<File>> open_lower(std::string_view name) noexcept {
        auto opened = lower_->open(name, {.read = true});
        if (!opened)
            return failed(opened.error());
        if ((*opened)->type() != FileType::regular_file)
            return failed(Errno::notsup);
        const Ref<LowerFile> file = create_file<LowerFile>(node_.system().allocator(), std::move(*opened));
        if (!file)
            return failed(Errno::nomem);
        return Ref<File>{file};
    }
    [[nodiscard]] Result<> copy_contents(std::string_view name, File& to) noexcept {
        const auto from = open_lower(name);
        if (!from)
            return failed(from.error());
        uint8_t bytes[16'384];
        for (uint64_t offset = 0;;) {
            const Result<size_t> read = (*from)->read_at(bytes, offset);
            if (!read)
                return failed(read.error());
            if (*read == 0)
                return {};
            if (const Result<size_t> written = to.write_at({bytes, *read}, offset); !written)
                return failed(written.error());
            offset += *read;
        }
    }

    /// What a node replaces that gets the name of another one.
    struct Way {
        bool is_same = false; ///< the name stands for this node already
        Ref<File> old;        ///< null: nothing, or something below
    };
    [[nodiscard]] Result<Way> find_way(std::string_view name, File& node) noexcept {
        const Result<Filestat> there = stat_entry(name);
        if (!there)
            return there.error() == Errno::noent ? Result<Way>{} : failed(there.error());
        const Entry* entry = find(name);
        if (entry != nullptr && entry->node.get() == &node)
            return Way{true, nullptr};
        const bool moves_directory = node.as_directory() != nullptr;
        if (moves_directory != (there->type == FileType::directory))
            return failed(moves_directory ? Errno::notdir : Errno::isdir);
        if (moves_directory)
            if (const Result<> empty = check_empty(name, *there); !empty)
                return failed(empty.error());
        entry = find(name);
        return Way{false, entry != nullptr ? entry->node : nullptr};
    }
    /// Copies a directory up, and fails if it is not empty.
    [[nodiscard]] Result<> check_empty(std::string_view name, const Filestat& there) noexcept {
        if (const Result<> copied = copy_up(name, there); !copied)
            return copied;
        Vec<DirectoryEntry> entries{node_.system().allocator()};
        if (const Result<> listed = static_cast<MemoryDirectory&>(*find(name)->node).list(entries); !listed)
            return listed;
        return entries.empty() ? Result<>{} : failed(Errno::notempty);
    }

    // ---- Saving: memory_saving.cpp ----

    void forget_numbers() noexcept;
    /// `linked` counts the files with several names so far.
    void write_tree(ByteWriter& out, uint32_t& linked) noexcept;
    /// `linked` has those files.
    Result<> read_tree(ByteReader& in, MemoryDirectory& root, Vec<Ref<File>>& linked) noexcept;
    Result<> read_entry(ByteReader& in, MemoryDirectory& root, Vec<Ref<File>>& linked) noexcept;
    Result<Ref<File>> read_contents(ByteReader& in, Vec<Ref<File>>& linked) noexcept;
    Result<> find_lower(MemoryDirectory& root) noexcept;

    // ---- Trees ----

    /// Calls `visit` with every directory in this one that is in memory.
    template <typename Visit>
    void each_directory(Visit visit) noexcept {
        for (const Entry& entry : entries_)
            if (entry.node && entry.node->type() == FileType::directory)
                visit(static_cast<MemoryDirectory&>(*entry.node));
    }
    [[nodiscard]] bool contains(const MemoryDirectory& other) noexcept {
        bool found = this == &other;
        each_directory([&](MemoryDirectory& inner) { found = found || inner.contains(other); });
        return found;
    }
    [[nodiscard]] unsigned height() noexcept {
        unsigned highest = 0;
        each_directory([&](MemoryDirectory& inner) { highest = std::max(highest, inner.height() + 1); });
        return highest;
    }
    void set_depth(unsigned depth) noexcept {
        depth_ = depth;
        each_directory([&](MemoryDirectory& inner) { inner.set_depth(depth + 1); });
    }

    MemoryNode node_;
    Vec<Entry> entries_; ///< sorted by name
    Ref<Directory> lower_;
    Vec<char> lower_path_; ///< from the lowest directory of the root
    unsigned depth_;
    bool is_removed_ = false;
};

} // namespace warpbeam::wasi
