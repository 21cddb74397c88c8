#include "capi/machine.hpp"

#include <iterator>

namespace warpbeam::fuzz {

namespace {
constexpr wasm_valkind_t value_kinds[] = {
    WASM_I32,        WASM_I64,      WASM_F32,         WASM_F64, WASM_EXTERNREF, WASM_FUNCREF, WARPBEAM_ANYREF,
    WARPBEAM_EXNREF, WARPBEAM_V128, WARPBEAM_CONTREF, 17};
constexpr const char* names[] = {"f", "g", "memory", "table", "global", "tag", "", "malloc"};

void* allocate(void* env, size_t size, size_t alignment) {
    return static_cast<BoundedAllocator*>(env)->allocate(size, alignment);
}
void deallocate(void* env, void* block, size_t size, size_t alignment) {
    static_cast<BoundedAllocator*>(env)->deallocate(block, size, alignment);
}
} // namespace

const char* Machine::name() { return names[input_.byte() % std::size(names)]; }
wasm_valkind_t Machine::value_kind() { return value_kinds[input_.byte() % std::size(value_kinds)]; }

Machine::Machine(Input input, BoundedAllocator& allocator) : input_{input}, memory_{allocator} {
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

Machine::~Machine() {
    memory_.fail_at(0);
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

void Machine::delete_objects() {
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

wasm_ref_t* Machine::ref() {
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

wasm_val_t Machine::value(wasm_valkind_t kind) {
    wasm_val_t made;
    made.kind = kind;
    made.of.i64 = 0;
    if (wasm_valkind_is_ref(kind))
        made.of.ref = wasm_ref_copy(ref());
    else
        made.of.i64 = static_cast<int64_t>(input_.size());
    return made;
}

void Machine::fill(Values& values, const wasm_valtype_vec_t& types) {
    const uint8_t choice = input_.byte();
    const size_t count = choice == 255 && types.size > 0 ? types.size - 1 : types.size;
    wasm_val_vec_new_uninitialized(&values, count);
    for (size_t i = 0; i < count; ++i)
        values.data[i] = value(choice == 254 ? value_kind() : wasm_valtype_kind(types.data[i]));
}

wasm_functype_t* Machine::func_type() {
    wasm_valtype_vec_t types[2];
    for (wasm_valtype_vec_t& each : types) {
        wasm_valtype_vec_new_uninitialized(&each, input_.byte() % 4);
        for (size_t i = 0; i < each.size; ++i)
            each.data[i] = wasm_valtype_new(value_kind());
    }
    return wasm_functype_new(&types[0], &types[1]);
}

wasm_trap_t* Machine::called(const wasm_val_vec_t& args, wasm_val_vec_t& results) {
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

void Machine::keep(const Values& values) {
    for (size_t i = 0; i < values.size; ++i)
        if (wasm_valkind_is_ref(values.data[i].kind))
            refs_.add(wasm_ref_copy(values.data[i].of.ref));
}

void Machine::keep(wasm_trap_t* trap) {
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

bool Machine::done(warpbeam_error_t* error) {
    if (error == nullptr)
        return true;
    require(warpbeam_error_message(error)[0] != 0 && warpbeam_error_code(error) <= WARPBEAM_ERROR_USAGE);
    warpbeam_error_delete(error);
    return false;
}

void Machine::step() {
    if (depth_ == 0)
        memory_.fail_at(input_.byte() % 16 == 0 ? input_.byte() : 0);
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

void Machine::remove() {
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

} // namespace warpbeam::fuzz
