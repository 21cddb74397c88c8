#include "inspect_imports.hpp"

#include "module_text.hpp"

#include <set>

namespace warpbeam::cli {
namespace {

constexpr std::string_view wasi_module = "wasi_snapshot_preview1";

/// A C++ string literal. Digits may follow an octal escape of three digits, and `??` begins a trigraph.
std::string literal(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '?') {
            result += c;
            continue;
        }
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\%03o", byte);
        result += escaped;
    }
    // A view, since a name may contain a zero byte.
    return result + (text.find('\0') == std::string_view::npos ? "\"" : "\"sv");
}

/// The C++ type of a value; empty if typed functions have none.
std::string_view cpp_type(ValType type) {
    switch (type.kind()) {
    case ValType::i32:
        return "int32_t";
    case ValType::i64:
        return "int64_t";
    case ValType::f32:
        return "float";
    case ValType::f64:
        return "double";
    case ValType::v128:
        return "V128";
    case ValType::ref:
        return type == externref                                 ? "ExternRef"
               : type == funcref                                 ? "Func"
               : type == ValType::reference(HeapType::any, true) ? "AnyRef"
                                                                 : "";
    default:
        return "";
    }
}

/// The parameters and result of a typed function: `(int32_t a) -> std::expected<void, Trap>`; empty if it
/// needs types that those have none for.
std::string cpp_signature(const FuncType& type) {
    std::string params;
    for (size_t i = 0; i < type.params.size(); ++i) {
        if (cpp_type(type.params[i]).empty())
            return {};
        params += (i != 0 ? ", " : "") + std::string("[[maybe_unused]] ") +
                  std::string(cpp_type(type.params[i])) + " a" + std::to_string(i);
    }
    std::string results;
    for (const ValType result : type.results) {
        if (cpp_type(result).empty())
            return {};
        results += (results.empty() ? "" : ", ") + std::string(cpp_type(result));
    }
    if (type.results.size() != 1)
        results = type.results.empty() ? "void" : "std::tuple<" + results + ">";
    return "(" + params + ") -> std::expected<" + results + ", Trap>";
}

class Program {
public:
    Program(const Module& module, std::string_view path) : module_{module}, path_{path}, types_{module} {}

    std::string text() {
        for (const Import& import : module_.imports())
            has_wasi_ |= import.module == wasi_module;
        std::string definitions;
        for (size_t i = 0; i < module_.imports().size(); ++i)
            definitions += definition(i);
        std::string text = "// A host for " + quoted(path_) + R"(: build it with warpbeam::vm)" +
                           (has_wasi_ ? " and warpbeam::wasi" : "") + R"(, and pass it the file.

#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/global.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/memory.hpp>
#include <warpbeam/vm/print.hpp>
#include <warpbeam/vm/table.hpp>
#include <warpbeam/vm/tag.hpp>
)" + (has_wasi_ ? "#include <warpbeam/wasi/wasi.hpp>\n" : "") +
                           R"(
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <tuple>
#include <vector>

using namespace warpbeam;
using namespace std::string_view_literals;

namespace {

/// Defines what the module imports.
std::expected<void, Error> define_imports([[maybe_unused]] Linker& linker, [[maybe_unused]] Store& store,
                                          [[maybe_unused]] const Module& module) {
    std::expected<void, Error> done;
)" + definitions + R"(    return done;
}

int fail(std::string_view what) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2)
        return fail("usage: host FILE");
    std::ifstream file{argv[1], std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
    Engine engine{{.features = FeatureSet::all()}};
    const auto module = engine.load({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    if (!module)
        return fail(module.error().message());
    Store store{engine};
    Linker linker{engine};
)" +
                           (has_wasi_ ? R"(    wasi::Context context;
    if (const auto added = context.add_arg(argv[1]); !added)
        return fail(added.error().message());
    if (const auto defined = wasi::define(linker, context, wasi::pointers_of(*module)); !defined)
        return fail(defined.error().message());
)"
                                      : "") +
                           R"(    if (const auto defined = define_imports(linker, store, *module); !defined)
        return fail(defined.error().message());
    const auto instance = linker.instantiate(store, *module);
    if (!instance)
        return fail(instance.error().message());
    const auto start = instance->func<void()>("_start");
    if (!start)
        return 0;
    const auto ended = (*start)();
    if (ended)
        return 0;
    if (ended.error().code() == TrapCode::exit)
        return ended.error().exit_status();
    return fail(to_text(ended.error()).view());
}
)";
        return text;
    }

private:
    std::string definition(size_t i) {
        const Import& import = module_.imports()[i];
        if (import.module == wasi_module)
            return {};
        std::string text = "\n    // " + quoted(import.module) + "." + quoted(import.name) + ": " +
                           types_.of(import.type) + "\n";
        if (!defined_.emplace(import.module, import.name).second)
            return text + "    // It is defined above.\n";
        const std::string names = literal(import.module) + ", " + literal(import.name);
        const std::string type = "module.imports()[" + std::to_string(i) + "].type";
        return text + (import.type.kind == ExternKind::func ? function(import, names, type)
                                                            : object(import, names, type));
    }

    std::string function(const Import& import, const std::string& names, const std::string& type) {
        const std::string signature = cpp_signature(module_.type_registry().func(import.type.func));
        std::string text = "    done = linker.func(" + names + ", ";
        if (signature.empty()) // a typed function has no such types
            text += type + ".func,\n        [](Caller&, std::span<const Value>, std::span<Value>) -> "
                           "std::expected<void, Trap>";
        else
            text += "[]" + signature;
        // As clang-format indents a lambda on a line of its own, and one at the end of a line.
        const std::string indent(signature.empty() ? 8 : 4, ' ');
        return text + " {\n" + indent + "    return std::unexpected{Trap::host(\"%s is not written yet\", " +
               literal(printable(import.name)) + ")};\n" + indent +
               "});\n    if (!done)\n        return done;\n";
    }

    std::string object(const Import& import, const std::string& names, const std::string& type) {
        std::string make;
        if (import.type.kind == ExternKind::memory)
            make = "Memory::create(store, " + type + ".memory)";
        else if (import.type.kind == ExternKind::tag)
            make = "Tag::create(store, module.type_registry().func(" + type +
                   ".tag.type).params, module.type_registry().func(" + type + ".tag.type).results)";
        else if (import.type.kind == ExternKind::table && import.type.table.element.nullable())
            make = "Table::create(store, " + type + ".table, Value::null(" + type + ".table.element.heap()))";
        else if (import.type.kind == ExternKind::global && import.type.global.content.defaultable())
            make =
                "Global::create(store, " + type + ".global, " + zero(import.type.global.content, type) + ")";
        else
            return "    // Define it here: its type has no null.\n";
        return "    if (const auto made = " + make + "; made)\n        done = linker.define(" + names +
               ", *made);\n    else\n        done = std::unexpected{made.error()};\n    if (!done)\n        "
               "return done;\n";
    }

    static std::string zero(ValType content, const std::string& type) {
        return content.is_ref() ? "Value::null(" + type + ".global.content.heap())"
                                : std::string(cpp_type(content)) + "{}";
    }

    const Module& module_;
    std::string_view path_;
    Types types_;
    bool has_wasi_ = false;
    std::set<std::pair<std::string_view, std::string_view>> defined_;
};

} // namespace

std::string host_program(const Module& module, std::string_view path) { return Program{module, path}.text(); }

} // namespace warpbeam::cli
