"""One answer of each POST, as the OpenAPI document shows it, and what it answers; a test asks and compares."""

from typing import Any

# A layer of two units: what it comes to can be read at a glance.
SMALL: dict[str, Any] = {
    "seed": 42,
    "layers": [{"name": "out", "type": "dense", "shape": [2, 2], "activation": "relu"}],
}
# Three steps: what a training looks like, not what it comes to.
SHORT: dict[str, Any] = {
    "seed": 1,
    "task": "moons",
    "steps": 3,
    "learning_rate": 0.1,
    "schemes": ["he_normal"],
    "layers": [
        {"name": "fc1", "type": "dense", "shape": [2, 8], "activation": "relu"},
        {"name": "out", "type": "dense", "shape": [8, 2]},
    ],
}
# Where SMALL is to be had again: its canonical text, deflated.
ADDRESS = (
    "/weights/eNoVysEKgzAQhOF3mXOgNPTkq0gPiw51ISaSXQUR373r8ftnLkj5ta6-rBigVd3YD77eSChyshuG8YJMroe4thqvzrLHXGVlqO0esEW20J"
    "hT_ib4-QAzqxF3BCPnCJ-M-w-sxSTv"
)


def of_parameter(key: str) -> dict[str, str]:
    return {
        name: f"{ADDRESS}/{key}.{suffix}" for name, suffix in (("npy", "npy"), ("raw", "raw"), ("statistics", "json"))
    }


