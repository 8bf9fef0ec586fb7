"""The real policies in virtual time: thousands of clients, an upstream that fails, and what each policy makes of it."""
