#include "lower/pin_choice.hpp"

#include <warpbeam/loader/instr_reader.hpp>

#include <algorithm>

namespace warpbeam::vm {

namespace {

/// Loops nested deeper than this keep the pins of the enclosing loop, which limits the time.
constexpr size_t max_loop_depth = 12;
/// A local with fewer uses is not worth a register.
constexpr uint64_t min_weight = 2;

struct Use {
    uint32_t local;
    uint32_t weight;
};

struct Region {
    size_t set;       ///< in PinChoice::sets
    size_t first_use; ///< the uses in this region start here
    bool is_loop;
    uint32_t end; ///< the number after the last local and parameter that it has: those of inner loops follow
};

class Chooser {
public:
    Chooser(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
            bool params_can_be_pinned, PinChoice& choice) noexcept
        : params_can_be_pinned_{params_can_be_pinned}, module_{module}, body_{body},
          reader_{module, body.code}, kinds_{kinds}, choice_{choice}, uses_{choice.sets.allocator()},
          regions_{choice.sets.allocator()}, parents_{choice.sets.allocator()},
          counts_{choice.sets.allocator()} {}

    bool run() noexcept {
        if (!counts_.resize(kinds_.size()) || !open(true))
            return false;
        while (!reader_.done()) {
            const Op op = reader_.op();
            switch (op) {
            case Op::block:
            case Op::if_:
            case Op::try_:
            case Op::try_table:
                if (!open(false))
                    return false;
                break;
            case Op::loop: {
                const BlockType type = reader_.block_type();
                if (!open(true) || !add_params(type))
                    return false;
                regions_.back().end = local_count();
                continue;
            }
            case Op::delegate:
            case Op::end:
                close();
                break;
            case Op::local_get:
            case Op::local_set:
            case Op::local_tee: {
                if (!uses_.push({reader_.u32(), weight()}))
                    return false;
                continue;
            }
            case Op::return_call: {
                const uint32_t func = reader_.u32();
                choice_.calls_itself |= func >= module_.imported_funcs() &&
                                        &module_.bodies()[func - module_.imported_funcs()] == &body_;
                continue;
            }
            default:
                break;
            }
            reader_.skip(row_of(op).imm);
        }
        return inherit();
    }

private:
    bool open(bool is_loop) noexcept {
        Region region{0, uses_.size(), is_loop, local_count()};
        if (is_loop) {
            region.set = choice_.sets.size();
            if (!choice_.sets.push({}) || !parents_.push(current_) ||
                !choice_.first_params.push(local_count()))
                return false;
            current_ = region.set;
            ++loop_depth_;
        }
        return regions_.push(region);
    }

    [[nodiscard]] uint32_t weight() const noexcept {
        return 1u << (3 * std::min<size_t>(loop_depth_ - 1, 6));
    }
    [[nodiscard]] uint32_t local_count() const noexcept {
        return static_cast<uint32_t>(kinds_.size() + choice_.params.size());
    }
    [[nodiscard]] Kind kind_of(uint32_t local) const noexcept {
        return local < kinds_.size() ? kinds_[local] : choice_.params[local - kinds_.size()];
    }

    /// Each round sets a parameter, and uses it at least once.
    bool add_params(const BlockType& type) noexcept {
        bool can_be_pinned = params_can_be_pinned_;
        for (size_t i = 0; i < type.params(); ++i)
            can_be_pinned &= type.param(i) != ValType::ref && type.param(i) != ValType::v128;
        for (size_t i = 0; i < type.params(); ++i)
            if (!uses_.push({local_count(), 2 * weight()}) || !counts_.push(0) ||
                !choice_.params.push(can_be_pinned ? type.param(i) : Kind{ValType::bot}))
                return false;
        return true;
    }

    void close() noexcept {
        const Region region = regions_.back();
        regions_.pop();
        if (!region.is_loop)
            return;
        if (loop_depth_ <= max_loop_depth)
            choose(region);
        current_ = parents_[region.set];
        --loop_depth_;
    }

    void choose(const Region& region) noexcept {
        const std::span<const Use> uses{uses_.begin() + region.first_use, uses_.end()};
        for (const Use& use : uses)
            counts_[use.local] += use.weight;
        PinSet& set = choice_.sets[region.set];
        uint64_t weights[3] = {};
        for (const Use& use : uses) {
            const uint64_t weight = std::exchange(counts_[use.local], 0);
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
    InstrReader reader_;
    std::span<const Kind> kinds_;
    PinChoice& choice_;
    Vec<Use> uses_;
    Vec<Region> regions_;
    Vec<size_t> parents_; ///< by set
    Vec<uint64_t> counts_;
    size_t current_ = 0;
    size_t loop_depth_ = 0;
};

} // namespace

bool choose_pins(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
                 bool params_can_be_pinned, PinChoice& choice) noexcept {
    if (body.code.size() > large_body)
        return choice.sets.push({}) && choice.entered_from_other_pins.push(0) &&
               choice.first_params.push(static_cast<uint32_t>(kinds.size()));
    return Chooser{module, body, kinds, params_can_be_pinned, choice}.run();
}

} // namespace warpbeam::vm
