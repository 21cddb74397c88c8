#include "thread_program.hpp"

#include <warpbeam/loader/printable.hpp>
#include <warpbeam/wasi/wasi.hpp>

/// What the embedder sees of a program with threads: its checks, and its main thread.

namespace warpbeam::wasi {

namespace {

constexpr std::string_view spawn_module = "wasi";
constexpr std::string_view spawn_name = "thread-spawn";

std::unexpected<Error> no_memory_for_threads() noexcept {
    return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for the threads of a program"}};
}

bool is_shared_memory(const Import& import) noexcept {
    return import.type.kind == ExternKind::memory && import.type.memory.shared;
}

/// Whether the module has what thread-spawn needs.
std::expected<void, Error> check_module(const Module& module) noexcept {
    bool spawns = false;
    bool shares = false;
    for (const Import& import : module.imports()) {
        spawns |= import.module == spawn_module && import.name == spawn_name;
        shares |= is_shared_memory(import);
    }
    if (!spawns)
        return {};
    const Export* const entry = module.find_export("wasi_thread_start");
    if (entry == nullptr || entry->kind != ExternKind::func)
        return std::unexpected{Error{ErrorCode::usage,
                                     "the module imports wasi.thread-spawn, but exports no function "
                                     "wasi_thread_start, which new threads call: link it with a libc that "
                                     "has threads (target wasm32-wasi-threads)"}};
    const FuncType& type = module.type_registry().func(module.funcs()[entry->index]);
    if (type.params.size() != 2 || type.params[0] != ValType::i32 || type.params[1] != ValType::i32 ||
        !type.results.empty())
        return std::unexpected{Error{ErrorCode::usage,
                                     "the module's wasi_thread_start must be a function with two parameters "
                                     "i32 (the thread's number, the argument) and no result"}};
    if (!shares)
        return std::unexpected{Error{ErrorCode::usage,
                                     "the module imports wasi.thread-spawn, but no shared memory, so that "
                                     "its threads would have nothing in common: link it with "
                                     "--import-memory --shared-memory --max-memory=BYTES"}};
    return {};
}

/// Whether the linker's definitions can be used in any store.
std::expected<void, Error> check_definitions(const Linker& linker, const Module& module) noexcept {
    for (const Import& import : module.imports()) {
        if (is_shared_memory(import))
            continue;
        for (size_t i = 0; i < linker.size(); ++i) {
            const Linker::Entry entry = linker[i];
            if (entry.is_host || entry.module != import.module || entry.name != import.name)
                continue;
            Printable module_name{import.module};
            Printable name{import.name};
            const std::string_view first = module_name.next();
            const std::string_view second = name.next();
            return std::unexpected{Error{ErrorCode::usage,
                                         "the module imports %.*s.%.*s, which belongs to one store: each "
                                         "thread has its own, and can import host functions and shared "
                                         "memories",
                                         static_cast<int>(first.size()), first.data(),
                                         static_cast<int>(second.size()), second.data()}};
        }
    }
    return {};
}

} // namespace

std::expected<void, Error> ThreadProgram::define_memories(Store& store) noexcept {
    const std::span<const Import> all = module_.imports();
    if (!memories_.resize(all.size()))
        return no_memory_for_threads();
    for (size_t i = 0; i < all.size(); ++i) {
        if (!is_shared_memory(all[i]))
            continue;
        if (!linker_.defines(all[i].module, all[i].name)) {
            const auto shared = SharedMemory::create(all[i].type.memory, &allocator_);
            if (!shared)
                return std::unexpected{shared.error()};
            const auto memory = Memory::create(store, *shared);
            if (!memory)
                return std::unexpected{memory.error()};
            if (const auto defined = linker_.define(all[i].module, all[i].name, *memory); !defined)
                return defined;
        }
        const auto value = linker_.get(store, all[i].module, all[i].name);
        if (!value)
            return std::unexpected{value.error()};
        // Anything else does not fit the import, which instantiation says.
        if (const Memory* const memory = std::get_if<Memory>(&*value))
            memories_[i] = memory->shared();
    }
    return {};
}

std::expected<Threads, Error> Threads::create(Linker& linker, Context& context, const Module& module,
                                              const ThreadSettings& settings) noexcept {
    if (!linker.engine().config().interruption)
        return std::unexpected{
            Error{ErrorCode::usage, "threads need Config::interruption: without it, a thread in a loop could "
                                    "not be ended with its program"}};
    if (const auto fits = check_module(module); !fits)
        return std::unexpected{fits.error()};
    if (const auto fits = check_definitions(linker, module); !fits)
        return std::unexpected{fits.error()};
    if (const auto shared = context.share(); !shared)
        return std::unexpected{shared.error()};
    ThreadProgram* const program =
        warpbeam::create<ThreadProgram>(linker.engine().allocator(), linker, context, module, settings);
    if (program == nullptr)
        return no_memory_for_threads();
    Threads threads{program};
    const auto defined = linker.func(spawn_module, spawn_name,
                                     [program](uint32_t argument) { return program->spawn(argument); });
    if (!defined)
        return std::unexpected{defined.error()};
    return threads;
}

Threads::Threads(Threads&& other) noexcept : program_{std::exchange(other.program_, nullptr)} {}

Threads& Threads::operator=(Threads&& other) noexcept {
    Threads old{std::move(*this)};
    program_ = std::exchange(other.program_, nullptr);
    return *this;
}

Threads::~Threads() {
    if (program_ == nullptr)
        return;
    (void)finish();
    destroy(program_->allocator(), program_);
}

std::expected<Instance, InstantiationError> Threads::instantiate(Store& store) noexcept {
    program_->begin(store);
    const auto fails = [this](const InstantiationError& error) {
        const ProgramEnd ended =
            finish(error.trap() != nullptr ? std::optional{*error.trap()} : std::nullopt);
        return std::unexpected{ended.trap ? InstantiationError{*ended.trap} : error};
    };
    if (const auto defined = program_->define_memories(store); !defined)
        return fails(InstantiationError{defined.error(), program_->allocator()});
    auto execution = program_->instantiate(store);
    if (!execution)
        return fails(execution.error());
    if (auto ended = program_->drive(*execution, 0))
        return fails(InstantiationError{*ended->trap});
    return execution->instance();
}

std::optional<ProgramEnd> Threads::call(const Func& func, std::span<const Value> args,
                                        std::span<Value> results) noexcept {
    program_->begin();
    const auto fails = [this](const Error& error) { return finish(trap_of(error, program_->allocator())); };
    auto execution = Execution::create(func, args);
    if (!execution)
        return fails(execution.error());
    if (auto ended = program_->drive(*execution, 0))
        return program_->finish(std::move(*ended));
    if (const auto copied = execution->results(results); !copied)
        return fails(copied.error());
    return std::nullopt;
}

ProgramEnd Threads::finish(std::optional<Trap> trap, Backtrace backtrace) noexcept {
    return program_->finish({0, std::move(trap), std::move(backtrace)});
}

uint32_t Threads::count() const noexcept { return program_->count(); }

bool Threads::has_ended() const noexcept { return program_->has_ended(); }

} // namespace warpbeam::wasi
