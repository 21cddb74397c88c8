%% @private Long work of a process that others may want to end meanwhile.
-module(warpbeam_aside).
-export([run/1]).

%% @doc For a gen_server that traps exits: what a fun returns, which runs in another process. If this one is to end, the
%% fun is given up, and that message is the next one; the fun has ended then, so all that it has sent is here. It does not
%% outlive this process either.
-spec run(fun(() -> Result)) -> {ok, Result} | {failed, term()} | stopped.
run(Fun) ->
    {Pid, Monitor} = spawn_opt(fun() -> exit({returned, Fun()}) end, [link, monitor]),
    receive
        {'DOWN', Monitor, process, _, Reason} -> ended(Pid, Reason);
        {system, _, {terminate, _}} = Stop -> give_up(Pid, Monitor, Stop);
        {'EXIT', From, Reason} = Stop when From =/= Pid, Reason =/= normal -> give_up(Pid, Monitor, Stop)
    end.

ended(Pid, Reason) ->
    unlink(Pid),
    receive {'EXIT', Pid, _} -> ok after 0 -> ok end,
    case Reason of
        {returned, Result} -> {ok, Result};
        _ -> {failed, Reason}
    end.

give_up(Pid, Monitor, Stop) ->
    exit(Pid, kill),
    _ = receive {'DOWN', Monitor, process, _, Reason} -> ended(Pid, Reason) end,
    self() ! Stop,
    stopped.
