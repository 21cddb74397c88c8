%% @private Turns of interleaved calls: one at a time runs code of the guest, from its beginning or the answer to an import up
%% to the next import or its end. So guests need not be safe for threads.
-module(warpbeam_turns).
-export([take/1, leave/1]).
-export([new/0, asked/3, left/2]).
-export_type([turns/0]).

-record(turns, {holder = none :: none | pid(), queue = queue:new() :: queue:queue({pid(), reference()})}).
-opaque turns() :: #turns{}.

%% @doc For a call: waits for its turn. It ends with a result if that does not come in time.
-spec take(none | {pid(), timeout()}) -> ok.
take(none) -> ok;
take({Server, Timeout}) ->
    Monitor = erlang:monitor(process, Server),
    Server ! {turn, self(), Monitor},
    receive
        {Monitor, turn} ->
            erlang:demonitor(Monitor, [flush]),
            ok;
        {'DOWN', Monitor, process, _, _} -> exit(stopped)
    after Timeout ->
            exit({result, warpbeam_request:failure(timeout, "the call's turn did not come in time"), 0})
    end.

%% @doc For a call: lets others have theirs.
-spec leave(none | {pid(), timeout()}) -> ok.
leave(none) -> ok;
leave({Server, _}) ->
    Server ! {turn_is_over, self()},
    ok.

%% @doc For the instance's process: nobody has it.
-spec new() -> turns().
new() -> #turns{}.

%% @doc A call asks for its turn.
-spec asked(pid(), reference(), turns()) -> turns().
asked(Pid, Tag, #turns{queue = Queue} = Turns) -> give(Turns#turns{queue = queue:in({Pid, Tag}, Queue)}).

%% @doc A call's turn is over, or it has ended.
-spec left(pid(), turns()) -> turns().
left(Pid, #turns{holder = Pid} = Turns) -> give(Turns#turns{holder = none});
left(Pid, #turns{queue = Queue} = Turns) ->
    Turns#turns{queue = queue:filter(fun({Other, _}) -> Other =/= Pid end, Queue)}.

give(#turns{holder = none, queue = Queue} = Turns) ->
    case queue:out(Queue) of
        {{value, {Pid, Tag}}, Others} ->
            Pid ! {Tag, turn},
            #turns{holder = Pid, queue = Others};
        {empty, _} -> Turns
    end;
give(Turns) -> Turns.
