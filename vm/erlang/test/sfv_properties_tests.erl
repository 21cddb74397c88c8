%% @private What holds for any terms: warpbeam_sfv and hb_structured_fields against random arguments, fields and values.
-module(sfv_properties_tests).
-include_lib("eunit/include/eunit.hrl").

properties_test_() ->
    Strict = sfv_random:typed(fun sfv_random:bare/1, fun sfv_random:strict_key/1),
    Drop = sfv_random:typed(fun sfv_random:hb_bare/1, fun sfv_random:wide_key/1, fun sfv_random:strict_key/1),
    [{timeout, 300, {Name, fun() -> sfv_random:check(Make, Holds, Count) end}}
     || {Name, Make, Holds, Count} <-
            [{"what is written is read again", Strict, fun round_trip/1, 5000},
             {"what is read is written and read again", changed_by(Strict, fun serialize/2), fun mutated/1, 10000},
             {"a bare item ends where it ends", fun sfv_random:bare/1, fun prefix/1, 5000},
             {"the drop-in reads what it writes", Drop, fun hb_round_trip/1, 5000},
             {"the drop-in reads what warpbeam_sfv reads", changed_by(Drop, fun hb_serialize/2), fun hb_mutated/1,
              10000},
             {"the drop-in makes fields of Erlang terms", fun erlang_pairs/1, fun hb_conversion/1, 5000}]] ++
    %% Every function with arguments of any kind.
    [{timeout, 300, {lists:concat([Module, ":", Function, "/", Arity]),
                     fun() -> sfv_random:check(fun(Size) -> [sfv_random:near(Size) || _ <- lists:seq(1, Arity)] end,
                                               fun(Arguments) -> Holds(Function, Arguments) end, 3000) end}}
     || {Module, Holds} <- [{warpbeam_sfv, fun no_argument_fails/2},
                            {hb_structured_fields, fun no_argument_escapes/2}],
        {Function, Arity} <- Module:module_info(exports), Function =/= module_info].

changed_by(Make, Serialize) ->
    fun(Size) ->
        {Type, Value} = Make(Size),
        {Type, sfv_random:changed(Serialize(Type, Value), 3)}
    end.

%%% warpbeam_sfv

