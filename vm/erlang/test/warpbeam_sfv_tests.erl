-module(warpbeam_sfv_tests).
-include_lib("eunit/include/eunit.hrl").

%% Every type, with what it is written as.
bare_items() ->
    [{0, <<"0">>}, {-42, <<"-42">>}, {999999999999999, <<"999999999999999">>},
     {-999999999999999, <<"-999999999999999">>},
     {{decimal, 0}, <<"0.0">>}, {{decimal, 1050}, <<"1.05">>}, {{decimal, -500}, <<"-0.5">>},
     {{decimal, 1}, <<"0.001">>},
     {{decimal, 999999999999999}, <<"999999999999.999">>},
     {{string, <<>>}, <<"\"\"">>}, {{string, <<"a \"b\" \\">>}, <<"\"a \\\"b\\\" \\\\\"">>},
     {{token, <<"*a/b:c">>}, <<"*a/b:c">>}, {{binary, <<>>}, <<"::">>}, {{binary, <<0, 255>>}, <<":AP8=:">>},
     {true, <<"?1">>}, {false, <<"?0">>}, {{date, 0}, <<"@0">>}, {{date, -1}, <<"@-1">>},
     {{display_string, <<"ü\n"/utf8>>}, <<"%\"%c3%bc%0a\"">>}].

types_test_() ->
    [[?_assertEqual({ok, Written}, warpbeam_sfv:serialize_bare_item(Bare)),
      ?_assertEqual({ok, Bare, <<>>}, warpbeam_sfv:parse_bare_item(Written)),
      ?_assertEqual({ok, {item, Bare, []}}, warpbeam_sfv:parse_item(Written)),
      ?_assertEqual({ok, Written}, warpbeam_sfv:serialize_item(Bare)),
      ?_assertEqual({ok, [{item, Bare, [{<<"k">>, Bare}]}]},
                    warpbeam_sfv:parse_list(<<Written/binary, ";k=", Written/binary>>))]
     || {Bare, Written} <- bare_items()].

shapes_test() ->
    Dictionary = [{<<"a">>, {item, 1, [{<<"x">>, true}, {<<"y">>, {token, <<"t">>}}]}},
                  {<<"b">>, {list, [{item, 2, [{<<"p">>, 3}]}, {item, true, []}], [{<<"q">>, false}]}},
                  {<<"c">>, {list, [], []}},
                  {<<"d">>, {item, true, []}},
                  {<<"e">>, {item, true, [{<<"f">>, true}]}}],
    Field = <<"a=1;x;y=t, b=(2;p=3 ?1);q=?0, c=(), d, e;f">>,
    ?assertEqual({ok, Dictionary}, warpbeam_sfv:parse_dictionary(Field)),
    ?assertEqual({ok, Field}, warpbeam_sfv:serialize_dictionary(Dictionary)),
    Members = [Member || {_, Member} <- Dictionary],
    ?assertEqual({ok, <<"1;x;y=t, (2;p=3 ?1);q=?0, (), ?1, ?1;f">>}, warpbeam_sfv:serialize_list(Members)),
    ?assertEqual({ok, Members}, warpbeam_sfv:parse_list(<<"1;x;y=t,(2;p=3 ?1);q=?0 ,\t(), ?1,?1;f">>)).

short_forms_test() ->
    ?assertEqual({ok, <<"1, (2 tok;a=1.5), ()">>},
                 warpbeam_sfv:serialize_list([1, [2, {item, {token, <<"tok">>}, [{<<"a">>, 1.5}]}], []])),
    ?assertEqual({ok, <<"a=(1), b, c=2">>}, warpbeam_sfv:serialize_dictionary([{<<"a">>, [1]}, {<<"b">>, true},
                                                                             {<<"c">>, 2}])).

maps_are_written_in_the_order_of_their_keys_test() ->
    Keys = [<<"k", (integer_to_binary(N))/binary>> || N <- lists:seq(1, 100)],
    {ok, Field} = warpbeam_sfv:serialize_dictionary(maps:from_keys(Keys, true)),
    ?assertEqual(iolist_to_binary(lists:join(<<", ">>, lists:sort(Keys))), Field).

floats_test_() ->
    [?_assertEqual({ok, Written}, warpbeam_sfv:serialize_bare_item(Float))
     || {Float, Written} <- [{1.05, <<"1.05">>}, {1.005, <<"1.005">>}, {0.0015, <<"0.002">>}, {0.0025, <<"0.002">>},
                             {-0.0004, <<"0.0">>}, {1.0, <<"1.0">>}, {9.9995, <<"10.0">>}, {-1.5, <<"-1.5">>}]].

