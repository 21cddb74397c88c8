#include "validate_func.hpp"

#include <algorithm>

/// Continuations, https://github.com/WebAssembly/stack-switching

namespace warpbeam {

/// A continuation type, and the type of the function that it runs.
bool FuncValidator::cont_type(TypeId& id, const FuncType*& type) noexcept {
    const size_t start = in_.offset();
    uint32_t index = 0;
    if (!in_.u32(index) || !types_.resolve(index, start, id))
        return false;
    type = cont_func(HeapType::defined(id));
    return type != nullptr ||
           diagnostics().invalid(start, "non-continuation type %u: %s requires a continuation type", index,
                                 op_name());
}

/// The type of the function that a continuation runs; null for other types, and for abstract ones.
const FuncType* FuncValidator::cont_func(HeapType heap) const noexcept {
    if (!heap.is_defined() || registry()[heap.id()].kind != CompositeKind::cont)
        return nullptr;
    return &registry().func(registry()[heap.id()].cont);
}

bool FuncValidator::all_match(std::span<const ValType> sub, std::span<const ValType> super) const noexcept {
    return std::ranges::equal(sub, super, [this](ValType a, ValType b) { return registry().matches(a, b); });
}

bool FuncValidator::cont_new() noexcept {
    TypeId id = 0;
    const FuncType* type = nullptr;
    return cont_type(id, type) && pop(ValType::reference(HeapType::defined(registry()[id].cont), true)) &&
           push(new_ref(id));
}

bool FuncValidator::cont_bind() noexcept {
    TypeId from = 0, to = 0;
    const FuncType *whole = nullptr, *rest = nullptr;
    if (!cont_type(from, whole) || !cont_type(to, rest))
        return false;
    const size_t given = whole->params.size() - std::min(whole->params.size(), rest->params.size());
    // The other parameters and the results may be converted.
    if (!all_match(rest->params, whole->params.subspan(given)) || !all_match(whole->results, rest->results))
        return diagnostics().invalid(here(), "type mismatch: cont.bind of %s -> %s to %s -> %s",
                                     text_of(whole->params).c_str(), text_of(whole->results).c_str(),
                                     text_of(rest->params).c_str(), text_of(rest->results).c_str());
    return pop(ValType::reference(HeapType::defined(from), true)) && pop_all(whole->params.first(given)) &&
           push(new_ref(to));
}

bool FuncValidator::suspend() noexcept {
    const FuncType* type = nullptr;
    return tag(type) && invoke(*type, false);
}

bool FuncValidator::resume() noexcept {
    TypeId id = 0;
    const FuncType* type = nullptr;
    return cont_type(id, type) && handlers(*type) && pop(ValType::reference(HeapType::defined(id), true)) &&
           invoke(*type, false);
}

bool FuncValidator::resume_throw() noexcept {
    TypeId id = 0;
    uint32_t index = 0;
    const FuncType *type = nullptr, *thrown = nullptr;
    return cont_type(id, type) && in_.u32(index) && exception_tag(index, thrown) && handlers(*type) &&
           pop(ValType::reference(HeapType::defined(id), true)) && pop_all(thrown->params) &&
           push_all(type->results);
}

bool FuncValidator::resume_throw_ref() noexcept {
    TypeId id = 0;
    const FuncType* type = nullptr;
    return cont_type(id, type) && handlers(*type) && pop(ValType::reference(HeapType::defined(id), true)) &&
           pop(ValType::reference(HeapType::exn, true)) && push_all(type->results);
}

/// The handlers of a continuation of this type.
bool FuncValidator::handlers(const FuncType& type) noexcept {
    return in_.each("handler clauses", UINT32_MAX, [&] { return handler_clause(type); });
}

bool FuncValidator::handler_clause(const FuncType& type) noexcept {
    const size_t start = in_.offset();
    HandlerCode clause;
    if (!in_.handler_clause(clause))
        return false;
    if (clause.is_malformed())
        return diagnostics().malformed(start, "malformed handler clause 0x%02x", clause.kind);
    const FuncType* suspended = nullptr;
    if (!tag(clause.tag, suspended))
        return false;
    if (!clause.has_label())
        return (suspended->params.empty() && all_match(type.results, suspended->results) &&
                all_match(suspended->results, type.results)) ||
               diagnostics().invalid(start,
                                     "type mismatch in switch tag: a continuation with results %s can't be "
                                     "switched with a tag of type %s -> %s",
                                     text_of(type.results).c_str(), text_of(suspended->params).c_str(),
                                     text_of(suspended->results).c_str());
    const Block* target = nullptr;
    if (!label(clause.label, target))
        return false;
    // The label takes what the tag carries, then the continuation.
    const std::span<const ValType> wanted = target->label_types();
    const ValType last = wanted.empty() ? ValType{} : wanted.back();
    if (!last.is_ref() || !last.heap().is_defined())
        return diagnostics().invalid(start,
                                     "type mismatch: instruction requires concrete continuation reference "
                                     "type but label has %s",
                                     text_of(wanted).c_str());
    const FuncType* const rest = cont_func(last.heap());
    if (rest == nullptr)
        return diagnostics().invalid(start, "non-continuation type %s of a label",
                                     text_of(last.heap()).c_str());
    if (!all_match(rest->params, suspended->results) || !all_match(type.results, rest->results) ||
        !all_match(suspended->params, wanted.first(wanted.size() - 1)))
        return diagnostics().invalid(start,
                                     "type mismatch: the label requires %s but the tag carries %s, and the "
                                     "continuation is %s -> %s",
                                     text_of(wanted).c_str(), text_of(suspended->params).c_str(),
                                     text_of(suspended->results).c_str(), text_of(type.results).c_str());
    return true;
}

bool FuncValidator::switch_stack() noexcept {
    TypeId id = 0;
    const FuncType *to = nullptr, *through = nullptr;
    if (!cont_type(id, to) || !tag(through))
        return false;
    // Its last parameter is the continuation that is left.
    const ValType last = to->params.empty() ? ValType{} : to->params.back();
    const FuncType* const from = last.is_ref() ? cont_func(last.heap()) : nullptr;
    if (from == nullptr)
        return diagnostics().invalid(here(),
                                     "type mismatch: instruction requires continuation reference type but "
                                     "the type annotation has %s",
                                     text_of(to->params).c_str());
    if (!through->params.empty())
        return diagnostics().invalid(here(), "type mismatch in switch tag: it has parameters %s",
                                     text_of(through->params).c_str());
    if (!all_match(to->results, through->results) || !all_match(through->results, from->results))
        return diagnostics().invalid(here(),
                                     "type mismatch in continuation types: from results %s through a tag "
                                     "with results %s to results %s",
                                     text_of(from->results).c_str(), text_of(through->results).c_str(),
                                     text_of(to->results).c_str());
    return pop(ValType::reference(HeapType::defined(id), true)) &&
           pop_all(to->params.first(to->params.size() - 1)) && push_all(from->params);
}

} // namespace warpbeam
