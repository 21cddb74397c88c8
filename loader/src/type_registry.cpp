#include <warpbeam/build.hpp>
#include <warpbeam/loader/type_registry.hpp>
#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/hash.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/locks.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

namespace warpbeam {
namespace {

/// A type as stored. The first member of a group holds the group's size.
struct Entry {
    SubType type;
    uint32_t group_size = 0;
};

/// Entries are stored in blocks that double in size and never move: block b begins with id first_block * (2^b
/// - 1).
constexpr uint32_t first_block = is_small ? 4 : 32;
constexpr unsigned block_count = is_small ? 20 : 17;
static_assert(first_block * ((uint64_t{1} << block_count) - 1) > max_type_id);
constexpr unsigned block_of(TypeId id) noexcept {
    return static_cast<unsigned>(std::bit_width(id / first_block + 1)) - 1;
}
constexpr uint32_t block_size(unsigned block) noexcept { return first_block << block; }
constexpr uint32_t block_start(unsigned block) noexcept { return first_block * ((1u << block) - 1); }

uint32_t hash_group(std::span<const SubType> group, uint64_t seed) noexcept {
    SeededHash hasher{seed};
    for (const SubType& type : group) {
        hasher.add(static_cast<uint64_t>(type.kind) << 1 | uint64_t{type.is_final});
        hasher.add(type.supertype);
        hasher.add(uint64_t{type.descriptor} << 32 | type.described);
        hasher.add(type.cont);
        hasher.add(uint64_t{type.func.params.size()} << 32 | type.func.results.size());
        for (const ValType param : type.func.params)
            hasher.add(param.bits());
        for (const ValType result : type.func.results)
            hasher.add(result.bits());
        hasher.add(type.fields.size());
        for (const FieldType& field : type.fields)
            hasher.add(uint64_t{field.storage.bits()} << 1 | uint64_t{field.is_mutable});
    }
    return hasher.finish();
}

/// Translates between a group's own numbering and the ids that its members have or would get.
struct Numbering {
    TypeId base;

    [[nodiscard]] TypeId close(TypeId id) const noexcept {
        return id >= TypeRegistry::first_member && id != SubType::no_type
                   ? base + (id - TypeRegistry::first_member)
                   : id;
    }
    [[nodiscard]] ValType close(ValType type) const noexcept {
        if (!type.is_ref() || !type.heap().is_defined())
            return type;
        const HeapType heap = HeapType::defined(close(type.heap().id()), type.heap().is_exact());
        return ValType::reference(heap, type.nullable());
    }
};

/// Whether the group stored at `base` equals `group`. A registry id that happens to lie in the stored group
/// is not the same as a member of the group itself.
class GroupComparison {
public:
    GroupComparison(TypeId base, size_t size) noexcept : numbering_{base}, size_{size} {}

    [[nodiscard]] bool equal(TypeId stored, TypeId fresh) const noexcept {
        return !is_taken(fresh) && stored == numbering_.close(fresh);
    }
    [[nodiscard]] bool equal(ValType stored, ValType fresh) const noexcept {
        const bool is_defined = fresh.is_ref() && fresh.heap().is_defined();
        return !(is_defined && is_taken(fresh.heap().id())) && stored == numbering_.close(fresh);
    }
    [[nodiscard]] bool equal(std::span<const ValType> stored, std::span<const ValType> fresh) const noexcept {
        return std::ranges::equal(stored, fresh, [this](ValType a, ValType b) { return equal(a, b); });
    }
    [[nodiscard]] bool equal(const SubType& stored, const SubType& fresh) const noexcept {
        const auto equal_fields = [this](const FieldType& a, const FieldType& b) {
            return a.is_mutable == b.is_mutable && equal(a.storage, b.storage);
        };
        return stored.kind == fresh.kind && stored.is_final == fresh.is_final &&
               equal(stored.supertype, fresh.supertype) && equal(stored.descriptor, fresh.descriptor) &&
               equal(stored.described, fresh.described) && equal(stored.cont, fresh.cont) &&
               std::ranges::equal(stored.fields, fresh.fields, equal_fields) &&
               equal(stored.func.params, fresh.func.params) && equal(stored.func.results, fresh.func.results);
    }

private:
    [[nodiscard]] bool is_taken(TypeId id) const noexcept {
        return id - numbering_.base < size_; // numbers of members lie beyond
    }

    Numbering numbering_;
    size_t size_;
};

} // namespace

struct TypeRegistry::Impl {
    explicit Impl(Allocator& a) noexcept : allocator{a}, arena{a}, groups{a} {}
    ~Impl() {
        for (unsigned b = 0; b < block_count; ++b)
            if (blocks[b] != nullptr)
                allocator.deallocate(blocks[b], block_size(b) * sizeof(Entry), alignof(Entry));
    }

