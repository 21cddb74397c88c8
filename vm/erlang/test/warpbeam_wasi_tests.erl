-module(warpbeam_wasi_tests).
-include_lib("eunit/include/eunit.hrl").

%% Functions that use WASI, each by itself; memory: iovec at 0, results at 16, text from 1,024.
guest() ->
    {ok, Module} = warpbeam:load("(module
        (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"poll_oneoff\" (func $poll (param i32 i32 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"clock_time_get\" (func $clock (param i32 i64 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"random_get\" (func $random (param i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"args_get\" (func $args (param i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"environ_get\" (func $environ (param i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"path_open\"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
        (import \"env\" \"f\" (func $f))
        (memory (export \"memory\") 2)
        (func $iovec (param i32) (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (local.get 0)))
        ;; Reads up to that many bytes; how many, or -1 less the error.
        (func $in (export \"read\") (param i32 i32) (result i32) (local $e i32)
            (call $iovec (local.get 1))
            (local.set $e (call $read (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (if (result i32) (local.get $e) (then (i32.sub (i32.const -1) (local.get $e)))
                (else (i32.load (i32.const 16)))))
        (func $out (export \"write\") (param i32 i32) (result i32)
            (call $iovec (local.get 1))
            (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)))
        ;; Copies standard input to output.
        (func $cat (export \"cat\") (local $n i32)
            (loop $l
                (local.set $n (call $in (i32.const 0) (i32.const 4096)))
                (if (i32.gt_s (local.get $n) (i32.const 0)) (then
                    (drop (call $out (i32.const 1) (local.get $n))) (br $l)))))
        (func (export \"flood\") (param i32)
            (memory.fill (i32.const 1024) (i32.const 120) (i32.const 1000))
            (loop $l
                (drop (call $out (i32.const 1) (i32.const 1000)))
                (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export \"sleep\") (param i64) (result i32)
            (memory.fill (i32.const 2048) (i32.const 0) (i32.const 48))
            (i32.store (i32.const 2064) (i32.const 1))
            (i64.store (i32.const 2072) (local.get 0))
            (call $poll (i32.const 2048) (i32.const 3072) (i32.const 1) (i32.const 16)))
        (func (export \"now\") (result i64) (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 16)))
            (i64.load (i32.const 16)))
        (func (export \"random\") (result i64) (drop (call $random (i32.const 16) (i32.const 8)))
            (i64.load (i32.const 16)))
        (func (export \"args\") (drop (call $args (i32.const 4096) (i32.const 1024))))
        (func (export \"environ\") (drop (call $environ (i32.const 4096) (i32.const 1024))))
        (func (export \"open\") (param $size i32) (param $flags i32) (result i32) (local $e i32)
            (local.set $e (call $open (i32.const 3) (i32.const 0) (i32.const 1024) (local.get $size) (local.get $flags)
                (select (i64.const 0x42) (i64.const 2) (local.get $flags)) (i64.const 0) (i32.const 0) (i32.const 16)))
            (if (result i32) (local.get $e) (then (i32.sub (i32.const -1) (local.get $e)))
                (else (i32.load (i32.const 16)))))
        (func (export \"ask_and_cat\") (call $f) (call $cat))
        (func (export \"_start\") (call $cat) (call $exit (i32.const 7))))"),
    Module.

instance(Wasi) ->
    {ok, Instance} = warpbeam:instantiate(guest(), #{wasi => Wasi}),
    Instance.

run(Wasi, Name, Args) ->
    I = instance(Wasi),
    {I, warpbeam:call(I, Name, Args)}.

collected_test_() ->
    [fun() ->
             {I, {ok, []}} = run(#{stdin => ["some ", <<"text">>]}, "cat", []),
             {ok, <<"some text">>} = warpbeam_wasi:output(I, stdout),
             {ok, <<>>} = warpbeam_wasi:output(I, stdout),
             {ok, <<>>} = warpbeam_wasi:output(I, stderr),
             {error, #{kind := bad_argument}} = warpbeam_wasi:output(I, stdin),
             ok = warpbeam:stop(I),
             {error, #{kind := stopped}} = warpbeam_wasi:output(I, stdout)
     end,
     ?_assertEqual({ok, #{status => 7, stdout => <<"abc">>, stderr => <<>>}},
                   warpbeam_wasi:run(guest(), #{stdin => "abc"})),
     ?_assertMatch({error, #{kind := out_of_fuel}},
                   warpbeam_wasi:run(guest(), #{stdin => binary:copy(<<"a">>, 100000), limits => #{fuel => 500}})),
     fun() -> % more than may be collected
             {I, {ok, []}} = run(#{output_limit => 2500}, "flood", [5]),
             {ok, Text} = warpbeam_wasi:output(I, stdout),
             2500 = byte_size(Text)
     end,
     fun() ->
             {ok, M} = warpbeam:load("(module)"),
             {ok, I} = warpbeam:instantiate(M),
             {error, #{kind := usage}} = warpbeam_wasi:output(I, stdout)
     end].

%% What a program says before it traps is what tells why.
trap_test() ->
    {ok, M} = warpbeam:load("(module
        (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export \"memory\") 1) (data (i32.const 0) \"\\08\\00\\00\\00\\05\\00\\00\\00why: \")
        (func (export \"_start\") (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100))) unreachable))"),
    {error, #{kind := trap, stdout := <<>>, stderr := <<"why: ">>}} = warpbeam_wasi:run(M),
    {error, #{kind := out_of_fuel, stderr := <<>>}} = warpbeam_wasi:run(M, #{limits => #{fuel => 0}}).

strings_test() ->
    I = instance(#{args => ["prog", <<"-x">>], env => #{"A" => "1"}}),
    {ok, []} = warpbeam:call(I, "args", []),
    {ok, <<"prog", 0, "-x", 0>>} = warpbeam:read(I, 1024, 8),
    {ok, []} = warpbeam:call(I, "environ", []),
    {ok, <<"A=1", 0>>} = warpbeam:read(I, 1024, 4).

%% Output that a process takes comes while the program runs, whole and in order; writing waits for it.
streams_test_() ->
    Self = self(),
    [fun() ->
             I = instance(#{stdout => fun(Bytes) -> self() ! {out, Bytes} end, output_limit => 4000}),
             {ok, []} = warpbeam:call(I, "flood", [5000]),
             ?assertEqual(5_000_000, taken(0))
     end,
     fun() ->
             {ok, File} = file:open(path("device"), [write]),
             {I, {ok, []}} = run(#{stdin => "to a device", stdout => {device, File}}, "cat", []),
             ok = file:close(File),
             {ok, <<"to a device">>} = file:read_file(path("device")),
             {ok, <<>>} = warpbeam_wasi:output(I, stdout)
     end,
     fun() ->
             ok = file:write_file(path("device"), <<"from\na device\n">>),
             {ok, File} = file:open(path("device"), [read, binary]),
             {I, {ok, []}} = run(#{stdin => {device, File}}, "cat", []),
             {ok, <<"from\na device\n">>} = warpbeam_wasi:output(I, stdout)
     end,
     fun() -> % input comes late, in pieces
             Input = fun(_) -> receive {input, Bytes} -> Bytes after 5 -> timeout end end,
             Self ! {input, <<"first ">>},
             spawn(fun() -> timer:sleep(30), Self ! {input, <<"second">>}, timer:sleep(10), Self ! {input, eof} end),
             {I, {ok, []}} = run(#{stdin => Input}, "cat", []),
             {ok, <<"first second">>} = warpbeam_wasi:output(I, stdout)
     end,
     {"a device that is gone is the end of input",
      fun() ->
              {Pid, Monitor} = spawn_monitor(fun() -> ok end),
              receive {'DOWN', Monitor, _, _, _} -> ok end,
              {_, {ok, []}} = run(#{stdin => {device, Pid}, stdout => {device, Pid}}, "cat", []),
              {_, {ok, []}} = run(#{stdin => {device, not_registered}}, "cat", [])
      end},
     {"a device on a node that this one does not know",
      fun() -> {_, {ok, []}} = run(#{stdin => "x", stdout => {device, {x, 'nobody@nowhere'}}}, "cat", []) end},
     {"the time limit holds while a device is silent",
      fun() ->
              Silent = spawn(fun() -> receive stop -> ok end end),
              I = instance(#{stdin => "x", stdout => {device, Silent}}),
              {error, #{kind := timeout}} =
                  warpbeam:call(I, "cat", [], fun warpbeam:no_handler/3, #{timeout => 100}),
              Silent ! stop
      end},
     ?_assertError(oops, run(#{stdin => fun(_) -> error(oops) end}, "cat", [])),
     ?_assertError(oops, run(#{stdin => "x", stdout => fun(_) -> error(oops) end}, "cat", [])),
     ?_assertMatch({_, {error, #{kind := bad_argument}}}, run(#{stdin => fun(_) -> foo end}, "cat", []))].

path(Name) ->
    Path = filename:join([filename:dirname(filename:dirname(code:which(?MODULE))), "files", Name]),
    ok = filelib:ensure_dir(Path),
    Path.

taken(Sum) ->
    receive {out, Bytes} -> true = byte_size(Bytes) =< 4000, taken(Sum + byte_size(Bytes))
    after 0 -> Sum
    end.

%% A program that sleeps or waits for input occupies nothing, and can be stopped.
waiting_test_() ->
    [fun() ->
             I = instance(#{}),
             {Time, {ok, [0]}} = timer:tc(fun() -> warpbeam:call(I, "sleep", [50_000_000]) end),
             ?assert(Time >= 50_000)
     end,
     fun() ->
             {Time, {error, #{kind := timeout}}} = timer:tc(fun() ->
                 warpbeam:call(instance(#{}), "sleep", [60_000_000_000], fun warpbeam:no_handler/3, #{timeout => 30}) end),
             ?assert(Time < 10_000_000)
     end,
     fun() ->
             I = instance(#{stdin => fun(Wait) -> timer:sleep(Wait), timeout end}),
             {Pid, Monitor} = spawn_monitor(fun() -> exit(warpbeam:call(I, "cat", [])) end),
             timer:sleep(20),
             ok = warpbeam:stop(I),
             receive {'DOWN', Monitor, process, Pid, {error, #{kind := stopped}}} -> ok after 5000 -> error(late) end
     end,
     fun() -> % many at once
             Self = self(),
             {ok, M} = {ok, guest()},
             [spawn(fun() ->
                            {ok, I} = warpbeam:instantiate(M, #{wasi => #{}}),
                            Self ! {N, warpbeam:call(I, "sleep", [40_000_000])}
                    end) || N <- lists:seq(1, 200)],
             [receive {N, {ok, [0]}} -> ok after 10_000 -> error(late) end || N <- lists:seq(1, 200)]
     end].

given_surroundings_test_() ->
    Numbers = fun() ->
                      I = instance(#{clock => {1000, 5}, random => 42}),
                      [element(2, warpbeam:call(I, Name, [])) || Name <- ["now", "now", "random", "random"]]
              end,
    [fun() -> % a clock that is given goes on by what a program sleeps, at once
             I = instance(#{clock => {1000, 5}}),
             {ok, [1000]} = warpbeam:call(I, "now", []),
             {Time, {ok, [0]}} = timer:tc(fun() -> warpbeam:call(I, "sleep", [3600_000_000_000]) end),
             ?assert(Time < 5_000_000),
             {ok, [Later]} = warpbeam:call(I, "now", []),
             ?assert(Later >= 3600_000_000_000)
     end,
     ?_assertEqual(Numbers(), Numbers()),
     ?_assertNotEqual(element(2, run(#{}, "random", [])), element(2, run(#{}, "random", [])))].

%% Gigabytes of random numbers take seconds, in which others run.
much_randomness_test_() -> {timeout, 60, fun much_randomness/0}.
much_randomness() ->
    {ok, M} = warpbeam:load("(module
        (import \"wasi_snapshot_preview1\" \"random_get\" (func $random (param i32 i32) (result i32)))
        (memory (export \"memory\") 4096)
        (func (export \"f\") (result i32) (call $random (i32.const 0) (i32.const 0x10000000))))"),
    {ok, I} = warpbeam:instantiate(M, #{wasi => #{}}),
    Before = erlang:system_monitor(self(), [{long_schedule, 500}]), % of all processes but this one
    try
        {Pid, Monitor} = spawn_monitor(fun() -> exit(warpbeam:call(I, "f", [])) end),
        receive {'DOWN', Monitor, _, _, Result} -> ?assertEqual({ok, [0]}, Result) end,
        {ok, Last} = warpbeam:read(I, 16#ffffff0, 16),
        ?assertNotEqual(<<0:128>>, Last),
        receive {monitor, Pid, long_schedule, Info} -> error({blocked, Info}) after 100 -> ok end
    after
        erlang:system_monitor(Before),
        warpbeam:stop(I)
    end.

directories_test_() ->
    Folder = filename:dirname(path("there")),
    ok = file:write_file(path("there"), "on disk"),
    _ = file:delete(path("written")),
    Open = fun(Directories, Path, Flags) ->
                   I = instance(#{directories => Directories}),
                   ok = warpbeam:write(I, 1024, Path),
                   {ok, [Fd]} = warpbeam:call(I, "open", [length(Path), Flags]),
                   {I, Fd}
           end,
    Read = fun(Directories, Path) ->
                   {I, Fd} = Open(Directories, Path, 0),
                   {ok, [Size]} = warpbeam:call(I, "read", [Fd, 100]),
                   {ok, Bytes} = warpbeam:read(I, 1024, Size),
                   Bytes
           end,
    [?_assertEqual(<<"on disk">>, Read([{"/", Folder, read_only}], "there")),
     ?_assertEqual(<<"in memory">>, Read([{"/", #{"a/b/c" => "in memory"}}], "a/b/c")),
     fun() ->
             {_, Fd} = Open([{"/", Folder, read_only}], "new", 1),
             ?assert(Fd < 0)
     end,
     fun() ->
             {I, Fd} = Open([{"/", Folder, scratch}], "scratched", 1),
             {ok, [0]} = warpbeam:call(I, "write", [Fd, 5]),
             {error, enoent} = file:read_file(filename:join(Folder, "scratched"))
     end,
     fun() ->
             {I, Fd} = Open([{"/", Folder}], "written", 1),
             ok = warpbeam:write(I, 1024, "hello"),
             {ok, [0]} = warpbeam:call(I, "write", [Fd, 5]),
             {ok, <<"hello">>} = file:read_file(filename:join(Folder, "written"))
     end,
     fun() ->
             {_, Fd} = Open([{"/", Folder}], "../warpbeam_wasi_tests.erl", 0),
             ?assert(Fd < 0)
     end].

wrong_options_test_() ->
    M = guest(),
    [?_assertMatch({error, #{kind := bad_argument, message := <<_, _/binary>>}}, warpbeam:instantiate(M, #{wasi => Wasi}))
     || Wasi <- [foo, [], #{foo => 1}, #{args => foo}, #{args => [foo]}, #{args => [<<"a", 0>>]}, #{args => ["a" | b]},
                 #{env => #{"a" => 1}}, #{env => [{"a"}]}, #{env => [a]}, #{directories => #{}}, #{directories => [{}]},
                 #{directories => [{"/", "/not/there"}]}, #{directories => [{"/", "/tmp", all}]},
                 #{directories => [{"", "/tmp"}]}, #{directories => [{"/", #{"../x" => "1"}}]},
                 #{directories => [{"/", #{"x" => 1}}]}, #{directories => [{"/", 5}]}, #{stdin => foo},
                 #{stdin => {device, 5}}, #{stdout => {device}}, #{stdout => fun() -> ok end}, #{stderr => here},
                 #{output_limit => -1}, #{output_limit => 1 bsl 70}, #{clock => 5}, #{clock => {1, -1}},
                 #{random => -1}, #{random => 1 bsl 64}]] ++
    [?_assertMatch({error, #{kind := bad_argument}}, warpbeam_wasi:run(M, Options)) || Options <- [foo, #{limits => 5}]] ++
    [?_assertMatch({error, #{kind := bad_argument}}, warpbeam_wasi:run(foo, #{}))].

%% A program is saved while it waits for input, with its descriptors and files, and goes on elsewhere.
snapshot_test() ->
    M = guest(),
    Wasi = #{directories => [{"/", #{"f" => "0123456789"}}], random => 1, clock => {7, 1}, stdin => <<"rest">>},
    {ok, I} = warpbeam:instantiate(M, #{wasi => Wasi}),
    ok = warpbeam:write(I, 1024, "f"),
    {ok, [Fd]} = warpbeam:call(I, "open", [1, 0]),
    {ok, [4]} = warpbeam:call(I, "read", [Fd, 4]),
    {import, Call, <<"env">>, <<"f">>, []} = warpbeam:start_call(I, "ask_and_cat", []),
    {ok, [8]} = warpbeam:call(I, "now", []) =:= {ok, [7]} andalso warpbeam:call(I, "now", []),
    {ok, Bytes} = warpbeam:snapshot(I, [Call]),
    Check = fun(Copy, Again) ->
                    {ok, []} = warpbeam:continue(Again, []),
                    {ok, <<"rest">>} = warpbeam_wasi:output(Copy, stdout),
                    {ok, [3]} = warpbeam:call(Copy, "read", [Fd, 3]),
                    {ok, <<"456">>} = warpbeam:read(Copy, 1024, 3),
                    {ok, [9]} = warpbeam:call(Copy, "now", [])
            end,
    {ok, Copy, [{import, Again, _, _, _}]} =
        warpbeam:restore(M, Bytes, #{wasi => Wasi#{stdin => <<>>, directories => [{"/", #{}}]}}),
    {ok, Forked, [{import, Other, _, _, _}]} = warpbeam:fork(I, [Call]),
    Check(Copy, Again),
    ok = warpbeam:stop(I),
    ok = warpbeam:stop(Copy),
    Check(Forked, Other),
    {error, #{kind := bad_argument}} = warpbeam:restore(M, Bytes),
    {error, #{kind := usage}} = warpbeam:restore(M, Bytes, #{wasi => #{}}),
    [{error, #{message := _}} = warpbeam:restore(M, binary:part(Bytes, 0, N), #{wasi => Wasi})
     || N <- lists:seq(0, 400)].

snapshot_while_waiting_test() ->
    M = guest(),
    Wasi = #{stdin => fun(_) -> timeout end},
    {ok, I} = warpbeam:instantiate(M, #{wasi => Wasi}),
    {wasi, Call, _, <<>>, <<>>, {true, infinity}, infinity} = warpbeam:start_call(I, "cat", []),
    {ok, Bytes} = warpbeam:snapshot(I, [Call]),
    {ok, Copy, [Request]} = warpbeam:restore(M, Bytes, #{wasi => #{stdin => "given later"}}),
    {ok, []} = warpbeam:answer(Request, fun warpbeam:no_handler/3),
    {ok, <<"given later">>} = warpbeam_wasi:output(Copy, stdout),
    {error, #{kind := bad_argument}} = warpbeam_native:resume(Call, foo),
    {ok, []} = warpbeam_native:resume(Call, eof),
    {error, #{kind := usage}} = warpbeam_native:resume(Call, eof).
