// Calls functions of the C API in the order that the input says, with objects that earlier calls made, of
// several stores, also of ones that were deleted; callbacks do the same while code runs. Nothing may crash or
// leak, every finalizer is called once, and what a function promises of its result holds.

#include "bounded_allocator.hpp"
#include "capi_modules.hpp"
#include "input.hpp"

#include <iterator>
#include <utility>
#include <vector>
#include <warpbeam.h>

namespace {

using warpbeam::fuzz::Input;
using warpbeam::fuzz::require;

constexpr uint64_t fuel = 2'000;
constexpr size_t max_stores = 4;

/// Objects that the program owns.
template <class T, void (*destroy)(T*)>
class Pool {
public:
    Pool() = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() { clear(); }

    /// Takes ownership of what is not null.
    void add(T* object) {
        if (object != nullptr && objects_.size() < 24)
            objects_.push_back(object);
        else
            destroy(object);
    }
    /// One of them; null if there is none, and now and then.
    T* pick(Input& input) const {
        const uint8_t choice = input.byte();
        return objects_.empty() || choice == 255 ? nullptr : objects_[choice % objects_.size()];
    }
    void remove(Input& input) {
        if (objects_.empty())
            return;
        T*& object = objects_[input.byte() % objects_.size()];
        destroy(std::exchange(object, objects_.back()));
        objects_.pop_back();
    }
    void clear() {
        for (T* const object : std::exchange(objects_, {}))
            destroy(object);
    }

private:
    std::vector<T*> objects_;
};

/// A vector of the C API, which owns its elements.
struct Values : wasm_val_vec_t {
    Values() : wasm_val_vec_t{0, nullptr} {}
    explicit Values(size_t count) : wasm_val_vec_t{} { wasm_val_vec_new_uninitialized(this, count); }
    Values(const Values&) = delete;
    Values& operator=(const Values&) = delete;
    ~Values() { wasm_val_vec_delete(this); }
};
struct Bytes : wasm_byte_vec_t {
    Bytes() : wasm_byte_vec_t{0, nullptr} {}
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() { wasm_byte_vec_delete(this); }
};

constexpr wasm_valkind_t value_kinds[] = {
    WASM_I32,        WASM_I64,      WASM_F32,         WASM_F64, WASM_EXTERNREF, WASM_FUNCREF, WARPBEAM_ANYREF,
    WARPBEAM_EXNREF, WARPBEAM_V128, WARPBEAM_CONTREF, 17};
constexpr const char* names[] = {"f", "g", "memory", "table", "global", "tag", "", "malloc"};

class Machine;

/// What was handed over with a finalizer; each must be finalized once.
struct Handed {
    Machine* machine = nullptr;
    bool finalized = false;
    static void finalize(void* handed) {
        require(!std::exchange(static_cast<Handed*>(handed)->finalized, true));
    }
};

class Machine {
public:
    Machine(Input input, warpbeam::fuzz::BoundedAllocator& allocator) : input_{input} {
        allocator_ = warpbeam_allocator_new(&allocator, allocate, deallocate);
        warpbeam_options_t options;
        warpbeam_options_init(&options, sizeof options);
        const uint8_t choice = input_.byte();
        options.fuel = true;
        options.waiting = false;
        options.interruption = (choice & 1) != 0;
        options.eager = (choice & 2) != 0;
        options.deterministic = (choice & 4) != 0;
        options.host_call_depth = 5;
        options.stack_size = 64 * 1024;
        options.allocator = allocator_;
        warpbeam_limits_t limits;
        warpbeam_limits_init(&limits, sizeof limits);
        limits.memory_bytes = 1 << 20;
        limits.table_elements = 10'000;
        limits.heap_bytes = 1 << 18;
        limits.execution_bytes = 1 << 20;
        limits.executions = 8;
        wasm_config_t* const config = wasm_config_new();
        require(warpbeam_config_set_options(config, &options) == nullptr);
        require(warpbeam_config_set_limits(config, &limits) == nullptr);
        for (const char* const feature : {"stack-switching", "custom-page-sizes"})
            require(warpbeam_config_set_feature(config, feature, true) == nullptr);
        engine_ = wasm_engine_new_with_config(config);
        require(engine_ != nullptr);
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine() {
        if (input_.byte() % 2 == 0)
            delete_stores();
        delete_objects();
        delete_stores();
        wasm_engine_delete(engine_);
        warpbeam_allocator_delete(allocator_);
        for (const Handed* const each : handed_) {
            require(each->finalized);
            delete each;
        }
    }

    void run() {
        add_store(wasm_store_new(engine_));
        while (!input_.empty())
            step();
    }

private:
    static void* allocate(void* env, size_t size, size_t alignment) {
        return static_cast<warpbeam::fuzz::BoundedAllocator*>(env)->allocate(size, alignment);
    }
    static void deallocate(void* env, void* block, size_t size, size_t alignment) {
        static_cast<warpbeam::fuzz::BoundedAllocator*>(env)->deallocate(block, size, alignment);
    }

    void delete_objects() {
        funcs_.clear();
        globals_.clear();
        tables_.clear();
        memories_.clear();
        externs_.clear();
        instances_.clear();
        modules_.clear();
        shared_.clear();
        foreigns_.clear();
        traps_.clear();
        frames_.clear();
        refs_.clear();
        executions_.clear();
        restored_.clear();
        linkers_.clear();
        types_.clear();
        interrupts_.clear();
    }
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
    const char* name() { return names[input_.byte() % std::size(names)]; }
    wasm_valkind_t value_kind() { return value_kinds[input_.byte() % std::size(value_kinds)]; }

    /// A reference of any kind, which belongs to a pool.
    wasm_ref_t* ref() {
        switch (input_.byte() % 8) {
        case 0:
            return wasm_func_as_ref(funcs_.pick(input_));
        case 1:
            return wasm_foreign_as_ref(foreigns_.pick(input_));
        case 2:
            return wasm_extern_as_ref(externs_.pick(input_));
        case 3:
            return wasm_instance_as_ref(instances_.pick(input_));
        case 4:
            return wasm_module_as_ref(modules_.pick(input_));
        case 5:
            return wasm_trap_as_ref(traps_.pick(input_));
        default:
            return refs_.pick(input_);
        }
    }
    /// A value of this kind, which owns its reference.
    wasm_val_t value(wasm_valkind_t kind) {
        wasm_val_t made;
        made.kind = kind;
        made.of.i64 = 0;
        if (wasm_valkind_is_ref(kind))
            made.of.ref = wasm_ref_copy(ref());
        else
            made.of.i64 = static_cast<int64_t>(input_.size());
        return made;
    }
    /// Values for types, as a rule; now and then too few, or one of another kind.
    void fill(Values& values, const wasm_valtype_vec_t& types) {
        const uint8_t choice = input_.byte();
        const size_t count = choice == 255 && types.size > 0 ? types.size - 1 : types.size;
        wasm_val_vec_new_uninitialized(&values, count);
        for (size_t i = 0; i < count; ++i)
            values.data[i] = value(choice == 254 ? value_kind() : wasm_valtype_kind(types.data[i]));
    }
    wasm_functype_t* func_type() {
        wasm_valtype_vec_t types[2];
        for (wasm_valtype_vec_t& each : types) {
            wasm_valtype_vec_new_uninitialized(&each, input_.byte() % 4);
            for (size_t i = 0; i < each.size; ++i)
                each.data[i] = wasm_valtype_new(value_kind());
        }
        return wasm_functype_new(&types[0], &types[1]);
    }

    static wasm_trap_t* callback(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
        const Handed& handed = *static_cast<Handed*>(env);
        require(!handed.finalized);
        return handed.machine->called(*args, *results);
    }
    wasm_trap_t* called(const wasm_val_vec_t& args, wasm_val_vec_t& results) {
        ++depth_;
        for (size_t i = 0; i < args.size; ++i)
            if (wasm_valkind_is_ref(args.data[i].kind))
                refs_.add(wasm_ref_copy(args.data[i].of.ref));
        for (int steps = input_.byte() % 4; steps > 0 && depth_ < 4; --steps)
            step();
        --depth_;
        wasm_trap_t* trap = nullptr;
        switch (input_.byte() % 16) {
        case 0:
            trap = wasm_trap_copy(traps_.pick(input_));
            break;
        case 1:
            trap = warpbeam_trap_suspend_new(store());
            break;
        case 2:
            trap = warpbeam_trap_throw_new(refs_.pick(input_));
            break;
        default:
            break;
        }
        const bool other_kinds = input_.byte() == 254;
        for (size_t i = 0; i < results.size && trap == nullptr; ++i)
            results.data[i] = value(other_kinds ? value_kind() : results.data[i].kind);
        return trap;
    }

    /// Keeps what a function gave.
    void keep(const Values& values) {
        for (size_t i = 0; i < values.size; ++i)
            if (wasm_valkind_is_ref(values.data[i].kind))
                refs_.add(wasm_ref_copy(values.data[i].of.ref));
    }
    void keep(wasm_trap_t* trap) {
        if (trap == nullptr)
            return;
        Bytes message;
        wasm_trap_message(trap, &message);
        require(message.size > 0 && message.data[message.size - 1] == 0);
        require(static_cast<unsigned>(warpbeam_trap_code(trap)) <= WARPBEAM_TRAP_USAGE);
        Bytes text;
        warpbeam_trap_text(trap, &text);
        traps_.add(trap);
    }
    /// Whether there was no error; one is deleted.
    static bool done(warpbeam_error_t* error) {
        if (error == nullptr)
            return true;
        require(warpbeam_error_message(error)[0] != 0 && warpbeam_error_code(error) <= WARPBEAM_ERROR_USAGE);
        warpbeam_error_delete(error);
        return false;
    }

    void step() {
        switch (input_.byte() % 8) {
        case 0:
            make();
            break;
        case 1:
            make_type();
            break;
        case 2:
            call();
            break;
        case 3:
            use();
            break;
        case 4:
            use_reference();
            break;
        case 5:
            link();
            break;
        case 6:
            execute();
            break;
        default:
            depth_ == 0 ? remove() : use();
            break;
        }
    }

    void make() {
        wasm_store_t* const in = store();
        switch (input_.byte() % 8) {
        case 0: {
            wasm_functype_t* const type = func_type();
            wasm_func_t* const func =
                wasm_func_new_with_env(in, type, callback, hand_over(), Handed::finalize);
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
                const wasm_byte_vec_t& binary = warpbeam::fuzz::capi_module(input_.byte());
                wasm_module_t* module = nullptr;
                require(warpbeam_module_new(in, &binary, &module) == nullptr && module != nullptr);
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

    void instantiate(wasm_store_t* in) {
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
    /// An object of the kind that an import wants, as a rule.
    const wasm_extern_t* fitting(const wasm_externtype_t* type) {
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

    void make_type() {
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

    void call() {
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

    void use() {
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
                require(usage.memory_bytes <= 1 << 20 && usage.heap_bytes <= 1 << 18 &&
                        usage.executions <= 8);
            }
        }
    }

    void use_global(wasm_global_t* global) {
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

    void use_table(wasm_table_t* table) {
        if (table == nullptr)
            return;
        const uint32_t size = wasm_table_size(table), index = input_.byte();
        wasm_ref_t* const element = ref();
        if (wasm_table_set(table, index, element)) {
            require(index < size);
            wasm_ref_t* const found = wasm_table_get(table, index);
            require((found == nullptr) == (element == nullptr) && wasm_ref_same(found, element));
            refs_.add(found);
        }
        const auto delta = static_cast<uint32_t>(input_.size());
        const bool grew = wasm_table_grow(table, delta, ref());
        require(wasm_table_size(table) == (grew ? size + delta : size));
    }

    void use_memory(wasm_memory_t* memory) {
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

    void use_instance(wasm_instance_t* instance) {
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

    void use_module(wasm_module_t* module) {
        if (module == nullptr)
            return;
        Bytes bytes;
        wasm_module_serialize(module, &bytes);
        if (wasm_store_t* const in = store(); in != nullptr && bytes.data != nullptr) {
            wasm_module_t* const again = wasm_module_deserialize(in, &bytes);
            require(again != nullptr);
            modules_.add(again);
        }
        shared_.add(wasm_module_share(module));
        if (const wasm_shared_module_t* const shared = shared_.pick(input_))
            modules_.add(wasm_module_obtain(store(), shared));
        wasm_exporttype_vec_t exports;
        wasm_module_exports(module, &exports);
        wasm_exporttype_vec_delete(&exports);
    }

    void use_trap(wasm_trap_t* trap) {
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

    void use_object(wasm_ref_t* object) {
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

    void make_object() {
        wasm_store_t* const in = store();
        const wasm_module_t* const module = modules_.pick(input_);
        const uint32_t type =
            module != nullptr ? warpbeam_module_type(module, input_.byte() % 6) : input_.byte();
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

    void use_extern(wasm_extern_t* object) {
        if (object == nullptr)
            return;
        wasm_externtype_t* const type = wasm_extern_type(object);
        if (type != nullptr)
            require(wasm_externtype_kind(type) == wasm_extern_kind(object));
        if (wasm_extern_kind(object) == WARPBEAM_EXTERN_TAG && type != nullptr)
            require(warpbeam_externtype_as_tag_functype(type) != nullptr);
        wasm_externtype_delete(type);
    }

    /// The host info, copies and conversions of any reference.
    void use_reference() {
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

    void link() {
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
            wasm_functype_t* const type =
                wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
            (void)done(input_.byte() % 2 == 0
                           ? warpbeam_linker_define_host_call(linker, "env", "f", type)
                           : warpbeam_linker_define_func(linker, "env", "f", type, callback, hand_over(),
                                                         Handed::finalize));
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

    void execute() {
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

    void save() {
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

    void use_restored(warpbeam_restored_t* restored) {
        if (restored == nullptr)
            return;
        instances_.add(warpbeam_restored_instance_new(restored, input_.byte() % 3));
        executions_.add(warpbeam_restored_take_execution(restored, input_.byte() % 3));
        if (stores_.size() < max_stores)
            add_store(warpbeam_restored_take_store(restored));
    }

    void remove() {
        switch (input_.byte() % 20) {
        case 0:
            funcs_.remove(input_);
            break;
        case 1:
            globals_.remove(input_);
            break;
        case 2:
            tables_.remove(input_);
            break;
        case 3:
            memories_.remove(input_);
            break;
        case 4:
            externs_.remove(input_);
            break;
        case 5:
            instances_.remove(input_);
            break;
        case 6:
            modules_.remove(input_);
            break;
        case 7:
            shared_.remove(input_);
            break;
        case 8:
            foreigns_.remove(input_);
            break;
        case 9:
            traps_.remove(input_);
            break;
        case 10:
            frames_.remove(input_);
            break;
        case 11:
            refs_.remove(input_);
            break;
        case 12:
            executions_.remove(input_);
            break;
        case 13:
            restored_.remove(input_);
            break;
        case 14:
            linkers_.remove(input_);
            break;
        case 15:
            types_.remove(input_);
            break;
        case 16:
            interrupts_.remove(input_);
            break;
        case 17:
            delete_objects();
            break;
        default:
            if (!stores_.empty()) {
                wasm_store_t*& gone = stores_[input_.byte() % stores_.size()];
                wasm_store_delete(std::exchange(gone, stores_.back()));
                stores_.pop_back();
            }
            break;
        }
    }

    Input input_;
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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    warpbeam::fuzz::BoundedAllocator allocator{size_t{64} << 20};
    {
        Machine machine{Input{{data, size}}, allocator};
        machine.run();
    }
    require(allocator.live() == 0);
    return 0;
}
