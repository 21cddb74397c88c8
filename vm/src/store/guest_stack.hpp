#pragma once

#include "handlers/instance_data.hpp"

namespace warpbeam::vm {

/// Blocks of linear memory for the C frames of executions.
class GuestStackPool {
public:
    /// Takes a block back, without running code.
    virtual void give_back(uint64_t block) noexcept = 0;
    virtual void retain() noexcept = 0;
    virtual void release() noexcept = 0;

protected:
    ~GuestStackPool() = default;
};

/// Watches over the C frames that an execution has in linear memory. Executions of one instance share that
/// stack: they lower its pointer (find_stack_pointer), and raise it again in the reverse order. One that goes
/// on while the pointer is not where it left it would overwrite the frames of another. An execution with a
/// block of its own has its own value of the pointer, which is there only while it runs.
class GuestStack {
public:
    /// From now on it has a block of its own with room for `size` bytes, and its pointer begins at `top`.
    void own(Ref<GuestStackPool> pool, uint64_t block, uint64_t size, GlobalInst& pointer, Slot top) noexcept;
    /// Whether it has a block that was restored, and has no owner.
    [[nodiscard]] bool is_lost(const GlobalInst& pointer, uint64_t size) const noexcept {
        return is_lost_ && pool_ && own_.global == &pointer && size_ == size;
    }
    /// Its lost block belongs to this pool.
    void find(Ref<GuestStackPool> pool) noexcept {
        pool_ = std::move(pool);
        is_lost_ = false;
    }
    /// The execution begins or ceases to run: its own pointer changes places with that of the others.
    void exchange() noexcept {
        if (pool_)
            std::swap(own_.global->value[0], own_.value);
    }
    /// It has ended: the block is free.
    void give_back() noexcept {
        if (pool_)
            std::exchange(pool_, nullptr)->give_back(block_);
    }
    /// The execution begins in an instance; null for a host function.
    void begin(const InstanceData* instance) noexcept;
    /// It stops, with code of this instance on top.
    void stop(const InstanceData& top) noexcept;
    /// Whether it may go on: the pointers are where it left them.
    [[nodiscard]] bool may_go_on() const noexcept;
    /// It was dropped while it stood still, and gives its frames back, unless another has put its own above
    /// them.
    void drop() noexcept;
    /// It was running, and has trapped: it gives its frames back.
    void trap() noexcept;
    /// Whether its frames are the last ones of a stack on which the other has some, too.
    [[nodiscard]] bool is_above(const GuestStack& other) const noexcept;
    /// It has returned, and raised the pointers itself.
    void finish() noexcept {
        began_ = {};
        stopped_[0] = stopped_[1] = {};
        give_back();
    }

    struct Pointer {
        GlobalInst* global = nullptr;
        Slot value = 0;
    };
    /// All of it, for snapshots: the own pointer, where it began, and the two where it stopped.
    struct Saved {
        bool has_block = false;
        uint64_t block = 0;
        uint64_t size = 0;
        Pointer pointers[4];
    };
    [[nodiscard]] Saved saved() const noexcept {
        return {static_cast<bool>(pool_), block_, size_, {own_, began_, stopped_[0], stopped_[1]}};
    }
    /// `pool` is null without a block.
    void restore(Ref<GuestStackPool> pool, const Saved& saved) noexcept;

private:
    /// The global that an instance's frames are below; null if it has none, or it is the execution's own.
    [[nodiscard]] GlobalInst* pointer_of(const InstanceData& instance) const noexcept;

    Ref<GuestStackPool> pool_; ///< null without a block of its own
    bool is_lost_ = false;     ///< whether that is a stand-in for the one of the saved store
    uint64_t block_ = 0;
    uint64_t size_ = 0;
    Pointer own_; ///< with the value that is not there
    Pointer began_;
    // Of the instance in which it began, and of the one in which it stopped. Those in between are not known,
    // since looking for them would take as long as the stack is deep.
    Pointer stopped_[2];
};

} // namespace warpbeam::vm
