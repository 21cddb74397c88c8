%% @doc Random sequences of operations, by several processes on the same instances, calls, references and snapshots.
-module(warpbeam_sequence_tests).
-include_lib("eunit/include/eunit.hrl").

-import(warpbeam_generators, [guest/0, limits/0, seed/0, cases/1, case_of/3, is_answer/1]).
-import(proper_types, [oneof/1, frequency/1, integer/2, vector/2]).

-define(PROCESSES, 4).

sequences_test_() ->
    Seed = seed(),
    {timeout, 600, fun() ->
        io:format(user, "random sequences: WARPBEAM_SEED=~b~n", [Seed]),
        {ok, Module} = warpbeam:load(guest()),
        Useful = [sequence(Module, Seed, N) || N <- lists:seq(1, cases(200))],
        %% Most of what is done finds an instance that still lives.
        ?assert(lists:sum(Useful) / length(Useful) > 0.3)
    end}.

sequence(Module, Seed, N) ->
    Table = ets:new(shared, [public, ordered_set]),
    ets:insert(Table, [{useful, 0}, {all, 0}]),
    Programs = case_of(vector(?PROCESSES, vector(60, operation())), Seed, N),
    Pids = [spawn_monitor(fun() -> exit({ended, run(Module, Table, Program)}) end) || Program <- Programs],
    [receive
         {'DOWN', Monitor, process, Pid, {ended, ok}} -> ok;
         {'DOWN', Monitor, process, Pid, Reason} -> failed(Seed, N, Programs, Reason)
     after 120_000 -> failed(Seed, N, Programs, {hangs, process_info(Pid, current_stacktrace)})
     end || {Pid, Monitor} <- Pids],
    %% All owners have ended, so whatever they have left is stopped.
    [?assertMatch({error, #{kind := stopped}}, stats_of_stopped(I, 1000)) || I <- all(Table, instance)],
    [{_, All}, {_, Useful}] = [hd(ets:lookup(Table, Key)) || Key <- [all, useful]],
    ets:delete(Table),
    {ok, I} = warpbeam:instantiate(Module, limits()),
    {ok, [12]} = warpbeam:call(I, <<"ask">>, [5], fun(_, _, [5]) -> {ok, [7]} end),
    ok = warpbeam:stop(I),
    Useful / max(1, All).

stats_of_stopped(I, 0) -> warpbeam:stats(I);
stats_of_stopped(I, Tries) ->
    case warpbeam:stats(I) of
        {ok, _} -> timer:sleep(10), stats_of_stopped(I, Tries - 1);
        Other -> Other
    end.

failed(Seed, N, Programs, Reason) ->
    io:format(user, "seed ~b, sequence ~b:~n~p~nended with~n~p~n", [Seed, N, Programs, Reason]),
    error({sequence, {seed, Seed}, {number, N}}).

operation() ->
    %% Which of the things there are, and a number.
    Which = integer(0, 1000),
    Number = oneof([integer(-5, 5), integer(0, 70000)]),
    {frequency([{2, instantiate}, {1, orphan}, {8, start}, {10, continue}, {4, continue_twice}, {2, throw}, {2, cancel},
                {3, snapshot}, {3, restore}, {3, fork}, {1, stop}, {2, read}, {2, write}, {1, grow}, {3, reference},
                {3, use_reference}, {2, tables}, {1, garbage}, {1, collect}, {1, pause}, {1, together}]), Which, Which, Number}.

run(_, _, []) -> ok;
run(Module, Table, [{Name, A, B, Number} = Operation | Rest]) ->
    Answer = apply_operation(Name, Module, Table, A, B, Number),
    [error({no_answer, Operation, One}) || One <- Answer, not is_answer(One)],
    ets:update_counter(Table, all, length(Answer)),
    ets:update_counter(Table, useful, length([ok || One <- Answer, One =:= ok orelse element(1, One) =/= error])),
    run(Module, Table, Rest).

%% What it answers: a list, since some do several things.
apply_operation(instantiate, Module, Table, _, _, _) -> [add_instance(Table, warpbeam:instantiate(Module, limits()))];
%% The owner ends at once, or in the middle of what others do with it.
apply_operation(orphan, Module, Table, _, _, Number) ->
    spawn(fun() ->
              Made = warpbeam:instantiate(Module, limits()),
              try add_instance(Table, Made) catch error:badarg -> ok end, % the table may be gone
              timer:sleep(max(0, Number rem 5))
          end),
    [];
apply_operation(start, _, Table, A, B, Number) ->
    with(Table, instance, A, fun(I) ->
        Name = lists:nth(1 + B rem 5, [<<"ask">>, <<"ask">>, <<"nest">>, <<"catch">>, <<"trap">>]),
        Arguments = case Name of <<"trap">> -> []; _ -> [Number] end,
        [add_request(Table, I, warpbeam:start_call(I, Name, Arguments))]
    end);
apply_operation(continue, _, Table, A, _, Number) ->
    with(Table, call, A, fun({I, Call, Request}) -> [continue(Table, I, Call, Request, Number)] end);
apply_operation(continue_twice, _, Table, A, _, Number) ->
    with(Table, call, A, fun({I, Call, Request}) ->
        {Pid, Monitor} = spawn_monitor(fun() -> exit({answer, continue(Table, I, Call, Request, Number)}) end),
        Mine = continue(Table, I, Call, Request, Number),
        Theirs = receive {'DOWN', Monitor, process, Pid, {answer, Answer}} -> Answer end,
        %% One of them came first.
        true = element(1, Mine) =:= error orelse element(1, Theirs) =:= error orelse element(1, Mine) =:= import
            orelse element(1, Theirs) =:= import,
        [Mine, Theirs]
    end);
apply_operation(throw, _, Table, A, B, Number) ->
    with(Table, call, A, fun({I, Call, _}) ->
        What = case B rem 2 of 0 -> <<"no">>; 1 -> {<<"e">>, [Number]} end,
        [add_request(Table, I, warpbeam:throw(Call, What))]
    end);
apply_operation(cancel, _, Table, A, _, _) -> with(Table, call, A, fun({_, Call, _}) -> [warpbeam:cancel(Call)] end);
apply_operation(snapshot, _, Table, A, B, _) ->
    with(Table, instance, A, fun(I) ->
        Answer = warpbeam:snapshot(I, calls_of(Table, I, B)),
        case Answer of {ok, Bytes} -> add(Table, snapshot, Bytes); _ -> ok end,
        [Answer]
    end);
apply_operation(restore, Module, Table, A, _, _) ->
    with(Table, snapshot, A, fun(Bytes) -> [add_instance(Table, warpbeam:restore(Module, Bytes, limits()))] end);
apply_operation(fork, _, Table, A, B, _) ->
    with(Table, instance, A, fun(I) -> [add_instance(Table, warpbeam:fork(I, calls_of(Table, I, B)))] end);
apply_operation(stop, _, Table, A, _, _) -> with(Table, instance, A, fun(I) -> [warpbeam:stop(I)] end);
apply_operation(read, _, Table, A, _, Number) ->
    with(Table, instance, A, fun(I) -> [warpbeam:read(I, Number, 16), warpbeam_memory:read_string(I, Number)] end);
apply_operation(write, _, Table, A, B, Number) ->
    with(Table, instance, A, fun(I) -> [warpbeam:write(I, Number, binary:copy(<<B>>, B * 70))] end);
apply_operation(grow, _, Table, A, _, Number) ->
    with(Table, instance, A, fun(I) -> [warpbeam:memory_grow(I, abs(Number) rem 3), warpbeam:table_grow(I, <<"x">>, 1, Number)] end);
apply_operation(reference, _, Table, A, B, Number) ->
    with(Table, instance, A, fun(I) ->
        Answer = case B rem 2 of
                     0 -> warpbeam:call(I, <<"pair">>, [{term, Number, self()}]);
                     1 -> warpbeam:call(I, <<"func">>, [])
                 end,
        case Answer of {ok, [Ref]} -> add(Table, reference, Ref); _ -> ok end,
        [Answer]
    end);
%% Most of these references belong to other instances.
apply_operation(use_reference, _, Table, A, B, Number) ->
    with(Table, instance, A, fun(I) ->
        with(Table, reference, B, fun(Ref) ->
            [warpbeam:call(I, <<"second">>, [Ref]), warpbeam:table_set(I, <<"t">>, 1, Ref),
             warpbeam:set_global(I, <<"g">>, Ref), add_request(Table, I, warpbeam:start_call(I, Ref, [Number]))]
        end)
    end);
apply_operation(tables, _, Table, A, B, Number) ->
    with(Table, instance, A, fun(I) ->
        [warpbeam:table_set(I, <<"x">>, B rem 3, {[Number], <<"term">>}), warpbeam:table_get(I, <<"x">>, B rem 3),
         warpbeam:table_size(I, <<"t">>), add_request(Table, I, warpbeam:start_call(I, {table, <<"t">>, B rem 3}, [Number]))]
    end);
apply_operation(garbage, _, Table, A, _, _) ->
    with(Table, instance, A, fun(I) -> [warpbeam:call(I, <<"garbage">>, [3000]), warpbeam:stats(I)] end);
apply_operation(collect, _, Table, A, _, _) ->
    %% What the table no longer holds is freed here, perhaps while another process uses its instance.
    [ets:delete(Table, Key) || {{_, _} = Key, _} <- ets:tab2list(Table), erlang:phash2(Key) rem 5 =:= A rem 5],
    erlang:garbage_collect(),
    [];
apply_operation(pause, _, Table, A, _, Number) ->
    with(Table, instance, A, fun(I) ->
        Paused = warpbeam:pause(I),
        Answer = add_request(Table, I, warpbeam:start_call(I, <<"ask">>, [Number])),
        Unpaused = warpbeam:unpause(I),
        Resumed = case Answer of {paused, Call} -> [add_request(Table, I, warpbeam:resume(Call))]; _ -> [] end,
        [Paused, Answer, Unpaused | Resumed]
    end);
apply_operation(together, _, Table, A, _, Number) ->
    with(Table, instance, A, fun(I) ->
        Workers = [spawn_monitor(fun() -> exit({answer, warpbeam:call(I, <<"ask">>, [N], fun(_, _, [N2]) when N2 =:= N -> {ok, [Number]} end)}) end)
                   || N <- [1, 2, 3]],
        [receive {'DOWN', Monitor, process, Pid, {answer, Answer}} -> Answer end || {Pid, Monitor} <- Workers]
    end).

continue(Table, I, Call, Request, Number) ->
    Answer = add_request(Table, I, warpbeam:continue(Call, [Number])),
    case {Answer, Request} of
        {{ok, Results}, {<<"f">>, N}} -> true = Results =:= [N + Number];
        _ -> ok
    end,
    Answer.

%% The calls of an instance, or some that need not be of it.
calls_of(Table, I, B) ->
    Calls = all(Table, call),
    case B rem 8 of
        0 -> [Call || {_, Call, _} <- Calls];
        1 -> [];
        _ -> lists:sublist(lists:usort([Call || {Of, Call, _} <- Calls, Of =:= I]), B rem 4)
    end.

add(Table, Kind, Value) -> ets:insert(Table, {{Kind, erlang:unique_integer()}, Value}).

add_instance(Table, {ok, I} = Answer) -> add(Table, instance, I), Answer;
add_instance(Table, {ok, I, Requests} = Answer) ->
    add(Table, instance, I),
    [add_request(Table, I, Request) || Request <- Requests],
    Answer;
add_instance(_, Error) -> Error.

add_request(Table, I, {import, Call, _, Name, [N]} = Answer) -> add(Table, call, {I, Call, {Name, N}}), Answer;
add_request(_, _, Answer) -> Answer.

all(Table, Kind) -> [Value || [Value] <- ets:match(Table, {{Kind, '_'}, '$1'})].

with(Table, Kind, Index, Fun) ->
    case all(Table, Kind) of
        [] -> [];
        Values -> Fun(lists:nth(1 + Index rem length(Values), Values))
    end.
