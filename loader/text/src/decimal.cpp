#include "decimal.hpp"

#include <algorithm>
#include <bit>
#include <span>

namespace warpbeam::text {
namespace {

/// Numbers from 10^min_magnitude to below 10^max_magnitude are those that binary64 can tell from zero and
/// infinity.
constexpr int64_t min_magnitude = -324;
constexpr int64_t max_magnitude = 310;

/// A natural number, large enough for the digits of a literal and for the power of ten that they are divided
/// by.
class Natural {
public:
    explicit Natural(uint32_t value) noexcept {
        if (value != 0)
            limbs_[size_++] = value;
    }

    /// Becomes *this * factor + summand.
    void multiply_add(uint32_t factor, uint32_t summand) noexcept {
        uint64_t carry = summand;
        for (uint32_t& limb : used()) {
            carry += uint64_t{limb} * factor;
            limb = static_cast<uint32_t>(carry);
            carry >>= 32;
        }
        if (carry != 0)
            limbs_[size_++] = static_cast<uint32_t>(carry);
    }
    void multiply_by_power_of_5(size_t power) noexcept {
        constexpr uint32_t largest = 1220703125; // 5^13
        for (; power >= 13; power -= 13)
            multiply_add(largest, 0);
        for (; power != 0; --power)
            multiply_add(5, 0);
    }
    void shift_left(size_t bits) noexcept {
        const size_t whole = bits / 32;
        std::copy_backward(limbs_, limbs_ + size_, limbs_ + size_ + whole);
        std::fill_n(limbs_, whole, 0u);
        size_ += whole;
        multiply_add(uint32_t{1} << bits % 32, 0);
    }
    /// `other` is at most *this.
    void subtract(const Natural& other) noexcept {
        uint64_t borrow = 0;
        for (size_t i = 0; i < size_; ++i) {
            const uint64_t difference =
                uint64_t{limbs_[i]} - (i < other.size_ ? other.limbs_[i] : 0) - borrow;
            limbs_[i] = static_cast<uint32_t>(difference);
            borrow = difference >> 63;
        }
        while (size_ != 0 && limbs_[size_ - 1] == 0)
            --size_;
    }

    [[nodiscard]] bool is_zero() const noexcept { return size_ == 0; }
    [[nodiscard]] bool operator>=(const Natural& other) const noexcept {
        for (size_t i = std::max(size_, other.size_); i-- != 0;)
            if (const uint32_t a = limb(i), b = other.limb(i); a != b)
                return a > b;
        return true;
    }
    [[nodiscard]] size_t bits() const noexcept {
        return size_ == 0 ? 0 : size_ * 32 - static_cast<size_t>(std::countl_zero(limbs_[size_ - 1]));
    }

private:
    [[nodiscard]] uint32_t limb(size_t i) const noexcept { return i < size_ ? limbs_[i] : 0; }
    [[nodiscard]] std::span<uint32_t> used() noexcept { return {limbs_, size_}; }

    // 781 digits have 2,595 bits; 5^1105, for as many digits of the smallest numbers, has 2,566. Division
    // adds one.
    uint32_t limbs_[82]; // NOLINT(cppcoreguidelines-pro-type-member-init): the first size_
    size_t size_ = 0;
};

} // namespace

Binary binary_of(std::string_view digits, int64_t exponent) noexcept {
    const int64_t magnitude = exponent + static_cast<int64_t>(digits.size());
    if (magnitude <= min_magnitude)
        return {};
    if (magnitude > max_magnitude)
        return {uint64_t{1} << 63, 1024, false};

    Natural dividend{0};
    for (const char digit : digits)
        dividend.multiply_add(10, static_cast<uint32_t>(digit - '0'));
    Natural divisor{1};
    (exponent < 0 ? divisor : dividend)
        .multiply_by_power_of_5(static_cast<size_t>(exponent < 0 ? -exponent : exponent));
    // Both get as many bits, so that the quotient is below 2 and its first bit is in the first or second
    // place.
    const size_t bits = std::max(dividend.bits(), divisor.bits());
    int64_t power = exponent + static_cast<int64_t>(dividend.bits()) - static_cast<int64_t>(divisor.bits());
    dividend.shift_left(bits - dividend.bits());
    divisor.shift_left(bits - divisor.bits());

    uint64_t quotient = 0;
    while (true) {
        const bool one = dividend >= divisor;
        if (one)
            dividend.subtract(divisor);
        quotient = quotient << 1 | (one ? 1 : 0);
        if (quotient >> 63 != 0)
            break;
        --power;
        dividend.shift_left(1);
    }
    return {quotient, power, !dividend.is_zero()};
}

} // namespace warpbeam::text