    [[nodiscard]] Entry& entry(TypeId id) const noexcept {
        const unsigned block = block_of(id);
        return blocks[block][id - block_start(block)];
    }

    bool reserve(uint32_t wanted) noexcept {
        for (unsigned b = 0; block_start(b) < wanted; ++b) {
            if (blocks[b] != nullptr)
                continue;
            blocks[b] =
                static_cast<Entry*>(allocator.allocate(block_size(b) * sizeof(Entry), alignof(Entry)));
            if (blocks[b] == nullptr)
                return false;
        }
        return true;
    }

    [[nodiscard]] TypeId find(std::span<const SubType> group, uint32_t hash) const noexcept {
        return groups.find(hash, [&](TypeId base) {
            if (entry(base).group_size != group.size())
                return false;
            const GroupComparison comparison{base, group.size()};
            for (uint32_t i = 0; i < group.size(); ++i)
                if (!comparison.equal(entry(base + i).type, group[i]))
                    return false;
            return true;
        });
    }

    bool store(const SubType& type, TypeId id, Numbering numbering) noexcept {
        const auto params = arena.copy(type.func.params);
        const auto results = arena.copy(type.func.results);
        const auto fields = arena.copy(type.fields);
        if (!params || !results || !fields)
            return false;
        for (ValType& param : *params)
            param = numbering.close(param);
        for (ValType& result : *results)
            result = numbering.close(result);
        for (FieldType& field : *fields)
            field.storage = numbering.close(field.storage);

        SubType stored = type;
        stored.supertype = numbering.close(type.supertype);
        stored.descriptor = numbering.close(type.descriptor);
        stored.described = numbering.close(type.described);
        stored.cont = numbering.close(type.cont);
        stored.depth = stored.supertype == SubType::no_supertype ? 0 : entry(stored.supertype).type.depth + 1;
        stored.defaultable = true;
        for (const FieldType& field : *fields)
            stored.defaultable &= field.storage.defaultable();
        stored.func = {*params, *results};
        stored.fields = *fields;
        ::new (&entry(id)) Entry{stored, 0};
        return true;
    }

