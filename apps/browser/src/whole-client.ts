/** Everything of ARCP that a page can use: its size is an upper bound for every page. */
export * from "@arcp/client";
export { dial } from "@arcp/transport-ws";
