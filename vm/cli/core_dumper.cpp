#include "core_dumper.hpp"

#include "body_starts.hpp"
#include "command.hpp"
#include "files.hpp"
#include "replaced_file.hpp"
#include "stop.hpp"

#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/leb128.hpp>
#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/loader/type_registry.hpp>
#include <warpbeam/vm/global.hpp>
#include <warpbeam/vm/memory.hpp>

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>

/// https://github.com/WebAssembly/tool-conventions/blob/main/Coredump.md

namespace warpbeam::cli {
namespace {

// ---- The binary format ----

void put_byte(std::string& to, uint8_t byte) { to += static_cast<char>(byte); }
template <typename T>
void put_leb(std::string& to, T number) {
    uint8_t encoded[max_leb128];
    to.append(encoded, encode_leb128(number, encoded));
}
void put_number(std::string& to, uint64_t number) { put_leb(to, number); }
void put_signed(std::string& to, int64_t number) { put_leb(to, number); }
void put_fixed(std::string& to, uint64_t bits, size_t size) {
    for (size_t i = 0; i < size; ++i)
        put_byte(to, static_cast<uint8_t>(bits >> 8 * i));
}
void put_name(std::string& to, std::string_view name) {
    put_number(to, name.size());
    to += name;
}
void put_opcode(std::string& to, Op op) {
    const auto code = static_cast<uint32_t>(op);
    if (code <= 0xff)
        return put_byte(to, static_cast<uint8_t>(code));
    put_byte(to, static_cast<uint8_t>(code >> 12));
    put_number(to, code & 0xfff);
}

/// What begins a section with contents of this size.
std::string section_head(SectionId id, uint64_t size) {
    std::string head;
    put_byte(head, static_cast<uint8_t>(id));
    put_number(head, size);
    return head;
}
std::string section(SectionId id, const std::string& contents) {
    return section_head(id, contents.size()) + contents;
}
std::string custom_section(std::string_view name, const std::string& contents) {
    std::string named;
    put_name(named, name);
    return section(SectionId::custom, named + contents);
}

/// A local or an operand. The format has no vectors and no references.
void put_value(std::string& to, const FrameValue& value) {
    constexpr uint8_t missing = 0x01;
    if (!value.is_known || value.kind == ValType::v128 || value.kind == ValType::ref)
        return put_byte(to, missing);
    put_byte(to, row_of(value.kind)->code);
    switch (value.kind) {
    case ValType::i32:
        return put_signed(to, static_cast<int32_t>(value.slots[0]));
    case ValType::i64:
        return put_signed(to, static_cast<int64_t>(value.slots[0]));
    case ValType::f32:
        return put_fixed(to, value.slots[0], 4);
    default:
        return put_fixed(to, value.slots[0], 8);
    }
}
void put_values(std::string& to, std::span<const FrameValue> values) {
    put_number(to, values.size());
    for (const FrameValue& value : values)
        put_value(to, value);
}

void put_global(std::string& to, const Global& global, const TypeRegistry& types) {
    constexpr uint8_t constant = 0;
    const ValType type = global.type().content;
    if (type.is_ref()) {
        // What it refers to is not part of the dump, and its type has no name there.
        const uint8_t top = row_of(types.top_of(type.heap()))->code;
        put_byte(to, top);
        put_byte(to, constant);
        put_opcode(to, Op::ref_null);
        put_byte(to, top);
        return put_opcode(to, Op::end);
    }
    put_byte(to, row_of(type.kind())->code);
    put_byte(to, constant);
    const Value value = global.get();
    switch (type.kind()) {
    case ValType::i32:
        put_opcode(to, Op::i32_const);
        put_signed(to, value.as<int32_t>());
        break;
    case ValType::i64:
        put_opcode(to, Op::i64_const);
        put_signed(to, value.as<int64_t>());
        break;
    case ValType::f32:
        put_opcode(to, Op::f32_const);
        put_fixed(to, std::bit_cast<uint32_t>(value.as<float>()), 4);
        break;
    case ValType::f64:
        put_opcode(to, Op::f64_const);
        put_fixed(to, std::bit_cast<uint64_t>(value.as<double>()), 8);
        break;
    default:
        put_opcode(to, Op::v128_const);
        for (const uint8_t byte : value.as<V128>().bytes)
            put_byte(to, byte);
        break;
    }
    put_opcode(to, Op::end);
}

void put_memory(std::string& to, const MemoryType& type) {
    const Limits& limits = type.limits;
    const bool has_page_size = type.page_size_log2 != 16;
    put_byte(to, static_cast<uint8_t>(
                     (limits.has_max ? limits_flag::max : 0) | (type.shared ? limits_flag::shared : 0) |
                     (limits.is_64 ? limits_flag::is_64 : 0) | (has_page_size ? limits_flag::page_size : 0)));
    put_number(to, limits.min);
    if (limits.has_max)
        put_number(to, limits.max);
    if (has_page_size)
        put_number(to, type.page_size_log2);
}

// ---- Memories ----

/// Bytes of a memory that are not all zero.
struct Run {
    uint32_t memory;
    uint64_t begin;
    uint64_t size;
};

/// Whether all bytes are zero; there must be one. Memories are large, so this uses what is fast.
bool is_zero(std::span<const uint8_t> bytes) {
    return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

/// Appends the runs of a memory. They are so far apart that a reader accepts their number, and begin and end
/// with a page that is not all zero.
void find_runs(std::vector<Run>& runs, uint32_t memory, std::span<const uint8_t> bytes) {
    constexpr size_t page = 4096;
    constexpr size_t max_runs = 1 << 15;
    const size_t gap = std::max(page, std::bit_ceil(bytes.size() / max_runs));
    const size_t first = runs.size();
    for (size_t at = 0; at < bytes.size(); at += page) {
        const size_t size = std::min(page, bytes.size() - at);
        if (is_zero(bytes.subspan(at, size)))
            continue;
        if (runs.size() != first && at - (runs.back().begin + runs.back().size) < gap)
            runs.back().size = at + size - runs.back().begin;
        else
            runs.push_back({memory, at, size});
    }
}

/// What comes before the bytes of a run.
std::string head_of(const Run& run, bool is_64) {
    constexpr uint8_t of_memory = 2; // an active segment with the index of its memory
    std::string head;
    put_byte(head, run.memory == 0 ? 0 : of_memory);
    if (run.memory != 0)
        put_number(head, run.memory);
    put_opcode(head, is_64 ? Op::i64_const : Op::i32_const);
    put_signed(head, is_64 ? static_cast<int64_t>(run.begin) : static_cast<int32_t>(run.begin));
    put_opcode(head, Op::end);
    put_number(head, run.size);
    return head;
}

/// The index of an object among those that were met so far.
template <typename Object>
uint32_t index_of(std::vector<Object>& all, const Object& object) {
    const auto found = std::ranges::find(all, object);
    const auto index = static_cast<uint32_t>(found - all.begin());
    if (found == all.end())
        all.push_back(object);
    return index;
}

} // namespace

// ---- The stack ----

class CoreDumper::Frames final : public FrameVisitor {
public:
    explicit Frames(CoreDumper& dump) : dump_{dump} {}

