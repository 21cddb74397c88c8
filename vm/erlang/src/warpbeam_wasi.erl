%% @doc What an instance sees of the world by WASI preview 1.
%%
%% It is given with the option `wasi' of `warpbeam:instantiate/2' and `warpbeam:restore/3', and is nothing unless it
%% is said here:
%%
%% ```
%% {ok, Module} = warpbeam:load(Binary),
%% {ok, #{status := 0, stdout := Text}} =
%%     warpbeam_wasi:run(Module, #{args => ["sort", "-r"], stdin => <<"a\nb\n">>,
%%                                 directories => [{"/data", "/srv/data", read_only}]}).
%% '''
%%
%% The process that makes a call also does what its program wants of the standard streams, and waits when the program
%% sleeps or waits for input. No scheduler is occupied meanwhile; files of the operating system are used on dirty ones.
-module(warpbeam_wasi).
-export([run/1, run/2, output/2, prepare/1, serve/1]).
-export_type([options/0, directory/0, input/0, output/0, device/0, request/0]).

-type options() :: #{args => [iodata()], env => #{iodata() => iodata()} | [{iodata(), iodata()}],
                     directories => [directory()], stdin => input(), stdout => output(), stderr => output(),
                     output_limit => non_neg_integer(), clock => system | {Start :: non_neg_integer(), Step :: non_neg_integer()},
                     random => system | Seed :: non_neg_integer()}.
%% `args' begins with the name of the program. A clock that is given begins at a number of nanoseconds, advances by
%% a step whenever it is read, and at once by the time that the program sleeps. With it and a seed, a program does the
%% same in every run. `output_limit' is how many bytes of a stream are collected (16 MiB unless it is given); what
%% comes after them is lost.
-type directory() :: {Guest :: iodata(), Host :: file:name_all()}
                   | {Guest :: iodata(), Host :: file:name_all(), read_only | scratch}
                   | {Guest :: iodata(), #{Path :: iodata() => Contents :: iodata()}}.
%% A directory of the machine that the program finds under the name `Guest'; with `scratch', what it changes is kept
%% in memory and forgotten. The last form is a directory in memory with these files at first.
-type device() :: pid() | atom() | {atom(), node()}.
%% A process that speaks Erlang's I/O protocol, for example `standard_io', a file or a group leader.
-type input() :: iodata() | {device, device()} | fun((Milliseconds :: non_neg_integer()) -> iodata() | eof | timeout).
%% All input; or where it comes from when the program asks for it. The fun returns `timeout' if there is none within
%% that time, and is asked again.
-type output() :: collect | discard | {device, device()} | fun((binary()) -> term()).
%% Where output goes: `collect' keeps it for `output/2'.
-type request() :: {wasi, warpbeam:call_ref(), Streams :: term(), Output :: binary(), Error :: binary(),
                    Wait :: none | {ForInput :: boolean(), nanoseconds()}, Left :: nanoseconds()}.
