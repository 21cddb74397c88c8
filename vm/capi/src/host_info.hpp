#pragma once

#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/root.hpp>

#include <optional>

namespace warpbeam::capi {

/// A pointer of the host's, and what is called when it is replaced or its object ends.
class HostInfo {
public:
    using Finalizer = void (*)(void* data);

    HostInfo() noexcept = default;
    HostInfo(void* data, Finalizer finalizer) noexcept : data_{data}, finalizer_{finalizer} {}
    HostInfo(HostInfo&& other) noexcept
        : data_{std::exchange(other.data_, nullptr)}, finalizer_{std::exchange(other.finalizer_, nullptr)} {}
    HostInfo& operator=(HostInfo&& other) noexcept {
        HostInfo old{std::move(*this)};
        data_ = std::exchange(other.data_, nullptr);
        finalizer_ = std::exchange(other.finalizer_, nullptr);
        return *this; // the finalizer of the old pointer runs last: it may use this object
    }
    ~HostInfo() {
        if (finalizer_ != nullptr)
            finalizer_(data_);
    }
    [[nodiscard]] void* data() const noexcept { return data_; }

private:
    void* data_ = nullptr;
    Finalizer finalizer_ = nullptr;
};

/// Those of the objects that live as long as their store.
class HostInfos {
public:
    explicit HostInfos(Allocator& allocator) noexcept : entries_{allocator}, by_id_{allocator} {}

    /// An object: its kind, and a number that tells it from others of the kind.
    struct Key {
        size_t kind;
        uint64_t id;
        friend bool operator==(const Key&, const Key&) noexcept = default;
    };
    /// The pointer of an object; null if there is none.
    [[nodiscard]] void* get(const Key& key) const noexcept;
    /// If memory runs out, `info` ends at once. `kept` keeps the object alive.
    void set(const Key& key, HostInfo info, Root kept = {}) noexcept;

private:
    struct Entry {
        Key key;
        HostInfo info;
        Root kept;
    };
    [[nodiscard]] uint32_t find(const Key& key) const noexcept;

    Vec<Entry> entries_;
    HashIndex by_id_;
};

} // namespace warpbeam::capi
