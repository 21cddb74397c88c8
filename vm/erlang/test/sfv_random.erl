%% @private Random fields, and terms that are or almost are fields. Sizes grow with the number of the case, so that the
%% first counterexample is usually small.
-module(sfv_random).
-export([check/3, typed/2, typed/3, bare/1, hb_bare/1, strict_key/1, wide_key/1, printable/1, near/1, changed/2,
         binary/1,
         list/2, one_of/1, integer/2, number/1]).

%% The seed and the number of cases; see also vm/erlang/README.md.
seed() -> list_to_integer(os:getenv("WARPBEAM_SEED", "1")).
count(Usual) -> ceil(Usual * list_to_float(os:getenv("WARPBEAM_CASES", "1.0"))).

%% Whether a property holds for `Count' random values; the first for which it doesn't is an exception.
check(Make, Holds, Count) ->
    Seed = seed(),
    lists:foreach(fun(Case) ->
                      _ = rand:seed(exsss, {Seed, Case, 0}),
                      Value = Make(1 + Case rem 9),
                      try true = Holds(Value)
                      catch Class:Reason:Stack ->
                          erlang:raise(error, {counterexample, {seed, Seed}, {number, Case}, Value, Class, Reason},
                                       Stack)
                      end
                  end, lists:seq(1, count(Count))).

integer(Least, Most) -> Least + rand:uniform(Most - Least + 1) - 1.
one_of(Choices) -> lists:nth(rand:uniform(length(Choices)), Choices).
list(Make, Size) -> [Make(Size) || _ <- lists:seq(1, integer(0, Size))].
binary(Size) -> list_to_binary(list(fun(_) -> integer(0, 255) end, 4 * Size)).
printable(Size) -> list_to_binary(list(fun(_) -> integer($\s, $~) end, 4 * Size)).
text(First, Others, Size) -> list_to_binary([one_of(First) | list(fun(_) -> one_of(Others) end, Size)]).
strict_key(Size) -> text("az*", "az09_-.*", Size).
wide_key(Size) -> text("aZ0-%._*", "aZ09-%._*", Size).

%% Up to 15 digits.
number(_) -> one_of([integer(-9, 9), integer(-999999999999999, 999999999999999),
                     one_of([1, -1]) * (999999999999999 - integer(0, 1)), integer(-99999, 99999) * 1000]).

bare(Size) ->
    case integer(1, 8) of
        1 -> number(Size);
        2 -> {decimal, number(Size)};
        3 -> {string, printable(Size)};
        4 -> {token, text("aZ*", "aZ09!#$%&'*+-.^_`|~:/", Size)};
        5 -> {binary, binary(Size)};
        6 -> one_of([true, false]);
        7 -> {date, number(Size)};
        8 -> Characters = list(fun(_) -> one_of([$a, $", $%, $\\, 0, $\n, 16#fc, 16#7ff, 16#800, 16#ffff,
                                                 16#10ffff]) end, Size),
             {display_string, unicode:characters_to_binary(Characters)}
    end.

%% Bare items as HyperBEAM has them.
hb_bare(Size) ->
    case bare(Size) of
        {decimal, Thousandths} -> {decimal, shortest(Thousandths, -3)};
        {Type, _} when Type =:= date; Type =:= display_string -> hb_bare(Size);
        Bare -> Bare
    end.

shortest(Base, Exponent) when Exponent < 0, Base rem 10 =:= 0 -> shortest(Base div 10, Exponent + 1);
shortest(Base, Exponent) -> {Base, Exponent}.

%% A type of field and a value of it.
typed(Bare, Key) -> typed(Bare, Key, Key).

typed(Bare, Key, Parameter) ->
    fun(Size) ->
        case integer(1, 3) of
            1 -> {item, item(Bare, Parameter, Size)};
            2 -> {list, list(fun(Less) -> member(Bare, Parameter, Less) end, Size)};
            3 -> {dictionary, pairs(Key, fun(Less) -> member(Bare, Parameter, Less) end, Size)}
        end
    end.

member(Bare, Key, Size) ->
    case integer(1, 4) of
        1 -> {list, list(fun(Less) -> item(Bare, Key, Less) end, Size div 2), parameters(Bare, Key, Size)};
        _ -> item(Bare, Key, Size)
    end.

item(Bare, Key, Size) -> {item, Bare(Size), parameters(Bare, Key, Size)}.
parameters(Bare, Key, Size) -> pairs(Key, Bare, Size div 3).

%% No key comes twice.
pairs(Key, Value, Size) ->
    Keys = lists:usort(list(Key, Size)),
    [{One, Value(Size)} || {_, One} <- lists:sort([{rand:uniform(), One} || One <- Keys])].

%% Any term, but more often one that is almost right.
near(Size) when Size =< 1 ->
    one_of([1, -1, 1.5, 1.0e300, 1 bsl 64, -(1 bsl 5000), atom, true, undefined, [], {}, #{}, <<>>, <<1:3>>, self(),
            make_ref(),
            fun() -> ok end, bare(3), strict_key(3), wide_key(3), printable(1), binary(1),
            {decimal, {integer(-99, 99), integer(-2000, 2000)}},
            {decimal, {1 bsl 5000, -1500}}, {item, 1, []}, {<<"a">>, 1}, "text", {number(1), 0}]);
near(Size) ->
    Less = fun() -> near(Size div 2) end,
    case integer(1, 12) of
        1 -> {item, Less(), Less()};
        2 -> {list, Less(), Less()};
        3 -> {Less(), Less()};
        4 -> {one_of([decimal, string, token, binary, date, display_string, item, list, unknown]), Less()};
        5 -> [Less() | Less()];
        6 -> [{strict_key(2), near(Size div 2)} || _ <- lists:seq(1, integer(0, 3))];
        7 -> #{one_of([strict_key(2), wide_keys, rfc8941, max_bytes, atom]) => one_of([true, false, 5, Less()])};
        8 -> {_, Value} = (typed(fun bare/1, fun strict_key/1))(Size), Value;
        9 -> {Type, Value} = (typed(fun bare/1, fun strict_key/1))(Size), changed(written(Type, Value), 2);
        10 -> near(1);
        _ -> list(fun(_) -> near(Size div 2) end, 4)
    end.

written(Type, Value) ->
    {ok, Field} = warpbeam_sfv_nif:serialize(Type, Value, 0),
    Field.

%% A text with up to `Most' changes.
changed(Text, Most) -> lists:foldl(fun(_, Changed) -> change(Changed) end, Text, lists:seq(1, integer(0, Most))).

change(Text) ->
    At = integer(0, byte_size(Text)),
    <<Before:At/binary, After/binary>> = Text,
    Byte = case integer(1, 4) of 1 -> integer(0, 255); _ -> one_of(" \t,;=()\"\\:?@%*-.0159aAzZ_/+") end,
    case {integer(1, 4), After} of
        {1, _} -> <<Before/binary, Byte, After/binary>>;
        {2, <<_, Rest/binary>>} -> <<Before/binary, Rest/binary>>;
        {3, <<_, Rest/binary>>} -> <<Before/binary, Byte, Rest/binary>>;
        {4, _} -> Twice = binary:part(After, 0, min(byte_size(After), 8)),
        <<Before/binary, Twice/binary, After/binary>>;
        _ -> Text
    end.
