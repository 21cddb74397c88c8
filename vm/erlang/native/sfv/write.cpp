#include "terms.hpp"

#include <warpbeam/sfv/writer.hpp>

/// Terms become fields. A term is walked once if the field is short, else twice: for its size, and to write
/// it into a binary.

namespace warpbeam::sfv::erlang {

namespace {

constexpr std::string_view not_bare =
    "not a bare item: an integer, a float, a boolean, or a tuple of decimal, string, token, binary, date or "
    "display_string and its value is needed";

class TermWriter {
public:
    TermWriter(ErlNifEnv* env, Writer& writer, Work& work) noexcept
        : env_{env}, writer_{writer}, work_{work} {}

    // Each writes a term; false if it can't be written, or not here (see is_too_much).
    bool item(Term term) noexcept {
        int arity;
        const Term* parts;
        if (is_tagged(term, 3, arity, parts) && enif_is_identical(parts[0], atoms.item) != 0)
            return value(parts[1]) && parameters(parts[2]);
        return value(term); // without parameters
    }
    bool list(Term members) noexcept {
        return each(members, 0, "a list is an Erlang list of items and inner lists",
                    [this](Term one) { return member(one); });
    }
    bool dictionary(Term members) noexcept {
        return each(members, 0, "a dictionary is a list of pairs of a key and an item or inner list",
                    [this](Term pair) {
                        int arity;
                        const Term* parts;
                        std::string_view key;
                        if (!is_tagged(pair, 2, arity, parts))
                            return fail("not a pair of a key and an item or inner list");
                        if (!read_key(parts[0], 0, key))
                            return false;
                        writer_.key(key);
                        return check() && member(parts[1]);
                    });
    }
    bool value(Term term) noexcept {
        BareItemRef bare{false};
        if (!read(term, bare))
            return fail(not_bare);
        if (!work_.take(Work::per_term + bare.text().size())) {
            is_too_much_ = true;
            return false;
        }
        writer_.value(bare);
        return check();
    }

    /// Whether the work is too much for the scheduler that runs this.
    [[nodiscard]] bool is_too_much() const noexcept { return is_too_much_; }
    /// Why the last call returned false: an error with the path to the part of the term.
    [[nodiscard]] Term error() const noexcept {
        Term list = enif_make_list(env_, 0);
        for (size_t i = depth_; i-- != 0;)
            list = enif_make_list_cell(env_, path_[i], list);
        return enif_make_tuple2(env_, atoms.error, add(env_, reason_, atoms.path, list));
    }

private:
    bool is_tagged(Term term, int size, int& arity, const Term*& parts) const noexcept {
        return enif_get_tuple(env_, term, &arity, &parts) != 0 && arity == size;
    }
    bool fail(std::string_view message) noexcept {
        reason_ = make_reason(env_, atoms.usage, message);
        return false;
    }
    /// Whether everything has been accepted so far.
    bool check() noexcept {
        const auto error = writer_.error();
        if (error)
            reason_ = make_reason(env_, *error);
        return !error;
    }

    /// Calls `take` for each element of a list, whose position is at `depth` in the path.
    template <typename Take>
    bool each(Term list, size_t depth, std::string_view what, const Take& take) noexcept {
        Term head;
        for (unsigned position = 1; enif_get_list_cell(env_, list, &head, &list) != 0; ++position) {
            path_[depth] = enif_make_uint(env_, position);
            depth_ = depth + 1;
            if (!take(head))
                return false;
        }
        depth_ = depth;
        return enif_is_empty_list(env_, list) != 0 || fail(what);
    }
    /// A key, which takes the place of its position in the path.
    bool read_key(Term term, size_t depth, std::string_view& key) noexcept {
        if (!read_binary(env_, term, key))
            return fail("a key is a binary");
        path_[depth] = term;
        if (work_.take(Work::per_term + key.size()))
            return true;
        is_too_much_ = true;
        return false;
    }

    bool member(Term term) noexcept {
        int arity;
        const Term* parts;
        if (is_tagged(term, 3, arity, parts) && enif_is_identical(parts[0], atoms.list) != 0)
            return inner_list(parts[1]) && parameters(parts[2]);
        return enif_is_list(env_, term) != 0 ? inner_list(term) : item(term);
    }
    bool inner_list(Term items) noexcept {
        writer_.begin_inner_list();
        if (!work_.take(Work::per_term)) {
            is_too_much_ = true;
            return false;
        }
        if (!check() || !each(items, depth_, "an inner list has an Erlang list of items",
                              [this](Term one) { return item(one); }))
            return false;
        writer_.end_inner_list();
        return check();
    }
    bool parameters(Term list) noexcept {
        const size_t depth = depth_;
        return each(list, depth, "parameters are a list of pairs of a key and a bare item",
                    [this, depth](Term pair) {
                        int arity;
                        const Term* parts;
                        std::string_view key;
                        BareItemRef bare{false};
                        if (!is_tagged(pair, 2, arity, parts))
                            return fail("not a pair of a key and a bare item");
                        if (!read_key(parts[0], depth, key))
                            return false;
                        if (!read(parts[1], bare))
                            return fail(not_bare);
                        if (!work_.take(bare.text().size())) {
                            is_too_much_ = true;
                            return false;
                        }
                        writer_.parameter(key, bare);
                        return check();
                    });
    }

