"""Every exception this project raises on purpose, in one tree.

    TerwayMcpError              something a caller can act on; its text is safe to show
    ├── InvalidInput            an argument, name, selector or option is malformed
    ├── ClusterUnreachable      no kubeconfig, no such context, no route, TLS or login refused
    ├── BundleError             the captured cluster cannot be read
    │   └── BundleCorrupt       it is truncated, not an archive, or not JSON where JSON must be
    ├── KnowledgeError          a knowledge file breaks its schema
    ├── ServerBusy              more calls wait for a cluster than can be answered in time
    ├── StoreError              the investigation store cannot be opened or written
    ├── TooManyInvestigations   a caller has opened as many as are kept for one
    ├── OutputError             a file that a command was asked for cannot be written
    └── CredentialsError        the tokens or keys that callers are checked against cannot be read

A read that a reachable API server denies or does not know is *not* an exception: it is a
`Coverage` entry (see `cluster/coverage.py`), and the rest of the answer goes on.
"""


class TerwayMcpError(Exception):
    """Root of the tree; the message is written for the person who asked."""


class InvalidInput(TerwayMcpError):  # noqa: N818 - reads as the state it reports
    """A caller's argument is malformed: a name, a selector, a time, a path."""


class ClusterUnreachable(TerwayMcpError):  # noqa: N818 - reads as the state it reports
    """No API server answered: missing kubeconfig or context, refused connection, TLS or login failure."""


class BundleError(TerwayMcpError):
    """A bundle path does not exist, is not a bundle, or asks for something outside itself."""


class BundleCorrupt(BundleError):  # noqa: N818 - reads as the state it reports
    """A bundle is truncated or holds something that cannot be decoded."""


class KnowledgeError(TerwayMcpError):
    """A knowledge file is not valid: the message names file, entry and field."""


class ServerBusy(TerwayMcpError):  # noqa: N818 - reads as the state it reports
    """A call waited its turn for too long; nothing was asked of the cluster."""


class StoreError(TerwayMcpError):
    """The investigation store cannot be opened or written."""


class TooManyInvestigations(TerwayMcpError):  # noqa: N818 - reads as the state it reports
    """A caller has as many investigations open as are kept for one; nobody's are given up for another."""


class OutputError(TerwayMcpError):
    """A bundle, a report or a kubeconfig cannot be written; what stood in its place still stands there."""


class CredentialsError(TerwayMcpError):
    """A token file is malformed or open to everybody, or a key set cannot be had; nothing secret is in the message."""
