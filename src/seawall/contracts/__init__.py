"""What every layer may import: values and protocols, no behaviour that needs a socket or a task."""
