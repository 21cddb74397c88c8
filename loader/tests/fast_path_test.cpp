// Most instructions are validated by a fast path, which looks at a body only if its last byte is an `end`.
// Random bodies must get the same verdict, at the same place, with and without it.

#include "module_bytes.hpp"

#include <random>

namespace warpbeam::test {
namespace {

Bytes repeated(const Bytes& item, size_t count) {
    Bytes all;
    for (size_t i = 0; i < count; ++i)
        all = all + item;
    return all;
}

/// A number of that many bytes or more.
Bytes padded(uint64_t value, size_t size) {
    Bytes bytes = leb(value);
    while (bytes.size() < size) {
        bytes.back() = static_cast<uint8_t>(bytes.back() | 0x80);
        bytes.push_back(0);
    }
    return bytes;
}

constexpr uint32_t funcs = 300;
constexpr uint32_t globals = 130;

/// Everything that the instructions below may name: a module without its last section.
Bytes declarations(const Bytes& memories) {
    const Bytes import_list = leb(funcs - 1) + repeated(name("") + name("") + Bytes{0, 0}, 100) +
                              repeated(name("") + name("") + Bytes{0, 1}, 100) +
                              repeated(name("") + name("") + Bytes{0, 2}, 50) +
                              repeated(name("") + name("") + Bytes{0, 3}, funcs - 251);
    const Bytes global_list = leb(globals) + Bytes{i32, 1, 0x41, 0, end} + Bytes{i64, 0, 0x42, 0, end} +
                              Bytes{func_ref, 1, 0xd0, 0x70, end} + repeated({i32, 1, 0x41, 0, end}, 125) +
                              Bytes{i32, 0, 0x41, 0, end} + Bytes{i32, 1, 0x41, 0, end};
    return Binary{}
        .section(type, vec({func_type({}, {}), func_type({i32, i64}, {f32}), func_type({i32}, {i32, i32}),
                            func_type({i32, i32}, {v128}), func_type({i32}, {i32})}))
        .section(import, import_list)
        .section(function, {1, 4})
        .section(memory, memories)
        .section(global, global_list)
        .bytes;
}

/// The same, with a function that has a parameter, and locals up to the last one that the fast path knows and
/// beyond.
Bytes module_with(const Bytes& code, const Bytes& declarations) {
    static const Bytes locals = vec({{1, i64},
                                     {1, f32},
                                     {1, f64},
                                     {1, v128},
                                     {1, func_ref},
                                     {1, ref_to, 0x6c},
                                     {120, i32},
                                     {2, i64},
                                     {3, f64}});
    return declarations + Bytes{SectionId::code} + sized(vec({body(code, locals)}));
}

class Instructions {
public:
    explicit Instructions(uint32_t seed) : random_{seed} {}

    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_()) % bound; }
    uint8_t one_of(std::initializer_list<uint8_t> bytes) {
        return bytes.begin()[below(static_cast<uint32_t>(bytes.size()))];
    }
    /// Around what has one byte, and a few others.
    Bytes number(uint32_t bound) {
        const uint32_t value = below(4) != 0 ? below(6) : below(3) != 0 ? below(bound + 2) : 125 + below(6);
        return padded(value, below(8) != 0 ? 0 : 1 + below(6));
    }
    Bytes constant() {
        const size_t size = 1 + below(12);
        Bytes bytes(size, 0x80);
        for (uint8_t& byte : bytes)
            byte = static_cast<uint8_t>(below(3) == 0 ? 0xff : 0x80 | below(128));
        bytes.back() = one_of({0, 0, 1, 7, 8, 0x0f, 0x10, 0x3f, 0x40, 0x70, 0x77, 0x78, 0x7e, 0x7f});
        return bytes;
    }
    Bytes any() {
        switch (below(24)) {
        case 0:
        case 1:
        case 2:
            return Bytes{0x20} + number(127 + 6);
        case 3:
            return Bytes{one_of({0x21, 0x22})} + number(127 + 6);
        case 4:
        case 5:
            return Bytes{0x41} + (below(3) == 0 ? constant() : leb(below(64)));
        case 6:
            return Bytes{0x42} + (below(3) == 0 ? constant() : leb(below(64)));
        case 7:
            return below(2) == 0 ? Bytes{0x43} + Bytes(4, 0) : Bytes{0x44} + Bytes(8, 0);
        case 8:
        case 9:
        case 10:
            return {static_cast<uint8_t>(0x45 + below(0xc4 - 0x45 + 1))};
        case 11: // loads
            return Bytes{static_cast<uint8_t>(0x28 + below(14)), static_cast<uint8_t>(below(6))} + offset();
        case 12: // stores
            return Bytes{static_cast<uint8_t>(0x36 + below(9)), static_cast<uint8_t>(below(6))} + offset();
        case 13:
            return below(8) != 0 ? Bytes{0x28, 0x42} + number(3) + offset() : Bytes{0x1b};
        case 14:
        case 15:
            return {one_of({0x1a, 0x1b})};
        case 16:
        case 17:
            return Bytes{one_of({0x23, 0x24})} + number(globals);
        case 18:
        case 19:
            ++depth;
            return {one_of({0x02, 0x03, 0x04}),
                    one_of({0x40, 0x40, i32, i64, f32, f64, v128, func_ref, 0, 4})};
        case 20:
            if (depth == 0)
                return {0x01};
            --depth;
            return {end};
        case 21:
            return Bytes{one_of({0x0c, 0x0d, 0x0d})} + number(5);
        case 22:
            return Bytes{0x10} +
                   (below(3) == 0 ? padded(below(3) * 100 + below(60), 1 + below(6)) : number(funcs));
        default:
            return below(4) != 0 ? Bytes{0x41, 1} : Bytes{one_of({0x00, 0x01, 0x05, 0x0f, 0xd1})};
        }
    }

