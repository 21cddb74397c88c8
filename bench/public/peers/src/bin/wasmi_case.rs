//! The same in wasmi.

use public_peers::{expect, fail, run, Engine, Number, Type};
use wasmi::{Config, Instance, Linker, Memory, Module, Store, Val};

struct Wasmi {
    store: Store<()>,
    instance: Instance,
}

impl Wasmi {
    fn new(bytes: &[u8]) -> Self {
        let mut config = Config::default();
        // As Warpbeam's first round, its own compiles nothing.
        config.compilation_mode(wasmi::CompilationMode::Eager);
        let engine = wasmi::Engine::new(&config);
        let module = expect(Module::new(&engine, bytes), "module");
        let mut store = Store::new(&engine, ());
        let instance = expect(Linker::new(&engine).instantiate_and_start(&mut store, &module), "instance");
        Self { store, instance }
    }

    fn memory(&self) -> Memory {
        self.instance.get_memory(&self.store, "memory").unwrap_or_else(|| fail("no export", "memory"))
    }
}

impl Engine for Wasmi {
    fn call(&mut self, name: &str, argument: Option<Number>, result: Option<Type>) -> Option<Number> {
        let function = self.instance.get_func(&self.store, name).unwrap_or_else(|| fail("no export", name));
        let arguments: Vec<Val> = argument
            .map(|number| match number {
                Number::I32(value) => Val::I32(value),
                Number::I64(value) => Val::I64(value),
                Number::F64(value) => Val::F64(value.into()),
            })
            .into_iter()
            .collect();
        let mut results: Vec<Val> = result.iter().map(|_| Val::I32(0)).collect();
        expect(function.call(&mut self.store, &arguments, &mut results), name);
        results.first().map(|value| match value {
            Val::I32(value) => Number::I32(*value),
            Val::I64(value) => Number::I64(*value),
            Val::F64(value) => Number::F64((*value).into()),
            other => fail("no number", format!("{other:?}")),
        })
    }

    fn write(&mut self, address: usize, bytes: &[u8]) {
        expect(self.memory().write(&mut self.store, address, bytes), "write");
    }

    fn read(&mut self, address: usize, bytes: &mut [u8]) {
        expect(self.memory().read(&self.store, address, bytes), "read");
    }
}

fn main() {
    run(Wasmi::new);
}
