import type { RequirementRow } from "./requirement-row.ts";

export const leaseGrammar = [
  {
    id: "R-9.1-1",
    section: "9.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A lease MUST be an object that maps capability namespaces to arrays of non-empty pattern strings, where a missing lease, a missing namespace and an empty array grant nothing.",
  },
  {
    id: "R-9.1-2",
    section: "9.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A lease MUST NOT change, grow or be renewed after acceptance; only its budget counters move.",
  },
  {
    id: "R-9.2-1",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A namespace that is neither one of the seven reserved ones nor a valid vendor name MUST be refused with INVALID_REQUEST.",
  },
  {
    id: "R-9.2-2",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Matching MUST follow the three tables above exactly and always cover the complete canonical target, from its first to its last character.",
  },
  {
    id: "R-9.2-3",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An invalid pattern, including one longer than 1 024 characters or with more than 16 wildcards, MUST be refused with INVALID_REQUEST at submission.",
  },
  {
    id: "R-9.2-4",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Matching MUST take time polynomial in pattern and target length, without backtracking explosions.",
  },
  {
    id: "R-9.2-5",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Before matching, a path MUST be made absolute (against the job's workspace if one is defined), have . and .. resolved, repeated slashes merged and a trailing slash removed, and be denied when it contains NUL or climbs above the root.",
  },
  {
    id: "R-9.2-6",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Path patterns MUST undergo the same normalisation at submission, where . or .. segments and relative patterns without a workspace are invalid and the single pattern ** means every path.",
  },
  {
    id: "R-9.2-7",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime that performs file access or fetches itself MUST apply the check to the real location behind symbolic links and to every redirect hop.",
  },
  {
    id: "R-9.2-8",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Before matching, a URL MUST be parsed by the WHATWG algorithm with scheme and host in lower case, IDNA applied, a trailing dot of the host, the default port and the fragment removed, dot segments resolved and unreserved percent-escapes decoded.",
  },
  {
    id: "R-9.2-9",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A URL with user information, a scheme other than http and https, or an escaped /, \\ or NUL in its path MUST be denied.",
  },
  {
    id: "R-9.2-10",
    section: "9.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "In a URL pattern, host wildcards MUST NOT match beyond the host, a missing port means the default port, a missing path means /, ?, # and @ are invalid, scheme://** means every URL of that scheme, the single pattern ** every URL, and scheme and host are compared in lower case.",
  },
] as const satisfies readonly RequirementRow[];
