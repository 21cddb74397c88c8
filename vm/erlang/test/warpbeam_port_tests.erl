%% What only instances in another process have: its end, its limits, and many of them at once.
-module(warpbeam_port_tests).
-include_lib("eunit/include/eunit.hrl").

text() ->
    "(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))
        (memory (export \"memory\") 1 512) (global $n (mut i32) (i32.const 0))
        (func (export \"next\") (result i32) (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0))
        (func (export \"ask\") (param i32) (result i32) (call $ask (local.get 0)))
        (func (export \"fill\") (drop (memory.grow (i32.const 100)))
            (memory.fill (i32.const 0) (i32.const 7) (i32.const 6000000)))
        (func (export \"forever\") (loop $l (br $l))))".

%% Calls the fun with a server and a module that is in it.
with_server(Options, Fun) ->
    {ok, Server} = warpbeam_port:start_link(Options),
    try
        {ok, Module} = warpbeam:load(text(), #{isolation => {process, Server}}),
        Fun(Server, Module)
    after
        warpbeam_port:stop(Server)
    end.

kill(Server) ->
    {ok, Pid} = warpbeam_port:os_pid(Server),
    os:cmd("kill -9 " ++ integer_to_list(Pid)).

eventually(Condition) -> eventually(Condition, 500).
eventually(Condition, Left) ->
    case Condition() of
        true -> ok;
        false when Left > 0 -> timer:sleep(10), eventually(Condition, Left - 1)
    end.

answers(Count) -> [receive {answer, Answer} -> Answer after 10_000 -> error(late) end || _ <- lists:seq(1, Count)].

%% The end of the process is an error of all that ran, with the last snapshot; the module can be used again.
killed_test() ->
    with_server(#{}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M),
        {ok, J} = warpbeam:instantiate(M),
        {ok, [1]} = warpbeam:call(I, "next", []),
        {ok, _} = warpbeam:snapshot(I),
        {ok, [2]} = warpbeam:call(I, "next", []),
        {ok, Bytes} = warpbeam:snapshot(I),
        {ok, [3]} = warpbeam:call(I, "next", []),
        {import, Waiting, _, _, _} = warpbeam:start_call(J, "ask", [1]),
        Self = self(),
        [spawn(fun() -> Self ! {answer, warpbeam:call(Of, "forever", [])} end) || Of <- [I, J, J]],
        eventually(fun() -> {ok, #{executions := N}} = warpbeam:stats(J), N =:= 3 end),
        kill(Server),
        Answers = answers(3),
        [#{kind := exit, status := 137, message := <<"the process has ended by the signal 9">>} = E || {error, E} <- Answers],
        [none, none, [Bytes]] = lists:sort([maps:get(snapshot, E, none) || {error, E} <- Answers]),
        {error, #{kind := exit, status := 137, snapshot := [Bytes]}} = warpbeam:call(I, "next", []),
        {error, #{kind := exit, status := 137} = Without} = warpbeam:read(J, 0, 1),
        false = is_map_key(snapshot, Without),
        {error, #{kind := exit}} = warpbeam:continue(Waiting, [1]),
        none = warpbeam_port:os_pid(Server),
        {ok, Again, []} = warpbeam:restore(M, [Bytes]),
        {ok, [3]} = warpbeam:call(Again, "next", []),
        {ok, [{func, <<"env">>, <<"ask">>, _}]} = {ok, warpbeam:imports(M)},
        %% Once more, in the middle of a series.
        {ok, complete, First} = warpbeam:snapshot_series(Again, []),
        {ok, [4]} = warpbeam:call(Again, "next", []),
        {ok, increment, Second} = warpbeam:snapshot_series(Again, []),
        kill(Server),
        eventually(fun() -> warpbeam_port:os_pid(Server) =:= none end),
        {error, #{kind := exit, snapshot := [First, Second] = Series}} = warpbeam:call(Again, "next", []),
        {ok, Last, []} = warpbeam:restore(M, Series),
        {ok, [5]} = warpbeam:call(Last, "next", [])
    end).

%% Whoever dies takes the calls along.
dead_caller_test() ->
    with_server(#{}, fun(_, M) ->
        {ok, I} = warpbeam:instantiate(M),
        Callers = [spawn(fun() -> warpbeam:call(I, "forever", []) end) || _ <- lists:seq(1, 3)],
        Executions = fun(N) -> fun() -> {ok, #{executions := Is}} = warpbeam:stats(I), Is =:= N end end,
        eventually(Executions(3)),
        [exit(Caller, kill) || Caller <- Callers],
        eventually(Executions(0)),
        {ok, [1]} = warpbeam:call(I, "next", [])
    end).

stop_test() ->
    {ok, Server} = warpbeam_port:start_link(#{}),
    {ok, M} = warpbeam:load(text(), #{isolation => {process, Server}}),
    {ok, I} = warpbeam:instantiate(M),
    {ok, J} = warpbeam:instantiate(M),
    Self = self(),
    [spawn(fun() -> Self ! {answer, warpbeam:call(Of, "forever", [])} end) || Of <- [I, J]],
    eventually(fun() -> {ok, #{executions := N}} = warpbeam:stats(J), N =:= 1 end),
    {_, ok} = timer:tc(fun() -> warpbeam:stop(I) end),
    [{error, #{kind := stopped}}] = answers(1),
    test_wait:takes(50_000, fun() ->
                                    {ok, K} = warpbeam:instantiate(M),
                                    spawn(fun() -> Self ! {answer, warpbeam:call(K, "forever", [])} end),
                                    eventually(fun() -> {ok, #{executions := N}} = warpbeam:stats(K), N =:= 1 end),
                                    {Time, ok} = timer:tc(fun() -> warpbeam:stop(K) end),
                                    [{error, #{kind := stopped}}] = answers(1),
                                    Time
                            end),
    {ok, Pid} = warpbeam_port:os_pid(Server),
    ok = warpbeam_port:stop(Server),
    [{error, #{kind := stopped}}] = answers(1),
    {error, #{kind := exit}} = warpbeam:call(J, "next", []),
    {error, #{kind := exit}} = warpbeam:instantiate(M),
    eventually(fun() -> os:cmd("kill -0 " ++ integer_to_list(Pid) ++ " 2>&1") =/= "" end).

%% Guests that loop delay a short call by some slices.
fairness_test() ->
    with_server(#{}, fun(_, M) ->
        {ok, I} = warpbeam:instantiate(M),
        Loops = [spawn(fun() -> {ok, J} = warpbeam:instantiate(M), warpbeam:call(J, "forever", []) end) || _ <- lists:seq(1, 4)],
        timer:sleep(50),
        test_wait:takes(50_000, fun() ->
            Times = lists:sort([element(1, timer:tc(fun() -> {ok, _} = warpbeam:call(I, "next", []) end)) || _ <- lists:seq(1, 21)]),
            lists:nth(11, Times)
        end),
        [exit(Loop, kill) || Loop <- Loops]
    end).

many_test() ->
    with_server(#{}, fun(_, M) ->
        Instances = [begin {ok, I} = warpbeam:instantiate(M), I end || _ <- lists:seq(1, 2000)],
        [{ok, [1]} = warpbeam:call(I, "next", []) || I <- Instances],
        Self = self(),
        [spawn(fun() -> Self ! {answer, warpbeam:call(I, "ask", [5], fun(_, _, [N]) -> {ok, [N + 1]} end)} end) || I <- Instances],
        ?assertEqual([{ok, [6]}], lists:usort(answers(2000)))
    end).

%% What nothing refers to any more is freed there.
garbage_test() ->
    with_server(#{}, fun(Server, M) ->
        {ok, Pid} = warpbeam_port:os_pid(Server),
        Resident = fun() ->
                           {ok, Status} = file:read_file("/proc/" ++ integer_to_list(Pid) ++ "/statm"),
                           binary_to_integer(lists:nth(2, binary:split(Status, <<" ">>, [global]))) div 256
                   end,
        Before = Resident(),
        [begin {ok, I} = warpbeam:instantiate(M), {ok, []} = warpbeam:call(I, "fill", []), erlang:garbage_collect() end
         || _ <- lists:seq(1, 60)],
        eventually(fun() -> erlang:garbage_collect(), Resident() < Before + 60 end)
    end).

limits_test() ->
    with_server(#{max_requests => 2, max_frame => 100_000}, fun(_, M) ->
        {ok, I} = warpbeam:instantiate(M),
        Self = self(),
        Loops = [spawn(fun() -> Self ! {answer, warpbeam:call(I, "forever", [])} end) || _ <- lists:seq(1, 3)],
        [{error, #{kind := busy}}] = answers(1),
        [exit(Loop, kill) || Loop <- Loops],
        eventually(fun() -> element(1, warpbeam:call(I, "next", [])) =:= ok end),
        {error, #{kind := limit}} = warpbeam:write(I, 0, binary:copy(<<1>>, 100_000)),
        ok = warpbeam:write(I, 0, binary:copy(<<1>>, 60_000))
    end).

%% A process that does not read its input delays nobody but its own callers, whose time limits hold.
stands_still_test_() -> {timeout, 60, fun stands_still/0}.
stands_still() ->
    {ok, Server} = warpbeam_port:start_link(#{max_frame => 1 bsl 23}),
    {ok, M} = warpbeam:load(text(), #{isolation => {process, Server}}),
    {ok, I} = warpbeam:instantiate(M),
    {ok, []} = warpbeam:call(I, "fill", []),
    {ok, Pid} = warpbeam_port:os_pid(Server),
    _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
    Self = self(),
    Bytes = binary:copy(<<1>>, 4_000_000),
    Writers = [spawn(fun() -> Self ! {answer, warpbeam:write(I, 0, Bytes)} end) || _ <- lists:seq(1, 5)],
    %% One is in the port, two wait, and two are more than may.
    [{error, #{kind := busy, message := Message}}, {error, #{kind := busy}}] = answers(2),
    {match, _} = re:run(Message, "max_frame is 8388608"),
    {ok, Pid} = warpbeam_port:os_pid(Server), % it answers
    {Time, {error, #{kind := timeout}}} = timer:tc(fun() -> warpbeam:call(I, "next", [], fun warpbeam:no_handler/3, #{timeout => 50}) end),
    ?assert(Time < 10_000_000),
    {error, #{kind := timeout}} = warpbeam:stop(I),
    [exit(Writer, kill) || Writer <- Writers],
    ok = warpbeam_port:stop(Server),
    is_gone(Pid).

%% Calls have the limit of their instance, or of the one that it was made of.
default_limit_test_() -> {timeout, 60, fun default_limit/0}.
default_limit() ->
    with_server(#{max_silence => 30_000}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M, #{timeout => 50}),
        {ok, Forked, []} = warpbeam:fork(I),
        {ok, Snapshot} = warpbeam:snapshot(I),
        {ok, Restored, []} = warpbeam:restore(M, Snapshot, #{timeout => 50}),
        {ok, Pid} = warpbeam_port:os_pid(Server),
        _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
        {Time, _} = timer:tc(fun() -> [{error, #{kind := timeout}} = warpbeam:call(Of, "next", []) || Of <- [I, Forked, Restored]] end),
        ?assert(Time < 15_000_000)
    end).

%% The time of a call goes on while its import is answered, and holds afterwards.
goes_on_within_its_time_test_() -> {timeout, 60, fun goes_on_within_its_time/0}.
goes_on_within_its_time() ->
    with_server(#{max_silence => 30_000}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M),
        {ok, Pid} = warpbeam_port:os_pid(Server),
        {import, Early, _, _, _} = warpbeam:start_call(I, "ask", [1], #{timeout => 50}),
        {import, Limited, _, _, _} = warpbeam:start_call(I, "ask", [1]),
        ok = warpbeam:limit(Limited, #{timeout => 50}),
        {import, Thrown, _, _, _} = warpbeam:start_call(I, "ask", [1], #{timeout => 50}),
        {import, Longer, _, _, _} = warpbeam:start_call(I, "ask", [1], #{timeout => 50}),
        ok = warpbeam:limit(Longer, #{timeout => 60_000}),
        _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
        Begin = erlang:monotonic_time(millisecond),
        [{error, #{kind := timeout}} = warpbeam:continue(Call, [1]) || Call <- [Early, Limited]],
        {error, #{kind := timeout}} = warpbeam:throw(Thrown, "failed"),
        ?assert(erlang:monotonic_time(millisecond) - Begin < 15_000),
        Self = self(),
        spawn_link(fun() -> Self ! {answer, warpbeam:continue(Longer, [1])} end),
        receive {answer, _} -> error(too_early) after 1500 -> ok end,
        _ = os:cmd("kill -CONT " ++ integer_to_list(Pid)),
        [{ok, [1]}] = answers(1)
    end).

%% What was written meanwhile arrives, in order, when the process goes on.
goes_on_test() ->
    with_server(#{}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M),
        {ok, []} = warpbeam:call(I, "fill", []),
        {ok, Pid} = warpbeam_port:os_pid(Server),
        _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
        Self = self(),
        Count = 6,
        [spawn(fun() -> Self ! {answer, warpbeam:write(I, N * 1_000_000, binary:copy(<<N>>, 1_000_000))} end)
         || N <- lists:seq(0, Count - 1)],
        Dead = spawn(fun() -> warpbeam:write(I, 0, binary:copy(<<99>>, 1_000_000)) end),
        [spawn(fun() -> Self ! {answer, warpbeam:call(I, "next", [])} end) || _ <- lists:seq(1, Count)],
        timer:sleep(50),
        exit(Dead, kill),
        receive {answer, Early} -> error(Early) after 0 -> ok end,
        _ = os:cmd("kill -CONT " ++ integer_to_list(Pid)),
        Answers = lists:sort(answers(2 * Count)),
        ?assertEqual(lists:duplicate(Count, ok) ++ [{ok, [N]} || N <- lists:seq(1, Count)], Answers),
        [{ok, <<N, N>>} = warpbeam:read(I, N * 1_000_000 + 999_998, 2) || N <- lists:seq(1, Count - 1)]
    end).

%% One that says nothing for too long is killed. One that is busy with a call is not.
silent_test() ->
    with_server(#{max_silence => 400}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M),
        {ok, Bytes} = warpbeam:snapshot(I),
        Self = self(),
        Loop = spawn(fun() -> Self ! {answer, warpbeam:call(I, "forever", [])} end),
        timer:sleep(1200),
        {ok, Pid} = warpbeam_port:os_pid(Server),
        ?assert(is_process_alive(Loop)),
        _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
        [{error, #{kind := exit, status := 137, message := Message, snapshot := [Bytes]}}] = answers(1),
        {match, _} = re:run(Message, "max_silence"),
        is_gone(Pid),
        {ok, J} = warpbeam:instantiate(M), % in a new one
        {ok, [1]} = warpbeam:call(J, "next", [])
    end).

%% The same when no request waits any more, since all have ended in their time.
silent_after_a_timeout_test_() ->
    [{Name, {timeout, 60, fun() -> silent_after(Call) end}}
     || {Name, Call} <- [{"call", fun(I, _) -> warpbeam:call(I, "next", [], fun warpbeam:no_handler/3, #{timeout => 10}) end},
                         {"process", fun(_, P) -> warpbeam_instance:call(P, "next", [], 10) end}]].
silent_after(Call) ->
    with_server(#{max_silence => 2000}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M),
        {ok, P} = warpbeam_instance:start_link(M),
        {ok, Pid} = warpbeam_port:os_pid(Server),
        _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
        {error, #{kind := timeout}} = Call(I, P),
        eventually(fun() -> warpbeam_port:os_pid(Server) =:= none end, 1000),
        is_gone(Pid),
        {error, #{kind := exit, status := 137}} = warpbeam:call(I, "next", []),
        {error, #{kind := exit, status := 137}} = warpbeam_instance:call(P, "next", []),
        {ok, J} = warpbeam:instantiate(M), % in a new one
        {ok, [1]} = warpbeam:call(J, "next", []),
        ok = warpbeam_instance:stop(P)
    end).

%% A process of the instance ends in time, also when the other process does not answer.
instance_stops_test_() -> {timeout, 60, fun instance_stops/0}.
instance_stops() ->
    with_server(#{}, fun(Server, M) ->
        {ok, P} = warpbeam_instance:start_link(M, #{}),
        {ok, Pid} = warpbeam_port:os_pid(Server),
        _ = os:cmd("kill -STOP " ++ integer_to_list(Pid)),
        {error, #{kind := timeout}} = warpbeam_instance:call(P, "next", [], 50),
        {Time, ok} = timer:tc(fun() -> warpbeam_instance:stop(P) end),
        ?assert(Time < 10_000_000)
    end).

is_gone(Pid) -> eventually(fun() -> os:cmd("kill -0 " ++ integer_to_list(Pid) ++ " 2>&1") =/= "" end).

%% However long a series is, what is kept of it is not much more than the instance twice.
series_test() ->
    with_server(#{}, fun(Server, M) ->
        {ok, I} = warpbeam:instantiate(M),
        {ok, complete, First} = warpbeam:snapshot_series(I, []),
        Series = [begin
                      {ok, [_]} = warpbeam:call(I, "next", []),
                      ok = warpbeam:write(I, 0, rand:bytes(65536)),
                      {ok, Kind, Bytes} = warpbeam:snapshot_series(I, []),
                      {Kind, Bytes}
                  end || _ <- lists:seq(1, 30)],
        Kinds = [Kind || {Kind, _} <- Series],
        ?assert(lists:member(complete, Kinds)),
        ?assert(lists:member(increment, Kinds)),
        Largest = lists:max([byte_size(First) | [byte_size(Bytes) || {_, Bytes} <- Series]]),
        kill(Server),
        eventually(fun() -> warpbeam_port:os_pid(Server) =:= none end),
        {error, #{kind := exit, snapshot := Kept}} = warpbeam:call(I, "next", []),
        ?assert(iolist_size(Kept) =< 3 * Largest),
        {ok, Copy, []} = warpbeam:restore(M, Kept),
        {ok, [31]} = warpbeam:call(Copy, "next", [])
    end).

%% A snapshot of one kind is one of the other.
snapshots_test() ->
    with_server(#{}, fun(_, Remote) ->
        {ok, Local} = warpbeam:load(text(), #{isolation => none}),
        [begin
             {ok, I} = warpbeam:instantiate(From),
             {ok, [1]} = warpbeam:call(I, "next", []),
             {import, Call, _, _, [7]} = warpbeam:start_call(I, "ask", [7]),
             {ok, Bytes} = warpbeam:snapshot(I, [Call]),
             {ok, Copy, [{import, Again, <<"env">>, <<"ask">>, [7]}]} = warpbeam:restore(To, Bytes),
             {ok, [8]} = warpbeam:continue(Again, [8]),
             {ok, [2]} = warpbeam:call(Copy, "next", [])
         end || {From, To} <- [{Remote, Local}, {Local, Remote}]],
        {Binary, false} = warpbeam:binary(Local),
        {Binary, false} = warpbeam:binary(Remote)
    end).

%% Objects of one process are none in another one.
servers_test() ->
    with_server(#{name => warpbeam_port_test}, fun(_, _) ->
        {ok, M} = warpbeam:load("(module (func $f (export \"f\")) (elem declare func $f)
                                   (func (export \"ref\") (result funcref) (ref.func $f))
                                   (func (export \"take\") (param funcref)))", #{isolation => {process, warpbeam_port_test}}),
        {ok, I} = warpbeam:instantiate(M),
        {ok, [F]} = warpbeam:call(I, "ref", []),
        {ok, []} = warpbeam:call(I, "take", [F]),
        {ok, []} = warpbeam:call(I, F, []),
        {ok, _} = warpbeam:load("(module)", #{isolation => {process, {warpbeam_port_test, node()}}}),
        [{error, #{kind := bad_argument}} = warpbeam:load("(module)", #{isolation => {process, Wrong}})
         || Wrong <- [{"warpbeam_port_test", node()}, {warpbeam_port_test, 5}, {a, b, c}]],
        {error, #{kind := exit}} = warpbeam:load("(module)", #{isolation => {process, {no_such_name, node()}}}),
        with_server(#{}, fun(_, Elsewhere) ->
            {ok, Other} = warpbeam:instantiate(Elsewhere),
            {error, #{kind := bad_argument}} = warpbeam:call(Other, F, []),
            {error, #{kind := bad_argument}} = warpbeam:snapshot(Other, [F])
        end),
        {error, #{kind := bad_argument}} = warpbeam:call(M, "ref", []),
        {error, #{kind := bad_argument}} = warpbeam:instantiate(I)
    end).

%% A process that ends as it is written to, or before, is an error, which says the status if that is known.
ends_at_once_test_() -> {timeout, 60, fun ends_at_once/0}.
ends_at_once() ->
    [begin
         {ok, Server} = warpbeam_port:start_link(#{executable => "/bin/false"}),
         case warpbeam:load("(module)", #{isolation => {process, Server}}) of
             {error, #{kind := exit, status := 1}} -> ok;
             {error, #{kind := exit, message := <<"the process ended as a request was written to it", _/binary>>}} -> ok
         end,
         none = warpbeam_port:os_pid(Server),
         warpbeam_port:stop(Server)
     end || _ <- lists:seq(1, 300)].

wrong_test() ->
    process_flag(trap_exit, true),
    [{error, #{kind := bad_argument}} = warpbeam_port:start_link(Options)
     || Options <- [foo, #{max_requests => 0}, #{max_frame => 1 bsl 40}, #{executable => 1}, #{other => 1}, #{max_silence => 0},
                    #{max_silence => 1 bsl 32}]],
    [receive {'EXIT', _, #{kind := bad_argument}} -> ok end || _ <- lists:seq(1, 7)],
    Load = fun(Path) ->
                   {ok, Server} = warpbeam_port:start_link(#{executable => Path}),
                   Result = warpbeam:load("(module)", #{isolation => {process, Server}}),
                   warpbeam_port:stop(Server),
                   Result
           end,
    {error, #{kind := exit, message := <<"/none/here can't be started: enoent">>}} = Load("/none/here"),
    {error, #{kind := _, message := _}} = Load("/bin/echo"),
    {error, #{kind := exit} = Ended} = Load("/bin/false"),
    1 = maps:get(status, Ended, 1), % it is unknown if the process ended before the request was written
    {error, #{kind := bad_argument}} = warpbeam:load("(module)", #{isolation => foo}),
    {error, #{kind := bad_argument}} = warpbeam:load("(module)", #{isolation => {process, 5}}),
    {error, #{kind := exit}} = warpbeam:load("(module)", #{isolation => {process, no_such_name}}),
    {error, #{kind := bad_argument}} = warpbeam:load(foo, #{isolation => process}),
    {error, #{kind := malformed}} = warpbeam:load("(modul)", #{isolation => process}),
    process_flag(trap_exit, false).

%% The node does not trust what the process says.
hostile_process_test() ->
    Greeting = frame(0, term_to_binary({warpbeam, 1, #{}})),
    Script = filename:join(os:getenv("TMPDIR", "/tmp"), "warpbeam_port_tests." ++ os:getpid()),
    Size = 4 + 16 + byte_size(term_to_binary({load, [<<"(module)">>, #{}]})),
    Printf = fun(Frames) ->
                     ["printf '", [io_lib:format("\\~3.8.0b", [Byte]) || <<Byte>> <= iolist_to_binary(Frames)], "'\n"]
             end,
    %% It says the frames after the first and the second request.
    Says = fun(First, Second) ->
                   ok = file:write_file(Script, ["#!/bin/sh\nhead -c ", integer_to_list(Size), " >/dev/null\n",
                                                 Printf(First), "head -c 4 >/dev/null\n", Printf(Second), "exec sleep 20\n"]),
                   ok = file:change_mode(Script, 8#700),
                   {ok, Server} = warpbeam_port:start_link(#{executable => Script}),
                   Result = warpbeam:load("(module)", #{isolation => {process, Server}}),
                   Next = case Result of {ok, M} -> warpbeam:instantiate(M); _ -> none end,
                   warpbeam_port:stop(Server),
                   {Result, Next}
           end,
    try
        Answer = fun(Number, Term) -> frame(Number, term_to_binary(Term)) end,
        Unknown = binary:replace(term_to_binary(a_known_atom), <<"a_known_atom">>, <<"zr_unknown_z">>),
        %% The first request has the number 2.
        [{{error, #{kind := malformed, message := _}}, none} = Says([Greeting, Wrong], [])
         || Wrong <- [frame(2, <<"none">>), frame(2, Unknown), frame(2, <<>>)]],
        [{{error, #{kind := unsupported, message := _}}, none} = Says(Wrong, [])
         || Wrong <- [Answer(0, {warpbeam, 2, #{}}), Answer(2, ok), [Greeting, <<0, 0, 0, 2, 1, 2>>], frame(0, Unknown)]],
        {{ok, _}, {error, #{kind := malformed}}} = Says([Greeting, Answer(2, {ok, 1})], Answer(3, {ok, [1 | 2]})),
        {{ok, _}, {error, #{kind := malformed}}} =
            Says([Greeting, Answer(9, {ok, [1 | 2]}), Answer(2, {ok, 1})], Answer(3, {import, 1, <<>>, <<>>, foo}))
    after
        file:delete(Script)
    end,
    ?assertError(badarg, binary_to_existing_atom(list_to_binary(lists:reverse("z_nwonknu_rz")))).

frame(Number, Term) -> <<(byte_size(Term) + 8):32, Number:64, Term/binary>>.
