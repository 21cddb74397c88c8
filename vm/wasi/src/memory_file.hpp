#pragma once

#include <warpbeam/wasi/file_systems.hpp>

/// Files and symbolic links in memory, and what all of one file system share.

namespace warpbeam::wasi {

/// A directory of the lower tree that is open, as long as its file system keeps it so.
struct OpenLower {
    Ref<Directory> directory;
    size_t place = 0; ///< among those that are open, if it is
};

/// What the nodes of a file system share. Thread-safety: one thread at a time.
class MemoryFileSystem : public RefCounted<MemoryFileSystem> {
public:
    /// `lower` is the root of the tree below; null if there is none.
    MemoryFileSystem(const MemoryQuota& quota, uint64_t (*clock)() noexcept, Ref<Directory> lower,
                     Allocator& allocator) noexcept;

    /// How many directories below the lower root are kept open: each takes a descriptor of the system.
    static constexpr size_t max_open_lower = 64;
    [[nodiscard]] const Ref<Directory>& lower() const noexcept { return lower_; }
    /// Keeps a directory open, and closes the one that was opened first if there are too many.
    void keep_open(OpenLower& at, Ref<Directory> directory) noexcept;
    /// Closes it.
    void forget(OpenLower& at) noexcept;

    /// Counts bytes; false if there would be more than there may be.
    [[nodiscard]] bool take(uint64_t bytes) noexcept {
        if (bytes > left_)
            return false;
        left_ -= bytes;
        return true;
    }
    void give_back(uint64_t bytes) noexcept { left_ += bytes; }
    [[nodiscard]] uint64_t now() const noexcept { return now_ != nullptr ? now_() : 0; }
    [[nodiscard]] uint64_t next_inode() noexcept { return ++last_inode_; }
    [[nodiscard]] uint64_t device() const noexcept { return device_; }

private:
    uint64_t left_;
    uint64_t (*now_)() noexcept;
    Ref<Directory> lower_;
    OpenLower* open_lower_[max_open_lower] = {};
    size_t next_open_lower_ = 0; ///< the one that was opened first, or none
    uint64_t last_inode_ = 0;
    uint64_t device_;
};

/// What every node has: it takes part of the quota while it exists.
class MemoryNode {
public:
    /// Counted for each node beside its contents.
    static constexpr uint64_t size = 200;
    /// The node's `size` was taken from the quota before.
    MemoryNode(Ref<MemoryFileSystem> system, FileType type) noexcept;
    ~MemoryNode() { system_->give_back(size); }
    MemoryNode(const MemoryNode&) = delete;
    MemoryNode& operator=(const MemoryNode&) = delete;

    [[nodiscard]] MemoryFileSystem& system() const noexcept { return *system_; }
    [[nodiscard]] const Ref<MemoryFileSystem>& shared_system() const noexcept { return system_; }
    [[nodiscard]] Filestat& stat() noexcept { return stat_; }
    /// Its contents or attributes change now.
    void touch(bool contents) noexcept {
        stat_.changed = system_->now();
        if (contents)
            stat_.modified = stat_.changed;
    }
    void set_times(const NewTimes& times) noexcept;

private:
    Ref<MemoryFileSystem> system_;
    Filestat stat_;
};

class MemoryFile final : public File {
public:
    explicit MemoryFile(Ref<MemoryFileSystem> system) noexcept;
    ~MemoryFile() override;

    [[nodiscard]] FileType type() const noexcept override { return FileType::regular_file; }
    [[nodiscard]] Result<Filestat> stat() noexcept override;
    [[nodiscard]] Result<size_t> read_at(std::span<uint8_t> into, uint64_t offset) noexcept override;
    [[nodiscard]] Result<size_t> write_at(std::span<const uint8_t> bytes, uint64_t offset) noexcept override;
    [[nodiscard]] Result<size_t> append(std::span<const uint8_t> bytes) noexcept override;
    [[nodiscard]] Result<> set_size(uint64_t size) noexcept override;
    [[nodiscard]] Result<> allocate(uint64_t offset, uint64_t size) noexcept override;
    [[nodiscard]] Result<> set_times(const NewTimes& times) noexcept override;

    [[nodiscard]] MemoryNode& node() noexcept { return node_; }
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }
    /// While a tree is saved: its number, if it has several names.
    uint32_t number = 0;

private:
    MemoryNode node_;
    Vec<uint8_t> bytes_;
};

/// A file of a directory that is only read: its contents and attributes, and no way to change them.
class LowerFile final : public File {
public:
    explicit LowerFile(Ref<File> file) noexcept : file_{std::move(file)} {}
    ~LowerFile() override;

    [[nodiscard]] FileType type() const noexcept override { return FileType::regular_file; }
    [[nodiscard]] Result<Filestat> stat() noexcept override { return file_->stat(); }
    [[nodiscard]] Result<size_t> read_at(std::span<uint8_t> into, uint64_t offset) noexcept override {
        return file_->read_at(into, offset);
    }
    [[nodiscard]] Result<> set_times(const NewTimes&) noexcept override {
        return std::unexpected{Errno::rofs};
    }

private:
    Ref<File> file_;
};

class MemoryLink final : public File {
public:
    /// The size of the target, too, was taken from the quota before.
    MemoryLink(Ref<MemoryFileSystem> system, Vec<char> target) noexcept;
    ~MemoryLink() override;

    [[nodiscard]] FileType type() const noexcept override { return FileType::symbolic_link; }
    [[nodiscard]] Result<Filestat> stat() noexcept override { return node_.stat(); }
    [[nodiscard]] Result<> set_times(const NewTimes& times) noexcept override {
        node_.set_times(times);
        return {};
    }
    [[nodiscard]] std::string_view target() const noexcept { return {target_.data(), target_.size()}; }
    [[nodiscard]] MemoryNode& node() noexcept { return node_; }

private:
    MemoryNode node_;
    Vec<char> target_;
};

} // namespace warpbeam::wasi
