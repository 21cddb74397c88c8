#include "trace.hpp"

#include "call_tree.hpp"
#include "command.hpp"
#include "platform.hpp"
#include "values.hpp"

#include <warpbeam/loader/instr_reader.hpp>

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace warpbeam::cli {

// ---- What is asked for ----

namespace {

/// Where the first item of a list ends. Names of C++ have commas between brackets.
size_t end_of_item(std::string_view list) {
    size_t depth = 0;
    for (size_t i = 0; i < list.size(); ++i)
        if (list[i] == '(' || list[i] == '<')
            ++depth;
        else if ((list[i] == ')' || list[i] == '>') && depth > 0)
            --depth;
        else if (list[i] == ',' && depth == 0)
            return i;
    return std::string_view::npos;
}

/// The name of a C++ function without its parameters: `f` for `f(int, (anonymous namespace)::T) const`.
std::string_view without_params(std::string_view name) {
    size_t depth = 0;
    for (size_t at = name.rfind(')'); at < name.size(); --at) {
        depth += name[at] == ')' ? 1 : 0;
        depth -= name[at] == '(' ? 1 : 0;
        if (depth == 0)
            return name.substr(0, at);
    }
    return name;
}

} // namespace

FuncFilter::FuncFilter(std::string_view text) {
    while (true) {
        const size_t comma = end_of_item(text);
        if (text.substr(0, comma).empty())
            throw UsageError("a function's name or index is missing");
        items_.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos)
            return;
        text.remove_prefix(comma + 1);
    }
}

namespace {

/// Whether `*` in the pattern can stand for characters so that it is the text. Takes time in proportion to
/// both, since only the last `*` has to be tried again.
bool matches_pattern(std::string_view pattern, std::string_view text) {
    size_t p = 0;
    size_t star = std::string_view::npos;
    size_t mark = 0;
    for (size_t t = 0; t < text.size();) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    return pattern.substr(p).find_first_not_of('*') == std::string_view::npos;
}

} // namespace

bool FuncFilter::matches(const Module& module, uint32_t func) const {
    const std::string name = raw_name(module, func);
    const std::string_view short_name = without_params(name);
    const std::string index = std::to_string(func);
    return std::ranges::any_of(items_, [&](const std::string& item) {
        return item == index || (!name.empty() && matches_pattern(item, name)) ||
               (!short_name.empty() && matches_pattern(item, short_name)) || item == "*";
    });
}

uint64_t parse_address(std::string_view text) {
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    const std::string_view digits = text.substr(is_hex ? 2 : 0);
    uint64_t number = 0;
    const auto [end, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, is_hex ? 16 : 10);
    if (digits.empty() || fault != std::errc{} || end != digits.data() + digits.size())
        throw UsageError("'" + std::string(text) +
                         "' is not an address (a number, or 0x and a hexadecimal one)");
    return number;
}

AddressRange parse_range(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        throw UsageError("'" + std::string(text) + "' has no colon between two addresses");
    const AddressRange range{parse_address(text.substr(0, colon)), parse_address(text.substr(colon + 1))};
    if (range.from >= range.to)
        throw UsageError("the range is empty: the first address must be below the second");
    return range;
}

// ---- Values ----

namespace {

/// A value, and the slots that it takes.
std::string print_slots(ValType type, const uint64_t*& slots) {
    const uint64_t* const at = slots;
    slots += type == ValType::v128 ? 2 : 1;
    switch (type.kind()) {
    case ValType::i32:
        return print_value(Value{static_cast<int32_t>(*at)});
    case ValType::i64:
        return print_value(Value{static_cast<int64_t>(*at)});
    case ValType::f32:
        return print_value(Value{std::bit_cast<float>(static_cast<uint32_t>(*at))});
    case ValType::f64:
        return print_value(Value{std::bit_cast<double>(*at)});
    case ValType::v128:
        return print_value(Value::from_slots(type, at));
    default:
        return *at == 0 ? "null" : "reference";
    }
}

template <typename Types>
std::string print_all(const Types& types, const uint64_t* slots) {
    std::string text;
    for (const ValType type : types) {
        text += text.empty() ? "" : ", ";
        text += print_slots(type, slots);
    }
    return text;
}

std::string hex(uint64_t number) {
    char buffer[24];
    std::snprintf(buffer, sizeof buffer, "0x%" PRIx64, number);
    return buffer;
}

/// Bytes in memory, as the number that they are.
std::string print_bytes(std::span<const uint8_t> bytes) {
    constexpr size_t most = 16;
    std::string text = "0x";
    if (bytes.size() > most)
        return "(" + std::to_string(bytes.size()) + " bytes)";
    for (size_t i = bytes.size(); i-- > 0;) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
        text += digits;
    }
    return text;
}

