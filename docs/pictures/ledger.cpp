// The program of the picture of a trap: an amount is taken from an account that does not exist.
#include <cstdio>
#include <map>

struct Account {
    long balance = 0;
    void withdraw(long amount) {
        if (amount > balance)
            __builtin_trap();
        balance -= amount;
    }
};

struct Ledger {
    std::map<int, Account> accounts{{1001, {120}}, {1002, {80}}};

    [[gnu::noinline]] void transfer(int from, int to, long amount) {
        accounts[from].withdraw(amount);
        accounts[to].balance += amount;
    }
};

int main() {
    Ledger ledger;
    ledger.transfer(1001, 1002, 50);
    std::puts("50 from account 1001");
    ledger.transfer(1011, 1002, 50);
}
