%% @doc Nothing that a caller passes crashes or hangs the node, or ends in anything but an answer: random terms for all
%% exported functions.
-module(warpbeam_term_tests).
-include_lib("eunit/include/eunit.hrl").

-import(warpbeam_generators, [guest/0, limits/0, seed/0, cases/1, case_of/3, within/2, is_answer/1,
                              term/1]).

terms_test_() ->
    [{atom_to_list(Module), {timeout, 600, fun() -> functions(Module) end}} ||
        Module <- [warpbeam, warpbeam_memory, warpbeam_wasi]].

functions(Module) ->
    Seed = seed(),
    io:format(user, "random terms for ~p: WARPBEAM_SEED=~b~n", [Module, Seed]),
    [function(Module, Function, Arity, Seed) ||
        {Function, Arity} <- lists:sort(Module:module_info(exports)), Function =/= module_info, Arity =/= 0].

function(Module, Function, Arity, Seed) ->
    %% Mostly the first argument is of the right type: otherwise little more is looked at.
    {Firsts, Names, _} = given(),
    First = places(first, Firsts),
    Named = places(name, Names),
    Type = [proper_types:frequency([{5, proper_types:oneof(First)}, {1, term(Named ++ First)}]) |
            [term(Named) || _ <- lists:seq(2, Arity)]],
    Cases = case_of(proper_types:vector(cases(150), Type), Seed, erlang:phash2({Module, Function, Arity})),
    [check(Module, Function, Case, Seed) || Case <- Cases].

check(Module, Function, Case, Seed) ->
    {Firsts, Names, Instances} = given(),
    Arguments = fill(Case, #{first => list_to_tuple(Firsts), name => list_to_tuple(Names)}),
    Result = within({Module, Function}, fun() -> apply(Module, Function, Arguments) end),
    case Result of
        {value, Answer} ->
            is_free(Module, Function) orelse is_answer(Answer) orelse failed(Module, Function, Arguments, Seed, Answer);
        Other -> failed(Module, Function, Arguments, Seed, Other)
    end,
    [_ = warpbeam:stop(Instance) || Instance <- Instances].

%% Those that return lists, or what they were given.
is_free(warpbeam, Function) -> lists:member(Function, [answer, binary, imports, exports, no_handler]);
is_free(warpbeam_memory, Function) -> Function =:= with_bytes;
is_free(_, _) -> false.

%% A random case has places for what is made anew for each.
places(Which, Values) -> [{?MODULE, Which, N} || N <- lists:seq(1, length(Values))].

fill({?MODULE, Which, N}, Values) -> element(N, maps:get(Which, Values));
fill([Head | Tail], Values) -> [fill(Head, Values) | fill(Tail, Values)];
fill(Tuple, Values) when is_tuple(Tuple) -> list_to_tuple(fill(tuple_to_list(Tuple), Values));
fill(Map, Values) when is_map(Map) -> maps:map(fun(_, Value) -> fill(Value, Values) end, Map);
fill(Term, _) -> Term.

failed(Module, Function, Arguments, Seed, Result) ->
    io:format(user, "~p:~p~n~P~nwith the seed ~b:~n~P~n", [Module, Function, Arguments, 60, Seed, Result, 60]),
    error({Module, Function, {seed, Seed}}).

%% What functions take, and names of what it has.
given() ->
    {ok, M} = warpbeam:load(guest()),
    {ok, I} = warpbeam:instantiate(M, limits()),
    {ok, Stopped} = warpbeam:instantiate(M, limits()),
    ok = warpbeam:stop(Stopped),
    {import, Call, _, _, _} = Request = warpbeam:start_call(I, <<"ask">>, [7]),
    {import, Cancelled, _, _, _} = warpbeam:start_call(I, <<"ask">>, [7]),
    ok = warpbeam:cancel(Cancelled),
    {ok, Snapshot} = warpbeam:snapshot(I, [Call]),
    {ok, [Pair]} = warpbeam:call(I, <<"pair">>, [term]),
    {ok, [Func]} = warpbeam:call(I, <<"func">>, []),
    Names = [<<"memory">>, <<"ask">>, <<"nest">>, <<"catch">>, <<"second">>, <<"values">>, <<"trap">>, <<"t">>, <<"x">>, <<"g">>,
             <<"n">>, <<"e">>, "malloc", {<<"env">>, <<"f">>}, {<<"e">>, [1]}, [7], [Call], Request, Snapshot,
             i8, u64, f32, f64, guest(), limits(), stdout, Pair, Func, I, Call],
    {[I, I, I, M, Call, Cancelled, Stopped], Names, [I]}.
