%% @private What callers of a warpbeam_instance send and wait for. A call whose handler is in the caller gets its imports
%% as messages, with the reference of its monitor.
-module(warpbeam_request).
-export([call/2, call/3, call_with/4, ask_caller/6, failure/2]).

%% @doc A request without messages in between. There is no time limit here: the instance ends calls in time.
-spec call(gen_server:server_ref(), term()) -> term().
call(Server, Request) -> call(Server, Request, infinity).

%% @doc The same with a limit, in milliseconds, after which the server counts as one that has ended.
-spec call(gen_server:server_ref(), term(), timeout()) -> term().
call(Server, Request, Timeout) ->
    try gen_server:call(Server, Request, Timeout)
    catch
        exit:{Reason, _} -> down(Reason);
        _:Reason -> down(Reason) % not even a name of a server
    end.

%% @doc A call whose imports are answered here.
-spec call_with(gen_server:server_ref(), {call, term(), term()} | {nested, reference(), term(), term()}, timeout(),
                fun()) -> term().
call_with(Server, Call, Timeout, Handler) ->
    case monitored(Server) of
        {Process, Monitor} when is_reference(Monitor) ->
            Caller = {caller, self(), Monitor},
            Request = case Call of
                          {nested, Id, Name, Arguments} -> {nested, Id, Name, Arguments, Caller};
                          _ -> {request, Call, Timeout, Caller}
                      end,
            Process ! {'$gen_call', {self(), Monitor}, Request},
            wait(Monitor, Handler);
        Error -> Error
    end.

%% The process, or a name that can be sent to, and a monitor. It fails for a registry that does not exist, and for another
%% node if this one has no name.
monitored(Server) ->
    try
        case process(Server) of
            none -> down(noproc);
            Process -> {Process, erlang:monitor(process, Process)}
        end
    catch _:Reason -> down(Reason)
    end.

process({global, Name}) -> found(global:whereis_name(Name));
process({via, Registry, Name}) -> found(Registry:whereis_name(Name));
process({Name, Node}) when is_atom(Name), is_atom(Node) -> {Name, Node};
process(Name) when is_atom(Name) -> found(whereis(Name));
process(Pid) when is_pid(Pid) -> Pid;
process(_Other) -> none.

found(undefined) -> none;
found(Pid) -> Pid.

wait(Monitor, Handler) ->
    receive
        {Monitor, Reply} -> erlang:demonitor(Monitor, [flush]), Reply;
        {Monitor, From, Module, Name, Arguments, Context} ->
            try warpbeam_handlers:answer(Handler, Module, Name, Arguments, Context) of
                Answer ->
                    From ! {Monitor, answer, Answer},
                    wait(Monitor, Handler)
            catch Class:Reason:Stack ->
                    From ! {Monitor, failed, Reason},
                    _ = wait(Monitor, Handler), % until the call has ended
                    erlang:raise(Class, Reason, Stack)
            end;
        {'DOWN', Monitor, process, _, Reason} -> down(Reason)
    end.

%% @doc For the process of a call: has an import answered by the caller, who is monitored by the instance.
-spec ask_caller(pid(), reference(), binary(), binary(), [term()], term()) -> term().
ask_caller(Pid, Monitor, Module, Name, Arguments, Context) ->
    Pid ! {Monitor, self(), Module, Name, Arguments, Context},
    receive
        {Monitor, answer, Answer} -> Answer;
        {Monitor, failed, Reason} -> exit(Reason)
    end.

down(Reason) ->
    {error, Failure} = failure(down, io_lib:format("there is no such process, or it has ended: ~0tP", [Reason, 20])),
    {error, Failure#{reason => Reason}}.

%% @doc An error.
-spec failure(atom(), iodata()) -> {error, #{kind := atom(), message := binary()}}.
failure(Kind, Message) -> {error, #{kind => Kind, message => unicode:characters_to_binary(Message)}}.
