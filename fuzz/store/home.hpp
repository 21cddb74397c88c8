#pragma once

#include "input.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/guest_stacks.hpp>
#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace warpbeam::fuzz {

/// Handles, and other small values.
template <class T>
class Pool {
public:
    void add(T value) {
        if (values_.size() < 16)
            values_.push_back(std::move(value));
    }
    /// One of them; an empty one if there is none, and now and then.
    T pick(Input& input) const {
        const uint8_t choice = input.byte();
        return values_.empty() || choice == 255 ? T{} : values_[choice % values_.size()];
    }
    [[nodiscard]] const std::vector<T>& all() const { return values_; }
    void clear() { values_.clear(); }

private:
    std::vector<T> values_;
};

/// Objects with an address, in which a caller may be.
template <class T>
class Objects {
public:
    T* add(std::unique_ptr<T> object) {
        if (objects_.size() == 16)
            return nullptr;
        objects_.push_back(std::move(object));
        return objects_.back().get();
    }
    /// One of them; null if there is none.
    T* pick(Input& input) const {
        const uint8_t choice = input.byte();
        return objects_.empty() ? nullptr : objects_[choice % objects_.size()].get();
    }
    /// Takes one away.
    std::unique_ptr<T> take(size_t index) {
        std::unique_ptr<T> taken = std::exchange(objects_[index], std::move(objects_.back()));
        if (index + 1 == objects_.size())
            objects_.back() = nullptr;
        objects_.pop_back();
        return taken;
    }
    void remove(Input& input) {
        if (const uint8_t choice = input.byte(); !objects_.empty())
            take(choice % objects_.size());
    }
    [[nodiscard]] size_t size() const { return objects_.size(); }
    T& operator[](size_t index) const { return *objects_[index]; }
    void clear() {
        while (!objects_.empty())
            take(objects_.size() - 1);
    }

private:
    std::vector<std::unique_ptr<T>> objects_;
};

/// Counts copies, to see that all are destroyed.
class Counted {
public:
    explicit Counted(int& count) : count_{&count} { ++count; }
    Counted(const Counted& other) : Counted{*other.count_} {}
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*count_; }

private:
    int* count_;
};

/// An object of the host, which may own what it refers to.
struct Thing {
    Counted counted;
    uint32_t number = 0;
    Root root;
    std::optional<Exception> exception;
};

/// A reference that the host holds, and what it was when the host got it.
struct Kept {
    Value value;
    uint64_t stamp = 0;
};
struct KeptRoot {
    Root root;
    uint64_t stamp = 0;
};
struct Scope {
    Scope(Store& store, size_t before, int where) : scope{store}, kept{before}, depth{where} {}
    RootScope scope;
    size_t kept; ///< how many there were
    int depth;   ///< of host functions
};

/// A store with its handles, which end with it.
struct Home {
    explicit Home(std::unique_ptr<Store> made) : store{std::move(made)} { store->set_data(this); }
    std::unique_ptr<Store> store;
    int running = 0; ///< host functions
    Pool<Instance> instances;
    Pool<Func> funcs;
    Pool<Table> tables;
    Pool<Memory> memories;
    Pool<Global> globals;
    Pool<Tag> tags;
    std::vector<Kept> kept; ///< by the store's list
    std::vector<KeptRoot> roots;
    std::vector<std::unique_ptr<Scope>> scopes;
    Objects<GuestStacks> stacks;
    SnapshotSeries series;
    std::vector<std::vector<uint8_t>> parts; ///< of the series
};

/// An execution, which may outlive its store.
struct Run {
    Execution execution;
    Home* home = nullptr;  ///< null after the end of its store
    bool on_stack = false; ///< one of GuestStacks, which must outlive it
    uint64_t used = 0;     ///< fuel, so far
    uint64_t given = 0;    ///< less what was taken back
};

/// What a token's call tells.
struct Note {
    int dropped = 0;
    int answered = 0;
};
inline void tell_dropped(void* note) noexcept { ++static_cast<Note*>(note)->dropped; }
inline void tell_answered(void* note) noexcept { ++static_cast<Note*>(note)->answered; }
struct Ticket {
    AnswerToken token;
    Note* note = nullptr;
};

/// An exception, which may outlive its store.
struct Held {
    Exception exception;
    Home* home;
};
/// A trap; one that carries an exception is only for its store.
struct Caught {
    Trap trap;
    Home* home;
};

} // namespace warpbeam::fuzz
