import type { Client } from "@arcp/client";
import type { View } from "./view/view.ts";

/**
 * Shows that the connection is lost, how each attempt to reconnect failed, and that the connection is back.
 *
 * @param isOver whether nothing more is to be shown
 */
export async function showLosses(
  { states }: Pick<Client, "states">,
  view: Pick<View, "connection">,
  isOver: () => boolean,
): Promise<void> {
  let isLost = false;
  for await (const state of states) {
    if (isOver()) return;
    if (state.kind === "retrying" || (state.kind === "online" && isLost)) view.connection(state);
    if (state.kind === "retrying" || state.kind === "online") isLost = state.kind === "retrying";
  }
}
