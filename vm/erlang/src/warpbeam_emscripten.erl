%% @doc Calls of programs that Emscripten made, with what they import of its JavaScript.
%%
%% Without WebAssembly's exceptions, such a program lets the host make every call that may end by `longjmp' or a C++
%% exception: it imports `invoke_' functions, which call an element of its function table. The throwing functions are
%% imports, too: they end everything up to the last such call, which restores the stack, says by `setThrew' what
%% happened, and returns zeros. This module answers these imports, those that match C++ exceptions with their handlers,
%% and `memcpy', for programs with pointers of 32 and of 64 bits. All else goes to a handler; `answer/3' has answers
%% for some of that.
%%
%% ```
%% {ok, Module} = warpbeam:load(Binary),
%% {ok, Instance} = warpbeam:instantiate(Module),
%% {ok, [Result]} = warpbeam_emscripten:call(warpbeam_emscripten:program(Module), Instance, <<"main">>, [0, 0],
%%                                           fun(<<"env">>, Name, Arguments) ->
%%                                                   warpbeam_emscripten:answer(Instance, Name, Arguments)
%%                                           end).
%% '''
-module(warpbeam_emscripten).
-export([program/1, import_type/3, call/4, call/5, run/6, answer/3]).
-export_type([program/0, handler/1, outcome/1]).

-record(program, {imports :: #{{binary(), binary()} => warpbeam:func_type()},
                  exports :: #{binary() => warpbeam:func_type()},
                  table :: none | warpbeam:name(),
                  pointer :: 4 | 8, % bytes
                  stack_get :: none | binary(),
                  stack_restore :: none | binary()}).
-opaque program() :: #program{}.
%% What must be known of a module.

-type handler(State) ::
        fun((Module :: binary(), Name :: binary(), [warpbeam:value()], State) ->
                   {ok, [warpbeam:value()], State} | {error, Message :: iodata(), State} |
                   {throw, Tag :: warpbeam:name(), [warpbeam:value()], State} |
                   {unwind, Why :: iodata(), State} | {stop, Result :: term(), State}).
%% Answers imports. Results that the import does not have are left out. `unwind' ends everything up to the last
%% `invoke_', as a C++ exception does; `stop' ends the whole call with that result.
-type outcome(State) :: {ok, [warpbeam:value()], State} | {error, map(), State} | {stop, term(), State}.

%% The state of the handler, and of C++ exceptions: the one that was thrown last, those that are being handled, the
%% number of those that nothing has caught yet, and the second result of the function that was called last.
-record(state, {handler, last = 0 :: non_neg_integer(), caught = [] :: [non_neg_integer()], uncaught = 0 :: integer(),
                second = 0 :: integer()}).

-define(TABLE, <<"__indirect_function_table">>).

%% @doc Looks up what a module imports and exports.
-spec program(warpbeam:module_ref()) -> program().
program(Module) ->
    Imports = warpbeam:imports(Module),
    Exports = warpbeam:exports(Module),
    ImportTypes = maps:from_list([{{From, Name}, Type} || {func, From, Name, Type} <- Imports]),
    ExportTypes = maps:from_list([{Name, Type} || {func, Name, Type} <- Exports]),
    Tables = [Name || {table, Name, _} <- Exports, Name =:= ?TABLE] ++
        [{From, Name} || {table, From, Name, _} <- Imports, Name =:= ?TABLE],
    StackGet = first([<<"emscripten_stack_get_current">>, <<"stackSave">>], ExportTypes),
    Typical = [maps:get(Name, ExportTypes, none) || Name <- [StackGet, <<"malloc">>]] ++
        [maps:get({<<"env">>, <<"__cxa_throw">>}, ImportTypes, none)],
    #program{imports = ImportTypes, exports = ExportTypes,
             table = case Tables of [Table | _] -> Table; [] -> none end,
             pointer = case [Type || {Parameters, Results} <- Typical, Type <- Results ++ Parameters] of
                           [i64 | _] -> 8;
                           _ -> 4
                       end,
             stack_get = StackGet,
             stack_restore = first([<<"_emscripten_stack_restore">>, <<"stackRestore">>], ExportTypes)}.

first(Names, Functions) ->
    case [Name || Name <- Names, is_map_key(Name, Functions)] of
        [First | _] -> First;
        [] -> none
    end.

