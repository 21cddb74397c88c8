#include "capi/machine.hpp"

#include <iterator>

namespace warpbeam::fuzz {

void Machine::call() {
    const wasm_func_t* const func = funcs_.pick(input_);
    if (func == nullptr)
        return;
    wasm_functype_t* const type = wasm_func_type(func);
    Values args;
    if (type != nullptr) // null after the end of the store
        fill(args, *wasm_functype_params(type));
    Values results{type != nullptr ? wasm_functype_results(type)->size : 1};
    if (wasm_store_t* const in = store())
        warpbeam_store_set_fuel(in, fuel);
    if (wasm_trap_t* const trap = wasm_func_call(func, &args, &results)) {
        keep(trap);
    } else {
        require(type != nullptr);
        for (size_t i = 0; i < results.size; ++i)
            require(results.data[i].kind == wasm_valtype_kind(wasm_functype_results(type)->data[i]));
        keep(results);
    }
    wasm_functype_delete(type);
}

void Machine::use() {
    switch (input_.byte() % 12) {
    case 0:
        use_global(globals_.pick(input_));
        break;
    case 1:
        use_table(tables_.pick(input_));
        break;
    case 2:
        use_memory(memories_.pick(input_));
        break;
    case 3:
        use_instance(instances_.pick(input_));
        break;
    case 4:
        use_module(modules_.pick(input_));
        break;
    case 5:
        use_trap(traps_.pick(input_));
        break;
    case 6:
        use_object(refs_.pick(input_));
        break;
    case 7:
        make_object();
        break;
    case 8:
        use_extern(externs_.pick(input_));
        break;
    case 9:
        save();
        break;
    case 10:
        use_restored(restored_.pick(input_));
        break;
    default:
        if (wasm_store_t* const in = store()) {
            interrupts_.add(warpbeam_interrupt_new(in));
            warpbeam_store_collect(in);
            if (const warpbeam_interrupt_t* const interrupt = interrupts_.pick(input_))
                warpbeam_interrupt_request(interrupt);
            if (input_.byte() % 2 == 0)
                warpbeam_store_clear_interrupt(in);
            warpbeam_limits_t usage;
            warpbeam_store_usage(in, &usage, sizeof usage);
            require(usage.memory_bytes <= 1 << 20 && usage.heap_bytes <= 1 << 18 && usage.executions <= 8);
        }
    }
}

void Machine::use_global(wasm_global_t* global) {
    if (global == nullptr)
        return;
    wasm_globaltype_t* const type = wasm_global_type(global);
    wasm_val_t before = WASM_INIT_VAL, after = WASM_INIT_VAL;
    wasm_global_get(global, &before);
    wasm_val_t set = value(input_.byte() == 255 ? value_kind() : before.kind);
    wasm_global_set(global, &set);
    wasm_global_get(global, &after);
    if (type != nullptr) {
        const bool is_var = wasm_globaltype_mutability(type) == WASM_VAR;
        require(after.kind == before.kind);
        if (after.kind == WASM_I32)
            require(after.of.i32 == (is_var && set.kind == WASM_I32 ? set : before).of.i32);
    }
    for (wasm_val_t* const each : {&before, &set, &after})
        wasm_val_delete(each);
    wasm_globaltype_delete(type);
}

void Machine::use_table(wasm_table_t* table) {
    if (table == nullptr)
        return;
    const uint32_t size = wasm_table_size(table), index = input_.byte();
    wasm_ref_t* const element = ref();
    if (wasm_table_set(table, index, element)) {
        require(index < size);
        wasm_ref_t* const found = wasm_table_get(table, index);
        require(wasm_ref_same(found, element) || was_scarce());
        refs_.add(found);
    }
    const auto delta = static_cast<uint32_t>(input_.size());
    const bool grew = wasm_table_grow(table, delta, ref());
    require(wasm_table_size(table) == (grew ? size + delta : size));
}

void Machine::use_memory(wasm_memory_t* memory) {
    if (memory == nullptr)
        return;
    const uint32_t pages = wasm_memory_size(memory);
    const auto delta = static_cast<uint32_t>(input_.size());
    const bool grew = wasm_memory_grow(memory, delta);
    require(wasm_memory_size(memory) == (grew ? pages + delta : pages));
    const size_t size = wasm_memory_data_size(memory);
    const uint64_t address = input_.byte() % 2 == 0 ? input_.size() : size - input_.byte();
    const uint8_t wrote[3] = {1, 2, input_.byte()};
    uint8_t read[3];
    const bool inside = size >= 3 && address <= size - 3;
    require(warpbeam_memory_write(memory, address, wrote, 3) == inside);
    require(warpbeam_memory_read(memory, address, read, 3) == inside);
    if (inside)
        require(read[2] == wrote[2] && wasm_memory_data(memory)[address] == 1);
}

void Machine::use_instance(wasm_instance_t* instance) {
    if (instance == nullptr)
        return;
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    for (size_t i = 0; i < exports.size; ++i) {
        wasm_extern_t*& each = exports.data[i];
        if (wasm_func_t* const func = wasm_extern_as_func(each))
            funcs_.add(wasm_func_copy(func));
        else if (wasm_global_t* const global = wasm_extern_as_global(each))
            globals_.add(wasm_global_copy(global));
        else if (wasm_table_t* const table = wasm_extern_as_table(each))
            tables_.add(wasm_table_copy(table));
        else if (wasm_memory_t* const memory = wasm_extern_as_memory(each))
            memories_.add(wasm_memory_copy(memory));
        else
            externs_.add(std::exchange(each, nullptr));
    }
    wasm_extern_vec_delete(&exports);
    externs_.add(warpbeam_instance_export_new(instance, name()));
    uint64_t address = 0;
    keep(warpbeam_guest_allocate(instance, input_.size(), uint64_t{1} << input_.byte() % 16, &address));
    if (address != 0 || input_.byte() == 255)
        keep(warpbeam_guest_free(instance, address));
}

void Machine::use_module(wasm_module_t* module) {
    if (module == nullptr)
        return;
    Bytes bytes;
    wasm_module_serialize(module, &bytes);
    if (wasm_store_t* const in = store(); in != nullptr && bytes.data != nullptr) {
        wasm_module_t* const again = wasm_module_deserialize(in, &bytes);
        require(again != nullptr || was_scarce());
        modules_.add(again);
    }
    shared_.add(wasm_module_share(module));
    if (const wasm_shared_module_t* const shared = shared_.pick(input_))
        modules_.add(wasm_module_obtain(store(), shared));
    wasm_exporttype_vec_t exports;
    wasm_module_exports(module, &exports);
    wasm_exporttype_vec_delete(&exports);
}

void Machine::use_trap(wasm_trap_t* trap) {
    if (trap == nullptr)
        return;
    wasm_frame_vec_t trace;
    wasm_trap_trace(trap, &trace);
    require(trace.size <= 64);
    wasm_frame_t* const origin = wasm_trap_origin(trap);
    require((origin == nullptr) == (trace.size == 0));
    if (origin != nullptr)
        require(wasm_frame_func_index(origin) == wasm_frame_func_index(trace.data[0]) &&
                wasm_frame_module_offset(origin) == wasm_frame_module_offset(trace.data[0]));
    frames_.add(origin);
    wasm_frame_vec_delete(&trace);
    if (const wasm_frame_t* const frame = frames_.pick(input_)) {
        Bytes func, module;
        warpbeam_frame_func_name(frame, &func);
        warpbeam_frame_module_name(frame, &module);
        instances_.add(wasm_instance_copy(wasm_frame_instance(frame)));
    }
    refs_.add(warpbeam_trap_exception_new(trap));
    (void)warpbeam_trap_exit_status(trap);
}

void Machine::use_object(wasm_ref_t* object) {
    if (object == nullptr)
        return;
    const uint32_t size = warpbeam_object_size(object), index = input_.byte();
    wasm_val_t element = WASM_INIT_VAL;
    if (done(warpbeam_object_get(object, index, &element)))
        require(index < size);
    wasm_val_t set = value(input_.byte() == 255 ? value_kind() : element.kind);
    if (done(warpbeam_object_set(object, index, &set)))
        require(index < size);
    wasm_val_delete(&set);
    wasm_val_delete(&element);
    uint32_t number;
    (void)warpbeam_i31_get(object, &number);
    Values carried;
    warpbeam_exception_values(object, &carried);
    keep(carried);
    externs_.add(warpbeam_exception_tag_new(object));
}

void Machine::use_extern(wasm_extern_t* object) {
    if (object == nullptr)
        return;
    wasm_externtype_t* const type = wasm_extern_type(object);
    if (type != nullptr)
        require(wasm_externtype_kind(type) == wasm_extern_kind(object));
    if (wasm_extern_kind(object) == WARPBEAM_EXTERN_TAG && type != nullptr)
        require(warpbeam_externtype_as_tag_functype(type) != nullptr);
    wasm_externtype_delete(type);
}

void Machine::use_reference() {
    wasm_ref_t* const object = ref();
    wasm_ref_t* const copy = wasm_ref_copy(object);
    if (object == nullptr)
        return;
    require(wasm_ref_same(object, object));
    wasm_ref_set_host_info_with_finalizer(object, hand_over(), Handed::finalize);
    if (wasm_ref_same(object, copy)) // also not after the end of the store
        require(wasm_ref_get_host_info(object) == wasm_ref_get_host_info(copy));
    if (const wasm_func_t* const func = wasm_ref_as_func(object)) {
        require(static_cast<const void*>(wasm_func_as_ref_const(func)) == object);
        funcs_.add(wasm_func_copy(func));
    }
    if (wasm_extern_t* const external = wasm_ref_as_extern(object))
        externs_.add(wasm_extern_copy(external));
    if (wasm_foreign_t* const foreign = wasm_ref_as_foreign(object))
        foreigns_.add(wasm_foreign_copy(foreign));
    if (input_.byte() % 2 == 0)
        refs_.add(copy);
    else
        wasm_ref_delete(copy);
}

void Machine::execute() {
    warpbeam_execution_t* execution = executions_.pick(input_);
    if (execution == nullptr || input_.byte() % 8 == 0) {
        const wasm_func_t* const func = funcs_.pick(input_);
        wasm_functype_t* const type = func != nullptr ? wasm_func_type(func) : nullptr;
        Values args;
        if (type != nullptr)
            fill(args, *wasm_functype_params(type));
        if (done(warpbeam_execution_new(func, &args, &execution)))
            executions_.add(execution);
        wasm_functype_delete(type);
        return;
    }
    Values values;
    Bytes module, field;
    switch (input_.byte() % 6) {
    case 0: {
        wasm_valtype_t* kind = wasm_valtype_new_i32();
        const wasm_valtype_vec_t kinds{1, &kind};
        fill(values, kinds);
        (void)done(warpbeam_execution_answer(execution, &values));
        wasm_valtype_delete(kind);
        break;
    }
    case 1:
        (void)done(warpbeam_execution_refuse(execution, traps_.pick(input_)));
        break;
    case 2:
        if (done(warpbeam_execution_results(execution, &values))) {
            require(warpbeam_execution_state(execution) == WARPBEAM_STATE_DONE);
            keep(values);
        }
        keep(warpbeam_execution_trap_new(execution));
        break;
    case 3:
        warpbeam_execution_call_name(execution, &module, &field);
        if (done(warpbeam_execution_call_args(execution, &values)))
            require(warpbeam_execution_state(execution) == WARPBEAM_STATE_HOST_CALL);
        break;
    default:
        if (done(warpbeam_execution_resume(execution, input_.size() % fuel)))
            require(warpbeam_execution_state(execution) != WARPBEAM_STATE_READY);
        break;
    }
}

void Machine::save() {
    wasm_store_t* const in = store();
    const wasm_instance_t* instances[2] = {instances_.pick(input_), instances_.pick(input_)};
    const warpbeam_execution_t* executions[2] = {executions_.pick(input_), executions_.pick(input_)};
    warpbeam_contents_t contents;
    warpbeam_contents_init(&contents, sizeof contents);
    contents.instances = instances;
    contents.instance_count = input_.byte() % 3;
    contents.executions = executions;
    contents.execution_count = input_.byte() % 3;
    warpbeam_restored_t* restored = nullptr;
    if (input_.byte() % 2 == 0) {
        if (done(warpbeam_store_fork(in, &contents, &restored)))
            require(restored != nullptr);
        return restored_.add(restored);
    }
    Bytes snapshot;
    if (!done(warpbeam_snapshot_save(in, &contents, &snapshot)))
        return;
    const wasm_module_t* modules[3];
    for (const wasm_module_t*& each : modules)
        if ((each = modules_.pick(input_)) == nullptr)
            return;
    if (input_.byte() == 255)
        snapshot.data[input_.size() % snapshot.size] ^= static_cast<char>(input_.byte());
    (void)done(warpbeam_snapshot_restore(engine_, &snapshot, modules, std::size(modules),
                                         linkers_.pick(input_), &restored));
    restored_.add(restored);
}

void Machine::use_restored(warpbeam_restored_t* restored) {
    if (restored == nullptr)
        return;
    instances_.add(warpbeam_restored_instance_new(restored, input_.byte() % 3));
    executions_.add(warpbeam_restored_take_execution(restored, input_.byte() % 3));
    if (stores_.size() < max_stores)
        add_store(warpbeam_restored_take_store(restored));
}

} // namespace warpbeam::fuzz
