%% Calls with stacks of their own in the guest's memory.
-module(warpbeam_stacks_tests).
-include_lib("eunit/include/eunit.hrl").

%% As a C compiler makes them: `f' keeps its argument in a frame below the stack pointer while it asks. There is room for
%% some 30 blocks of 2 KiB, which are used again.
module() ->
    {ok, M} = warpbeam:load("(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))
        (memory (export \"memory\") 2)
        (global $sp (mut i32) (i32.const 65536))
        (export \"__stack_pointer\" (global $sp))
        (global $fresh (mut i32) (i32.const 66000)) (global $free (mut i32) (i32.const 0))
        (global $live (export \"live\") (mut i32) (i32.const 0))
        (func (export \"malloc\") (param $size i32) (result i32) (local $block i32)
            (local.set $block (global.get $free))
            (if (local.get $block)
                (then (global.set $free (i32.load (local.get $block))))
                (else
                    (local.set $block (global.get $fresh))
                    (if (i32.gt_u (i32.add (local.get $block) (local.get $size)) (i32.const 131072)) (then (return (i32.const 0))))
                    (global.set $fresh (i32.add (local.get $block) (local.get $size)))))
            (global.set $live (i32.add (global.get $live) (i32.const 1)))
            (local.get $block))
        (func (export \"free\") (param $block i32)
            (i32.store (local.get $block) (global.get $free))
            (global.set $free (local.get $block))
            (global.set $live (i32.sub (global.get $live) (i32.const 1))))
        (func (export \"f\") (param $n i32) (result i32) (local $frame i32)
            (global.set $sp (local.tee $frame (i32.sub (global.get $sp) (i32.const 16))))
            (i32.store (local.get $frame) (local.get $n))
            (i32.store offset=4 (local.get $frame) (call $ask (local.get $n)))
            (global.set $sp (i32.add (local.get $frame) (i32.const 16)))
            (i32.add (i32.load (local.get $frame)) (i32.load offset=4 (local.get $frame)))))"),
    M.

waiting(I, Count) ->
    [begin
         {import, Call, <<"env">>, <<"ask">>, [N]} = warpbeam:start_call(I, "f", [N]),
         {N, Call}
     end || N <- lists:seq(1, Count)].

shuffled(List) -> [Each || {_, Each} <- lists:sort([{erlang:phash2(Each, 1000), Each} || Each <- List])].

any_order_test() ->
    M = module(),
    {ok, Shared} = warpbeam:instantiate(M),
    [{1, First}, {2, _}] = waiting(Shared, 2),
    {error, #{kind := usage}} = warpbeam:continue(First, [10]), % without stacks, the last one must end first
    {ok, I} = warpbeam:instantiate(M, #{stacks => 2000}),
    [begin
         Calls = waiting(I, 20),
         [{ok, [Sum]} = warpbeam:continue(Call, [1000 * N]) || {N, Call} <- shuffled(Calls), Sum <- [1001 * N]]
     end || _ <- [1, 2, 3]],
    {ok, 20} = warpbeam:global(I, "live"), % kept for the next calls
    {ok, Bytes} = warpbeam:snapshot(I),
    {ok, 0} = warpbeam:global(I, "live"), % and given back when no call needs them
    {ok, 65536} = warpbeam:global(I, "__stack_pointer"),
    {ok, Again, []} = warpbeam:restore(M, Bytes, #{stacks => 2000}),
    {ok, 0} = warpbeam:global(Again, "live").

snapshot_test() ->
    M = module(),
    {ok, I} = warpbeam:instantiate(M, #{stacks => 2000}),
    Calls = [_, {2, Ended}, _, _] = waiting(I, 4),
    {ok, [22]} = warpbeam:continue(Ended, [20]),
    Left = [Call || {N, Call} <- Calls, N =/= 2],
    {ok, Bytes} = warpbeam:snapshot(I, Left),
    End = fun(Requests) ->
                  [{ok, [Sum]} = warpbeam:continue(Call, [N * 10])
                   || {import, Call, _, _, [N]} <- shuffled(Requests), Sum <- [N * 11]]
          end,
    {ok, Copy, Requests} = warpbeam:restore(M, Bytes, #{stacks => 2000}),
    [[1], [3], [4]] = [Arguments || {import, _, _, _, Arguments} <- Requests],
    End(Requests),
    %% The stacks that they had are used by later calls, but for the one that was free.
    {ok, 4} = warpbeam:global(Copy, "live"),
    [{1, C1}, {2, C2}, {3, C3}] = waiting(Copy, 3),
    {ok, 4} = warpbeam:global(Copy, "live"),
    [{ok, [N]} = warpbeam:continue(Call, [0]) || {N, Call} <- [{2, C2}, {1, C1}, {3, C3}]],
    {ok, Forked, Others} = warpbeam:fork(I, Left),
    End(Others),
    {ok, [5]} = warpbeam:call(Forked, "f", [5], fun(_, _, _) -> {ok, [0]} end).

refusals_test() ->
    M = module(),
    {ok, I} = warpbeam:instantiate(M, #{stacks => 40_000}),
    [{1, Call}] = waiting(I, 1),
    {error, #{kind := out_of_memory}} = warpbeam:start_call(I, "f", [2]), % the guest has no memory for another one
    {ok, [1]} = warpbeam:continue(Call, [0]),
    [{error, #{message := _}} = warpbeam:instantiate(M, #{stacks => Size}) || Size <- [-1, foo, 1.0, 1 bsl 70]],
    {ok, Large} = warpbeam:instantiate(M, #{stacks => (1 bsl 64) - 1}),
    {error, #{kind := bad_argument}} = warpbeam:start_call(Large, "f", [1]),
    {ok, Plain} = warpbeam:load("(module (memory (export \"memory\") 1) (func (export \"f\")))"),
    {ok, NoPointer} = warpbeam:instantiate(Plain, #{stacks => 1000}),
    {error, #{message := _}} = warpbeam:start_call(NoPointer, "f", []),
    %% An allocator that never ends is stopped.
    {ok, Endless} = warpbeam:load("(module (memory (export \"memory\") 1) (global (export \"__stack_pointer\") (mut i32) (i32.const 9999))
        (func (export \"malloc\") (param i32) (result i32) (loop $l (br $l)) unreachable) (func (export \"free\") (param i32))
        (func (export \"f\")))"),
    {ok, Looping} = warpbeam:instantiate(Endless, #{stacks => 1000}),
    {error, #{code := out_of_fuel}} = warpbeam:start_call(Looping, "f", []).

%% Calls of a process are interleaved while their handlers run, and go on in any order, also after it has slept.
interleaved_test_() ->
    {timeout, 60,
     fun() ->
             Running = atomics:new(2, []),
             Handler = fun(_, _, [N], Context) ->
                               Now = atomics:add_get(Running, 1, 1),
                               atomics:put(Running, 2, max(Now, atomics:get(Running, 2))),
                               timer:sleep(N * 7 rem 10),
                               atomics:sub(Running, 1, 1),
                               case N rem 5 of
                                   0 -> warpbeam_instance:reenter(Context, "f", [N div 5], fun(_, _, [M]) -> {ok, [M]} end);
                                   _ -> {ok, [N]}
                               end
                       end,
             {ok, P} = warpbeam_instance:start_link(module(), #{interleave => 8, handler => Handler, limits => #{stacks => 2000}}),
             Self = self(),
             Round = fun() ->
                             [spawn_link(fun() -> Self ! {N, warpbeam_instance:call(P, "f", [N])} end) || N <- lists:seq(1, 60)],
                             [receive
                                  {N, {ok, [Sum]}} ->
                                      ?assertEqual(case N rem 5 of 0 -> N + 2 * (N div 5); _ -> 2 * N end, Sum)
                              after 10_000 -> error(late)
                              end || N <- lists:seq(1, 60)]
                     end,
             [begin
                  Round(),
                  ok = warpbeam_instance:hibernate(P)
              end || _ <- [1, 2, 3]],
             ?assert(atomics:get(Running, 2) > 1),
             {ok, 0} = warpbeam_instance:with_instance(P, fun(I) -> warpbeam:global(I, "live") end),
             ok = warpbeam_instance:stop(P)
     end}.
