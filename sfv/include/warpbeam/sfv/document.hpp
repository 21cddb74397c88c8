#pragma once

#include <warpbeam/sfv/bare_item_ref.hpp>
#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/key_map.hpp>
#include <warpbeam/sfv/parser.hpp>
#include <warpbeam/sfv/sequence.hpp>
#include <warpbeam/sfv/text.hpp>

#include <new>
#include <span>
#include <string_view>

/// @file
/// Documents: fields as values that own their contents, made by parsing or by hand. They only ever hold what
/// can be serialized. They can be moved and compared; to copy, call `clone`, since a copy can run out of
/// memory. Inserting functions take a value, which may be part of the same document, and return the inserted
/// one; on error they change nothing. Moved-from objects can be used: a moved-from value is the boolean true,
/// everything else is empty.
///
/// Thread-safety is that of the standard containers: several threads may read at once.

namespace warpbeam::sfv {

/// A bare item (RFC 9651, section 3.3).
class WARPBEAM_SFV_API BareItem {
public:
    /// The boolean true, the value of a key without one.
    BareItem() noexcept : number_{1} {}
    BareItem(BareItem&& other) noexcept : type_{other.type_} {
        if (has_text())
            ::new (&text_) Text(std::move(other.text_));
        else
            number_ = other.number_;
        other.become_number(Type::boolean, 1);
    }
    BareItem& operator=(BareItem&& other) noexcept {
        if (this != &other) {
            this->~BareItem();
            ::new (this) BareItem(std::move(other));
        }
        return *this;
    }
    ~BareItem() {
        if (has_text())
            text_.~Text();
    }

    /// A copy of a borrowed value.
    [[nodiscard]] static Result<BareItem> from(const BareItemRef& value) noexcept;
    /// Makes a copy.
    [[nodiscard]] Result<BareItem> clone() const noexcept { return from(ref()); }

    /// The type of the value.
    [[nodiscard]] Type type() const noexcept { return type_; }
    /// Whether it has this type.
    [[nodiscard]] bool is(Type type) const noexcept { return type_ == type; }
    /// @{ Call each of these only on the type that it names.
    [[nodiscard]] int64_t integer() const noexcept { return number_; }
    [[nodiscard]] Decimal decimal() const noexcept { return {number_}; }
    [[nodiscard]] bool boolean() const noexcept { return number_ != 0; }
    [[nodiscard]] Date date() const noexcept { return {number_}; }
    /// @}
    /// A string, token, byte sequence (its bytes) or display string (UTF-8).
    [[nodiscard]] std::string_view text() const noexcept { return text_.view(); }
    /// The same as a borrowed value, for a Writer or another document.
    [[nodiscard]] BareItemRef ref() const noexcept;

    /// Whether type and value are the same.
    friend bool operator==(const BareItem& a, const BareItem& b) noexcept {
        return a.type_ == b.type_ && (a.has_text() ? a.text_ == b.text_ : a.number_ == b.number_);
    }

private:
    friend class Builder;
    [[nodiscard]] static bool has_text(Type type) noexcept {
        return type == Type::string || type == Type::token || type == Type::byte_sequence ||
               type == Type::display_string;
    }
    [[nodiscard]] bool has_text() const noexcept { return has_text(type_); }
    /// Takes over what was parsed; this object must be new. False if memory runs out.
    [[nodiscard]] bool take(const RawItem& raw) noexcept;
    /// Writes the value of `raw` to a text. False if memory runs out.
    [[nodiscard]] static bool decode(RawItem raw, Text& text) noexcept;
    /// Changes from a type without text to one with text.
    Text& become_text(Type type) noexcept {
        type_ = type;
        return *::new (&text_) Text;
    }
    void become_number(Type type, int64_t number) noexcept {
        if (has_text())
            text_.~Text();
        type_ = type;
        number_ = number;
    }

    Type type_ = Type::boolean;
    union {
        int64_t number_;
        Text text_;
    };
};

/// Parameters (RFC 9651, section 3.1.2).
class WARPBEAM_SFV_API Parameters : public KeyMap<BareItem> {
public:
    /// Sets a parameter, as `put` does.
    [[nodiscard]] Result<BareItem*> set(std::string_view key, const BareItemRef& value = true) noexcept;
    /// Makes a copy.
    [[nodiscard]] Result<Parameters> clone() const noexcept;
};

/// An item (RFC 9651, section 3.3).
struct WARPBEAM_SFV_API Item {
    BareItem value;        ///< without the parameters
    Parameters parameters; ///< in their order

    /// An item without parameters.
    [[nodiscard]] static Result<Item> from(const BareItemRef& value) noexcept;
    /// @{ Parses one field line, or several.
    [[nodiscard]] static Result<Item> parse(std::string_view field, ParseOptions options = {}) noexcept;
    [[nodiscard]] static Result<Item> parse(std::span<const std::string_view> lines,
                                            ParseOptions options = {}) noexcept;
    /// @}
    /// Makes a copy.
    [[nodiscard]] Result<Item> clone() const noexcept;
    friend bool operator==(const Item&, const Item&) = default;
};

/// An inner list (RFC 9651, section 3.1.1).
struct WARPBEAM_SFV_API InnerList {
    Sequence<Item> items;  ///< in their order
    Parameters parameters; ///< of the list as a whole

