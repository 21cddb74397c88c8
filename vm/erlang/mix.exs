defmodule Warpbeam.MixProject do
  use Mix.Project

  def project do
    [
      app: :warpbeam,
      version: "0.1.0",
      language: :erlang,
      erlc_options: [:debug_info, :warnings_as_errors],
      compilers: [:native | Mix.compilers()],
      deps: []
    ]
  end

  def application, do: [extra_applications: []]
end

defmodule Mix.Tasks.Compile.Native do
  @moduledoc "Builds the native functions."
  use Mix.Task.Compiler

  def run(_arguments) do
    case Mix.shell().cmd("sh native/build.sh") do
      0 -> {:ok, []}
      _ -> {:error, []}
    end
  end
end
