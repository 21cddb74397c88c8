#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>

namespace warpbeam::text {

/// A natural number of at most 6144 bits: enough for 10^1200 and for all digits of a `Decimal`, without
/// allocation.
class Bignum {
public:
    [[nodiscard]] bool is_zero() const noexcept { return size_ == 0; }
    [[nodiscard]] unsigned bit_length() const noexcept {
        return size_ == 0 ? 0 : size_ * 32 - static_cast<unsigned>(std::countl_zero(words_[size_ - 1]));
    }

    void multiply_add(uint32_t factor, uint32_t summand) noexcept {
        uint64_t carry = summand;
        for (unsigned i = 0; i < size_; ++i) {
            carry += uint64_t{words_[i]} * factor;
            words_[i] = static_cast<uint32_t>(carry);
            carry >>= 32;
        }
        if (carry != 0)
            words_[size_++] = static_cast<uint32_t>(carry);
    }

    void multiply_power_of_ten(unsigned exponent) noexcept {
        for (; exponent >= 9; exponent -= 9)
            multiply_add(1'000'000'000, 0);
        for (; exponent > 0; --exponent)
            multiply_add(10, 0);
    }

    void shift_left(unsigned bits) noexcept {
        const unsigned words = bits / 32;
        bits %= 32;
        if (size_ == 0 || (words == 0 && bits == 0))
            return;
        uint32_t carry = 0;
        if (bits != 0) {
            for (unsigned i = 0; i < size_; ++i) {
                const uint32_t word = words_[i];
                words_[i] = word << bits | carry;
                carry = word >> (32 - bits);
            }
            if (carry != 0)
                words_[size_++] = carry;
        }
        if (words != 0) {
            std::copy_backward(words_, words_ + size_, words_ + size_ + words);
            std::fill_n(words_, words, 0);
            size_ += words;
        }
    }

    friend std::strong_ordering operator<=>(const Bignum& a, const Bignum& b) noexcept {
        if (a.size_ != b.size_)
            return a.size_ <=> b.size_;
        for (unsigned i = a.size_; i-- > 0;)
            if (a.words_[i] != b.words_[i])
                return a.words_[i] <=> b.words_[i];
        return std::strong_ordering::equal;
    }

    /// `b` is not greater.
    Bignum& operator-=(const Bignum& b) noexcept {
        uint64_t borrow = 0;
        for (unsigned i = 0; i < size_; ++i) {
            const uint64_t difference = uint64_t{words_[i]} - (i < b.size_ ? b.words_[i] : 0) - borrow;
            words_[i] = static_cast<uint32_t>(difference);
            borrow = difference >> 63;
        }
        while (size_ > 0 && words_[size_ - 1] == 0)
            --size_;
        return *this;
    }

private:
    uint32_t words_[192];
    unsigned size_ = 0;
};

} // namespace warpbeam::text