    /// Appends an item without parameters.
    [[nodiscard]] Result<Item*> add(const BareItemRef& value) noexcept;
    /// Makes a copy.
    [[nodiscard]] Result<InnerList> clone() const noexcept;
    friend bool operator==(const InnerList&, const InnerList&) = default;
};

/// A member of a list or dictionary: an item or an inner list. Pointers to its parts stay valid until it is
/// assigned to or moved.
class WARPBEAM_SFV_API Member {
public:
    /// An item with the value true.
    Member() noexcept : item_{} {}
    /// @{ Takes over an item or an inner list.
    Member(Item&& item) noexcept : item_{std::move(item)} {}
    Member(InnerList&& list) noexcept : is_inner_list_{true}, inner_list_{std::move(list)} {}
    /// @}
    Member(Member&& other) noexcept;
    Member& operator=(Member&& other) noexcept;
    ~Member() { end(); }

    /// Whether it is an inner list.
    [[nodiscard]] bool is_inner_list() const noexcept { return is_inner_list_; }
    /// @{ The item; null if this is an inner list.
    [[nodiscard]] Item* item() noexcept { return is_inner_list_ ? nullptr : &item_; }
    [[nodiscard]] const Item* item() const noexcept { return is_inner_list_ ? nullptr : &item_; }
    /// @}
    /// @{ The inner list; null if this is an item.
    [[nodiscard]] InnerList* inner_list() noexcept { return is_inner_list_ ? &inner_list_ : nullptr; }
    [[nodiscard]] const InnerList* inner_list() const noexcept {
        return is_inner_list_ ? &inner_list_ : nullptr;
    }
    /// @}
    /// @{ The parameters of the item or of the inner list.
    [[nodiscard]] Parameters& parameters() noexcept {
        return is_inner_list_ ? inner_list_.parameters : item_.parameters;
    }
    [[nodiscard]] const Parameters& parameters() const noexcept {
        return is_inner_list_ ? inner_list_.parameters : item_.parameters;
    }
    /// @}

    /// Makes a copy.
    [[nodiscard]] Result<Member> clone() const noexcept;
    /// Whether both are the same.
    friend bool operator==(const Member& a, const Member& b) noexcept {
        if (a.is_inner_list_ != b.is_inner_list_)
            return false;
        return a.is_inner_list_ ? a.inner_list_ == b.inner_list_ : a.item_ == b.item_;
    }

private:
    friend class Builder;
    /// Changes from a new member, which owns no memory yet, to an empty inner list.
    InnerList& become_inner_list() noexcept {
        is_inner_list_ = true;
        return *::new (&inner_list_) InnerList;
    }
    void end() noexcept {
        if (is_inner_list_)
            inner_list_.~InnerList();
        else
            item_.~Item();
    }

    bool is_inner_list_ = false;
    union {
        Item item_;
        InnerList inner_list_;
    };
};

/// The number of members that a list or dictionary can hold without allocating; most have one or two.
inline constexpr uint32_t inline_members = 2;

/// A list (RFC 9651, section 3.1).
class WARPBEAM_SFV_API List {
public:
    /// @{ Of one field line, or of several.
    [[nodiscard]] static Result<List> parse(std::string_view field, ParseOptions options = {}) noexcept;
    [[nodiscard]] static Result<List> parse(std::span<const std::string_view> lines,
                                            ParseOptions options = {}) noexcept;
    /// @}

    /// @{ The members, as those of std::vector.
    [[nodiscard]] size_t size() const noexcept { return members_.size(); }
    [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
    [[nodiscard]] Member* begin() noexcept { return members_.begin(); }
    [[nodiscard]] Member* end() noexcept { return members_.end(); }
    [[nodiscard]] const Member* begin() const noexcept { return members_.begin(); }
    [[nodiscard]] const Member* end() const noexcept { return members_.end(); }
    [[nodiscard]] Member& operator[](size_t position) noexcept { return members_[position]; }
    [[nodiscard]] const Member& operator[](size_t position) const noexcept { return members_[position]; }
    /// @}

    /// @{ Appends an item without parameters, an empty inner list, or a member.
    [[nodiscard]] Result<Item*> add(const BareItemRef& value) noexcept;
    [[nodiscard]] Result<InnerList*> add_inner_list() noexcept;
    [[nodiscard]] Result<Member*> add(Member&& member) noexcept;
    /// @}
    /// Removes the member at a position.
    void erase(size_t position) noexcept { members_.erase(position); }
    /// Removes all members for which `remove` returns true.
    template <typename Remove>
    void erase_if(Remove&& remove) {
        members_.erase_if(remove);
    }

    /// Makes a copy.
    [[nodiscard]] Result<List> clone() const noexcept;
    friend bool operator==(const List&, const List&) = default;

private:
    friend class Builder;
    Sequence<Member, inline_members> members_;
};

/// A dictionary (RFC 9651, section 3.2).
class WARPBEAM_SFV_API Dictionary : public KeyMap<Member, inline_members> {
public:
    /// @{ Of one field line, or of several.
    [[nodiscard]] static Result<Dictionary> parse(std::string_view field, ParseOptions options = {}) noexcept;
    [[nodiscard]] static Result<Dictionary> parse(std::span<const std::string_view> lines,
                                                  ParseOptions options = {}) noexcept;
    /// @}

    /// @{ Sets a member, as `put` does: to an item without parameters, to an empty inner list, or to what is
    /// given.
    [[nodiscard]] Result<Item*> set(std::string_view key, const BareItemRef& value = true) noexcept;
    [[nodiscard]] Result<InnerList*> set_inner_list(std::string_view key) noexcept;
    [[nodiscard]] Result<Member*> set(std::string_view key, Member&& member) noexcept {
        return put(key, std::move(member));
    }
    /// @}
    /// Makes a copy.
    [[nodiscard]] Result<Dictionary> clone() const noexcept;
};

} // namespace warpbeam::sfv
