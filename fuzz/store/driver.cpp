#include "store/driver.hpp"

#include "store/modules.hpp"

namespace warpbeam::fuzz {

namespace {
constexpr ValType types[] = {ValType::i32,
                             ValType::i64,
                             ValType::f32,
                             ValType::f64,
                             ValType::v128,
                             funcref,
                             externref,
                             ValType::reference(HeapType::any, true),
                             ValType::reference(HeapType::struct_, true),
                             ValType::reference(HeapType::array, true),
                             ValType::reference(HeapType::exn, true),
                             ValType::reference(HeapType::i31, false)};
constexpr std::string_view names[] = {"f",    "g",    "h",       "memory", "table", "global",
                                      "pass", "mark", "forever", "throw",  "catch", ""};
} // namespace

void Watcher::observe(const Observation& observation) noexcept {
    require(observation.operands() != nullptr || observation.event() == Observed::tail_call);
    require(observation.stack() != nullptr);
    (void)observation.fuel();
    if (observation.func() != UINT32_MAX && !observation.is_host())
        require(observation.func() < observation.module().funcs().size());
}
void Watcher::trapped(const Trap& trap, const ActiveStack& stack) noexcept {
    require(trap.code() != TrapCode::exit);
    (void)stack.visit(*this);
}
bool Watcher::visit(const ActiveFrame& frame) noexcept {
    require(frame.func < frame.instance.module().funcs().size());
    for (const auto values : {frame.locals, frame.operands})
        for (const FrameValue& each : values)
            require(each.kind != ValType::bot || !each.is_known);
    return true;
}

std::string_view Driver::name() { return names[input_.byte() % std::size(names)]; }
ValType Driver::type() { return types[input_.byte() % std::size(types)]; }

Driver::Driver(Input input, BoundedAllocator& memory) : input_{input}, memory_{memory} {
    Config config;
    const uint8_t choice = input_.byte();
    config.features = FeatureSet::all();
    config.fuel = true;
    config.waiting = false;
    config.interruption = (choice & 1) != 0;
    config.patched_interruption = (choice & 2) != 0;
    config.eager = (choice & 4) != 0;
    config.deterministic = (choice & 24) == 8;
    config.collect_always = (choice & 32) != 0;
    config.observer = (choice & 64) != 0 ? &watcher_ : nullptr;
    config.observe_calls = config.observe_accesses = config.observer != nullptr;
    config.stack_size = 64 * 1024;
    config.host_call_depth = 5;
    config.allocator = &memory;
    has_failures_ = (choice & 128) != 0;
    stores_end_first_ = input_.byte() % 2 == 0;
    engine_.emplace(config);
    for (size_t i = 0; i < store_modules; ++i) {
        auto module = engine_->load(store_binary(i));
        require(done(module));
        modules_.push_back(std::move(*module));
    }
}

void Driver::run() {
    Home& first = add_home(Store{*engine_, limits});
    define_all(*linkers_.add(std::make_unique<Linker>(*engine_)));
    for (int count = input_.byte() % 4; count > 0; --count)
        instantiate(first);
    while (!input_.empty())
        step();
}

Driver::~Driver() {
    memory_.fail_at(0);
    while (stores_end_first_ && !homes_.empty())
        end(0);
    for (size_t i = 0; i < runs_.size(); ++i)
        runs_[i].execution = Execution{};
    while (!homes_.empty())
        end(0);
    linked_.clear();
    linkers_.clear();
    for (const Held& each : exceptions_)
        require(!each.exception.tag() && each.exception.size() == 0);
    exceptions_.clear();
    traps_.clear();
    for (const Ticket& each : tickets_.all())
        require(each.token.state() == AnswerToken::State::closed);
    tickets_.clear();
    interrupts_.clear();
    modules_.clear();
    engine_.reset();
    require(callables_ == 0 && things_ == 0);
    for (const Note& each : notes_)
        require(each.dropped <= 1 && each.answered <= 1);
}

Home& Driver::add_home(Store made) {
    homes_.push_back(std::make_unique<Home>(std::make_unique<Store>(std::move(made))));
    if (input_.byte() % 4 == 0)
        homes_.back()->store->set_trap_observer(&watcher_);
    return *homes_.back();
}

void Driver::end(size_t index) {
    Home& home = *homes_[index];
    check(home);
    is_ending_ = true;
    refuel(home);
    while (!home.scopes.empty())
        home.scopes.pop_back();
    for (size_t i = 0; i < runs_.size(); ++i)
        if (Run& run = runs_[i]; run.home == &home) {
            if (run.on_stack)
                run.execution = Execution{};
            run.home = nullptr;
        }
    home.stacks.clear();
    is_ending_ = false;
    for (KeptRoot& each : home.roots)
        orphans_.push_back(std::move(each.root));
    home.store.reset();
    for (const Root& each : orphans_)
        require(each.value().type() == ValType::i32 && each.value().as<int32_t>() == 0);
    if (input_.byte() % 2 == 0)
        orphans_.clear();
    for (Held& each : exceptions_)
        if (each.home == &home)
            each.home = nullptr;
    for (Caught& each : traps_)
        if (each.home == &home) {
            require(!each.trap.exception());
            each.home = nullptr;
        }
    for (size_t i = 0; i < runs_.size(); ++i)
        if (const Run& run = runs_[i]; run.home == nullptr)
            require(run.execution.state() == ExecutionState::trapped && run.execution.fuel() == 0 &&
                    !run.execution.instance());
    homes_.erase(homes_.begin() + static_cast<ptrdiff_t>(index));
}

/// Moves a store, also over another one, which ends then.
void Driver::move_store(Home& home) {
    std::unique_ptr<Store> moved;
    if (input_.byte() % 2 == 0) {
        moved = std::make_unique<Store>(std::move(*home.store));
    } else {
        moved = std::make_unique<Store>(*engine_);
        (void)Func::wrap(*moved, [counted = Counted{callables_}] {});
        *moved = std::move(*home.store);
    }
    Store& empty = *home.store;
    require(!Func::wrap(empty, [] {}) && !Memory::create(empty, MemoryType{}) &&
            !LinkedModule{}.instantiate(empty));
    require(!Instance::create(empty, modules_[1]) && !Execution::instantiate(empty, modules_[1]));
    require(!StructRef::create(empty, modules_[gc_module].types()[0], {{Value{1}}}));
    require(!ExternRef::create(empty, Counted{things_}));
    empty.collect();
    require(empty.usage().instances == 0 && empty.fuel() == 0 && empty.data() == nullptr);
    const RootScope scope{empty};
    const Root root{empty, Value{7}};
    require(root.value().as<int32_t>() == 7);
    empty.interrupt_handle().interrupt();
    SnapshotBuffer sink{memory_};
    require(!warpbeam::save(empty, {}, sink) && !fork(empty, {}));
    std::swap(home.store, moved);
    require(home.store->data() == &home);
}

Value Driver::value(Home& home, ValType wanted) {
    if (!wanted.is_ref()) {
        const uint64_t slots[2] = {input_.size(), 0};
        return Value::from_slots(wanted, slots);
    }
    const TypeRegistry& registry = engine_->types();
    const HeapType heap = wanted.heap();
    if (registry.top_of(heap) == HeapType::func) {
        const bool is_other = input_.byte() == 255;
        return Value{(is_other ? this->home() : home).funcs.pick(input_)};
    }
    const uint8_t choice = input_.byte();
    if (registry.matches(HeapType::i31, heap) && (choice % 8 == 0 || !wanted.nullable()))
        return Value::i31(choice);
    if (heap == HeapType::extern_ && choice % 4 == 0)
        return Value{ExternRef::host(choice)};
    if (registry.top_of(heap) == HeapType::exn && choice % 2 == 0)
        for (const Held& each : exceptions_)
            if (each.home == &home)
                return each.exception.reference();
    if (choice % 2 == 0)
        for (const KeptRoot& each : home.roots)
            if (registry.matches(each.root.value().type().heap(), heap))
                return each.root.value();
    for (size_t i = 0; i < home.kept.size(); ++i)
        if (const Kept& each = home.kept[(choice + i) % home.kept.size()];
            registry.matches(each.value.type().heap(), heap))
            return each.value;
    return Value::null(heap);
}

std::vector<Value> Driver::values(Home& home, std::span<const ValType> wanted) {
    const uint8_t choice = input_.byte();
    std::vector<Value> made;
    for (const ValType each : wanted)
        made.push_back(value(home, choice == 254 ? type() : each));
    if (choice == 255)
        made.push_back(Value{1});
    return made;
}

/// What an object never changes: its type, and what it was made with.
uint64_t Driver::stamp(Home& home, const Value& value) {
    Store& store = *home.store;
    uint64_t detail = 0;
    if (const auto external = value.get<ExternRef>()) {
        if (const Thing* const thing = external->object<Thing>(store))
            detail = thing->number;
    } else if (const auto array = ArrayRef::from(store, value)) {
        detail = array->size();
    } else if (const auto structure = StructRef::from(store, value); structure && structure->size() == 1) {
        const auto field = structure->get(0);
        require(field.has_value());
        detail = field->as<uint32_t>();
    }
    return uint64_t{dynamic_type(store, value).code()} << 32 | detail;
}

void Driver::keep(Home& home, const Value& value) {
    if (!value.type().is_ref() || value.is_null())
        return;
    if (value.is<Func>())
        return home.funcs.add(value.as<Func>());
    if (home.kept.size() < 40)
        home.kept.push_back({value, stamp(home, value)});
}

void Driver::keep(Home& home, std::span<const Value> values, std::span<const ValType> wanted) {
    require(values.size() == wanted.size());
    for (size_t i = 0; i < values.size(); ++i) {
        const ValType found = values[i].type();
        require(found.kind() == wanted[i].kind() && (wanted[i].defaultable() || !values[i].is_null()));
        keep(home, values[i]);
    }
}

void Driver::keep(Home& home, const Trap& trap) {
    require(!trap.message().empty() && trap.code() <= TrapCode::usage && trap.backtrace().size() <= 64);
    require(trap.code() != TrapCode::out_of_memory || is_scarce());
    for (const Frame& frame : trap.backtrace())
        require(frame.func < frame.module.funcs().size() && frame.instance().module() == frame.module);
    if (const auto exception = trap.exception()) {
        require(exception->tag() && exception->size() == exception->tag().params().size());
        if (exceptions_.size() < 16)
            exceptions_.push_back({*exception, &home});
    }
    if (traps_.size() < 16)
        traps_.push_back({trap, &home});
}

void Driver::keep(Home& home, const Extern& object) {
    if (const auto* const func = std::get_if<Func>(&object))
        home.funcs.add(*func);
    else if (const auto* const table = std::get_if<Table>(&object))
        home.tables.add(*table);
    else if (const auto* const memory = std::get_if<Memory>(&object))
        home.memories.add(*memory);
    else if (const auto* const global = std::get_if<Global>(&object))
        home.globals.add(*global);
    else if (const auto* const tag = std::get_if<Tag>(&object))
        home.tags.add(*tag);
}

void Driver::check(Home& home) {
    for (const Kept& each : home.kept)
        require(stamp(home, each.value) == each.stamp);
    for (const KeptRoot& each : home.roots)
        require(stamp(home, each.root.value()) == each.stamp);
    const StoreUsage usage = home.store->usage();
    require(usage.memory_bytes <= limits.memory_bytes && usage.table_elements <= limits.table_elements &&
            usage.heap_bytes <= limits.heap_bytes && usage.execution_bytes <= limits.execution_bytes &&
            usage.instances <= limits.instances && usage.executions <= limits.executions);
}

void Driver::step() {
    if (depth_ == 0 && has_failures_)
        memory_.fail_at(input_.byte() % 8 == 0 ? input_.byte() % 64 : 0);
    Home& in = home();
    switch (input_.byte() % 13) {
    case 0:
        return make(in);
    case 1:
        return link(in);
    case 2:
        return instantiate(in);
    case 3:
        return call(in);
    case 4:
    case 5:
    case 6:
        return execute(in);
    case 7:
        return use_token();
    case 8:
        return use_objects(in);
    case 9:
        return use(in);
    case 10:
        return save(in);
    case 11:
        return use_stacks(in);
    default:
        return depth_ == 0 ? remove() : use(in);
    }
}

void Driver::remove() {
    const uint8_t index = input_.byte();
    switch (input_.byte() % 12) {
    case 0:
        if (homes_.size() > 1)
            end(index % homes_.size());
        break;
    case 1:
        move_store(home());
        break;
    case 2:
        if (linkers_.size() > 1)
            linkers_.remove(input_);
        break;
    case 3:
        if (Linker* const linker = linkers_.pick(input_)) {
            const size_t size = linker->size();
            Linker other{std::move(*linker)};
            require(linker->size() == 0 && other.size() == size && linker->engine() == *engine_);
            *linker = std::move(other);
        }
        break;
    case 4:
        runs_.remove(input_);
        break;
    case 5:
        if (Run* const run = runs_.pick(input_)) {
            Execution other{std::move(run->execution)};
            require(!run->execution && run->execution.state() == ExecutionState::trapped);
            run->execution = std::move(other);
        }
        break;
    case 6:
        if (!exceptions_.empty())
            exceptions_.erase(exceptions_.begin() + index % static_cast<ptrdiff_t>(exceptions_.size()));
        break;
    case 7:
        if (!traps_.empty())
            traps_.erase(traps_.begin() + index % static_cast<ptrdiff_t>(traps_.size()));
        break;
    case 8:
        tickets_.clear();
        break;
    case 9:
        linked_.clear();
        break;
    case 10:
        interrupts_.clear();
        break;
    default:
        if (homes_.size() < max_homes)
            add_home(Store{*engine_, limits});
        break;
    }
}

} // namespace warpbeam::fuzz
