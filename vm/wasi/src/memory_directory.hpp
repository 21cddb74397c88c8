#pragma once

#include "byte_stream.hpp"
#include "memory_entries.hpp"
#include "memory_file.hpp"

/// Directories in memory, which may lie over others that are only read: what is changed is copied up first.

namespace warpbeam::wasi {

inline constexpr char memory_kind = 0;

class MemoryDirectory final : public Directory {
public:
    /// How deep directories may lie in each other: a tree is destroyed by recursion.
    static constexpr unsigned max_depth = 1000;
    static constexpr size_t max_name = 255;
    static constexpr size_t max_lower_path = (max_depth + 1) * (max_name + 1);

    /// Over a directory of the file system's lower tree, or nothing if `lower` is null.
    MemoryDirectory(Ref<MemoryFileSystem> system, Ref<Directory> lower, unsigned depth) noexcept;
    ~MemoryDirectory() override;

    const void* kind() const noexcept override { return &memory_kind; }
    Result<Filestat> stat() noexcept override { return node_.stat(); }
    Result<> set_times(const NewTimes& times) noexcept override;

    Result<Ref<File>> open(std::string_view name, const OpenMode& mode) noexcept override;
    Result<Ref<Directory>> enter(std::string_view name) noexcept override;
    Result<Filestat> stat_entry(std::string_view name) noexcept override;
    Result<Vec<char>> read_link(std::string_view name) noexcept override;
    Result<> list(Vec<DirectoryEntry>& entries) noexcept override;

    Result<> make_directory(std::string_view name) noexcept override;
    Result<> remove_directory(std::string_view name) noexcept override;
    Result<> unlink(std::string_view name) noexcept override;
    Result<> symlink(std::string_view target, std::string_view name) noexcept override;
    Result<> link(std::string_view name, Directory& to, std::string_view to_name) noexcept override;
    Result<> rename(std::string_view name, Directory& to, std::string_view to_name) noexcept override;
    Result<> set_entry_times(std::string_view name, const NewTimes& times) noexcept override;

    bool is_saved() const noexcept override { return true; }
    Result<> save(SnapshotSink& sink) noexcept override;
    Result<> restore(SnapshotSource& source) noexcept override;

private:
    [[nodiscard]] static std::unexpected<Errno> failed(Errno error) noexcept {
        return std::unexpected{error};
    }
    template <typename T>
    [[nodiscard]] static Result<> without_value(const Result<T>& result) noexcept {
        return result ? Result<>{} : failed(result.error());
    }
    [[nodiscard]] static MemoryNode& node_of(File& file) noexcept;
    /// Another directory of the same file system; null if it is none.
    [[nodiscard]] MemoryDirectory* same_system(Directory& other) const noexcept;

    // ---- New nodes ----

    [[nodiscard]] Result<Vec<char>> copy(std::string_view text) const noexcept;
    template <typename T, typename... A>
    [[nodiscard]] Result<Ref<File>> make_node(A&&... args) noexcept {
        if (!node_.system().take(MemoryNode::size))
            return failed(Errno::nospc);
        const Ref<T> made =
            create_file<T>(node_.system().allocator(), node_.shared_system(), std::forward<A>(args)...);
        if (made)
            return Ref<File>::share(made.get());
        node_.system().give_back(MemoryNode::size);
        return failed(Errno::nomem);
    }
    [[nodiscard]] Result<Ref<File>> make_file() noexcept { return make_node<MemoryFile>(); }
    [[nodiscard]] Result<Ref<File>> make_link(std::string_view target) noexcept;

    // ---- Entries ----

    /// What an entry takes from the quota.
    [[nodiscard]] static uint64_t size_of(size_t name_size) noexcept { return name_size + 64; }
    /// Adds an entry for what `make` makes, under a name that is free.
    template <typename Make>
    [[nodiscard]] Result<Ref<File>> create_entry(std::string_view name, Make make) noexcept {
        if (const Result<Filestat> there = stat_entry(name); there || there.error() != Errno::noent)
            return failed(there ? Errno::exist : there.error());
        if (is_removed_)
            return failed(Errno::noent);
        const Result<Ref<File>> made = make();
        if (!made)
            return made;
        if (const Result<> added = put(name, *made); !added)
            return failed(added.error());
        return made;
    }
    [[nodiscard]] Result<> put(std::string_view name, Ref<File> node, bool is_change = true) noexcept;
    [[nodiscard]] Result<bool> is_below(std::string_view name) noexcept;
    void take_out(std::string_view name, bool is_below) noexcept;

    /// What a node replaces that gets the name of another one.
    struct Way {
        bool is_same = false; ///< the name stands for this node already
        Ref<File> old;        ///< null: nothing, or something below
    };
    [[nodiscard]] Result<Way> find_way(std::string_view name, File& node) noexcept;
    [[nodiscard]] Result<> check_empty(std::string_view name, const Filestat& there) noexcept;

    // ---- The directory below ----

    [[nodiscard]] Result<Ref<Directory>> lower() noexcept;
    [[nodiscard]] Result<> copy_up(std::string_view name, const Filestat& there) noexcept;
    [[nodiscard]] Result<Ref<File>> copy_node(Directory& below, std::string_view name,
                                              const Filestat& there) noexcept;
    [[nodiscard]] Result<> copy_contents(File& from, File& to) noexcept;
    [[nodiscard]] Result<Ref<File>> open_lower(Directory& below, std::string_view name) noexcept;
    [[nodiscard]] bool set_lower_path(const Vec<char>& parent, std::string_view name) noexcept;

    // ---- Saving: memory_saving.cpp ----

    void forget_numbers() noexcept;
    /// `linked` counts the files with several names so far.
    void write_tree(ByteWriter& out, uint32_t& linked) noexcept;
    /// `linked` has those files.
    Result<> read_tree(ByteReader& in, MemoryDirectory& root, Vec<Ref<File>>& linked) noexcept;
    Result<> read_entry(ByteReader& in, MemoryDirectory& root, Vec<Ref<File>>& linked) noexcept;
    Result<Ref<File>> read_contents(ByteReader& in, Vec<Ref<File>>& linked) noexcept;

    // ---- Trees ----

    /// Calls `visit` with every directory in this one that is in memory.
    template <typename Visit>
    void each_directory(Visit visit) noexcept {
        (void)entries_.all_of([&](const MemoryEntry& entry) {
            if (entry.node && entry.node->type() == FileType::directory)
                visit(static_cast<MemoryDirectory&>(*entry.node));
            return true;
        });
    }
    [[nodiscard]] bool contains(const MemoryDirectory& other) noexcept;
    [[nodiscard]] unsigned height() noexcept;
    void set_depth(unsigned depth) noexcept;

    MemoryNode node_;
    MemoryEntries entries_;
    Vec<char> lower_path_; ///< of the directory below, from the root of the lower tree
    OpenLower open_lower_;
    bool has_lower_;
    bool is_removed_ = false;
    unsigned depth_;
};

} // namespace warpbeam::wasi
