"""The small messages of our own are TensorFlow Serving's: field by field, and byte by byte in both directions."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow_serving.apis import get_model_status_pb2, model_pb2, predict_pb2, status_pb2

from serving.protos import tfserving_pb2 as ours

PAIRS = {
    "ModelSpec": model_pb2.ModelSpec,
    "TensorShapeProto": tensor_shape_pb2.TensorShapeProto,
    "TensorProto": tensor_pb2.TensorProto,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "StatusProto": status_pb2.StatusProto,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
}
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
ROWS = np.random.default_rng(1).random((3, 10), np.float32)


def test_every_message_is_compared() -> None:
    assert set(ours.DESCRIPTOR.message_types_by_name) == set(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
def test_fields_have_the_official_numbers_types_and_names(name: str) -> None:
    compare(getattr(ours, name).DESCRIPTOR, PAIRS[name].DESCRIPTOR)


def compare(mine: Any, theirs: Any) -> None:
    for field in mine.fields:
        official = theirs.fields_by_number[field.number]
        assert (field.name, field.is_repeated) == (official.name, official.is_repeated)
        # An enumeration travels as a number.
        same = {field.TYPE_ENUM: field.TYPE_INT32}
        assert same.get(field.type, field.type) == same.get(official.type, official.type)
        if field.message_type and field.message_type.file is mine.file:
            assert official.message_type.full_name.rpartition(".")[2] == field.message_type.name
            if field.message_type.GetOptions().map_entry:
                compare(field.message_type, official.message_type)


def test_enumerations_have_the_official_numbers() -> None:
    for name, number in ours.DataType.items():
        assert types_pb2.DataType.Value(name) == number
    assert ours.ModelVersionStatus.State.items() == get_model_status_pb2.ModelVersionStatus.State.items()


def spec() -> dict[str, Any]:
    return {"name": "digits", "version": {"value": 3}, "signature_name": "embed"}


def pictures(module: Any) -> dict[str, Any]:
    return {
        "dtype": module.DT_UINT8,
        "tensor_shape": {"dim": [{"size": size} for size in PICTURES.shape]},
        "tensor_content": PICTURES.tobytes(),
    }


def rows(module: Any) -> dict[str, Any]:
    return {
        "dtype": module.DT_FLOAT,
        "tensor_shape": {"dim": [{"size": size} for size in ROWS.shape]},
        "float_val": ROWS.ravel().tolist(),
    }


def examples(types: Any) -> dict[str, dict[str, Any]]:
    return {
        "PredictRequest": {"model_spec": spec(), "inputs": {"image": pictures(types)}, "output_filter": ["embedding"]},
        "PredictResponse": {"model_spec": spec(), "outputs": {"embedding": rows(types)}},
        "GetModelStatusRequest": {"model_spec": spec()},
        "GetModelStatusResponse": {
            "model_version_status": [
                {"version": 3, "state": 30, "status": {"error_code": 0}},
                {"version": 2**40, "state": 50, "status": {"error_code": 5, "error_message": "gone"}},
            ]
        },
    }


@pytest.mark.parametrize("name", examples(ours))
def test_bytes_are_the_same_in_both_directions(name: str) -> None:
    mine = getattr(ours, name)(**examples(ours)[name])
    theirs = PAIRS[name](**examples(types_pb2)[name])
    # Two orders of the fields of a message are both right; told to be deterministic, both write the numbers' order.
    written = mine.SerializeToString(deterministic=True)
    assert written == theirs.SerializeToString(deterministic=True)
    assert PAIRS[name].FromString(mine.SerializeToString()) == theirs
    assert getattr(ours, name).FromString(theirs.SerializeToString()) == mine


def test_tensorflow_reads_our_pictures_and_we_its_numbers() -> None:
    tensor = tensor_pb2.TensorProto.FromString(ours.TensorProto(**pictures(ours)).SerializeToString())
    assert (tf.make_ndarray(tensor) == PICTURES).all()
    found = ours.TensorProto.FromString(tf.make_tensor_proto(ROWS).SerializeToString())
    assert found.dtype == ours.DT_FLOAT
    assert (np.frombuffer(found.tensor_content, "<f4").reshape(3, 10) == ROWS).all()


def test_what_we_do_not_know_of_theirs_is_passed_over() -> None:
    request = predict_pb2.PredictRequest(client_id=b"them", model_spec={"name": "digits", "version_label": "stable"})
    request.inputs["image"].version_number = 1
    found = ours.PredictRequest.FromString(request.SerializeToString())
    assert (found.model_spec.name, list(found.inputs)) == ("digits", ["image"])
