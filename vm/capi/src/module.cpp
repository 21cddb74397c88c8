#include "module.hpp"

#include "error.hpp"
#include "types.hpp"

#include <array>

struct wasm_shared_module_t {
    warpbeam::Engine engine; ///< that has loaded it
    warpbeam::Module module;
};

namespace warpbeam::capi {
namespace {

std::span<const uint8_t> bytes_of(const wasm_byte_vec_t& bytes) noexcept {
    return bytes.data != nullptr ? std::span{reinterpret_cast<const uint8_t*>(bytes.data), bytes.size}
                                 : std::span<const uint8_t>{};
}

wasm_module_t* make_module(wasm_store_t& store, const Module& module) noexcept {
    auto shared =
        Ref<SharedModule>::adopt(create<SharedModule>(store.allocator(), store.allocator(), module));
    return shared ? make_ref<wasm_module_t>(store, std::move(shared)) : nullptr;
}

/// What comes before the bytes of a module that is serialised: a mark, whose last byte is the version, and
/// the number of bytes, little-endian.
using SerialHeader = std::array<char, 16>;
SerialHeader serial_header(size_t size) noexcept {
    SerialHeader header = {'w', 'a', 'r', 'p', 'b', 'm', 0, 1};
    for (size_t i = 0; i < 8; ++i)
        header[8 + i] = static_cast<char>(uint64_t{size} >> (8 * i));
    return header;
}

} // namespace

Module module_of(const wasm_module_t* module) noexcept {
    const ModuleObject* const found = find<ModuleObject>(module);
    return found != nullptr ? (*found)->module : Module{};
}

std::expected<wasm_module_t*, Error> load_module(wasm_store_t& store,
                                                 const wasm_byte_vec_t& binary) noexcept {
    const auto module = store.engine.load(bytes_of(binary));
    if (!module)
        return std::unexpected{module.error()};
    wasm_module_t* const made = make_module(store, *module);
    if (made == nullptr)
        return std::unexpected{Error{ErrorCode::out_of_memory}};
    return made;
}

} // namespace warpbeam::capi

using namespace warpbeam;

wasm_module_t* wasm_module_new(wasm_store_t* store, const wasm_byte_vec_t* binary) {
    if (store == nullptr || !store->store || binary == nullptr)
        return nullptr;
    return capi::load_module(*store, *binary).value_or(nullptr);
}
bool wasm_module_validate(wasm_store_t* store, const wasm_byte_vec_t* binary) {
    return store != nullptr && binary != nullptr && store->engine.load(capi::bytes_of(*binary)).has_value();
}

void wasm_module_imports(const wasm_module_t* module, wasm_importtype_vec_t* out) {
    const Module from = capi::module_of(module);
    if (!capi::make_vec(*out, from.imports().size()))
        return;
    for (size_t i = 0; i < out->size; ++i) {
        const Import& import = from.imports()[i];
        wasm_name_t first, second;
        const bool has_first = capi::make_name(first, import.module);
        const bool has_second = capi::make_name(second, import.name);
        wasm_externtype_t* const type =
            has_first && has_second ? capi::make_externtype(capi::as_ref(module)->store->engine, import.type)
                                    : nullptr;
        if ((out->data[i] = wasm_importtype_new(&first, &second, type)) == nullptr)
            return wasm_importtype_vec_delete(out);
    }
}
void wasm_module_exports(const wasm_module_t* module, wasm_exporttype_vec_t* out) {
    const Module from = capi::module_of(module);
    if (!capi::make_vec(*out, from.exports().size()))
        return;
    for (size_t i = 0; i < out->size; ++i) {
        const Export& entry = from.exports()[i];
        wasm_name_t name;
        wasm_externtype_t* const type =
            capi::make_name(name, entry.name)
                ? capi::make_externtype(capi::as_ref(module)->store->engine, from.type_of(entry))
                : nullptr;
        if ((out->data[i] = wasm_exporttype_new(&name, type)) == nullptr)
            return wasm_exporttype_vec_delete(out);
    }
}

void wasm_module_serialize(const wasm_module_t* module, wasm_byte_vec_t* out) {
    *out = {0, nullptr};
    const Module from = capi::module_of(module);
    const std::span<const uint8_t> bytes = from.bytes();
    const capi::SerialHeader header = capi::serial_header(bytes.size());
    if (!from || !capi::make_vec(*out, header.size() + bytes.size()))
        return;
    std::memcpy(out->data, header.data(), header.size());
    std::memcpy(out->data + header.size(), bytes.data(), bytes.size());
}
wasm_module_t* wasm_module_deserialize(wasm_store_t* store, const wasm_byte_vec_t* serial) {
    constexpr size_t before = sizeof(capi::SerialHeader);
    if (serial == nullptr || serial->data == nullptr || serial->size < before)
        return nullptr;
    const wasm_byte_vec_t binary{serial->size - before, serial->data + before};
    if (std::memcmp(serial->data, capi::serial_header(binary.size).data(), before) != 0)
        return nullptr;
    return wasm_module_new(store, &binary);
}

wasm_shared_module_t* wasm_module_share(const wasm_module_t* module) {
    const Module from = capi::module_of(module);
    return from ? create<wasm_shared_module_t>(capi::common(), capi::as_ref(module)->store->engine, from)
                : nullptr;
}
void wasm_shared_module_delete(wasm_shared_module_t* module) { destroy(capi::common(), module); }
wasm_module_t* wasm_module_obtain(wasm_store_t* store, const wasm_shared_module_t* module) {
    if (store == nullptr || !store->store || module == nullptr)
        return nullptr;
    if (store->engine == module->engine)
        return capi::make_module(*store, module->module);
    const auto loaded = store->engine.load(module->module.bytes());
    return loaded ? capi::make_module(*store, *loaded) : nullptr;
}

warpbeam_error_t* warpbeam_module_new(wasm_store_t* store, const wasm_byte_vec_t* binary,
                                      wasm_module_t** out) {
    *out = nullptr;
    if (store == nullptr || !store->store || binary == nullptr)
        return capi::misuse("there is no store, or no binary");
    const auto module = capi::load_module(*store, *binary);
    *out = module.value_or(nullptr);
    return capi::error_of(module);
}

uint32_t warpbeam_module_type(const wasm_module_t* module, uint32_t index) {
    const std::span<const TypeId> types = capi::module_of(module).types();
    return index < types.size() ? types[index] : SubType::no_type;
}
