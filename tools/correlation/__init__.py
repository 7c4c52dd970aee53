"""From a ledger of evidence to a root cause. Pure: no I/O, no clock, no randomness."""
