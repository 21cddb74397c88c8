#include <warpbeam/coredump/core_dump.hpp>
#include <warpbeam/loader/byte_reader.hpp>
#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/loader/utf8.hpp>

#include <algorithm>
#include <cstdarg>

namespace warpbeam {
namespace {

constexpr uint8_t missing_code = 0x01; ///< instead of the type of a value

constexpr std::string_view core_section = "core";
constexpr std::string_view modules_section = "coremodules";
constexpr std::string_view instances_section = "coreinstances";
constexpr std::string_view stack_section = "corestack";

std::string_view text_in(std::span<const uint8_t> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// As much as fits.
void copy(std::span<const uint8_t> from, std::span<uint8_t> to) noexcept {
    std::copy_n(from.data(), std::min(from.size(), to.size()), to.data());
}

/// The value of an expression that is one constant.
bool constant_of(const Module& module, const ConstExpr& expression, uint64_t (&slots)[2]) noexcept {
    InstrReader reader{module, expression.code};
    switch (reader.op()) {
    case Op::i32_const:
        slots[0] = static_cast<uint32_t>(reader.s64());
        break;
    case Op::i64_const:
        slots[0] = static_cast<uint64_t>(reader.s64());
        break;
    case Op::f32_const:
        slots[0] = reader.fixed<uint32_t>();
        break;
    case Op::f64_const:
        slots[0] = reader.fixed<uint64_t>();
        break;
    case Op::v128_const:
        slots[0] = reader.fixed<uint64_t>();
        slots[1] = reader.fixed<uint64_t>();
        break;
    default:
        return false;
    }
    // An extended expression goes on.
    return reader.op() == Op::end;
}

} // namespace

/// Reads one custom section. After a fault everything reads as zero, and nothing more is added.
class CoreDump::Reader {
public:
    Reader(CoreDump& dump, const CustomSection& section, Allocator& allocator) noexcept
        : dump_{dump}, section_{section}, allocator_{allocator}, in_{section.bytes} {}

    [[nodiscard]] std::expected<void, Error> read() noexcept {
        if (section_.name == core_section)
            process();
        else if (section_.name == modules_section)
            modules();
        else if (section_.name == instances_section)
            instances();
        else
            thread();
        if (!error_ && !in_.at_end())
            fail("there are %zu bytes after its end", in_.remaining());
        if (error_)
            return std::unexpected{std::move(*error_)};
        return {};
    }

private:
    void process() noexcept {
        mark("the program");
        dump_.executable_ = name();
    }
    void modules() noexcept {
        for (uint32_t left = count(2); left != 0 && !error_; --left) {
            mark("a module");
            keep(dump_.modules_.push(name()));
        }
    }
    void instances() noexcept {
        for (uint32_t left = count(4); left != 0 && !error_; --left) {
            mark("an instance");
            CoreInstance instance{u32(), Vec<uint32_t>{allocator_}, Vec<uint32_t>{allocator_}};
            indices(instance.memories);
            indices(instance.globals);
            if (!error_)
                keep(dump_.instances_.push(std::move(instance)));
        }
    }
    void indices(Vec<uint32_t>& to) noexcept {
        const uint32_t size = count(1);
        keep(to.reserve(size));
        for (uint32_t i = 0; i < size && !error_; ++i)
            keep(to.push(u32()));
    }

    void thread() noexcept {
        mark("a thread");
        CoreThread thread{name(), Vec<CoreFrame>{allocator_}, Vec<CoreValue>{allocator_}};
        for (uint32_t left = count(6); left != 0 && !error_; --left) {
            mark("a frame");
            CoreFrame frame{u32(), u32(), u32(), thread.values.size(), 0, 0};
            frame.local_count = read_values(thread.values);
            frame.operand_count = read_values(thread.values);
            if (!error_)
                keep(thread.frames.push(frame));
        }
        keep(dump_.threads_.push(std::move(thread)));
    }
    /// Returns how many.
    [[nodiscard]] uint32_t read_values(Vec<CoreValue>& to) noexcept {
        const uint32_t size = count(1);
        for (uint32_t left = size; left != 0 && !error_; --left)
            keep(to.push(value()));
        return size;
    }
    [[nodiscard]] CoreValue value() noexcept {
        const uint8_t code = byte();
        const auto type = std::ranges::find(plain_types, code, &PlainType::code);
        switch (type != std::end(plain_types) ? type->kind : ValType::bot) {
        case ValType::i32:
            return {ValType::i32, static_cast<uint32_t>(number<int32_t>())};
        case ValType::i64:
            return {ValType::i64, static_cast<uint64_t>(number<int64_t>())};
        case ValType::f32:
            return {ValType::f32, fixed(4)};
        case ValType::f64:
            return {ValType::f64, fixed(8)};
        default:
            if (code != missing_code)
                fail("0x%02x is not the type of a value", code);
            return {};
        }
    }

