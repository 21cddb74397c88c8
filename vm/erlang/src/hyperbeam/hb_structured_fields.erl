%% @doc HyperBEAM's module for Structured Fields, over {@link warpbeam_sfv}: the same functions, terms and iolists.
%%
%% An item is `{item, BareItem, Parameters}', an inner list `{list, Items, Parameters}', a dictionary a list of pairs in
%% the order of the field. A bare item is an integer, a boolean, `{decimal, {Base, Exponent}}' without trailing zeros,
%% or a `string', `token' or `binary' with its value. Beyond the RFC, the keys of a dictionary may consist of letters,
%% digits, `_', `-', `.', `*' and `%' in any order. Those of parameters may, too, but only when they are written.
%%
%% What can't be read or written is an exception of class `error', as it was; its reason is
%% `{structured_fields, #{kind, message, ...}}' where {@link warpbeam_sfv} refused it. Unlike in HyperBEAM's own module,
%% decimals are read and written as what they are (1.05 was written as 1.5, and -0.5 was read and written as 0.5),
%% floats can be converted, and nothing is written that is not a field: no line breaks in tokens, keys and strings, and
%% no integers of 16 digits.
-module(hb_structured_fields).
-export([parse_dictionary/1, parse_list/1, parse_item/1, parse_bare_item/1, parse_binary/1]).
-export([dictionary/1, list/1, item/1, bare_item/1, from_bare_item/1]).
-export([to_dictionary/1, to_list/1, to_item/1, to_item/2]).
-export_type([sh_list/0, sh_inner_list/0, sh_params/0, sh_dictionary/0, sh_item/0, sh_bare_item/0, sh_decimal/0]).

-type sh_list() :: [sh_item() | sh_inner_list()].
-type sh_inner_list() :: {list, [sh_item()], sh_params()}.
-type sh_params() :: [{binary(), sh_bare_item()}].
-type sh_dictionary() :: [{binary(), sh_item() | sh_inner_list()}].
-type sh_item() :: {item, sh_bare_item(), sh_params()}.
-type sh_bare_item() :: integer() | boolean() | sh_decimal() | {string | token | binary, binary()}.
-type sh_decimal() :: {decimal, {Base :: integer(), Exponent :: integer()}}.
%% `Base' times ten to the power of `Exponent'.

