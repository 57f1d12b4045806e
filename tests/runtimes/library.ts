import * as admin from "@mini/state/admin";
import * as otel from "@mini/state/otel";
import * as queue from "@mini/state/queue";
import * as root from "@mini/state";
import * as snap from "@mini/state/snap";
import * as state from "@mini/state/state";
import * as store from "@mini/state/store";
import * as testing from "@mini/state/testing";

/** The package by its public names. The runner says what they stand for. */
export interface Library {
  readonly root: typeof root;
  readonly store: typeof store;
  readonly snap: typeof snap;
  readonly state: typeof state;
  readonly queue: typeof queue;
  readonly testing: typeof testing;
  readonly admin: typeof admin;
  readonly otel: typeof otel;
}

/** The package and each of its sub-paths. */
export const library: Library = {
  root,
  store,
  snap,
  state,
  queue,
  testing,
  admin,
  otel,
};
