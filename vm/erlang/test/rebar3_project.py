#!/usr/bin/env python3
"""Builds and tests the application with rebar3, and a project that depends on it; and the same with mix, if it is there.

    rebar3_project.py SOURCE_FOLDER BUILD_FOLDER WORK_FOLDER

SOURCE_FOLDER is vm/erlang, BUILD_FOLDER a build folder with the native functions. What is built goes to WORK_FOLDER.
No network is used.
"""
import os
import re
import shutil
import subprocess
import sys

REBAR_CONFIG = """{deps, [warpbeam]}.
{erl_opts, [warnings_as_errors]}.
"""
APP = """{application, plugin, [{vsn, "1.0.0"}, {applications, [kernel, stdlib, warpbeam]}]}.
"""
MODULE = """-module(plugin).
-export([square/1]).
-include_lib("eunit/include/eunit.hrl").

square(N) ->
    {ok, Module} = warpbeam:load("(module (func (export \\"square\\") (param i32) (result i32)
                                    (i32.mul (local.get 0) (local.get 0))))"),
    {ok, Instance} = warpbeam:instantiate(Module),
    warpbeam:call(Instance, "square", [N]).

square_test() -> ?assertEqual({ok, [49]}, square(7)).
"""
MIX = """defmodule Plugin.MixProject do
  use Mix.Project
  def project, do: [app: :plugin, version: "1.0.0", deps: [{:warpbeam, path: "%s"}]]
end
"""
ELIXIR = """defmodule Plugin do
  def square(n) do
    {:ok, m} = :warpbeam.load("(module (func (export \\"square\\") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))))")
    {:ok, i} = :warpbeam.instantiate(m)
    :warpbeam.call(i, "square", [n])
  end
end
"""

passed = failed = 0


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def check(folder, command, wanted="", unwanted=None):
    """Runs a command, which must succeed, print something, and not print something else."""
    global passed, failed
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    right = ran.returncode == 0 and re.search(wanted, ran.stdout) and not (unwanted and re.search(unwanted, ran.stdout))
    passed, failed = passed + bool(right), failed + (not right)
    if not right:
        # EUnit says what failed near the end; a log that is cut after some lines would not show it.
        failures = re.search(r"Failures:.*", ran.stdout, re.DOTALL)
        print(f"FAILED: {' '.join(command)} in {folder} (status {ran.returncode})\n{failures[0] if failures else ran.stdout}")


def main():
    source, build, work = (os.path.abspath(argument) for argument in sys.argv[1:])
    os.environ.update(WARPBEAM_BUILD=build, REBAR_COLOR="none", MIX_ENV="prod", LC_ALL="C.UTF-8")
    shutil.rmtree(work, ignore_errors=True)
    application = os.path.join(work, "warpbeam")
    os.makedirs(application)
    for name in ("src", "test", "native"):
        shutil.copytree(os.path.join(source, name), os.path.join(application, name))
    for name in ("rebar.config", "mix.exs"):
        shutil.copy(os.path.join(source, name), application)
    check(application, ["rebar3", "compile"], "Compiling warpbeam", "(?i)warning")
    check(application, ["rebar3", "eunit", "--module=warpbeam_tests,warpbeam_memory_tests,warpbeam_port_tests"], r"[1-9]\d* tests, 0 failures")
    check(application, ["rebar3", "edoc"], "Running edoc", "(?i)warning|error")

    project = os.path.join(work, "plugin")
    write(project, "rebar.config", REBAR_CONFIG)
    write(project, "src/plugin.app.src", APP)
    write(project, "src/plugin.erl", MODULE)
    os.makedirs(os.path.join(project, "_checkouts"))
    os.symlink(application, os.path.join(project, "_checkouts", "warpbeam"))
    check(project, ["rebar3", "eunit"], r"1 tests?, 0 failures|Test passed")

    if shutil.which("mix"):
        project = os.path.join(work, "mix_plugin")
        write(project, "mix.exs", MIX % application)
        write(project, "lib/plugin.ex", ELIXIR)
        check(project, ["mix", "run", "-e", "IO.inspect(Plugin.square(7), charlists: :as_lists)"], r"\{:ok, \[49\]\}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
