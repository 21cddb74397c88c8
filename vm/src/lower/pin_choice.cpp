#include "lower/pin_choice.hpp"

#include <warpbeam/build.hpp>
#include <warpbeam/loader/instr_reader.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace warpbeam::vm {

namespace {

/// Loops nested deeper than this keep the pins of the enclosing loop, which limits the time.
constexpr size_t max_loop_depth = 12;
/// A local with fewer uses is not worth a register.
constexpr uint64_t min_weight = 2;

struct Use {
    uint32_t local;
    uint64_t weight;
};

/// The function, or a loop.
struct Region {
    size_t set;       ///< in PinChoice::sets
    size_t first_use; ///< the uses in this region start here
    uint32_t end;     ///< the number after its last parameter: those of inner loops follow
    size_t blocks;    ///< that are open around it, but inside the enclosing region
};

/// The bits of four bytes that say that a number in LEB128 goes on, as a number times four.
constexpr unsigned continuations_of(uint32_t bytes) noexcept {
    // Each of the sums that the product consists of has a bit of its own, so nothing is carried.
    return static_cast<unsigned>(uint64_t{bytes & 0x8080'8080} * 0x0102'0408 >> 29) & 0x3c;
}
/// For each opcode of one byte, how long the instruction is: four bits for each of the `continuations_of` the
/// four bytes after it, or 0 if more has to be known. One value that depends on few others, since where the
/// next instruction begins is what reading waits for.
constexpr auto lengths = [] {
    std::array<uint64_t, 256> table{};
    for (const InstrRow& row : instr_table) {
        const auto code = static_cast<uint32_t>(row.op);
        // One ends a block, and with the other the function may call itself.
        if (code >= table.size() || row.op == Op::delegate || row.op == Op::return_call)
            continue;
        unsigned fixed = 1;
        unsigned numbers = 0;
        bool is_one_byte = false; // the first number
        switch (row.imm) {
        case Imm::none:
            break;
        case Imm::label:
        case Imm::func:
        case Imm::type:
        case Imm::global:
        case Imm::table:
        case Imm::i32:
        case Imm::i64:
            numbers = 1;
            break;
        case Imm::local:
            numbers = 1;
            is_one_byte = true;
            break;
        case Imm::type_table:
        case Imm::mem_arg:
            numbers = 2;
            break;
        case Imm::f32:
            fixed += 4;
            break;
        case Imm::f64:
            fixed += 8;
            break;
        case Imm::block:
            if (row.op != Op::block && row.op != Op::if_)
                continue;
            numbers = 1;
            break;
        default: // rare
            continue;
        }
        for (unsigned ends = 0; ends < 16; ++ends) {
            unsigned at = 0;
            for (unsigned i = 0; i < numbers; ++i, ++at)
                while (at < 4 && (ends >> at & 1) == 0)
                    ++at;
            const bool is_known = at <= 4 && (!is_one_byte || at == 1);
            const unsigned place =
                continuations_of(((ends & 1) != 0 ? 0 : 0x80u) | ((ends & 2) != 0 ? 0 : 0x8000u) |
                                 ((ends & 4) != 0 ? 0 : 0x80'0000u) | ((ends & 8) != 0 ? 0 : 0x8000'0000u));
            table[code] |= uint64_t{is_known ? fixed + at : 0} << place;
        }
    }
    return table;
}();

/// What else counts of an instruction whose length is known.
struct Pass {
    uint8_t mask = 0; ///< if these bits of the next byte
    uint8_t odd = 1;  ///< are these, it is not that simple
    uint8_t uses = 0; ///< 1 if the next byte is a local,
    int8_t opens = 0; ///< 1 if it begins a block, and -1 if it ends one
};
constexpr auto passes = [] {
    std::array<Pass, 256> table{};
    for (const InstrRow& row : instr_table) {
        const auto code = static_cast<uint32_t>(row.op);
        if (code >= table.size())
            continue;
        Pass& pass = table[code];
        if (row.imm == Imm::local)
            pass.uses = 1;
        if (row.imm == Imm::mem_arg)
            pass.mask = pass.odd = mem_arg_flag::memory;
        if (row.op == Op::end)
            pass.opens = -1;
        // The type of a block may be a reference to a heap type, which is another number.
        if (row.op == Op::block || row.op == Op::if_)
            pass = {.mask = 0xf8, .odd = type_code::ref & 0xf8, .opens = 1};
    }
    return table;
}();
static_assert((type_code::ref & 0xf8) == (type_code::ref_null & 0xf8));

class Chooser {
public:
    Chooser(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
            bool params_can_be_pinned, PinChoice& choice) noexcept
        : params_can_be_pinned_{params_can_be_pinned}, module_{module}, body_{body}, code_{body.code},
          kinds_{kinds}, choice_{choice}, uses_{choice.sets.allocator()}, regions_{choice.sets.allocator()},
          parents_{choice.sets.allocator()}, counts_{choice.sets.allocator()} {}

    bool run() noexcept {
        if (!counts_.resize(kinds_.size()) || !open())
            return false;
        while (!code_.empty())
            if (!pass_simple() || !read_one())
                return false;
        return inherit();
    }

private:
    /// Passes over instructions up to one that needs more than that. Which instruction comes next is hard to
    /// predict, so there are hardly any branches.
    bool pass_simple() noexcept {
        const uint8_t* at = code_.data();
        // The longest that is passed over is a constant of eight bytes.
        const uint8_t* const last = at + code_.size() - std::min<size_t>(code_.size(), 1 + sizeof(uint64_t));
        const uint64_t weight = weight_;
        auto blocks = static_cast<int64_t>(blocks_);
        while (at < last) {
            const size_t room = static_cast<size_t>(last - at);
            if (!uses_.reserve_more(std::min<size_t>(room, 256)))
                return false;
            const uint8_t* const end = at + std::min<size_t>(room, 256);
            Use* use = uses_.end();
            bool stops = false;
            while (at < end) {
                uint32_t next;
                std::memcpy(&next, at + 1, sizeof next);
                if constexpr (std::endian::native == std::endian::big)
                    next = std::byteswap(next);
                const auto length = static_cast<unsigned>(lengths[*at] >> continuations_of(next)) & 15;
                const Pass pass = passes[*at];
                const auto byte = static_cast<uint8_t>(next);
                stops = (length == 0) | ((byte & pass.mask) == pass.odd) | (blocks + pass.opens < 0);
                if (stops)
                    break;
                *use = {byte, weight};
                use += pass.uses;
                blocks += pass.opens;
                at += length;
            }
            uses_.set_end(use);
            if (stops)
                break;
        }
        blocks_ = static_cast<size_t>(blocks);
        code_ = code_.last(static_cast<size_t>(code_.data() + code_.size() - at));
        return true;
    }

    /// Reads any instruction. There is one: `pass_simple` stops at the `end` of the function.
    bool read_one() noexcept {
        InstrReader reader{module_, code_};
        const Op op = reader.op();
        bool done = true;
        switch (op) {
        case Op::block:
        case Op::if_:
        case Op::try_:
        case Op::try_table:
            ++blocks_;
            break;
        case Op::loop:
            done = open() && add_params(reader.block_type());
            code_ = code_.subspan(reader.offset());
            return done;
        case Op::return_call: {
            const uint32_t func = reader.u32();
            choice_.calls_itself |= func >= module_.imported_funcs() &&
                                    &module_.bodies()[func - module_.imported_funcs()] == &body_;
            code_ = code_.subspan(reader.offset());
            return true;
        }
        case Op::delegate:
        case Op::end:
            if (blocks_ != 0)
                --blocks_;
            else
                close();
            break;
        case Op::local_get:
        case Op::local_set:
        case Op::local_tee: {
            done = uses_.push({reader.u32(), weight_});
            code_ = code_.subspan(reader.offset());
            return done;
        }
        default:
            break;
        }
        reader.skip(row_of(op).imm);
        code_ = code_.subspan(reader.offset());
        return done;
    }

    bool open() noexcept {
        const Region region{choice_.sets.size(), uses_.size(), local_count(), std::exchange(blocks_, 0)};
        if (!choice_.sets.push({}) || !parents_.push(current_) || !choice_.first_params.push(local_count()))
            return false;
        current_ = region.set;
        ++loop_depth_;
        weigh();
        return regions_.push(region);
    }

    [[nodiscard]] uint32_t local_count() const noexcept {
        return static_cast<uint32_t>(kinds_.size() + choice_.params.size());
    }
    [[nodiscard]] Kind kind_of(uint32_t local) const noexcept {
        return local < kinds_.size() ? kinds_[local] : choice_.params[local - kinds_.size()];
    }

    /// Each round sets a parameter, and uses it at least once.
    bool add_params(const BlockType& type) noexcept {
        if (type.params() > max_params_to_pin)
            return true;
        bool can_be_pinned = params_can_be_pinned_;
        for (size_t i = 0; i < type.params(); ++i)
            can_be_pinned &= type.param(i) != ValType::ref && type.param(i) != ValType::v128;
        for (size_t i = 0; i < type.params(); ++i)
            if (!uses_.push({local_count(), 2 * uint64_t{weight_}}) || !counts_.push(0) ||
                !choice_.params.push(can_be_pinned ? type.param(i) : Kind{ValType::bot}))
                return false;
        regions_.back().end = local_count();
        return true;
    }

    void close() noexcept {
        const Region region = regions_.back();
        regions_.pop();
        blocks_ = region.blocks;
        if (loop_depth_ <= max_loop_depth)
            choose(region);
        current_ = parents_[region.set];
        --loop_depth_;
        weigh();
    }

    void weigh() noexcept {
        weight_ = 1u << (3 * std::min<size_t>(loop_depth_ == 0 ? 0 : loop_depth_ - 1, 6));
    }

    void choose(const Region& region) noexcept {
        // From here on, each local is one use: enclosing loops need not count the same again.
        size_t count = 0;
        const std::span<Use> uses{uses_.begin() + region.first_use, uses_.end()};
        for (const Use use : uses) {
            uint64_t& weight = counts_[use.local];
            uses[count].local = use.local;
            count += weight == 0 ? 1 : 0;
            weight += use.weight;
        }
        uses_.truncate(region.first_use + count);
        PinSet& set = choice_.sets[region.set];
        uint64_t weights[3] = {};
        for (Use& use : uses.first(count)) {
            const uint64_t weight = use.weight = std::exchange(counts_[use.local], 0);
            if (weight < min_weight || use.local >= region.end)
                continue;
            const Kind kind = kind_of(use.local);
            // Pins are reloaded as 64 bits, from a slot that a number of 16 bits names.
            if (kind == ValType::v128 || kind == ValType::bot)
                continue;
            if (is_float_kind(kind)) {
                if (weight > weights[2]) {
                    weights[2] = weight;
                    set.f0 = use.local;
                }
            } else if (weight > weights[0]) {
                weights[1] = weights[0];
                set.l1 = set.l0;
                weights[0] = weight;
                set.l0 = use.local;
            } else if (weight > weights[1]) {
                weights[1] = weight;
                set.l1 = use.local;
            }
        }
    }

    /// From the outside in: takes over the enclosing loop's pins where nothing speaks against it.
    bool inherit() noexcept {
        if (!choice_.entered_from_other_pins.resize(choice_.sets.size()))
            return false;
        for (size_t i = 1; i < choice_.sets.size(); ++i) {
            PinSet& set = choice_.sets[i];
            const PinSet& outer = choice_.sets[parents_[i]];
            if (set.l0 == outer.l1 || set.l1 == outer.l0)
                std::swap(set.l0, set.l1);
            if (set.l0 == PinSet::none && outer.l0 != set.l1)
                set.l0 = outer.l0;
            if (set.l1 == PinSet::none && outer.l1 != set.l0)
                set.l1 = outer.l1;
            if (set.f0 == PinSet::none)
                set.f0 = outer.f0;
            if (set == outer)
                continue; // then the enclosing loop has decided
            for (size_t around = i; around != 0;) {
                around = parents_[around];
                if (choice_.sets[around] != set)
                    choice_.entered_from_other_pins[around] = 1;
            }
        }
        return true;
    }

    const bool params_can_be_pinned_;
    const Module& module_;
    const FuncBody& body_;
    std::span<const uint8_t> code_; ///< what is still to be read
    std::span<const Kind> kinds_;
    PinChoice& choice_;
    Vec<Use> uses_;
    Vec<Region> regions_;
    Vec<size_t> parents_; ///< by set
    Vec<uint64_t> counts_;
    size_t current_ = 0;
    size_t loop_depth_ = 0;
    size_t blocks_ = 0;   ///< that are open inside the innermost loop
    uint32_t weight_ = 1; ///< of a use at this depth
};

} // namespace

bool choose_pins(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
                 bool params_can_be_pinned, PinChoice& choice) noexcept {
    if (is_small || body.code.size() > large_body)
        return choice.sets.push({}) && choice.entered_from_other_pins.push(0) &&
               choice.first_params.push(static_cast<uint32_t>(kinds.size()));
    return Chooser{module, body, kinds, params_can_be_pinned, choice}.run();
}

} // namespace warpbeam::vm
