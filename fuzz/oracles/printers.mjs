// Prints and parses modules by WABT and Binaryen, which come from npm: node printers.mjs < JSON > JSON
//
// The input is a list of {binary (base64), text}: a module in both formats. The output has an object for each: for the
// engines that can read the binary format, `wabt.text` and `binaryen.text`, and for those that can read the text,
// `wabt.binary` and `binaryen.binary`.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

const require = createRequire(join(process.argv[2], 'package.json'));
const load = async name => (await import(pathToFileURL(require.resolve(name)))).default;
const wabt = await (await load('wabt'))();
const binaryen = await load('binaryen');

// Binaryen prints its errors, too.
console.error = console.warn = () => {};
const features = Object.fromEntries(Object.keys(wabt.FEATURES).map(name => [name, true]));
const base64 = bytes => Buffer.from(bytes).toString('base64');
const attempt = (found, key, make) => {
  try {
    found[key] = make();
  } catch (error) {
    found[key + ' error'] = String(error?.message ?? error).slice(0, 300);
  }
};

const answers = JSON.parse(readFileSync(0, 'utf8')).map(({binary, text}) => {
  const bytes = new Uint8Array(Buffer.from(binary, 'base64'));
  const found = {};
  attempt(found, 'wabt.text', () => {
    const module = wabt.readWasm(bytes, {...features, readDebugNames: true});
    module.applyNames();
    const printed = module.toText({foldExprs: bytes.length % 2 === 0});
    module.destroy();
    return printed;
  });
  attempt(found, 'wabt.binary', () => {
    const module = wabt.parseWat('module.wat', text, features);
    const {buffer} = module.toBinary({write_debug_names: true});
    module.destroy();
    return base64(buffer);
  });
  const binaryenModule = make => {
    const module = make();
    module.setFeatures(binaryen.Features.All);
    return module;
  };
  attempt(found, 'binaryen.text', () => {
    const module = binaryenModule(() => binaryen.readBinary(bytes, binaryen.Features.All));
    const printed = module.emitText();
    module.dispose();
    return printed;
  });
  attempt(found, 'binaryen.binary', () => {
    const module = binaryenModule(() => binaryen.parseText(text, binaryen.Features.All));
    const made = base64(module.emitBinary());
    module.dispose();
    return made;
  });
  return found;
});
const out = JSON.stringify(answers);
await new Promise(resolve => process.stdout.write(out, resolve));
process.exit(0);
