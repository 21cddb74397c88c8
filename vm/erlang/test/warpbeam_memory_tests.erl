%% Numbers, strings and blocks of the guest's allocator; what an instance uses and what is freed.
-module(warpbeam_memory_tests).
-include_lib("eunit/include/eunit.hrl").

%% An allocator that gives addresses upwards from 1,024 and counts what is freed.
guest(Extra) ->
    {ok, Module} = warpbeam:load(["(module (memory (export \"memory\") 1 16)
        (global $next (mut i32) (i32.const 1024)) (global (export \"freed\") (mut i32) (i32.const 0))
        (func (export \"malloc\") (param i32) (result i32)
            (if (i32.gt_u (local.get 0) (i32.const 100000)) (then (return (i32.const 0))))
            (global.get $next)
            (global.set $next (i32.add (global.get $next) (local.get 0))))
        (func (export \"free\") (param i32) (global.set 1 (i32.add (global.get 1) (i32.const 1))))", Extra, ")"]),
    {ok, Instance} = warpbeam:instantiate(Module),
    Instance.

numbers_test_() ->
    I = guest(""),
    Same = fun(Type, Number) ->
                   ok = warpbeam_memory:put(I, 100, Type, Number),
                   warpbeam_memory:get(I, 100, Type) =:= {ok, Number}
           end,
    [?_assert(Same(Type, Number)) ||
        {Type, Numbers} <- [{i8, [0, -128, 127]}, {u8, [0, 255]}, {i16, [-32768, 32767]}, {u16, [65535]},
                            {i32, [-16#80000000, 16#7fffffff]}, {u32, [16#ffffffff]},
                            {i64, [-16#8000000000000000, 16#7fffffffffffffff]}, {u64, [16#ffffffffffffffff]},
                            {f32, [0.0, 1.5, -2.0, nan, '+inf', '-inf']}, {f64, [0.1, -1.0e300, nan, '+inf', '-inf']}],
        Number <- Numbers] ++
    [?_assertEqual(ok, warpbeam_memory:put(I, 0, u32, 16#04030201)),
     ?_assertEqual({ok, <<1, 2, 3, 4>>}, warpbeam:read(I, 0, 4)),
     ?_assertEqual({ok, 16#0201}, warpbeam_memory:get(I, 0, u16)),
     ?_assertEqual(ok, warpbeam_memory:put(I, 0, i8, 255)),
     ?_assertEqual({ok, -1}, warpbeam_memory:get(I, 0, i8)),
     ?_assertEqual(ok, warpbeam_memory:put(I, 0, f32, -1.0e300)),
     ?_assertEqual({ok, '-inf'}, warpbeam_memory:get(I, 0, f32))] ++
    [?_assertMatch({error, #{kind := bad_argument, message := _}}, Result) ||
        Result <- [warpbeam_memory:put(I, 0, i8, 256), warpbeam_memory:put(I, 0, i8, -129),
                   warpbeam_memory:put(I, 0, u64, 1 bsl 64), warpbeam_memory:put(I, 0, i32, 1.0),
                   warpbeam_memory:put(I, 0, f64, foo),
                   warpbeam_memory:put(I, 0, foo, 1), warpbeam_memory:get(I, 0, {i, 8}),
                   warpbeam_memory:put(I, 65536, i8, 1), warpbeam_memory:get(I, 65533, i32),
                   warpbeam_memory:get(I, -1, i8), warpbeam_memory:get(foo, 0, i8)]].

strings_test_() ->
    I = guest("(data (i32.const 10) \"hello\\00more\") (data (i32.const 65530) \"no end\")"),
    [?_assertEqual({ok, <<"hello">>}, warpbeam_memory:read_string(I, 10)),
     ?_assertEqual({ok, <<>>}, warpbeam_memory:read_string(I, 15)),
     ?_assertMatch({error, #{kind := limit}}, warpbeam_memory:read_string(I, 65530)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:read_string(I, 65536)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:read_string(I, foo)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:malloc(I, -1)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:malloc(I, foo)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:put(I, 0, f64, 1 bsl 2000)),
     fun() ->
             {ok, Address} = warpbeam_memory:write_string(I, ["te", <<"xt">>]),
             {ok, <<"text">>} = warpbeam_memory:read_string(I, Address),
             ok = warpbeam_memory:free(I, Address),
             {ok, 1} = warpbeam:global(I, "freed")
     end,
     fun() ->
             {ok, <<1, 2, 3>>} = warpbeam_memory:with_bytes(I, [1, 2, 3], fun(A) -> warpbeam:read(I, A, 3) end),
             ?assertError(oops, warpbeam_memory:with_bytes(I, "x", fun(_) -> error(oops) end)),
             {ok, 3} = warpbeam:global(I, "freed")
     end,
     %% The block is allocated, and freed when its bytes don't fit into the memory.
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:write_bytes(I, binary:copy(<<1>>, 90000))),
     ?_assertEqual({ok, 4}, warpbeam:global(I, "freed")),
     ?_assertMatch({error, #{kind := out_of_memory}}, warpbeam_memory:malloc(I, 100001)),
     ?_assertMatch({error, #{kind := out_of_memory}}, warpbeam_memory:write_string(I, binary:copy(<<"x">>, 100000))),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:malloc(I, foo)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:malloc(I, 1 bsl 33)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:write_bytes(I, [foo])),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam_memory:write_string(I, foo))].

%% A long string is looked through on another scheduler.
long_string_test() ->
    I = guest(""),
    {ok, 1} = warpbeam:memory_grow(I, 15),
    ok = warpbeam:write(I, 0, [binary:copy(<<"a">>, 900_000), 0]),
    {ok, Text} = warpbeam_memory:read_string(I, 0),
    900_000 = byte_size(Text).

realloc_test() ->
    {ok, M} = warpbeam:load("(module (memory (export \"memory\") 1)
        (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const -65536)))"),
    {ok, I} = warpbeam:instantiate(M),
    {ok, 16#ffff0000} = warpbeam_memory:malloc(I, 5),
    {error, #{kind := usage}} = warpbeam_memory:free(I, 5),
    {ok, N} = warpbeam:load("(module)"),
    {ok, J} = warpbeam:instantiate(N),
    {error, #{kind := usage}} = warpbeam_memory:malloc(J, 5).

stats_test() ->
    I = guest(""),
    {ok, #{memory := 65536, calls := 1, fuel := 0, executions := 0}} = warpbeam:stats(I),
    {ok, _} = warpbeam:call(I, "malloc", [1]),
    {ok, #{calls := 2, fuel := Fuel}} = warpbeam:stats(I),
    ?assert(Fuel > 0),
    ok = warpbeam:stop(I),
    {error, #{kind := stopped}} = warpbeam:stats(I).

limits_test_() ->
    Deep = "(module (memory (export \"memory\") 1)
        (func $f (export \"deep\") (param i32) (result i32)
            (if (result i32) (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
        (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export \"forever\") (loop $l (br $l))))",
    {ok, M} = warpbeam:load(Deep),
    Make = fun(Options) -> {ok, I} = warpbeam:instantiate(M, Options), I end,
    None = fun warpbeam:no_handler/3,
    [?_assertEqual({ok, [0]}, warpbeam:call(Make(#{}), "deep", [10000])),
     ?_assertMatch({error, #{code := call_stack_exhausted}}, warpbeam:call(Make(#{stack => 10000}), "deep", [10000])),
     ?_assertEqual({ok, [-1]}, warpbeam:call(Make(#{memory => 131072}), "grow", [2])),
     ?_assertEqual({ok, [1]}, warpbeam:call(Make(#{memory => 131072}), "grow", [1])),
     ?_assertMatch({error, #{kind := limit}}, warpbeam:instantiate(M, #{memory => 65535})),
     ?_assertMatch({error, #{kind := out_of_fuel}}, warpbeam:call(Make(#{fuel => 1000}), "forever", [])),
     ?_assertMatch({error, #{kind := timeout}}, warpbeam:call(Make(#{timeout => 10}), "forever", [])),
     %% A call's own limits come first.
     ?_assertMatch({error, #{kind := timeout}},
                   warpbeam:call(Make(#{fuel => 10, timeout => 5}), "forever", [], None, #{fuel => 1 bsl 60})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:instantiate(M, #{stack => -1})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:instantiate(M, #{fuel => infinity}))].

%% What is large is freed elsewhere, whether the instance is stopped, its owner dies or it is garbage.
large_test_() -> {timeout, 120, fun large/0}.
large() ->
    {ok, M} = warpbeam:load("(module (memory (export \"memory\") 4096)
        (func (export \"touch\") (memory.fill (i32.const 0) (i32.const 1) (i32.const 268435456))))"),
    Make = fun() -> {ok, I} = warpbeam:instantiate(M), {ok, []} = warpbeam:call(I, "touch", []), I end,
    Before = resident(),
    Self = self(),
    {import, _, _, _, _} = begin
                               {ok, W} = warpbeam:load("(module (import \"e\" \"f\" (func)) (export \"f\" (func 0)))"),
                               {ok, J} = warpbeam:instantiate(W),
                               warpbeam:start_call(J, "f", [])
                           end,
    test_wait:takes(10_000, fun() ->
                                    I = Make(),
                                    {Time, ok} = timer:tc(fun() -> warpbeam:stop(I) end),
                                    {error, #{kind := stopped}} = warpbeam:read(I, 0, 1),
                                    Time
                            end),
    spawn(fun() -> Self ! {kept, Make()} end),
    Kept = receive {kept, Other} -> Other after 10_000 -> error(late) end,
    spawn(fun() -> Make(), Self ! made end),
    receive made -> ok after 10_000 -> error(late) end,
    test_wait:until(fun() -> resident() < Before + 100 end),
    {error, #{kind := stopped}} = warpbeam:read(Kept, 0, 1).

%% In MiB.
resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:split(Text, " ", all),
    binary_to_integer(Pages) * 4096 div 1_000_000.

%% The module can be loaded again, but not with another library: instances refer to the code of theirs.
reload_test() ->
    {ok, M} = warpbeam:load("(module (func (export \"f\") (result i32) (i32.const 3)))"),
    {ok, I} = warpbeam:instantiate(M),
    code:purge(warpbeam_nif),
    {module, warpbeam_nif} = code:load_file(warpbeam_nif),
    {ok, [3]} = warpbeam:call(I, "f", []),
    code:purge(warpbeam_nif),
    {ok, [3]} = warpbeam:call(I, "f", []),
    Application = filename:dirname(filename:dirname(code:which(warpbeam_nif))),
    Copy = filename:join([Application, "copy", "warpbeam"]),
    [begin
         ok = filelib:ensure_dir(filename:join(Copy, File)),
         {ok, _} = file:copy(filename:join(Application, File), filename:join(Copy, File))
     end || File <- ["priv/warpbeam_nif.so", "ebin/warpbeam_nif.beam"]],
    true = code:add_patha(filename:join(Copy, "ebin")),
    try {error, on_load_failure} = code:load_file(warpbeam_nif)
    after code:del_path(filename:join(Copy, "ebin"))
    end,
    {ok, [3]} = warpbeam:call(I, "f", []).
