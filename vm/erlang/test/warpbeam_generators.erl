%% @doc Random terms and guests for the property tests.
%%
%% A run with the same seed has the same cases: set `WARPBEAM_SEED' to the seed that a failure told, and
%% `WARPBEAM_CASES' to a factor, as 10.0, for more of them.
-module(warpbeam_generators).
-export([guest/0, limits/0, seed/0, cases/1, case_of/3, within/2, is_answer/1, term/1]).

-import(proper_types, [oneof/1, frequency/1, integer/0, integer/2, float/0, binary/0, bitstring/0, list/1, any/0,
                       tuple/1, bind/3]).

-define(LONGEST, 60_000). % how many milliseconds a case may take on a machine that is busy

%% @doc A guest that has something of everything. `ask' returns what it got plus what its import `f' answered.
guest() ->
    "(module
       (import \"env\" \"f\" (func $f (param i32) (result i32)))
       (import \"env\" \"g\" (func $g (param i32) (result i32)))
       (type $pair (struct (field (mut i32)) (field (mut externref))))
       (memory (export \"memory\") 1 4)
       (table (export \"t\") 2 10 funcref) (table (export \"x\") 2 10 externref)
       (global (export \"g\") (mut externref) (ref.null extern)) (global (export \"n\") (mut i64) (i64.const 1))
       (tag $e (export \"e\") (param i32)) (global $top (mut i32) (i32.const 4096))
       (elem declare func $ask)
       (func $ask (export \"ask\") (param i32) (result i32) (i32.add (local.get 0) (call $f (local.get 0))))
       (func (export \"nest\") (param i32) (result i32)
         (i32.sub (call $g (local.get 0)) (i32.sub (call $g (local.get 0)) (call $g (local.get 0)))))
       (func (export \"catch\") (param i32) (result i32)
         (block $h (result i32) (try_table (result i32) (catch $e $h) (call $g (local.get 0)))))
       (func (export \"func\") (result funcref) (ref.func $ask))
       (func (export \"pair\") (param externref) (result (ref $pair)) (struct.new $pair (i32.const 1) (local.get 0)))
       (func (export \"second\") (param (ref null $pair)) (result externref) (struct.get $pair 1 (local.get 0)))
       (func (export \"garbage\") (param i32) (loop $l
         (drop (struct.new $pair (local.get 0) (global.get 0)))
         (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
       (func $deep (export \"deep\") (param i32) (result i32) (if (result i32) (local.get 0)
         (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (call $g (i32.const 0)))))
       (func (export \"trap\") unreachable)
       (func (export \"values\") (param i32 i64 f32 f64 v128 externref) (result externref v128 f64 f32 i64 i32)
         (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
       (func (export \"malloc\") (param i32) (result i32) (local i32)
         (if (i32.gt_u (local.get 0) (i32.const 60000)) (then (return (i32.const 0))))
         (local.set 1 (global.get $top))
         (global.set $top (i32.and (i32.add (global.get $top) (local.get 0)) (i32.const 0xffff)))
         (local.get 1))
       (func (export \"free\") (param i32)))".

%% @doc So that no case takes much memory or time.
limits() -> #{memory => 1 bsl 20, heap => 1 bsl 20, stack => 1 bsl 18, tables => 1000, fuel => 10_000_000}.

seed() ->
    case os:getenv("WARPBEAM_SEED") of
        false -> erlang:unique_integer([positive]) bxor (erlang:system_time() band 16#ffffff);
        Text -> list_to_integer(Text)
    end.

%% @doc How many cases there are.
cases(Usual) -> ceil(Usual * list_to_float(os:getenv("WARPBEAM_CASES", "1.0"))).

%% @doc A term of a type: the one of this seed and number.
case_of(Type, Seed, N) ->
    {ok, Case} = proper_gen:pick(Type, 1 + N rem 30, {Seed, N, 17}),
    Case.

%% @doc What a fun returns or how it fails, in a process of its own; `hangs' if it takes too long.
within(Description, Fun) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({ended, try {value, Fun()} catch Class:Reason:Stack -> {Class, Reason, Stack} end}) end),
    receive
        {'DOWN', Monitor, process, Pid, {ended, Result}} -> Result;
        {'DOWN', Monitor, process, Pid, Reason} -> {killed, Reason}
    after ?LONGEST ->
            Where = process_info(Pid, current_stacktrace),
            exit(Pid, kill),
            {hangs, Description, Where}
    end.

%% @doc Whether a term is one that the functions return.
is_answer(ok) -> true;
is_answer({ok, _}) -> true;
is_answer({ok, _, Requests}) when is_list(Requests) -> lists:all(fun is_answer/1, Requests);
is_answer({ok, Kind, Bytes}) when is_atom(Kind), is_binary(Bytes) -> true;
is_answer({paused, _}) -> true;
is_answer({import, _, Module, Name, Arguments}) -> is_binary(Module) andalso is_binary(Name) andalso is_list(Arguments);
is_answer({wasi, _, _, Output, Error, _, _}) -> is_binary(Output) andalso is_binary(Error);
is_answer({error, #{kind := Kind, message := Message}}) -> is_atom(Kind) andalso is_binary(Message);
is_answer(_) -> false.

%% @doc Any term; often one of those given, or a term of which a part is.
term(Given) ->
    frequency([{6, oneof(Given)}, {3, any()}, {3, near()}, {1, tuple([near(), oneof(Given)])},
               {1, list(oneof(Given))}, {1, {table, oneof(Given), near()}}, {1, options(Given)}]).

near() ->
    oneof([integer(), integer(-10, 70000), float(), binary(), bitstring(), list(integer(0, 255)), [],
           <<>>, 0, 1, -1, 65535, 65536, 1 bsl 31, 1 bsl 32, 1 bsl 63, 1 bsl 64, -(1 bsl 63), -(1 bsl 64), 1 bsl 300,
           null, nan, '+inf', '-inf', new, infinity, none, 1.0e300, -0.0, {i31, 5}, {i31, 1 bsl 31}, <<1:128>>,
           [1 | 2], [<<1:3>>], ["a", [<<"b">> | <<"c">>]], binary:copy(<<"n">>, 70000), #{}, #{1 => 2},
           self(), make_ref(), fun() -> ok end, fun(_) -> ok end, fun(_, _, _) -> {ok, [1]} end,
           fun(_, _, _) -> {throw, <<"e">>, [1]} end, fun(_, _, _) -> other end, fun erlang:node/0]).

options(Given) ->
    Key = oneof([memory, heap, stack, tables, fuel, timeout, imports, wasi, deterministic, args, env, stdin, stdout, clock,
                 random, {<<"env">>, <<"f">>}]),
    bind(list({Key, oneof([near(), oneof(Given)])}), fun maps:from_list/1, false).
