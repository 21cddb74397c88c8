#include "corpus.hpp"

#include <warpbeam/sfv/tools/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

namespace warpbeam::bench {

namespace {

using enum sfv::FieldType;

std::string repeat(const std::string& text, size_t count, const std::string& separator = "") {
    std::string all;
    for (size_t i = 0; i < count; ++i)
        all += (i == 0 ? "" : separator) + text;
    return all;
}

/// `key0=value, key1=value, ...` until it has `size` bytes.
std::string large_dictionary(size_t size) {
    const char* const values[] = {"12345", "\"some text\"", "token", "?0", "0.75", "(a b);q=1", ":AAECAwQF:"};
    std::string field;
    for (size_t i = 0; field.size() < size; ++i)
        field += (i == 0 ? "" : ", ") + ("key" + std::to_string(i)) + "=" + values[i % std::size(values)];
    return field;
}

} // namespace

std::vector<InputClass> built_in_classes() {
    const std::string prose = "The quick brown fox jumps over the lazy dog while nobody is looking at it. ";
    const std::string base64 = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    return {
        {"integer", false, {{item, "1"}, {item, "-42"}, {item, "1618884473"}, {item, "999999999999999"}}},
        {"decimal", false, {{item, "0.5"}, {item, "-12.25"}, {item, "123456.789"}}},
        {"short string", false, {{item, "\"\""}, {item, "\"abc\""}, {item, "\"hello, world\""}}},
        {"escaped string", false, {{item, R"("a \"quoted\" word and a \\ backslash")"}}},
        {"token", false, {{item, "a"}, {item, "gzip"}, {item, "text/html"}, {item, "*foo123/456"}}},
        {"long token", false, {{item, repeat("application/", 20)}}},
        {"boolean", false, {{item, "?1"}, {item, "?0"}}},
        {"date", false, {{item, "@1659578233"}, {item, "@-1"}}},
        {"short byte sequence", false, {{item, "::"}, {item, ":aGVsbG8=:"}, {item, ":AAECAwQFBgc=:"}}},
        {"display string", false, {{item, "%\"This is intended for display to %c3%bcsers.\""}}},
        {"list of tokens", false, {{list, "sugar, tea, rum"}, {list, repeat("token", 50, ", ")}}},
        {"list of integers", false, {{list, "1, 2, 3, 5, 8, 13, 21"}, {list, repeat("12345", 50, ",")}}},
        {"inner lists", false, {{list, "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()"}}},
        {"parameters",
         false,
         {{item, "a;b;c=1;d=\"x\";e=?0;f=tok"}, {list, "abc;a=1;b=2; cde_456, (ghi jkl);q=\"9\""}}},
        {"dictionary", false, {{dictionary, "a=1, b=2;x=1;y=2, c=(a b c), d, e=?0"}}},
        {"Priority",
         true,
         {{dictionary, "u=3"}, {dictionary, "u=1, i"}, {dictionary, "i, u=5"}, {dictionary, "u=0"}}},
        {"Cache-Status",
         true,
         {{list, "ExampleCache; hit"},
          {list, "OriginCache; hit; ttl=1100, \"CDN Company Here\"; hit; ttl=545"},
          {list,
           "ExampleCache; fwd=uri-miss; fwd-status=304; stored; collapsed; key=\"https://a.example/x\""}}},
        {"Signature-Input",
         true,
         {{dictionary,
           "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")"
           ";created=1618884473;keyid=\"test-key-ed25519\""},
          {dictionary,
           "sig1=(\"@method\" \"@target-uri\" \"@authority\" \"content-digest\" \"cache-control\");"
           "created=1618884475;keyid=\"test-key-rsa-pss\";alg=\"rsa-pss-sha512\", "
           "proxy_sig=(\"signature\";key=\"sig1\" \"forwarded\");created=1618884480;expires=1618884540"}}},
        {"Signature",
         true,
         {{dictionary,
           "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
           ":"}}},
        {"Content-Digest", true, {{dictionary, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"}}},
        {"Client Hints",
         true,
         {{list, "\"Chromium\";v=\"124\", \"Google Chrome\";v=\"124\", \"Not-A.Brand\";v=\"99\""},
          {item, "?0"},
          {item, "\"Linux\""},
          {item, "\"124.0.6367.60\""},
          {list, "\"Chromium\";v=\"124.0.6367.60\", \"Not-A.Brand\";v=\"99.0.0.0\""}}},
        {"4 KB dictionary", true, {{dictionary, large_dictionary(4096)}}},
        {"long string", true, {{item, "\"" + repeat(prose, 54) + "\""}}},
        {"long byte sequence", true, {{item, ":" + repeat(base64, 93) + ":"}}},
    };
}

std::vector<InputClass> suite_classes(const std::string& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<InputClass> classes;
    for (const auto& path : files) {
        std::ifstream stream(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
        const sfv::json::Value cases = sfv::json::parse(text);
        InputClass inputs{path.stem().string(), false, {}};
        for (const auto& one : cases.array) {
            const auto* const must_fail = one.find("must_fail");
            const auto* const raw = one.find("raw");
            const auto* const type = one.find("header_type");
            if (raw == nullptr || type == nullptr || (must_fail != nullptr && must_fail->boolean))
                continue;
            // sfparse takes only one line.
            std::string field;
            for (size_t i = 0; i < raw->array.size(); ++i)
                field += (i == 0 ? "" : ", ") + raw->array[i].text;
            inputs.fields.push_back({type->text == "item"   ? item
                                     : type->text == "list" ? list
                                                            : dictionary,
                                     field});
        }
        if (!inputs.fields.empty())
            classes.push_back(std::move(inputs));
    }
    if (classes.empty())
        throw std::runtime_error("no suite in " + directory);
    return classes;
}

InputClass shuffled(std::string name, const std::vector<InputClass>& classes, size_t count) {
    std::vector<const Field*> all;
    for (const InputClass& inputs : classes)
        for (const Field& field : inputs.fields)
            if (field.text.size() < 1000)
                all.push_back(&field);
    InputClass picked{std::move(name), false, {}};
    std::minstd_rand random{1};
    while (picked.fields.size() < count)
        picked.fields.push_back(*all[random() % all.size()]);
    return picked;
}

} // namespace warpbeam::bench
