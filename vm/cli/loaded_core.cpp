#include "loaded_core.hpp"

#include "body_starts.hpp"
#include "command.hpp"
#include "files.hpp"

#include <algorithm>
#include <filesystem>

namespace warpbeam::cli {
namespace {

std::string_view name_of_file(std::string_view path) { return path.substr(path.rfind('/') + 1); }

CoreDump need_dump(std::string_view path, std::span<const uint8_t> bytes) {
    auto dump = CoreDump::read(bytes);
    if (!dump)
        throw Failure(describe(path, dump.error(), ModuleBytes{}));
    return std::move(*dump);
}

/// A module with any features, which is only looked at.
std::expected<Module, Error> load_any(const ModuleBytes& file) {
    LoadOptions options;
    options.features = FeatureSet::all();
    return Module::load(file.bytes, options);
}

} // namespace

LoadedCore::LoadedCore(std::string_view path, std::span<const uint8_t> bytes,
                       std::span<const std::string_view> modules)
    : dump_{need_dump(path, bytes)}, instances_(dump_.modules().size()),
      files_(dump_.modules().size(), File{{}, std::make_shared<Loaded>()}) {
    for (const CoreInstance& instance : dump_.instances())
        instances_[instance.module].push_back(&instance);
    for (const std::string_view given : modules)
        give(given);
    for (size_t i = 0; i < files_.size(); ++i)
        if (!files_[i].loaded->module)
            find(i, path);
}

/// Whether the instances of a module have as many memories and globals as this one has.
bool LoadedCore::fits(const Module& module, size_t index) const {
    return std::ranges::all_of(instances_[index], [&](const CoreInstance* instance) {
        return instance->memories.size() == module.memories().size() &&
               instance->globals.size() == module.globals().size();
    });
}

void LoadedCore::give(std::string_view path) {
    size_t index = 0;
    while (index < files_.size() && name_of_file(dump_.modules()[index]) != name_of_file(path))
        ++index;
    if (index == files_.size() && files_.size() == 1)
        index = 0; // whatever it is called now
    if (index >= files_.size()) {
        std::string names;
        for (const std::string_view name : dump_.modules())
            names.append(names.empty() ? "" : ", ").append(printable(name));
        throw Failure("warpbeam: the core dump has no module with the file name of " + std::string(path) +
                      (names.empty() ? "; it names no modules" : "; its modules are " + names));
    }
    const ModuleBytes file = read_module(path);
    const auto module = load_any(file);
    if (!module)
        throw Failure(describe(path, module.error(), file));
    if (!fits(*module, index))
        throw Failure("warpbeam: " + std::string(path) +
                      " is not the module of the core dump: it has other memories or globals");
    files_[index] = {std::string{path}, std::make_shared<Loaded>(*module, body_starts(*module))};
}

void LoadedCore::find(size_t index, std::string_view core_path) {
    const std::filesystem::path named{dump_.modules()[index]};
    const std::filesystem::path beside = std::filesystem::path{core_path}.replace_filename(named.filename());
    for (const std::filesystem::path& path : {named, beside}) {
        // The name may be anything. What blocks, or has no end, is no regular file.
        std::error_code fault;
        if (named.filename().empty() || !std::filesystem::is_regular_file(path, fault))
            continue;
        const auto& loaded = load(path.string());
        if (loaded->module && fits(loaded->module, index)) {
            files_[index] = {path.string(), loaded};
            return;
        }
    }
}

const std::shared_ptr<const LoadedCore::Loaded>& LoadedCore::load(const std::string& path) {
    std::error_code fault;
    const auto [place, is_new] =
        loaded_.try_emplace(std::filesystem::weakly_canonical(path, fault).string(), nullptr);
    if (!is_new)
        return place->second;
    place->second = std::make_shared<Loaded>();
    try {
        if (const auto module = load_any(read_module(path)))
            place->second = std::make_shared<Loaded>(*module, body_starts(*module));
    } catch (const Failure&) { // it is not the module
    }
    return place->second;
}

Module LoadedCore::module_of(uint32_t instance) const {
    return instance < dump_.instances().size() ? module(dump_.instances()[instance].module) : Module{};
}

Frame LoadedCore::frame(const CoreFrame& frame) const {
    Frame found{{}, frame.func, Error::no_offset};
    if (frame.instance >= dump_.instances().size())
        return found;
    const Loaded& file = *files_[dump_.instances()[frame.instance].module].loaded;
    const uint32_t imported = file.module.imported_funcs();
    if (frame.func < imported || frame.func >= file.module.funcs().size())
        return found;
    found.module = file.module;
    const uint32_t defined = frame.func - imported;
    const FuncBody& body = file.module.bodies()[defined];
    const size_t offset = defined < file.starts.size() ? file.starts[defined] + frame.code_offset : 0;
    if (offset >= body.code_offset && offset - body.code_offset < body.code.size())
        found.offset = offset;
    return found;
}

} // namespace warpbeam::cli
