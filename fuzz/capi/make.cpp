#include "capi/machine.hpp"
#include "capi/modules.hpp"

namespace warpbeam::fuzz {

void Machine::make() {
    wasm_store_t* const in = store();
    switch (input_.byte() % 8) {
    case 0: {
        wasm_functype_t* const type = func_type();
        wasm_func_t* const func = wasm_func_new_with_env(in, type, callback, hand_over(), Handed::finalize);
        if (func != nullptr)
            require(wasm_func_param_arity(func) == wasm_functype_params(type)->size &&
                    wasm_func_result_arity(func) == wasm_functype_results(type)->size);
        wasm_functype_delete(type);
        funcs_.add(func);
        break;
    }
    case 1: {
        const wasm_valkind_t kind = value_kind();
        wasm_globaltype_t* const type = wasm_globaltype_new(wasm_valtype_new(kind), input_.byte() % 2);
        wasm_val_t init = value(kind);
        globals_.add(wasm_global_new(in, type, &init));
        wasm_val_delete(&init);
        wasm_globaltype_delete(type);
        break;
    }
    case 2: {
        const wasm_limits_t limits{input_.byte(), static_cast<uint32_t>(input_.size())};
        wasm_tabletype_t* const type = wasm_tabletype_new(wasm_valtype_new(value_kind()), &limits);
        tables_.add(wasm_table_new(in, type, ref()));
        wasm_tabletype_delete(type);
        break;
    }
    case 3: {
        const wasm_limits_t limits{input_.byte() % 4u, static_cast<uint32_t>(input_.size())};
        wasm_memorytype_t* const type = wasm_memorytype_new(&limits);
        memories_.add(wasm_memory_new(in, type));
        wasm_memorytype_delete(type);
        break;
    }
    case 4:
        if (in != nullptr) {
            const wasm_byte_vec_t& binary = capi_module(input_.byte());
            wasm_module_t* module = nullptr;
            require((done(warpbeam_module_new(in, &binary, &module)) && module != nullptr) || was_scarce());
            modules_.add(module);
        }
        break;
    case 5:
        foreigns_.add(wasm_foreign_new(in));
        break;
    case 6: {
        wasm_message_t text;
        wasm_name_new_from_string_nt(&text, name());
        keep(in != nullptr ? wasm_trap_new(in, &text) : nullptr);
        wasm_byte_vec_delete(&text);
        break;
    }
    default:
        if (input_.byte() % 4 == 0)
            add_store(wasm_store_new(engine_));
        else
            instantiate(in);
        break;
    }
}

void Machine::instantiate(wasm_store_t* in) {
    const wasm_module_t* const module = modules_.pick(input_);
    if (module == nullptr)
        return;
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    wasm_extern_vec_t given;
    wasm_extern_vec_new_uninitialized(&given, imports.size);
    for (size_t i = 0; i < given.size; ++i)
        given.data[i] = wasm_extern_copy(fitting(wasm_importtype_type(imports.data[i])));
    wasm_trap_t* trap = nullptr;
    if (in != nullptr)
        warpbeam_store_set_fuel(in, fuel);
    wasm_instance_t* const instance = wasm_instance_new(in, module, &given, &trap);
    require(in == nullptr || (instance == nullptr) == (trap != nullptr));
    keep(trap);
    instances_.add(instance);
    wasm_extern_vec_delete(&given);
    wasm_importtype_vec_delete(&imports);
}

const wasm_extern_t* Machine::fitting(const wasm_externtype_t* type) {
    if (input_.byte() == 255)
        return externs_.pick(input_);
    switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC:
        return wasm_func_as_extern(funcs_.pick(input_));
    case WASM_EXTERN_GLOBAL:
        return wasm_global_as_extern(globals_.pick(input_));
    case WASM_EXTERN_TABLE:
        return wasm_table_as_extern(tables_.pick(input_));
    case WASM_EXTERN_MEMORY:
        return wasm_memory_as_extern(memories_.pick(input_));
    default:
        return externs_.pick(input_);
    }
}

