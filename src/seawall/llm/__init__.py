"""Language-model dialects: what a client asks, how a provider is asked, what comes back, what it used."""
