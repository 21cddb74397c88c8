//! The interpreter of wasmtime.

fn main() {
    let mut config = wasmtime::Config::new();
    public_peers::expect(config.target("pulley64"), "pulley64");
    public_peers::wasmtime::run_with(&config);
}
