"""The backend of a health coach: FastAPI, users and conversations in PostgreSQL, a model behind the gateway."""
