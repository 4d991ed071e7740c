"""FastAPI with nothing between the socket and the network that can be left out: no models, orjson both ways."""

import orjson
from fastapi import FastAPI, Request, Response

from tests.bench.peers import network

app = FastAPI()
engine = network.load()


@app.post("/predict")
async def predict(request: Request) -> Response:
    """Read one digit."""
    body = orjson.loads(await request.body())
    answer = network.answer(engine.predict(network.picture(body["pixels"])))
    return Response(orjson.dumps(answer), media_type="application/json")
