%% An example: a supervisor whose instance goes on from its last acknowledged state when its process crashes. The replica
%% is on another node if the node may be lost, too.
-module(counter_sup).
-behaviour(supervisor).
-export([start_link/2, init/1]).

start_link(Module, Replica) -> supervisor:start_link(?MODULE, {Module, Replica}).

init({Module, Replica}) ->
    Options = #{name => {local, counter}, replica => {Replica, counter}, ack => replicated},
    {ok, {#{strategy => one_for_one, intensity => 10, period => 10},
          [#{id => counter, start => {warpbeam_instance, start_link, [Module, Options]}}]}}.