%% @doc The type of an imported function.
-spec import_type(program(), binary(), binary()) -> warpbeam:func_type().
import_type(#program{imports = Types}, Module, Name) -> maps:get({Module, Name}, Types).

%% @equiv call(Program, Instance, Function, Arguments, fun warpbeam:no_handler/3)
-spec call(program(), warpbeam:instance(), warpbeam:callee(), [warpbeam:value()]) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
call(Program, Instance, Function, Arguments) ->
    call(Program, Instance, Function, Arguments, fun warpbeam:no_handler/3).

%% @doc Calls a function, as `warpbeam:call/4' does. An exception or a `longjmp' that nothing catches is an error of the
%% kind `uncaught_exception'.
-spec call(program(), warpbeam:instance(), warpbeam:callee(), [warpbeam:value()], warpbeam:handler()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
call(Program, Instance, Function, Arguments, Handler) ->
    Answer = fun(Module, Name, Values, none) ->
                     try Handler(Module, Name, Values) of
                         {ok, Results} -> {ok, Results, none};
                         {error, Message} -> {error, Message, none};
                         {throw, Tag, Thrown} -> {throw, Tag, Thrown, none};
                         Other -> {stop, failure(bad_argument, "the handler's answer is ~P", [Other, 20]), none}
                     catch Class:Reason:Stack -> {stop, {raise, Class, Reason, Stack}, none}
                     end
             end,
    case run(Program, Instance, Function, Arguments, Answer, none) of
        {ok, Results, none} -> {ok, Results};
        {error, Error, none} -> {error, Error};
        {stop, {raise, Class, Reason, Stack}, none} -> erlang:raise(Class, Reason, Stack);
        {stop, Result, none} -> Result
    end.

%% @doc The same with a handler that has a state, and may end the call.
-spec run(program(), warpbeam:instance(), warpbeam:callee(), [warpbeam:value()], handler(State), State) ->
          outcome(State).
run(Program, Instance, Function, Arguments, Handler, HandlerState) ->
    Context = {Program, Instance, Handler},
    case go_on(warpbeam:start_call(Instance, Function, Arguments), Context, #state{handler = HandlerState}) of
        {unwind, Why, State} ->
            {error, Error} = failure(uncaught_exception, "nothing catches what ~ts threw", [Why]),
            {error, Error, State#state.handler};
        {stop, {error, Error}, State} when is_map(Error) -> {error, Error, State#state.handler};
        {Kind, Result, State} -> {Kind, Result, State#state.handler}
    end.

%% Goes on with a call: `{ok, Results, State}', `{error, Error, State}', or `{unwind, Why, State}' and
%% `{stop, Result, State}', which end the calls around it, too.
go_on({ok, Results}, _Context, State) -> {ok, Results, State};
go_on({error, Error}, _Context, State) -> {error, Error, State};
go_on({import, Call, Module, Name, Arguments}, {Program, _, _} = Context, State) ->
    Type = import_type(Program, Module, Name),
    case import(Module, Name, Arguments, Type, Context, State) of
        {ok, Results, Next} ->
            case fitting(Results, Type, Module, Name) of
                {ok, Fitting} -> go_on(ended(Call, warpbeam:continue(Call, Fitting)), Context, Next);
                Error -> go_on(ended(Call, Error), Context, Next)
            end;
        {error, Message, Next} -> go_on(ended(Call, warpbeam:throw(Call, Message)), Context, Next);
        {throw, Tag, Values, Next} -> go_on(ended(Call, warpbeam:throw(Call, {Tag, Values})), Context, Next);
        {End, _, _} = Ends when End =:= unwind; End =:= stop ->
            _ = warpbeam:cancel(Call),
            Ends
    end.

%% A call whose answer does not fit still waits, but there is no other answer.
ended(Call, {error, _} = Error) -> _ = warpbeam:cancel(Call), Error;
ended(_Call, Next) -> Next.

%% Those who don't know an import answer it with a zero, also if it returns nothing.
fitting(Results, {_, Types}, Module, Name) ->
    try lists:split(length(Types), Results) of
        {Fitting, _} -> {ok, Fitting}
    catch error:_ ->
            failure(bad_argument, "the import ~ts.~ts returns ~b values, which is not what its handler gave: ~P",
                    [Module, Name, length(Types), Results, 20])
    end.

%%% Imports.

import(<<"env">>, <<"invoke_", _/binary>>, [Index | Arguments], {_, Results},
       {#program{table = Table}, _, _} = Context, State) when Table =/= none ->
    invoke(pointer(Index, Context), Arguments, Results, Context, State);
import(<<"env">>, Name, Arguments, _Type, Context, State) ->
    case throwing(Name, [pointer(Argument, Context) || Argument <- Arguments], Context, State) of
        unknown -> ask(<<"env">>, Name, Arguments, Context, State);
        Answer -> Answer
    end;
import(Module, Name, Arguments, _Type, Context, State) -> ask(Module, Name, Arguments, Context, State).

ask(Module, Name, Arguments, {_, _, Handler}, #state{handler = HandlerState} = State) ->
    case Handler(Module, Name, Arguments, HandlerState) of
        {throw, Tag, Values, Next} -> {throw, Tag, Values, State#state{handler = Next}};
        {Kind, What, Next} -> {Kind, What, State#state{handler = Next}}
    end.

%% Calls an element of the table. What Emscripten's functions throw ends here; all else goes on.
invoke(Index, Arguments, Results, {#program{table = Table} = Program, Instance, _} = Context, State) ->
    case stack(Context) of
        {ok, Stack} ->
            case go_on(warpbeam:start_call(Instance, {table, Table, Index}, Arguments), Context, State) of
                {ok, _, _} = Returned -> Returned;
                Ends ->
                    restore(Stack, Context),
                    caught(Ends, Results, Program, Context)
            end;
        {error, _} = Error -> {stop, Error, State}
    end.

caught({unwind, _, State}, Results, #program{exports = #{<<"setThrew">> := _}}, Context) ->
    then(guest(<<"setThrew">>, [1, 0], Context, State), fun(_, Next) -> {ok, [0 || _ <- Results], Next} end);
caught({error, #{exception := #{tag := Tag, values := Values}}, State}, _Results, _Program, _Context) ->
    {throw, Tag, Values, State};
caught({error, Error, State}, _Results, _Program, _Context) -> {stop, {error, Error}, State};
caught(Ends, _Results, _Program, _Context) -> Ends.

stack({#program{stack_get = none}, _, _}) -> {ok, [0]};
stack({#program{stack_get = Get}, Instance, _}) -> warpbeam:call(Instance, Get, []).

restore(_Stack, {#program{stack_restore = none}, _, _}) -> ok;
restore(Stack, {#program{stack_restore = Restore}, Instance, _}) ->
    _ = warpbeam:call(Instance, Restore, Stack),
    ok.

%% Calls an exported function for the program. Its errors end the calls around it.
guest(Name, Arguments, {#program{exports = Exports}, Instance, _} = Context, State) ->
    Count = case Exports of
                #{Name := {Parameters, _}} -> length(Parameters);
                _ -> 0 % that it is missing is said below
            end,
    case go_on(warpbeam:start_call(Instance, Name, lists:sublist(Arguments, Count)), Context, State) of
        {error, Error, Next} -> {stop, {error, Error}, Next};
        Outcome -> Outcome
    end.

then({ok, Results, State}, Next) -> Next(Results, State);
then(Ends, _Next) -> Ends.

%%% C++ exceptions and longjmp. A header lies before each thrown object: six pointers, of which the second is the
%%% type, the third the destructor, the fourth holds two bytes, whether it was caught and thrown again, and the fifth is
%%% the object as the handler sees it.

throwing(<<"_emscripten_throw_longjmp">> = Name, [], _Context, State) -> {unwind, Name, State};
throwing(<<"emscripten_longjmp">> = Name, [Buffer, Value], Context, State) ->
    then(guest(<<"setThrew">>, [Buffer, max(Value, 1)], Context, State), fun(_, Next) -> {unwind, Name, Next} end);
throwing(<<"__cxa_throw">> = Name, [Object, Type, Destructor], Context, State) ->
    fields(Object, [{adjusted, 0}, {type, Type}, {destructor, Destructor}], Context, State,
           fun(Next) ->
                   {unwind, Name, Next#state{last = Object, uncaught = Next#state.uncaught + 1}}
           end);
throwing(<<"__cxa_rethrow">>, [], _Context, #state{caught = []} = State) ->
    {error, "nothing is being handled that could be thrown again", State};
throwing(<<"__cxa_rethrow">> = Name, [], Context, #state{caught = [Object | Others]} = State) ->
    case field(Object, rethrown, Context) of
        {ok, 0} ->
            fields(Object, [{rethrown, 1}, {caught, 0}], Context, State,
                   fun(Next) -> {unwind, Name, Next#state{last = Object, uncaught = Next#state.uncaught + 1}} end);
        {ok, _} -> {unwind, Name, State#state{last = Object, caught = Others}};
        Error -> {stop, Error, State}
    end;
throwing(<<"__resumeException">> = Name, [Object], _Context, #state{last = Last} = State) ->
    {unwind, Name, State#state{last = case Last of 0 -> Object; _ -> Last end}};
throwing(<<"__cxa_find_matching_catch_", _/binary>>, _Types, Context, #state{last = 0} = State) ->
    second(0, [0], Context, State);
throwing(<<"__cxa_find_matching_catch_", _/binary>>, Types, Context, #state{last = Object} = State) ->
    case field(Object, type, Context) of
        {ok, 0} -> second(0, [Object], Context, State);
        {ok, Thrown} ->
            fields(Object, [{adjusted, Object}], Context, State,
                   fun(Next) -> match(Types, Thrown, Object, Context, Next) end);
        Error -> {stop, Error, State}
    end;
throwing(<<"__cxa_begin_catch">>, [Object], Context, State) ->
    case field(Object, caught, Context) of
        {ok, Caught} ->
            Uncaught = State#state.uncaught - case Caught of 0 -> 1; _ -> 0 end,
            fields(Object, [{caught, 1}, {rethrown, 0}], Context,
                   State#state{uncaught = Uncaught, caught = [Object | State#state.caught]},
                   fun(Next) ->
                           then(guest(<<"__cxa_increment_exception_refcount">>, [Object], Context, Next),
                                fun(_, Last) -> seen(Object, Context, Last) end)
                   end);
        Error -> {stop, Error, State}
    end;
throwing(<<"__cxa_get_exception_ptr">>, [Object], Context, State) -> seen(Object, Context, State);
throwing(<<"__cxa_end_catch">>, [], _Context, #state{caught = []} = State) ->
    {error, "no exception is being handled that could end", State};
throwing(<<"__cxa_end_catch">>, [], Context, #state{caught = [Object | Others]} = State) ->
    then(guest(<<"setThrew">>, [0, 0], Context, State#state{caught = Others}),
         fun(_, Next) ->
                 then(guest(<<"__cxa_decrement_exception_refcount">>, [Object], Context, Next),
                      fun(_, Last) -> {ok, [], Last#state{last = 0}} end)
         end);
throwing(<<"__cxa_uncaught_exceptions">>, [], _Context, State) -> {ok, [State#state.uncaught], State};
throwing(<<"llvm_eh_typeid_for">>, [Type], _Context, State) -> {ok, [Type band 16#ffffffff], State};
throwing(<<"getTempRet0">>, [], _Context, State) -> {ok, [State#state.second], State};
throwing(<<"setTempRet0">>, [Value], _Context, State) -> {ok, [], State#state{second = Value}};
throwing(Name, [To, From, Size], {_, Instance, _}, State)
  when Name =:= <<"_emscripten_memcpy_js">>; Name =:= <<"emscripten_memcpy_js">>;
       Name =:= <<"emscripten_memcpy_big">> ->
    case copy(Instance, To, From, Size) of
        ok -> {ok, [To], State};
        Error -> {stop, Error, State}
    end;
throwing(_Name, _Arguments, _Context, _State) -> unknown.

%% The first of the handlers' types that fits; 0 fits everything.
match([Type | _], Thrown, Object, Context, State) when Type =:= 0; Type =:= Thrown ->
    second(Thrown, [Object], Context, State);
match([Type | Others], Thrown, Object, Context, State) ->
    then(guest(<<"__cxa_can_catch">>, [Type, Thrown, address(Object, adjusted, Context)], Context, State),
         fun([0], Next) -> match(Others, Thrown, Object, Context, Next);
            (_, Next) -> second(Type, [Object], Context, Next)
         end);
match([], Thrown, Object, Context, State) -> second(Thrown, [Object], Context, State).

%% Returns a second result beside the first.
second(Value, Results, {#program{exports = Exports}, _, _} = Context, State) ->
    Next = State#state{second = Value},
    case first([<<"_emscripten_tempret_set">>, <<"setTempRet0">>], Exports) of
        none -> {ok, Results, Next};
        Set -> then(guest(Set, [Value band 16#ffffffff], Context, Next), fun(_, Last) -> {ok, Results, Last} end)
    end.

%% The object as its handler sees it: a base, or what it points to if it is a pointer.
seen(Object, {#program{exports = Exports}, Instance, _} = Context, State) ->
    case Exports of
        #{<<"__cxa_get_exception_ptr">> := _} -> guest(<<"__cxa_get_exception_ptr">>, [Object], Context, State);
        _ ->
            case {field(Object, type, Context), field(Object, adjusted, Context)} of
                {{ok, Type}, {ok, Adjusted}} ->
                    then(guest(<<"__cxa_is_pointer_type">>, [Type], Context, State),
                         fun([0], Next) when Adjusted =/= 0 -> {ok, [Adjusted], Next};
                            ([0], Next) -> {ok, [Object], Next};
                            (_, Next) ->
                                 case warpbeam_memory:get(Instance, Object, number_type(Context)) of
                                     {ok, Address} -> {ok, [Address], Next};
                                     Error -> {stop, Error, Next}
                                 end
                         end);
                {{ok, _}, Error} -> {stop, Error, State};
                {Error, _} -> {stop, Error, State}
            end
    end.

address(Object, Field, {#program{pointer = Size}, _, _}) ->
    Object - 6 * Size + case Field of
                            type -> Size;
                            destructor -> 2 * Size;
                            caught -> 3 * Size;
                            rethrown -> 3 * Size + 1;
                            adjusted -> 4 * Size
                        end.

field_type(Field, _Context) when Field =:= caught; Field =:= rethrown -> u8;
field_type(_Field, Context) -> number_type(Context).

number_type({#program{pointer = 4}, _, _}) -> u32;
number_type({#program{pointer = 8}, _, _}) -> u64.

field(Object, Field, {_, Instance, _} = Context) ->
    warpbeam_memory:get(Instance, address(Object, Field, Context), field_type(Field, Context)).

fields(_Object, [], _Context, State, Next) -> Next(State);
fields(Object, [{Field, Value} | Others], {_, Instance, _} = Context, State, Next) ->
    Type = field_type(Field, Context),
    case warpbeam_memory:put(Instance, address(Object, Field, Context), Type, Value) of
        ok -> fields(Object, Others, Context, State, Next);
        Error -> {stop, Error, State}
    end.

pointer(Value, {#program{pointer = Size}, _, _}) when is_integer(Value) -> Value band (1 bsl (Size * 8) - 1);
pointer(Value, _Context) -> Value.

%%% Answers that a handler may give.

%% @doc The answer to an import from `env', always the same: it is midnight of 1970, nothing can be fetched, and the
%% program is alone. Memory grows if it may. Others are refused by name.
-spec answer(warpbeam:instance(), Name :: binary(), [warpbeam:value()]) ->
          {ok, [warpbeam:value()]} | {error, Message :: iodata()}.
answer(_Instance, Name, _) when Name =:= <<"emscripten_date_now">>; Name =:= <<"emscripten_get_now">> -> {ok, [0.0]};
answer(_Instance, <<"_emscripten_get_now_is_monotonic">>, _) -> {ok, [1]};
answer(_Instance, <<"emscripten_notify_memory_growth">>, _) -> {ok, []};
answer(Instance, <<"emscripten_resize_heap">>, [Size]) -> {ok, [grow(Instance, unsigned(Size))]};
answer(Instance, Name, [To, From, Size])
  when Name =:= <<"_emscripten_memcpy_js">>; Name =:= <<"emscripten_memcpy_js">> ->
    answered(copy(Instance, To, From, Size), []);
answer(Instance, <<"emscripten_memcpy_big">>, [To, From, Size]) -> answered(copy(Instance, To, From, Size), [To]);
answer(_Instance, Name, _)
  when Name =:= <<"__asyncjs__weavedrive_open">>; Name =:= <<"__asyncjs__weavedrive_read">>;
       Name =:= <<"__asyncjs__weavedrive_close">>; Name =:= <<"_emscripten_system">> -> {ok, [0]};
answer(_Instance, Name, _) when Name =:= <<"_abort_js">>; Name =:= <<"abort">> -> {error, "the program has aborted"};
answer(_Instance, Name, _) -> {error, ["nothing answers the import env.", Name]}.

answered(ok, Results) -> {ok, Results};
answered({error, #{message := Message}}, _) -> {error, Message}.

copy(Instance, To, From, Size) ->
    case warpbeam:read(Instance, unsigned(From), unsigned(Size)) of
        {ok, Bytes} -> warpbeam:write(Instance, unsigned(To), Bytes);
        Error -> Error
    end.

%% Values come signed; addresses and sizes are not.
unsigned(Value) when Value >= 0 -> Value;
unsigned(Value) when Value >= -16#80000000 -> Value + 16#100000000;
unsigned(Value) -> Value + 16#10000000000000000.

grow(Instance, Size) ->
    case warpbeam:memory_size(Instance) of
        {ok, Has} when Size =< Has -> 1;
        {ok, Has} ->
            case warpbeam:memory_grow(Instance, (Size - Has + 65535) div 65536) of
                {ok, _} -> 1;
                _ -> 0
            end;
        _ -> 0
    end.

failure(Kind, Format, Values) ->
    {error, #{kind => Kind, message => unicode:characters_to_binary(io_lib:format(Format, Values))}}.
