%% @doc The process of an instance of HyperBEAM's: it owns the instance, gives callers their turn, and answers those
%% who send it messages themselves.
%%
%% Its side of the protocol of `hb_beamr_turn', and the messages that the driver of HyperBEAM knows: `stop' and
%% `{wasm_send, From, {command, Encoded}}', which are answered by messages to `From' alone. Any other message is passed
%% on to the process that used it last. The process always answers, also while a call runs. It ends when it is told to,
%% with its owner if it has one, or some time after all processes that used it have ended.
-module(hb_beamr_worker).
-export([init/3]).

-record(state, {module :: warpbeam:module_ref(), options :: hb_beamr:options(),
                instance :: warpbeam:instance(), program :: warpbeam_emscripten:program(),
                memory :: hb_beamr_image:memory(),
                listener :: pid(), % who used it last
                owner = none :: none | reference(), % the monitor
                users = #{} :: #{pid() => reference()}, % those that live, with their monitors
                timer = none :: none | reference(), % runs while there are none
                turn = none :: none | {pid(), pos_integer()}, % whose it is, and how deep
                waiting = queue:new() :: queue:queue({pid(), reference()}),
                sessions = [] :: [{Runner :: pid(), For :: pid(), boolean()}]}). % whether it waits for an answer

-define(LINGER, 300000).

%% @private The process: makes the instance, says to the starter what it imports and exports, and serves.
-spec init(pid(), binary(), hb_beamr:options()) -> ok.
init(Starter, Binary, Options) ->
    Self = self(),
    % A start function may run for ever, and nobody could stop it.
    {Guard, Monitor} = spawn_monitor(fun() -> guard(Starter, Self) end),
    Made = hb_beamr_image:instantiate(Binary, Options),
    exit(Guard, kill),
    receive {'DOWN', Monitor, process, _, _} -> ok end,
    case Made of
        {ok, Module, Program, Instance, Memory} ->
            Owner = case Options of
                        #{owner := Pid} -> erlang:monitor(process, Pid);
                        _ -> none
                    end,
            Starter ! {hb_beamr, started, Self, hb_beamr_image:imports(Module), hb_beamr_image:exports(Module)},
            loop(used_by(Starter, #state{module = Module, options = Options, instance = Instance, program = Program,
                                         memory = Memory, listener = Starter, owner = Owner}));
        {error, Message} -> exit({shutdown, {failed, Message}})
    end.

guard(Starter, Worker) ->
    [erlang:monitor(process, Pid) || Pid <- [Starter, Worker]],
    receive {'DOWN', _, process, _, _} -> exit(Worker, kill) end.

