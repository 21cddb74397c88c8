#pragma once

#include "resources.hpp"

#include <memory>
#include <new>
#include <optional>
#include <string>

/// Values of WebAssembly as Erlang terms, and back. Integers are signed in Erlang, and may be given unsigned;
/// floats that Erlang doesn't have are `nan`, `'+inf'` and `'-inf'`, and floats may be given as integers; a
/// v128 is a binary of 16 bytes. The null reference is `null`, an i31 is `{i31, Number}`, an external
/// reference that was made of a term is that term, and all others are references to a ReferenceResource.

namespace warpbeam::erlang {

/// Room for parameters or results: few need no memory.
class Values {
public:
    Values() noexcept = default;
    Values(const Values&) = delete;
    Values& operator=(const Values&) = delete;
    /// False if memory runs out. The values are zeros.
    [[nodiscard]] bool resize(size_t count) noexcept {
        if (count > std::size(few_)) {
            many_.reset(new (std::nothrow) Value[count]);
            first_ = many_.get();
        }
        count_ = count;
        return first_ != nullptr;
    }
    [[nodiscard]] std::span<Value> all() noexcept { return {first_, count_}; }

private:
    Value few_[4];
    std::unique_ptr<Value[]> many_;
    Value* first_ = few_;
    size_t count_ = 0;
};

/// The term of a number, which is in a slot.
[[nodiscard]] Term make_number(ErlNifEnv* env, ValType type, uint64_t slot) noexcept;
/// The term; none if memory runs out. The lock of the instance must be held here and below.
[[nodiscard]] std::optional<Term> make_value(ErlNifEnv* env, InstanceResource& instance,
                                             const Value& value) noexcept;
/// The list of these values.
template <typename Value_at>
[[nodiscard]] std::optional<Term> make_values(ErlNifEnv* env, InstanceResource& instance, size_t count,
                                              Value_at value_at) noexcept {
    Term list = enif_make_list(env, 0);
    for (size_t i = count; i-- != 0;) {
        const auto value = make_value(env, instance, value_at(i));
        if (!value)
            return std::nullopt;
        list = enif_make_list_cell(env, *value, list);
    }
    return list;
}
/// The slot of a number of a type; none if the term is none, or the type is no number's.
[[nodiscard]] std::optional<uint64_t> read_number(ErlNifEnv* env, Term term, ValType type) noexcept;
/// The value of a type; none if the term is none, and `why` then says what is wrong.
[[nodiscard]] std::optional<Value> read_value(ErlNifEnv* env, InstanceResource& instance, Term term,
                                              ValType type, std::string& why) noexcept;
/// The values of a list for these types; false if there are none, and `why` then says what is wrong.
[[nodiscard]] bool read_values(ErlNifEnv* env, InstanceResource& instance, Term list,
                               std::span<const ValType> types, Values& values, std::string& why) noexcept;
/// The atom of a type.
[[nodiscard]] Term make_type(ValType type) noexcept;
/// `{[Parameter], [Result]}`.
[[nodiscard]] Term make_func_type(ErlNifEnv* env, const FuncType& type) noexcept;
/// The error for a trap: with the values of its exception if it has one.
[[nodiscard]] Term make_trap(ErlNifEnv* env, InstanceResource& instance, const Trap& trap) noexcept;

} // namespace warpbeam::erlang
