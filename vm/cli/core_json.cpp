#include "core_json.hpp"

#include "json.hpp"
#include "module_text.hpp"
#include "values.hpp"

#include <warpbeam/loader/type_codes.hpp>

namespace warpbeam::cli {
namespace {

/// Numbers are strings, since JSON has no 64-bit integers and no NaNs; null if it is missing.
std::string json_of(const CoreValue& value) {
    if (value.kind == ValType::bot)
        return "null";
    return JsonObject{}
        .text("type", row_of(value.kind)->keyword)
        .text("value", print_value(Value::from_slots(value.kind, &value.bits)))
        .str();
}

/// A list in one line.
template <typename List, typename Entry>
std::string json_line(const List& items, Entry entry) {
    std::string text;
    for (const auto& item : items)
        text += (text.empty() ? "" : ", ") + entry(item);
    return "[" + text + "]";
}

std::string json_of_index(uint32_t index) {
    return index == CoreDump::missing ? "null" : std::to_string(index);
}

std::string json_of(const LoadedCore& core, const CoreThread& thread, const CoreFrame& frame) {
    const Frame known = core.frame(frame);
    JsonObject object;
    object.number("instance", frame.instance)
        .number("function", frame.func)
        .number("code_offset", frame.code_offset);
    if (!known.func_name().empty())
        object.text("name", known.func_name());
    if (known.offset != Error::no_offset)
        object.number("offset", known.offset);
    const auto each = [](const CoreValue& value) { return json_of(value); };
    return object.raw("locals", json_line(thread.locals(frame), each))
        .raw("operands", json_line(thread.operands(frame), each))
        .str();
}

} // namespace

std::string value_text(const CoreValue& value) {
    if (value.kind == ValType::bot)
        return "?";
    return std::string{row_of(value.kind)->keyword} + " " +
           print_value(Value::from_slots(value.kind, &value.bits));
}

std::string global_text(const CoreGlobal& global) {
    return global.is_known ? print_value(Value::from_slots(global.type, global.slots)) : "?";
}

std::string core_json(const LoadedCore& core, std::string_view path) {
    const CoreDump& dump = core.dump();
    Types types{dump.module()};
    std::string text = "{\n  \"file\": " + json_string(path) +
                       ",\n  \"bytes\": " + std::to_string(dump.module().bytes().size()) +
                       ",\n  \"executable\": " + json_string(dump.executable());
    const auto add = [&](std::string_view name, const std::string& value) {
        text += ",\n  " + json_string(name) + ": " + value;
    };
    size_t index = 0;
    add("modules", json_list(dump.modules(), [&](std::string_view name) {
            JsonObject object;
            object.text("name", name);
            if (const std::string& file = core.file(index++); !file.empty())
                object.text("file", file);
            return object.str();
        }));
    add("instances", json_list(dump.instances(), [](const CoreInstance& instance) {
            return JsonObject{}
                .number("module", instance.module)
                .raw("memories", json_line(instance.memories, json_of_index))
                .raw("globals", json_line(instance.globals, json_of_index))
                .str();
        }));
    add("threads", json_list(dump.threads(), [&](const CoreThread& thread) {
            return JsonObject{}
                .text("name", thread.name)
                .raw("frames",
                     json_list(thread.frames,
                               [&](const CoreFrame& frame) { return json_of(core, thread, frame); }))
                .str();
        }));
    uint32_t global = 0;
    add("globals", json_list(dump.module().globals(), [&](const GlobalType& type) {
            const CoreGlobal value = dump.global(global++);
            JsonObject object;
            object.text("type", types.of(type.content));
            if (value.is_known)
                object.text("value", global_text(value));
            return object.str();
        }));
    uint32_t memory = 0;
    add("memories", json_list(dump.module().memories(), [&](const MemoryType& type) {
            JsonObject object;
            object.number("bytes", dump.memory_size(memory))
                .number("stored", dump.stored_bytes(memory))
                .text("address", type.limits.is_64 ? "i64" : "i32")
                .flag("shared", type.shared);
            ++memory;
            return object.str();
        }));
    return text + "\n}";
}

} // namespace warpbeam::cli
