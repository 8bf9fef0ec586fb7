"""Users, conversations and messages in PostgreSQL: the backend's own three tables, and every statement on them."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from coach.errors import HandleTaken, Unknown
from coach.schemas import Conversation, Message, User, Welcome

__all__ = ["Store", "opened"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  handle text NOT NULL UNIQUE,
  goal text NOT NULL,
  token_hash bytea NOT NULL UNIQUE,
  joined timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS conversations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  topic text NOT NULL,
  begun timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS conversations_user ON conversations (user_id);
CREATE TABLE IF NOT EXISTS messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('user', 'assistant')),
  text text NOT NULL,
  model text,
  said timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS messages_conversation ON messages (conversation_id, id);
"""
_SAY = "INSERT INTO messages (conversation_id, role, text, model) VALUES ($1, $2, $3, $4) RETURNING *"
_LATEST = """
SELECT id, role, text, model, said FROM messages WHERE conversation_id = $1 ORDER BY id DESC LIMIT $2
"""


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Store:
    """Asks the database; each statement takes a connection of the pool and gives it back at once.

    Args:
        pool: of asyncpg.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def join(self, handle: str, goal: str) -> Welcome:
        """Add a user with a token, of which only the hash is kept.

        Raises:
            HandleTaken: the name is another user's.
        """
        token = secrets.token_urlsafe(32)
        statement = "INSERT INTO users (handle, goal, token_hash) VALUES ($1, $2, $3) RETURNING id"
        try:
            number = await self._pool.fetchval(statement, handle, goal, _hash(token))
        except asyncpg.UniqueViolationError as error:
            raise HandleTaken from error
        return Welcome(id=number, handle=handle, goal=goal, token=token)

    async def user(self, token: str) -> User | None:
        """Return whose token this is."""
        row = await self._pool.fetchrow("SELECT id, handle, goal FROM users WHERE token_hash = $1", _hash(token))
        return None if row is None else User(**row)

    async def begin(self, user: User, topic: str) -> Conversation:
        """Begin a conversation."""
        statement = "INSERT INTO conversations (user_id, topic) VALUES ($1, $2) RETURNING id, topic, begun"
        return Conversation(**await self._pool.fetchrow(statement, user.id, topic))

    async def conversations(self, user: User, most: int) -> list[Conversation]:
        """Return a user's conversations, the newest first."""
        statement = "SELECT id, topic, begun FROM conversations WHERE user_id = $1 ORDER BY id DESC LIMIT $2"
        return [Conversation(**row) for row in await self._pool.fetch(statement, user.id, most)]

    async def messages(self, user: User, conversation: int, most: int) -> list[Message]:
        """Return the latest messages of a conversation, the oldest of them first.

        Raises:
            Unknown: the user has no such conversation.
        """
        owned = "SELECT EXISTS (SELECT FROM conversations WHERE id = $1 AND user_id = $2)"
        if not await self._pool.fetchval(owned, conversation, user.id):
            raise Unknown
        return [Message(**row) for row in reversed(await self._pool.fetch(_LATEST, conversation, most))]

    async def remember(self, conversation: int, question: str, answer: str, model: str) -> Message:
        """Keep a question with its answer, both or neither; return the answer."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SAY, conversation, "user", question, None)
            row = await connection.fetchrow(_SAY, conversation, "assistant", answer, model)
        return Message(**row)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """Connect, make the tables where there are none, and let go of all connections in the end."""
    async with asyncpg.create_pool(url, min_size=1, max_size=5, command_timeout=10) as pool:
        await pool.execute(_SCHEMA)
        yield Store(pool)
