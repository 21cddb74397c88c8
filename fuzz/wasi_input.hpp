#pragma once

#include "wasi_model.hpp"

#include <cstdint>
#include <span>
#include <string>

/// What a list of calls of WASI's functions is made from (wasi_fuzz.cpp).

namespace warpbeam::fuzz {

/// The bytes that choose what is done.
class Input {
public:
    explicit Input(std::span<const uint8_t> bytes) : bytes_{bytes} {}
    [[nodiscard]] bool is_empty() const { return bytes_.empty(); }
    uint8_t byte() {
        if (bytes_.empty())
            return 0;
        const uint8_t first = bytes_[0];
        bytes_ = bytes_.subspan(1);
        return first;
    }
    template <typename T, size_t n>
    T one_of(const T (&choices)[n]) {
        return choices[byte() % n];
    }
    /// Once in `times` times.
    bool once_in(unsigned times) { return byte() % times == 1; }
    uint64_t number() {
        uint64_t value = 0;
        for (int i = 0; i < 8; ++i)
            value = value << 8 | byte();
        return value;
    }
    Rights some_rights() {
        constexpr Rights all = rights::all;
        constexpr Rights reading = rights::fd_read | rights::fd_seek | rights::fd_tell | rights::fd_readdir;
        constexpr Rights choices[] = {all,
                                      all,
                                      rights::read_only,
                                      rights::directory,
                                      reading,
                                      rights::regular_file,
                                      rights::fd_write | rights::fd_seek,
                                      rights::fd_read};
        return once_in(16) ? number() : one_of(choices);
    }
    uint32_t small_flags() {
        const uint8_t choice = byte();
        return choice == 255 ? 0x8000'0000 : choice < 16 ? choice : choice % 2u;
    }
    uint64_t offset() {
        constexpr uint64_t choices[] = {0, 1, 3, 10, 100, 5000, 70'000, uint64_t{1} << 63, UINT64_MAX};
        return one_of(choices);
    }
    /// A path of what is there, from a directory, which may be null.
    std::string path_from(const Node* at) {
        std::string text;
        while (at != nullptr && !at->entries.empty()) {
            const uint8_t choice = byte();
            const auto& [name, node] =
                *std::next(at->entries.begin(), choice / 4 % static_cast<int>(at->entries.size()));
            text += (text.empty() ? "" : "/") + name;
            at = choice % 4 != 0 ? node.get() : nullptr;
        }
        return text.empty() ? "new" : text;
    }

private:
    std::span<const uint8_t> bytes_;
};

/// The tree that calls begin with. Two of its links lead out, one to the secret.
inline NodeRef first_tree(const std::string& secret) {
    NodeRef root = make_node(FileType::directory);
    NodeRef a = make_node(FileType::directory);
    NodeRef b = make_node(FileType::directory);
    b->add("f", make_node(FileType::regular_file, "deep"));
    b->add("u", make_node(FileType::symbolic_link, "../g"));
    a->add("b", b);
    a->add("g", make_node(FileType::regular_file, "in a directory"));
    root->add("a", a);
    root->add("f", make_node(FileType::regular_file, "a file"));
    root->add("l", make_node(FileType::symbolic_link, "a/b"));
    root->add("u", make_node(FileType::symbolic_link, "a/../f"));
    root->add("dangling", make_node(FileType::symbolic_link, "a/c"));
    root->add("loop", make_node(FileType::symbolic_link, "./loop"));
    root->add("out", make_node(FileType::symbolic_link, "a/../../outside"));
    root->add("abs", make_node(FileType::symbolic_link, secret));
    root->add("proc", make_node(FileType::symbolic_link, "/proc/self/root"));
    return root;
}

} // namespace warpbeam::fuzz
