// Steps with a database, each in a process of its own. All that it prints is the same in every build.
//
//   database FILE create|query|interrupted|check
#include "sqlite3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3* database;

static void fail(const char* what) {
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

static int print_row(void* rows, int count, char** values, char** names) {
    (void)names;
    ++*(int*)rows;
    for (int i = 0; i < count; ++i)
        printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
    putchar('\n');
    return 0;
}

static void run(const char* statement) {
    int rows = 0;
    if (sqlite3_exec(database, statement, print_row, &rows, NULL) != SQLITE_OK)
        fail(statement);
}

// Inserts items with numbers from the first one to before the last one.
static void insert(int first, int last) {
    sqlite3_stmt* statement;
    if (sqlite3_prepare_v2(database, "INSERT INTO items VALUES (?1, ?2, ?3, ?4)", -1, &statement, NULL) !=
        SQLITE_OK)
        fail("prepare");
    unsigned random = 12345;
    for (int number = first; number < last; ++number) {
        char name[32];
        unsigned char picture[100];
        random = random * 1664525u + 1013904223u;
        snprintf(name, sizeof name, "item %08x", random);
        memset(picture, number & 255, sizeof picture);
        sqlite3_bind_int(statement, 1, number);
        sqlite3_bind_text(statement, 2, name, -1, SQLITE_TRANSIENT);
        sqlite3_bind_double(statement, 3, (double)(random % 100000) / 100);
        sqlite3_bind_blob(statement, 4, picture, sizeof picture, SQLITE_TRANSIENT);
        if (sqlite3_step(statement) != SQLITE_DONE)
            fail("insert");
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
}

static void create(void) {
    run("CREATE TABLE items (number INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, picture BLOB)");
    run("CREATE INDEX by_name ON items (name)");
    run("BEGIN");
    insert(0, 10000);
    run("COMMIT");
    run("SELECT count(*) FROM items");
}

static void query(void) {
    run("SELECT number, name, price FROM items ORDER BY name LIMIT 5");
    run("SELECT number, name FROM items WHERE name > 'item f' ORDER BY name DESC LIMIT 3");
    run("SELECT number % 7 AS day, count(*), round(avg(price), 3), max(name), hex(min(picture)) FROM items "
        "GROUP BY day");
    run("WITH RECURSIVE fib(a, b) AS (VALUES (0, 1) UNION ALL SELECT b, a + b FROM fib WHERE a < 1000000)"
        "SELECT group_concat(a, ' ') FROM fib");
    run("SELECT a.number, b.name FROM items a JOIN items b ON b.number = a.number * 2 WHERE a.name < 'item "
        "0001' "
        "ORDER BY b.name");
    run("UPDATE items SET price = price * 2 WHERE number BETWEEN 100 AND 199");
    run("DELETE FROM items WHERE number >= 9900");
    run("SELECT count(*), round(sum(price), 2) FROM items");
    run("VACUUM");
    run("PRAGMA integrity_check");
}

// Changes so much in one transaction that it reaches the file before the commit, says so, and waits to be
// killed.
static void interrupted(void) {
    run("PRAGMA cache_size = 10");
    run("BEGIN");
    run("UPDATE items SET price = -1, name = 'lost ' || number");
    insert(20000, 25000);
    run("SELECT count(*), min(price) FROM items");
    fflush(stdout);
    getchar();
    fputs("nobody ended this program\n", stderr);
    exit(1);
}

static void check(void) {
    run("PRAGMA integrity_check");
    run("SELECT count(*), round(sum(price), 2), min(name), max(name), max(number) FROM items");
}

int main(int argc, char** argv) {
    static const struct {
        const char* name;
        void (*run)(void);
    } steps[] = {{"create", create}, {"query", query}, {"interrupted", interrupted}, {"check", check}};
    if (argc != 3)
        return 2;
    if (sqlite3_open(argv[1], &database) != SQLITE_OK)
        fail(argv[1]);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; ++i) {
        if (strcmp(argv[2], steps[i].name) == 0) {
            steps[i].run();
            return sqlite3_close(database) == SQLITE_OK ? 0 : 1;
        }
    }
    return 2;
}