    bool visit(const ActiveFrame& frame) noexcept override {
        // If memory runs out here, there is nothing better to do than to end.
        const Module module = frame.instance.module();
        if (module != module_) {
            module_ = module;
            starts_ = body_starts(module);
        }
        const size_t defined = frame.func - module.imported_funcs();
        const size_t start = defined < starts_.size() ? starts_[defined] : 0;
        std::string& to = dump_.frames_;
        put_byte(to, 0);
        put_number(to, dump_.number_of(frame.instance));
        put_number(to, frame.func);
        put_number(to, frame.offset == Error::no_offset ? 0 : frame.offset - start);
        put_values(to, frame.locals);
        put_values(to, frame.operands);
        ++dump_.frame_count_;
        return true;
    }

private:
    CoreDumper& dump_;
    Module module_;
    std::vector<size_t> starts_;
};

CoreDumper::CoreDumper(std::string path, std::string program, Store& store)
    : path_{std::move(path)}, program_{std::move(program)}, store_{store} {
    store_.set_trap_observer(this);
}

CoreDumper::~CoreDumper() { store_.set_trap_observer(nullptr); }

void CoreDumper::name(const Module& module, std::string_view name) { names_.emplace_back(module, name); }
void CoreDumper::add(const Instance& instance) { (void)number_of(instance); }

uint32_t CoreDumper::number_of(const Instance& instance) { return index_of(instances_, instance); }

void CoreDumper::trapped(const Trap&, const ActiveStack& stack) noexcept { take(stack); }

void CoreDumper::take(const ActiveStack& stack) {
    set_unhurried(true);
    has_trapped_ = true;
    frames_.clear();
    frame_count_ = 0;
    Frames frames{*this};
    if (const auto visited = stack.visit(frames); !visited)
        fault_ = visited.error().message();
}

void CoreDumper::finish() noexcept {
    if (!has_trapped_)
        return;
    try {
        write();
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s; there is no core dump\n", failure.what());
    }
}

void CoreDumper::write() {
    std::string core{"\0", 1};
    put_name(core, program_);
    std::string stack{"\0", 1};
    put_name(stack, "main");
    put_number(stack, frame_count_);
    stack += frames_;

    std::vector<Module> modules;
    std::vector<Memory> memories;
    std::vector<Global> globals;
    std::string instances;
    put_number(instances, instances_.size());
    for (const Instance& instance : instances_) {
        const Module module = instance.module();
        put_byte(instances, 0);
        put_number(instances, index_of(modules, module));
        put_number(instances, module.memories().size());
        for (uint32_t i = 0; i < module.memories().size(); ++i)
            put_number(instances, index_of(memories, instance.memory_at(i)));
        put_number(instances, module.globals().size());
        for (uint32_t i = 0; i < module.globals().size(); ++i)
            put_number(instances, index_of(globals, instance.global_at(i)));
    }
    std::string names;
    put_number(names, modules.size());
    for (const Module& module : modules) {
        const auto named = std::ranges::find(names_, module, &std::pair<Module, std::string>::first);
        put_byte(names, 0);
        put_name(names, named != names_.end() ? named->second : std::string{module.name()});
    }

    std::string memory_types;
    put_number(memory_types, memories.size());
    std::vector<Run> runs;
    for (uint32_t i = 0; i < memories.size(); ++i) {
        put_memory(memory_types, memories[i].type());
        find_runs(runs, i, memories[i].data());
    }
    std::string global_values;
    put_number(global_values, globals.size());
    for (const Global& global : globals)
        put_global(global_values, global, store_.engine().types());

    // The size of a section has 32 bits; a dump may be partial.
    const auto head = [&](const Run& run) { return head_of(run, memories[run.memory].type().limits.is_64); };
    constexpr uint64_t max_data = UINT32_MAX - 16;
    uint64_t data_size = 0;
    size_t kept = 0;
    uint64_t left_out = 0;
    for (const Run& run : runs) {
        const uint64_t size = head(run).size() + run.size;
        if (left_out == 0 && size <= max_data - data_size) {
            data_size += size;
            ++kept;
        } else {
            left_out += run.size;
        }
    }
    std::string count;
    put_number(count, kept);

    ReplacedFile file{checked_path(path_), FileUse::saved_state};
    const auto write = [&](std::span<const uint8_t> bytes) {
        if (!file.write(bytes))
            fail_file(path_, "write");
    };
    const auto write_text = [&](const std::string& text) { write(bytes_of(text)); };
    write(binary_header);
    write_text(custom_section("core", core));
    write_text(custom_section("coremodules", names));
    write_text(custom_section("coreinstances", instances));
    write_text(section(SectionId::memory, memory_types));
    write_text(section(SectionId::global, global_values));
    write_text(section_head(SectionId::data, count.size() + data_size) + count);
    for (const Run& run : std::span{runs}.first(kept)) {
        write_text(head(run));
        write(memories[run.memory].data().subspan(static_cast<size_t>(run.begin),
                                                  static_cast<size_t>(run.size)));
    }
    write_text(custom_section("corestack", stack));
    file.finish();
    std::fprintf(stderr, "core dumped to %s\n", path_.c_str());
    if (!fault_.empty())
        std::fprintf(stderr, "warpbeam: the core dump has only %zu frames: %s\n", frame_count_,
                     fault_.c_str());
    if (left_out != 0)
        std::fprintf(stderr,
                     "warpbeam: the core dump leaves out %" PRIu64
                     " bytes of memory: a file of this format has at most 4 GiB\n",
                     left_out);
}

} // namespace warpbeam::cli
