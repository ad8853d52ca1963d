/** The part of WebAssembly used here, which Node's types lack. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Exports<Run> {
  readonly memory: Buffer;
  readonly run: Run;
}

/**
 * Starts a WebAssembly module that has a memory and one function.
 *
 * @param module its bytes in base64
 * @param name of the function
 * @returns undefined if the engine cannot run it
 */
export function startModule<Run>(module: string, name: string): Exports<Run> | undefined {
  try {
    const compiled = new WebAssembly.Module(Buffer.from(module, "base64"));
    const exports = new WebAssembly.Instance(compiled).exports as Record<string, Run> & {
      readonly memory: { readonly buffer: ArrayBuffer };
    };
    return { memory: Buffer.from(exports.memory.buffer), run: exports[name] as Run };
  } catch {
    return undefined;
  }
}
