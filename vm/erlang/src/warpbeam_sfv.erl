%% @doc HTTP Structured Fields (RFC 9651): items, lists and dictionaries as Erlang terms.
%%
%% ```
%% 1> warpbeam_sfv:parse_dictionary(<<"u=2, i, q=(a \"b\");at=@0">>).
%% {ok,[{<<"u">>,{item,2,[]}},
%%      {<<"i">>,{item,true,[]}},
%%      {<<"q">>,{list,[{item,{token,<<"a">>},[]},{item,{string,<<"b">>},[]}],
%%                [{<<"at">>,{date,0}}]}}]}
%% 2> warpbeam_sfv:serialize_list([1, {item, 1.05, [{<<"t">>, {token, <<"x">>}}]}, [2, 3]]).
%% {ok,<<"1, 1.05;t=x, (2 3)">>}
%% '''
%%
%% A field is a binary or, if it has several lines, a list of binaries, which count as joined by `, '. Only what the RFC
%% allows is read, and only that is written: no line break gets into a field. Of a key that comes twice, the last value
%% is read, in the place of the first.
%%
%% Everything that can't be read or written is `{error, #{kind, message}}'. `offset' is the position in the field, or in
%% the text of the value that was refused; `path' says where in the term that value is, from the outside: positions from
%% 1, keys, and the key of a parameter. The kinds are `malformed' (a field), `invalid' (a value that no field can have),
%% `usage' (a term of the wrong shape, an unknown option), `limit' and `out_of_memory'. No term makes these functions
%% fail otherwise. What is longer than 64 KiB, or has some thousand values, is handled on a dirty
%% scheduler.
-module(warpbeam_sfv).
-export([parse_item/1, parse_item/2, parse_list/1, parse_list/2, parse_dictionary/1, parse_dictionary/2,
         parse_bare_item/1, parse_bare_item/2,
         serialize_item/1, serialize_item/2, serialize_list/1, serialize_list/2,
         serialize_dictionary/1, serialize_dictionary/2, serialize_bare_item/1]).
-export_type([field/0, bare_item/0, parameters/0, item/0, inner_list/0, member/0, members/0, dictionary/0, key/0,
              to_bare_item/0, to_parameters/0, to_item/0, to_member/0, to_list/0, to_dictionary/0,
              parse_options/0, serialize_options/0, error/0]).

-type field() :: binary() | [Line :: binary()].
-type key() :: binary().
-type bare_item() :: integer()
                   | {decimal, Thousandths :: integer()}
                   | {string, binary()}
                   | {token, binary()}
                   | {binary, binary()}
                   | boolean()
                   | {date, Seconds :: integer()}
                   | {display_string, unicode:unicode_binary()}.