    /// A term as a bare item, which may still be out of range; false if it has the shape of none.
    bool read(Term term, BareItemRef& bare) const noexcept {
        ErlNifSInt64 number;
        double real;
        int arity;
        const Term* parts;
        if (enif_get_int64(env_, term, &number) != 0)
            bare = static_cast<int64_t>(number);
        else if (enif_get_double(env_, term, &real) != 0)
            bare = real;
        else if (enif_is_number(env_, term) != 0)
            bare = BareItemRef::refused(Reason::integer_range);
        else if (enif_is_identical(term, atoms.true_) != 0 || enif_is_identical(term, atoms.false_) != 0)
            bare = enif_is_identical(term, atoms.true_) != 0;
        else
            return is_tagged(term, 2, arity, parts) && read(parts[0], parts[1], bare);
        return true;
    }
    bool read(Term tag, Term value, BareItemRef& bare) const noexcept {
        const auto is = [tag](Term atom) { return enif_is_identical(tag, atom) != 0; };
        if (is(atoms.decimal) || is(atoms.date)) {
            ErlNifSInt64 number;
            double real;
            if (enif_get_int64(env_, value, &number) == 0) {
                // A larger integer, unless it is no integer at all.
                bare = BareItemRef::refused(is(atoms.date) ? Reason::integer_range : Reason::decimal_range);
                return enif_is_number(env_, value) != 0 && enif_get_double(env_, value, &real) == 0;
            }
            bare = is(atoms.date) ? BareItemRef{Date{number}} : BareItemRef{Decimal{number}};
            return true;
        }
        std::string_view text;
        if (!read_binary(env_, value, text))
            return false;
        if (is(atoms.string))
            bare = text;
        else if (is(atoms.token))
            bare = Token{text};
        else if (is(atoms.binary))
            bare = ByteSequence{text};
        else if (is(atoms.display_string))
            bare = DisplayString{text};
        else
            return false;
        return true;
    }

    ErlNifEnv* env_;
    Writer& writer_;
    Work& work_;
    Term reason_ = atoms.usage;
    Term path_[3]; ///< a member, an item of its inner list, a parameter
    size_t depth_ = 0;
    bool is_too_much_ = false;
};

/// Writes what `walk` writes.
template <typename Walk>
Term write(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[], FieldType type,
           WriteOptions options, const Walk& walk) noexcept {
    Work work;
    char buffer[1024];
    Writer first{type, buffer, options};
    TermWriter terms{env, first, work};
    if (!walk(terms))
        return terms.is_too_much()
                   ? enif_schedule_nif(env, name, ERL_NIF_DIRTY_JOB_CPU_BOUND, nif, argc, argv)
                   : terms.error();
    work.account(env);
    const size_t size = first.size();
    if (size <= sizeof buffer)
        return enif_make_tuple2(env, atoms.ok, make_binary(env, {buffer, size}));
    Term binary;
    unsigned char* const bytes = enif_make_new_binary(env, size, &binary);
    Writer writer{type, {reinterpret_cast<char*>(bytes), size}, options};
    Work again; // as much as before
    TermWriter second{env, writer, again};
    if (!walk(second) || !writer.finish())
        return enif_make_badarg(env); // never: terms don't change
    return enif_make_tuple2(env, atoms.ok, binary);
}

} // namespace

/// serialize(item | list | dictionary, Term, OptionBits)
Term serialize(ErlNifEnv* env, int argc, const Term argv[]) noexcept {
    unsigned bits;
    if (enif_get_uint(env, argv[2], &bits) == 0)
        return enif_make_badarg(env);
    const WriteOptions options{.wide_keys = (bits & 32) != 0};
    const auto as = [&](FieldType type, bool (TermWriter::*part)(Term) noexcept) {
        return write(env, "serialize", serialize, argc, argv, type, options,
                     [&](TermWriter& to) { return (to.*part)(argv[1]); });
    };
    if (enif_is_identical(argv[0], atoms.item) != 0)
        return as(FieldType::item, &TermWriter::item);
    if (enif_is_identical(argv[0], atoms.list) != 0)
        return as(FieldType::list, &TermWriter::list);
    if (enif_is_identical(argv[0], atoms.dictionary) != 0)
        return as(FieldType::dictionary, &TermWriter::dictionary);
    return enif_make_badarg(env);
}

/// serialize_bare_item(Term)
Term serialize_bare_item(ErlNifEnv* env, int argc, const Term argv[]) noexcept {
    return write(env, "serialize_bare_item", serialize_bare_item, argc, argv, FieldType::item, {},
                 [&](TermWriter& to) { return to.value(argv[0]); });
}

} // namespace warpbeam::sfv::erlang
