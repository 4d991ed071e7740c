"""The peer: a digit server as tutorials show it, Flask around Keras's `model.predict`.

It is given the bundle's trainable model, and gunicorn, which most tutorials leave out.
"""

import io

import keras
import numpy as np
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from PIL import Image

from serving.bundle import KERAS
from serving.config import Config
from serving.loaded import PREFERRED
from serving.repository import Repository

app = Flask(__name__)
model = keras.saving.load_model(Repository(Config().models).find(PREFERRED).path / KERAS)


@app.post("/predict")
def predict() -> ResponseReturnValue:
    """Shrink the canvas to 28x28 and predict."""
    image = Image.open(io.BytesIO(request.get_data())).getchannel("A").resize((28, 28))
    probabilities = model.predict(np.asarray(image)[None], verbose=0)
    return jsonify(text=str(probabilities.argmax()))