%% Integers and dates have at most 15 digits, decimals 12 before the point; 1.05 is `{decimal, 1050}'. A date counts
%% seconds since 1970.
-type parameters() :: [{key(), bare_item()}].
-type item() :: {item, bare_item(), parameters()}.
-type inner_list() :: {list, [item()], parameters()}.
-type member() :: item() | inner_list().
-type members() :: [member()].
-type dictionary() :: [{key(), member()}].

-type to_bare_item() :: bare_item() | float().
%% A float is rounded to three digits after the point, of its shortest decimal form, ties to even.
-type to_parameters() :: [{key(), to_bare_item()}].
-type to_item() :: {item, to_bare_item(), to_parameters()} | to_bare_item().
%% A bare item stands for an item without parameters.
-type to_member() :: to_item() | {list, [to_item()], to_parameters()} | [to_item()].
%% An Erlang list stands for an inner list without parameters.
-type to_list() :: [to_member()].
-type to_dictionary() :: [{key(), to_member()}] | #{key() => to_member()}.
%% A map is written in the order of its keys.

-type parse_options() :: #{rfc8941 => boolean(),
                           strict_padding => boolean(),
                           strict_pad_bits => boolean(),
                           strict_dates => boolean(),
                           strict_lines => boolean(),
                           wide_keys => boolean(),
                           max_bytes => non_neg_integer()}.
%% All are off unless given as true. `rfc8941' refuses dates and display strings; `strict_padding' and `strict_pad_bits'
%% refuse byte sequences without their padding or with other pad bits than zeros; `strict_dates' refuses dates outside
%% the years 1 to 9999; `strict_lines' refuses strings that go on in the next line. `wide_keys' goes beyond the RFC:
%% keys may consist of letters, digits, `_', `-', `.', `*' and `%', in any order. A field that is longer than
%% `max_bytes' is refused before it is read.
-type serialize_options() :: #{wide_keys => boolean()}.
-type error() :: {error, #{kind := malformed | invalid | usage | limit | out_of_memory,
                           message := binary(),
                           offset => non_neg_integer(),
                           path => [pos_integer() | key()]}}.

%% @equiv parse_item(Field, #{})
-spec parse_item(field()) -> {ok, item()} | error().
parse_item(Field) -> parse_item(Field, #{}).

%% @doc Reads a field that is one item.
-spec parse_item(field(), parse_options()) -> {ok, item()} | error().
parse_item(Field, Options) -> parse(item, Field, Options).

%% @equiv parse_list(Field, #{})
-spec parse_list(field()) -> {ok, members()} | error().
parse_list(Field) -> parse_list(Field, #{}).

%% @doc Reads a list. An empty field is an empty list.
-spec parse_list(field(), parse_options()) -> {ok, members()} | error().
parse_list(Field, Options) -> parse(list, Field, Options).

%% @equiv parse_dictionary(Field, #{})
-spec parse_dictionary(field()) -> {ok, dictionary()} | error().
parse_dictionary(Field) -> parse_dictionary(Field, #{}).

%% @doc Reads a dictionary. An empty field is an empty dictionary.
-spec parse_dictionary(field(), parse_options()) -> {ok, dictionary()} | error().
parse_dictionary(Field, Options) -> parse(dictionary, Field, Options).

%% @equiv parse_bare_item(Binary, #{})
-spec parse_bare_item(binary()) -> {ok, bare_item(), Rest :: binary()} | error().
parse_bare_item(Binary) -> parse_bare_item(Binary, #{}).

%% @doc Reads the bare item that a binary begins with, and gives what follows it. Spaces before it are not skipped.
-spec parse_bare_item(binary(), parse_options()) -> {ok, bare_item(), Rest :: binary()} | error().
parse_bare_item(Binary, Options) ->
    case options(Options, parse_flags(), [max_bytes]) of
        {ok, _, #{max_bytes := Most}} when is_binary(Binary), byte_size(Binary) > Most ->
            refused(limit, <<"the binary has more than ", (integer_to_binary(Most))/binary, " bytes (max_bytes)">>);
        {ok, Bits, _} -> warpbeam_sfv_nif:parse_bare_item(Binary, Bits);
        Error -> Error
    end.

%% @equiv serialize_item(Item, #{})
-spec serialize_item(to_item()) -> {ok, binary()} | error().
serialize_item(Item) -> serialize_item(Item, #{}).

%% @doc Writes an item as a field.
-spec serialize_item(to_item(), serialize_options()) -> {ok, binary()} | error().
serialize_item(Item, Options) -> serialize(item, Item, Options).

%% @equiv serialize_list(List, #{})
-spec serialize_list(to_list()) -> {ok, binary()} | error().
serialize_list(List) -> serialize_list(List, #{}).

%% @doc Writes a list. An empty list gives an empty field, which should be left out.
-spec serialize_list(to_list(), serialize_options()) -> {ok, binary()} | error().
serialize_list(List, Options) -> serialize(list, List, Options).

%% @equiv serialize_dictionary(Dictionary, #{})
-spec serialize_dictionary(to_dictionary()) -> {ok, binary()} | error().
serialize_dictionary(Dictionary) -> serialize_dictionary(Dictionary, #{}).

%% @doc Writes a dictionary. An empty one gives an empty field, which should be left out. A key that comes twice is
%% written twice; readers take the last value.
-spec serialize_dictionary(to_dictionary(), serialize_options()) -> {ok, binary()} | error().
serialize_dictionary(Map, Options) when is_map(Map) -> serialize_dictionary(lists:sort(maps:to_list(Map)), Options);
serialize_dictionary(Pairs, Options) -> serialize(dictionary, Pairs, Options).

%% @doc Writes a bare item alone.
-spec serialize_bare_item(to_bare_item()) -> {ok, binary()} | error().
serialize_bare_item(BareItem) -> warpbeam_sfv_nif:serialize_bare_item(BareItem).

parse(Type, Field, Options) ->
    case options(Options, parse_flags(), [max_bytes]) of
        {ok, Bits, #{max_bytes := MaxBytes}} -> warpbeam_sfv_nif:parse(Type, Field, MaxBytes, Bits);
        Error -> Error
    end.

serialize(Type, Term, Options) ->
    case options(Options, [{wide_keys, 32}], []) of
        {ok, Bits, _} -> warpbeam_sfv_nif:serialize(Type, Term, Bits);
        Error -> Error
    end.

%% The bits are those of warpbeam/sfv/sfv.h.
parse_flags() ->
    [{rfc8941, 1}, {strict_padding, 2}, {strict_pad_bits, 4}, {strict_dates, 8}, {strict_lines, 16}, {wide_keys, 32}].

-define(NO_LIMIT, 16#ffffffffffffffff).

options(Options, _, _) when Options =:= #{} -> {ok, 0, #{max_bytes => ?NO_LIMIT}};
options(Options, Flags, Numbers) when is_map(Options) ->
    maps:fold(fun(Name, Value, {ok, Bits, Limits}) -> option(Name, Value, Bits, Limits, Flags, Numbers);
                 (_, _, Error) -> Error
              end, {ok, 0, #{max_bytes => ?NO_LIMIT}}, Options);
options(_, _, _) -> refused(usage, <<"the options are no map">>).

option(Name, Value, Bits, Limits, Flags, Numbers) ->
    case {lists:keyfind(Name, 1, Flags), lists:member(Name, Numbers)} of
        {{Name, Bit}, _} when Value =:= true -> {ok, Bits bor Bit, Limits};
        {{Name, _}, _} when Value =:= false -> {ok, Bits, Limits};
        {{Name, _}, _} -> refused(usage, <<"the option ", (atom_to_binary(Name))/binary,
                                         " is neither true nor false">>);
        {false, true} when is_integer(Value), Value >= 0, Value =< ?NO_LIMIT -> {ok, Bits, Limits#{Name => Value}};
        {false, true} -> refused(usage, <<"the option ", (atom_to_binary(Name))/binary, " is no number of bytes">>);
        {false, false} when is_atom(Name) ->
            refused(usage, <<"there is no option ", (atom_to_binary(Name))/binary>>);
        {false, false} -> refused(usage, <<"the name of an option is no atom">>)
    end.

refused(Kind, Message) -> {error, #{kind => Kind, message => Message}}.
