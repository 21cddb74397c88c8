#include "world.hpp"

#include <warpbeam/vm/snapshot.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/saved_files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

/// How a world is made of a term, saved and restored.

namespace warpbeam::erlang {

namespace {

/// The elements of a tuple of that size; null if the term is none.
const Term* tuple_of(ErlNifEnv* env, Term term, int size) noexcept {
    int arity;
    const Term* elements;
    return enif_get_tuple(env, term, &arity, &elements) != 0 && arity == size ? elements : nullptr;
}

std::optional<std::string_view> text_in(ErlNifEnv* env, Term term) noexcept {
    ErlNifBinary binary;
    if (enif_inspect_binary(env, term, &binary) == 0)
        return std::nullopt;
    return std::string_view{reinterpret_cast<const char*>(binary.data), binary.size};
}

bool is_atom(Term term, Term atom) noexcept { return enif_is_identical(term, atom) != 0; }

uint64_t realtime() noexcept { return wasi::native_host().now(wasi::Clock::realtime).value_or(0); }

/// Writes a file, and makes the directories above it.
bool add_file(wasi::Directory& root, std::string_view path, std::string_view contents) noexcept {
    Ref<wasi::Directory> in = Ref<wasi::Directory>::share(&root);
    for (;;) {
        const size_t slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        if (name.empty() || name == "." || name == "..")
            return false;
        if (slash == std::string_view::npos)
            break;
        (void)in->make_directory(name); // it may be there
        auto next = in->enter(name);
        if (!next)
            return false;
        in = std::move(*next);
        path.remove_prefix(slash + 1);
    }
    auto file = in->open(path, {.write = true, .create = true, .truncate = true});
    while (file && !contents.empty()) {
        const auto written =
            (*file)->append({reinterpret_cast<const uint8_t*>(contents.data()), contents.size()});
        if (!written)
            return false;
        contents.remove_prefix(*written);
    }
    return file.has_value();
}

} // namespace

World::World(Term term, Term streams) noexcept : context_{surroundings_}, term_{term}, streams_{streams} {
    context_.set_suspends(true);
}

Term World::made_of(ErlNifEnv* env) const noexcept {
    const Term* const parts = tuple_of(env, term_.copy_to(env), 8);
    Term copy[8];
    std::copy_n(parts, 8, copy);
    if (enif_is_binary(env, copy[3]) != 0)
        copy[3] = make_binary(env, {});
    return enif_make_tuple_from_array(env, copy, 8);
}

std::unique_ptr<World> World::make(ErlNifEnv* env, Term term, std::string& why) noexcept {
    why = "wasi is not what warpbeam_wasi makes";
    // {Args, Variables, Directories, Input, {OutIsTaken, ErrIsTaken, Max}, Clock, Random, Streams}
    const Term* const parts = tuple_of(env, term, 8);
    const Term* const outputs = parts != nullptr ? tuple_of(env, parts[4], 3) : nullptr;
    ErlNifUInt64 max_size;
    if (outputs == nullptr || enif_get_uint64(env, outputs[2], &max_size) == 0)
        return nullptr;
    std::unique_ptr<World> world{new (std::nothrow) World{term, parts[7]}};
    if (world == nullptr)
        return nullptr;
    Allocator& allocator = world->context_.allocator();
    world->input_ = wasi::create_file<Input>(allocator, allocator);
    const auto room = static_cast<size_t>(std::min<uint64_t>(max_size, SIZE_MAX));
    const auto output = [&](Term is_taken) {
        return wasi::create_file<Output>(allocator, allocator, room, is_atom(is_taken, atoms.true_));
    };
    world->out_ = output(outputs[0]);
    world->err_ = output(outputs[1]);
    if (!world->input_ || !world->out_ || !world->err_ ||
        !world->context_.set_stream(wasi::Stream::in, Ref<wasi::File>::share(world->input_.get())) ||
        !world->context_.set_stream(wasi::Stream::out, Ref<wasi::File>::share(world->out_.get())) ||
        !world->context_.set_stream(wasi::Stream::err, Ref<wasi::File>::share(world->err_.get()))) {
        why = "out of memory for WASI";
        return nullptr;
    }
    if (const auto given = text_in(env, parts[3])) {
        if (!world->input_->add({reinterpret_cast<const uint8_t*>(given->data()), given->size()}))
            return nullptr;
        world->input_->close();
    }
    if (!world->read_strings(env, parts[0], parts[1], why) || !world->read_directories(env, parts[2], why) ||
        !world->read_surroundings(env, parts[5], parts[6]))
        return nullptr;
    return world;
}

bool World::read_strings(ErlNifEnv* env, Term args, Term variables, std::string& why) noexcept {
    Term head;
    std::expected<void, Error> added;
    while (added && enif_get_list_cell(env, args, &head, &args) != 0) {
        const auto text = text_in(env, head);
        if (!text)
            return false;
        added = context_.add_arg(*text);
    }
    while (added && enif_get_list_cell(env, variables, &head, &variables) != 0) {
        const Term* const pair = tuple_of(env, head, 2);
        const auto name = pair != nullptr ? text_in(env, pair[0]) : std::nullopt;
        const auto value = pair != nullptr ? text_in(env, pair[1]) : std::nullopt;
        if (!name || !value)
            return false;
        added = context_.add_env(*name, *value);
    }
    if (!added)
        why = added.error().message();
    return added.has_value();
}

bool World::read_directories(ErlNifEnv* env, Term list, std::string& why) noexcept {
    Term head;
    while (enif_get_list_cell(env, list, &head, &list) != 0) {
        const Term* const parts = tuple_of(env, head, 3); // {Name, Access, Path or Files}
        const auto name = parts != nullptr ? text_in(env, parts[0]) : std::nullopt;
        if (!name)
            return false;
        const bool is_memory = is_atom(parts[1], atoms.memory);
        const auto path = text_in(env, parts[2]);
        if (!is_memory && !path)
            return false;
        errno = 0;
        auto directory = is_memory ? wasi::memory_directory({}, realtime) : wasi::native_directory(*path);
        if (!directory) {
            why = "the directory " + std::string{path.value_or("")} +
                  " can't be opened: " + std::strerror(errno);
            return false;
        }
        is_blocking_ = is_blocking_ || !is_memory;
        if (is_atom(parts[1], atoms.scratch))
            directory = wasi::layered_directory(std::move(*directory), {}, realtime);
        if (!directory) {
            why = "out of memory for a directory";
            return false;
        }
        Term files = parts[2];
        for (Term file; is_memory && enif_get_list_cell(env, files, &file, &files) != 0;) {
            const Term* const pair = tuple_of(env, file, 2);
            const auto file_path = pair != nullptr ? text_in(env, pair[0]) : std::nullopt;
            const auto contents = pair != nullptr ? text_in(env, pair[1]) : std::nullopt;
            if (!file_path || !contents)
                return false;
            if (!add_file(**directory, *file_path, *contents)) {
                why = "the file " + std::string{*file_path} + " can't be made";
                return false;
            }
        }
        const auto access =
            is_atom(parts[1], atoms.read_only) ? wasi::Access::read_only : wasi::Access::read_write;
        if (const auto added = context_.add_directory(*name, std::move(*directory), access); !added) {
            why = added.error().message();
            return false;
        }
    }
    return true;
}

bool World::read_surroundings(ErlNifEnv* env, Term clock, Term random) noexcept {
    Surroundings::State& state = surroundings_.state();
    if (const Term* const given = tuple_of(env, clock, 2)) {
        ErlNifUInt64 time;
        ErlNifUInt64 step;
        if (enif_get_uint64(env, given[0], &time) == 0 || enif_get_uint64(env, given[1], &step) == 0)
            return false;
        state.has_clock = true;
        state.time = time;
        state.step = step;
    }
    if (ErlNifUInt64 seed; enif_get_uint64(env, random, &seed) != 0)
        state.random.emplace(seed);
    return true;
}

std::optional<World::Wait> World::take_wait() noexcept {
    const auto waits = context_.take_waits();
    if (!waits)
        return std::nullopt;
    const bool for_input = input_->take_asked();
    Surroundings::State& state = surroundings_.state();
    if (state.has_clock && waits->nanoseconds != UINT64_MAX) {
        state.time += waits->nanoseconds;
        return Wait{};
    }
    return Wait{for_input, waits->nanoseconds};
}

// ---- Saving: the term {Time, Monotonic, Random, Input}, and the descriptors ----

std::expected<void, Error> World::save(SnapshotSink& sink) noexcept {
    const Surroundings::State& state = surroundings_.state();
    const uint64_t monotonic = wasi::native_host().now(wasi::Clock::monotonic).value_or(0) + state.monotonic;
    const std::span<const uint8_t> input = input_->left();
    ErlNifEnv* const env = enif_alloc_env();
    const Term head =
        enif_make_tuple4(env, enif_make_uint64(env, state.time), enif_make_uint64(env, monotonic),
                         enif_make_uint64(env, state.random ? state.random->state() : 0),
                         make_binary(env, {reinterpret_cast<const char*>(input.data()), input.size()}));
    ErlNifBinary bytes;
    bool is_written = enif_term_to_binary(env, head, &bytes) != 0;
    if (is_written) {
        is_written = sink.write({bytes.data, bytes.size});
        enif_release_binary(&bytes);
    }
    enif_free_env(env);
    if (!is_written)
        return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for a snapshot"}};
    return wasi::save_files(context_, sink);
}

std::expected<void, Error> World::restore(std::span<const uint8_t> bytes) noexcept {
    ErlNifEnv* const env = enif_alloc_env();
    Term head;
    const size_t read = enif_binary_to_term(env, bytes.data(), bytes.size(), &head, ERL_NIF_BIN2TERM_SAFE);
    const Term* const parts = read != 0 ? tuple_of(env, head, 4) : nullptr;
    ErlNifUInt64 numbers[3];
    bool is_head = parts != nullptr;
    for (int i = 0; i < 3 && is_head; ++i)
        is_head = enif_get_uint64(env, parts[i], &numbers[i]) != 0;
    const auto input = is_head ? text_in(env, parts[3]) : std::nullopt;
    const bool is_kept =
        input && input_->put_first({reinterpret_cast<const uint8_t*>(input->data()), input->size()});
    enif_free_env(env);
    if (!input)
        return std::unexpected{Error{ErrorCode::malformed, "WASI's part of the snapshot is damaged"}};
    if (!is_kept)
        return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for input"}};
    Surroundings::State& state = surroundings_.state();
    if (state.has_clock)
        state.time = numbers[0];
    state.monotonic = numbers[1] - wasi::native_host().now(wasi::Clock::monotonic).value_or(0);
    if (state.random)
        state.random.emplace(numbers[2]);
    SnapshotBytes source{bytes.subspan(read)};
    return wasi::restore_files(context_, source);
}

} // namespace warpbeam::erlang
