%% An example: a supervisor whose instance goes on from its last acknowledged state when its guest traps, or its process
%% ends otherwise. The replica is on another node if the node may be lost, too.
-module(counter_sup).
-behaviour(supervisor).
-export([start_link/2, init/1]).

start_link(Module, Replica) -> supervisor:start_link(?MODULE, {Module, Replica}).

init({Module, Replica}) ->
    Options = #{name => {local, counter}, replica => {Replica, counter}, ack => replicated, crash_on_trap => true},
    %% Not `permanent': an instance that was stopped, or has moved to another node, has ended here.
    {ok, {#{strategy => one_for_one, intensity => 10, period => 10},
          [#{id => counter, restart => transient, start => {warpbeam_instance, start_link, [Module, Options]}}]}}.
