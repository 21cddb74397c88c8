#pragma once

#include "command.hpp"

#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/loader/type_printer.hpp>

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

/// Types and names of a module as text.

namespace warpbeam::cli {

/// A name from the module, safe between quotes of the text format.
inline std::string quoted(std::string_view name) { return printable(name, true); }

/// Writes types; defined ones as their indices in one module.
class Types final : public TypePrinter {
public:
    explicit Types(const Module& module) : registry_{module.type_registry()} {
        // Equal types have several indices but one id; the first index stands for all.
        for (size_t i = 0; i < module.types().size(); ++i)
            indices_.emplace(module.types()[i], i);
    }

    std::string of(ValType type) {
        return collect([&] { value(type); });
    }
    std::string of(const FuncType& type) {
        return collect([&] { func(type); });
    }
    std::string of(const ExternType& type) {
        return collect([&] { external(type, registry_); });
    }
    /// Of an export, as `inspect` shows it: that a function has exactly its type goes without saying.
    std::string of(const Module& module, const Export& entry) {
        ExternType type = module.type_of(entry);
        type.exact = false;
        return of(type);
    }
    std::string definition_of(TypeId id) {
        return collect([&] { definition(registry_[id]); });
    }

private:
    template <typename Print>
    std::string collect(Print print) {
        text_.clear();
        print();
        return text_;
    }
    void add(std::string_view text) noexcept override { text_ += text; }
    void defined(TypeId id) noexcept override {
        const auto found = indices_.find(id);
        text_ += found != indices_.end() ? std::to_string(found->second) : "?";
    }

    const TypeRegistry& registry_;
    std::unordered_map<TypeId, size_t> indices_;
    std::string text_;
};

/// All names in the name section. A malformed one provides the names before the fault.
class Names {
public:
    explicit Names(const Module& module) {
        for (const CustomSection& section : module.custom_sections())
            if (section.name == name_section)
                for (NameReader in{section.bytes}; const auto entry = in.next();)
                    names_.try_emplace({entry->space, entry->owner, entry->index}, quoted(entry->name));
    }

    /// `$name `, to be printed before the thing that it names; empty if there is no name. The owner is the
    /// function of a local or label, or the type of a field.
    [[nodiscard]] std::string before(NameSpace space, uint32_t index, uint32_t owner = 0) const {
        const auto found = names_.find({space, owner, index});
        return found != names_.end() ? "$" + found->second + " " : std::string{};
    }
    /// All names of one owner, with their indices: `$a 0, $b 2`.
    [[nodiscard]] std::string list(NameSpace space, uint32_t owner) const {
        std::string text;
        for (auto at = names_.lower_bound({space, owner, 0}); at != names_.end(); ++at) {
            const auto& [found_space, found_owner, index] = at->first;
            if (found_space != space || found_owner != owner)
                break;
            text += (text.empty() ? "$" : ", $") + at->second + " " + std::to_string(index);
        }
        return text;
    }

private:
    std::map<std::tuple<NameSpace, uint32_t, uint32_t>, std::string> names_;
};

} // namespace warpbeam::cli
