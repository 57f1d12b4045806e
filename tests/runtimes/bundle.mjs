/** Bundles a program as its users would: `bundle.mjs TOOL PROGRAM OUTPUT...`, the outputs in the order of {@linkcode TOOLS}. */
import { basename, dirname } from "node:path";
import process from "node:process";

const NODE_MODULES = /^node:/;

const TOOLS = {
  async esbuild(entry, ...outputs) {
    const { build } = await import("esbuild");
    for (const [index, format] of ["esm", "cjs"].entries()) {
      await build({
        entryPoints: [entry],
        outfile: outputs[index],
        bundle: true,
        platform: "node",
        format,
      });
    }
  },
  async vite(entry, ssr, lib) {
    const { build } = await import("vite");
    const config = { configFile: false, logLevel: "warn" };
    await build({
      ...config,
      build: { ssr: entry, ...viteOutput(ssr) },
      ssr: { noExternal: true },
    });
    const { outDir, rollupOptions } = viteOutput(lib);
    await build({
      ...config,
      build: {
        lib: { entry, formats: ["es"] },
        outDir,
        rollupOptions: { ...rollupOptions, external: NODE_MODULES },
      },
    });
  },
  async webpack(entry, module, commonJs) {
    const { default: webpack } = await import("webpack");
    const run = (output, options = {}) =>
      new Promise((resolve, reject) => {
        const config = {
          mode: "production",
          target: "node",
          entry,
          ...options,
        };
        webpack({ ...config, output }, (error, stats) => {
          if (error || stats.hasErrors()) reject(error ?? stats.toString());
          else resolve();
        });
      });
    await run({ ...webpackOutput(module), module: true }, {
      experiments: { outputModule: true },
    });
    await run(webpackOutput(commonJs));
  },
};

function viteOutput(path) {
  const output = { entryFileNames: basename(path) };
  return { outDir: dirname(path), rollupOptions: { output } };
}

function webpackOutput(path) {
  return { path: dirname(path), filename: basename(path) };
}

const [tool, ...paths] = process.argv.slice(2);
await TOOLS[tool](...paths);
