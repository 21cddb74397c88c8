//! The same in wasmtime, which has an interpreter and two compilers.

use crate::{expect, fail, run, Engine, Number, Type};
use wasmtime::{Config, Instance, Memory, Module, Store, Val};

struct Wasmtime {
    store: Store<()>,
    instance: Instance,
}

impl Wasmtime {
    fn new(config: &Config, bytes: &[u8]) -> Self {
        let engine = expect(wasmtime::Engine::new(config), "engine");
        let module = expect(Module::new(&engine, bytes), "module");
        let mut store = Store::new(&engine, ());
        let instance = expect(Instance::new(&mut store, &module, &[]), "instance");
        Self { store, instance }
    }

    fn memory(&mut self) -> Memory {
        self.instance.get_memory(&mut self.store, "memory").unwrap_or_else(|| fail("no export", "memory"))
    }
}

impl Engine for Wasmtime {
    fn call(&mut self, name: &str, argument: Option<Number>, result: Option<Type>) -> Option<Number> {
        let function = self.instance.get_func(&mut self.store, name).unwrap_or_else(|| fail("no export", name));
        let arguments: Vec<Val> = argument
            .map(|number| match number {
                Number::I32(value) => Val::I32(value),
                Number::I64(value) => Val::I64(value),
                Number::F64(value) => Val::F64(value.to_bits()),
            })
            .into_iter()
            .collect();
        let mut results: Vec<Val> = result.iter().map(|_| Val::I32(0)).collect();
        expect(function.call(&mut self.store, &arguments, &mut results), name);
        results.first().map(|value| match value {
            Val::I32(value) => Number::I32(*value),
            Val::I64(value) => Number::I64(*value),
            Val::F64(bits) => Number::F64(f64::from_bits(*bits)),
            other => fail("no number", format!("{other:?}")),
        })
    }

    fn write(&mut self, address: usize, bytes: &[u8]) {
        let memory = self.memory();
        expect(memory.write(&mut self.store, address, bytes), "write");
    }

    fn read(&mut self, address: usize, bytes: &mut [u8]) {
        let memory = self.memory();
        expect(memory.read(&self.store, address, bytes), "read");
    }
}

pub fn run_with(config: &Config) {
    run(|bytes| Wasmtime::new(config, bytes));
}