void Machine::make_type() {
    wasm_functype_t* const func = func_type();
    wasm_externtype_t* const type = wasm_externtype_copy(wasm_functype_as_externtype(func));
    require((func == nullptr) == (type == nullptr));
    if (type != nullptr)
        require(wasm_functype_params(wasm_externtype_as_functype(type))->size ==
                    wasm_functype_params(func)->size &&
                wasm_externtype_as_memorytype(type) == nullptr);
    wasm_name_t module, field;
    wasm_name_new_from_string(&module, name());
    wasm_name_new_from_string(&field, name());
    const size_t size = field.size;
    wasm_importtype_t* const import = wasm_importtype_new(&module, &field, type);
    require(module.data == nullptr && field.data == nullptr);
    if (import != nullptr)
        require(wasm_importtype_name(import)->size == size);
    wasm_importtype_vec_t imports, copies;
    wasm_importtype_vec_new(&imports, 1, &import);
    wasm_importtype_vec_copy(&copies, &imports);
    wasm_importtype_vec_delete(&imports);
    wasm_importtype_vec_delete(&copies);
    types_.add(func);
}

void Machine::make_object() {
    wasm_store_t* const in = store();
    const wasm_module_t* const module = modules_.pick(input_);
    const uint32_t type = module != nullptr ? warpbeam_module_type(module, input_.byte() % 6) : input_.byte();
    Values values;
    wasm_ref_t* made = nullptr;
    wasm_val_vec_new_uninitialized(&values, input_.byte() % 4);
    for (size_t i = 0; i < values.size; ++i)
        values.data[i] = value(value_kind());
    switch (input_.byte() % 5) {
    case 0:
        if (done(warpbeam_struct_new(in, type, &values, &made)))
            require(made != nullptr && warpbeam_object_size(made) == values.size);
        break;
    case 1:
        if (values.size > 0) {
            const auto length = static_cast<uint32_t>(input_.size());
            if (done(warpbeam_array_new(in, type, length, &values.data[0], &made)))
                require(made != nullptr && warpbeam_object_size(made) == length);
        }
        break;
    case 2: {
        const uint32_t number = input_.byte();
        made = warpbeam_i31_new(in, number);
        uint32_t found = 0;
        if (made != nullptr)
            require(warpbeam_i31_get(made, &found) && found == number);
        break;
    }
    case 3: {
        wasm_functype_t* const tag_type = func_type();
        if (tag_type != nullptr)
            externs_.add(warpbeam_tag_new(in, tag_type));
        wasm_functype_delete(tag_type);
        break;
    }
    default:
        (void)done(warpbeam_exception_new(externs_.pick(input_), &values, &made));
        break;
    }
    refs_.add(made);
}

void Machine::link() {
    warpbeam_linker_t* const linker = linkers_.pick(input_);
    if (linker == nullptr)
        return linkers_.add(warpbeam_linker_new(engine_));
    switch (input_.byte() % 8) {
    case 0:
        (void)done(warpbeam_linker_define(linker, "env", name(), externs_.pick(input_)));
        break;
    case 1:
        (void)done(warpbeam_linker_define_instance(linker, "env", instances_.pick(input_)));
        break;
    case 2:
    case 3: {
        wasm_functype_t* const type = func_type();
        const bool waits = input_.byte() % 2 == 0;
        if (type != nullptr && waits)
            (void)done(warpbeam_linker_define_host_call(linker, "env", name(), type));
        else if (type != nullptr)
            (void)done(warpbeam_linker_define_func(linker, "env", name(), type, callback, hand_over(),
                                                   Handed::finalize));
        wasm_functype_delete(type);
        break;
    }
    case 4:
        warpbeam_linker_allow_shadowing(linker, input_.byte() % 2 == 0);
        break;
    case 5: {
        // What most modules import.
        wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
        (void)done(input_.byte() % 2 == 0 ? warpbeam_linker_define_host_call(linker, "env", "f", type)
                                          : warpbeam_linker_define_func(linker, "env", "f", type, callback,
                                                                        hand_over(), Handed::finalize));
        wasm_functype_delete(type);
        break;
    }
    default: {
        wasm_store_t* const in = store();
        const wasm_module_t* const module = modules_.pick(input_);
        if (in == nullptr || module == nullptr)
            break;
        warpbeam_store_set_fuel(in, fuel);
        wasm_trap_t* trap = nullptr;
        instances_.add(warpbeam_linker_instance_new(linker, in, module, &trap));
        keep(trap);
        break;
    }
    }
}

} // namespace warpbeam::fuzz
