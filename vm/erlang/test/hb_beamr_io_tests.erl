%% Memory and snapshots of the drop-in for HyperBEAM.
-module(hb_beamr_io_tests).
-include_lib("eunit/include/eunit.hrl").

-define(PAGE, 65536).

start(Text) -> start(Text, #{}).
start(Text, Options) ->
    {ok, WASM, _, _} = hb_beamr:start(iolist_to_binary(Text), wasm, Options),
    WASM.

%% An allocator that gives addresses upwards from 1,024, and tells how often its blocks were freed.
guest() ->
    "(module (memory (export \"memory\") 2 16)
        (global $next (mut i32) (i32.const 1024)) (global $freed (mut i32) (i32.const 0))
        (func (export \"malloc\") (param i32) (result i32)
            (if (i32.gt_u (local.get 0) (i32.const 100000)) (then (return (i32.const 0))))
            (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
        (func (export \"free\") (param i32) (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
        (func (export \"freed\") (result i32) (global.get $freed))
        (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))
        (data (i32.const 10) \"text\\00\") (data (i32.const 131069) \"end\"))".

memory_test_() ->
    P = start(guest()),
    None = start("(module)"),
    [?_assertEqual({ok, 2 * ?PAGE}, hb_beamr_io:size(P)),
     ?_assertEqual({ok, <<"text">>}, hb_beamr_io:read(P, 10, 4)),
     ?_assertEqual({ok, <<>>}, hb_beamr_io:read(P, 2 * ?PAGE, 0)),
     ?_assertEqual(ok, hb_beamr_io:write(P, 100, <<"abc">>)),
     ?_assertEqual({ok, <<"abc">>}, hb_beamr_io:read(P, 100, 3)),
     ?_assertEqual(ok, hb_beamr_io:write(P, 0, binary:copy(<<0>>, 10))),
     fun() ->
             Large = binary:copy(<<"0123456789">>, 10000),
             ok = hb_beamr_io:write(P, 1000, Large),
             {ok, Large} = hb_beamr_io:read(P, 1000, 100000)
     end] ++
    [?_assertMatch({error, [_ | _]}, hb_beamr_io:read(P, Offset, Size)) ||
        {Offset, Size} <- [{2 * ?PAGE, 1}, {2 * ?PAGE - 3, 4}, {0, 2 * ?PAGE + 1}, {-1, 1}, {0, -1}, {1 bsl 63, 1},
                           {1 bsl 70, 1}, {1, 1 bsl 64 - 1}, {1 bsl 64 - 1, 1}]] ++
    [?_assertMatch({error, [_ | _]}, hb_beamr_io:write(P, Offset, <<"abcd">>)) ||
        Offset <- [2 * ?PAGE - 3, 2 * ?PAGE, -1, -5, 1 bsl 64 - 1, 1 bsl 70]] ++
    [?_assertEqual({error, "The module has no memory."}, Result) ||
        Result <- [hb_beamr_io:size(None), hb_beamr_io:read(None, 0, 0), hb_beamr_io:write(None, 0, <<>>),
                   hb_beamr_io:read_string(None, 0)]] ++
    [?_assertError(function_clause, hb_beamr_io:write(P, 0, "text")),
     ?_assertError(function_clause, hb_beamr_io:read(P, 0.0, 1))].

strings_test_() ->
    P = start(guest()),
    Bare = start("(module (memory (export \"memory\") 1) (func (export \"malloc\") (param i64)))"),
    [?_assertEqual({ok, <<"text">>}, hb_beamr_io:read_string(P, 10)),
     ?_assertEqual({ok, <<>>}, hb_beamr_io:read_string(P, 14)),
     ?_assertEqual({ok, <<"text">>}, hb_beamr_io:read_string(P, 10, 1000000)), % beyond the end, which does not matter
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:read_string(P, 131069)), % no zero before the end
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:read_string(P, 131072)),
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:read_string(P, -1)),
     fun() ->
             {ok, Address} = hb_beamr_io:write_string(P, ["Hello, ", <<"World!">>]),
             {ok, <<"Hello, World!">>} = hb_beamr_io:read_string(P, Address),
             ok = hb_beamr_io:free(P, Address),
             {ok, [1]} = hb_beamr:call(P, "freed", [])
     end,
     ?_assertMatch({ok, _}, hb_beamr_io:malloc(P, 100)),
     ?_assertEqual({error, malloc_failed}, hb_beamr_io:malloc(P, 200000)),
     ?_assertEqual({error, malloc_failed}, hb_beamr_io:write_string(P, binary:copy(<<"x">>, 200000))),
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:malloc(P, 1 bsl 32)),
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:malloc(Bare, 1)), % returns nothing
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:free(Bare, 1)),
     ?_assertMatch({error, [_ | _]}, hb_beamr_io:write_string(start("(module)"), <<"text">>)),
     fun() -> % addresses have no sign
             Q = start("(module (memory (export \"memory\") 1)
                 (func (export \"malloc\") (param i32) (result i32) (i32.const -16)))"),
             {ok, 16#fffffff0} = hb_beamr_io:malloc(Q, 1)
     end].

%% The page of WAMR.
pages_test_() ->
    Pages = fun(Memory, Functions, Options) ->
                    P = start(["(module (memory (export \"m\") ", Memory, ")",
                               [["(func (export \"", Name, "\"))"] || Name <- Functions], ")"], Options),
                    {ok, Size} = hb_beamr_io:size(P),
                    Size div ?PAGE
            end,
    [?_assertEqual(3, Pages("2", [], #{})),
     ?_assertEqual(193, Pages("i64 192 32768", ["malloc"], #{})),
     ?_assertEqual(2, Pages("2", ["free", "malloc"], #{})),
     ?_assertEqual(1, Pages("1", [], #{})),
     ?_assertEqual(2, Pages("2 2", [], #{})), % there is no room for it
     ?_assertEqual(0, Pages("0", [], #{})),
     ?_assertEqual(2, Pages("2", [], #{wamr_page => false}))].

snapshots_test_() ->
    Text = "(module (import \"env\" \"f\" (func $f)) (memory (export \"memory\") 2 4)
        (global $g (mut i64) (i64.const 1))
        (table $t 2 funcref) (elem (i32.const 0) $one) (func $one (result i64) (i64.const 10))
        (func (export \"set\") (param i64) (global.set $g (local.get 0)) (i64.store (i32.const 8) (local.get 0))
            (table.set (i32.const 1) (table.get (i32.const 0))) (drop (memory.grow (i32.const 1))))
        (func (export \"get\") (result i64 i64 i64)
            (global.get $g) (i64.load (i32.const 8)) (call_indirect (result i64) (i32.const 1)))
        (func (export \"f\") (call $f)))",
    Start = fun() -> start(Text, #{wamr_page => false}) end,
    [fun() -> % memory, globals and tables, and how much the memory has grown
             P = Start(),
             {ok, []} = hb_beamr:call(P, "set", [1 bsl 40]),
             {ok, Image} = hb_beamr:serialize(P),
             Q = Start(),
             ok = hb_beamr:deserialize(Q, Image),
             {ok, [1099511627776, 1099511627776, 10]} = hb_beamr:call(Q, "get", []),
             {ok, 196608} = hb_beamr_io:size(Q),
             {ok, []} = hb_beamr:call(P, "set", [7]), % the first goes on alone
             {ok, [1099511627776, _, 10]} = hb_beamr:call(Q, "get", [])
     end,
     fun() -> % the bytes of a memory, of any length
             P = Start(),
             ok = hb_beamr:deserialize(P, <<0:64, 5:64/little>>),
             {ok, <<5:64/little>>} = hb_beamr_io:read(P, 8, 8),
             ok = hb_beamr:deserialize(P, <<0:((2 * ?PAGE + 1) * 8), 9>>),
             {ok, 3 * ?PAGE} = hb_beamr_io:size(P),
             {ok, <<9>>} = hb_beamr_io:read(P, 2 * ?PAGE + 1, 1),
             ok = hb_beamr:deserialize(P, <<>>)
     end] ++
    [fun() -> % nobody goes on with a state that is not the one that was asked for
             P = Start(),
             {ok, Snapshot} = hb_beamr:serialize(P),
             {error, [_ | _]} = hb_beamr:deserialize(P, Image(Snapshot)),
             {error, _} = hb_beamr:call(P, "get", [])
     end || Image <- [fun(_) -> <<0:(5 * ?PAGE * 8)>> end, % larger than the memory may be
                      fun(S) -> binary:part(S, 0, byte_size(S) - 1) end,
                      fun(_) -> <<"wberl", 1, 255:32>> end]] ++
    [fun() -> % nor in the middle of a call
             P = Start(),
             Fun = fun(_, _, _) -> {ok, [], hb_beamr:deserialize(P, <<0>>)} end,
             ?assertMatch({error, [_ | _], {error, "The instance is in the middle of a call."}},
                          hb_beamr:call(P, "f", [], Fun, none))
     end,
     fun() -> % a snapshot is of the time between two calls
             P = Start(),
             Self = self(),
             Caller = spawn_link(fun() ->
                                         Fun = fun(S, _, _) -> Self ! waits, receive go -> {ok, [], S} end end,
                                         {ok, [], s} = hb_beamr:call(P, "f", [], Fun, s)
                                 end),
             receive waits -> ok end,
             spawn_link(fun() -> Self ! {saved, hb_beamr:serialize(P)} end),
             receive {saved, _} -> error(too_early) after 50 -> ok end,
             Caller ! go,
             receive {saved, {ok, _}} -> ok end
     end].
