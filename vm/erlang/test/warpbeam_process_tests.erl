%% Where handlers run, interleaved calls, hibernation, events, and what callers must not do.
-module(warpbeam_process_tests).
-include_lib("eunit/include/eunit.hrl").
-export([module/0]).

module() ->
    {ok, M} = warpbeam:load("(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))
        (global $n (mut i32) (i32.const 0)) (memory (export \"memory\") 1)
        (func (export \"next\") (result i32) (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0))
        (func (export \"ask\") (param i32) (result i32) (call $ask (local.get 0)))
        (func (export \"ask_twice\") (param i32) (result i32) (i32.add (call $ask (local.get 0)) (call $ask (local.get 0))))
        (func (export \"count\") (param i64) (result i64) (local $n i64)
            (loop $l (local.set $n (i64.add (local.get $n) (i64.const 1)))
                (br_if $l (i64.lt_u (local.get $n) (local.get 0))))
            (local.get $n))
        (func (export \"trap\") unreachable)
        (global $go (export \"go\") (mut i32) (i32.const 0))
        (func (export \"until_released\") (param i64) (result i64)
            (loop $l (br_if $l (i32.eqz (global.get $go))))
            (local.get 0))
        (func (export \"fill\") (param $pages i32) (param $byte i32)
            (drop (memory.grow (i32.sub (local.get $pages) (memory.size))))
            (memory.fill (i32.const 0) (local.get $byte) (i32.shl (local.get $pages) (i32.const 16)))))"),
    M.

start(Options) ->
    {ok, Pid} = warpbeam_instance:start_link(module(), Options),
    Pid.

handlers_test_() ->
    Self = self(),
    Where = fun(_, _, [N]) -> Self ! {ran_in, self()}, {ok, [N + 1]} end,
    Ran = fun() -> receive {ran_in, Pid} -> Pid after 5000 -> error(late) end end,
    [fun() ->
             P = start(#{}),
             {ok, [8]} = warpbeam_instance:call(P, "ask", [7], #{handler => Where}),
             Self = Ran(),
             {error, #{kind := trap}} = warpbeam_instance:call(P, "ask", [7]),
             {error, #{kind := trap, message := <<"no">>}} =
                 warpbeam_instance:call(P, "ask", [7], #{handler => fun(_, _, _) -> {error, "no"} end}),
             ?assertError(oops, warpbeam_instance:call(P, "ask", [7], #{handler => fun(_, _, _) -> error(oops) end})),
             {ok, [1]} = warpbeam_instance:call(P, "next", []), % the call has ended
             ok = warpbeam_instance:stop(P)
     end,
     fun() -> % many callers, each with a handler of its own
             P = start(#{interleave => 8}),
             [spawn(fun() ->
                            Answer = warpbeam_instance:call(P, "ask_twice", [N], #{handler => fun(_, _, [M]) -> {ok, [M * N]} end}),
                            Self ! {N, Answer}
                    end) || N <- lists:seq(1, 40)],
             [receive {N, {ok, [Sum]}} -> ?assertEqual(2 * N * N, Sum) after 5000 -> error(late) end || N <- lists:seq(1, 40)],
             ok = warpbeam_instance:stop(P)
     end,
     fun() -> % a pool runs no more handlers at once than it has room for
             Count = atomics:new(2, []),
             Handler = fun(_, _, [N]) ->
                               Now = atomics:add_get(Count, 1, 1),
                               atomics:put(Count, 2, max(Now, atomics:get(Count, 2))),
                               timer:sleep(5),
                               atomics:sub(Count, 1, 1),
                               {ok, [N]}
                       end,
             P = start(#{handler => Handler, handler_in => {pool, 2}, interleave => 6}),
             [spawn(fun() -> Self ! {N, warpbeam_instance:call(P, "ask", [N])} end) || N <- lists:seq(1, 20)],
             [receive {N, {ok, [N]}} -> ok after 5000 -> error(late) end || N <- lists:seq(1, 20)],
             ?assertEqual(2, atomics:get(Count, 2)),
             ok = warpbeam_instance:stop(P)
     end,
     fun() -> % a failing handler in a pool
             P = start(#{handler => fun(_, _, _) -> exit(bad) end, handler_in => pool}),
             {error, #{kind := handler_failed}} = warpbeam_instance:call(P, "ask", [1]),
             {ok, [1]} = warpbeam_instance:call(P, "next", []),
             ok = warpbeam_instance:stop(P)
     end].

%% From a handler the instance is called again, at any depth, wherever the handler runs.
reentry_test_() ->
    Deep = fun(_, _, [0], _) -> {ok, [0]};
              (_, _, [N], Context) ->
                   Inner = fun(_, _, [M]) -> {ok, [M]} end,
                   {ok, [M]} = warpbeam_instance:reenter(Context, "ask", [N - 1], Inner),
                   {ok, [M + 10]}
           end,
    Down = fun Down(_, _, [0], _) -> {ok, [0]};
               Down(A, B, [N], Context) ->
                   {ok, [M]} = warpbeam_instance:reenter(Context, "ask", [N - 1],
                                                         fun(_, _, [K]) -> Down(A, B, [K], Context) end),
                   {ok, [M + 1]}
           end,
    [{Name, fun() ->
                    P = start(Options),
                    {ok, [14]} = warpbeam_instance:call(P, "ask", [5], Call),
                    ok = warpbeam_instance:stop(P)
            end} || {Name, Options, Call} <- [{"instance", #{handler => Deep}, #{}}, {"caller", #{}, #{handler => Deep}},
                                              {"pool", #{handler => Deep, handler_in => {pool, 1}}, #{}}]] ++
    [fun() ->
             P = start(Options),
             {ok, [10]} = warpbeam_instance:call(P, "ask", [10], Call),
             ok = warpbeam_instance:stop(P)
     end || {Options, Call} <- [{#{handler => Down}, #{}}, {#{}, #{handler => Down}}]].

with_instance_test() ->
    P = start(#{}),
    ok = warpbeam_instance:with_instance(P, fun(I) -> warpbeam:write(I, 0, "abc") end),
    {ok, <<"abc">>} = warpbeam_instance:with_instance(P, fun(I) -> warpbeam:read(I, 0, 3) end),
    {error, #{kind := handler_failed}} = warpbeam_instance:with_instance(P, fun(_) -> error(oops) end),
    {error, #{kind := bad_argument}} = warpbeam_instance:with_instance(P, foo),
    {error, #{kind := bad_argument}} = warpbeam_instance:call(P, "next", [], foo),
    {error, #{kind := bad_argument}} = warpbeam_instance:call(P, "next", [], -1),
    {error, #{kind := bad_argument}} = warpbeam_instance:call(P, "next", [], #{handler => foo}),
    {error, #{kind := bad_argument}} = gen_server:call(P, {request, foo, infinity, none}),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    ok = warpbeam_instance:stop(P),
    {error, #{kind := down, reason := noproc}} = warpbeam_instance:call(P, "next", []),
    {error, #{kind := down}} = warpbeam_instance:call(P, "next", [], #{handler => fun(_, _, _) -> {ok, []} end}),
    {error, #{kind := down}} = warpbeam_instance:call(not_registered, "next", []),
    {error, #{kind := down}} = warpbeam_instance:call({global, nobody}, "next", [], #{handler => fun(_, _, _) -> ok end}),
    ok = warpbeam_instance:stop(P).

hibernate_test_() ->
    {timeout, 60,
     fun() ->
             P = start(#{hibernate_after => 30}),
             {ok, [1]} = warpbeam_instance:call(P, "next", []),
             test_wait:until(fun() -> {ok, #{asleep := Asleep}} = warpbeam_instance:stats(P), Asleep end),
             {ok, [2]} = warpbeam_instance:call(P, "next", []),
             {ok, #{asleep := false, running := 0, waiting := 0}} = warpbeam_instance:stats(P),
             ok = warpbeam_instance:hibernate(P),
             {ok, #{asleep := true}} = warpbeam_instance:stats(P),
             {ok, _} = warpbeam_instance:snapshot(P),
             {ok, [3]} = warpbeam_instance:call(P, "next", []),
             spawn(fun() -> warpbeam_instance:call(P, "count", [1 bsl 40], infinity) end),
             test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 1 end),
             {error, #{kind := busy}} = warpbeam_instance:hibernate(P),
             ok = warpbeam_instance:stop(P)
     end}.

events_test() ->
    Self = self(),
    P = start(#{events => fun(Name, Measurements, Metadata) -> Self ! {event, Name, Measurements, Metadata} end,
                handler => fun(_, _, [N]) -> {ok, [N]} end}),
    {ok, [5]} = warpbeam_instance:call(P, "ask", [5]),
    {error, _} = warpbeam_instance:call(P, "trap", []),
    ok = warpbeam_instance:hibernate(P),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    Expect = fun(Name) ->
                     receive {event, [warpbeam | Name], Measurements, #{instance := P} = Metadata} -> {Measurements, Metadata}
                     after 5000 -> error({late, Name})
                     end
             end,
    {_, #{name := "ask"}} = Expect([call, start]),
    {#{duration := _}, #{module := <<"env">>, name := <<"ask">>}} = Expect([import]),
    {#{duration := _}, #{name := "ask", result := ok}} = Expect([call, stop]),
    {_, #{name := "trap"}} = Expect([call, start]),
    {_, #{result := trap}} = Expect([call, stop]),
    {#{bytes := _}, _} = Expect([hibernate]),
    {#{duration := _}, _} = Expect([restore]),
    ok = warpbeam_instance:stop(P),
    %% Whoever watches can't do harm.
    Q = start(#{events => fun(_, _, _) -> error(oops) end}),
    {ok, [1]} = warpbeam_instance:call(Q, "next", []),
    ok = warpbeam_instance:stop(Q).

%% What is not a request does no harm.
garbage_test() ->
    P = start(#{}),
    [P ! Message || Message <- [foo, replicate, tick, {timeout, make_ref(), idle}, {timeout, make_ref(), put},
                                {'DOWN', make_ref(), process, self(), killed}, {make_ref(), none, []},
                                {'$gen_cast', foo}, {{take_over, none, x, y}, foo}, [alias | make_ref()]]],
    [{error, #{kind := bad_argument}} = gen_server:call(P, Request)
     || Request <- [foo, {migrate, 1, 1}, {request, {apply, foo}, 1, none}, {request, {call, "next", []}, foo, none},
                    {request, {call, "ask", [1]}, 1000, foo}, {nested, "next", [], none},
                    {nested, make_ref(), "next", [], foo}]],
    {error, #{kind := usage}} = gen_server:call(P, {nested, foo, "next", [], none}),
    [{error, #{kind := bad_argument}} = Result
     || Result <- [warpbeam_instance:migrate(P, "node"), warpbeam_instance:migrate(P, node(), -1),
                   warpbeam_instance:with_instance(P, fun(_) -> ok end, foo)]],
    {error, #{kind := down}} = warpbeam_instance:call("no server", "next", [], #{handler => fun(_, _, _) -> {ok, []} end}),
    {error, #{kind := down}} = warpbeam_instance:call("no server", "next", []),
    [{error, #{kind := down}} = warpbeam_instance:call(Server, "next", [], Options)
     || Server <- [{via, no_module, x}, {x, 'nobody@nowhere'}, {global, x}, x],
        Options <- [#{}, #{handler => fun(_, _, _) -> {ok, []} end}]],
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    ok = warpbeam_instance:stop(P).

%% Also while the guest loops. The best of some, since other programs run on the machine.
stop_at_once_test() ->
    test_wait:takes(10_000, fun() ->
                                    P = start(#{}),
                                    spawn(fun() -> warpbeam_instance:call(P, "until_released", [1], infinity) end),
                                    test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 1 end),
                                    {Time, ok} = timer:tc(fun() -> warpbeam_instance:stop(P) end),
                                    Time
                            end).

%% A call ends in time wherever it is, and what answered it does, too.
late_test_() ->
    Handler = fun(_, _, [Self]) -> whereis(late) ! {handler, Self, self()}, timer:sleep(infinity) end,
    Ask = fun(Options) ->
                  P = start(Options),
                  {error, #{kind := timeout}} = warpbeam_instance:call(P, "ask", [1], 100),
                  Ran = receive {handler, 1, Pid} -> Pid after 5000 -> error(late) end,
                  test_wait:until(fun() -> not is_process_alive(Ran) end),
                  {ok, [1]} = warpbeam_instance:call(P, "next", []),
                  ok = warpbeam_instance:stop(P)
          end,
    {timeout, 60,
     fun() ->
             register(late, self()),
             [Ask(Options#{handler => Handler}) || Options <- [#{}, #{handler_in => {pool, 1}}, #{interleave => 2}]],
             %% One waits for another one that never ends; so does one for a handler, of which the pool has one.
             P = start(#{}),
             Loops = spawn(fun() -> warpbeam_instance:call(P, "count", [-1], infinity) end),
             test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 1 end),
             {error, #{kind := timeout}} = warpbeam_instance:call(P, "next", [], 50),
             {ok, #{waiting := 0}} = warpbeam_instance:stats(P),
             exit(Loops, kill),
             {ok, [1]} = warpbeam_instance:call(P, "next", [], 1 bsl 31 - 1),
             ok = warpbeam_instance:stop(P),
             unregister(late)
     end}.

%% Its time limit holds for what a handler calls meanwhile, and that ends with it.
late_reentry_test_() ->
    Handler = fun(_, _, [N], Context) ->
                      {error, _} = warpbeam_instance:reenter(Context, "count", [-1]),
                      {ok, [N]}
              end,
    Idle = fun(P) -> test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 0 end) end,
    [{timeout, 60,
      fun() ->
              P = start(Options),
              case warpbeam_instance:call(P, "ask", [1], Call#{timeout => 100}) of
                  {error, #{kind := timeout}} -> ok;
                  {ok, [1]} -> ok % the handler has seen the other call end, and just had the time to answer
              end,
              Idle(P),
              Caller = spawn(fun() -> warpbeam_instance:call(P, "ask", [1], Call#{timeout => infinity}) end),
              test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= Running end),
              exit(Caller, kill),
              Idle(P),
              {ok, [1]} = warpbeam_instance:call(P, "next", []),
              ok = warpbeam_instance:stop(P)
      end} || {Options, Call, Running} <- [{#{}, #{handler => Handler}, 2},
                                           {#{handler => Handler}, #{}, 1}, % it is the process of the call that calls
                                           {#{handler => Handler, handler_in => {pool, 1}}, #{}, 2},
                                           {#{handler => Handler, interleave => 4}, #{}, 2}]].

%% A context is worth nothing after its import.
late_context_test() ->
    Self = self(),
    P = start(#{}),
    Handler = fun(_, _, [N], Context) -> Self ! {context, Context}, {ok, [N]} end,
    {ok, [3]} = warpbeam_instance:call(P, "ask", [3], #{handler => Handler}),
    Context = receive {context, Known} -> Known end,
    {error, #{kind := usage, message := <<"the import of that context has been answered">>}} =
        warpbeam_instance:reenter(Context, "next", []),
    {ok, [1]} = warpbeam_instance:call(P, "next", []),
    ok = warpbeam_instance:stop(P).

%% A longer timeout than 24 days is no timeout at all: an error that says so, wherever one is given.
longest_test() ->
    {ok, M} = warpbeam:load("(module (func (export \"f\")))"),
    Longest = 1 bsl 31 - 1,
    {ok, I} = warpbeam:instantiate(M, #{timeout => Longest}),
    {ok, []} = warpbeam:call(I, "f", [], fun warpbeam:no_handler/3, #{timeout => Longest}),
    P = start(#{hibernate_after => Longest, replicate_every => Longest}),
    {ok, [1]} = warpbeam_instance:call(P, "next", [], Longest),
    ok = warpbeam_instance:with_instance(P, fun(_) -> ok end, Longest),
    [begin
         {error, #{kind := bad_argument, message := Message}} = Result,
         {match, _} = re:run(Message, "2147483647")
     end || Long <- [1 bsl 31, 1 bsl 32, 1 bsl 40, 1 bsl 62],
            Result <- [warpbeam:instantiate(M, #{timeout => Long}),
                       warpbeam:call(I, "f", [], fun warpbeam:no_handler/3, #{timeout => Long}),
                       warpbeam_instance:call(P, "next", [], Long),
                       warpbeam_instance:call(P, "next", [], #{timeout => Long, handler => fun(_, _, _) -> {ok, [1]} end}),
                       warpbeam_instance:with_instance(P, fun(_) -> ok end, Long),
                       warpbeam_instance:migrate(P, node(), Long),
                       warpbeam_instance:start_link(M, #{hibernate_after => Long}),
                       warpbeam_instance:start_link(M, #{replicate_every => Long})]],
    ok = warpbeam_instance:stop(P).

%% A handler that traps exits does not hold up the answer, and is gone soon.
trapping_handler_test() ->
    Self = self(),
    Handler = fun(_, _, [_]) ->
                      process_flag(trap_exit, true),
                      Self ! {handler, self()},
                      (fun Wait() -> receive _ -> Wait() end end)()
              end,
    [begin
         P = start(Options#{handler => Handler}),
         Begin = erlang:monotonic_time(millisecond),
         {error, #{kind := timeout}} = warpbeam_instance:call(P, "ask", [1], 100),
         ?assert(erlang:monotonic_time(millisecond) - Begin < 5000), % it was never
         Ran = receive {handler, Pid} -> Pid after 5000 -> error(late) end,
         test_wait:until(fun() -> not is_process_alive(Ran) end),
         {ok, [1]} = warpbeam_instance:call(P, "next", []),
         ok = warpbeam_instance:stop(P)
     end || Options <- [#{}, #{interleave => 2}, #{handler_in => {pool, 1}}]].

%% Calls of an instance that somebody has paused wait, and cost next to nothing meanwhile.
paused_test_() -> {timeout, 60, fun paused/0}.
paused() ->
    Self = self(),
    P = start(#{events => fun(Name, _, _) -> Self ! {event, Name} end}),
    Instance = warpbeam_instance:with_instance(P, fun(I) -> ok = warpbeam:pause(I), I end),
    spawn(fun() -> Self ! {answer, warpbeam_instance:call(P, "next", [], infinity)} end),
    test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 1 end),
    {reductions, Before} = process_info(P, reductions),
    timer:sleep(300),
    {reductions, After} = process_info(P, reductions),
    ?assert(After - Before < 20_000),
    receive {answer, Early} -> error(Early) after 0 -> ok end,
    Begun = fun Begun(N) -> receive {event, [warpbeam, call, start]} -> Begun(N + 1) after 0 -> N end end,
    ?assertEqual(2, Begun(0)), % the fun and the call
    %% It ends in its time, or with the instance.
    {error, #{kind := timeout}} = warpbeam_instance:call(P, "next", [], 100),
    ok = warpbeam:unpause(Instance),
    receive {answer, {ok, [1]}} -> ok after 10_000 -> error(late) end,
    %% In the middle of its code, too.
    spawn(fun() -> Self ! {answer, warpbeam_instance:call(P, "until_released", [1], infinity)} end),
    test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 1 end),
    ok = warpbeam:pause(Instance),
    ok = warpbeam:set_global(Instance, "go", 1),
    timer:sleep(30),
    receive {answer, Soon} -> error(Soon) after 0 -> ok end,
    ok = warpbeam:unpause(Instance),
    receive {answer, {ok, [1]}} -> ok after 10_000 -> error(late) end,
    ok = warpbeam:pause(Instance),
    spawn(fun() -> Self ! {answer, warpbeam_instance:call(P, "next", [], infinity)} end),
    test_wait:until(fun() -> {ok, #{running := N}} = warpbeam_instance:stats(P), N =:= 1 end),
    ok = warpbeam_instance:stop(P),
    receive {answer, {error, #{kind := stopped}}} -> ok after 10_000 -> error(late) end.

%% A pool ends with its instance, and so do the handlers that run in it.
pool_ends_test() ->
    register(late, self()),
    P = start(#{handler_in => pool, handler => fun(_, _, _) -> late ! {handler, self()}, timer:sleep(infinity) end}),
    {links, Links} = process_info(P, links),
    [Pool] = Links -- [self()],
    spawn(fun() -> warpbeam_instance:call(P, "ask", [1], infinity) end),
    Handler = receive {handler, Pid} -> Pid after 5000 -> error(late) end,
    ok = warpbeam_instance:stop(P),
    test_wait:until(fun() -> not (is_process_alive(Pool) orelse is_process_alive(Handler)) end),
    unregister(late).
