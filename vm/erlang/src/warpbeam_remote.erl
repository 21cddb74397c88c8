%% @private Modules, instances, calls and references that are in another process of the operating system: what of them
%% is in this node, and requests for them. What nothing refers to any more is given back to that process.
-module(warpbeam_remote).
-export([load/3, request/3, references/1]).
-export_type([object/0]).
-include("warpbeam_remote.hrl").

-type object() :: #warpbeam_remote{}.

%% The node of the references by which the process knows what it has.
-define(NODE, 'warpbeam@serve').

-define(NEVER, 16#7fffffffffffffff). % a deadline that no time reaches

%% @doc Loads a module in the process of a server.
-spec load(warpbeam_port:server(), iodata(), map()) -> {ok, object()} | warpbeam:error().
load(Server, Module, Options) ->
    try iolist_to_binary(Module) of
        Bytes ->
            Native = maps:remove(isolation, Options),
            case ask(Server, current, {load, none, infinity}, {load, [Bytes, Native]}) of
                {reply, Incarnation, {ok, Reference}} ->
                    Whose = #warpbeam_remote{kind = module, server = Server, incarnation = Incarnation,
                                             load = {Bytes, Options}},
                    {ok, object(module, Reference, Whose)};
                {reply, _, Error} -> Error;
                {ended, Error} -> Error;
                Error -> Error
            end
    catch error:badarg -> {error, #{kind => bad_argument, message => <<"load needs the bytes of a module and a map of options">>}}
    end.

%% @doc The native function of that name with an object as its first argument.
-spec request(atom(), object(), [term()]) -> term().
request(Function, #warpbeam_remote{server = Server, incarnation = Incarnation, instance = Of} = First, Arguments) ->
    Native = [First#warpbeam_remote.reference | arguments(Function, Arguments, First)],
    Within = within(Function, First, Arguments),
    Begin = erlang:monotonic_time(millisecond),
    case ask(Server, Incarnation, {Function, Of, Within}, {Function, Native}) of
        {reply, _, Answer} ->
            try timed(Function, First, Arguments, Begin, answer(Function, Answer, limited(Function, First, Arguments)))
            catch error:_ -> {error, #{kind => malformed, message => <<"the process has sent no answer to the request">>}}
            end;
        {ended, Error} -> again(Function, First, Arguments, Error);
        Error -> Error
    end.

%% In a process that does not answer, calls end in their time, and a stop is not waited for: the instance ends when the
%% process goes on, or is killed.
within(start_call, Instance, [_Function, _Values, Options]) -> timeout(Options, Instance);
within(Function, #warpbeam_remote{kind = call, deadline = Deadline}, _) when Function =:= continue; Function =:= throw;
                                                                             Function =:= resume ->
    try atomics:get(Deadline, 1) of
        ?NEVER -> infinity;
        At -> max(0, At - erlang:monotonic_time(millisecond))
    catch error:badarg -> infinity % the call has come from another node
    end;
within(stop, _Instance, []) -> 0;
within(_Function, _First, _Arguments) -> infinity.

%% The time of a call counts from its begin, or from when it was limited, also while an import is answered.
timed(start_call, Instance, [_Function, _Values, Options], Begin, Answer) when is_tuple(Answer) ->
    case element(2, Answer) of
        #warpbeam_remote{kind = call} = Call -> ends_within(Call, Begin, timeout(Options, Instance));
        _ -> ok
    end,
    Answer;
timed(limit, Call, [Options], Begin, ok) -> ends_within(Call, Begin, timeout(Options, none));
timed(_Function, _First, _Arguments, _Begin, Answer) -> Answer.

ends_within(#warpbeam_remote{deadline = Deadline}, Begin, Timeout) ->
    try atomics:put(Deadline, 1, case Timeout of infinity -> ?NEVER; _ -> Begin + Timeout end)
    catch error:badarg -> ok
    end.

timeout(#{timeout := Timeout}, _Instance) when is_integer(Timeout), Timeout >= 0 -> Timeout;
timeout(_Options, #warpbeam_remote{timeout = Timeout}) -> Timeout;
timeout(_Options, none) -> infinity.

%% What is made has the limit of the instance, which is in the options for it.
limited(instantiate, Module, [Options]) -> Module#warpbeam_remote{timeout = timeout(Options, none)};
limited(restore, Module, [_Snapshots, Options]) -> Module#warpbeam_remote{timeout = timeout(Options, none)};
limited(_Function, First, _Arguments) -> First.

%% A module of a process that has ended is loaded in the one that runs now.
again(Function, #warpbeam_remote{kind = module, server = Server, load = {Bytes, Options}} = Module, Arguments, Error) ->
    Key = key(Module),
    case warpbeam_port:loaded_again(Server, Key) of
        {ok, Again} -> request(Function, Again#warpbeam_remote{load = none}, Arguments);
        none -> Error;
        error ->
            case load(Server, Bytes, Options) of
                {ok, Again} ->
                    warpbeam_port:loaded_again(Server, Key, Again),
                    request(Function, Again#warpbeam_remote{load = none}, Arguments);
                Failed -> Failed
            end
    end;
again(_Function, _First, _Arguments, Error) -> Error.

key(#warpbeam_remote{incarnation = Incarnation, reference = Reference}) -> {Incarnation, Reference}.

%% An answer is decoded in the process that asks. No atom is made of it.
ask(Server, Incarnation, About, Request) ->
    case warpbeam_port:request(Server, Incarnation, About, term_to_binary(Request)) of
        {reply, Of, Bytes} ->
            try {reply, Of, binary_to_term(Bytes, [safe])}
            catch error:badarg ->
                    {error, #{kind => malformed,
                              message => <<"the answer has an atom or a function that this node does not know">>}}
            end;
        Other -> Other
    end.

%% Arguments that are or have references of the guest.
arguments(start_call, [Function, Values, Options], First) -> [value(Function, First), values(Values, First), Options];
arguments(continue, [Values], First) -> [values(Values, First)];
arguments(throw, [{Tag, Values}], First) -> [{Tag, values(Values, First)}];
arguments(global_set, [Name, Value], First) -> [Name, value(Value, First)];
arguments(table_set, [Name, Index, Value], First) -> [Name, Index, value(Value, First)];
arguments(table_grow, [Name, Count, Value], First) -> [Name, Count, value(Value, First)];
arguments(snapshot, [Calls, #{series := true} = Options], #warpbeam_remote{server = Server} = First) ->
    [calls(Calls, First), Options#{series := warpbeam_port:next_of_series(Server, key(First))}];
arguments(Function, [Calls | Options], First) when Function =:= snapshot; Function =:= fork ->
    [calls(Calls, First) | Options];
arguments(_Function, Arguments, _First) -> Arguments.

values([Value | Others], First) -> [value(Value, First) | values(Others, First)];
values(End, _First) -> End.

value(#warpbeam_remote{kind = reference, server = Server, incarnation = Incarnation, reference = Reference},
      #warpbeam_remote{server = Server, incarnation = Incarnation}) -> Reference;
value(Other, _First) -> Other.

calls([#warpbeam_remote{kind = call, server = Server, incarnation = Incarnation, reference = Reference} | Others],
         #warpbeam_remote{server = Server, incarnation = Incarnation} = First) ->
    [Reference | calls(Others, First)];
calls([Other | Others], First) -> [Other | calls(Others, First)];
calls(End, _First) -> End.

%% What an answer has, as objects.
answer(_Function, {import, Call, Module, Name, Values}, First) ->
    {import, call(Call, First), Module, Name, known(Values, First)};
answer(_Function, {wasi, Call, Streams, Output, Error, Wait, Left}, First) ->
    {wasi, call(Call, First), Streams, Output, Error, Wait, Left};
answer(_Function, {paused, Call}, First) -> {paused, call(Call, First)};
answer(Function, {ok, Result}, First) when Function =:= global_get; Function =:= table_get ->
    {ok, known_value(Result, First)};
answer(snapshot, Answer, #warpbeam_remote{server = Server} = Instance) ->
    case Answer of
        {ok, increment, Bytes} -> warpbeam_port:keep_snapshot(Server, key(Instance), increment, Bytes);
        {ok, complete, Bytes} -> warpbeam_port:keep_snapshot(Server, key(Instance), complete, Bytes);
        {ok, Bytes} -> warpbeam_port:keep_snapshot(Server, key(Instance), complete, Bytes);
        _ -> ok
    end,
    Answer;
answer(Function, {ok, Instance, Requests}, First) when Function =:= restore; Function =:= fork ->
    Made = object(instance, Instance, First),
    {ok, Made, [answer(start_call, Request, Made) || Request <- Requests]};
answer(Function, {ok, Result}, First)
  when Function =:= instantiate; Function =:= start_call; Function =:= continue; Function =:= throw;
       Function =:= resume ->
    case Result of
        Values when is_list(Values) -> {ok, known(Values, First)};
        Instance -> {ok, object(instance, Instance, First)}
    end;
answer(_Function, {error, #{exception := #{values := Values} = Exception} = Error}, First) ->
    {error, Error#{exception := Exception#{values := known(Values, First)}}};
answer(_Function, Answer, _First) -> Answer.

known(Values, First) -> [known_value(Value, First) || Value <- Values].

known_value(Value, First) when is_reference(Value), node(Value) =:= ?NODE -> object(reference, Value, First);
known_value(Value, _First) -> Value.

%% A call that goes on stays the same.
call(Reference, #warpbeam_remote{reference = Reference} = Call) -> Call;
call(Reference, First) -> object(call, Reference, First).

object(Kind, Reference, #warpbeam_remote{server = Server, incarnation = Incarnation} = Whose) ->
    Object = #warpbeam_remote{kind = Kind, server = Server, incarnation = Incarnation, reference = Reference,
                              instance = Whose#warpbeam_remote.instance, timeout = Whose#warpbeam_remote.timeout,
                              guard = warpbeam_guard:make(Server, {release, Incarnation, Reference})},
    case Kind of
        call ->
            Deadline = atomics:new(1, []),
            ok = atomics:put(Deadline, 1, ?NEVER),
            Object#warpbeam_remote{deadline = Deadline};
        module -> Object#warpbeam_remote{load = Whose#warpbeam_remote.load};
        instance -> Object#warpbeam_remote{instance = Reference};
        _ -> Object
    end.

%% @doc The references of objects that an answer has, which nobody will see.
-spec references(binary()) -> [reference()].
references(Bytes) ->
    try given(binary_to_term(Bytes, [safe]))
    catch error:_ -> []
    end.

given({ok, Instance, Requests}) when is_reference(Instance) -> [Instance | lists:append([given(R) || R <- Requests])];
given({ok, Values}) when is_list(Values) -> ours(Values);
given({ok, Value}) -> ours([Value]);
given({import, Call, _, _, Values}) -> ours([Call | Values]);
given({wasi, Call, _, _, _, _, _}) -> ours([Call]);
given({paused, Call}) -> ours([Call]);
given(_Other) -> [].

ours(Values) -> [Value || Value <- Values, is_reference(Value), node(Value) =:= ?NODE].
