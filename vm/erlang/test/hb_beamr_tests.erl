%% The drop-in for HyperBEAM: what its modules promise, and each fault of the driver that it replaces.
-module(hb_beamr_tests).
-include_lib("eunit/include/eunit.hrl").

-define(PAGE, 65536).

start(Text) -> start(Text, #{}).
start(Text, Options) ->
    {ok, WASM, _, _} = hb_beamr:start(iolist_to_binary(Text), wasm, Options),
    WASM.

guest() ->
    "(module (import \"env\" \"mul\" (func $mul (param i32 i32) (result i32)))
        (import \"env\" \"note\" (func $note (param i64)))
        (memory (export \"memory\") 1 3) (global $calls (export \"count\") (mut i32) (i32.const 0))
        (table (export \"__indirect_function_table\") 2 funcref) (elem (i32.const 1) $square)
        (func (export \"fac\") (param f64) (result f64)
            (if (result f64) (f64.lt (local.get 0) (f64.const 1)) (then (f64.const 1))
                (else (f64.mul (local.get 0) (call 2 (f64.sub (local.get 0) (f64.const 1)))))))
        (func $square (export \"square\") (param i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (call $mul (local.get 0) (local.get 0)))
        (func (export \"note\") (call $note (i64.const -5)))
        (func (export \"i32\") (param i32) (result i32) (local.get 0))
        (func (export \"i64\") (param i64) (result i64) (local.get 0))
        (func (export \"f32\") (param f32) (result f32) (local.get 0))
        (func (export \"f64\") (param f64) (result f64) (local.get 0))
        (func (export \"v128\") (param v128) (result v128) (local.get 0))
        (func (export \"pair\") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
        (func (export \"trap\") (unreachable))
        (func (export \"loop\") (loop (br 0)))
        (func (export \"calls\") (result i32) (global.get $calls))
        (data (i32.const 10) \"text\\00\") (data (i32.const 65533) \"end\"))".

%% Waits for something to be true.
wait_for(Condition) -> wait_for(Condition, 1000).
wait_for(Condition, Left) ->
    case Condition() of
        true -> ok;
        false when Left > 0 -> timer:sleep(10), wait_for(Condition, Left - 1)
    end.
ends(Pid) -> wait_for(fun() -> not is_process_alive(Pid) end).

product(State, #{module := "env", func := "mul", args := [A, B]}, _) -> {ok, [A * B], State + 1}.

start_test_() ->
    {ok, WASM, Imports, Exports} = hb_beamr:start(list_to_binary(guest())),
    [?_assert(is_pid(WASM)),
     ?_assertEqual([{func, "env", "mul", "(ii)i"}, {func, "env", "note", "(I)"}], Imports),
     ?_assertEqual([{memory, "memory", ""}, {global, "count", ""}, {table, "__indirect_function_table", ""},
                    {func, "fac", "(F)F"}, {func, "square", "(i)i"}, {func, "note", "()"}],
                   lists:sublist(Exports, 6)),
     ?_assert(lists:member({func, "pair", "(iI)Ii"}, Exports)),
     ?_assert(lists:member({func, "v128", "(v)v"}, Exports)),
     ?_assertMatch({ok, _, _, _}, hb_beamr:start(<<"(module)">>, aot)),
     ?_assertEqual({error, "There is no option limit."}, hb_beamr:start(<<"(module)">>, wasm, #{limit => #{memory => 5}})),
     ?_assertMatch({error, _}, hb_beamr:start(<<"(module)">>, wasm, #{limits => #{memroy => 5}})),
     ?_assertError(function_clause, hb_beamr:start("(module)"))] ++
    [?_test({error, "Failed to create module: " ++ _} = hb_beamr:start(Image)) ||
        Image <- [<<>>, <<"nonsense">>, <<0, "asm">>, <<0, "asm", 1, 0, 0, 0, 1, 255>>, <<" (module (func i32.add))">>,
                  <<"(">>, <<";">>, <<"  ">>]] ++
    [fun() ->
             {error, Message} = hb_beamr:start(<<0, "aot", 3, 0, 0, 0>>),
             true = string:find(Message, "AOT") =/= nomatch
     end,
     fun() -> % the cause of a start function that fails
             {error, Message} = hb_beamr:start(<<"(module (start $f)
                 (func $f (drop (i32.div_u (i32.const 1) (i32.const 0)))))">>),
             true = string:find(Message, "divide by zero") =/= nomatch
     end,
     fun() -> % its imports are answered with zeros
             {ok, _, _, _} = hb_beamr:start(<<"(module
                 (import \"a\" \"b\" (func $b (result i64))) (import \"a\" \"c\" (func $c))
                 (func $f (call $c) (if (i64.ne (call $b) (i64.const 0)) (then unreachable))) (start $f))">>)
     end].

call_test_() ->
    P = start(guest()),
    [?_assertEqual({ok, [120.0]}, hb_beamr:call(P, "fac", [5.0])),
     ?_assertEqual({ok, [120.0]}, hb_beamr:call(P, <<"fac">>, [5])),
     ?_assertEqual({ok, [49], 1}, hb_beamr:call(P, <<"square">>, [7], fun product/3, 0)),
     ?_assertEqual({ok, [49], 1}, hb_beamr:call(P, 1, [7], fun product/3, 0, #{})),
     ?_assertEqual({ok, [0]}, hb_beamr:call(P, "square", [7])), % the stub
     ?_assertEqual({ok, []}, hb_beamr:call(P, "note", [])), % which gives one result more than there is
     ?_assertMatch({ok, [49], #{}}, hb_beamr:call(P, "square", [7], fun(S, _, _) -> {ok, [49], S} end)),
     fun() ->
             Self = self(),
             Fun = fun(State, Import, Opts) -> Self ! {Import, Opts}, {ok, [], State} end,
             {ok, [], old} = hb_beamr:call(P, "note", [], Fun, old, #{a => b}),
             receive
                 {Import, #{a := b}} ->
                     ?assertEqual(#{instance => P, module => "env", func => "note", args => [-5], func_sig => "(I)"},
                                  Import)
             end
     end,
     ?_assertError(function_clause, hb_beamr:call(self, "fac", [5.0])),
     ?_assertError(function_clause, hb_beamr:call(P, fac, [5.0])),
     ?_assertError(function_clause, hb_beamr:call(P, "fac", 5.0)),
     ?_assertError(function_clause, hb_beamr:call(P, "fac", [5.0], none))].

values_test_() ->
    P = start(guest()),
    Same = fun(Name, Given, Got) -> ?_assertEqual({ok, [Got]}, hb_beamr:call(P, Name, [Given])) end,
    Refused = fun(Name, Arguments) ->
                      ?_test({error, [_ | _], state} =
                                 hb_beamr:call(P, Name, Arguments, fun hb_beamr:stub/3, state))
              end,
    [Same("i32", V, V) || V <- [0, -1, -16#80000000, 16#7fffffff]] ++
    [Same("i32", 16#ffffffff, -1), Same("i64", 16#ffffffffffffffff, -1)] ++
    [Same("i64", V, V) || V <- [16#7fffffff, 16#80000000, -16#80000001, 1 bsl 53 + 1, 16#7fffffffffffffff,
                                -16#8000000000000000]] ++
    [Same(Name, V, V) || Name <- ["f32", "f64"], V <- [1.5, -0.0, nan, '+inf', '-inf']] ++
    [Same("f32", 1.0e300, '+inf'), Same("f32", 3, 3.0), Same("f64", 1.0e300, 1.0e300),
     Same("v128", <<1:128>>, <<1:128>>),
     ?_assertEqual({ok, [1 bsl 40, 7]}, hb_beamr:call(P, "pair", [7, 1 bsl 40]))] ++
    [Refused("i32", [V]) || V <- [16#100000000, -16#80000001, 5.0, nan, <<1:128>>]] ++
    [Refused("i64", [V]) || V <- [16#10000000000000000, -16#8000000000000001, 5.0]] ++
    [Same("f64", 1 bsl 64, float(1 bsl 64)), Same("f32", 1 bsl 200, '+inf')] ++
    [Refused("f64", [V]) || V <- [<<1:128>>]] ++
    [Refused("pair", Arguments) || Arguments <- [[], [1], [1, 2, 3], lists:duplicate(300, 1)]] ++
    [?_assertEqual({error, {invalid_args, Arguments}}, hb_beamr:call(P, "i32", Arguments, fun hb_beamr:stub/3)) ||
        Arguments <- [[a], ["1"], [<<"1">>], [1 | 2], [{}], [self()]]] ++
    [?_assertEqual({error, {invalid_args, [a]}}, hb_beamr:call(P, "i32", [a])),
     ?_assertEqual({ok, [1]}, hb_beamr:call(P, "i32", [1]))]. % after all of that

errors_test_() ->
    P = start(guest()),
    Long = lists:duplicate(100000, $x),
    [?_assertMatch({error, [_ | _]}, hb_beamr:call(P, Name, [])) ||
        Name <- ["missing", "", Long, list_to_binary(Long), "memory", "trap", 0, 2, -1, 1 bsl 70]] ++
    [?_assertMatch({error, [_ | _], state}, hb_beamr:call(P, "trap", [], fun hb_beamr:stub/3, state)),
     ?_assertMatch({error, [_ | _]}, hb_beamr:call(P, [a, {}], [])),
     fun() -> % a name of any length is one
             Names = [binary_to_list(binary:copy(<<"long">>, N)) || N <- [64, 1000]],
             Q = start(["(module ", [["(import \"", Name, "\" \"", Name, "\" (func))"] || Name <- Names],
                        [["(func (export \"", Name, "\") (call ", integer_to_list(I), "))"] ||
                            {I, Name} <- lists:zip([0, 1], Names)], ")"]),
             Fun = fun(_, #{module := Name, func := Name}, _) -> {ok, [], Name} end,
             [{ok, [], Name} = hb_beamr:call(Q, Name, [], Fun, none) || Name <- Names]
     end,
     fun() -> % many parameters and results have a signature
             Many = lists:duplicate(300, "i64 "),
             {ok, _, [{func, "a", "b", Sig}], _} =
                 hb_beamr:start(iolist_to_binary(["(module (import \"a\" \"b\" (func (param ", Many, "))))"])),
             ?assertEqual("(" ++ lists:duplicate(300, $I) ++ ")", Sig)
     end].

imports_that_are_no_functions_test_() ->
    [fun() ->
             {ok, P, Imports, _} =
                 hb_beamr:start(<<"(module
                     (import \"env\" \"t\" (table 2 funcref)) (import \"env\" \"f\" (func $f (result i32)))
                     (import \"env\" \"memory\" (memory 1)) (import \"env\" \"e\" (tag (param i32)))
                     (func (export \"g\") (result i32) (i32.add (call $f) (i32.load8_u (i32.const 3)))))">>),
             ?assertEqual([{table, "env", "t", ""}, {func, "env", "f", "()i"}, {memory, "env", "memory", ""},
                           {tag, "env", "e", ""}], Imports),
             ok = hb_beamr_io:write(P, 3, <<7>>),
             {ok, [107], s} = hb_beamr:call(P, "g", [], fun(S, #{func := "f"}, _) -> {ok, [100], S} end, s)
     end,
     fun() ->
             Text = <<"(module (import \"env\" \"base\" (global $base i64))
                 (func (export \"f\") (result i64) (global.get $base)))">>,
             {error, Message} = hb_beamr:start(Text),
             true = string:find(Message, "base") =/= nomatch,
             P = start(Text, #{limits => #{imports => #{{<<"env">>, <<"base">>} => 1024}}}),
             {ok, [1024]} = hb_beamr:call(P, "f", [])
     end].

handlers_test_() ->
    Call = fun(Fun) ->
                   P = start(guest()),
                   {hb_beamr:call(P, "square", [7], Fun, state), P}
           end,
    [fun() -> % the caller gets the reason at once, and the instance ends: its guest is in the middle of something
             {Result, P} = Call(Fun),
             {error, Class, _, [_ | _], state} = Result,
             ends(P),
             {error, [_ | _], other} = hb_beamr:call(P, "fac", [1.0], fun hb_beamr:stub/3, other),
             {error, [_ | _]} = hb_beamr:call(P, "fac", [1.0])
     end || {Class, Fun} <- [{error, fun(_, _, _) -> error(oops) end}, {exit, fun(_, _, _) -> exit(oops) end},
                             {throw, fun(_, _, _) -> throw(oops) end}, {error, fun(_, _, _) -> {error, oops} end},
                             {error, fun() -> ok end}, {throw, fun(S, _, _) -> {ok, oops, S} end},
                             {throw, fun(S, _, _) -> {ok, [1 | 2], S} end},
                             {throw, fun(S, _, _) -> {ok, [<<>>], S} end}]] ++
    [fun() -> % results that don't fit are an error of the call
             {{error, [_ | _], state}, P} = Call(fun(S, _, _) -> {ok, Results, S} end),
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3])
     end || Results <- [[], [1.5], [1 bsl 32], [nan]]] ++
    [fun() -> % all but the needed ones may be anything
             {{ok, [9], state}, _} = Call(fun(S, _, _) -> {ok, [9, 1.5, 1 bsl 64], S} end)
     end,
     fun() -> % an import that throws
             {{error, Message, next}, P} = Call(fun(_, _, _) -> {ok, {import_exception, "why"}, next} end),
             true = string:find(Message, "why") =/= nomatch,
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3])
     end,
     fun() -> % a handler may use the instance, at any depth
             P = start(guest()),
             Fun = fun Fun(N, #{instance := Q, args := [A, B]}, _) when N < 20 ->
                           {ok, <<"text">>} = hb_beamr_io:read_string(Q, 10),
                           {ok, [120.0]} = hb_beamr:call(Q, "fac", [5]),
                           {ok, [R], M} = hb_beamr:call(Q, "square", [A], Fun, N + 1),
                           {ok, [R + A + B], M};
                       Fun(N, _, _) -> {ok, [0], N}
                   end,
             {ok, [120], 20} = hb_beamr:call(P, "square", [3], Fun, 0)
     end].

%% Many processes at once: each gets the answers to its own calls and imports, and nothing is left in their mailboxes.
concurrent_callers_test() ->
    P = start(guest()),
    Workers = [spawn_monitor(
                 fun() ->
                         [begin
                              Fun = fun(S, #{args := [A, A]}, _) when A =:= N * 1000 + I -> {ok, [A + 1], [A | S]} end,
                              V = N * 1000 + I,
                              {ok, [R], [V]} = hb_beamr:call(P, "square", [V], Fun, []),
                              R = V + 1,
                              ok = hb_beamr_io:write(P, 100 + N * 4, <<V:32/little>>),
                              {ok, <<V:32/little>>} = hb_beamr_io:read(P, 100 + N * 4, 4)
                          end || I <- lists:seq(1, 200)],
                         {messages, []} = process_info(self(), messages)
                 end) || N <- lists:seq(1, 10)],
    [receive {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(normal, Reason) end || {Pid, Monitor} <- Workers],
    {ok, [2000]} = hb_beamr:call(P, "calls", []).

%% A caller that waits in its handler does not keep other instances from running, nor memory from being read.
waiting_handler_test() ->
    P = start(guest()),
    Self = self(),
    Caller = spawn_link(fun() ->
                                Fun = fun(S, _, _) -> Self ! waits, receive go -> {ok, [1], S} end end,
                                Self ! {done, hb_beamr:call(P, "square", [1], Fun, s)}
                        end),
    receive waits -> ok end,
    {ok, [6.0]} = hb_beamr:call(start(guest()), "fac", [3]),
    {ok, <<"text">>} = hb_beamr_io:read(P, 10, 4),
    Caller ! go,
    receive {done, Result} -> ?assertEqual({ok, [1], s}, Result) end.

stop_test_() ->
    Looping = fun() ->
                      P = start(guest()),
                      Self = self(),
                      spawn_link(fun() -> Self ! {done, hb_beamr:call(P, "loop", [])} end),
                      spawn_link(fun() -> Self ! {done, hb_beamr:call(P, "fac", [3])} end),
                      wait_for(fun() -> {message_queue_len, 0} =:= process_info(P, message_queue_len) end),
                      timer:sleep(20),
                      P
              end,
    [fun() ->
             P = Looping(),
             How(P),
             [receive
                  {done, {error, [_ | _]}} -> ok;
                  {done, {ok, [6.0]}} -> ok
              end || _ <- [1, 2]],
             ends(P),
             {error, [_ | _]} = hb_beamr:call(P, "fac", [3]),
             {error, [_ | _]} = hb_beamr_io:size(P),
             {error, [_ | _]} = hb_beamr:serialize(P),
             {error, [_ | _]} = hb_beamr:deserialize(P, <<1>>),
             ok = hb_beamr:stop(P)
     end || How <- [fun hb_beamr:stop/1, fun(P) -> exit(P, kill) end]] ++
    [fun() -> % a call that is killed gives its turn back
             P = start(guest()),
             Caller = spawn(fun() -> hb_beamr:call(P, "loop", []) end),
             timer:sleep(20),
             exit(Caller, kill),
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3])
     end,
     fun() -> % so does one that is killed in its handler, or while it waits
             P = start(guest()),
             Self = self(),
             Fun = fun(_, _, _) -> Self ! waits, timer:sleep(infinity) end,
             Caller = spawn(fun() -> hb_beamr:call(P, "square", [1], Fun) end),
             receive waits -> ok end,
             Waiting = spawn(fun() -> hb_beamr:call(P, "fac", [3]) end),
             timer:sleep(20),
             exit(Waiting, kill),
             exit(Caller, kill),
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3])
     end,
     fun() -> % limits
             P = start(guest(), #{limits => #{timeout => 50}}),
             {error, Message} = hb_beamr:call(P, "loop", []),
             true = string:find(Message, "longer") =/= nomatch,
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3])
     end].

owners_test_() ->
    Started = fun(Options) ->
                      Self = self(),
                      Owner = spawn(fun() ->
                                            Self ! {started, start(guest(), Options(self()))},
                                            receive stop -> ok end
                                    end),
                      receive {started, P} -> {Owner, P} end
              end,
    [fun() -> % an instance ends with its owner
             {Owner, P} = Started(fun(Self) -> #{owner => Self} end),
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3]),
             Owner ! stop,
             ends(P)
     end,
     fun() -> % or some time after all that used it
             {Owner, P} = Started(fun(_) -> #{linger => 50} end),
             Owner ! stop,
             ends(P)
     end,
     fun() -> % not while one of them lives
             {Owner, P} = Started(fun(_) -> #{linger => 1} end),
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3]),
             Owner ! stop,
             ends(Owner),
             timer:sleep(50),
             {ok, [6.0]} = hb_beamr:call(P, "fac", [3]),
             ok = hb_beamr:stop(P)
     end,
     fun() -> % who starts one whose start function never ends takes it along
             Before = length(processes()),
             Starter = spawn(fun() -> hb_beamr:start(<<"(module (func $f (loop (br 0))) (start $f))">>) end),
             wait_for(fun() -> length(processes()) >= Before + 3 end),
             exit(Starter, kill),
             wait_for(fun() -> length(processes()) =< Before end)
     end].

%% Nothing is left of calls: no executions, messages, processes or memory.
leaks_test() ->
    P = start(guest()),
    Round = fun(N) ->
                    [begin
                         {ok, [25], 1} = hb_beamr:call(P, "square", [5], fun product/3, 0),
                         {error, _} = hb_beamr:call(P, "trap", []),
                         {error, _} = hb_beamr:call(P, "i32", [1, 2]),
                         {error, _} = hb_beamr_io:read(P, 1 bsl 20, 1),
                         {ok, _} = hb_beamr_io:read(P, 0, 1000)
                     end || _ <- lists:seq(1, N)],
                    [erlang:garbage_collect(Pid) || Pid <- [self(), P]],
                    {ok, {Instance, _}} = hb_beamr_turn:instance(P),
                    {ok, #{executions := 0, stack := Stack}} = warpbeam:stats(Instance),
                    {messages, []} = process_info(self(), messages),
                    [{message_queue_len, 0}, {total_heap_size, Heap}, {monitors, Monitors}] =
                        process_info(P, [message_queue_len, total_heap_size, monitors]),
                    {Stack, length(Monitors), Heap < 10000}
            end,
    First = Round(500),
    ?assertEqual(First, Round(2000)).
