"""What calls cost and who pays: prices, caps, reservations, and rows on their way to the ledger."""
