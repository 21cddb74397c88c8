// Signature-Input and Signature (RFC 9421): two dictionaries with the same keys. Members of the first are
// inner lists of what is covered, those of the second are byte sequences.

#include "example.hpp"

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/serialize.hpp>

#include <string>

namespace sfv = warpbeam::sfv;

/// The signature parameters as signed: the member of Signature-Input in its canonical form.
std::string signature_params(const sfv::Dictionary& input, std::string_view label) {
    const sfv::Member* const member = input.find(label);
    if (member == nullptr || !member->is_inner_list())
        return "";
    auto copy = member->clone();
    sfv::List alone;
    if (!copy || !alone.add(std::move(*copy)))
        return "";
    return to_string(alone);
}

int main() {
    // Signing: what is covered, and the parameters.
    sfv::Dictionary input;
    const auto covered = input.set_inner_list("sig1");
    EXPECT(covered);
    EXPECT((*covered)->add("@method") && (*covered)->add("@authority") && (*covered)->add("content-digest"));
    sfv::Parameters& parameters = (*covered)->parameters;
    EXPECT(parameters.set("created", 1618884475) && parameters.set("keyid", "test-key-ed25519"));
    const std::string field = to_string(input);
    EXPECT(
        field ==
        "sig1=(\"@method\" \"@authority\" \"content-digest\");created=1618884475;keyid=\"test-key-ed25519\"");
    sfv::Dictionary signature;
    EXPECT(signature.set("sig1", sfv::ByteSequence{"the signature's bytes"}));
    EXPECT(to_string(signature) == "sig1=:dGhlIHNpZ25hdHVyZSdzIGJ5dGVz:");

    // Verifying: both fields as received, perhaps not in canonical form.
    const auto received = sfv::Dictionary::parse("sig1=( \"@method\"  \"@authority\" \"content-digest\" );"
                                                 "created=1618884475; keyid=\"test-key-ed25519\"");
    const auto bytes = sfv::Dictionary::parse("sig1=:dGhlIHNpZ25hdHVyZSdzIGJ5dGVz:");
    EXPECT(received && bytes);
    EXPECT("sig1=" + signature_params(*received, "sig1") == field);
    EXPECT(signature_params(*received, "sig2").empty());
    for (const auto& entry : *bytes) {
        const sfv::Item* const item = entry.value.item();
        EXPECT(item != nullptr && item->value.is(sfv::Type::byte_sequence));
        EXPECT(item->value.text() == "the signature's bytes");
    }
}