    uint32_t depth = 0;

private:
    Bytes offset() { return below(3) == 0 ? constant() : leb(below(300)); }

    std::mt19937 random_;
};

TEST(FastPath, has_the_verdicts_of_the_rules) {
    const std::string passed = "malformed: section size mismatch: code after the end of the function";
    const Bytes modules[] = {declarations(vec({})), declarations(vec({{0, 1}})), declarations(vec({{4, 1}})),
                             declarations(vec({{0, 1}, {4, 1}}))};
    size_t valid = 0, refused = 0;
    for (uint32_t seed = 0; seed < 200; ++seed) {
        Instructions next{seed};
        LoadOptions options = all_features();
        options.limits.nesting = seed % 5 == 0 ? 2 + seed % 7 : 100;
        options.limits.frame_slots = seed % 3 == 0 ? 140 + seed % 13 : 1000;
        if (seed % 11 == 0)
            options.features.disable(Feature::sign_extension);
        options.borrow = true;
        const Bytes& head = modules[seed % 4];
        Bytes code;
        for (int step = 0; step < 60; ++step) {
            const uint32_t depth = next.depth;
            const Bytes longer = code + next.any();
            // Once with what comes next unreachable, and once as it is.
            const Bytes ending =
                step % 2 == 0 ? Bytes{0x00} + Bytes(next.depth, end) : Bytes(next.depth, end);
            const std::string fast = fault(module_with(longer + ending, head), options);
            const std::string slow = fault(module_with(longer + ending + Bytes{end, 0x01}, head), options);
            if (fast == "valid") {
                ++valid;
                ASSERT_EQ(slow.substr(0, passed.size()), passed) << "seed " << seed << ", step " << step;
                code = longer;
                continue;
            }
            ++refused;
            next.depth = depth;
            // With vectors, the height of the stack is known only at the end.
            if (slow.starts_with(passed) && fast.starts_with("limit: the operand stack exceeds"))
                continue;
            // The longer body may move everything by a byte or two.
            ASSERT_EQ(fast.substr(0, fast.find(" @")), slow.substr(0, slow.find(" @")))
                << "seed " << seed << ", step " << step;
        }
    }
    EXPECT_GT(valid, 1500u);
    EXPECT_GT(refused, 1500u);
}

