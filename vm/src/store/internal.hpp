#pragma once

#include "handlers/instance_data.hpp"
#include "trap/exception_root.hpp"

#include <warpbeam/memory/shared_bytes.hpp>
#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/host_func.hpp>
#include <warpbeam/vm/observer.hpp>

namespace warpbeam::vm {

class Layouts;
class StopPoints;

/// The library's access to private members of the public classes: their only friend.
struct Internal {
    template <typename Handle>
    [[nodiscard]] static auto* inst(const Handle& handle) noexcept {
        return handle.inst_;
    }
    /// The number of the store that a handle belongs to; 0 for an empty handle.
    template <typename Handle>
    [[nodiscard]] static uint64_t store_number(const Handle& handle) noexcept {
        return handle.store_;
    }
    template <typename Handle, typename Inst>
    [[nodiscard]] static Handle handle(Inst* inst, uint64_t store_number) noexcept {
        Handle handle;
        handle.inst_ = inst;
        handle.store_ = store_number;
        return handle;
    }

    /// A function reference.
    [[nodiscard]] static Value func_value(ValType type, Slot func, uint64_t store_number) noexcept {
        Value value;
        value.type_ = type;
        value.slots_[0] = func;
        value.slots_[1] = store_number;
        return value;
    }

    /// Null if memory ran out.
    [[nodiscard]] static StoreImpl* impl(const Store& store) noexcept { return store.impl_; }
    /// The store of a reference to an object.
    template <typename Reference>
        requires requires(const Reference& reference) { reference.is_null(); }
    [[nodiscard]] static StoreImpl* impl(const Reference& reference) noexcept {
        return reference.impl_;
    }
    /// Null if memory ran out.
    [[nodiscard]] static Layouts* layouts(const Engine& engine) noexcept;
    [[nodiscard]] static MemorySlots* slots(const Engine& engine) noexcept;
    /// Null if code checks for interrupts itself, or can't be stopped.
    [[nodiscard]] static StopPoints* stop_points(const Engine& engine) noexcept;

    /// Null for an empty execution. `T` is Execution, whose header few need.
    template <typename T>
    [[nodiscard]] static auto* object(const T& execution) noexcept {
        return execution.object_.get();
    }
    template <typename T>
    [[nodiscard]] static auto& state(T& series) noexcept {
        return series.state_;
    }
    template <typename T>
    [[nodiscard]] static auto way(const T& series) noexcept {
        return series.way_;
    }
    template <typename T, typename Object>
    [[nodiscard]] static T execution(Ref<Object> object, uint64_t store) noexcept {
        return T{std::move(object), store};
    }
    [[nodiscard]] static Observation observation(const Execution& execution, Observed event,
                                                 const Slot* operands) noexcept {
        return {execution, event, operands};
    }
    [[nodiscard]] static bool has_token(const Caller& caller) noexcept { return caller.has_token_; }
    [[nodiscard]] static Caller caller(Store& store, InstanceData* instance, const FuncType& type) noexcept {
        return {store, instance, type};
    }
    [[nodiscard]] static Exception exception(Ref<ExceptionRoot> root) noexcept {
        return Exception{std::move(root)};
    }
    [[nodiscard]] static const Ref<ExceptionRoot>& root(const Exception& exception) noexcept {
        return exception.root_;
    }
    [[nodiscard]] static SharedMemory shared_memory(Ref<SharedBytes> bytes, const MemoryType& type) noexcept {
        return {std::move(bytes), type};
    }
    [[nodiscard]] static const Ref<SharedBytes>& bytes(const SharedMemory& memory) noexcept {
        return memory.bytes_;
    }
};

} // namespace warpbeam::vm
