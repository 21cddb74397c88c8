-module(warpbeam_instance_tests).
-include_lib("eunit/include/eunit.hrl").

start(Options) ->
    {ok, M} = warpbeam:load("(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))
        (global $n (mut i32) (i32.const 0)) (memory (export \"memory\") 1)
        (func (export \"next\") (result i32) (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0))
        (func (export \"ask\") (param i32) (result i32) (call $ask (local.get 0)))
        (func (export \"forever\") (loop $l (br $l)))
        (func (export \"trap\") unreachable))"),
    {ok, Pid} = warpbeam_instance:start_link(M, Options),
    {M, Pid}.

ask(_, _, [N]) -> {ok, [N + 1]}.

calls_test() ->
    {_, P} = start(#{handler => fun ask/3}),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    ok = warpbeam_instance:cast(P, "next", []),
    {ok, [3]} = warpbeam_instance:call(P, "next", []),
    {ok, [8]} = warpbeam_instance:call(P, "ask", [7]),
    {error, #{kind := trap}} = warpbeam_instance:call(P, "trap", []),
    {error, #{kind := usage}} = warpbeam_instance:call(P, "none", []),
    {error, #{kind := bad_argument}} = warpbeam_instance:call(P, "ask", [foo]),
    {ok, [4]} = warpbeam_instance:call(P, "next", [], infinity),
    {error, #{kind := bad_argument}} = gen_server:call(P, foo),
    ok = warpbeam_instance:stop(P).

%% An option that is not known or can't be right is refused, before there is a process.
options_test() ->
    {M, P} = start(#{hibernate_after => infinity, handler_in => {pool, 1}, events => fun(_, _, _) -> ok end, queue => 0}),
    Before = process_flag(trap_exit, true),
    [{error, #{kind := bad_argument, message := <<_, _/binary>>}} = warpbeam_instance:Start(M, Options)
     || Start <- [start, start_link],
        Options <- [foo, [], #{interleav => 2}, #{interleave => 0}, #{queue => -1}, #{queue => many}, #{handler => foo},
                    #{handler => fun(_) -> ok end}, #{handler_in => pol}, #{handler_in => {pool, 0}}, #{name => calculator},
                    #{name => {local, "calculator"}}, #{hibernate_after => 0}, #{hibernate_after => never},
                    #{crash_on_trap => perhaps}, #{events => fun(_) -> ok end}, #{groups => g}, #{groups => [g | h]},
                    #{replica => r}, #{replicate_every => 0}, #{ack => true}, #{limits => []}, #{snapshot => 5}, #{5 => 6}]],
    receive {'EXIT', _, _} = Exit -> error(Exit) after 0 -> ok end,
    true = process_flag(trap_exit, Before),
    [{error, #{kind := bad_argument}} = warpbeam_instance:call(P, "next", [], Options)
     || Options <- [#{timeut => 5}, #{timeout => -1}, #{handler => foo}, [], foo]],
    {ok, [1]} = warpbeam_instance:call(P, "next", [], #{timeout => infinity, handler => fun ask/3}),
    ok = warpbeam_instance:stop(P).

%% Each caller gets its own answer.
concurrent_test() ->
    {_, P} = start(#{handler => fun(_, _, [N]) -> timer:sleep(N rem 3), {ok, [N * 2]} end}),
    Self = self(),
    [spawn(fun() -> Self ! {N, warpbeam_instance:call(P, "ask", [N])} end) || N <- lists:seq(1, 50)],
    [receive {N, {ok, [Answer]}} -> ?assertEqual(2 * N, Answer) after 5000 -> error(late) end || N <- lists:seq(1, 50)],
    ok = warpbeam_instance:stop(P).

timeout_test() ->
    {_, P} = start(#{}),
    {error, #{kind := timeout}} = warpbeam_instance:call(P, "forever", [], 30),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    Self = self(),
    spawn(fun() -> Self ! {first, warpbeam_instance:call(P, "forever", [], 100)} end),
    timer:sleep(10),
    %% It waits for its turn until its time is over.
    {error, #{kind := timeout}} = warpbeam_instance:call(P, "next", [], 20),
    receive {first, {error, #{kind := timeout}}} -> ok end,
    ok = warpbeam_instance:stop(P).

busy_test() ->
    {_, P} = start(#{queue => 2}),
    Self = self(),
    [spawn(fun() -> Self ! {answer, warpbeam_instance:call(P, "forever", [], infinity)} end) || _ <- lists:seq(1, 5)],
    [receive {answer, {error, #{kind := busy}}} -> ok after 10_000 -> error(late) end || _ <- lists:seq(1, 2)],
    {error, #{kind := busy}} = warpbeam_instance:snapshot(P),
    ok = warpbeam_instance:stop(P),
    [receive {answer, {error, #{kind := stopped}}} -> ok after 10_000 -> error(late) end || _ <- lists:seq(1, 3)].

%% A caller that dies takes its call with it, running or waiting.
dead_caller_test() ->
    {_, P} = start(#{}),
    Callers = [spawn(fun() -> warpbeam_instance:call(P, "forever", [], infinity) end) || _ <- lists:seq(1, 3)],
    timer:sleep(20),
    [exit(Caller, kill) || Caller <- Callers],
    {ok, [1]} = warpbeam_instance:call(P, "next", [], 2000),
    ok = warpbeam_instance:stop(P).

failing_handler_test() ->
    {_, P} = start(#{handler => fun(_, _, _) -> error(oops) end}),
    {error, #{kind := handler_failed}} = warpbeam_instance:call(P, "ask", [1]),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    ok = warpbeam_instance:stop(P).

reentry_test() ->
    {_, P} = start(#{handler => fun(_, _, [0], _) -> {ok, [0]};
                                   (_, _, [N], I) -> warpbeam:call(I, "ask", [N - 1], fun(_, _, [M]) -> {ok, [M * 10]} end)
                                end}),
    {ok, [40]} = warpbeam_instance:call(P, "ask", [5]),
    ok = warpbeam_instance:stop(P).

snapshot_test() ->
    {M, P} = start(#{}),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    {ok, Bytes} = warpbeam_instance:snapshot(P),
    {ok, Q} = warpbeam_instance:start_link(M, #{snapshot => Bytes}),
    {ok, [2]} = warpbeam_instance:call(Q, "next", []),
    {ok, [2]} = warpbeam_instance:call(P, "next", []),
    process_flag(trap_exit, true),
    {error, #{kind := malformed}} = warpbeam_instance:start_link(M, #{snapshot => <<"none">>}),
    receive {'EXIT', _, #{kind := malformed}} -> ok end,
    process_flag(trap_exit, false),
    [ok = warpbeam_instance:stop(One) || One <- [P, Q]].
