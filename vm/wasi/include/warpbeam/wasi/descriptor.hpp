#pragma once

#include <warpbeam/wasi/file.hpp>

namespace warpbeam::wasi {

/// Where a descriptor comes from: what it is, when a program that was saved is restored.
enum class Origin : uint8_t {
    stream, ///< a standard stream; `root` is its number
    root,   ///< a directory that the program was given; `root` is its number among these
    path,   ///< it was opened below one of these
    other,  ///< anything else, such as a socket
};

/// What a file descriptor of a program refers to.
struct Descriptor {
    /// Of a number that is free.
    explicit Descriptor(Allocator& allocator) noexcept
        : name{allocator}, path{allocator}, entries{allocator} {}

    /// The bytes of the longest `path` of a descriptor that a program opens or that is restored.
    static constexpr size_t max_path = 65'536;

    Ref<File> file;                ///< null: the number is free
    Rights rights = 0;             ///< what it may be used for
    Rights inheriting = 0;         ///< what descriptors that are opened through it may be used for
    uint16_t flags = 0;            ///< fdflags
    uint64_t offset = 0;           ///< of a file with positions
    Origin origin = Origin::other; ///< where it comes from
    uint32_t root = 0;             ///< see Origin
    Vec<char> name;                ///< under which the program finds a directory that it was given
    Vec<char> path;                ///< from that directory, without dots; a dot for that itself
    /// The entries that fd_readdir shows, as they were when it began; sorted by name.
    Vec<DirectoryEntry> entries;
    bool has_entries = false; ///< whether it has begun

    /// Whether it refers to anything.
    [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(file); }
    /// Whether it may be used for all of that.
    [[nodiscard]] bool allows(Rights needed) const noexcept { return (rights & needed) == needed; }
};

/// The file descriptors of a program. Thread-safety: one thread at a time.
class WARPBEAM_API Descriptors {
public:
    /// Without any.
    explicit Descriptors(Allocator& allocator) noexcept : all_{allocator} {}

    /// @{ The descriptor of that number if it is open; otherwise null. Valid until another one is added.
    [[nodiscard]] Descriptor* find(uint32_t number) noexcept {
        return number < all_.size() && all_[number].is_open() ? &all_[number] : nullptr;
    }
    [[nodiscard]] const Descriptor* find(uint32_t number) const noexcept {
        return number < all_.size() && all_[number].is_open() ? &all_[number] : nullptr;
    }
    /// @}
    /// Gives the least free number to a descriptor. Errors: `mfile` if there are as many as there may be;
    /// `nomem`.
    [[nodiscard]] Result<uint32_t> add(Descriptor descriptor) noexcept;
    /// Makes sure that the next `add` has a number and memory. Errors: as for `add`.
    [[nodiscard]] Result<> reserve() noexcept;
    /// Closes what is open under a number.
    void close(uint32_t number) noexcept;
    /// Closes all of them.
    void clear() noexcept;
    /// Gives a certain number to a descriptor; what was open under it is closed. Errors: as for `add`.
    [[nodiscard]] Result<> put(uint32_t number, Descriptor descriptor) noexcept;
    /// Moves a descriptor to another number, which is closed first. Both are open.
    void renumber(uint32_t from, uint32_t to) noexcept;
    /// How many may be open; the numbers are less than that.
    void set_limit(uint32_t count) noexcept { limit_ = count; }
    /// All of them, by their number; not all are open.
    [[nodiscard]] std::span<const Descriptor> all() const noexcept { return {all_.data(), all_.size()}; }

private:
    Vec<Descriptor> all_;
    uint32_t limit_ = 65'536;
    uint32_t first_free_ = 0; ///< no number below is free
};

} // namespace warpbeam::wasi
