// SQLite with a database in memory: rows, an index, sorting, a join and updates.
#include "../programs/bench.h"

#include <sqlite3.h>

static int add_to_sum(void* sum, int columns, char** values, char** names) {
    (void)names;
    for (int i = 0; i < columns; i++) {
        for (const char* text = values[i]; text != NULL && *text != '\0'; text++)
            *(uint32_t*)sum = checksum(*(uint32_t*)sum, (uint8_t)*text);
    }
    return 0;
}

static void execute(sqlite3* database, const char* text, uint32_t* sum) {
    char* error = NULL;
    if (sqlite3_exec(database, text, add_to_sum, sum, &error) != SQLITE_OK)
        fail(error);
}

int main(int argc, char** argv) {
    const uint32_t count = iterations(argc, argv, 1);
    uint32_t sum = checksum_start;
    uint32_t seed = 1;
    for (uint32_t round = 0; round < count; round++) {
        sqlite3* database;
        if (sqlite3_open(":memory:", &database) != SQLITE_OK)
            fail("open");
        execute(database,
                "create table item (id integer primary key, grp integer, name text, price real); begin",
                &sum);
        sqlite3_stmt* insert;
        if (sqlite3_prepare_v2(database, "insert into item values (?, ?, ?, ?)", -1, &insert, NULL) !=
            SQLITE_OK)
            fail("prepare");
        for (int i = 0; i < 3000; i++) {
            char name[32];
            snprintf(name, sizeof name, "item %" PRIu32, random_below(&seed, 100000));
            sqlite3_bind_int(insert, 1, i);
            sqlite3_bind_int(insert, 2, i % 37);
            sqlite3_bind_text(insert, 3, name, -1, SQLITE_TRANSIENT);
            sqlite3_bind_double(insert, 4, random_below(&seed, 10000) / 100.0);
            if (sqlite3_step(insert) != SQLITE_DONE)
                fail("insert");
            sqlite3_reset(insert);
        }
        sqlite3_finalize(insert);
        execute(database, "commit; create index by_name on item (name)", &sum);
        execute(database, "select grp, count(*), sum(price) from item group by grp order by 3", &sum);
        execute(database,
                "select a.name from item a join item b on a.name = b.name and a.id < b.id order by 1", &sum);
        execute(database, "update item set price = price * 1.1 where name like '%7%'", &sum);
        execute(database, "select name, price from item where id % 10 = 3 order by price desc", &sum);
        sqlite3_close(database);
    }
    printf("SQLite: %08" PRIx32 "\n", sum);
    return 0;
}
