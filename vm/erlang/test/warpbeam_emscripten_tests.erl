%% Programs of Emscripten: longjmp and C++ exceptions, with pointers of 32 and of 64 bits.
-module(warpbeam_emscripten_tests).
-include_lib("eunit/include/eunit.hrl").

%% A module in which PTR is the type of pointers.
start(Text, Pointer) ->
    {ok, Module} = warpbeam:load(string:replace(iolist_to_binary(Text), "PTR", Pointer, all)),
    {ok, Instance} = warpbeam:instantiate(Module),
    {warpbeam_emscripten:program(Module), Instance}.

call({Program, Instance}, Name, Arguments) -> warpbeam_emscripten:call(Program, Instance, Name, Arguments).
call({Program, Instance}, Name, Arguments, Fun) -> warpbeam_emscripten:call(Program, Instance, Name, Arguments, Fun).

runtime() ->
    "(global $sp (mut PTR) (PTR.const 1000))
     (global $threw (mut PTR) (PTR.const 0)) (global $value (mut i32) (i32.const 0))
     (func (export \"emscripten_stack_get_current\") (result PTR) (global.get $sp))
     (func (export \"_emscripten_stack_restore\") (param PTR) (global.set $sp (local.get 0)))
     (func $set_threw (export \"setThrew\") (param PTR i32)
        (if (PTR.eqz (global.get $threw)) (then (global.set $threw (local.get 0)) (global.set $value (local.get 1)))))".

%% run(Index, Number): the result of that element of the table; what was said to setThrew; the stack pointer.
jumps() ->
    ["(module (import \"env\" \"invoke_ii\" (func $invoke (param PTR i32) (result i32)))
        (import \"env\" \"_emscripten_throw_longjmp\" (func $throw))
        (import \"host\" \"ask\" (func $ask (param i32) (result i32)))
        (import \"env\" \"invoke_v\" (func $invoke_v (param PTR))) (import \"env\" \"e\" (tag $e (param i32)))
        (import \"env\" \"invoke_dijf\" (func $invoke_many (param PTR i32 i64 f32) (result f64)))
        (table (export \"__indirect_function_table\") 8 funcref)
        (elem (i32.const 1) $jump $nested $throw $ask $error $many)", runtime(), "
        (func $longjmp (param PTR i32) (call $set_threw (local.get 0) (local.get 1)) (call $throw) (unreachable))
        (func $jump (param i32) (result i32)
            (global.set $sp (PTR.sub (global.get $sp) (PTR.const 100)))
            (if (i32.gt_s (local.get 0) (i32.const 9)) (then (call $longjmp (PTR.const 64) (local.get 0))))
            (if (i32.lt_s (local.get 0) (i32.const 0)) (then unreachable))
            (global.set $sp (PTR.add (global.get $sp) (PTR.const 100)))
            (i32.add (local.get 0) (i32.const 1)))
        (func $nested (param i32) (result i32)
            (global.set $sp (PTR.sub (global.get $sp) (PTR.const 50)))
            (local.set 0 (i32.add (call $invoke (PTR.const 1) (local.get 0)) (i32.const 1000)))
            (if (i32.eq (global.get $value) (i32.const 99)) (then (call $throw)))
            (global.set $sp (PTR.add (global.get $sp) (PTR.const 50)))
            (local.get 0))
        (tag $f (export \"f\") (param i32)) (tag $unknown (param i32))
        (func $error (param i32) (result i32)
            (if (i32.eq (local.get 0) (i32.const 8)) (then (throw $f (local.get 0))))
            (if (i32.eq (local.get 0) (i32.const 9)) (then (throw $unknown (local.get 0))))
            (throw $e (local.get 0)))
        (func $many (param i32 i64 f32) (result f64)
            (f64.add (f64.convert_i32_s (local.get 0))
                (f64.add (f64.convert_i64_s (local.get 1)) (f64.promote_f32 (local.get 2)))))
        (func $begin (global.set $threw (PTR.const 0)) (global.set $value (i32.const 0)))
        (func (export \"run\") (param PTR i32) (result i32 PTR i32 PTR)
            (call $begin)
            (call $invoke (local.get 0) (local.get 1)) (global.get $threw) (global.get $value) (global.get $sp))
        (func (export \"throw_itself\") (result PTR)
            (call $begin) (call $invoke_v (PTR.const 3)) (global.get $threw))
        (func (export \"catch\") (param i32) (result i32)
            (block $caught (result i32)
                (try_table (catch $e $caught) (catch $f $caught) (catch $unknown $caught)
                    (drop (call $invoke (PTR.const 5) (local.get 0))))
                (i32.const -1)))
        (func (export \"many\") (result f64)
            (call $invoke_many (PTR.const 6) (i32.const -1) (i64.const 10) (f32.const 0.5)))
        (func (export \"alone\") (call $throw)))"].

instantiated(Pointer) ->
    {ok, Module} = warpbeam:load(string:replace(iolist_to_binary(jumps()), "PTR", Pointer, all)),
    {ok, Instance} = warpbeam:instantiate(Module, #{imports => #{{<<"env">>, <<"e">>} => new}}),
    {warpbeam_emscripten:program(Module), Instance}.

longjmp_test_() ->
    [begin
         P = instantiated(Pointer),
         [?_assertEqual({ok, [6, 0, 0, 1000]}, call(P, "run", [1, 5])), % an ordinary call
          ?_assertEqual({ok, [0, 64, 42, 1000]}, call(P, "run", [1, 42])), % a longjmp, and the stack is as it was
          ?_assertEqual({ok, [1006, 0, 0, 1000]}, call(P, "run", [2, 5])),
          ?_assertEqual({ok, [1000, 64, 42, 1000]}, call(P, "run", [2, 42])), % only up to the inner call
          ?_assertEqual({ok, [0, 64, 99, 1000]}, call(P, "run", [2, 99])), % and through both
          ?_assertEqual({ok, [1]}, call(P, "throw_itself", [])), % the import as a function pointer
          ?_assertEqual({ok, [9.5]}, call(P, "many", [])),
          ?_assertEqual({ok, [7]}, call(P, "catch", [7])), % exceptions of WebAssembly go through
          ?_assertEqual({ok, [8]}, call(P, "catch", [8])),
          ?_assertMatch({error, #{kind := uncaught_exception}}, call(P, "catch", [9])), % unless their tag has no name
          ?_assertMatch({error, #{kind := uncaught_exception}}, call(P, "alone", [])),
          ?_assertMatch({error, #{kind := trap, code := unreachable}}, call(P, "run", [1, -1])), % so do traps
          ?_assertMatch({error, #{kind := trap, code := unreachable}}, call(P, "run", [2, -1])),
          ?_assertMatch({error, #{message := _}}, call(P, "run", [0, 1])), % null
          ?_assertMatch({error, #{message := _}}, call(P, "run", [8, 1])), % outside of the table
          ?_assertMatch({error, #{message := _}}, call(P, "run", [-1, 1])),
          ?_assertMatch({error, #{message := _}}, call(P, "run", [6, 1])), % of another type
          ?_assertMatch({error, #{kind := trap}}, call(P, "run", [4, 1])), % an import that nobody answers
          ?_assertEqual({ok, [10, 0, 0, 1000]},
                        call(P, "run", [4, 1], fun(<<"host">>, <<"ask">>, [A]) -> {ok, [A * 10]} end)),
          ?_assertError(oops, call(P, "run", [4, 1], fun(_, _, _) -> error(oops) end)),
          ?_assertEqual({ok, [6, 0, 0, 1000]}, call(P, "run", [1, 5]))] % after all of that
     end || Pointer <- ["i32", "i64"]].

%% Handlers with a state, which goes through all levels, and may end the call.
run_test_() ->
    {Program, Instance} = instantiated("i64"),
    Run = fun(Fun) -> warpbeam_emscripten:run(Program, Instance, "run", [4, 1], Fun, 0) end,
    [?_assertEqual({ok, [5, 0, 0, 1000], 1}, Run(fun(_, _, _, N) -> {ok, [5], N + 1} end)),
     ?_assertEqual({stop, why, 2}, Run(fun(_, _, _, _) -> {stop, why, 2} end)),
     ?_assertEqual({ok, [0, 1, 0, 1000], 3}, Run(fun(_, _, _, _) -> {unwind, "why", 3} end)),
     ?_assertMatch({error, #{kind := trap, message := <<"because">>}, 4},
                   Run(fun(_, _, _, _) -> {error, "because", 4} end)),
     ?_assertMatch({error, #{kind := bad_argument}, 5}, Run(fun(_, _, _, _) -> {ok, [], 5} end))].

%% try(Type): throws an object of the type and handles those of the type 10: the handler's result is what the object
%% holds. The type 11 is derived from it, 8 bytes further in the object; 20 is a pointer's; all else goes on.
exceptions() ->
    ["(module (import \"env\" \"invoke_vi\" (func $invoke_vi (param PTR i32)))
        (import \"env\" \"invoke_ii\" (func $invoke_ii (param PTR i32) (result i32)))
        (import \"env\" \"__cxa_throw\" (func $throw (param PTR PTR PTR)))
        (import \"env\" \"__cxa_rethrow\" (func $rethrow))
        (import \"env\" \"__cxa_find_matching_catch_2\" (func $find_2 (result PTR)))
        (import \"env\" \"__cxa_find_matching_catch_4\" (func $find_4 (param PTR PTR) (result PTR)))
        (import \"env\" \"__cxa_begin_catch\" (func $begin (param PTR) (result PTR)))
        (import \"env\" \"__cxa_end_catch\" (func $end))
        (import \"env\" \"__resumeException\" (func $resume (param PTR)))
        (import \"env\" \"__cxa_uncaught_exceptions\" (func $uncaught (result i32)))
        (import \"env\" \"llvm_eh_typeid_for\" (func $id (param PTR) (result i32)))
        (memory (export \"memory\") POINTER 1) (table (export \"__indirect_function_table\") 8 funcref)
        (elem (i32.const 1) $thrower $try $again)", runtime(), "
        (global $type (mut i32) (i32.const 0)) (global (export \"references\") (mut i32) (i32.const 0))
        (func (export \"_emscripten_tempret_set\") (param i32) (global.set $type (local.get 0)))
        (func (export \"__cxa_increment_exception_refcount\") (param PTR)
            (global.set 4 (i32.add (global.get 4) (i32.const 1))))
        (func (export \"__cxa_decrement_exception_refcount\") (param PTR)
            (global.set 4 (i32.sub (global.get 4) (i32.const 1))))
        (func (export \"__cxa_is_pointer_type\") (param PTR) (result i32) (PTR.eq (local.get 0) (PTR.const 20)))
        (func (export \"__cxa_can_catch\") (param PTR PTR PTR) (result i32)
            (if (i32.and (PTR.eq (local.get 0) (PTR.const 10)) (PTR.eq (local.get 1) (PTR.const 11)))
                (then
                    (PTR.store (local.get 2) (PTR.add (PTR.load (local.get 2)) (PTR.const 8)))
                    (return (i32.const 1))))
            (i32.const 0))
        (func $thrower (param i32) (if (local.get 0) (then
            (memory.fill (PTR.const 1952) (i32.const 0) (PTR.const 48)) ;; the header of a new object
            (i32.store (PTR.const 2000) (i32.const 111)) (i32.store (PTR.const 2008) (i32.const 222))
            (if (i32.eq (local.get 0) (i32.const 20)) (then (PTR.store (PTR.const 2000) (PTR.const 2008))))
            (call $throw (PTR.const 2000) (WIDE (local.get 0)) (PTR.const 0)))))
        (func $did_throw (result i32) (PTR.ne (PTR.const 0) (global.get $threw)) (global.set $threw (PTR.const 0)))
        (func $try (export \"try\") (param i32) (result i32) (local $thrown PTR)
            (call $invoke_vi (PTR.const 1) (local.get 0))
            (if (i32.eqz (call $did_throw)) (then (return (i32.const -1))))
            (local.set $thrown (call $find_4 (PTR.const 10) (PTR.const 20)))
            (if (i32.or (i32.eq (global.get $type) (call $id (PTR.const 10)))
                        (i32.eq (global.get $type) (i32.const 20)))
                (then (i32.add (i32.load (call $begin (local.get $thrown))) (i32.mul (call $uncaught) (i32.const 1000)))
                    (call $end) return))
            (call $resume (local.get $thrown)) (unreachable))
        (func $again (param i32) (result i32)
            (call $invoke_vi (PTR.const 1) (local.get 0))
            (drop (call $did_throw)) (drop (call $begin (call $find_2))) (call $rethrow) (unreachable))
        (func (export \"around\") (param PTR i32) (result i32 i32 i32)
            (call $invoke_ii (local.get 0) (local.get 1)) (call $did_throw)
            (call $find_2) (drop) (global.get $type))
        (func (export \"end\") (call $end)) (func (export \"rethrow\") (call $rethrow)))"].

exceptions_test_() ->
    [begin
         Text = string:replace(string:replace(iolist_to_binary(exceptions()), "POINTER", Pointer), "WIDE", Wide),
         {_, Instance} = P = start(Text, Pointer),
         [?_assertEqual({ok, [-1]}, call(P, "try", [0])),
          ?_assertEqual({ok, [111]}, call(P, "try", [10])),
          ?_assertEqual({ok, [222]}, call(P, "try", [11])), % as its base
          ?_assertEqual({ok, [222]}, call(P, "try", [20])), % what it points to
          ?_assertEqual({ok, [0]}, warpbeam:call(Instance, "emscripten_stack_get_current", []) =:= {ok, [1000]} andalso
                        warpbeam:global(Instance, "references") =:= {ok, 0} andalso {ok, [0]}),
          ?_assertMatch({error, #{kind := uncaught_exception, message := <<"nothing catches", _/binary>>}},
                        call(P, "try", [12])),
          ?_assertEqual({ok, [111, 0, 0]}, call(P, "around", [2, 10])),
          ?_assertEqual({ok, [0, 1, 12]}, call(P, "around", [2, 12])), % which nothing handles inside
          ?_assertEqual({ok, [0, 1, 10]}, call(P, "around", [3, 10])), % which is thrown again
          ?_assertMatch({error, #{kind := trap}}, call(P, "end", [])),
          ?_assertMatch({error, #{kind := trap}}, call(P, "rethrow", [])),
          ?_assertEqual({ok, [111]}, call(P, "try", [10]))]
     end || {Pointer, Wide} <- [{"i32", "i32.or (i32.const 0)"}, {"i64", "i64.extend_i32_u"}]].

memcpy_test_() ->
    [begin
         {_, Instance} = P = start("(module
             (import \"env\" \"_emscripten_memcpy_js\" (func $copy (param PTR PTR PTR)))
             (memory (export \"memory\") PTR 1 2) (data (PTR.const 10) \"text\")
             (func (export \"copy\") (param PTR PTR PTR)
                 (call $copy (local.get 0) (local.get 1) (local.get 2))))", Pointer),
         [?_assertEqual({ok, []}, call(P, "copy", [100, 10, 4])),
          ?_assertEqual({ok, <<"text">>}, warpbeam:read(Instance, 100, 4)),
          ?_assertMatch({error, #{message := _}}, call(P, "copy", [65533, 10, 4])),
          ?_assertMatch({error, #{message := _}}, call(P, "copy", [-4, 10, 4])),
          ?_assertMatch({error, #{message := _}}, call(P, "copy", [10, 0, -1])),
          % what a handler may answer
          ?_assertEqual({ok, [0.0]}, warpbeam_emscripten:answer(Instance, <<"emscripten_date_now">>, [])),
          ?_assertEqual({ok, [0]}, warpbeam_emscripten:answer(Instance, <<"__asyncjs__weavedrive_open">>, [1, 2])),
          ?_assertEqual({ok, []}, warpbeam_emscripten:answer(Instance, <<"_emscripten_memcpy_js">>, [104, 10, 4])),
          ?_assertEqual({ok, <<"texttext">>}, warpbeam:read(Instance, 100, 8)),
          ?_assertEqual({ok, [1]}, warpbeam_emscripten:answer(Instance, <<"emscripten_resize_heap">>, [65537])),
          ?_assertEqual({ok, 131072}, warpbeam:memory_size(Instance)),
          ?_assertEqual({ok, [0]}, warpbeam_emscripten:answer(Instance, <<"emscripten_resize_heap">>, [131073])),
          ?_assertEqual({ok, [0]}, warpbeam_emscripten:answer(Instance, <<"emscripten_resize_heap">>, [-1])),
          ?_assertMatch({error, _}, warpbeam_emscripten:answer(Instance, <<"_abort_js">>, [])),
          ?_assertMatch({error, _}, warpbeam_emscripten:answer(Instance, <<"unknown">>, []))]
     end || Pointer <- ["i32", "i64"]].
