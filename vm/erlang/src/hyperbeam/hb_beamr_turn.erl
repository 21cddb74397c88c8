%% @doc How callers and the process of an instance (`hb_beamr_worker') speak with each other.
%%
%% A call is made by the process that wants its result. It asks for its turn first, and gives it back in the end: calls
%% of an instance come one after the other. A process whose turn it is may call again, from a handler; whoever ends
%% loses its turn. Memory is read and written without waiting.
-module(hb_beamr_turn).
-export([enter/2, leave/2, instance/1, restore/2]).
-export_type([turn/0]).

-type turn() :: #{instance := warpbeam:instance(), program := warpbeam_emscripten:program(),
                  memory := hb_beamr_image:memory(), is_nested := boolean()}.

%% @doc Waits for the turn of a process: the caller, or one for which it works.
-spec enter(pid(), pid()) -> {ok, turn()} | {error, string()}.
enter(Pid, For) -> ask(Pid, {enter, For}).

%% @doc Gives the turn back.
-spec leave(pid(), pid()) -> ok.
leave(Pid, For) ->
    Pid ! {hb_beamr, leave, For},
    ok.

%% @doc The instance and the name of its memory.
-spec instance(pid()) -> {ok, {warpbeam:instance(), hb_beamr_image:memory()}} | {error, string()}.
instance(Pid) -> ask(Pid, {instance, self()}).

%% @doc Replaces the instance by one of a snapshot. It must be the caller's turn.
-spec restore(pid(), binary()) -> ok | {error, string()}.
restore(Pid, Snapshot) -> ask(Pid, {restore, Snapshot}).

ask(Pid, Request) ->
    Reply = erlang:monitor(process, Pid, [{alias, reply_demonitor}]),
    Pid ! {hb_beamr, Reply, Request},
    receive
        {Reply, Answer} -> Answer;
        {'DOWN', Reply, process, _, _} -> {error, "The instance was stopped."}
    end.
