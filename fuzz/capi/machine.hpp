#pragma once

#include "bounded_allocator.hpp"
#include "capi/objects.hpp"

namespace warpbeam::fuzz {

inline constexpr uint64_t fuel = 2'000;
inline constexpr size_t max_stores = 4;

class Machine;

/// What was handed over with a finalizer; each must be finalized once.
struct Handed {
    Machine* machine = nullptr;
    bool finalized = false;
    static void finalize(void* handed) {
        require(!std::exchange(static_cast<Handed*>(handed)->finalized, true));
    }
};

/// Calls functions of the C API as an input says.
class Machine {
public:
    Machine(Input input, BoundedAllocator& allocator);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine();

    void run() {
        add_store(wasm_store_new(engine_));
        while (!input_.empty())
            step();
    }

private:
    void delete_objects();
    void delete_stores() {
        for (wasm_store_t* const store : std::exchange(stores_, {}))
            wasm_store_delete(store);
    }
    void add_store(wasm_store_t* store) {
        if (store != nullptr && stores_.size() < max_stores)
            stores_.push_back(store);
        else
            wasm_store_delete(store);
    }
    wasm_store_t* store() {
        const uint8_t choice = input_.byte();
        return choice == 255 || stores_.empty() ? nullptr : stores_[choice % stores_.size()];
    }
    void* hand_over() {
        handed_.push_back(new Handed{.machine = this});
        return handed_.back();
    }
    const char* name();
    wasm_valkind_t value_kind();

    /// A reference of any kind, which belongs to a pool.
    wasm_ref_t* ref();
    /// A value of this kind, which owns its reference.
    wasm_val_t value(wasm_valkind_t kind);
    /// Values for types, as a rule; now and then too few, or one of another kind.
    void fill(Values& values, const wasm_valtype_vec_t& types);
    wasm_functype_t* func_type();

    static wasm_trap_t* callback(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
        const Handed& handed = *static_cast<Handed*>(env);
        require(!handed.finalized);
        return handed.machine->called(*args, *results);
    }
    wasm_trap_t* called(const wasm_val_vec_t& args, wasm_val_vec_t& results);

    /// Keeps what a function gave.
    void keep(const Values& values);
    void keep(wasm_trap_t* trap);
    /// Whether there was no error; one is deleted.
    static bool done(warpbeam_error_t* error);

    /// Whether memory has run out so far, so that anything may have failed.
    [[nodiscard]] bool was_scarce() const { return memory_.refused(); }

    /// Does one thing.
    void step();
    void remove();

    /// @{ What make.cpp has: new objects.
    void make();
    void make_type();
    void make_object();
    void instantiate(wasm_store_t* in);
    /// An object of the kind that an import wants, as a rule.
    const wasm_extern_t* fitting(const wasm_externtype_t* type);
    void link();
    /// @}

    /// @{ What use.cpp has: calls with objects that exist.
    void call();
    void execute();
    void save();
    void use();
    void use_global(wasm_global_t* global);
    void use_table(wasm_table_t* table);
    void use_memory(wasm_memory_t* memory);
    void use_instance(wasm_instance_t* instance);
    void use_module(wasm_module_t* module);
    void use_trap(wasm_trap_t* trap);
    void use_object(wasm_ref_t* object);
    void use_extern(wasm_extern_t* object);
    /// The host info, copies and conversions of any reference.
    void use_reference();
    void use_restored(warpbeam_restored_t* restored);
    /// @}

    Input input_;
    BoundedAllocator& memory_;
    warpbeam_allocator_t* allocator_ = nullptr;
    wasm_engine_t* engine_ = nullptr;
    int depth_ = 0; ///< of callbacks, which delete nothing that a caller may use
    std::vector<wasm_store_t*> stores_;
    std::vector<Handed*> handed_;
    Pool<wasm_func_t, wasm_func_delete> funcs_;
    Pool<wasm_global_t, wasm_global_delete> globals_;
    Pool<wasm_table_t, wasm_table_delete> tables_;
    Pool<wasm_memory_t, wasm_memory_delete> memories_;
    Pool<wasm_extern_t, wasm_extern_delete> externs_;
    Pool<wasm_instance_t, wasm_instance_delete> instances_;
    Pool<wasm_module_t, wasm_module_delete> modules_;
    Pool<wasm_shared_module_t, wasm_shared_module_delete> shared_;
    Pool<wasm_foreign_t, wasm_foreign_delete> foreigns_;
    Pool<wasm_trap_t, wasm_trap_delete> traps_;
    Pool<wasm_frame_t, wasm_frame_delete> frames_;
    Pool<wasm_ref_t, wasm_ref_delete> refs_;
    Pool<wasm_functype_t, wasm_functype_delete> types_;
    Pool<warpbeam_execution_t, warpbeam_execution_delete> executions_;
    Pool<warpbeam_restored_t, warpbeam_restored_delete> restored_;
    Pool<warpbeam_linker_t, warpbeam_linker_delete> linkers_;
    Pool<warpbeam_interrupt_t, warpbeam_interrupt_delete> interrupts_;
};

} // namespace warpbeam::fuzz