lines_test() ->
    ?assertEqual(warpbeam_sfv:parse_list(<<"1, 2, \"a, b\"">>),
                 warpbeam_sfv:parse_list([<<"1">>, <<"2">>, <<"\"a">>, <<"b\"">>])),
    ?assertEqual({ok, []}, warpbeam_sfv:parse_list([])),
    ?assertEqual({ok, []}, warpbeam_sfv:parse_dictionary(<<>>)),
    {error, #{kind := malformed, offset := 5}} = warpbeam_sfv:parse_list([<<"1">>, <<"2;">>]),
    {error, #{kind := malformed, offset := 3}} = warpbeam_sfv:parse_list([<<"1">>, <<>>, <<"2">>]),
    {error, #{kind := malformed}} = warpbeam_sfv:parse_list([<<"\"a">>, <<"b\"">>], #{strict_lines => true}).

last_value_first_place_test() ->
    ?assertEqual({ok, [{<<"a">>, {item, 3, []}}, {<<"b">>, {item, 2, []}}]},
                 warpbeam_sfv:parse_dictionary(<<"a=1, b=2, a=3">>)),
    ?assertEqual({ok, {item, 1, [{<<"x">>, 4}, {<<"y">>, 3}]}}, warpbeam_sfv:parse_item(<<"1;x=2;y=3;x=4">>)).

bare_item_prefix_test() ->
    ?assertEqual({ok, {string, <<"a\"">>}, <<" rest">>}, warpbeam_sfv:parse_bare_item(<<"\"a\\\"\" rest">>)),
    ?assertEqual({ok, {decimal, 1500}, <<";a">>}, warpbeam_sfv:parse_bare_item(<<"1.5;a">>)),
    {error, #{kind := malformed, offset := 0}} = warpbeam_sfv:parse_bare_item(<<" 1">>),
    {error, #{kind := malformed, offset := 0}} = warpbeam_sfv:parse_bare_item(<<>>),
    {error, #{kind := malformed}} = warpbeam_sfv:parse_bare_item(<<"@1">>, #{rfc8941 => true}),
    {error, #{kind := limit}} = warpbeam_sfv:parse_bare_item(<<"123">>, #{max_bytes => 2}).

options_test_() ->
    Refused = fun(Field, Option) ->
                      {ok, _} = warpbeam_sfv:parse_item(Field),
                      {ok, _} = warpbeam_sfv:parse_item(Field, #{Option => false}),
                      {error, #{kind := malformed}} = warpbeam_sfv:parse_item(Field, #{Option => true})
              end,
    [fun() -> Refused(Field, Option) end
     || {Field, Option} <- [{<<"@1">>, rfc8941}, {<<"%\"a\"">>, rfc8941}, {<<":aGVsbG8:">>, strict_padding},
                            {<<":iZ==:">>, strict_pad_bits}, {<<"@999999999999999">>, strict_dates},
                            {[<<"\"a">>, <<"b\"">>], strict_lines}]].

max_bytes_test() ->
    {ok, _} = warpbeam_sfv:parse_list(<<"1, 2">>, #{max_bytes => 4}),
    {ok, _} = warpbeam_sfv:parse_list([<<"1">>, <<"2">>], #{max_bytes => 4}),
    ?assertEqual({error, #{kind => limit, message => <<"the field has more than 3 bytes (max_bytes)">>}},
                 warpbeam_sfv:parse_list(<<"1, 2">>, #{max_bytes => 3})),
    {error, #{kind := limit}} = warpbeam_sfv:parse_list([<<"1">>, <<"2">>], #{max_bytes => 3}).

wide_keys_test() ->
    Field = <<"Content-Type=1, %41=2;X, 9, -a, .b">>,
    {error, #{kind := malformed, offset := 0}} = warpbeam_sfv:parse_dictionary(Field),
    {ok, Dictionary} = warpbeam_sfv:parse_dictionary(Field, #{wide_keys => true}),
    ?assertEqual({ok, Field}, warpbeam_sfv:serialize_dictionary(Dictionary, #{wide_keys => true})),
    {error, #{kind := invalid, path := [<<"Content-Type">>]}} = warpbeam_sfv:serialize_dictionary(Dictionary),
    {error, #{kind := invalid, path := [<<"a b">>]}} =
        warpbeam_sfv:serialize_dictionary([{<<"a b">>, 1}], #{wide_keys => true}).

%% Where in a term the value is that was refused.
paths_test_() ->
    Bad = {token, <<"a b">>},
    [?_assertMatch({error, #{kind := invalid, message := <<"not a token">>, offset := 1, path := Path}},
                   warpbeam_sfv:serialize_list(Term))
     || {Path, Term} <- [{[1], [Bad]},
                         {[2], [1, {item, Bad, []}]},
                         {[2, <<"k">>], [1, {item, 1, [{<<"j">>, 1}, {<<"k">>, Bad}]}]},
                         {[1, 3], [[1, 2, Bad]]},
                         {[1, 2, <<"k">>], [[1, {item, 1, [{<<"k">>, Bad}]}]]},
                         {[1, <<"k">>], [{list, [1, 2], [{<<"k">>, Bad}]}]},
                         {[2], [[1, 2, 3], Bad]}]] ++
    [?_assertMatch({error, #{path := []}}, warpbeam_sfv:serialize_item(Bad)),
     ?_assertMatch({error, #{path := [<<"k">>]}}, warpbeam_sfv:serialize_item({item, 1, [{<<"k">>, Bad}]})),
     ?_assertMatch({error, #{path := [<<"d">>, 1]}}, warpbeam_sfv:serialize_dictionary([{<<"c">>, 1},
                                                                                        {<<"d">>, [Bad]}])),
     ?_assertMatch({error, #{path := [2]}}, warpbeam_sfv:serialize_dictionary([{<<"c">>, 1}, nonsense]))].

invalid_values_test_() ->
    Huge = 1 bsl 100000,
    [?_assertMatch({error, #{kind := invalid, message := <<_/binary>>, offset := _, path := []}},
                   warpbeam_sfv:serialize_item(Bare))
     || Bare <- [1000000000000000, -1000000000000000, 1 bsl 63, 1 bsl 64, Huge, -Huge, 1.0e15, 1.0e300, -1.0e300,
                 {decimal, 1000000000000000}, {decimal, Huge}, {date, 1000000000000000}, {date, -Huge},
                 {string, <<"\r\n">>}, {string, <<0>>}, {string, <<127>>}, {string, <<"ü"/utf8>>},
                 {token, <<>>}, {token, <<"1a">>}, {token, <<"a\r\nb: c">>}, {token, <<"a,b">>},
                 {display_string, <<255>>}, {display_string, <<16#ed, 16#a0, 16#80>>}]] ++
    [?_assertMatch({error, #{kind := invalid}}, warpbeam_sfv:serialize_dictionary([{Key, 1}]))
     || Key <- [<<>>, <<"A">>, <<"1">>, <<"a b">>, <<"a\r\n">>, <<"a=1, b">>, <<"ü"/utf8>>]].

terms_of_wrong_shape_test_() ->
    [?_assertMatch({error, #{kind := usage, message := <<_/binary>>, path := _}}, warpbeam_sfv:Function(Term))
     || Function <- [serialize_item, serialize_list, serialize_dictionary, serialize_bare_item],
        Term <- [atom, <<"binary">>, <<1:3>>, {}, {item}, {item, 1}, {item, 1, improper}, {item, 1, [a]},
                 {item, 1, [{a, 1}]},
                 {item, 1, [{<<"k">>, 1} | tail]}, {item, {item, 1, []}, []}, {item, [1], []}, {list, [1], []},
                 {list, [1]},
                 {string, "charlist"}, {string, <<1:7>>}, {string, atom}, {token, 1}, {decimal, 1.5},
                 {decimal, <<"1">>},
                 {date, x}, {date, 1.5}, {unknown, <<"x">>}, {<<"string">>, <<"x">>}, make_ref(), self(),
                 fun() -> ok end,
                 [1 | 2], [{<<"a">>, 1} | tail], [{<<"a">>, [1 | 2]} | []], [[[1]]], [{<<"a">>, [[1]]}],
                 [{<<"a">>, 1, 2}], #{a => 1}, #{<<"a">> => #{}}]] ++
    [?_assertMatch({error, #{kind := usage}}, warpbeam_sfv:Function(Field))
     || Function <- [parse_item, parse_list, parse_dictionary],
        Field <- [atom, 1, "1, 2", [<<"1">> | <<"2">>], [[<<"1">>]], <<1:3>>, [<<1:3>>], #{}, {<<"1">>}]] ++
    [?_assertMatch({error, #{kind := usage}}, warpbeam_sfv:parse_bare_item(Term))
     || Term <- [1, "1", [<<"1">>], <<1:3>>]] ++
    [?_assertMatch({error, #{kind := usage}}, warpbeam_sfv:parse_item(<<"1">>, Options))
     || Options <- [x, [], #{unknown => true}, #{<<"rfc8941">> => true}, #{rfc8941 => 1}, #{max_bytes => -1},
                    #{max_bytes => 1.0}, #{max_bytes => 1 bsl 64}, #{#{} => #{}}]] ++
    [?_assertMatch({error, #{kind := usage}}, warpbeam_sfv:serialize_item(1, Options))
     || Options <- [x, #{rfc8941 => true}, #{max_bytes => 1}, #{wide_keys => yes}]].

%% The native functions are not meant to be called, but survive it.
native_test_() ->
    [?_assertError(badarg, apply(warpbeam_sfv_nif, Function, Arguments))
     || {Function, Arguments} <- [{parse, [other, <<"1">>, 10, 0]}, {parse, [item, <<"1">>, -1, 0]},
                                  {parse, [item, <<"1">>, 10, x]}, {parse_bare_item, [<<"1">>, x]},
                                  {serialize, [other, 1, 0]}, {serialize, [item, 1, x]}]].

%% Longer than 64 KiB: on a dirty scheduler, with the same results.
long_test_() ->
    {timeout, 60,
     fun() ->
         Numbers = lists:seq(1, 200000),
         {ok, Field} = warpbeam_sfv:serialize_list(Numbers),
         ?assertEqual({ok, [{item, N, []} || N <- Numbers]}, warpbeam_sfv:parse_list(Field)),
         Lines = [integer_to_binary(N) || N <- Numbers],
         ?assertEqual(warpbeam_sfv:parse_list(Field), warpbeam_sfv:parse_list(Lines)),
         Text = binary:copy(<<"\"\\">>, 100000),
         {ok, Quoted} = warpbeam_sfv:serialize_item({string, Text}),
         ?assertEqual({ok, {item, {string, Text}, []}}, warpbeam_sfv:parse_item(Quoted)),
         ?assertEqual({ok, {string, Text}, <<";rest">>}, warpbeam_sfv:parse_bare_item(<<Quoted/binary, ";rest">>)),
         Pairs = [{<<"k", (integer_to_binary(N))/binary>>, {list, [{item, N, []}], [{<<"p">>, N}]}} || N <- Numbers],
         {ok, Dictionary} = warpbeam_sfv:serialize_dictionary(Pairs),
         ?assertEqual({ok, Pairs}, warpbeam_sfv:parse_dictionary(Dictionary)),
         {error, #{kind := malformed, offset := Offset}} = warpbeam_sfv:parse_list(<<Field/binary, "!">>),
         ?assertEqual(byte_size(Field), Offset),
         {error, #{kind := invalid, path := [200001]}} = warpbeam_sfv:serialize_list(Numbers ++ [{token, <<>>}]),
         {error, #{kind := usage, path := []}} = warpbeam_sfv:serialize_list(Numbers ++ tail),
         {error, #{kind := usage}} = warpbeam_sfv:parse_list(Lines ++ [x])
     end}.

%% No atom is made of what a field says.
no_atoms_test() ->
    Before = erlang:system_info(atom_count),
    [begin
         Name = <<"t", (integer_to_binary(N))/binary, "sfv">>,
         {ok, _} = warpbeam_sfv:parse_dictionary(<<Name/binary, "=", Name/binary, ";", Name/binary>>),
         {error, _} = warpbeam_sfv:parse_item(<<Name/binary, "?">>)
     end || N <- lists:seq(1, 1000)],
    ?assertEqual(Before, erlang:system_info(atom_count)).

%% A field with almost as many values as are read on an ordinary scheduler uses up most of the caller's time slice.
charged_test() ->
    Charged = fun(Count) ->
                  Field = iolist_to_binary(lists:join($,, lists:duplicate(Count, $1))),
                  {reductions, Before} = process_info(self(), reductions),
                  {ok, _} = warpbeam_sfv:parse_list(Field),
                  {reductions, After} = process_info(self(), reductions),
                  After - Before
              end,
    ?assert(Charged(3600) > 2000),
    ?assert(Charged(10) < 500).
