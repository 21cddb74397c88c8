%% Replicas, and supervisors that need them, on one node.
-module(warpbeam_replica_tests).
-include_lib("eunit/include/eunit.hrl").

start(Options) ->
    {ok, Pid} = warpbeam_instance:start_link(warpbeam_process_tests:module(), Options),
    Pid.

%% A crash loses nothing that was acknowledged: the supervisor's new process begins with the replica's state.
supervised_test_() ->
    {timeout, 60,
     fun() ->
             process_flag(trap_exit, true),
             {ok, Replica} = warpbeam_replica:start_link(#{}),
             {ok, Supervisor} = counter_sup:start_link(warpbeam_process_tests:module(), Replica),
             Crash = fun() -> exit(whereis(counter), kill) end,
             Next = fun Next() ->
                            case warpbeam_instance:call(counter, "next", []) of
                                {ok, [N]} -> N;
                                {error, #{kind := down}} -> timer:sleep(5), Next()
                            end
                    end,
             ?assertEqual([1, 2, 3], [Next() || _ <- [1, 2, 3]]),
             Crash(),
             ?assertEqual(4, Next()),
             %% A guest that traps crashes.
             {error, #{kind := trap}} = warpbeam_instance:call(counter, "trap", []),
             ?assertEqual([5, 6], [Next(), Next()]),
             {ok, [counter]} = warpbeam_replica:keys(Replica),
             {ok, Pid} = warpbeam_replica:instance(Replica, counter),
             Pid = whereis(counter),
             %% Another process can't write over it, and a replica that is gone is told.
             Put = warpbeam_replica:put(Replica, counter, {make_ref(), 1}, complete, <<>>),
             {reply, replaced} = gen_server:receive_response(Put, 5000),
             gen_server:stop(Replica),
             {error, #{kind := not_replicated}} = warpbeam_instance:call(counter, "next", []),
             unlink(Supervisor),
             exit(Supervisor, shutdown),
             {error, #{kind := down}} = warpbeam_replica:snapshots(Replica, counter),
             process_flag(trap_exit, false)
     end}.

replicated(Options) ->
    {ok, Replica} = warpbeam_replica:start_link(#{}),
    {Replica, start(Options#{replica => {Replica, key}})}.

%% The number that the state of the replica has.
kept(Replica) ->
    {ok, Snapshots} = warpbeam_replica:snapshots(Replica, key),
    {ok, I, []} = warpbeam:restore(warpbeam_process_tests:module(), Snapshots),
    {ok, [Next]} = warpbeam:call(I, "next", []),
    Next - 1.

%% Results of interleaved calls wait for the state, too.
acknowledged_test_() ->
    {timeout, 60,
     fun() ->
             {Replica, P} = replicated(#{ack => replicated, interleave => 4, handler => fun(_, _, [N]) -> timer:sleep(2), {ok, [N]} end}),
             Self = self(),
             Caller = fun(N) ->
                              {ok, [N]} = warpbeam_instance:call(P, "ask", [N], infinity),
                              {ok, [Count]} = warpbeam_instance:call(P, "next", [], infinity),
                              Self ! {counted, Count, kept(Replica)}
                      end,
             [spawn_link(fun() -> Caller(N) end) || N <- lists:seq(1, 20)],
             Counts = [receive {counted, Count, Kept} -> ?assert(Kept >= Count), Count after 10_000 -> error(late) end
                       || _ <- lists:seq(1, 20)],
             ?assertEqual(lists:seq(1, 20), lists:sort(Counts)),
             ok = warpbeam_instance:stop(P),
             gen_server:stop(Replica)
     end}.

%% However many calls are made, the replica has not many snapshots.
series_ends_test_() ->
    {timeout, 60,
     fun() ->
             {Replica, P} = replicated(#{ack => replicated}),
             [{ok, [N]} = warpbeam_instance:call(P, "next", []) || N <- lists:seq(1, 350)],
             ?assertEqual(350, kept(Replica)),
             {ok, Snapshots} = warpbeam_replica:snapshots(Replica, key),
             ?assert(length(Snapshots) =< 101),
             ok = warpbeam_instance:stop(P),
             gen_server:stop(Replica)
     end}.

%% Without `ack', the state is sent from time to time, also when there are always calls.
under_load_test_() ->
    {timeout, 60,
     fun() ->
             {Replica, P} = replicated(#{replicate_every => 20}),
             Callers = [spawn(fun Loop() -> warpbeam_instance:call(P, "next", []), Loop() end) || _ <- lists:seq(1, 4)],
             test_wait:until(fun() -> kept(Replica) > 10 end),
             Now = kept(Replica),
             test_wait:until(fun() -> kept(Replica) > Now end),
             [exit(Caller, kill) || Caller <- Callers],
             ok = warpbeam_instance:stop(P),
             gen_server:stop(Replica)
     end}.

%% A replica that gives no answer holds up nobody for long, and is sent all later.
slow_replica_test_() ->
    {timeout, 60,
     fun() ->
             {Replica, P} = replicated(#{ack => replicated}),
             {ok, [1]} = warpbeam_instance:call(P, "next", []),
             ok = sys:suspend(Replica),
             {error, #{kind := not_replicated}} = warpbeam_instance:call(P, "next", [], infinity),
             ok = sys:resume(Replica),
             {ok, [3]} = warpbeam_instance:call(P, "next", []),
             ?assertEqual(3, kept(Replica)),
             ok = sys:suspend(Replica),
             Self = self(),
             spawn(fun() -> Self ! {answer, warpbeam_instance:call(P, "next", [])} end),
             timer:sleep(20),
             ok = warpbeam_instance:stop(P),
             receive {answer, {error, #{kind := stopped}}} -> ok after 1000 -> error(late) end,
             ok = sys:resume(Replica),
             gen_server:stop(Replica)
     end}.

%% What a replica has forgotten, or lost by a new start, it is told again.
forgetful_replica_test_() ->
    {timeout, 60,
     fun() ->
             {ok, First} = warpbeam_replica:start_link(#{name => {local, forgetful}}),
             P = start(#{ack => replicated, replica => {forgetful, key}, replicate_every => 20}),
             {ok, [1]} = warpbeam_instance:call(P, "next", []),
             ok = warpbeam_replica:forget(First, key),
             {error, #{kind := not_replicated}} = warpbeam_instance:call(P, "next", []),
             {ok, [3]} = warpbeam_instance:call(P, "next", []),
             ?assertEqual(3, kept(forgetful)),
             gen_server:stop(First),
             {error, #{kind := not_replicated}} = warpbeam_instance:call(P, "next", []),
             {ok, Second} = warpbeam_replica:start_link(#{name => {local, forgetful}}),
             test_wait:until(fun() -> case warpbeam_replica:snapshots(forgetful, key) of {ok, [_ | _]} -> true; _ -> false end end),
             ?assertEqual(4, kept(forgetful)),
             ok = warpbeam_instance:stop(P),
             gen_server:stop(Second)
     end}.

%% A key has one owner: the last one. The one before ends with its next call, of which it acknowledges nothing.
replaced_test() ->
    {Replica, P} = replicated(#{ack => replicated}),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    {ok, Q} = warpbeam_instance:start_link(warpbeam_process_tests:module(), #{ack => replicated, replica => {Replica, key}}),
    {ok, [2]} = warpbeam_instance:call(Q, "next", []),
    unlink(P),
    Monitor = erlang:monitor(process, P),
    {error, #{kind := stopped}} = warpbeam_instance:call(P, "next", []),
    receive {'DOWN', Monitor, process, _, {shutdown, replaced}} -> ok after 5000 -> error(late) end,
    {ok, [3]} = warpbeam_instance:call(Q, "next", []),
    ?assertEqual(3, kept(Replica)),
    ok = warpbeam_instance:stop(Q),
    {error, #{kind := bad_argument}} = warpbeam_instance:start(warpbeam_process_tests:module(), #{ack => replicated}),
    {error, #{kind := down}} = warpbeam_instance:start(warpbeam_process_tests:module(), #{replica => {nobody, key}}),
    {error, #{kind := bad_argument}} = warpbeam_replica:start(#{restrat => fun(_) -> #{} end}),
    {error, #{kind := bad_argument}} = warpbeam_replica:start([]),
    gen_server:stop(Replica).

%% What can't be started again is tried again after a second, not at once.
restart_fails_test_() ->
    {timeout, 30,
     fun() ->
             Tries = counters:new(1, []),
             Restart = fun(key) -> counters:add(Tries, 1, 1), #{limits => #{memory => 1}} end,
             {ok, Replica} = warpbeam_replica:start_link(#{restart => Restart}),
             process_flag(trap_exit, true),
             P = start(#{replica => {Replica, key}, ack => replicated}),
             {ok, [1]} = warpbeam_instance:call(P, "next", []),
             exit(P, kill),
             test_wait:until(fun() -> counters:get(Tries, 1) >= 2 end),
             ?assertEqual(2, counters:get(Tries, 1)),
             gen_server:stop(Replica)
     end}.

%% The end of an instance does not wait for a snapshot of 100 MiB that is being made.
stop_in_a_snapshot_test_() ->
    {timeout, 120,
     fun() ->
             M = warpbeam_process_tests:module(),
             {ok, Replica} = warpbeam_replica:start_link(#{}),
             test_wait:takes(10_000, fun() ->
                 {ok, P} = warpbeam_instance:start(M, #{replica => {Replica, key}, replicate_every => 1_000_000_000}),
                 {ok, []} = warpbeam_instance:call(P, "fill", [1600, 7], infinity),
                 P ! replicate,
                 test_wait:until(fun() -> process_info(P, current_function) =:= {current_function, {warpbeam_aside, run, 1}} end),
                 {Time, ok} = timer:tc(fun() -> warpbeam_instance:stop(P) end),
                 false = is_process_alive(P),
                 ok = warpbeam_replica:forget(Replica, key),
                 Time
             end),
             gen_server:stop(Replica)
     end}.
