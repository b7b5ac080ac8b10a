"""Runs programs in one process: reads them as JSON, and answers what each printed, or what it raised."""

import contextlib
import io
import json
import sys
import traceback


def printed(program: str) -> str:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(program, "shown", "exec"), {"__name__": "shown"})
    except Exception:
        return traceback.format_exc()
    finally:
        if "torch" in sys.modules:
            sys.modules["torch"].set_default_dtype(sys.modules["torch"].float32)
    return said.getvalue()


if __name__ == "__main__":
    programs = json.load(sys.stdin)
    answers = [printed(program) for program in programs]
    sys.stdout.write("\nANSWERS " + json.dumps(answers) + "\n")
