/** The parts of the state that who shows and repairs it needs beyond `mod.ts`. A name is added here in review. */

export { Aborts } from "./aborts.ts";
export { optionsOf } from "./manager.ts";
export {
  effectiveMutations,
  type ReadSources,
  rebuild,
  rebuildSources,
} from "./rebuild.ts";
export { viewOptionsOf } from "./view/view.ts";
