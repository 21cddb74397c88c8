#pragma once

#include "external.hpp"

#include <erl_nif.h>
#include <memory_resource>
#include <string_view>
#include <vector>

/// Terms as the native functions see them: a term is the address of a node. Those of a client are encoded
/// bytes, of which nodes are made only when they are looked into; those that the native functions make are
/// nodes.

namespace warpbeam::serve {

struct Resource;

struct Node {
    enum class Kind : uint8_t {
        encoded,  ///< `data`: `size` bytes
        elements, ///< the rest of an encoded list: `count` elements and the tail, in `size` bytes
        bytes,    ///< the rest of a list of bytes: `size` at `data`
        integer,
        natural, ///< above INT64_MAX
        number,  ///< a float
        atom,    ///< its text: `size` at `data`
        binary,
        tuple, ///< `count` terms at `data`
        cell,  ///< of a list: two terms at `data`
        nil,
        map,      ///< keys and their values, in turn, `count` in all, at `data`
        resource, ///< with `count` not 0: the client has it, and gave it with the request
    };
    Kind kind;
    uint64_t count = 0;
    union {
        size_t size;
        int64_t integer;
        uint64_t natural;
        double number;
        Resource* resource;
    };
    const void* data = nullptr;

    [[nodiscard]] external::Bytes span() const noexcept { return {static_cast<const uint8_t*>(data), size}; }
    [[nodiscard]] std::string_view text() const noexcept { return {static_cast<const char*>(data), size}; }
    [[nodiscard]] const ERL_NIF_TERM* terms() const noexcept {
        return static_cast<const ERL_NIF_TERM*>(data);
    }
};

[[nodiscard]] inline const Node& node_of(ERL_NIF_TERM term) noexcept {
    return *reinterpret_cast<const Node*>(term);
}

/// Appends the external format of the term, without the version. Each resource in it becomes a handle, which
/// the client then holds once more, unless it gave it. False if a binary is too large for a frame.
[[nodiscard]] bool encode(external::Buffer& to, ERL_NIF_TERM term);

} // namespace warpbeam::serve

/// What terms live in. That of a request lives until it is answered.
struct ErlNifEnv {
    using Node = warpbeam::serve::Node;
    using Function = ERL_NIF_TERM(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);

    ErlNifEnv() = default;
    ErlNifEnv(const ErlNifEnv&) = delete;
    ErlNifEnv& operator=(const ErlNifEnv&) = delete;
    ~ErlNifEnv();

    [[nodiscard]] ERL_NIF_TERM add(const Node& node);
    /// The whole of a term, whose bytes live long enough.
    [[nodiscard]] ERL_NIF_TERM add_encoded(warpbeam::serve::external::Bytes bytes);
    [[nodiscard]] void* allocate(size_t size) { return arena_.allocate(size, alignof(std::max_align_t)); }

    uint64_t owner = 0;                                ///< who makes the request
    std::vector<uint8_t> frame;                        ///< what it came in
    std::vector<warpbeam::serve::Resource*> resources; ///< that it keeps
    /// What is to be called next, if the last call gave way.
    Function* next = nullptr;
    std::vector<ERL_NIF_TERM> arguments;

private:
    std::pmr::monotonic_buffer_resource arena_{128};
};
