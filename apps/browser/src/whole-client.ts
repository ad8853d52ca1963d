/** All that a page can use of ARCP: what it weighs is an upper bound for every page. */
export * from "@arcp/client";
export { dial } from "@arcp/transport-ws";
