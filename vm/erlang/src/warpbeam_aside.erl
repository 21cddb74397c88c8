%% @private Long work of a process that others may want to end meanwhile.
-module(warpbeam_aside).
-export([run/1]).

%% @doc For a gen_server that traps exits: what a fun returns, which runs in another process. If this one is to end, the
%% fun is given up, and that message is the next one.
-spec run(fun(() -> Result)) -> {ok, Result} | {failed, term()} | stopped.
run(Fun) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({returned, Fun()}) end),
    receive
        {'DOWN', Monitor, process, _, {returned, Result}} -> {ok, Result};
        {'DOWN', Monitor, process, _, Reason} -> {failed, Reason};
        {system, _, {terminate, _}} = Stop -> give_up(Pid, Monitor, Stop);
        {'EXIT', _, Reason} = Stop when Reason =/= normal -> give_up(Pid, Monitor, Stop)
    end.

give_up(Pid, Monitor, Stop) ->
    erlang:demonitor(Monitor, [flush]),
    exit(Pid, kill),
    self() ! Stop,
    stopped.
