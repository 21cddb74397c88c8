#include "server.hpp"

#include "resources.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace warpbeam::serve {

namespace {

constexpr size_t size_bytes = 4;  ///< of a frame's size, before it
constexpr size_t id_bytes = 8;    ///< of a request's number
constexpr size_t owner_bytes = 8; ///< of the number of who makes it

ERL_NIF_TERM make_text(ErlNifEnv& env, std::string_view text) {
    ERL_NIF_TERM term;
    unsigned char* const bytes = enif_make_new_binary(&env, text.size(), &term);
    std::memcpy(bytes, text.data(), text.size());
    return term;
}

ERL_NIF_TERM make_map(ErlNifEnv& env, std::initializer_list<std::pair<const char*, ERL_NIF_TERM>> entries) {
    ERL_NIF_TERM map = enif_make_new_map(&env);
    for (const auto& [key, value] : entries)
        (void)enif_make_map_put(&env, map, enif_make_atom(&env, key), value, &map);
    return map;
}

/// The elements of a tuple whose first one is this atom; none if it is something else.
const ERL_NIF_TERM* tagged(ErlNifEnv& env, ERL_NIF_TERM term, const char* tag, int arity) {
    int found;
    const ERL_NIF_TERM* elements;
    const bool fits = enif_get_tuple(&env, term, &found, &elements) != 0 && found == arity &&
                      enif_is_identical(elements[0], enif_make_atom(&env, tag)) != 0;
    return fits ? elements : nullptr;
}

} // namespace

Server::Server(std::string_view version, const Limits& limits) : limits_{limits} {
    void* data = nullptr;
    (void)nif_init()->load(&atoms_, &data, 0); // without memory, the process ends
    ErlNifEnv env;
    send(0, enif_make_tuple3(&env, enif_make_atom(&env, "warpbeam"), enif_make_uint(&env, protocol_version),
                             make_map(env, {{"version", make_text(env, version)}})));
}

Server::~Server() {
    requests_.clear();
    registry().clear();
    nif_init()->unload(&atoms_, nullptr); // waits for what is being freed
    registry().release_others();
}

std::expected<void, std::string> Server::receive(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        if (header_.size() != size_bytes) {
            header_.push_back(bytes[0]);
            bytes = bytes.subspan(1);
            if (header_.size() != size_bytes)
                continue;
            frame_size_ = static_cast<size_t>(external::number_at(header_, 0, size_bytes));
            if (frame_size_ > limits_.frame_bytes)
                return std::unexpected{"a frame of " + std::to_string(frame_size_) +
                                       " bytes; they may have " + std::to_string(limits_.frame_bytes)};
        }
        // Memory is taken for what has come, not for what is announced.
        const auto piece = bytes.first(std::min(bytes.size(), frame_size_ - frame_.size()));
        frame_.insert(frame_.end(), piece.begin(), piece.end());
        bytes = bytes.subspan(piece.size());
        if (frame_.size() == frame_size_) {
            std::vector<uint8_t> frame;
            frame.swap(frame_);
            header_.clear();
            take_frame(std::move(frame));
        }
    }
    return {};
}

void Server::take_frame(std::vector<uint8_t>&& frame) {
    auto env = std::make_unique<ErlNifEnv>();
    env->frame = std::move(frame);
    const external::Bytes bytes = env->frame;
    if (bytes.size() < id_bytes)
        return refuse(0, "malformed",
                      "a frame of " + std::to_string(bytes.size()) +
                          " bytes, which is too short for a request's number");
    const uint64_t id = external::number_at(bytes, 0, id_bytes);
    if (by_id_.contains(id))
        return refuse(0, "bad_argument", "the request " + std::to_string(id) + " is already running");
    if (bytes.size() < id_bytes + owner_bytes)
        return refuse(id, "malformed", "the frame is too short for the number of an owner");
    env->owner = external::number_at(bytes, id_bytes, owner_bytes);
    const external::Bytes text = bytes.subspan(id_bytes + owner_bytes);
    if (text.empty() || text[0] != external::version || external::size_of(text.subspan(1)) != text.size() - 1)
        return refuse(id, "malformed", "the frame has no term in the external format of version 131");
    const ERL_NIF_TERM term = env->add_encoded(text.subspan(1));
    if (id == 0)
        return control(*env, term);
    const auto function = find_function(*env, term);
    if (!function)
        return refuse(id, "bad_argument", function.error());
    if (requests_.size() >= limits_.requests)
        return refuse(id, "busy",
                      "as many requests run as may (--max-requests): " + std::to_string(requests_.size()));
    env->next = *function;
    requests_.push_back({id, std::move(env)});
    const auto request = std::prev(requests_.end());
    if (step(*request))
        requests_.erase(request);
    else
        by_id_.emplace(id, request);
}

