%% @private The httpwg suite for Structured Fields: sfv_suite.py makes the terms and says where they are.
-module(sfv_suite_tests).
-include_lib("eunit/include/eunit.hrl").

suite_test_() ->
    {ok, Cases} = file:consult(os:getenv("WARPBEAM_SFV_SUITE")),
    true = length(Cases) > 2000,
    [{Name, fun() -> check(Type, Outcome, Raw, Expected, Canonical) end}
     || {Name, Type, Outcome, Raw, Expected, Canonical} <- Cases].

%% Without lines: a value is written, or refused.
check(Type, must_fail, none, Expected, _) ->
    {error, #{kind := invalid, message := _}} = serialize(Type, Expected);
check(Type, must_succeed, none, Expected, Canonical) ->
    ?assertEqual({ok, joined(Canonical)}, serialize(Type, Expected));
check(Type, must_fail, Raw, _, _) ->
    {error, #{kind := malformed, offset := Offset}} = parse(Type, Raw, #{}),
    ?assert(Offset =< byte_size(joined(Raw))),
    ?assertEqual(parse(Type, Raw, #{}), parse(Type, joined(Raw), #{}));
check(Type, can_fail, Raw, Expected, Canonical) ->
    check(Type, must_succeed, Raw, Expected, Canonical),
    Strict = maps:from_keys([strict_padding, strict_pad_bits, strict_dates, strict_lines], true),
    {error, #{kind := malformed}} = parse(Type, Raw, Strict);
check(Type, must_succeed, Raw, Expected, Canonical) ->
    ?assertEqual({ok, Expected}, parse(Type, Raw, #{})),
    ?assertEqual({ok, Expected}, parse(Type, Raw, #{wide_keys => true})),
    Written = joined(case Canonical of none -> Raw; _ -> Canonical end),
    ?assertEqual({ok, Written}, serialize(Type, Expected)),
    ?assertEqual({ok, Expected}, parse(Type, Written, #{})).

joined(Lines) -> iolist_to_binary(lists:join(<<", ">>, Lines)).

parse(item, Lines, Options) -> warpbeam_sfv:parse_item(Lines, Options);
parse(list, Lines, Options) -> warpbeam_sfv:parse_list(Lines, Options);
parse(dictionary, Lines, Options) -> warpbeam_sfv:parse_dictionary(Lines, Options).

serialize(item, Term) -> warpbeam_sfv:serialize_item(Term);
serialize(list, Term) -> warpbeam_sfv:serialize_list(Term);
serialize(dictionary, Term) -> warpbeam_sfv:serialize_dictionary(Term).
