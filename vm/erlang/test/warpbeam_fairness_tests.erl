%% Other processes of the same scheduler have their turn while a single instruction works on much.
-module(warpbeam_fairness_tests).
-include_lib("eunit/include/eunit.hrl").

-define(MAX_LATE, 30). % milliseconds; each of these takes hundreds without an interrupt

module() ->
    {ok, Module} = warpbeam:load(
        "(module
           (memory 8192)
           (type $bytes (array (mut i8)))
           (type $list (struct (field $next (ref null $list)) (field i64)))
           (global $head (mut (ref null $list)) (ref.null $list))
           (global $made (mut (ref null $bytes)) (ref.null $bytes))
           (func (export \"fill\") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x20000000)))
           (func (export \"array\") (global.set $made (array.new $bytes (i32.const 1) (i32.const 400000000)))
             (global.set $made (ref.null $bytes)))
           (func (export \"grow_list\") (param i32)
             (loop $next
               (global.set $head (struct.new $list (global.get $head) (i64.const 1)))
               (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
           (func (export \"churn\") (param i32) (local (ref null $list))
             (loop $next
               (local.set 1 (struct.new $list (ref.null $list) (i64.const 1)))
               (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"),
    Module.

%% The longest time between two messages to itself of a process that does nothing else, in milliseconds, while a fun runs
%% in another one.
longest_pause(Fun) ->
    Watcher = self(),
    Pid = spawn_link(fun() -> Watcher ! {self(), begun}, Watcher ! {self(), Fun()} end),
    receive {Pid, begun} -> ok end,
    watch(Pid, erlang:monotonic_time(microsecond), 0).

watch(Pid, Last, Longest) ->
    receive {Pid, Result} -> {Longest / 1000, Result}
    after 1 ->
            Now = erlang:monotonic_time(microsecond),
            watch(Pid, Now, max(Longest, Now - Last))
    end.

%% A busy machine is late for other reasons, too, but not each time.
quiet(Limit, Fun) -> quiet(Limit, Fun, 5).
quiet(Limit, Fun, Tries) ->
    case longest_pause(Fun) of
        {Pause, Result} when Pause < Limit -> Result;
        {_Pause, _} when Tries > 1 -> quiet(Limit, Fun, Tries - 1);
        {Pause, _} -> error({paused_for, Pause, milliseconds})
    end.

%% Each time in a new instance: later, its memory is there, and its heap is known to be large.
single_instructions_let_others_run_test_() ->
    [{Name, {timeout, 120,
             fun() ->
                     Module = module(),
                     ok = quiet(?MAX_LATE, fun() ->
                                                   {ok, Instance} = warpbeam:instantiate(Module),
                                                   {ok, []} = warpbeam:call(Instance, Name, []),
                                                   warpbeam:stop(Instance)
                                           end)
             end}} || Name <- [<<"fill">>, <<"array">>]].

collections_let_others_run_test_() ->
    {timeout, 120,
     fun() ->
             {ok, Instance} = warpbeam:instantiate(module()),
             {ok, []} = warpbeam:call(Instance, <<"grow_list">>, [10000000]),
             %% Enough garbage for a collection; in many short calls, too.
             {ok, []} = quiet(?MAX_LATE, fun() -> warpbeam:call(Instance, <<"churn">>, [20000000]) end),
             ok = quiet(?MAX_LATE, fun() -> repeat(100000, fun() -> {ok, []} = warpbeam:call(Instance, <<"churn">>, [200]) end) end),
             ok = warpbeam:stop(Instance)
     end}.

repeat(0, _Fun) -> ok;
repeat(Count, Fun) ->
    Fun(),
    repeat(Count - 1, Fun).