%% `Left' is how long the call may take still.
-type nanoseconds() :: non_neg_integer() | infinity.

-define(LONGEST, 100). % how many milliseconds a call waits before it looks whether its instance was stopped

%% @equiv run(Module, #{})
-spec run(warpbeam:module_ref()) ->
          {ok, #{status := integer(), stdout := binary(), stderr := binary()}} | warpbeam:error().
run(Module) -> run(Module, #{}).

%% @doc Runs a program: makes an instance, calls `_start', and frees it. Returns its exit status and the output that
%% was collected, which an error of the call has, too: what a program says before it traps. An option `limits' has those
%% of the instance.
-spec run(warpbeam:module_ref(), options() | #{limits => warpbeam:options()}) ->
          {ok, #{status := integer(), stdout := binary(), stderr := binary()}} | warpbeam:error().
run(Module, Options) when is_map(Options) ->
    Limits = maps:get(limits, Options, #{}),
    case is_map(Limits) andalso warpbeam:instantiate(Module, Limits#{wasi => maps:remove(limits, Options)}) of
        false -> failure("limits are a map");
        {ok, Instance} ->
            try
                case warpbeam:call(Instance, <<"_start">>, []) of
                    {ok, []} -> ended(Instance, 0);
                    {error, #{kind := exit, status := Status}} -> ended(Instance, Status);
                    {error, Why} -> {error, maps:merge(Why, written(Instance))}
                end
            after
                warpbeam:stop(Instance)
            end;
        Error -> Error
    end;
run(_Module, _Options) -> failure("the options are a map").

ended(Instance, Status) -> {ok, (written(Instance))#{status => Status}}.

%% Nothing is left if the instance was stopped, or its process has died.
written(Instance) ->
    maps:from_list([{Stream, Bytes} || Stream <- [stdout, stderr], {ok, Bytes} <- [output(Instance, Stream)]]).

%% @doc What the program has written since this was asked last, if the stream is collected.
-spec output(warpbeam:instance(), stdout | stderr) -> {ok, binary()} | warpbeam:error().
output(Instance, Stream) -> warpbeam_native:output(Instance, Stream).

%% @private The options as the native functions want them.
-spec prepare(term()) -> {ok, term()} | warpbeam:error().
prepare(Options) when is_map(Options) ->
    Known = [args, env, directories, stdin, stdout, stderr, output_limit, clock, random],
    try
        [throw(["wasi has no option ", printed(Key)]) || Key <- maps:keys(Options), not lists:member(Key, Known)],
        Get = fun(Key, Default) -> maps:get(Key, Options, Default) end,
        Out = output_of(stdout, Get(stdout, collect)),
        Err = output_of(stderr, Get(stderr, collect)),
        In = input_of(Get(stdin, <<>>)),
        {ok, {[text(args, Each) || Each <- list(args, Get(args, []))],
              [{text(env, Name), text(env, Value)} || {Name, Value} <- pairs(env, Get(env, []))],
              [directory(Each) || Each <- list(directories, Get(directories, []))],
              if is_binary(In) -> In; true -> ask end,
              {Out =/= collect, Err =/= collect, natural(output_limit, Get(output_limit, 16#1000000))},
              clock(Get(clock, system)), random(Get(random, system)), {In, Out, Err}}}
    catch throw:Message -> failure(Message)
    end;
prepare(_Options) -> failure("wasi is a map").

list(_Key, List) when is_list(List), length(List) >= 0 -> List;
list(Key, Other) -> wrong(Key, Other).

pairs(_Key, Map) when is_map(Map) -> maps:to_list(Map);
pairs(Key, List) ->
    [case Each of {_, _} -> Each; Other -> wrong(Key, Other) end || Each <- list(Key, List)].

text(Key, Text) ->
    try iolist_to_binary(Text) catch error:_ -> wrong(Key, Text) end.

natural(_Key, Number) when is_integer(Number), Number >= 0, Number < 1 bsl 60 -> Number;
natural(Key, Other) -> wrong(Key, Other).

directory({Guest, Files}) when is_map(Files) ->
    {text(directories, Guest), memory,
     [{text(directories, Path), text(directories, Contents)} || {Path, Contents} <- maps:to_list(Files)]};
directory({Guest, Host}) -> {text(directories, Guest), native, path(Host)};
directory({Guest, Host, Access}) when Access =:= read_only; Access =:= scratch ->
    {text(directories, Guest), Access, path(Host)};
directory(Other) -> wrong(directories, Other).

path(Host) ->
    case catch filename:flatten(Host) of
        Path when is_binary(Path) -> Path;
        Path when is_list(Path) ->
            case unicode:characters_to_binary(Path, unicode, file:native_name_encoding()) of
                Name when is_binary(Name) -> Name;
                _ -> wrong(directories, Host)
            end;
        _ -> wrong(directories, Host)
    end.

input_of({device, Device}) -> device(stdin, Device);
input_of(Fun) when is_function(Fun, 1) -> Fun;
input_of(Bytes) -> text(stdin, Bytes).

output_of(_Key, Kind) when Kind =:= collect; Kind =:= discard; is_function(Kind, 1) -> Kind;
output_of(Key, {device, Device}) -> device(Key, Device);
output_of(Key, Other) -> wrong(Key, Other).

device(_Key, Pid) when is_pid(Pid) -> {device, Pid};
device(_Key, Name) when is_atom(Name) -> {device, Name};
device(_Key, {Name, Node}) when is_atom(Name), is_atom(Node) -> {device, {Name, Node}};
device(Key, Other) -> wrong(Key, Other).

clock(system) -> system;
clock({Start, Step}) -> {natural(clock, Start), natural(clock, Step)};
clock(Other) -> wrong(clock, Other).

random(system) -> system;
random(Seed) when is_integer(Seed), Seed >= 0, Seed < 1 bsl 64 -> Seed;
random(Other) -> wrong(random, Other).

-spec wrong(atom(), term()) -> no_return().
wrong(Key, Value) -> throw([atom_to_list(Key), " can't be ", printed(Value), ": it is ", right(Key)]).

right(args) -> "a list of strings";
right(env) -> "a map or a list of pairs of strings";
right(directories) ->
    "a list of {Guest, Host}, {Guest, Host, read_only}, {Guest, Host, scratch} and {Guest, #{Path => Contents}}";
right(stdin) -> "bytes, {device, Device} or a fun of arity 1";
right(output_limit) -> "a number of bytes";
right(clock) -> "system or {Start, Step}, in nanoseconds";
right(random) -> "system or a seed of 64 bits";
right(_Output) -> "collect, discard, {device, Device} or a fun of arity 1".

printed(Term) -> io_lib:format("~0tP", [Term, 20]).

failure(Message) -> {error, #{kind => bad_argument, message => unicode:characters_to_binary(Message)}}.

%% @doc Does what a program wants of the process that called it, and goes on with the call. `warpbeam:call/4' does this
%% by itself; it is for those who use `warpbeam:start_call/3'.
-spec serve(request()) -> {ok, [warpbeam:value()]} | warpbeam:import() | request() | warpbeam:error().
serve({wasi, Call, {In, Out, Err}, OutBytes, ErrBytes, Wait, Left}) ->
    Input = try
                put_bytes(Out, OutBytes, Left),
                put_bytes(Err, ErrBytes, Left),
                {input, wait(In, Wait)}
            catch
                throw:{?MODULE, late} -> late;
                Class:Reason:Stack ->
                    warpbeam_native:cancel(Call),
                    erlang:raise(Class, Reason, Stack)
            end,
    case Input of
        {input, Got} ->
            case warpbeam_native:resume(Call, Got) of
                {error, #{kind := bad_argument}} = Error -> warpbeam_native:cancel(Call), Error;
                Next -> Next
            end;
        late ->
            warpbeam_native:cancel(Call),
            warpbeam_request:failure(timeout, "the output was not taken in time")
    end;
serve(_Other) -> failure("not a request of a program").

put_bytes(_To, <<>>, _Left) -> ok;
put_bytes(Fun, Bytes, _Left) when is_function(Fun) -> Fun(Bytes);
put_bytes({device, Device}, Bytes, infinity) -> io_request(Device, {put_chars, latin1, Bytes}, infinity);
put_bytes({device, Device}, Bytes, Left) ->
    %% By another process, so that an answer that comes too late comes to nobody.
    {Writer, Monitor} = spawn_monitor(fun() -> io_request(Device, {put_chars, latin1, Bytes}, infinity) end),
    receive {'DOWN', Monitor, process, _, _} -> ok
    after max_milliseconds(Left) ->
            erlang:demonitor(Monitor, [flush]),
            exit(Writer, kill),
            throw({?MODULE, late})
    end;
put_bytes(_Kept, _Bytes, _Left) -> ok.

wait(_In, none) -> none;
wait(_In, {false, Time}) -> timer:sleep(milliseconds(Time)), none;
wait(Fun, {true, Time}) when is_function(Fun) ->
    case Fun(milliseconds(Time)) of
        timeout -> none;
        Input -> Input
    end;
wait({device, Device}, {true, Time}) ->
    case io_request(Device, {get_line, latin1, ""}, milliseconds(Time)) of
        timeout -> none;
        Bytes when is_binary(Bytes); is_list(Bytes) -> Bytes;
        _ -> eof % also if there is no such device
    end;
wait(_Bytes, {true, _}) -> eof.

milliseconds(infinity) -> ?LONGEST;
milliseconds(Nanoseconds) -> min(?LONGEST, max_milliseconds(Nanoseconds)).

max_milliseconds(Nanoseconds) -> (Nanoseconds + 999_999) div 1_000_000.

%% A request for input that has had no answer in time is answered at a later call of this process.
io_request(Device, Request, Timeout) ->
    Key = {?MODULE, Device},
    case {element(1, Request), erase(Key)} of
        {get_line, Pending} when is_reference(Pending) -> io_reply(Key, Pending, Timeout);
        {_, Pending} ->
            is_reference(Pending) andalso put(Key, Pending),
            Pid = pid_of(Device),
            try erlang:monitor(process, Pid) of
                Monitor ->
                    catch Pid ! {io_request, self(), Monitor, Request}, % a name may not be registered
                    io_reply(Key, Monitor, Timeout)
            catch error:badarg -> {error, terminated} % on another node, from one without a name
            end
    end.

io_reply(Key, Monitor, Timeout) ->
    receive
        {io_reply, Monitor, Reply} -> erlang:demonitor(Monitor, [flush]), Reply;
        {'DOWN', Monitor, _, _, _} -> {error, terminated}
    after Timeout ->
            put(Key, Monitor),
            timeout
    end.

pid_of(standard_io) -> group_leader();
pid_of(Device) -> Device.
