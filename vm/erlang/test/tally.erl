%% @private Runs EUnit tests and ends with `N passed, N failed, N skipped', as all tests of the project do.
-module(tally).
-behaviour(eunit_listener).
-export([main/1, start/0, start/1]).
-export([init/1, handle_begin/3, handle_end/3, handle_cancel/3, terminate/2]).

main(Modules) ->
    %% Each in a process of its own, in which no messages are left from others.
    Result = eunit:test([{spawn, {atom_to_list(Module), tests(Module)}} || Module <- Modules],
                        [no_tty, {report, {?MODULE, []}}]),
    halt(case Result of ok -> 0; _ -> 1 end).

%% All tests of a module, with more time than the five seconds that EUnit gives each: they run on busy machines, too, and
%% with sanitizers.
tests(Module) ->
    [case lists:reverse(atom_to_list(Name)) of
         "tset_" ++ _ -> patient({Module, Name});
         "_tset_" ++ _ -> {generator, fun() -> patient(Module:Name()) end};
         _ -> []
     end || {Name, 0} <- Module:module_info(exports)].

patient(Tests) when is_list(Tests) -> [patient(Test) || Test <- Tests];
patient({timeout, Time, Tests}) -> {timeout, Time * 4, Tests};
patient({Module, Name} = Test) when is_atom(Module), is_atom(Name) -> {timeout, 60, Test};
patient({setup, _, _} = Fixture) -> Fixture;
patient({Title, Tests}) when is_list(Title) -> {Title, patient(Tests)};
patient(Test) when tuple_size(Test) =:= 2; is_function(Test) -> {timeout, 60, Test};
patient(Other) -> Other.

start() -> start([]).
start(Options) -> eunit_listener:start(?MODULE, Options).

init(_Options) -> none.
handle_begin(_Kind, _Data, State) -> State.
handle_end(test, Data, State) ->
    case proplists:get_value(status, Data) of
        ok -> ok;
        {error, Exception} ->
            io:format("FAILED: ~p line ~p~n~ts~n",
                      [proplists:get_value(source, Data), proplists:get_value(line, Data),
                       eunit_lib:format_exception(Exception)]);
        Skipped -> io:format("~p~n", [Skipped])
    end,
    State;
handle_end(group, _Data, State) -> State.
handle_cancel(_Kind, Data, State) ->
    io:format("CANCELLED: ~p~n", [Data]),
    State.
terminate({ok, Data}, _State) ->
    [Passed, Failed, Skipped, Cancelled] =
        [proplists:get_value(Key, Data, 0) || Key <- [pass, fail, skip, cancel]],
    io:format("~b passed, ~b failed, ~b skipped~n", [Passed, Failed + Cancelled, Skipped]);
terminate({error, Reason}, _State) ->
    io:format("~p~n0 passed, 1 failed, 0 skipped~n", [Reason]).