void Server::control(ErlNifEnv& env, ERL_NIF_TERM term) {
    uint64_t number;
    if (const auto* const cancel = tagged(env, term, "cancel", 2);
        cancel != nullptr && enif_get_uint64(&env, cancel[1], &number) != 0) {
        if (const auto found = by_id_.find(number); found != by_id_.end())
            end(found->second);
        return;
    }
    if (const auto* const ended = tagged(env, term, "ended", 2);
        ended != nullptr && enif_get_uint64(&env, ended[1], &number) != 0) {
        for (auto next = requests_.begin(); next != requests_.end();) {
            const auto request = next++;
            if (request->env->owner == number)
                end(request);
        }
        return registry().owner_ended(number);
    }
    const auto* const release = tagged(env, term, "release", 2);
    unsigned count;
    if (release == nullptr || enif_get_list_length(&env, release[1], &count) == 0)
        return refuse(0, "bad_argument",
                      "without a request's number there are {cancel, Request}, {ended, Owner} and "
                      "{release, [Handle]}");
    ERL_NIF_TERM list = release[1];
    for (ERL_NIF_TERM head; enif_get_list_cell(&env, list, &head, &list) != 0;)
        if (node_of(head).kind == Node::Kind::encoded)
            if (const auto handle = external::handle(node_of(head).span(), registry().creation()))
                registry().give_back(*handle);
}

std::expected<ErlNifEnv::Function*, std::string> Server::find_function(ErlNifEnv& env, ERL_NIF_TERM term) {
    int arity;
    const ERL_NIF_TERM* parts;
    unsigned count;
    if (enif_get_tuple(&env, term, &arity, &parts) == 0 || arity != 2 ||
        enif_get_list_length(&env, parts[1], &count) == 0)
        return std::unexpected{"a request is {Function, Arguments}, with a list of arguments"};
    const std::span functions{nif_init()->functions, nif_init()->count};
    const auto found = std::ranges::find_if(functions, [&](const ErlNifFunc& function) {
        return function.arity == count &&
               enif_is_identical(parts[0], enif_make_atom(&env, function.name)) != 0;
    });
    if (found == functions.end())
        return std::unexpected{"there is no function of that name with " + std::to_string(count) +
                               (count == 1 ? " argument" : " arguments")};
    ERL_NIF_TERM list = parts[1];
    for (ERL_NIF_TERM head; enif_get_list_cell(&env, list, &head, &list) != 0;) {
        Resource* const resource = resource_of(head);
        env.arguments.push_back(resource != nullptr ? borrow(env, *resource) : head);
    }
    return found->fptr;
}

void Server::refuse(uint64_t id, std::string_view kind, std::string_view message) {
    ErlNifEnv env;
    const std::string name{kind};
    const ERL_NIF_TERM error = enif_make_tuple2(
        &env, enif_make_atom(&env, "error"),
        make_map(env, {{"kind", enif_make_atom(&env, name.c_str())}, {"message", make_text(env, message)}}));
    send(id, error);
}

bool Server::step(Request& request) {
    ErlNifEnv& env = *request.env;
    const std::vector<ERL_NIF_TERM> arguments = std::move(env.arguments);
    ErlNifEnv::Function* const function = std::exchange(env.next, nullptr);
    const ERL_NIF_TERM result = function(&env, static_cast<int>(arguments.size()), arguments.data());
    if (env.next != nullptr)
        return false;
    send(request.id, result);
    return true;
}

void Server::run_slice() {
    registry().release_others();
    const auto request = requests_.begin();
    if (step(*request))
        end(request);
    else
        requests_.splice(requests_.end(), requests_, request);
}

void Server::end(Requests::iterator request) {
    by_id_.erase(request->id);
    requests_.erase(request);
}

void Server::send(uint64_t id, ERL_NIF_TERM term) {
    const size_t begin = output_.size();
    external::write(output_, 0, size_bytes);
    external::write(output_, id, id_bytes);
    output_.push_back(external::version);
    const bool fits = encode(output_, term);
    const size_t size = output_.size() - begin - size_bytes;
    if (!fits || size > INT32_MAX) {
        output_.resize(begin);
        return refuse(id, "limit", "the answer has more than 2147483647 bytes");
    }
    for (size_t i = 0; i != size_bytes; ++i)
        output_[begin + i] = static_cast<uint8_t>(size >> 8 * (size_bytes - 1 - i));
}

} // namespace warpbeam::serve