%% It knows no dates and no display strings, and wants byte sequences with their padding.
-define(PARSE, #{rfc8941 => true, strict_padding => true}).
-define(WIDE_KEYS, #{wide_keys => true}).

%%% Reading

%% @doc Reads a dictionary. Spaces before it are the caller's to remove.
-spec parse_dictionary(binary()) -> sh_dictionary().
parse_dictionary(<<C, _/binary>> = Field) when C =:= $\s; C =:= $\t -> refuse_space(Field);
parse_dictionary(Field) when is_binary(Field) ->
    Dictionary = case warpbeam_sfv:parse_dictionary(Field, ?PARSE) of
                     {ok, Strict} -> Strict;
                     _ -> [check_parameters(Pair) || Pair <- ok(warpbeam_sfv:parse_dictionary(Field, maps:merge(?PARSE, ?WIDE_KEYS)))]
                 end,
    [{Key, from_member(Member)} || {Key, Member} <- Dictionary].

%% @doc Reads a list.
-spec parse_list(binary()) -> sh_list().
parse_list(<<>>) -> [];
parse_list(Field) when is_binary(Field) ->
    case skip_spaces(Field) of
        <<>> -> refuse_space(Field);
        Members -> [from_member(Member) || Member <- ok(warpbeam_sfv:parse_list(Members, ?PARSE))]
    end.

%% @doc Reads an item. Spaces before and after it are the caller's to remove.
-spec parse_item(binary()) -> sh_item().
parse_item(Field) when is_binary(Field) ->
    Last = byte_size(Field) - 1,
    case Field of
        <<$\s, _/binary>> -> refuse_space(Field);
        <<_:Last/binary, $\s>> -> refuse_space(Field);
        _ -> from_member(ok(warpbeam_sfv:parse_item(Field, ?PARSE)))
    end.

%% @doc Reads the bare item that a binary begins with, and gives what follows.
-spec parse_bare_item(binary()) -> {sh_bare_item(), Rest :: binary()}.
parse_bare_item(Binary) when is_binary(Binary) ->
    case warpbeam_sfv:parse_bare_item(Binary, ?PARSE) of
        {ok, Bare, Rest} -> {from_native(Bare), Rest};
        {error, Why} -> error({structured_fields, Why})
    end.

%% @doc Reads the rest of a byte sequence whose first colon has been read.
-spec parse_binary(binary()) -> {{binary, binary()}, Rest :: binary()}.
parse_binary(Binary) when is_binary(Binary) -> parse_bare_item(<<$:, Binary/binary>>).

skip_spaces(<<C, Rest/binary>>) when C =:= $\s; C =:= $\t -> skip_spaces(Rest);
skip_spaces(Rest) -> Rest.

-spec refuse_space(binary()) -> no_return().
refuse_space(Field) ->
    Message = <<"expected a field without spaces around it">>,
    Offset = case Field of <<$\s, _/binary>> -> 0; <<$\t, _/binary>> -> 0; _ -> byte_size(Field) - 1 end,
    error({structured_fields, #{kind => malformed, message => Message, offset => Offset}}).

ok({ok, Value}) -> Value;
ok({error, Why}) -> error({structured_fields, Why}).

from_member({item, Bare, Parameters}) -> {item, from_native(Bare), from_parameters(Parameters)};
from_member({list, Items, Parameters}) -> {list, [from_member(Item) || Item <- Items], from_parameters(Parameters)}.

from_parameters(Parameters) -> [{Key, from_native(Bare)} || {Key, Bare} <- Parameters].

%% Only the keys of the dictionary itself are read beyond the RFC.
check_parameters({_, {item, _, Parameters}} = Pair) ->
    check_keys(Parameters),
    Pair;
check_parameters({_, {list, Items, Parameters}} = Pair) ->
    lists:foreach(fun({item, _, Inner}) -> check_keys(Inner) end, Items),
    check_keys(Parameters),
    Pair.

check_keys(Parameters) ->
    case warpbeam_sfv:serialize_dictionary(Parameters) of
        {ok, _} -> ok;
        {error, #{message := Message, path := [Key | _]}} ->
            Explained = <<"the key of a parameter is ", Message/binary>>,
            error({structured_fields, #{kind => malformed, message => Explained, path => [Key]}})
    end.

from_native({decimal, Thousandths}) -> {decimal, shortest(Thousandths, -3)};
from_native(Bare) -> Bare.

shortest(Base, Exponent) when Exponent < 0, Base rem 10 =:= 0 -> shortest(Base div 10, Exponent + 1);
shortest(Base, Exponent) -> {Base, Exponent}.

%%% Writing

%% @doc Writes a dictionary. A bare `true' as a value gives the key alone, `{item, true, []}' gives `key=?1'.
-spec dictionary(#{binary() => sh_item() | sh_inner_list() | true} | sh_dictionary()) -> iolist().
dictionary(Map) when is_map(Map) -> dictionary(maps:to_list(Map));
dictionary(Pairs) when is_list(Pairs) ->
    lists:join(<<", ">>, [case Value of
                              {item, true, _} -> [pair(Key, true), $=, item(Value)];
                              _ -> pair(Key, Value)
                          end || {Key, Value} <- pairs(Pairs)]).

%% @doc Writes a list.
-spec list(sh_list()) -> iolist().
list(Members) -> lists:join(<<", ">>, [member(Member) || Member <- Members]).

%% @doc Writes an item: the bare item, which is a binary, and the parameters.
-spec item(sh_item()) -> iolist().
item({item, Bare, Parameters} = Item) ->
    Written = bare_item(Bare),
    Size = byte_size(Written),
    case Parameters of
        [] -> [Written, []];
        _ -> <<Written:Size/binary, Rest/binary>> = member(Item), [Written, Rest]
    end.

%% @doc Writes a bare item.
-spec bare_item(sh_bare_item()) -> binary().
bare_item(Bare) -> ok(warpbeam_sfv:serialize_bare_item(to_native_bare(Bare))).

member(Member) -> ok(warpbeam_sfv:serialize_list([to_native(Member)], ?WIDE_KEYS)).

pair(Key, true) -> ok(warpbeam_sfv:serialize_dictionary([{iolist_to_binary(Key), true}], ?WIDE_KEYS));
pair(Key, Member) ->
    ok(warpbeam_sfv:serialize_dictionary([{iolist_to_binary(Key), to_native(Member)}], ?WIDE_KEYS)).

%% What is no pair is an exception, where a generator alone would leave it out.
pairs(Pairs) -> lists:map(fun({_, _} = Pair) -> Pair end, Pairs).

to_native({item, Bare, Parameters}) -> {item, to_native_bare(Bare), to_native_parameters(Parameters)};
to_native({list, Items, Parameters}) ->
    {list, lists:map(fun({item, _, _} = Item) -> to_native(Item) end, Items), to_native_parameters(Parameters)}.

to_native_parameters(Parameters) ->
    [{iolist_to_binary(Key), to_native_bare(Bare)} || {Key, Bare} <- pairs(Parameters)].

to_native_bare(Integer) when is_integer(Integer) -> Integer;
to_native_bare(Boolean) when is_boolean(Boolean) -> Boolean;
to_native_bare({decimal, {Base, Exponent}}) when is_integer(Base), is_integer(Exponent) ->
    {decimal, thousandths(Base, Exponent)};
to_native_bare({Type, Value}) when Type =:= string; Type =:= token; Type =:= binary ->
    {Type, iolist_to_binary(Value)}.

%% Rounded to thousandths, ties to even. Numbers that are too large stay so, without making them any larger.
thousandths(0, _) -> 0;
thousandths(Base, Exponent) when Exponent > 12; abs(Base) >= 1 bsl 4096 ->
    error({structured_fields, #{kind => invalid, message => <<"more than 12 digits before the decimal point">>}});
thousandths(Base, Exponent) when Exponent >= -3 -> Base * power_of_10(Exponent + 3);
thousandths(_, Exponent) when Exponent < -1300 -> 0; % 4096 bits are 1,234 digits
thousandths(Base, Exponent) when Base < 0 -> -thousandths(-Base, Exponent);
thousandths(Base, Exponent) ->
    Divisor = power_of_10(-Exponent - 3),
    {Whole, Twice} = {Base div Divisor, 2 * (Base rem Divisor)},
    if
        Twice > Divisor -> Whole + 1;
        Twice =:= Divisor -> Whole + Whole rem 2;
        true -> Whole
    end.

power_of_10(0) -> 1;
power_of_10(N) -> 10 * power_of_10(N - 1).

%%% Converting

%% @doc Makes a dictionary of Erlang terms; the pairs come out in the reverse order.
-spec to_dictionary(map() | [{term(), term()}]) -> {ok, sh_dictionary()} | {too_deep, term()}.
to_dictionary(Map) when is_map(Map) -> to_dictionary(maps:to_list(Map));
to_dictionary(Pairs) when is_list(Pairs) -> to_dictionary(Pairs, []).

to_dictionary([], Done) -> {ok, Done};
to_dictionary([{Name, Value} | _], _) when is_map(Value) -> {too_deep, Name};
to_dictionary([{Name, Value} | Rest], Done) ->
    case to_member(Value) of
        {ok, Member} -> to_dictionary(Rest, [{to_key(Name), Member} | Done]);
        TooDeep -> TooDeep
    end.

%% @doc Makes a list of Erlang terms. Those that are lists, also strings, become inner lists.
-spec to_list([term()]) -> {ok, sh_list()} | {too_deep, term()}.
to_list(Terms) when is_list(Terms) -> to_each(fun to_member/1, Terms, []).

%% @equiv to_item(Term, [])
-spec to_item(term()) -> {ok, sh_item()}.
to_item({item, Bare, Parameters}) when is_list(Parameters) -> {ok, {item, to_bare(Bare), to_parameters(Parameters)}};
to_item(Term) -> to_item(Term, []).

%% @doc Makes an item: an atom becomes a token, a binary or string a string; tuples are taken as they are.
-spec to_item(term(), [{term(), term()}]) -> {ok, sh_item()}.
to_item(Term, Parameters) when is_list(Parameters) -> {ok, {item, to_bare(Term), to_parameters(Parameters)}}.

to_member(Map) when is_map(Map) -> {too_deep, Map};
to_member({list, Items, Parameters}) -> to_inner_list(Items, Parameters);
to_member(Items) when is_list(Items) -> to_inner_list(Items, []);
to_member(Term) -> to_item(Term).

to_inner_list(Terms, Parameters) when is_list(Terms), is_list(Parameters) ->
    case to_each(fun to_inner_item/1, Terms, []) of
        {ok, Items} -> {ok, {list, Items, to_parameters(Parameters)}};
        TooDeep -> TooDeep
    end.

to_inner_item(Term) when is_list(Term); is_map(Term) -> {too_deep, Term};
to_inner_item(Term) -> to_item(Term).

to_each(_, [], Done) -> {ok, lists:reverse(Done)};
to_each(Convert, [Term | Rest], Done) ->
    case Convert(Term) of
        {ok, Converted} -> to_each(Convert, Rest, [Converted | Done]);
        TooDeep -> TooDeep
    end.

to_parameters(Parameters) -> [{to_key(Name), to_bare(Value)} || {Name, Value} <- pairs(Parameters)].

to_key(Name) when is_atom(Name) -> atom_to_binary(Name);
to_key(Name) -> iolist_to_binary(Name).

to_bare(Bare) when is_tuple(Bare); is_boolean(Bare) -> Bare;
%% Numbers are read back from what they are written as, so that they are those of the field.
to_bare(Integer) when is_integer(Integer) ->
    _ = bare_item(Integer),
    Integer;
to_bare(Float) when is_float(Float) ->
    {Decimal, <<>>} = parse_bare_item(ok(warpbeam_sfv:serialize_bare_item(Float))),
    Decimal;
to_bare(Atom) when is_atom(Atom) -> {token, atom_to_binary(Atom)};
to_bare(Text) when is_binary(Text); is_list(Text) -> {string, iolist_to_binary(Text)}.

%% @doc What a bare item is in Erlang: decimals become floats, tokens atoms, which must exist.
-spec from_bare_item(sh_bare_item()) -> integer() | boolean() | float() | binary() | atom().
from_bare_item(Integer) when is_integer(Integer) -> Integer;
from_bare_item(Boolean) when is_boolean(Boolean) -> Boolean;
from_bare_item({decimal, _} = Decimal) -> binary_to_float(bare_item(Decimal));
from_bare_item({string, Text}) -> Text;
from_bare_item({token, Name}) -> binary_to_existing_atom(Name);
from_bare_item({binary, Bytes}) -> Bytes.
