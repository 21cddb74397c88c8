%% @doc Calls of HyperBEAM's: with a fun for imports that has a state, by the process that calls or by one that serves
%% messages.
-module(hb_beamr_call).
-export([call/7, serve/4, are_numbers/1]).

%% @doc Calls an exported function, or an element of the function table, in the turn of the process `For'.
-spec call(pid(), pid(), string() | binary() | integer(), list(), hb_beamr:import_fun(), State, map()) ->
          hb_beamr:call_result(State).
call(Pid, For, Function, Arguments, Fun, State, Opts) ->
    case are_numbers(Arguments) of
        true ->
            case hb_beamr_turn:enter(Pid, For) of
                {ok, Turn} ->
                    try run(Turn, Pid, callee(Function), Arguments, Fun, State, Opts)
                    after hb_beamr_turn:leave(Pid, For)
                    end;
                {error, Message} -> {error, Message, State}
            end;
        false -> {error, {invalid_args, Arguments}}
    end.

callee(Index) when is_integer(Index) -> {table, <<"__indirect_function_table">>, Index};
callee(Name) -> Name.

run(#{instance := Instance, program := Program}, Pid, Function, Arguments, Fun, State, Opts) ->
    Answer = fun(Module, Name, Values, Before) ->
                     Import = #{instance => Pid, module => binary_to_list(Module), func => binary_to_list(Name),
                                args => Values,
                                func_sig => hb_beamr_image:signature(
                                              warpbeam_emscripten:import_type(Program, Module, Name))},
                     try
                         {ok, Results, After} = Fun(Before, Import, Opts),
                         checked(Results, After)
                     catch Class:Reason:Stack -> {stop, {failed, Class, Reason, Stack}, Before}
                     end
             end,
    case warpbeam_emscripten:run(Program, Instance, Function, Arguments, Answer, State) of
        {ok, Results, Last} -> {ok, Results, Last};
        {stop, {failed, Class, Reason, Stack}, Last} ->
            % What the guest was about to do is half done.
            _ = warpbeam:stop(Instance),
            Pid ! stop,
            {error, Class, Reason, Stack, Last};
        {error, Error, Last} -> {error, hb_beamr_image:text(Error), Last}
    end.

checked({import_exception, Why}, State) when is_list(Why); is_binary(Why) -> {unwind, Why, State};
checked(Results, State) ->
    case are_numbers(Results) of
        true -> {ok, Results, State};
        false -> throw({error, {invalid_response, Results}})
    end.

%% @doc Whether something is a list of what may be values: vectors are binaries of 16 bytes, and floats that are no
%% numbers have names.
-spec are_numbers(term()) -> boolean().
are_numbers([Value | Others]) when is_number(Value); Value =:= nan; Value =:= '+inf'; Value =:= '-inf' ->
    are_numbers(Others);
are_numbers([<<_:16/binary>> | Others]) -> are_numbers(Others);
are_numbers(Values) -> Values =:= [].

%% @doc Makes a call for a process that speaks by messages: says to the worker what there is to ask of it, and the
%% result.
-spec serve(pid(), pid(), string() | binary() | integer(), term()) -> ok.
serve(Worker, For, Function, Arguments) ->
    Monitor = erlang:monitor(process, Worker),
    Fun = fun(none, #{module := Module, func := Name, args := Values, func_sig := Signature}, _) ->
                  Worker ! {hb_beamr, report, self(), {import, Module, Name, Values, Signature}},
                  receive
                      {import_response, Worker, Results} -> {ok, Results, none};
                      {'DOWN', Monitor, process, _, _} -> exit(stopped)
                  end
          end,
    Answer = case call(Worker, For, Function, Arguments, Fun, none, #{}) of
                 {ok, Results, none} -> {execution_result, Results};
                 {error, Message, none} -> {error, Message};
                 {error, {invalid_args, _}} -> {error, "The arguments are no list of numbers."};
                 {error, exit, stopped, _, none} -> {error, "The instance was stopped."}
             end,
    Worker ! {hb_beamr, report, self(), Answer},
    ok.