LINKS = {
    "json": f"{ADDRESS}.json",
    "npz": f"{ADDRESS}.npz",
    "safetensors": f"{ADDRESS}.safetensors",
    "statistics": f"{ADDRESS}.json?include=statistics",
    "svg": f"{ADDRESS}.svg",
    "index": f"{ADDRESS}/model.safetensors.index.json",
}
QUESTIONS: dict[str, dict[str, Any]] = {"init": SMALL, "plan": SMALL, "diagnose": SMALL, "train": SHORT}
# Measured numbers are cut to four digits.
ANSWERS: dict[str, dict[str, Any]] = {
    "init": {
        "algorithm": "initserve/1",
        "seed": "42",
        "layout": "keras",
        "dtype": "float32",
        "layers": [
            {
                "name": "out",
                "type": "dense",
                "activation": "relu",
                "parameters": [
                    {
                        "name": "kernel",
                        "shape": [2, 2],
                        "dtype": "float32",
                        "fan_in": 2,
                        "fan_out": 2,
                        "scheme": {
                            "name": "he_normal",
                            "scale": 2.0,
                            "mode": "fan_in",
                            "distribution": "truncated_normal",
                        },
                        "formula": "N(0, 1.13684723²) between -2.27369447 and 2.27369447",
                        "reason": "relu: He et al. 2015",
                        "links": of_parameter("out/kernel"),
                        "npy": (
                            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIpLCB9ICAgICAg"
                            "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo0RCy/eZUev3yAiT+ZlJg/"
                        ),
                        "sha256": "be278034d90695e32a2201972f8a6b2359ba248fa33874a83ec82c592b528f43",
                    },
                    {
                        "name": "bias",
                        "shape": [2],
                        "dtype": "float32",
                        "fan_in": 2,
                        "fan_out": 2,
                        "scheme": {"name": "zeros", "value": 0.0},
                        "formula": "0",
                        "reason": "bias: nothing to tell apart, so it starts at 0",
                        "links": of_parameter("out/bias"),
                        "npy": (
                            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAg"
                            "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAA=="
                        ),
                        "sha256": "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc",
                    },
                ],
            }
        ],
        "links": LINKS,
        "warnings": [],
    },
    "plan": {
        "algorithm": "initserve/1",
        "seed": "42",
        "layout": "keras",
        "dtype": "float32",
        "layers": [
            {
                "name": "out",
                "type": "dense",
                "activation": "relu",
                "parameters": [
                    {
                        "name": "kernel",
                        "shape": [2, 2],
                        "dtype": "float32",
                        "fan_in": 2,
                        "fan_out": 2,
                        "scheme": {
                            "name": "he_normal",
                            "scale": 2.0,
                            "mode": "fan_in",
                            "distribution": "truncated_normal",
                        },
                        "formula": "N(0, 1.13684723²) between -2.27369447 and 2.27369447",
                        "reason": "relu: He et al. 2015",
                        "links": of_parameter("out/kernel"),
                        "bytes": 16,
                        "shard": "model-00001-of-00001.safetensors",
                    },
                    {
                        "name": "bias",
                        "shape": [2],
                        "dtype": "float32",
                        "fan_in": 2,
                        "fan_out": 2,
                        "scheme": {"name": "zeros", "value": 0.0},
                        "formula": "0",
                        "reason": "bias: nothing to tell apart, so it starts at 0",
                        "links": of_parameter("out/bias"),
                        "bytes": 8,
                        "shard": "model-00001-of-00001.safetensors",
                    },
                ],
            }
        ],
        "links": LINKS,
        "warnings": [],
        "totals": {"parameters": 2, "elements": 6, "bytes": 24, "shards": 1},
    },
    "train": {
        "task": "moons",
        "runs": [
            {
                "scheme": "he_normal",
                "seed": "1",
                "every": 1,
                "loss": [0.6387, 0.5405, 0.6073],
                "gradient_norm": [0.6259, 0.454, 0.5112],
                "final_loss": 0.5587,
                "accuracy": 0.632,
                "learnt": False,
                "reason": (
                    "63% of the answers are right, where a constant one has 50%; from 75% on it is learnt: more steps, "
                    "another learning rate or another start may do"
                ),
            }
        ],
    },
    "diagnose": {
        "algorithm": "initserve/1",
        "seed": "42",
        "verdict": "normal",
        "code": "keeps-size",
        "summary": "This start is in the normal zone: outputs and gradients keep their size from end to end.",
        "inputs": {"kind": "standard normal", "shape": [128, 2]},
        "zone": {"low": 0.001953, "high": 32.0},
        "layers": [
            {
                "name": "out",
                "type": "dense",
                "activation": "relu",
                "inputs": ["input"],
                "input": None,
                "verdict": "normal",
                "also": [],
                "code": "in-zone",
                "reason": "a step changes it neither too little nor too much",
                "judged_by": {"size": 0.9192, "slope": 0.6574},
                "forward": {
                    "mean": 0.5179,
                    "std": 0.7468,
                    "rms": 0.9088,
                    "saturated": 0.5625,
                    "dead": 0.0,
                    "correlation": None,
                    "units": 2,
                    "distinct": 2,
                },
                "backward": {"mean": -0.03, "std": 1.025, "rms": 1.025, "weights": 0.03851},
                "matrix": {"largest": 1.846, "smallest": 0.07406, "condition": 24.92, "stable_rank": 1.002},
                "forecast": {
                    "mean": 0.5578,
                    "rms": 0.9887,
                    "correlation": 0.3151,
                    "chi": 1.0,
                    "backward": 1.0,
                    "slope": 0.708,
                },
            }
        ],
        "blocks": [],
        "streams": [],
        "attention": [],
        "output": {
            "rms": 0.9088,
            "correlation": None,
            "distance": 1.133,
            "inputs_correlation": 0.008768,
            "places_distance": None,
        },
        "across": None,
        "steps": None,
        "try": None,
        "tuned": None,
    },
    # Of a file of SMALL in which one element is another, and one parameter is missing.
    "verify": {
        "equal": False,
        "summary": (
            "1 of 2 parameters differ, first out/kernel at [1, 0]: 1.0, not 1.0742335319519043; "
            "1 missing, first out/bias"
        ),
        "parameters": [
            {
                "name": "out/kernel",
                "equal": False,
                "dtype": "float32",
                "shape": [2, 2],
                "differing": 1,
                "first_difference": {
                    "index": [1, 0],
                    "expected": 1.0742335319519043,
                    "found": 1.0,
                    "expected_bits": "0x3f89807c",
                    "found_bits": "0x3f800000",
                },
                "max_abs_difference": 0.0742335319519043,
            }
        ],
        "missing": ["out/bias"],
        "unexpected": [],
        "totals": {"parameters": 2, "equal": 0, "different": 1, "missing": 1, "unexpected": 0},
    },
}
