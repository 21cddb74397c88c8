%% For what other processes do at their own pace.
-module(test_wait).
-export([until/1, takes/2]).

%% Returns when the condition holds; fails if that takes more than ten seconds.
until(Condition) -> until(Condition, 1000).

until(Condition, Left) ->
    case Condition() of
        true -> ok;
        false when Left > 0 -> timer:sleep(10), until(Condition, Left - 1);
        false -> error(late)
    end.

%% Fails unless the fun, which measures microseconds, meets the limit: a busy machine may be late, but not ten times.
takes(Limit, Measure) -> takes(Limit, Measure, 10, infinity).

takes(Limit, _Measure, 0, Least) -> error({limit, Limit, least, Least});
takes(Limit, Measure, Left, Least) ->
    case Measure() of
        Time when Time < Limit -> ok;
        Time -> takes(Limit, Measure, Left - 1, min(Time, Least))
    end.
