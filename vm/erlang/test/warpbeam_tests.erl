-module(warpbeam_tests).
-include_lib("eunit/include/eunit.hrl").

instance(Text) ->
    {ok, Module} = warpbeam:load(Text),
    {ok, Instance} = warpbeam:instantiate(Module),
    Instance.

values() ->
    instance("(module
        (func (export \"i32\") (param i32) (result i32) (local.get 0))
        (func (export \"i64\") (param i64) (result i64) (local.get 0))
        (func (export \"f32\") (param f32) (result f32) (local.get 0))
        (func (export \"f64\") (param f64) (result f64) (local.get 0))
        (func (export \"v128\") (param v128) (result v128) (local.get 0))
        (func (export \"ref\") (param externref) (result externref) (local.get 0))
        (func (export \"swap\") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0)))").

values_test_() ->
    I = values(),
    Same = fun(Name, Value) -> Value =:= result(I, Name, Value) end,
    [?_assert(Same("i32", N)) || N <- [0, 1, -1, 16#7fffffff, -16#80000000]] ++
    [?_assert(Same("i64", N)) || N <- [0, -1, 16#7fffffffffffffff, -16#8000000000000000, 1 bsl 40]] ++
    [?_assert(Same(T, N)) || T <- ["f32", "f64"], N <- [0.0, 1.5, -2.25, nan, '+inf', '-inf']] ++
    [?_assert(Same("v128", <<1:128>>)), ?_assert(Same("ref", null)),
     ?_assertEqual(-1, result(I, "i32", 16#ffffffff)),
     ?_assertEqual(-1, result(I, "i64", 16#ffffffffffffffff)),
     ?_assertEqual(7.0, result(I, "f64", 7)),
     ?_assertEqual('+inf', result(I, "f32", 1.0e300)),
     %% Integers of every size are rounded once, to the nearest.
     ?_assertEqual(float((1 bsl 60) + (1 bsl 37)), result(I, "f32", (1 bsl 60) + (1 bsl 36) + 1)),
     ?_assertEqual(float((1 bsl 100) + (1 bsl 77)), result(I, "f32", (1 bsl 100) + (1 bsl 76) + 1)),
     ?_assertEqual(-float(1 bsl 100), result(I, "f32", -(1 bsl 100) - (1 bsl 76))),
     ?_assertEqual(float(1 bsl 64), result(I, "f64", 1 bsl 64)),
     ?_assertEqual(-float(1 bsl 1023), result(I, "f64", -(1 bsl 1023) - 1)),
     ?_assertEqual(['+inf', '-inf', '+inf'], [result(I, "f32", N) || N <- [1 bsl 128, -(1 bsl 130), 1 bsl 100000]]),
     ?_assertEqual(['+inf', '-inf'], [result(I, "f64", N) || N <- [1 bsl 1024, -(1 bsl 5000)]]),
     [?_assert(2 * abs(trunc(result(I, "f64", N)) - N) =< 1 bsl (Bits - 53)) % what is nearest; float(N) is not
      || Bits <- lists:seq(65, 1000, 7), N <- [(1 bsl (Bits - 1)) + rand:uniform(1 bsl (Bits - 1)) - 1]],
     ?_assertEqual({ok, [2.5, 1]}, warpbeam:call(I, "swap", [1, 2.5]))].

result(Instance, Name, Value) ->
    {ok, [Result]} = warpbeam:call(Instance, Name, [Value]),
    Result.

%% A call of the function that was called last is a case of its own.
names_test_() ->
    Names = [<<>>] ++ lists:append(
        [[binary:copy(<<"a">>, Size) |
          [<<(binary:copy(<<"a">>, At))/binary, "b", (binary:copy(<<"a">>, Size - At - 1))/binary>> || At <- lists:seq(0, Size - 1)]]
         || Size <- lists:seq(1, 20) ++ [64, 65]]),
    Numbered = lists:zip(Names, lists:seq(1, length(Names))),
    I = instance(["(module ", [io_lib:format("(func (export \"~s\") (result i32) (i32.const ~b)) ", [Name, N]) || {Name, N} <- Numbered], ")"]),
    [?_test(begin
         [?assertEqual({ok, [First]}, warpbeam:call(I, binary:copy(<<"a">>, size(Name)), [])) || _ <- [1, 2]],
         ?assertEqual({ok, [N]}, warpbeam:call(I, Name, [])),
         ?assertEqual({ok, [N]}, warpbeam:call(I, binary_to_list(Name), []))
     end) || {Name, N} <- Numbered, First <- [proplists:get_value(binary:copy(<<"a">>, size(Name)), Numbered)]].

wrong_values_again_test() ->
    I = values(),
    [begin
         {ok, _} = warpbeam:call(I, <<"swap">>, [1, 2.5]),
         ?assertMatch({error, #{kind := bad_argument}}, warpbeam:call(I, <<"swap">>, Wrong))
     end || Wrong <- [[], [1], [1, 2.5, 3], [1, x], [x, 1], [1 | 2.5], [1, 2.5 | x], x, #{}, <<"1">>, [16#100000000, 1.0], [1 bsl 70, 1.0]]],
    ?assertMatch({error, #{kind := bad_argument, message := <<"a name has at most 1048576 bytes, and this one 1048577">>}},
                 warpbeam:call(I, binary:copy(<<"a">>, 16#100001), [])).

wrong_values_test_() ->
    I = values(),
    Refused = fun(Name, Args) ->
                      {error, #{kind := bad_argument, message := Message}} = warpbeam:call(I, Name, Args),
                      is_binary(Message)
              end,
    [?_assert(Refused("i32", [N])) || N <- [1 bsl 32, -(1 bsl 31) - 1, 1.0, foo, <<>>, [], {}, self(), 1 bsl 200]] ++
    [?_assert(Refused("i64", [N])) || N <- [1 bsl 64, -(1 bsl 63) - 1, 1.0]] ++
    [?_assert(Refused("f64", [N])) || N <- [foo, <<1>>, "1"]] ++
    [?_assert(Refused("v128", [N])) || N <- [<<>>, <<1:120>>, <<1:136>>, 1, <<1:127>>]] ++
    [?_assert(Refused("i32", Args)) || Args <- [[], [1, 2], foo, [1 | 2]]].

modules_test_() ->
    {ok, M} = warpbeam:load("(module (import \"a\" \"f\" (func (param i64) (result f32)))
                              (memory (export \"memory\") 1) (export \"g\" (func 0)))"),
    [?_assertEqual([{func, <<"a">>, <<"f">>, {[i64], [f32]}}], warpbeam:imports(M)),
     ?_assertEqual([{memory, <<"memory">>, none}, {func, <<"g">>, {[i64], [f32]}}], warpbeam:exports(M)),
     ?_assertMatch({error, #{kind := malformed, message := _}}, warpbeam:load(<<"\0asm", 1, 2>>)),
     ?_assertMatch({error, #{kind := malformed}}, warpbeam:load("(module (fun))")),
     ?_assertMatch({error, #{kind := invalid, message := _}}, warpbeam:load("(module (func (result i32)))")),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:load(foo)),
     ?_assertMatch({error, #{kind := unlinkable}}, instantiate("(module (import \"a\" \"m\" (memory 1)))")),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call(instance("(module)"), "f", []))].

%% Long lists are made while others run.
many_exports_test_() -> {timeout, 60, fun many_exports/0}.
many_exports() ->
    Count = 400_000,
    {ok, M} = warpbeam:load(["(module (func $f)",
                             [["(export \"", integer_to_list(N), "\" (func $f))"] || N <- lists:seq(1, Count)], ")"]),
    Before = erlang:system_monitor(self(), [{long_schedule, 100}]), % of all processes but this one
    try
        {Pid, Monitor} = spawn_monitor(fun() -> exit(length(warpbeam:exports(M))) end),
        receive {'DOWN', Monitor, _, _, Result} -> ?assertEqual(Count, Result) end,
        receive {monitor, Pid, long_schedule, Info} -> error({blocked, Info}) after 100 -> ok end
    after
        erlang:system_monitor(Before)
    end.

instantiate(Text) ->
    {ok, Module} = warpbeam:load(Text),
    warpbeam:instantiate(Module).

%% Every function takes any term.
any_term_test_() ->
    Terms = [foo, 1, <<>>, [], {}, self(), make_ref(), #{}, fun() -> ok end, 1.5],
    [?_assertMatch({error, #{kind := bad_argument}}, Call(Term)) ||
        Term <- Terms,
        Call <- [fun warpbeam:imports/1, fun warpbeam:exports/1, fun warpbeam:instantiate/1, fun warpbeam:cancel/1,
                 fun warpbeam:stop/1, fun warpbeam:memory_size/1,
                 fun(X) -> warpbeam:call(X, "f", []) end, fun(X) -> warpbeam:continue(X, []) end,
                 fun(X) -> warpbeam:throw(X, "") end, fun(X) -> warpbeam:read(X, 0, 1) end,
                 fun(X) -> warpbeam:write(X, 0, <<>>) end]].

importing() ->
    instance("(module (import \"env\" \"mul\" (func $mul (param i32 i32) (result i32)))
        (memory (export \"memory\") 1)
        (func (export \"pow\") (param $base i32) (param $n i32) (result i32) (local $r i32)
            (local.set $r (i32.const 1))
            (loop $l (if (local.get $n) (then
                (local.set $r (call $mul (local.get $r) (local.get $base)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $l))))
            (local.get $r)))").

imports_test_() ->
    I = importing(),
    Mul = fun(<<"env">>, <<"mul">>, [A, B]) -> {ok, [A * B]} end,
    [?_assertEqual({ok, [32]}, warpbeam:call(I, "pow", [2, 5], Mul)),
     ?_assertMatch({error, #{kind := trap, message := <<"nothing answers the import env.mul">>,
                             backtrace := [#{function := 1, name := <<"pow">>} | _]}},
                   warpbeam:call(I, "pow", [2, 5])),
     ?_assertMatch({error, #{kind := trap, message := <<"no">>}},
                   warpbeam:call(I, "pow", [2, 5], fun(_, _, _) -> {error, "no"} end)),
     ?_assertError(oops, warpbeam:call(I, "pow", [2, 5], fun(_, _, _) -> error(oops) end)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:call(I, "pow", [2, 5], fun(_, _, _) -> {ok, []} end)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:call(I, "pow", [2, 5], fun(_, _, _) -> what end)),
     %% A handler may call the instance again, at any depth.
     ?_assertEqual({ok, [8]}, warpbeam:call(I, "pow", [2, 3], fun(_, _, [A, B]) ->
         {ok, [4]} = warpbeam:call(I, "pow", [2, 2], Mul), {ok, [A * B]} end))].

own_loop_test() ->
    I = importing(),
    {import, Call, <<"env">>, <<"mul">>, [1, 3]} = warpbeam:start_call(I, "pow", [3, 2]),
    {error, #{kind := bad_argument}} = warpbeam:continue(Call, [a]),
    {import, Call2, _, _, [3, 3]} = warpbeam:continue(Call, [3]),
    {ok, [9]} = warpbeam:continue(Call2, [9]),
    {error, #{kind := usage}} = warpbeam:continue(Call2, [9]),
    {import, Other, _, _, _} = warpbeam:start_call(I, "pow", [3, 2]),
    ok = warpbeam:cancel(Other),
    ok = warpbeam:cancel(Other),
    {error, #{kind := usage}} = warpbeam:continue(Other, [9]).

memory_test_() ->
    I = importing(),
    [?_assertEqual({ok, 65536}, warpbeam:memory_size(I)),
     ?_assertEqual(ok, warpbeam:write(I, 66, "Hello")),
     ?_assertEqual({ok, <<"Hello">>}, warpbeam:read(I, 66, 5)),
     ?_assertEqual({ok, <<>>}, warpbeam:read(I, 65536, 0)),
     ?_assertEqual(ok, warpbeam:write(I, 0, binary:copy(<<7>>, 65536))),
     ?_assertEqual({ok, binary:copy(<<7>>, 65536)}, warpbeam:read(I, 0, 65536)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:read(I, 65536, 1)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:read(I, 1 bsl 63, 1 bsl 63)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:write(I, 65535, <<1, 2>>)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:read(I, -1, 1)),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:read(I, "other", 0, 1))].

looping() ->
    instance("(module (func (export \"forever\") (loop $l (br $l)))
                      (func (export \"trap\") unreachable)
                      (func (export \"one\") (result i32) (i32.const 1)))").

limits_test_() ->
    I = looping(),
    None = fun(_, _, _) -> {error, ""} end,
    [?_assertMatch({error, #{kind := out_of_fuel}}, warpbeam:call(I, "forever", [], None, #{fuel => 1000})),
     ?_assertMatch({error, #{kind := out_of_fuel}}, warpbeam:call(I, "forever", [], None, #{fuel => 0})),
     ?_assertMatch({error, #{kind := timeout}}, warpbeam:call(I, "forever", [], None, #{timeout => 20})),
     ?_assertMatch({error, #{kind := trap, message := <<"unreachable">>}}, warpbeam:call(I, "trap", [])),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:call(I, "one", [], None, #{fuel => -1})),
     ?_assertEqual({ok, [1]}, warpbeam:call(I, "one", []))].

%% An option that is not known is refused: a misspelt limit would limit nothing.
unknown_options_test_() ->
    I = looping(),
    {ok, M} = warpbeam:load("(module (import \"env\" \"f\" (func $f)) (func (export \"f\") (call $f)))"),
    {ok, J} = warpbeam:instantiate(M),
    {import, Call, _, _, []} = warpbeam:start_call(J, "f", []),
    {ok, Saved} = warpbeam:snapshot(J, []),
    None = fun(_, _, _) -> {error, ""} end,
    [?_assertMatch({error, #{kind := bad_argument}}, warpbeam:load("(module)", #{deterministic => yes})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:load("(module)", #{determinstic => true})),
     ?_assertMatch({ok, _}, warpbeam:load("(module)", #{deterministic => false})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:instantiate(M, #{memory => 100000, memry => 1})),
     ?_assertMatch({error, #{kind := bad_argument, message := <<"timeout ", _/binary>>}},
                   warpbeam:instantiate(M, #{memory => 1, timeout => infinity})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:restore(M, Saved, #{fule => 1})),
     ?_assertMatch({error, #{kind := bad_argument, message := <<"heap ", _/binary>>}},
                   warpbeam:restore(M, Saved, #{heap => -1})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:call(I, "one", [], None, #{timout => 20})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:call(I, "one", [], None, #{memory => 20})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:limit(Call, #{memory => 20})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:limit(Call, [])),
     ?_assertEqual(ok, warpbeam:limit(Call, #{fuel => 20, timeout => 20}))].

%% A guest that loops does not keep other processes from running, and stops when it is told to.
stop_test_() -> {timeout, 60, fun stop/0}.
stop() ->
    I = looping(),
    Self = self(),
    Pids = [spawn(fun() -> Self ! {ended, warpbeam:call(I, "forever", [])} end) || _ <- lists:seq(1, 8)],
    {Time, _} = timer:tc(fun() -> [timer:sleep(1) || _ <- lists:seq(1, 20)] end),
    ?assert(Time < 500_000),
    Begin = erlang:monotonic_time(millisecond),
    ok = warpbeam:stop(I),
    [receive {ended, {error, #{kind := stopped}}} -> ok after 2000 -> error(not_stopped) end || _ <- Pids],
    ?assert(erlang:monotonic_time(millisecond) - Begin < 500),
    ?assertMatch({error, #{kind := stopped}}, warpbeam:call(I, "one", [])).

%% The end of the owner ends what others run in its instance.
owner_test_() -> {timeout, 60, fun owner/0}.
owner() ->
    Self = self(),
    Owner = spawn(fun() -> Self ! {instance, looping()}, receive stop -> ok end end),
    I = receive {instance, Made} -> Made end,
    spawn(fun() -> Self ! {ended, warpbeam:call(I, "forever", [])} end),
    timer:sleep(20),
    Owner ! stop,
    receive {ended, {error, #{kind := stopped}}} -> ok after 2000 -> error(not_stopped) end.

start_function_test() ->
    {ok, M} = warpbeam:load("(module (import \"e\" \"f\" (func $f (param i32))) (func $s (call $f (i32.const 5))) (start $s))"),
    Self = self(),
    {ok, _} = warpbeam:instantiate(M, #{}, fun(<<"e">>, <<"f">>, [N]) -> Self ! N, {ok, []} end),
    receive 5 -> ok after 0 -> error(not_called) end,
    {error, #{kind := trap}} = warpbeam:instantiate(M),
    {error, #{kind := trap}} = instantiate("(module (func $s unreachable) (start $s))").

concurrent_test() ->
    I = importing(),
    Self = self(),
    Mul = fun(_, _, [A, B]) -> erlang:yield(), {ok, [A * B]} end,
    [spawn(fun() -> Self ! {N, warpbeam:call(I, "pow", [N, 5], Mul)} end) || N <- lists:seq(1, 20)],
    [receive {N, {ok, [Result]}} -> ?assertEqual(N * N * N * N * N, Result) after 5000 -> error(late) end
     || N <- lists:seq(1, 20)].

counter() ->
    "(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))
        (memory (export \"memory\") 1) (global (export \"n\") (mut i64) (i64.const 5)) (global (export \"c\") i32 (i32.const 1))
        (func (export \"add\") (param i32) (result i32)
            (global.set 0 (i64.add (global.get 0) (i64.const 1)))
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (call $ask (local.get 0))))
            (i32.load (i32.const 0))))".

globals_test() ->
    {ok, M} = warpbeam:load(counter()),
    {ok, I} = warpbeam:instantiate(M),
    {ok, 5} = warpbeam:global(I, "n"),
    ok = warpbeam:set_global(I, "n", -1),
    {ok, -1} = warpbeam:global(I, "n"),
    {error, #{kind := bad_argument}} = warpbeam:set_global(I, "n", 1.0),
    {error, #{kind := usage}} = warpbeam:set_global(I, "c", 1),
    {error, #{kind := usage}} = warpbeam:global(I, "x"),
    {ok, Importing} = warpbeam:load("(module (import \"env\" \"base\" (global i32)) (export \"base\" (global 0)))"),
    [{ok, 7} = warpbeam:global(element(2, warpbeam:instantiate(Importing, #{imports => #{Name => 7}})), "base")
     || Name <- [{<<"env">>, <<"base">>}, {"env", "base"}, {["e" | <<"nv">>], <<"base">>}]],
    [{error, #{kind := unlinkable}} = warpbeam:instantiate(Importing, #{imports => #{Name => 7}})
     || Name <- [{env, base}, {"env"}, base, {"env", "bas"}]].

snapshot_test_() -> {timeout, 60, fun snapshot/0}.
snapshot() ->
    {ok, M} = warpbeam:load(counter()),
    {ok, I} = warpbeam:instantiate(M),
    Ask = fun(_, _, [N]) -> {ok, [N * 10]} end,
    {ok, [10]} = warpbeam:call(I, "add", [1], Ask),
    %% In the middle of a call, twice restored, once in another process.
    {import, Call, _, _, [2]} = warpbeam:start_call(I, "add", [2]),
    {ok, Bytes} = warpbeam:snapshot(I, [Call]),
    {ok, [30]} = warpbeam:continue(Call, [20]),
    {ok, I2, [{import, Call2, <<"env">>, <<"ask">>, [2]}]} = warpbeam:restore(M, Bytes),
    {ok, [110]} = warpbeam:continue(Call2, [100]),
    {ok, [120]} = warpbeam:call(I2, "add", [1], Ask),
    {ok, 8} = warpbeam:global(I2, "n"),
    {ok, [40]} = warpbeam:call(I, "add", [1], Ask),
    Self = self(),
    spawn(fun() ->
                  {ok, Same} = warpbeam:load(counter()),
                  {ok, _, [{import, C, _, _, _}]} = warpbeam:restore(Same, Bytes),
                  Self ! {other, warpbeam:continue(C, [1])}
          end),
    receive {other, {ok, [11]}} -> ok after 5000 -> error(late) end,
    %% At rest.
    {ok, Rest} = warpbeam:snapshot(I),
    {ok, I3, []} = warpbeam:restore(M, Rest),
    {ok, [50]} = warpbeam:call(I3, "add", [1], Ask).

%% A call that goes on in a copy has the limits of the copy, as a new one would.
restored_limits_test_() ->
    [{timeout, 60, fun() -> restored_limits(Options, Kind) end}
     || {Options, Kind} <- [{#{fuel => 1000}, out_of_fuel}, {#{timeout => 50}, timeout}]].
restored_limits(Options, Kind) ->
    {ok, M} = warpbeam:load("(module (import \"e\" \"f\" (func $f)) (func (export \"g\") (call $f) (loop (br 0))))"),
    {ok, I} = warpbeam:instantiate(M, Options),
    {import, Call, _, _, _} = warpbeam:start_call(I, "g", []),
    {ok, Bytes} = warpbeam:snapshot(I, [Call]),
    {ok, Restored, [{import, Call2, _, _, _}]} = warpbeam:restore(M, Bytes, Options),
    {ok, Forked, [{import, Call3, _, _, _}]} = warpbeam:fork(I, [Call]),
    [begin
         {ok, Timer} = timer:apply_after(20_000, warpbeam, stop, [Of]), % the loop ends in any case
         ?assertMatch({error, #{kind := Kind}}, warpbeam:continue(C, [])),
         {ok, cancel} = timer:cancel(Timer)
     end || {Of, C} <- [{Restored, Call2}, {Forked, Call3}]].

fork_test() ->
    {ok, M} = warpbeam:load(counter()),
    {ok, I} = warpbeam:instantiate(M),
    {import, Call, _, _, [2]} = warpbeam:start_call(I, "add", [2]),
    {ok, Copy, [{import, Other, _, _, [2]}]} = warpbeam:fork(I, [Call]),
    {ok, [1]} = warpbeam:continue(Call, [1]),
    {ok, [2]} = warpbeam:continue(Other, [2]),
    {ok, <<1, 0, 0, 0>>} = warpbeam:read(I, 0, 4),
    {ok, <<2, 0, 0, 0>>} = warpbeam:read(Copy, 0, 4).

hostile_snapshot_test_() -> {timeout, 60, fun hostile_snapshot/0}.
hostile_snapshot() ->
    {ok, M} = warpbeam:load(counter()),
    {ok, I} = warpbeam:instantiate(M),
    {import, Call, _, _, _} = warpbeam:start_call(I, "add", [2]),
    {ok, Bytes} = warpbeam:snapshot(I, [Call]),
    [{error, #{message := _}} = warpbeam:restore(M, binary:part(Bytes, 0, N)) || N <- lists:seq(0, byte_size(Bytes) - 1)],
    [begin
         <<Before:N/binary, Byte, After/binary>> = Bytes,
         case warpbeam:restore(M, <<Before/binary, (Byte bxor (1 bsl Bit)), After/binary>>) of
             {error, #{kind := _, message := _}} -> ok;
             {ok, _, Requests} -> [{import, _, _, _, _} = R || R <- Requests], ok
         end
     end || N <- lists:seq(0, byte_size(Bytes) - 1), Bit <- [0, 7]],
    {error, #{kind := bad_argument}} = warpbeam:snapshot(I, [foo]),
    {error, #{kind := bad_argument}} = warpbeam:snapshot(I, [Call | foo]),
    {ok, Other} = warpbeam:instantiate(M),
    {error, #{kind := bad_argument}} = warpbeam:snapshot(Other, [Call]),
    {ok, Another} = warpbeam:load("(module)"),
    {error, #{kind := unlinkable}} = warpbeam:restore(Another, Bytes).

%% A call is paused in the middle of a loop, and its copies go on.
pause_test_() -> {timeout, 60, fun pause/0}.
pause() ->
    {ok, M} = warpbeam:load("(module (import \"e\" \"f\" (func $f (param i32))) (global (export \"go\") (mut i32) (i32.const 1))
        (func (export \"count\") (param i64) (result i64) (local $n i64)
            (loop $l (local.set $n (i64.add (local.get $n) (i64.const 1)))
                (br_if $l (i64.lt_u (local.get $n) (local.get 0))))
            (local.get $n)))"),
    {ok, I} = warpbeam:instantiate(M),
    Count = 300_000_000,
    {Pid, Monitor} = spawn_monitor(fun() -> exit(warpbeam:start_call(I, "count", [Count])) end),
    {Parked, ParkedMonitor} = spawn_monitor(fun() -> exit(warpbeam:call(I, "count", [Count])) end),
    timer:sleep(20),
    ok = warpbeam:pause(I),
    Call = receive {'DOWN', Monitor, process, Pid, {paused, Made}} -> Made after 5000 -> error(late) end,
    {paused, Other} = warpbeam:start_call(I, "count", [5]),
    {paused, Call} = warpbeam:resume(Call),
    {ok, Bytes} = warpbeam:snapshot(I, [Call, Other]),
    ok = warpbeam:unpause(I),
    {ok, [5]} = warpbeam:resume(Other),
    {ok, _, [{paused, Copy}, {paused, Short}]} = warpbeam:restore(M, Bytes),
    ok = warpbeam:limit(Copy, #{fuel => 1000}),
    {error, #{kind := out_of_fuel}} = warpbeam:resume(Copy),
    {error, #{kind := usage}} = warpbeam:resume(Copy),
    {ok, [5]} = warpbeam:answer({paused, Short}, fun warpbeam:no_handler/3),
    {ok, [Count]} = warpbeam:resume(Call),
    receive {'DOWN', ParkedMonitor, process, Parked, {ok, [Count]}} -> ok after 60000 -> error(late) end,
    {error, #{kind := bad_argument}} = warpbeam:pause(Call),
    {error, #{kind := bad_argument}} = warpbeam:limit(Call, #{fuel => foo}).

series_test_() -> {timeout, 60, fun series/0}.
series() ->
    {ok, M} = warpbeam:load("(module (memory (export \"memory\") 16))"),
    {ok, I} = warpbeam:instantiate(M),
    ok = warpbeam:write(I, 0, binary:copy(<<7>>, 1_000_000)),
    {ok, complete, First} = warpbeam:snapshot_series(I, []),
    ok = warpbeam:write(I, 500_000, "second"),
    {ok, increment, Second} = warpbeam:snapshot_series(I, []),
    ok = warpbeam:write(I, 0, "third"),
    {ok, increment, Third} = warpbeam:snapshot_series(I, []),
    ?assert(byte_size(Second) < 200_000),
    Check = fun(List, At0, At500000) ->
                    {ok, Copy, []} = warpbeam:restore(M, List),
                    {ok, At0} = warpbeam:read(Copy, 0, 5),
                    {ok, At500000} = warpbeam:read(Copy, 500_000, 6)
            end,
    Seven = <<7, 7, 7, 7, 7>>,
    Check(First, Seven, <<Seven/binary, 7>>),
    Check([First], Seven, <<Seven/binary, 7>>),
    Check([First, Second], Seven, <<"second">>),
    Check([First, Second, Third], <<"third">>, <<"second">>),
    [{error, #{message := _}} = warpbeam:restore(M, List)
     || List <- [[], [First, Third], [Second], [Second, First], [First | Second], [foo], foo, [First, <<>>]]],
    %% A new series does not need the one before.
    {ok, complete, Fourth} = warpbeam:snapshot_series(I, [], complete),
    {ok, increment, Fifth} = warpbeam:snapshot_series(I, [], next),
    Check([Fourth, Fifth], <<"third">>, <<"second">>),
    {error, #{kind := bad_argument}} = warpbeam:snapshot_series(I, [], foo),
    {Binary, false} = warpbeam:binary(M),
    {ok, Again} = warpbeam:load(Binary),
    {ok, _, []} = warpbeam:restore(Again, [First, Second]),
    {error, #{kind := bad_argument}} = warpbeam:binary(I).

%% A call that was paused before it took its answer.
snapshot_of_refused_call_test() ->
    {ok, M} = warpbeam:load(counter()),
    {ok, I} = warpbeam:instantiate(M),
    {import, Call, _, _, [2]} = warpbeam:start_call(I, "add", [2]),
    ok = warpbeam:pause(I),
    {paused, Call} = warpbeam:throw(Call, "no"),
    {ok, Bytes} = warpbeam:snapshot(I, [Call]),
    {ok, _, [{paused, Restored}]} = warpbeam:restore(M, Bytes),
    {error, #{kind := trap, message := <<"no">>}} = warpbeam:resume(Restored),
    {ok, _, [{paused, Forked}]} = warpbeam:fork(I, [Call]),
    {error, #{kind := trap, message := <<"no">>}} = warpbeam:resume(Forked).