    // ---- The parts that they are made of ----

    /// The zero that each entry begins with.
    void mark(const char* what) noexcept {
        if (const uint8_t kind = byte(); kind != 0)
            fail("%s begins with 0x%02x instead of 0", what, kind);
    }
    template <typename T>
    [[nodiscard]] T number() noexcept {
        T value = 0;
        if (!error_)
            if (const LebFault fault = in_.number(value); fault != LebFault::none) {
                fail("%s", text_of(fault));
                return 0;
            }
        return value;
    }
    [[nodiscard]] uint32_t u32() noexcept { return number<uint32_t>(); }
    [[nodiscard]] uint8_t byte() noexcept {
        uint8_t value = 0;
        if (!error_ && in_.byte(value) != LebFault::none)
            fail("%s", text_of(LebFault::unexpected_end));
        return value;
    }
    [[nodiscard]] uint64_t fixed(size_t size) noexcept {
        uint64_t value = 0;
        for (size_t i = 0; i < size; ++i)
            value |= uint64_t{byte()} << (8 * i);
        return value;
    }
    /// How many entries follow, each of which takes at least `least` bytes.
    [[nodiscard]] uint32_t count(size_t least) noexcept {
        const uint32_t count = u32();
        if (count <= in_.remaining() / least)
            return count;
        fail("%u entries do not fit into the %zu bytes that are left", count, in_.remaining());
        return 0;
    }
    [[nodiscard]] std::string_view name() noexcept {
        std::span<const uint8_t> bytes;
        if (error_)
            return {};
        if (const LebFault fault = in_.sized(bytes); fault != LebFault::none)
            fail("%s", text_of(fault));
        else if (!is_utf8(bytes))
            fail("a name is not UTF-8");
        return error_ ? std::string_view{} : text_in(bytes);
    }

    void keep(bool done) noexcept {
        if (!done && !error_)
            error_ = Error{ErrorCode::out_of_memory};
    }
    [[gnu::format(printf, 2, 3)]] void fail(const char* format, ...) noexcept {
        if (error_)
            return;
        va_list arguments;
        va_start(arguments, format);
        error_ = Error::vformat(allocator_, ErrorCode::malformed, format, arguments);
        va_end(arguments);
        error_->add(" (custom section %.*s)", static_cast<int>(section_.name.size()), section_.name.data());
        error_->at(section_.offset + in_.offset());
    }

