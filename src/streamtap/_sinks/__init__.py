"""What receives records: metrics, spans, the usage ledger, the journal, logs, progress."""
