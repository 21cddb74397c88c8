%% References, tables, tags and exceptions, imports that are no functions.
-module(warpbeam_reference_tests).
-include_lib("eunit/include/eunit.hrl").

instance(Text) -> instance(Text, #{}).
instance(Text, Options) ->
    {ok, Module} = warpbeam:load(Text),
    {ok, Instance} = warpbeam:instantiate(Module, Options),
    Instance.

guest() ->
    instance("(module
        (type $pair (struct (field i32)))
        (import \"e\" \"f\" (func $f (param externref) (result externref)))
        (table $t (export \"t\") 4 8 externref)
        (table (export \"__indirect_function_table\") funcref (elem (ref.null func) (ref.func $double)))
        (global (export \"g\") (mut externref) (ref.null extern))
        (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export \"same\") (param externref) (result externref) (local.get 0))
        (func (export \"not_null\") (param (ref extern)) (result (ref extern)) (local.get 0))
        (func (export \"ask\") (param externref) (result externref) (call $f (local.get 0)))
        (func (export \"function\") (result funcref) (table.get 1 (i32.const 1)))
        (func (export \"apply\") (param funcref) (result funcref) (table.set 1 (i32.const 0) (local.get 0)) (local.get 0))
        (func (export \"i31\") (param i31ref) (result i31ref) (local.get 0))
        (func (export \"any\") (param anyref) (result anyref) (local.get 0))
        (func (export \"pair\") (param i32) (result (ref $pair)) (struct.new $pair (local.get 0)))
        (func (export \"first\") (param (ref null $pair)) (result i32) (struct.get $pair 0 (local.get 0)))
        (func (export \"many\") (param i32) (loop $l
            (drop (struct.new $pair (local.get 0)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))").

terms_test_() ->
    I = guest(),
    Same = fun(Term) -> {ok, [Back]} = warpbeam:call(I, "same", [Term]), Back =:= Term end,
    [?_assert(Same(Term)) || Term <- [null, foo, 1, 1.5, <<1, 2>>, [], [a | b], {}, #{a => [1]}, self(), make_ref(), I,
                                      fun erlang:abs/1, {i31, 5}, 1 bsl 200, lists:seq(1, 10000)]] ++
    [?_assertEqual({ok, [hello]}, warpbeam:call(I, "not_null", [hello])),
     ?_assertMatch({error, #{kind := bad_argument, message := <<"value 1 is null, which", _/binary>>}},
                   warpbeam:call(I, "not_null", [null])),
     ?_assertEqual({ok, [{reply, {question, 1}}]},
                   warpbeam:call(I, "ask", [{question, 1}], fun(_, _, [Term]) -> {ok, [{reply, Term}]} end))].

%% A term lives as long as the guest holds it.
held_term_test() ->
    I = guest(),
    ok = warpbeam:set_global(I, "g", {lists:seq(1, 100), <<7:800>>}),
    [{ok, [N]} = warpbeam:call(I, "same", [N]) || N <- lists:seq(1, 20000)],
    erlang:garbage_collect(),
    {ok, {List, <<7:800>>}} = warpbeam:global(I, "g"),
    5050 = lists:sum(List),
    {ok, #{heap := Heap}} = warpbeam:stats(I),
    ?assert(Heap < 5_000_000).

functions_test_() ->
    I = guest(),
    {ok, [Double]} = warpbeam:call(I, "function", []),
    {ok, [Pair]} = warpbeam:call(I, "pair", [7]),
    {ok, _} = warpbeam:call(I, "apply", [Double]),
    Other = guest(),
    Bad = fun(Result) -> ?_assertMatch({error, #{kind := bad_argument}}, Result) end,
    [?_assertEqual({ok, [8]}, warpbeam:call(I, Double, [4])),
     ?_assertEqual({ok, [8]}, warpbeam:call_indirect(I, 1, [4])),
     ?_assertEqual({ok, [8]}, warpbeam:call_indirect(I, 0, [4])),
     ?_assertEqual({ok, [8]}, warpbeam:start_call(I, {table, "__indirect_function_table", 1}, [4])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call_indirect(Other, 0, [4])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call_indirect(I, 2, [4])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call_indirect(I, 1 bsl 63, [4])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call(I, {table, "t", 0}, [])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call(I, {table, "x", 0}, [])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call(I, Pair, [])),
     Bad(warpbeam:call(Other, Double, [4])), Bad(warpbeam:call(Other, "apply", [Double])),
     Bad(warpbeam:call(I, {table, "t", -1}, [])), Bad(warpbeam:call(I, {tabel, "t", 0}, [])),
     Bad(warpbeam:call(I, "apply", [foo])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call(I, "apply", [Pair])),
     ?_assertEqual({ok, [7]}, warpbeam:call(I, "first", [Pair])),
     ?_assertMatch({error, #{kind := trap, code := null_structure_reference}}, warpbeam:call(I, "first", [null])),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:call(I, "first", [Double])),
     ?_assertEqual({ok, [{i31, -5}]}, warpbeam:call(I, "i31", [{i31, -5}])),
     ?_assertEqual({ok, [{i31, -1}]}, warpbeam:call(I, "any", [{i31, 16#7fffffff}])),
     Bad(warpbeam:call(I, "i31", [{i31, 1 bsl 31}])), Bad(warpbeam:call(I, "i31", [5])),
     Bad(warpbeam:call(I, "any", [foo]))].

%% References keep what they refer to, and don't keep it when they are gone.
reference_lifetime_test() ->
    I = guest(),
    {ok, [Pair]} = warpbeam:call(I, "pair", [42]),
    {ok, _} = warpbeam:call(I, "many", [3_000_000]),
    {ok, [42]} = warpbeam:call(I, "first", [Pair]),
    [{ok, [_]} = warpbeam:call(I, "pair", [N]) || N <- lists:seq(1, 50_000)],
    erlang:garbage_collect(),
    {ok, _} = warpbeam:call(I, "many", [3_000_000]),
    {ok, #{heap := Heap, collections := Collections}} = warpbeam:stats(I),
    ?assert(Collections > 0),
    ?assert(Heap < 10_000_000),
    ok = warpbeam:stop(I),
    {error, #{kind := stopped}} = warpbeam:call(I, "first", [Pair]).

tables_test_() ->
    I = guest(),
    [?_assertEqual({ok, 4}, warpbeam:table_size(I, "t")),
     ?_assertEqual({ok, null}, warpbeam:table_get(I, "t", 3)),
     ?_assertEqual(ok, warpbeam:table_set(I, "t", 3, {a, term})),
     ?_assertEqual({ok, {a, term}}, warpbeam:table_get(I, "t", 3)),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:table_get(I, "t", 4)),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:table_set(I, "t", 4, null)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:table_get(I, "t", -1)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:table_set(I, <<"__indirect_function_table">>, 0, foo)),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:table_size(I, "u")),
     ?_assertEqual({ok, 4}, warpbeam:table_grow(I, "t", 2, more)),
     ?_assertEqual({ok, more}, warpbeam:table_get(I, "t", 5)),
     ?_assertMatch({error, #{kind := limit}}, warpbeam:table_grow(I, "t", 1 bsl 40, null)),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:table_grow(I, "t", foo, null))].

throwing() ->
    "(module
        (import \"env\" \"m\" (tag (param i64)))
        (import \"env\" \"f\" (func $f))
        (tag $e (export \"e\") (param i32 externref))
        (func (export \"catch\") (result i32 externref)
            (block $h (result i32 externref)
                (try_table (catch $e $h) (call $f))
                (i32.const 0) (ref.null extern)))
        (func (export \"throw\") (param i32 externref) (throw $e (local.get 0) (local.get 1)))
        (func (export \"pass\") (call $f)))".

exceptions_test_() ->
    I = instance(throwing(), #{imports => #{{<<"env">>, <<"m">>} => new}}),
    With = fun(Name, Answer) -> warpbeam:call(I, Name, [], fun(_, _, _) -> Answer end) end,
    [?_assertEqual({ok, [5, why]}, With("catch", {throw, "e", [5, why]})),
     ?_assertEqual({ok, [0, null]}, With("catch", {ok, []})),
     ?_assertMatch({error, #{kind := trap, message := <<"no">>, code := host}}, With("catch", {error, "no"})),
     ?_assertMatch({error, #{kind := uncaught_exception, backtrace := [_ | _],
                             exception := #{tag := <<"e">>, values := [-1, {a}]}}},
                   warpbeam:call(I, "throw", [-1, {a}])),
     ?_assertMatch({error, #{kind := uncaught_exception, exception := #{tag := <<"e">>, values := [1, null]}}},
                   With("pass", {throw, <<"e">>, [1, null]})),
     ?_assertMatch({error, #{kind := uncaught_exception, exception := #{values := [7]}}},
                   With("pass", {throw, {<<"env">>, <<"m">>}, [7]})),
     ?_assertMatch({error, #{kind := usage}}, With("pass", {throw, <<"x">>, []})),
     ?_assertMatch({error, #{kind := usage}}, With("pass", {throw, {"x", "m"}, []})),
     ?_assertMatch({error, #{kind := bad_argument}}, With("pass", {throw, <<"e">>, []})),
     ?_assertMatch({error, #{kind := bad_argument}}, With("pass", {throw, foo, []})),
     ?_assertMatch({error, #{kind := bad_argument}}, With("pass", {throw, "e", foo}))].

imports_test_() ->
    Text = "(module (import \"e\" \"m\" (memory 1 3)) (import \"e\" \"t\" (table 2 externref))
                    (import \"e\" \"g\" (global (mut i64))) (import \"e\" \"c\" (global externref))
                    (func (export \"get\") (result i64 externref) (global.get 0) (global.get 1)))",
    Given = #{{<<"e">>, <<"m">>} => new, {<<"e">>, <<"t">>} => new, {<<"e">>, <<"g">>} => 16#ffffffffffffffff,
              {<<"e">>, <<"c">>} => {my, term}},
    I = instance(Text, #{imports => Given}),
    {ok, M} = warpbeam:load(Text),
    Refused = fun(Map) -> warpbeam:instantiate(M, #{imports => Map}) end,
    [?_assertEqual({ok, [-1, {my, term}]}, warpbeam:call(I, "get", [])),
     ?_assertEqual(ok, warpbeam:set_global(I, {"e", "g"}, 5)),
     ?_assertEqual({ok, 5}, warpbeam:global(I, {"e", "g"})),
     ?_assertEqual(ok, warpbeam:write(I, {"e", "m"}, 10, "abc")),
     ?_assertEqual({ok, <<"abc">>}, warpbeam:read(I, {<<"e">>, <<"m">>}, 10, 3)),
     ?_assertEqual({ok, 1}, warpbeam:memory_grow(I, {"e", "m"}, 2)),
     ?_assertEqual({ok, 3 * 65536}, warpbeam:memory_size(I, {"e", "m"})),
     ?_assertMatch({error, #{kind := limit}}, warpbeam:memory_grow(I, {"e", "m"}, 1)),
     ?_assertEqual({ok, 2}, warpbeam:table_size(I, {"e", "t"})),
     ?_assertMatch({error, #{kind := usage}}, warpbeam:memory_size(I, {"e", "g"})),
     ?_assertMatch({error, #{kind := bad_argument}}, warpbeam:memory_size(I, {"e", m})),
     ?_assertMatch({error, #{kind := unlinkable}}, Refused(maps:remove({<<"e">>, <<"m">>}, Given))),
     ?_assertMatch({error, #{kind := unlinkable}}, Refused(#{})),
     ?_assertMatch({error, #{kind := bad_argument}}, Refused(foo)),
     ?_assertMatch({error, #{kind := bad_argument}}, Refused(Given#{{<<"e">>, <<"m">>} => 5})),
     ?_assertMatch({error, #{kind := bad_argument}}, Refused(Given#{{<<"e">>, <<"g">>} => foo}))].

%% Terms are in snapshots and forks, which can be restored elsewhere.
snapshot_test() ->
    Text = "(module (table (export \"t\") 2 externref) (global (export \"g\") (mut externref) (ref.null extern)))",
    {ok, M} = warpbeam:load(Text),
    {ok, I} = warpbeam:instantiate(M),
    ok = warpbeam:set_global(I, "g", {state, [1, 2.5, <<"x">>], #{a => b}}),
    ok = warpbeam:table_set(I, "t", 1, self()),
    {ok, Bytes} = warpbeam:snapshot(I),
    Self = self(),
    Check = fun(Copy) ->
                    {ok, {state, [1, 2.5, <<"x">>], #{a := b}}} = warpbeam:global(Copy, "g"),
                    {ok, Self} = warpbeam:table_get(Copy, "t", 1),
                    {ok, null} = warpbeam:table_get(Copy, "t", 0)
            end,
    {ok, Restored, []} = warpbeam:restore(M, Bytes),
    Check(Restored),
    {ok, Forked, []} = warpbeam:fork(I),
    ok = warpbeam:stop(I),
    Check(Forked),
    %% A term with an atom that is not known is refused: snapshots make no atoms.
    {ok, J} = warpbeam:instantiate(M),
    ok = warpbeam:set_global(J, "g", a_known_atom),
    {ok, Other} = warpbeam:snapshot(J),
    Unknown = binary:replace(Other, <<"a_known_atom">>, <<"zq_unknown_z">>),
    {error, #{kind := _}} = warpbeam:restore(M, Unknown),
    ?assertError(badarg, binary_to_existing_atom(list_to_binary(lists:reverse("z_nwonknu_qz")))),
    [case warpbeam:restore(M, binary:part(Bytes, 0, N)) of {error, #{message := _}} -> ok end
     || N <- lists:seq(0, byte_size(Bytes) - 1)].
