"""From a run to its sinks: the protocol, the guard, the worker thread, and the interface of tracing."""
