%% @private HyperBEAM's module: what callers rely on, and what was wrong in the original.
-module(hb_structured_fields_tests).
-include_lib("eunit/include/eunit.hrl").
-import(hb_structured_fields, [parse_dictionary/1, parse_list/1, parse_item/1, parse_bare_item/1, parse_binary/1,
                               dictionary/1, list/1, item/1, bare_item/1, from_bare_item/1,
                               to_dictionary/1, to_list/1, to_item/1, to_item/2]).

text(Written) -> iolist_to_binary(Written).

-define(_assertRefused(Kind, Expression),
        ?_assertError({structured_fields, #{kind := Kind, message := <<_, _/binary>>}}, Expression)).

%%% What it was, and is

reads_test() ->
    ?assertEqual([{<<"a">>, {item, 1, []}}, {<<"b">>, {item, true, [{<<"x">>, true}]}},
                  {<<"c">>, {list, [{item, {string, <<"s">>}, []},
                                    {item, {token, <<"t">>}, [{<<"p">>, {decimal, {15, -1}}}]}],
                             [{<<"q">>, {binary, <<"hi">>}}]}}],
                 parse_dictionary(<<"a=1, b;x, c=(\"s\" t;p=1.5);q=:aGk=:">>)),
    ?assertEqual([{item, 1, []}, {list, [], []}], parse_list(<<"1, ()">>)),
    ?assertEqual({item, {string, <<"a\"b">>}, [{<<"k">>, false}]}, parse_item(<<"\"a\\\"b\";k=?0">>)),
    ?assertEqual([], parse_dictionary(<<>>)),
    ?assertEqual([], parse_list(<<>>)).

last_value_first_place_test() ->
    ?assertEqual([{<<"a">>, {item, 3, []}}, {<<"b">>, {item, 2, []}}], parse_dictionary(<<"a=1, b=2, a=3">>)).

decimals_are_read_without_trailing_zeros_test_() ->
    [?_assertEqual({item, {decimal, Number}, []}, parse_item(Text))
     || {Text, Number} <- [{<<"10.0">>, {10, 0}}, {<<"10.00">>, {10, 0}}, {<<"0.0">>, {0, 0}}, {<<"1.50">>, {15, -1}},
                           {<<"1.05">>, {105, -2}}, {<<"1.050">>, {105, -2}}, {<<"1.005">>, {1005, -3}},
                           {<<"-1.5">>, {-15, -1}},
                           {<<"100.0">>, {100, 0}}, {<<"999999999999.999">>, {999999999999999, -3}}]].

keys_beyond_the_rfc_test_() ->
    [[?_assertEqual([{Key, {item, 1, []}}], parse_dictionary(<<Key/binary, "=1">>)),
      ?_assertEqual(<<Key/binary, "=1">>, text(dictionary([{Key, {item, 1, []}}]))),
      ?_assertEqual([{Key, {item, true, [{<<"a">>, 1}]}}], parse_dictionary(<<Key/binary, ";a=1">>)),
      ?_assertEqual(<<"1;", Key/binary, "=2">>, text(item({item, 1, [{Key, 2}]})))]
     || Key <- [<<"A">>, <<"Content-Type">>, <<"9a">>, <<"-a">>, <<"%41bc">>, <<".">>, <<"_x">>, <<"*x">>,
                <<"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno_-">>]].

prefixes_test() ->
    ?assertEqual({{string, <<"a">>}, <<";b">>}, parse_bare_item(<<"\"a\";b">>)),
    ?assertEqual({12, <<" rest">>}, parse_bare_item(<<"12 rest">>)),
    ?assertEqual({{decimal, {105, -2}}, <<>>}, parse_bare_item(<<"1.05">>)),
    ?assertEqual({true, <<"0">>}, parse_bare_item(<<"?10">>)),
    ?assertEqual({{binary, <<"hello">>}, <<", x">>}, parse_binary(<<"aGVsbG8=:, x">>)).

shapes_test() ->
    ?assertMatch([<<"5">>, _], item({item, 5, []})),
    ?assertMatch([_, _], item({item, {string, <<"x">>}, [{<<"a">>, true}, {<<"b">>, 1}]})),
    ?assertMatch([_, <<", ">>, _, <<", ">>, _], list([{item, 1, []}, {list, [], []}, {item, 2, []}])),
    ?assertMatch([_, <<", ">>, _], dictionary([{<<"a">>, true}, {<<"b">>, {item, 1, []}}])),
    ?assertEqual([], list([])),
    ?assertEqual([], dictionary(#{})),
    ?assertEqual(<<"?1">>, text(bare_item(true))).

writes_test() ->
    ?assertEqual(<<"a, b=?1, c=?0;x;y=tok, d=(1 \"s\");z=:aGk=:">>,
                 text(dictionary([{<<"a">>, true}, {<<"b">>, {item, true, []}},
                                  {<<"c">>, {item, false, [{<<"x">>, true}, {<<"y">>, {token, <<"tok">>}}]}},
                                  {<<"d">>, {list, [{item, 1, []}, {item, {string, <<"s">>}, []}],
                                             [{<<"z">>, {binary, <<"hi">>}}]}}]))),
    ?assertEqual(<<"a=1">>, text(dictionary(#{<<"a">> => {item, 1, []}}))),
    ?assertEqual(<<"\"a\\\\b\\\"\"">>, text(bare_item({string, <<"a\\b\"">>}))).

converts_test() ->
    ?assertEqual({ok, {item, {token, <<"abc">>}, []}}, to_item(abc)),
    ?assertEqual({ok, {item, {string, <<"abc">>}, []}}, to_item(<<"abc">>)),
    ?assertEqual({ok, {item, {string, <<"abc">>}, []}}, to_item("abc")),
    ?assertEqual({ok, {item, true, []}}, to_item(true)),
    ?assertEqual({ok, {item, {binary, <<1>>}, []}}, to_item({binary, <<1>>})),
    ?assertEqual({ok, {item, {}, []}}, to_item({})),
    ?assertEqual({ok, {item, 1, [{<<"a">>, {token, <<"b">>}}, {<<"c">>, {string, <<"d">>}}]}},
                 to_item(1, [{a, b}, {<<"c">>, "d"}])),
    ?assertEqual({ok, {item, 1, [{<<"a">>, {decimal, {5, -1}}}]}}, to_item({item, 1, [{"a", 0.5}]})),
    ?assertEqual({ok, [{item, 1, []}, {list, [{item, $a, []}, {item, $b, []}], []},
                       {list, [{item, {string, <<"x">>}, []}], [{<<"p">>, true}]}]},
                 to_list([1, "ab", {list, [<<"x">>], [{p, true}]}])),
    ?assertEqual({ok, [{<<"b">>, {item, 2, []}}, {<<"a">>, {item, 1, []}}]}, to_dictionary([{a, 1}, {<<"b">>, 2}])).

depths_test() ->
    ?assertEqual({too_deep, a}, to_dictionary([{a, #{}}])),
    ?assertEqual({too_deep, [3]}, to_dictionary(#{a => [1, [3]]})),
    ?assertEqual({too_deep, #{b => 1}}, to_dictionary(#{a => [#{b => 1}]})),
    ?assertEqual({too_deep, #{}}, to_list([1, #{}])),
    ?assertEqual({too_deep, [5]}, to_list([1, [4, [5]]])),
    ?assertEqual({too_deep, "ab"}, to_list([[1, "ab"]])),
    ?assertEqual({too_deep, #{}}, to_list([{list, [#{}], []}])).

back_to_erlang_test() ->
    ?assertEqual([1, true, 1.5, <<"s">>, ok, <<"b">>],
                 [from_bare_item(Bare) || Bare <- [1, true, {decimal, {15, -1}}, {string, <<"s">>},
                                                   {token, <<"ok">>}, {binary, <<"b">>}]]),
    ?assertError(badarg, from_bare_item({token, <<"an-atom-that-nobody-", "has-made">>})),
    ?assertError(_, from_bare_item({date, 1})).

%%% Where it throws

refused_fields_test_() ->
    [?_assertError(_, Parse(Field))
     || Parse <- [fun hb_structured_fields:parse_item/1, fun hb_structured_fields:parse_list/1,
                  fun hb_structured_fields:parse_dictionary/1],
        Field <- [<<" ">>, <<",">>, <<"a,">>, <<"a=">>, <<"\"a">>, <<"a=1.">>, <<"a;b=1000000000000000">>, <<"a;">>,
                  <<"(">>, <<"a\r\n">>, <<"!">>,
                  <<"=">>, <<"a b">>, <<"@1">>, <<"%\"a\"">>, <<"a;b=@1">>, <<":aGVsbG8:">>, <<"a=:aGVsbG8:">>, atom,
                  "a", [<<"a">>], 1]] ++
    [?_assertError(_, parse_item(Field)) || Field <- [<<>>, <<"1.">>, <<"1000000000000000">>, <<"-">>, <<"1;A b">>,
                                                      <<"1;A">>, <<"1;%41=2">>, <<"1;a=2;9">>]] ++
    [?_assertRefused(malformed, parse_item(<<" 1">>)), ?_assertRefused(malformed, parse_item(<<"1 ">>)),
     ?_assertRefused(malformed, parse_dictionary(<<" a">>)), ?_assertRefused(malformed, parse_dictionary(<<"\ta">>)),
     ?_assertEqual(parse_list(<<"1">>), parse_list(<<" \t1 \t">>)),
     ?_assertEqual(parse_dictionary(<<"a">>), parse_dictionary(<<"a ">>)),
     ?_assertRefused(malformed, parse_bare_item(<<" 1">>)), ?_assertRefused(malformed, parse_binary(<<"a!">>)),
     ?_assertRefused(malformed, parse_bare_item(<<>>)), ?_assertError(_, parse_bare_item("1"))].

refused_terms_test_() ->
    [?_assertError(_, Write(Term))
     || Write <- [fun hb_structured_fields:item/1, fun hb_structured_fields:list/1,
                  fun hb_structured_fields:dictionary/1, fun hb_structured_fields:bare_item/1],
        Term <- [atom, 1.5, {string, 1}, {date, 1}, {display_string, <<"a">>}, {decimal, 1}, {decimal, {1.5, 0}},
                 {item, 1}, {item, 1.5, []},
                 [1 | 2], [x], {item, {item, 1, []}, []}, {item, 1, [x]}, {item, 1, [{<<"a">>, {list, [], []}}]},
                 [{<<"a">>, 1}, x]]] ++
    [?_assertError(_, Convert(Term))
     || Convert <- [fun hb_structured_fields:to_item/1, fun(Term) -> to_list([Term]) end,
                    fun(Term) -> to_dictionary([{a, Term}]) end],
        Term <- [self(), make_ref(), 1 bsl 64, 1000000000000000, {item, 1, [x]}, {item, self(), []}]].

%%% What was wrong

decimals_are_written_as_they_are_test_() ->
    [?_assertEqual(Text, text(bare_item({decimal, Number})))
     || {Number, Text} <- [{{105, -2}, <<"1.05">>}, {{1005, -3}, <<"1.005">>}, {{1, -3}, <<"0.001">>},
                           {{-5, -1}, <<"-0.5">>},
                           {{-105, -2}, <<"-1.05">>}, {{10, 0}, <<"10.0">>}, {{1, 11}, <<"100000000000.0">>},
                           {{150, -2}, <<"1.5">>},
                           %% rounded to three digits, ties to even
                           {{15, -4}, <<"0.002">>}, {{25, -4}, <<"0.002">>}, {{-15, -4}, <<"-0.002">>},
                           {{99995, -4}, <<"10.0">>},
                           {{1, -1000000000000}, <<"0.0">>}, {{0, 1 bsl 70}, <<"0.0">>},
                           {{999999999999999, -3}, <<"999999999999.999">>}]].

negative_decimals_keep_their_sign_test() ->
    ?assertEqual({item, {decimal, {-5, -1}}, []}, parse_item(<<"-0.5">>)),
    ?assertEqual(-0.5, from_bare_item({decimal, {-5, -1}})).

%% These ended in errors or took for ever.
decimals_out_of_range_test_() ->
    [?_assertRefused(invalid, bare_item({decimal, Number}))
     || Number <- [{1, 12}, {1, 13}, {1, 1 bsl 70}, {1000000000000000, -3}, {1 bsl 5000, -1500}, {-1, 12}]].

floats_are_converted_test_() ->
    [?_assertEqual({ok, {item, {decimal, Number}, []}}, to_item(Float))
     || {Float, Number} <- [{1.5, {15, -1}}, {1.05, {105, -2}}, {-0.5, {-5, -1}}, {10.0, {10, 0}}, {0.0005, {0, 0}},
                            {0.0015, {2, -3}}]] ++
    [?_assertRefused(invalid, to_item(Float)) || Float <- [1.0e12, -1.0e300]] ++
    [?_assertEqual(1.05, from_bare_item(element(2, element(2, to_item(1.05)))))].

no_line_breaks_test_() ->
    [?_assertRefused(invalid, text(Write()))
     || Bad <- [<<"a\r\nSet-Cookie: b">>, <<"a\nb">>, <<0>>, <<"a", 127>>, <<"ü"/utf8>>],
        Write <- [fun() -> bare_item({token, Bad}) end,
                  fun() -> bare_item({string, Bad}) end,
                  fun() -> item({item, {token, Bad}, []}) end,
                  fun() -> item({item, 1, [{Bad, true}]}) end,
                  fun() -> item({item, 1, [{Bad, 1}]}) end,
                  fun() -> item({item, 1, [{<<"a">>, {string, Bad}}]}) end,
                  fun() -> list([{list, [{item, {string, Bad}, []}], []}]) end,
                  fun() -> list([{list, [], [{Bad, 1}]}]) end,
                  fun() -> dictionary([{Bad, true}]) end,
                  fun() -> dictionary([{Bad, {item, 1, []}}]) end,
                  fun() -> dictionary(#{<<"a">> => {item, {token, Bad}, []}}) end]] ++
    [?_assertRefused(invalid, text(dictionary([{Key, true}])))
     || Key <- [<<>>, <<"a b">>, <<"a=1, b">>, <<"a;b">>]] ++
    [?_assertRefused(invalid, bare_item({token, Token})) || Token <- [<<>>, <<"1a">>, <<"a b">>, <<"a,b">>,
                                                                      <<"a;b">>]].

integers_have_15_digits_test_() ->
    [?_assertEqual(integer_to_binary(N), text(bare_item(N))) || N <- [999999999999999, -999999999999999]] ++
    [?_assertRefused(invalid, Write(N))
     || N <- [1000000000000000, -1000000000000000, 1 bsl 64],
        Write <- [fun hb_structured_fields:bare_item/1, fun(Integer) -> item({item, Integer, []}) end,
                  fun hb_structured_fields:to_item/1]].