%% Nothing but a result or an error, and nothing is written that is no field.
no_argument_fails(Function, Arguments) ->
    case apply(warpbeam_sfv, Function, Arguments) of
        {ok, Binary} when is_binary(Binary) -> is_field(Binary);
        {ok, _} -> true;
        {ok, _, Rest} -> is_binary(Rest);
        {error, #{kind := Kind, message := Message}} ->
            lists:member(Kind, [malformed, invalid, usage, limit]) andalso byte_size(Message) > 0
    end.

round_trip({Type, Value}) ->
    Field = serialize(Type, Value),
    {ok, Value} =:= parse(Type, Field, #{}) andalso {ok, Value} =:= parse(Type, Field, #{wide_keys => true})
        andalso is_field(Field).

mutated({Type, Field}) ->
    lists:all(fun(Options) ->
                  case parse(Type, Field, Options) of
                      {ok, Value} ->
                          {ok, Written} = serialize(Type, Value, Options),
                          {ok, Value} =:= parse(Type, Written, Options) andalso is_field(Written);
                      {error, #{kind := malformed, offset := Offset}} -> Offset =< byte_size(Field)
                  end
              end, [#{}, #{wide_keys => true}]).

prefix(Bare) ->
    {ok, Field} = warpbeam_sfv:serialize_bare_item(Bare),
    Text = <<(sfv_random:changed(Field, 2))/binary, (sfv_random:binary(1))/binary>>,
    case warpbeam_sfv:parse_bare_item(Text) of
        {ok, Value, Rest} ->
            Size = byte_size(Text) - byte_size(Rest),
            <<Prefix:Size/binary, Rest/binary>> = Text,
            {ok, {item, Value, []}} =:= warpbeam_sfv:parse_item(Prefix);
        {error, #{kind := malformed, offset := Offset}} -> Offset =< byte_size(Text)
    end.

%%% hb_structured_fields

%% Exceptions are of class error; nothing is written that is no field.
no_argument_escapes(Function, Arguments) ->
    try apply(hb_structured_fields, Function, Arguments) of
        Written when Function =:= dictionary; Function =:= list; Function =:= item; Function =:= bare_item ->
            is_field(iolist_to_binary(Written));
        _ -> true
    catch
        error:_ -> true
    end.

hb_round_trip({Type, Value}) ->
    Field = hb_serialize(Type, Value),
    Value =:= hb_parse(Type, Field) andalso is_field(Field).

hb_mutated({Type, Field}) ->
    try hb_parse(Type, Field) of
        Value ->
            {ok, _} = parse(Type, string:trim(Field, leading, " \t"), #{wide_keys => true}),
            Value =:= hb_parse(Type, hb_serialize(Type, Value))
    catch
        error:{structured_fields, #{kind := malformed, offset := Offset}} -> Offset =< byte_size(Field);
        error:{structured_fields, #{kind := malformed, path := [Key]}} -> binary:match(Field, Key) =/= nomatch
    end.

erlang_pairs(Size) ->
    Simple = fun(_) ->
                 case sfv_random:integer(1, 5) of
                     1 -> sfv_random:number(Size);
                     2 -> sfv_random:integer(-100000, 100000) / 1024;
                     3 -> sfv_random:one_of([true, false]);
                     4 -> sfv_random:one_of([a, token, 'Cap', 'a/b']);
                     5 -> sfv_random:printable(Size)
                 end
             end,
    Key = fun(_) -> sfv_random:one_of([sfv_random:wide_key(Size), key, 'K', "chars", ["io", <<"list">>]]) end,
    Parameter = fun(Less) -> {sfv_random:one_of([sfv_random:strict_key(Size), key, "chars"]), Simple(Less)} end,
    Member = fun(Less) ->
                 sfv_random:one_of([Simple(Less), sfv_random:list(Simple, Less),
                                    {item, Simple(Less), sfv_random:list(Parameter, 2)},
                                    {list, sfv_random:list(Simple, Less), sfv_random:list(Parameter, 2)}])
             end,
    sfv_random:list(fun(Less) -> {Key(Less), Member(Less)} end, Size).

hb_conversion(Pairs) ->
    {ok, Dictionary} = hb_structured_fields:to_dictionary(Pairs),
    {ok, List} = hb_structured_fields:to_list([Value || {_, Value} <- Pairs]),
    Names = [case is_atom(Name) of true -> atom_to_binary(Name); false -> iolist_to_binary(Name) end
             || {Name, _} <- Pairs],
    lists:reverse(Names) =:= [Name || {Name, _} <- Dictionary]
        andalso lists:reverse(List) =:= [Value || {_, Value} <- Dictionary]
        andalso length(hb_parse(dictionary, hb_serialize(dictionary, Dictionary))) =:= length(lists:usort(Names))
        andalso hb_parse(list, hb_serialize(list, List)) =:= [without_duplicates(Member) || Member <- List].

%% As the parameters of a member are read: the last value in the first place.
without_duplicates({Kind, Value, Parameters}) ->
    {Kind, Value, lists:foldl(fun({Key, Bare}, Done) -> lists:keystore(Key, 1, Done, {Key, Bare}) end, [],
                              Parameters)}.

%%% Functions by type

is_field(Field) -> lists:all(fun(Byte) -> Byte >= 16#20 andalso Byte < 16#7f end, binary_to_list(Field)).

parse(item, Field, Options) -> warpbeam_sfv:parse_item(Field, Options);
parse(list, Field, Options) -> warpbeam_sfv:parse_list(Field, Options);
parse(dictionary, Field, Options) -> warpbeam_sfv:parse_dictionary(Field, Options).

serialize(Type, Term) ->
    {ok, Field} = serialize(Type, Term, #{}),
    Field.
serialize(item, Term, Options) -> warpbeam_sfv:serialize_item(Term, Options);
serialize(list, Term, Options) -> warpbeam_sfv:serialize_list(Term, Options);
serialize(dictionary, Term, Options) -> warpbeam_sfv:serialize_dictionary(Term, Options).

hb_parse(item, Field) -> hb_structured_fields:parse_item(Field);
hb_parse(list, Field) -> hb_structured_fields:parse_list(Field);
hb_parse(dictionary, Field) -> hb_structured_fields:parse_dictionary(Field).

hb_serialize(item, Term) -> iolist_to_binary(hb_structured_fields:item(Term));
hb_serialize(list, Term) -> iolist_to_binary(hb_structured_fields:list(Term));
hb_serialize(dictionary, Term) -> iolist_to_binary(hb_structured_fields:dictionary(Term)).
