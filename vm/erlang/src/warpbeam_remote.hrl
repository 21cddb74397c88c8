%% What is in another process of the operating system.
-record(warpbeam_remote, {
    kind :: module | instance | call | reference,
    server :: warpbeam_port:server(),
    incarnation :: integer(), % which process of the server it was
    reference :: reference() | undefined, % by which that knows it
    instance = none :: reference() | none, % the instance that it belongs to
    guard = none :: reference() | none, % gives it back when nothing refers to it any more
    deadline = none :: atomics:atomics_ref() | none, % of a call: when its time is over
    timeout = infinity :: timeout(), % milliseconds of each call of an instance
    load = none :: {binary(), map()} | none % of a module: how to load it again
}).
