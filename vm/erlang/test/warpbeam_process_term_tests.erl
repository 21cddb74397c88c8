%% @doc Random terms for the functions of processes, replicas and groups, of the modules for HyperBEAM and of Structured
%% Fields: nothing hangs, ends the process that is called, or has another outcome than its module says.
-module(warpbeam_process_term_tests).
-include_lib("eunit/include/eunit.hrl").

-import(warpbeam_generators, [guest/0, limits/0, seed/0, cases/1, case_of/3, within/2, term/1]).

terms_test_() ->
    [{atom_to_list(Module), {timeout, 600, fun() -> functions(Module) end}} ||
        Module <- [warpbeam_instance, warpbeam_replica, warpbeam_group, hb_beamr, hb_beamr_io, hb_structured_fields]].

functions(Module) ->
    Seed = seed(),
    io:format(user, "random terms for ~p: WARPBEAM_SEED=~b~n", [Module, Seed]),
    [function(Module, Function, Arity, Seed) ||
        {Function, Arity} <- lists:sort(Module:module_info(exports)),
        not lists:member(Function, [module_info | callbacks()]), Arity =/= 0].

%% Those of gen_server, and what replicas and instances send each other.
callbacks() -> [init, handle_call, handle_cast, handle_info, handle_continue, terminate, claim, moved, put].

function(Module, Function, Arity, Seed) ->
    Firsts = [{?MODULE, first, N} || N <- lists:seq(1, tuple_size(firsts(Module, none)))],
    Type = [proper_types:frequency([{5, proper_types:oneof(Firsts)}, {1, term(names() ++ Firsts)}]) |
            [term(names()) || _ <- lists:seq(2, Arity)]],
    Cases = case_of(proper_types:vector(cases(40), Type), Seed, erlang:phash2({Module, Function, Arity})),
    [check(Module, Function, bounded(Case), Seed) || Case <- Cases].

%% What may wait for long if it is told to. Nothing here should need seconds.
bounded([First | Others]) when First =:= self() -> bounded([no_server | Others]); % it would wait for this process
bounded([First | Others]) -> [First | [case Each of infinity -> 50; N when is_integer(N), N > 1000 -> N rem 1000; _ -> Each end || Each <- Others]];
bounded([]) -> [].

names() -> [<<"next">>, <<"ask">>, "trap", "values", {local, some_name}, #{interleave => 2}, #{handler => fun(_, _, _) -> {ok, [1]} end},
            #{timeout => 10}, fun(_) -> ok end, fun(_, _, _) -> {ok, [1]} end, node(), key, [7], [], 50,
            [{<<"k">>, {item, {string, <<"a">>}, []}}], {list, [], []}, {item, 1, []}, {string, <<"a\r\n">>}].

check(Module, Function, Case, Seed) ->
    Arguments = [case Each of
                     {?MODULE, first, N} -> element(N, firsts(Module, made));
                     _ -> Each
                 end || Each <- Case],
    Outcome = within({Module, Function}, fun() ->
                                                 process_flag(trap_exit, true),
                                                 apply(Module, Function, Arguments)
                                         end),
    is_documented(Module, Function, Outcome) orelse
        begin
            io:format(user, "~p:~p~n~P~nwith the seed ~b:~n~P~n", [Module, Function, Arguments, 60, Seed, Outcome, 60]),
            error({Module, Function, {seed, Seed}})
        end,
    [_ = warpbeam_instance:stop(Pid) || Pid <- tuple_to_list(made()), is_pid(Pid), Module =:= warpbeam_instance],
    _ = erase(?MODULE).

%% What functions take first: something that works, made for each case, or a term.
firsts(warpbeam_instance, none) -> {module, instance, dead};
firsts(warpbeam_replica, none) -> {replica, key};
firsts(warpbeam_group, none) -> {group};
firsts(hb_structured_fields, none) -> {text, dictionary, list};
firsts(_HyperBeam, none) -> {instance, dead};
firsts(warpbeam_instance, made) ->
    case made() of
        {} ->
            {ok, M} = warpbeam:load(guest()),
            {ok, P} = warpbeam_instance:start(M, #{limits => limits()}),
            Made = {M, P, spawn(fun() -> ok end)},
            _ = put(?MODULE, Made),
            Made;
        Made -> Made
    end;
firsts(warpbeam_replica, made) -> {replica(), key};
firsts(warpbeam_group, made) -> {workers};
firsts(hb_structured_fields, made) ->
    {<<"a=1, b=(1 2);c, d=\"x\"">>, [{<<"a">>, {item, 1, []}}], [{list, [{item, {token, <<"t">>}, []}], []}]};
firsts(_HyperBeam, made) ->
    {ok, P, _, _} = hb_beamr:start(wasm()),
    {P, spawn(fun() -> ok end)}.

made() -> case get(?MODULE) of undefined -> {}; Made -> Made end.

replica() ->
    case whereis(warpbeam_process_term_tests) of
        undefined ->
            {ok, Pid} = warpbeam_replica:start(#{name => {local, warpbeam_process_term_tests}}),
            Pid;
        Pid -> Pid
    end.

wasm() ->
    {ok, M} = warpbeam:load(guest()),
    {Binary, _} = warpbeam:binary(M),
    Binary.

%% What the modules say about results. Those of HyperBEAM keep its contract: arguments that a guard refuses are
%% `function_clause'; its fields raise what is no field.
is_documented(warpbeam_instance, stop, {value, ok}) -> true;
is_documented(warpbeam_instance, cast, {value, ok}) -> true;
is_documented(warpbeam_instance, with_instance, {value, _}) -> true; % what the fun returns
is_documented(warpbeam_instance, _, {value, Answer}) -> is_answer(Answer);
is_documented(warpbeam_replica, _, {value, Answer}) -> is_answer(Answer);
is_documented(warpbeam_group, members, {value, Members}) -> is_list(Members);
is_documented(warpbeam_group, _, {value, Answer}) -> Answer =:= ok orelse is_answer(Answer);
is_documented(hb_structured_fields, _, {value, _}) -> true;
is_documented(hb_structured_fields, _, {error, _, _}) -> true;
is_documented(hb_structured_fields, _, {throw, _, _}) -> true;
is_documented(Module, _, {value, _}) when Module =:= hb_beamr; Module =:= hb_beamr_io -> true;
is_documented(Module, _, {error, function_clause, [{Module, _, _, _} | _]}) -> true;
is_documented(_, _, _) -> false.

is_answer({error, Reason}) when not is_map(Reason) -> is_tuple(Reason) orelse is_atom(Reason); % of gen_server:start_link/4
is_answer(Answer) -> warpbeam_generators:is_answer(Answer).
