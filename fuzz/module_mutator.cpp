#include "module_mutator.hpp"

#include <warpbeam/loader/byte_reader.hpp>
#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/loader/section_table.hpp>

#include <algorithm>

namespace warpbeam::fuzz {
namespace {

constexpr auto code_id = static_cast<uint8_t>(SectionId::code);
/// By how much a part may grow at a time.
constexpr size_t growth = 64;

void append(Bytes& to, std::span<const uint8_t> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

template <typename T>
void append_number(Bytes& to, T value) {
    uint8_t bytes[max_leb128];
    append(to, {bytes, encode_leb128(value, bytes)});
}

void append_sized(Bytes& to, std::span<const uint8_t> bytes) {
    append_number(to, bytes.size());
    append(to, bytes);
}

Bytes copy_of(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

/// Where an instruction is: its opcode, its immediates.
struct InstrPlace {
    size_t begin;
    size_t immediates;
    size_t end;
    Op op;
};

/// All instructions of a function, without the `end` of its body.
std::vector<InstrPlace> places_of(std::span<const uint8_t> code) {
    std::vector<InstrPlace> places;
    CodeReader<ValidBytes> in{code};
    while (!in.done()) {
        const size_t begin = in.offset();
        const Op op = in.op();
        const size_t immediates = in.offset();
        (void)in.skip(row_of(op).imm);
        places.push_back({begin, immediates, in.offset(), op});
    }
    places.pop_back();
    return places;
}

void append_op(Bytes& to, Op op) {
    const auto code = static_cast<uint32_t>(op);
    if (code < 0x100) {
        to.push_back(static_cast<uint8_t>(code));
        return;
    }
    to.push_back(static_cast<uint8_t>(code >> 12));
    append_number(to, code & sub_opcode_limit);
}

/// Numbers at which something changes.
constexpr int64_t numbers[] = {0,     1,     2,     -1,        -2,        31,         32,        63,       64,
                               65535, 65536, 65537, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN};

/// Appends immediates with `number` in them: a constant, or the last index, which then has one byte.
void append_immediates(Bytes& to, Imm imm, std::span<const uint8_t> immediates, int64_t number) {
    if (imm == Imm::i32)
        return append_number(to, static_cast<int32_t>(number));
    if (imm == Imm::i64)
        return append_number(to, number);
    const size_t begin = to.size();
    append(to, immediates);
    if (imm == Imm::f32 || imm == Imm::f64 || imm == Imm::v128 || imm == Imm::lanes)
        for (size_t i = 0; i < sizeof number && i < immediates.size(); ++i)
            to[begin + i] = static_cast<uint8_t>(number >> (8 * i));
    else if (!immediates.empty())
        to[to.size() - 1] = static_cast<uint8_t>(number & 0x7f);
}

} // namespace

std::vector<Section> split_sections(std::span<const uint8_t> module) {
    std::vector<Section> sections;
    if (module.size() < sizeof binary_header ||
        !std::ranges::equal(module.first(sizeof binary_header), binary_header))
        return {};
    ByteReader in{module.subspan(sizeof binary_header)};
    while (!in.at_end()) {
        Section section{};
        std::span<const uint8_t> contents;
        if (in.byte(section.id) != LebFault::none || in.sized(contents) != LebFault::none)
            return {};
        section.contents = copy_of(contents);
        sections.push_back(std::move(section));
    }
    return sections;
}

Bytes join_sections(const std::vector<Section>& sections) {
    Bytes module = copy_of(binary_header);
    for (const Section& section : sections) {
        module.push_back(section.id);
        append_sized(module, section.contents);
    }
    return module;
}

std::vector<Bytes> split_sized(std::span<const uint8_t> contents) {
    std::vector<Bytes> elements;
    ByteReader in{contents};
    uint32_t count = 0;
    if (in.number(count) != LebFault::none)
        return {};
    for (; count != 0; --count) {
        std::span<const uint8_t> element;
        if (in.sized(element) != LebFault::none)
            return {};
        elements.push_back(copy_of(element));
    }
    return in.at_end() ? elements : std::vector<Bytes>{};
}

Bytes join_sized(const std::vector<Bytes>& elements) {
    Bytes contents;
    append_number(contents, elements.size());
    for (const Bytes& element : elements)
        append_sized(contents, element);
    return contents;
}

void ModuleMutator::change_any(Bytes& bytes) {
    const size_t size = bytes.size();
    bytes.resize(size + growth);
    bytes.resize(change_bytes_(bytes.data(), size, bytes.size()));
}

void ModuleMutator::change_order(std::vector<Section>& sections) {
    const auto at = sections.begin() + static_cast<ptrdiff_t>(below(sections.size()));
    const auto other = sections.begin() + static_cast<ptrdiff_t>(below(sections.size()));
    switch (below(4)) {
    case 0:
        sections.erase(at);
        break;
    case 1: {
        const Section copy = *at;
        sections.insert(other, copy);
        break;
    }
    case 2:
        std::iter_swap(at, other);
        break;
    default:
        // A custom section may be anywhere, any number of times.
        sections.insert(at, {0, other->contents});
    }
}

void ModuleMutator::change_bodies(Bytes& code) {
    std::vector<Bytes> bodies = split_sized(code);
    if (bodies.empty())
        return change_any(code);
    Bytes& body = bodies[below(bodies.size())];
    if (below(4) == 0)
        body = bodies[below(bodies.size())];
    else
        change_any(body);
    code = join_sized(bodies);
}

/// An instruction of which that is true.
template <typename Condition>
std::optional<Op> ModuleMutator::any_of(Condition condition) {
    std::optional<Op> chosen;
    size_t count = 0;
    for (const InstrRow& row : instr_table)
        if (condition(row) && below(++count) == 0)
            chosen = row.op;
    return chosen;
}

/// Changes an instruction of a module that is valid; false, and nothing is changed, if that can't be done.
bool ModuleMutator::change_instrs(Bytes& module) {
    const auto loaded = Module::load(module, {.features = FeatureSet::all(), .borrow = true});
    if (!loaded || loaded->bodies().empty())
        return false;
    const size_t index = below(loaded->bodies().size());
    const std::span<const uint8_t> code = loaded->bodies()[index].code;
    const std::vector<InstrPlace> places = places_of(code);
    if (places.empty())
        return false;
    const InstrPlace& at = places[below(places.size())];
    const InstrRow& row = row_of(at.op);
    const auto immediates = code.subspan(at.immediates, at.end - at.immediates);
    Bytes changed = copy_of(code.first(at.begin));
    size_t rest = at.end;
    switch (below(8)) {
    case 0: // leave it out
        break;
    case 1:
    case 2: { // another one of the same type and immediates
        const auto op = any_of([&](const InstrRow& each) {
            return each.sig == row.sig && each.imm == row.imm && each.op != at.op;
        });
        if (!op)
            return false;
        append_op(changed, *op);
        append(changed, immediates);
        break;
    }
    case 3:
    case 4: // another number after the opcode
        append(changed, code.subspan(at.begin, at.immediates - at.begin));
        append_immediates(changed, row.imm, immediates, numbers[below(std::size(numbers))]);
        break;
    case 5:
    case 6: { // one after it that changes its result
        const auto op = any_of([&](const InstrRow& each) {
            return each.sig == Sig{1, {row.sig.out}, row.sig.out} && each.imm == Imm::none;
        });
        if (row.sig == sig::special || row.sig.out == Sig::none || !op)
            return false;
        append(changed, code.subspan(at.begin, at.end - at.begin));
        append_op(changed, *op);
        break;
    }
    default: { // some from elsewhere in the module, before it or in its place
        const std::span<const uint8_t> other = loaded->bodies()[below(loaded->bodies().size())].code;
        const std::vector<InstrPlace> others = places_of(other);
        if (others.empty())
            return false;
        const size_t first = below(others.size());
        const size_t last = std::min(others.size() - 1, first + below(6));
        append(changed, other.subspan(others[first].begin, others[last].end - others[first].begin));
        if (below(2) == 0)
            rest = at.begin;
    }
    }
    append(changed, code.subspan(rest));

    std::vector<Section> sections = split_sections(module);
    Bytes& contents = std::ranges::find(sections, code_id, &Section::id)->contents;
    std::vector<Bytes> bodies = split_sized(contents);
    // Locals are before the code in its body, and are left alone.
    bodies[index].resize(bodies[index].size() - code.size());
    append(bodies[index], changed);
    contents = join_sized(bodies);
    module = join_sections(sections);
    return true;
}

Bytes ModuleMutator::mutate(std::span<const uint8_t> module) {
    Bytes bytes = copy_of(module);
    std::vector<Section> sections = split_sections(module);
    const size_t kind = below(16);
    if (sections.empty() || kind == 0) {
        change_any(bytes);
        return bytes;
    }
    if (kind >= 8 && change_instrs(bytes))
        return bytes;
    if (kind == 1) {
        change_order(sections);
        return join_sections(sections);
    }
    const auto code = std::ranges::find(sections, code_id, &Section::id);
    if (kind % 2 == 0 && code != sections.end())
        change_bodies(code->contents);
    else
        change_any(sections[below(sections.size())].contents);
    return join_sections(sections);
}

Bytes ModuleMutator::cross(std::span<const uint8_t> module, std::span<const uint8_t> other) {
    std::vector<Section> sections = split_sections(module);
    const std::vector<Section> others = split_sections(other);
    if (sections.empty() || others.empty())
        return {};
    const Section& from = others[below(others.size())];
    const auto same = std::ranges::find(sections, from.id, &Section::id);
    if (same == sections.end()) {
        // Where it may be.
        const auto rank = [](uint8_t id) {
            return id < std::size(section_table) ? section_table[id].rank : 0;
        };
        const auto at = std::ranges::find_if(
            sections, [&](const Section& each) { return rank(each.id) > rank(from.id); });
        sections.insert(at, from);
    } else if (from.id != code_id) {
        same->contents = from.contents;
    } else {
        // As many functions as before, some of them the other module's.
        std::vector<Bytes> bodies = split_sized(same->contents);
        const std::vector<Bytes> other_bodies = split_sized(from.contents);
        for (Bytes& body : bodies)
            if (!other_bodies.empty() && below(2) == 0)
                body = other_bodies[below(other_bodies.size())];
        same->contents = join_sized(bodies);
    }
    return join_sections(sections);
}

} // namespace warpbeam::fuzz