    Allocator& allocator;
    Arena arena;
    // Written under the mutex but read without it: an entry is complete before its id is returned.
    std::array<Entry*, block_count> blocks{};
    Mutex mutex;
    HashIndex groups;
    std::atomic<uint32_t> count = 0;
};

TypeRegistry::TypeRegistry(Allocator& allocator) noexcept : impl_{create<Impl>(allocator, allocator)} {}

TypeRegistry::~TypeRegistry() {
    if (impl_ != nullptr)
        destroy(impl_->allocator, impl_);
}

namespace {

/// Whether all ids in a group are those of its members, or of the `count` types that there are.
bool mentions_known_types(std::span<const SubType> group, TypeId count) noexcept {
    const auto is_known = [&](TypeId id) {
        return id < count || id == SubType::no_type ||
               (id >= TypeRegistry::first_member && id - TypeRegistry::first_member < group.size());
    };
    const auto is_known_type = [&](const auto& type) {
        return !type.is_ref() || !type.heap().is_defined() || is_known(type.heap().id());
    };
    return std::ranges::all_of(group, [&](const SubType& type) {
        return is_known(type.supertype) && is_known(type.descriptor) && is_known(type.described) &&
               is_known(type.cont) && std::ranges::all_of(type.func.params, is_known_type) &&
               std::ranges::all_of(type.func.results, is_known_type) &&
               std::ranges::all_of(type.fields, is_known_type, &FieldType::storage);
    });
}

} // namespace

TypeId TypeRegistry::add_group(std::span<const SubType> group) noexcept {
    if (impl_ == nullptr)
        return failed;
    Impl& impl = *impl_;
    const uint32_t hash = hash_group(group, reinterpret_cast<uintptr_t>(impl_));
    const std::lock_guard lock{impl.mutex};
    if (const TypeId known = impl.find(group, hash); known != HashIndex::npos)
        return known;

    const TypeId base = impl.count;
    if (!mentions_known_types(group, base))
        return failed;
    if (group.size() > max_type_id - base || !impl.reserve(base + static_cast<uint32_t>(group.size())))
        return failed;
    // An empty group has no types, so any id will do.
    if (group.empty())
        return base;
    for (uint32_t i = 0; i < group.size(); ++i)
        if (!impl.store(group[i], base + i, {base}))
            return failed;
    if (!impl.groups.insert(hash, base))
        return failed;
    impl.entry(base).group_size = static_cast<uint32_t>(group.size());
    impl.count += static_cast<uint32_t>(group.size());
    return base;
}

bool TypeRegistry::contains(TypeId id) const noexcept {
    return impl_ != nullptr && id < impl_->count.load(std::memory_order_acquire);
}
const SubType& TypeRegistry::operator[](TypeId id) const noexcept { return impl_->entry(id).type; }

uint32_t TypeRegistry::group_size(TypeId id) const noexcept { return impl_->entry(id).group_size; }

bool TypeRegistry::is_subtype(TypeId sub, TypeId super) const noexcept {
    if (sub == super)
        return true;
    const uint32_t target = (*this)[super].depth;
    const SubType* type = &(*this)[sub];
    // Only the ancestor at the depth of `super` can be it.
    while (type->depth > target) {
        sub = type->supertype;
        type = &(*this)[sub];
    }
    return sub == super;
}

namespace {

constexpr HeapType bottom_of(CompositeKind kind) noexcept {
    return kind == CompositeKind::func   ? HeapType::nofunc
           : kind == CompositeKind::cont ? HeapType::nocont
                                         : HeapType::none;
}

} // namespace

bool TypeRegistry::matches(HeapType sub, HeapType super) const noexcept {
    if (sub == super || sub == HeapType::bot)
        return true;
    // The kind of type that `sub` is in its hierarchy: none, nofunc and so on are subtypes of all of it.
    const auto composite = [this](HeapType heap) { return (*this)[heap.id()].kind; };
    if (super.is_defined()) {
        if (sub.is_defined())
            return !super.is_exact() && is_subtype(sub.id(), super.id());
        return sub == bottom_of(composite(super));
    }
    const CompositeKind kind = sub.is_defined() ? composite(sub) : CompositeKind::func;
    const bool is_struct = sub == HeapType::struct_ || (sub.is_defined() && kind == CompositeKind::struct_);
    const bool is_array = sub == HeapType::array || (sub.is_defined() && kind == CompositeKind::array);
    const bool is_eq = is_struct || is_array || sub == HeapType::i31 || sub == HeapType::none;
    switch (super.code()) {
    case HeapType::any:
        return is_eq || sub == HeapType::eq;
    case HeapType::eq:
        return is_eq;
    case HeapType::i31:
        return sub == HeapType::none;
    case HeapType::struct_:
        return is_struct || sub == HeapType::none;
    case HeapType::array:
        return is_array || sub == HeapType::none;
    case HeapType::func:
        return sub == HeapType::nofunc || (sub.is_defined() && kind == CompositeKind::func);
    case HeapType::extern_:
        return sub == HeapType::noextern;
    case HeapType::exn:
        return sub == HeapType::noexn;
    case HeapType::cont:
        return sub == HeapType::nocont || (sub.is_defined() && kind == CompositeKind::cont);
    default:
        return false;
    }
}

HeapType TypeRegistry::top_of(HeapType heap) const noexcept {
    if (heap.is_defined())
        switch ((*this)[heap.id()].kind) {
        case CompositeKind::func:
            return HeapType::func;
        case CompositeKind::cont:
            return HeapType::cont;
        case CompositeKind::struct_:
        case CompositeKind::array:
            return HeapType::any;
        }
    switch (heap.code()) {
    case HeapType::func:
    case HeapType::nofunc:
    case HeapType::bot:
        return HeapType::func;
    case HeapType::extern_:
    case HeapType::noextern:
        return HeapType::extern_;
    case HeapType::exn:
    case HeapType::noexn:
        return HeapType::exn;
    case HeapType::cont:
    case HeapType::nocont:
        return HeapType::cont;
    default:
        return HeapType::any;
    }
}

bool TypeRegistry::matches_slow(ValType sub, ValType super) const noexcept {
    if (sub.kind() == ValType::bot)
        return true;
    if (!sub.is_ref() || !super.is_ref())
        return sub == super;
    return (!sub.nullable() || super.nullable()) && matches(sub.heap(), super.heap());
}

namespace {

// https://webassembly.github.io/spec/core/valid/matching.html#limits
bool limits_match(const Limits& sub, const Limits& super) noexcept {
    return sub.is_64 == super.is_64 && sub.min >= super.min &&
           (!super.has_max || (sub.has_max && sub.max <= super.max));
}

} // namespace

bool TypeRegistry::matches(const ExternType& sub, const ExternType& super) const noexcept {
    if (sub.kind != super.kind)
        return false;
    switch (sub.kind) {
    case ExternKind::func:
        return super.exact ? sub.exact && sub.func == super.func : is_subtype(sub.func, super.func);
    case ExternKind::table:
        return sub.table.element == super.table.element && limits_match(sub.table.limits, super.table.limits);
    case ExternKind::memory:
        return sub.memory.shared == super.memory.shared &&
               sub.memory.page_size_log2 == super.memory.page_size_log2 &&
               limits_match(sub.memory.limits, super.memory.limits);
    case ExternKind::global:
        if (sub.global.is_mutable != super.global.is_mutable)
            return false;
        return sub.global.is_mutable ? sub.global.content == super.global.content
                                     : matches(sub.global.content, super.global.content);
    case ExternKind::tag:
        return sub.tag == super.tag;
    }
    return false;
}

} // namespace warpbeam