/// One access of an instruction.
struct Access {
    bool is_store = false;
    uint32_t memory = 0;
    uint64_t address = 0;
    uint64_t bytes = 0;
    std::string value; ///< of a store; a load reads what is in memory
    [[nodiscard]] bool touches(const AddressRange& range) const {
        return address < range.to && (range.from <= address ? bytes != 0 : range.from - address < bytes);
    }
};

uint64_t sum(uint64_t address, uint64_t offset) {
    return address > UINT64_MAX - offset ? UINT64_MAX : address + offset;
}

/// An operand that is an address or a number of bytes.
uint64_t index_of(const Module& module, uint32_t memory, uint64_t slot) {
    return module.memories()[memory].limits.is_64 ? slot : static_cast<uint32_t>(slot);
}

ValType type_of(Sig::Type type) {
    switch (type) {
    case Sig::i32:
        return ValType::i32;
    case Sig::f32:
        return ValType::f32;
    case Sig::f64:
        return ValType::f64;
    case Sig::v128:
        return ValType::v128;
    default:
        return ValType::i64;
    }
}

/// What the instruction of an event does to memories.
std::vector<Access> accesses_of(const Module& module, const Observation& event, Op& op) {
    InstrReader reader{module, module.bytes().subspan(event.offset())};
    op = reader.op();
    const uint64_t* const operands = event.operands();
    switch (op) {
    case Op::memory_fill: {
        const uint32_t memory = reader.u32();
        return {{true, memory, index_of(module, memory, operands[0]), index_of(module, memory, operands[2]),
                 hex(operands[1] & 0xff) + " in each byte"}};
    }
    case Op::memory_init: {
        (void)reader.u32();
        const uint32_t memory = reader.u32();
        return {{true, memory, index_of(module, memory, operands[0]), static_cast<uint32_t>(operands[2]),
                 "from a data segment"}};
    }
    case Op::memory_copy: {
        const uint32_t to = reader.u32();
        const uint32_t from = reader.u32();
        const bool is_64 = module.memories()[to].limits.is_64 && module.memories()[from].limits.is_64;
        const uint64_t bytes = is_64 ? operands[2] : static_cast<uint32_t>(operands[2]);
        const uint64_t source = index_of(module, from, operands[1]);
        return {{false, from, source, bytes, {}},
                {true, to, index_of(module, to, operands[0]), bytes, "from " + hex(source)}};
    }
    default:
        break;
    }
    const MemArg arg = reader.mem_arg();
    const InstrRow& row = row_of(op);
    Access access{false,
                  arg.memory,
                  sum(index_of(module, arg.memory, operands[0]), arg.offset),
                  uint64_t{1} << row.access_log2,
                  {}};
    // The bytes of a lane are in the vector.
    if (row.imm == Imm::mem_arg_lane) {
        const uint8_t lane = reader.byte();
        access.is_store = row.sig.out == Sig::none;
        const V128 vector = Value::from_slots(ValType::v128, operands + 1).as<V128>();
        if (access.is_store && (lane + 1U) * access.bytes <= vector.bytes.size())
            access.value = print_bytes(std::span{vector.bytes}.subspan(
                lane * static_cast<size_t>(access.bytes), static_cast<size_t>(access.bytes)));
        return {access};
    }
    access.is_store = row.sig.out == Sig::none;
    // The operand of a store; atomic instructions that give the old value have some, too.
    const uint64_t* slots = operands + 1;
    for (size_t i = 1; i < row.sig.arity; ++i) {
        access.value += i > 1 ? ", " : "";
        access.value += print_slots(type_of(row.sig.in[i]), slots);
    }
    return {access};
}

} // namespace