TEST(FastPath, has_the_verdicts_of_the_rules_on_every_small_stack) {
    // There are enough functions for any wrong reading of a long number.
    const Bytes imports = name("") + name("") + Bytes{0, 1} + name("") + name("") + Bytes{0, 2} + name("") +
                          name("") + Bytes{0, 3};
    const Bytes head =
        Binary{}
            .section(type, vec({func_type({}, {}), func_type({i32, i64}, {f32}), func_type({i32}, {i32, i32}),
                                func_type({f64, f64}, {}), func_type({i32}, {i32})}))
            .section(import, leb(150) + imports + repeated(name("") + name("") + Bytes{0, 0}, 147))
            .section(function, {1, 0})
            .section(memory, vec({{0, 1}}))
            .section(global, vec({Bytes{i32, 1, 0x41, 0, end}, Bytes{i64, 0, 0x42, 0, end}}))
            .bytes;
    const std::vector<Bytes> pushes{{0x41, 0},
                                    {0x42, 0},
                                    Bytes{0x43} + Bytes(4, 0),
                                    Bytes{0x44} + Bytes(8, 0),
                                    Bytes{0xfd, 12} + Bytes(16, 0),
                                    {0xd0, 0x70}};
    std::vector<Bytes> stacks{{}};
    for (size_t begin = 0, depth = 0; depth < 3; ++depth) {
        const size_t last = stacks.size();
        for (; begin < last; ++begin)
            for (const Bytes& push : pushes)
                stacks.push_back(stacks[begin] + push);
    }
    std::vector<Bytes> instructions;
    for (uint8_t op = 0x45; op <= 0xc4; ++op)
        instructions.push_back({op});
    for (uint8_t op = 0x28; op <= 0x35; ++op)
        instructions.push_back({op, 0, 0});
    const size_t with_few_operands = instructions.size();
    for (uint8_t op = 0x36; op <= 0x3e; ++op)
        instructions.push_back({op, 0, 0});
    for (const Bytes& other : {Bytes{0x1a},
                               Bytes{0x1b},
                               Bytes{0x20, 0},
                               Bytes{0x21, 0},
                               Bytes{0x22, 0},
                               Bytes{0x21, 1},
                               Bytes{0x23, 1},
                               Bytes{0x24, 0},
                               Bytes{0x24, 1},
                               Bytes{0x04, 0x40, end},
                               Bytes{0x02, i32, end},
                               Bytes{0x04, i32, end},
                               Bytes{0x02, 0x40, 0x0d, 0, end},
                               Bytes{0x02, i32, 0x0d, 0, 0x00, end},
                               Bytes{0x03, i32, 0x0d, 0, 0x00, end},
                               Bytes{0x0d, 0},
                               Bytes{0x0c, 0},
                               Bytes{0x10, 0},
                               Bytes{0x10, 1},
                               Bytes{0x10, 2},
                               Bytes{0x10} + padded(1, 2),
                               Bytes{0x10} + padded(1, 3),
                               Bytes{0x10} + padded(1, 4),
                               Bytes{0x10} + padded(1, 5),
                               Bytes{0x10} + padded(1, 6)})
        instructions.push_back(other);
    const Bytes locals{1, 1, f32};
    const auto verdict = [&](const Bytes& instructions_and_end) {
        return fault(head + Bytes{SectionId::code} + sized(vec({sized(locals + instructions_and_end)})));
    };
    const std::string passed = "malformed: section size mismatch: code after the end of the function";
    size_t valid = 0, refused = 0;
    for (size_t i = 0; i < instructions.size(); ++i)
        for (size_t j = 0; j < (i < with_few_operands ? 1 + 6 + 36 : stacks.size()); ++j) {
            // In a block, what is below must not be touched.
            for (const bool in_block : {false, true}) {
                if (in_block && j >= 1 + 6 + 36)
                    continue;
                const Bytes code =
                    stacks[j] +
                    (in_block ? Bytes{0x02, 0x40} + instructions[i] + Bytes{end} : instructions[i]) +
                    Bytes{0x00, end};
                const std::string fast = verdict(code), slow = verdict(code + Bytes{0x01});
                ++(fast == "valid" ? valid : refused);
                ASSERT_EQ(fast == "valid" ? passed : fast.substr(0, fast.find(" @")),
                          fast == "valid" ? slow.substr(0, passed.size()) : slow.substr(0, slow.find(" @")))
                    << "instruction " << i << ", stack " << j << (in_block ? ", in a block" : "");
            }
        }
    EXPECT_GT(valid, 1000u);
    EXPECT_GT(refused, 5000u);
}

} // namespace
} // namespace warpbeam::test
