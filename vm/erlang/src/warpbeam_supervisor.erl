%% @doc A supervisor of one instance, as an example of the parts: it keeps the state of the instance in a replica beside it,
%% and when the guest traps, or its process ends otherwise, starts it again with its last state.
-module(warpbeam_supervisor).
-behaviour(supervisor).
-export([start_link/3, instance/1, call/4]).
-export([init/1]).

%% @doc Starts it. The name is that of the replica, and stands for the instance here.
-spec start_link(atom(), warpbeam:module_ref(), warpbeam_instance:options()) -> supervisor:startlink_ret().
start_link(Name, Module, Options) -> supervisor:start_link(?MODULE, {Name, Module, Options}).

%% @doc The process of the instance, until it is started again.
-spec instance(atom()) -> {ok, pid()} | warpbeam:error().
instance(Name) -> warpbeam_replica:instance(Name, instance).

%% @doc Calls the instance.
-spec call(atom(), warpbeam:callee(), [warpbeam:value()], timeout() | warpbeam_instance:call_options()) ->
          {ok, [warpbeam:value()]} | warpbeam:error().
call(Name, Function, Arguments, Options) ->
    case instance(Name) of
        {ok, Pid} -> warpbeam_instance:call(Pid, Function, Arguments, Options);
        Error -> Error
    end.

%% @private
init({Name, Module, Options}) ->
    Replica = #{id => replica, start => {warpbeam_replica, start_link, [#{name => {local, Name}}]}},
    %% Not `permanent': an instance that was stopped, or has moved to another node, has ended here.
    Instance = #{id => instance, restart => transient,
                 start => {warpbeam_instance, start_link,
                           [Module, Options#{replica => {Name, instance}, crash_on_trap => true}]}},
    {ok, {#{strategy => one_for_one, intensity => 10, period => 10}, [Replica, Instance]}}.
