%% The drop-in for HyperBEAM: those who send messages to an instance instead of calling functions.
-module(hb_beamr_message_tests).
-include_lib("eunit/include/eunit.hrl").

start() ->
    {ok, WASM, _, _} = hb_beamr:start(<<"(module (import \"env\" \"mul\" (func $mul (param i32 i32) (result i32)))
        (memory (export \"memory\") 1) (data (i32.const 10) \"text\")
        (table (export \"__indirect_function_table\") 1 funcref) (elem (i32.const 0) $square)
        (func $square (export \"square\") (param i32) (result i32) (call $mul (local.get 0) (local.get 0)))
        (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export \"loop\") (loop (br 0))) (func (export \"trap\") unreachable))">>),
    WASM.

send(P, Command) -> hb_beamr:wasm_send(P, {command, term_to_binary(Command)}).
answer() -> receive Answer -> Answer after 10000 -> error(no_answer) end.
ask(P, Command) -> ok = send(P, Command), answer().

commands_test_() ->
    P = start(),
    [?_test(?assertEqual(Answer, ask(P, Command))) ||
        {Command, Answer} <-
            [{{size}, {execution_result, 65536}}, {{read, 10, 4}, {execution_result, <<"text">>}},
             {{write, 20, <<"more">>}, ok}, {{read, 20, 4}, {execution_result, <<"more">>}},
             {{call, "add", [1, 2]}, {execution_result, [3]}}, % a list that travels as a string
             {{call, "add", [1000, -1]}, {execution_result, [999]}},
             {{call, <<"add">>, [1, 2]}, {execution_result, [3]}},
             {{import_response, [1]}, {error, "No pending import response waiting"}},
             {{unknown}, {error, "Unknown command"}}, {other, {error, "Unknown command"}},
             {{init, <<>>, wasm}, {error, "Unknown command"}}, {{call, 1.5, []}, {error, "Unknown command"}}]] ++
    [?_test({error, [_ | _]} = ask(P, Command)) ||
        Command <- [{call, "add", []}, {call, "add", [1, 2, 3]}, {call, "add", [1 | 2]}, {call, "add", [[1], {}]},
                    {call, "add", oops}, {call, "add", [1.5, 2]}, {call, "missing", []}, {call, [$a | $b], []},
                    {call, [oops], []}, {call, [-1], []}, {call, "trap", []}, {call, "", []},
                    {read, -1, 1}, {read, 0, -1}, {read, 65536, 1}, {read, oops, 1},
                    {write, -1, <<1>>}, {write, 65536, <<1>>}, {write, 0, oops}, {write, 0, [1 | 2]}]] ++
    [fun() ->
             ok = hb_beamr:wasm_send(P, Message),
             {error, [_ | _]} = answer()
     end || Message <- [{command, <<>>}, {command, <<131, 255>>}, {command, <<"nonsense">>}, {command, oops}, oops, {},
                        % an atom that does not exist here
                        {command, <<131, 100, 0, 30, "an_atom_that_nobody_has_yet_12">>}]] ++
    [fun() -> % what is no request goes to who used it last
             P ! Message,
             Message = answer()
     end || Message <- [oops, {hb_beamr, oops}, {wasm_send, oops, {}}]] ++
    [?_test(P ! {'DOWN', 1, process, self(), 2})] ++
    [?_assertEqual({execution_result, [3]}, ask(P, {call, "add", [1, 2]}))]. % after all of that

imports_test_() ->
    P = start(),
    [fun() ->
             {import, "env", "mul", [7, 7], "(ii)i"} = ask(P, {call, "square", [7]}),
             {execution_result, <<"text">>} = ask(P, {read, 10, 4}), % meanwhile
             {import, "env", "mul", [8, 8], "(ii)i"} = ask(P, {indirect_call, 0, [8]}), % also a call
             {execution_result, [64]} = ask(P, {import_response, [64]}),
             {execution_result, [49]} = ask(P, {import_response, [49, 0]}),
             {error, "No pending import response waiting"} = ask(P, {import_response, [1]})
     end] ++
    [fun() ->
             Q = start(),
             {import, _, _, _, _} = ask(Q, {call, "square", [7]}),
             {error, [_ | _]} = ask(Q, {import_response, Results}),
             {execution_result, [3]} = ask(Q, {call, "add", [1, 2]})
     end || Results <- [[], [1.5]]] ++ % which ends the call
    [fun() ->
             {import, _, _, _, _} = ask(P, {call, "square", [7]}),
             {error, [_ | _]} = ask(P, {import_response, Results}),
             {execution_result, [49]} = ask(P, {import_response, [49]}) % still possible
     end || Results <- [oops, [oops], [1 | 2], 7]].

%% Each gets the answers to what it has sent itself.
concurrent_senders_test() ->
    P = start(),
    Senders = [spawn_monitor(fun() ->
                                     [begin
                                          {import, _, _, [N, N], _} = ask(P, {call, "square", [N]}),
                                          {execution_result, [Result]} = ask(P, {import_response, [N * 1000 + I]}),
                                          Result = N * 1000 + I
                                      end || I <- lists:seq(1, 50)],
                                     {messages, []} = process_info(self(), messages)
                             end) || N <- lists:seq(1, 8)],
    [receive {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(normal, Reason) end || {Pid, Monitor} <- Senders].

other_messages_test() ->
    P = start(),
    P ! {news, 1},
    {news, 1} = answer(),
    Self = self(),
    spawn_link(fun() -> {execution_result, 65536} = ask(P, {size}), Self ! asked, Self ! {other, answer()} end),
    asked = answer(),
    P ! {news, 2},
    {other, {news, 2}} = answer(),
    ok = hb_beamr:stop(P).

ends_test_() ->
    [fun() -> % stop in a loop, which others wait for, too
             P = start(),
             send(P, {call, "loop", []}),
             Monitor = monitor(process, P),
             {ok, {Instance, _}} = hb_beamr_turn:instance(P),
             hb_beamr:stop(P),
             {error, "The instance was stopped."} = answer(),
             receive {'DOWN', Monitor, process, _, normal} -> ok end,
             {error, #{kind := stopped}} = warpbeam:memory_size(Instance)
     end,
     fun() -> % who sends and dies takes the call along
             P = start(),
             Sender = spawn(fun() -> send(P, {call, "loop", []}), receive stop -> ok end end),
             timer:sleep(20),
             exit(Sender, kill),
             {execution_result, [3]} = ask(P, {call, "add", [1, 2]})
     end,
     fun() -> % also one that does not answer an import
             P = start(),
             Self = self(),
             Sender = spawn(fun() -> Self ! ask(P, {call, "square", [1]}), receive stop -> ok end end),
             {import, _, _, _, _} = answer(),
             exit(Sender, kill),
             {execution_result, [3]} = ask(P, {call, "add", [1, 2]})
     end].
