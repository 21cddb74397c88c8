#pragma once

#include <warpbeam/memory/changed_pages.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/sha256.hpp>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/root.hpp>

/// @file
/// Snapshots of instances, also in the middle of any number of executions, and forks of them.
/// docs/snapshots.md is the guide, docs/snapshot-format.md describes the bytes.
/// Thread-safety: that of the store.

namespace warpbeam {

namespace vm {
struct SeriesState;
}

/// Takes the bytes of a snapshot, in order.
class SnapshotSink {
public:
    /// Takes the next bytes, which are only valid during the call. False ends the snapshot with an error.
    [[nodiscard]] virtual bool write(std::span<const uint8_t> bytes) noexcept = 0;

protected:
    ~SnapshotSink() = default;
};

/// Gives the bytes of a snapshot, in order.
class SnapshotSource {
public:
    /// Puts the next bytes there, and returns how many; 0 at the end, and after an error: the snapshot is
    /// then one that ends too early.
    [[nodiscard]] virtual size_t read(std::span<uint8_t> bytes) noexcept = 0;

protected:
    ~SnapshotSource() = default;
};

/// Keeps the bytes of a snapshot in memory.
class SnapshotBuffer final : public SnapshotSink {
public:
    /// Empty; the bytes will be of this allocator.
    explicit SnapshotBuffer(Allocator& allocator = Allocator::standard()) noexcept : bytes_{allocator} {}
    [[nodiscard]] bool write(std::span<const uint8_t> bytes) noexcept override {
        return bytes_.append(bytes);
    }
    /// What it was given.
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }

private:
    Vec<uint8_t> bytes_;
};

/// Gives bytes that are in memory, and must stay there.
class SnapshotBytes final : public SnapshotSource {
public:
    /// Gives these.
    explicit SnapshotBytes(std::span<const uint8_t> bytes) noexcept : left_{bytes} {}
    [[nodiscard]] size_t read(std::span<uint8_t> bytes) noexcept override {
        const size_t count = bytes.size() < left_.size() ? bytes.size() : left_.size();
        if (count != 0)
            std::memcpy(bytes.data(), left_.data(), count);
        left_ = left_.subspan(count);
        return count;
    }

private:
    std::span<const uint8_t> left_; ///< to be read
};

/// Names what belongs to the host and not to the store, so that it can be found again. A function that an
/// instance imports is named by its import, unless several are imported under the same names; this is for all
/// others. A name has at most 1 MiB.
class SnapshotHost {
public:
    /// Appends the name of an external reference of the host: one made by ExternRef::host or
    /// ExternRef::create. False if it has none, which is an error. `store` is the one that is saved.
    [[nodiscard]] virtual bool name_extern(const Store& store, ExternRef reference,
                                           Vec<uint8_t>& name) noexcept {
        (void)store, (void)reference, (void)name;
        return false;
    }
    /// Appends the name of a host function that has none from an import.
    [[nodiscard]] virtual bool name_func(Func function, Vec<uint8_t>& name) noexcept {
        (void)function, (void)name;
        return false;
    }

    /// The reference with that name, for the new store; none if there is none. Names may come from hostile
    /// bytes.
    [[nodiscard]] virtual std::optional<ExternRef> find_extern(Store& store,
                                                               std::span<const uint8_t> name) noexcept {
        (void)store, (void)name;
        return std::nullopt;
    }
    /// The function with that name, of the type that it had; none if there is none.
    [[nodiscard]] virtual std::optional<Func> find_func(Store& store,
                                                        std::span<const uint8_t> name) noexcept {
        (void)store, (void)name;
        return std::nullopt;
    }
    /// When a store is forked: the reference for the new store. By default ExternRef::host gives the same
    /// number again, and C++ objects can't be copied.
    [[nodiscard]] virtual std::optional<ExternRef> clone_extern(Store& to, const Store& from,
                                                                ExternRef reference) noexcept {
        (void)to, (void)from;
        return reference.is_host() ? std::optional{reference} : std::nullopt;
    }

protected:
    ~SnapshotHost() = default;
};

/// What a snapshot or fork is made of. All that these refer to, directly or indirectly, is part of it; other
/// contents of the store are not.
struct SnapshotContents {
    std::span<const Instance> instances = {}; ///< of one store, like everything here
    /// Those that have not ended, and do not run; each only once. Of those that share a guest's stack in
    /// memory, the ones above an execution belong to the snapshot with it.
    std::span<const Execution* const> executions = {};
    /// Values that the host holds.
    std::span<const Value> values = {};
};

