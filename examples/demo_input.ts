import type { StateOptions } from "@mini/state/state";

/** A component of this machine. */
export interface Component {
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

/** A mutation of the component registry. */
export interface Registration {
  readonly type: "register";
  readonly caller: number;
  readonly turn: number;
  readonly component: Component;
}

/** The sum of all registrations. */
export interface Registry {
  registrations: number;
  versions: Record<string, string>;
}

/** How a registration changes the registry. */
export const REGISTRY: StateOptions<Registry, Registration> = {
  initial: () => ({ registrations: 0, versions: {} }),
  apply: (registry, { component }) => {
    registry.registrations += 1;
    registry.versions[component.name] = component.version;
  },
  maxSegmentBytes: 1024 * 1024,
};

/** Real input: what is installed on this machine, from the first place that tells. */
export async function readComponents(): Promise<
  { components: Component[]; source: string }
> {
  const sources = {
    "Debian packages": debianPackages,
    "cached modules": cachedModules,
    "environment variables": environment,
  };
  for (const [source, read] of Object.entries(sources)) {
    const components = await read().catch(() => []);
    if (components.length > 0) return { components, source };
  }
  throw new Error("There is nothing to register on this machine");
}

async function debianPackages(): Promise<Component[]> {
  const status = await Deno.readTextFile("/var/lib/dpkg/status");
  return status.split("\n\n").filter((entry) => entry !== "").map((entry) => {
    const field = (name: string) =>
      new RegExp(`^${name}: (.*)$`, "m").exec(entry)?.[1] ?? "";
    return {
      name: field("Package"),
      version: field("Version"),
      description: field("Description"),
    };
  });
}

async function cachedModules(): Promise<Component[]> {
  const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] });
  const { stdout } = await info.output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  const components: Component[] = [];
  for await (const registry of Deno.readDir(npmCache)) {
    for await (const { name } of Deno.readDir(`${npmCache}/${registry.name}`)) {
      components.push({ name, version: "", description: registry.name });
    }
  }
  return components;
}

// deno-lint-ignore require-await -- one of several sources, the others wait
async function environment(): Promise<Component[]> {
  return Object.keys(Deno.env.toObject()).map((name) => ({
    name,
    version: "",
    description: "environment variable",
  }));
}