    CoreDump& dump_;
    const CustomSection& section_;
    Allocator& allocator_;
    ByteReader in_;
    std::optional<Error> error_;
};

bool CoreDump::is_core_dump(std::span<const uint8_t> bytes) noexcept {
    constexpr size_t header_size = sizeof binary_header;
    if (bytes.size() < header_size || !std::equal(binary_header, binary_header + header_size, bytes.data()))
        return false;
    ByteReader in{bytes.subspan(header_size)};
    uint8_t id = 0;
    std::span<const uint8_t> section;
    while (in.byte(id) == LebFault::none && in.sized(section) == LebFault::none) {
        ByteReader contents{section};
        std::span<const uint8_t> name;
        if (id == 0 && contents.sized(name) == LebFault::none && text_in(name) == core_section)
            return true;
    }
    return false;
}

std::expected<CoreDump, Error> CoreDump::read(std::span<const uint8_t> bytes, Allocator& allocator) noexcept {
    LoadOptions options;
    options.features = FeatureSet::all();
    // These limits are for programs: a dump has the memories of all instances, and each entry takes some
    // bytes.
    options.limits.module_size = options.limits.memories = options.limits.globals =
        options.limits.data_segments = UINT32_MAX;
    options.allocator = &allocator;
    options.borrow = true;
    auto module = Module::load(bytes, options);
    if (!module)
        return std::unexpected{std::move(module.error())};
    CoreDump dump{allocator};
    dump.module_ = std::move(*module);
    bool seen[3] = {};
    for (const CustomSection& section : dump.module_.custom_sections()) {
        constexpr std::string_view single[] = {core_section, modules_section, instances_section};
        const auto found = std::ranges::find(single, section.name);
        if (found == std::end(single) && section.name != stack_section)
            continue;
        if (found != std::end(single) && std::exchange(seen[found - single], true)) {
            Error error{ErrorCode::malformed, "there are two sections %.*s",
                        static_cast<int>(section.name.size()), section.name.data()};
            return std::unexpected{std::move(error.at(section.offset))};
        }
        if (auto done = Reader{dump, section, allocator}.read(); !done)
            return std::unexpected{std::move(done.error())};
    }
    if (!seen[0])
        return std::unexpected{Error{ErrorCode::malformed, "it is not a core dump: it has no section core"}};
    if (auto checked = dump.check(); !checked)
        return std::unexpected{std::move(checked.error())};
    return dump;
}

/// Whether what it refers to is there.
std::expected<void, Error> CoreDump::check() const noexcept {
    const auto refuse = [](const char* what, uint32_t index, const char* to, size_t count) {
        return std::unexpected{
            Error{ErrorCode::malformed, "%s refers to %s %u, but there are %zu", what, to, index, count}};
    };
    for (const CoreInstance& instance : instances_) {
        if (instance.module >= modules_.size())
            return refuse("an instance", instance.module, "module", modules_.size());
        for (const uint32_t index : instance.memories)
            if (index >= module_.memories().size() && index != missing)
                return refuse("an instance", index, "memory", module_.memories().size());
        for (const uint32_t index : instance.globals)
            if (index >= module_.globals().size() && index != missing)
                return refuse("an instance", index, "global", module_.globals().size());
    }
    // Some tools write no instances.
    const size_t count = std::max<size_t>(instances_.size(), 1);
    for (const CoreThread& thread : threads_)
        for (const CoreFrame& frame : thread.frames)
            if (frame.instance >= count)
                return refuse("a frame", frame.instance, "instance", instances_.size());
    return {};
}

CoreGlobal CoreDump::global(uint32_t index) const noexcept {
    CoreGlobal global{module_.globals()[index].content, {}, false};
    const uint32_t imported = module_.imported_globals();
    uint64_t slots[2] = {};
    if (index >= imported && constant_of(module_, module_.global_decls()[index - imported].init, slots)) {
        global.is_known = true;
        std::ranges::copy(slots, global.slots);
    }
    return global;
}

uint64_t CoreDump::memory_size(uint32_t index) const noexcept {
    const MemoryType& type = module_.memories()[index];
    // 2^64 bytes are one more than can be counted.
    const uint64_t max_pages = UINT64_MAX >> type.page_size_log2;
    return type.limits.min <= max_pages ? type.limits.min << type.page_size_log2 : UINT64_MAX;
}

uint64_t CoreDump::stored_bytes(uint32_t index) const noexcept {
    uint64_t bytes = 0;
    for (const DataSegment& segment : module_.data())
        if (segment.mode == SegmentMode::active && segment.memory == index)
            bytes += segment.bytes.size();
    return bytes;
}

size_t CoreDump::read_memory(uint32_t index, uint64_t address, std::span<uint8_t> to) const noexcept {
    const uint64_t size = memory_size(index);
    if (address >= size)
        return 0;
    to = to.first(static_cast<size_t>(std::min<uint64_t>(to.size(), size - address)));
    std::ranges::fill(to, uint8_t{0});
    for (const DataSegment& segment : module_.data()) {
        uint64_t start[2] = {};
        if (segment.mode != SegmentMode::active || segment.memory != index ||
            !constant_of(module_, segment.offset, start))
            continue;
        // Both ranges begin at an address, and may reach beyond the largest one.
        if (start[0] >= address) {
            if (start[0] - address < to.size())
                copy(segment.bytes, to.subspan(static_cast<size_t>(start[0] - address)));
        } else if (address - start[0] < segment.bytes.size()) {
            copy(segment.bytes.subspan(static_cast<size_t>(address - start[0])), to);
        }
    }
    return to.size();
}

} // namespace warpbeam