loop(#state{turn = Turn} = State) ->
    receive
        stop -> finish(State);
        {hb_beamr, Reply, {enter, For}} ->
            loop(next(enter_queue(For, Reply, used_by(For, State))));
        {hb_beamr, leave, For} ->
            case Turn of
                {For, 1} -> loop(next(State#state{turn = none}));
                {For, Depth} -> loop(State#state{turn = {For, Depth - 1}});
                _ -> loop(State)
            end;
        {hb_beamr, Reply, {instance, For}} ->
            Reply ! {Reply, {ok, {State#state.instance, State#state.memory}}},
            loop(used_by(For, State));
        {hb_beamr, Reply, {restore, Snapshot}} ->
            case hb_beamr_image:restore(State#state.module, Snapshot, State#state.options) of
                {ok, Instance} ->
                    _ = warpbeam:stop(State#state.instance),
                    Reply ! {Reply, ok},
                    loop(State#state{instance = Instance});
                Error ->
                    Reply ! {Reply, Error},
                    loop(State)
            end;
        {wasm_send, From, Message} when is_pid(From) -> loop(command(Message, From, used_by(From, State)));
        {hb_beamr, report, Runner, Report} -> loop(report(Runner, Report, State));
        {'DOWN', Monitor, process, _, _} when Monitor =:= State#state.owner -> finish(State);
        {'DOWN', _, process, Pid, _} -> loop(ended(Pid, State));
        {timeout, Timer, linger} when Timer =:= State#state.timer -> ok;
        {timeout, _, linger} -> loop(State); % it was cancelled too late
        Other ->
            State#state.listener ! Other,
            loop(State)
    end.

%% Those who wait for a message must not wait for ever.
finish(#state{sessions = Sessions}) ->
    lists:foreach(fun({_, For, _}) -> For ! {error, "The instance was stopped."} end, Sessions).

%% Remembers a process that uses the instance.
used_by(Pid, #state{users = Users} = State) when is_map_key(Pid, Users) -> State#state{listener = Pid};
used_by(Pid, #state{users = Users, timer = Timer} = State) ->
    _ = case Timer of
            none -> ok;
            _ -> erlang:cancel_timer(Timer)
        end,
    State#state{users = Users#{Pid => erlang:monitor(process, Pid)}, timer = none, listener = Pid}.

%% A process has ended: a user, or the runner of a session.
ended(Pid, #state{users = Users} = State) when is_map_key(Pid, Users) ->
    {Its, Others} = lists:partition(fun({_, For, _}) -> For =:= Pid end, State#state.sessions),
    [exit(Runner, kill) || {Runner, _, _} <- Its],
    Left = State#state{users = maps:remove(Pid, Users), sessions = Others,
                       waiting = queue:filter(fun({For, _}) -> For =/= Pid end, State#state.waiting),
                       turn = case State#state.turn of
                                  {Pid, _} -> none;
                                  Turn -> Turn
                              end},
    next(linger(Left));
ended(Pid, #state{sessions = Sessions} = State) ->
    case lists:keyfind(Pid, 1, Sessions) of
        {Pid, For, _} -> % that it failed is a fault of ours, but its caller must not wait
            For ! {error, "The call ended without a result."},
            State#state{sessions = lists:keydelete(Pid, 1, Sessions)};
        false -> State
    end.

linger(#state{users = Users, options = Options} = State) when map_size(Users) =:= 0 ->
    case maps:get(linger, Options, ?LINGER) of
        infinity -> State;
        Time -> State#state{timer = erlang:start_timer(Time, self(), linger)}
    end;
linger(State) -> State.

enter_queue(For, Reply, #state{turn = {For, Depth}} = State) ->
    grant(Reply, true, State),
    State#state{turn = {For, Depth + 1}};
enter_queue(For, Reply, #state{waiting = Waiting} = State) -> State#state{waiting = queue:in({For, Reply}, Waiting)}.

%% Gives the turn to who waits for it.
next(#state{turn = none, waiting = Waiting} = State) ->
    case queue:out(Waiting) of
        {empty, _} -> State;
        {{value, {For, Reply}}, Others} ->
            grant(Reply, false, State),
            State#state{turn = {For, 1}, waiting = Others}
    end;
next(State) -> State.

grant(Reply, IsNested, #state{instance = Instance, program = Program, memory = Memory}) ->
    Reply ! {Reply, {ok, #{instance => Instance, program => Program, memory => Memory, is_nested => IsNested}}},
    ok.

%%% Those who send messages themselves get messages. A call of theirs is made by a runner, for which the process passes
%%% on what is asked and answered.

command({command, Encoded}, From, State) when is_binary(Encoded) ->
    try binary_to_term(Encoded, [safe]) of
        Command -> obey(Command, From, State)
    catch error:_ ->
            From ! {error, "Failed to decode message header (version)."},
            State
    end;
command(_Other, From, State) ->
    From ! {error, "Unknown command"},
    State.

obey({call, Name, Arguments}, From, State) when is_list(Name); is_binary(Name) -> run(Name, Arguments, From, State);
obey({indirect_call, Index, Arguments}, From, State) when is_integer(Index) -> run(Index, Arguments, From, State);
obey({import_response, Results}, From, State) ->
    Waiting = [Runner || {Runner, For, true} <- State#state.sessions, For =:= From],
    case hb_beamr_call:are_numbers(Results) andalso Waiting of
        [Runner | _] ->
            Runner ! {import_response, self(), Results},
            State#state{sessions = lists:keyreplace(Runner, 1, State#state.sessions, {Runner, From, false})};
        [] ->
            From ! {error, "No pending import response waiting"},
            State;
        false ->
            From ! {error, "The answer to an import must be a list of numbers."},
            State
    end;
obey({write, Offset, Bytes}, From, State) ->
    From ! hb_beamr_image:write(State#state.instance, State#state.memory, Offset, Bytes),
    State;
obey({read, Offset, Size}, From, State) ->
    From ! execution_result(hb_beamr_image:read(State#state.instance, State#state.memory, Offset, Size)),
    State;
obey({size}, From, State) ->
    From ! execution_result(hb_beamr_image:size(State#state.instance, State#state.memory)),
    State;
obey(_Other, From, State) ->
    From ! {error, "Unknown command"},
    State.

execution_result({ok, Result}) -> {execution_result, Result};
execution_result(Error) -> Error.

run(Function, Arguments, From, #state{sessions = Sessions} = State) ->
    Worker = self(),
    {Runner, _} = spawn_monitor(fun() -> hb_beamr_call:serve(Worker, From, Function, Arguments) end),
    State#state{sessions = [{Runner, From, false} | Sessions]}.

%% What the runner of a session has to say. Only an import is not its end.
report(Runner, Report, #state{sessions = Sessions} = State) ->
    case lists:keyfind(Runner, 1, Sessions) of
        {Runner, For, _} ->
            For ! Report,
            State#state{sessions = case Report of
                                       {import, _, _, _, _} ->
                                           lists:keyreplace(Runner, 1, Sessions, {Runner, For, true});
                                       _ -> lists:keydelete(Runner, 1, Sessions)
                                   end};
        false -> State
    end.
