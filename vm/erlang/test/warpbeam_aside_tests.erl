%% Work beside a process neither outlives it nor goes on after it was given up.
-module(warpbeam_aside_tests).
-include_lib("eunit/include/eunit.hrl").

results_leave_no_messages_test() ->
    {ok, {done, 1}} = in_trapping(fun() -> warpbeam_aside:run(fun() -> {done, 1} end) end),
    {failed, oops} = in_trapping(fun() -> warpbeam_aside:run(fun() -> exit(oops) end) end),
    {failed, killed} = in_trapping(fun() -> warpbeam_aside:run(fun() -> exit(self(), kill), timer:sleep(infinity) end) end).

%% What a fun returns in a process that traps exits and has no message afterwards.
in_trapping(Fun) ->
    Test = self(),
    Pid = spawn_link(fun() ->
                             process_flag(trap_exit, true),
                             Result = Fun(),
                             receive Left -> exit({message_left, Left}) after 50 -> Test ! {self(), Result} end
                     end),
    receive {Pid, Result} -> Result end.

the_fun_ends_with_a_process_that_is_killed_test() ->
    Test = self(),
    Owner = spawn(fun() ->
                          process_flag(trap_exit, true),
                          warpbeam_aside:run(fun() -> Test ! {aside, self()}, timer:sleep(infinity) end)
                  end),
    Aside = receive {aside, Pid} -> Pid end,
    Monitor = erlang:monitor(process, Aside),
    exit(Owner, kill),
    receive {'DOWN', Monitor, process, Aside, killed} -> ok
    after 10000 -> error(outlived_its_owner)
    end.

%% Some of these would be sent later, if the end of the fun was not waited for.
nothing_comes_after_the_fun_was_given_up_test_() ->
    {timeout, 60, fun() -> lists:foreach(fun(_) -> {0, shutdown} = given_up() end, lists:seq(1, 100)) end}.

given_up() ->
    Test = self(),
    Pid = spawn_link(
            fun() ->
                    process_flag(trap_exit, true),
                    Owner = self(),
                    spawn_link(fun() -> timer:sleep(1), exit(Owner, shutdown) end),
                    stopped = warpbeam_aside:run(fun() -> send(Owner) end),
                    _ = count(0),
                    timer:sleep(2),
                    Late = count(0),
                    Test ! {self(), {Late, receive {'EXIT', _, Reason} when Reason =/= normal -> Reason end}}
            end),
    receive {Pid, Result} -> Result end.

send(Pid) ->
    Pid ! sent,
    _ = lists:seq(1, 200),
    send(Pid).

count(Count) -> receive sent -> count(Count + 1) after 0 -> Count end.
