/** The kind of the events that jobs number, from 1. */
export const STEP = "x-vendor.restore.step";
