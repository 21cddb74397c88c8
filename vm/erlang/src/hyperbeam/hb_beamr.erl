%% @doc HyperBEAM's module for WebAssembly, over `warpbeam': the same functions, arguments and results.
%%
%% ```
%% {ok, WASM, Imports, Exports} = hb_beamr:start(Binary),
%% {ok, [120.0]} = hb_beamr:call(WASM, "fac", [5.0]),
%% {ok, Results, State2} = hb_beamr:call(WASM, <<"handle">>, [Message, Env],
%%                                       fun(State, #{module := Module, func := Name, args := Arguments}, Opts) ->
%%                                               {ok, [0], State}
%%                                       end, State, Opts),
%% ok = hb_beamr:stop(WASM).
%% '''
%%
%% An instance has a process, which owns it; calls run in the process that makes them, one after the other, and let
%% other processes run in between. A fun for imports runs there, too, and may call the instance again. If it fails, the
%% instance is stopped, because the guest is in the middle of something. Functions that throw or catch exceptions in
%% the way of Emscripten don't reach it (see `warpbeam_emscripten').
%%
%% Integers may be given signed or unsigned over the width of their type; for floats there are also `nan', `'+inf'' and
%% `'-inf''. What the documentation of HyperBEAM does not have are `start/3', and the option `hb_beamr' of the
%% application `warpbeam', a map of the options of all instances.
-module(hb_beamr).
-export([start/1, start/2, start/3, call/3, call/4, call/5, call/6, stop/1, wasm_send/2,
         serialize/1, deserialize/2, stub/3]).
-export_type([options/0, import/0, export/0, import_fun/0, call_result/1]).

-type options() :: #{limits => warpbeam:options(), owner => pid(), linger => timeout(), wamr_page => boolean(),
                     deterministic => boolean()}.
%% `limits': what the instance and each of its calls may use. `owner': the process with which the instance ends.
%% `linger': how many milliseconds after all processes that used it have ended it does, too; 5 minutes, if nothing else
%% is said. `wamr_page': whether the memory gets the page that WAMR adds, as it usually does. `deterministic': whether
%% all machines compute the same, down to the bits of a NaN, as they usually do (`warpbeam:load/2').
-type import() :: {Kind :: atom(), Module :: string(), Name :: string(), Signature :: string()}.
-type export() :: {Kind :: atom(), Name :: string(), Signature :: string()}.
%% A signature has a letter for each parameter, in parentheses, and then one for each result: `i' is i32, `I' is i64,
%% `f' is f32, `F' is f64, `v' is v128, `e' and `f' are references, and `u' are other ones. It is empty for what is no
%% function.
-type import_fun() :: fun((State :: term(), map(), Opts :: map()) -> {ok, [warpbeam:value()], State :: term()}).
%% The map has `instance', `module', `func', `args' and `func_sig'. Instead of results, `{import_exception, Why}' ends
%% what the last `invoke_' function began.
-type call_result(State) :: {ok, [warpbeam:value()], State} | {error, string(), State} |
                            {error, Class :: atom(), Reason :: term(), Stack :: list(), State} |
                            {error, {invalid_args, term()}}.
%% The error of five elements is that of a fun that failed.

%% @equiv start(Binary, wasm)
-spec start(binary()) -> {ok, pid(), [import()], [export()]} | {error, string()}.
start(Binary) when is_binary(Binary) -> start(Binary, wasm).

%% @equiv start(Binary, Mode, #{})
-spec start(binary(), wasm | aot) -> {ok, pid(), [import()], [export()]} | {error, string()}.
start(Binary, Mode) -> start(Binary, Mode, #{}).

%% @doc Starts a process with an instance of a module in the binary or text format. The mode makes no difference.
-spec start(binary(), wasm | aot, options()) -> {ok, pid(), [import()], [export()]} | {error, string()}.
start(Binary, _Mode, Options) when is_binary(Binary), is_map(Options) ->
    All = maps:merge(application:get_env(warpbeam, ?MODULE, #{}), Options),
    case maps:keys(maps:without([limits, owner, linger, wamr_page, deterministic], All)) of
        [] -> start_worker(Binary, All);
        [Key | _] -> {error, lists:flatten(io_lib:format("There is no option ~0tP.", [Key, 10]))}
    end.

start_worker(Binary, All) ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(hb_beamr_worker, init, [Self, Binary, All]),
    receive
        {hb_beamr, started, Pid, Imports, Exports} ->
            erlang:demonitor(Monitor, [flush]),
            {ok, Pid, Imports, Exports};
        {'DOWN', Monitor, process, Pid, {shutdown, {failed, Message}}} -> {error, Message};
        {'DOWN', Monitor, process, Pid, Reason} ->
            {error, lists:flatten(io_lib:format("The process of the instance ended: ~P", [Reason, 20]))}
    end.

%% @doc Stops the instance, also while its guest runs. Its calls end with an error.
-spec stop(pid()) -> ok.
stop(WASM) when is_pid(WASM) ->
    WASM ! stop,
    ok.

%% @doc Sends a command, `{command, term_to_binary(Command)}', as HyperBEAM's driver has them. Its answers come as
%% messages to this process.
-spec wasm_send(pid(), term()) -> ok.
wasm_send(WASM, Message) when is_pid(WASM) ->
    WASM ! {wasm_send, self(), Message},
    ok.

%% @doc Calls a function; imports are answered with 0.
-spec call(pid(), string() | binary() | integer(), list()) ->
          {ok, [warpbeam:value()]} | {error, string() | {invalid_args, term()}}.
call(WASM, Function, Arguments) ->
    case call(WASM, Function, Arguments, fun stub/3) of
        {ok, Results, _} -> {ok, Results};
        {error, Message, _} -> {error, Message};
        {error, {invalid_args, _}} = Error -> Error
    end.

%% @equiv call(WASM, Function, Arguments, Fun, #{})
-spec call(pid(), string() | binary() | integer(), list(), import_fun()) -> call_result(map()).
call(WASM, Function, Arguments, Fun) -> call(WASM, Function, Arguments, Fun, #{}).

%% @equiv call(WASM, Function, Arguments, Fun, State, #{})
-spec call(pid(), string() | binary() | integer(), list(), import_fun(), State) -> call_result(State).
call(WASM, Function, Arguments, Fun, State) -> call(WASM, Function, Arguments, Fun, State, #{}).

%% @doc Calls an exported function by its name, or a function of the table `__indirect_function_table' by its index. The
%% fun answers imports and changes the state.
-spec call(pid(), string() | binary() | integer(), list(), import_fun(), State, map()) -> call_result(State).
call(WASM, Function, Arguments, Fun, State, Opts)
  when is_pid(WASM), is_list(Function) orelse is_binary(Function) orelse is_integer(Function), is_list(Arguments),
       is_function(Fun), is_map(Opts) ->
    hb_beamr_call:call(WASM, self(), Function, Arguments, Fun, State, Opts).

%% @doc The whole state of the instance: memory, globals and tables. Waits for a call that runs.
-spec serialize(pid()) -> {ok, binary()} | {error, string()}.
serialize(WASM) when is_pid(WASM) ->
    in_turn(WASM, fun(#{instance := Instance}) -> hb_beamr_image:save(Instance) end).

%% @doc Gives the instance a state: one of `serialize/1', or the bytes of a memory, as HyperBEAM's driver has it. If
%% that is not possible, the instance is stopped, so that nobody goes on with another state.
-spec deserialize(pid(), binary()) -> ok | {error, string()}.
deserialize(WASM, Image) when is_pid(WASM), is_binary(Image) ->
    in_turn(WASM, fun(#{instance := Instance} = Turn) ->
                          case deserialize(WASM, Image, Turn) of
                              ok -> ok;
                              Error ->
                                  _ = warpbeam:stop(Instance),
                                  stop(WASM),
                                  Error
                          end
                  end).

deserialize(_WASM, _Image, #{is_nested := true}) -> {error, "The instance is in the middle of a call."};
deserialize(WASM, Image, #{instance := Instance, memory := Memory}) ->
    case hb_beamr_image:is_snapshot(Image) of
        true -> hb_beamr_turn:restore(WASM, Image);
        false -> hb_beamr_image:put_memory(Instance, Memory, Image)
    end.

in_turn(WASM, Fun) ->
    case hb_beamr_turn:enter(WASM, self()) of
        {ok, Turn} ->
            try Fun(Turn)
            after hb_beamr_turn:leave(WASM, self())
            end;
        Error -> Error
    end.

%% @doc The fun for imports that is used if none is given.
-spec stub(State, map(), map()) -> {ok, [0], State}.
stub(State, _Import, _Opts) -> {ok, [0], State}.