class SnapshotSeries;

/// How a snapshot is made.
struct SnapshotOptions {
    SnapshotHost* host = nullptr; ///< null: nothing has a name
    /// Whether the modules are in it. If not, they are given when it is restored.
    bool carry_modules = false;
    /// For a snapshot that contains only what changed since the one before of this series.
    SnapshotSeries* series = nullptr;
};

/// Writes a snapshot, and returns its digest. Equal states give equal bytes. It takes a constant amount of
/// memory, and some for each object, table element and frame; never for the bytes of memories.
///
/// Errors: `usage` if code is running in the store, an execution has ended, a memory is shared, something is
/// of another store or has no name, or the sink does not take the bytes; `out_of_memory`.
[[nodiscard]] WARPBEAM_API std::expected<Digest, Error> save(Store& store, const SnapshotContents& contents,
                                                             SnapshotSink& sink,
                                                             const SnapshotOptions& options = {}) noexcept;

/// How a snapshot is restored.
struct RestoreOptions {
    /// The modules; a snapshot refers to them by Module::digest. Those that it carries need not be here.
    std::span<const Module> modules = {};
    /// Has the host functions that the instances import, under the names of the imports.
    const Linker* linker = nullptr;
    SnapshotHost* host = nullptr; ///< null: no name is found
    StoreLimits limits = {};      ///< of the new store
    /// How many units of fuel an execution keeps at most, since the bytes say how many it has.
    uint64_t max_fuel = UINT64_MAX;
};

/// What was restored or forked. The order of each list is that of SnapshotContents.
struct Restored {
    /// Only a store.
    explicit Restored(Store made) noexcept : store{std::move(made)} {}
    Store store;               ///< with all of it; the others must not outlive it
    Vec<Instance> instances;   ///< as many as were given
    Vec<Execution> executions; ///< each in the state in which it was
    Vec<Root> values;          ///< kept alive as long as they are here
    Digest digest{};           ///< of the snapshot; zeros for a fork
};

/// Restores a snapshot in a new store: a single one, or those of a series, from a complete one to the one
/// that is wanted (SnapshotSeries). The bytes are not trusted: whatever they are, the result is a valid store
/// or an error with the position, after which nothing is left.
///
/// Errors: `malformed` if the bytes are no snapshot; `invalid` if they contradict the modules; `unsupported`
/// if the configuration lacks a feature that the snapshot needs; `unlinkable` if a module, an import or a
/// name is missing; `limit`; `out_of_memory`; `usage`.
[[nodiscard]] WARPBEAM_API std::expected<Restored, Error>
restore(const Engine& engine, std::span<SnapshotSource* const> sources,
        const RestoreOptions& options = {}) noexcept;

/// How a store is forked.
struct ForkOptions {
    SnapshotHost* host = nullptr; ///< null: there are no references to C++ objects
    StoreLimits limits = {};      ///< of the new store
};

/// Makes a copy in a new store of the same engine, which may be used on another thread. Memories are shared
/// until they are written (LinearMemory::fork), and host functions are shared: they must work for both
/// stores. It takes time for the pages written since the last fork, and for objects, tables and frames.
///
/// Errors: as for `save`, and `limit`.
[[nodiscard]] WARPBEAM_API std::expected<Restored, Error> fork(Store& store, const SnapshotContents& contents,
                                                               const ForkOptions& options = {}) noexcept;

/// The snapshots of one store that follow each other: the first is complete, and each later one has only the
/// pages of memories that changed since the one before (PageMark); everything else is complete in each. After
/// a `save` that failed, the next one is complete again. It must not outlive the store's engine.
class WARPBEAM_API SnapshotSeries {
public:
    /// With no snapshots yet.
    explicit SnapshotSeries(PageMark::Way way = PageMark::Way::best) noexcept;
    SnapshotSeries(SnapshotSeries&& other) noexcept;
    SnapshotSeries& operator=(SnapshotSeries&& other) noexcept;
    ~SnapshotSeries();

    /// Whether the last snapshot is complete, so that those before it are no longer needed. False if there is
    /// none.
    [[nodiscard]] bool is_complete() const noexcept;

private:
    friend struct vm::Internal;
    vm::SeriesState* state_ = nullptr;
    PageMark::Way way_;
};

} // namespace warpbeam
