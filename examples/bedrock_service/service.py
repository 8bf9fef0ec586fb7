"""A typed API in front of Bedrock: pydantic in, pydantic out; the gateway keeps time, keys and bills."""

import os

from fastapi import FastAPI, HTTPException
from openai import APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic import BaseModel, Field

app = FastAPI()
direct = DefaultAsyncHttpxClient(trust_env=False)  # the gateway is no business of a proxy's
client = AsyncOpenAI(
    base_url=os.environ["GATEWAY_URL"] + "/v1", api_key=os.environ["SERVICE_KEY"], max_retries=0, http_client=direct
)


class Question(BaseModel):
    """What is asked."""

    text: str = Field(min_length=1, max_length=4000)


class Reply(BaseModel):
    """What is answered, and the tokens it took."""

    text: str
    tokens: int


@app.post("/summaries")
async def summarize(question: Question) -> Reply:
    """Return a summary; the gateway's status when it has none."""
    prompt = f"Summarize: {question.text}"
    try:
        got = await client.chat.completions.create(model="writer", messages=[{"role": "user", "content": prompt}])
    except APIStatusError as error:
        raise HTTPException(error.status_code, "the model gave no answer, try again later") from error
    return Reply(text=got.choices[0].message.content or "", tokens=got.usage.total_tokens if got.usage else 0)