// ---- Lines ----

bool Tracer::wants(const Module& module, uint32_t func) {
    if (!settings_.filter)
        return true;
    if (func >= module.funcs().size())
        return false;
    if (wanted_.empty())
        wanted_.assign(module.funcs().size(), 0);
    if (wanted_[func] == 0)
        wanted_[func] = settings_.filter->matches(module, func) ? 2 : 1;
    return wanted_[func] == 2;
}

void Tracer::flush() {
    write_error(pending_);
    pending_.clear();
}

void Tracer::line(size_t indent, std::string_view text) {
    // Deep recursion must not make lines longer and longer.
    constexpr size_t deepest = 40;
    pending_.append(2 * std::min(indent, deepest), ' ');
    if (indent > deepest)
        pending_ += "(" + std::to_string(indent) + ") ";
    pending_ += text;
    pending_ += '\n';
    constexpr size_t much = 1 << 16;
    if (pending_.size() > much)
        flush();
}

void Tracer::print_left(const ShadowStacks::Left& left) {
    if (left.frame.shown)
        line(left.indent, "< " + display_name(module_, left.frame.func) + " was left by an exception");
}

void Tracer::observe(const Observation& observation) {
    if (const Module module = observation.module(); module != module_) {
        module_ = module;
        wanted_.clear();
    }
    if (observation.event() == Observed::access)
        trace_access(observation);
    else
        trace_call(observation);
}

void Tracer::trace_call(const Observation& observation) {
    const Module module = observation.module();
    const uint32_t func = observation.func();
    const bool shown = settings_.calls && wants(module, func);
    stacks_.synchronise(observation, [this](const ShadowStacks::Left& left) { print_left(left); });
    if (observation.event() == Observed::enter) {
        has_shown_ |= shown;
        if (shown)
            line(stacks_.shown(), "> " + display_name(module, func) + "(" +
                                      print_all(observation.type().params, observation.operands()) + ")");
        stacks_.push(observation, func, shown);
        // What the host function prints comes after what has led to it.
        if (observation.is_host())
            flush();
        return;
    }
    stacks_.pop(observation);
    if (!shown)
        return;
    std::string text = "< " + display_name(module, func);
    if (observation.event() == Observed::tail_call) {
        text += " becomes the next call";
    } else if (const FuncType type = observation.type(); !type.results.empty()) {
        text += " = " + print_all(type.results, observation.operands());
    }
    line(stacks_.shown(), text);
}

void Tracer::trace_access(const Observation& observation) {
    const Module module = observation.module();
    if (settings_.calls)
        stacks_.synchronise(observation, [this](const ShadowStacks::Left& left) { print_left(left); });
    Op op{};
    for (const Access& access : accesses_of(module, observation, op)) {
        if (!access.touches(*settings_.memory))
            continue;
        const std::span<const uint8_t> memory = observation.memory(access.memory);
        const bool is_inside =
            access.bytes <= memory.size() && access.address <= memory.size() - access.bytes;
        std::string text = "* " + display_name(module, observation.func()) + " at " +
                           hex(observation.offset()) + ": " + std::string(row_of(op).text()) + " " +
                           hex(access.address) + ", " + std::to_string(access.bytes) +
                           (access.bytes == 1 ? " byte" : " bytes");
        if (access.memory != 0)
            text += " of memory " + std::to_string(access.memory);
        if (!is_inside)
            text += " (out of bounds)";
        else if (access.is_store)
            text += " <- " + access.value;
        else
            text += " -> " +
                    print_bytes(memory.subspan(static_cast<size_t>(access.address),
                                               static_cast<size_t>(access.bytes))) +
                    (access.value.empty() ? "" : " (operand " + access.value + ")");
        line(stacks_.shown(), text);
    }
}

void Tracer::finish() {
    stacks_.clear([this](const ShadowStacks::Left& left) {
        if (left.frame.shown)
            line(left.indent, "< " + display_name(module_, left.frame.func) + " did not return");
    });
    if (settings_.calls && settings_.filter && !has_shown_)
        line(0, "trace: no function that was called has a name or index of the filter");
    has_shown_ = true;
    flush();
}

} // namespace warpbeam::cli
